"""What can be wished for, on X and in the gallery: shapes, how many pictures, which seeds. Knows no words."""

import secrets

# Those that people know from cameras, screens and paper. Painters take shapes up to three times as long as wide.
SHAPES = ("21:9", "16:9", "3:2", "4:3", "5:4", "1:1", "4:5", "3:4", "2:3", "9:16", "9:21")
MOST_PICTURES = 4
MOST_STEPS = 50
LARGEST_SEED = 2**31 - 1
# How far a picture goes from the one that it starts from, from nothing (0) to all of it (1).
DISTANCES = {"close": 0.35, "halfway": 0.55, "far": 0.8}


def any_seed() -> int:
    """A seed for who wished none."""
    return secrets.randbelow(LARGEST_SEED + 1)
