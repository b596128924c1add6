"""Limits of generation parameters, the same on X and in the gallery."""

import secrets

# Common formats of cameras, screens and paper. Models accept ratios up to 3:1.
ASPECT_RATIOS = ("21:9", "16:9", "3:2", "4:3", "5:4", "1:1", "4:5", "3:4", "2:3", "9:16", "9:21")
MAX_IMAGES = 4
MAX_STEPS = 50
MAX_SEED = 2**31 - 1
# How far the result may go from the init image: 0 keeps it, 1 ignores it.
STRENGTHS = {"close": 0.35, "halfway": 0.55, "far": 0.8}


def random_seed() -> int:
    """Return a random seed."""
    return secrets.randbelow(MAX_SEED + 1)
