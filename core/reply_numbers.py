"""Parse the text of our replies: each names its creation by number. Pure.

"No. 17. Reply ..." and "... (No. 17)"; formerly "Painting No. 17, seed 42".
"""

import re

NUMBER = re.compile(r"\bNo\. ([0-9]{1,18})\b")
SEED = re.compile(r"\bseed ([0-9]{1,18})\b")


def parse_numbers(text: str) -> list[int]:
    """Return the numbers of creations that a reply names."""
    return [int(number) for number in NUMBER.findall(text)]


def parse_seed(text: str) -> int | None:
    """Return the seed that a reply names; None if it names none."""
    match = SEED.search(text)
    return int(match[1]) if match else None


def may_reply_for(creation_id: int, text: str) -> bool:
    """Return whether a reply may be that of a creation: its text names this creation, or none.

    In doubt it counts as ours: a second reply is spam, and worse than a missing one.
    """
    named = parse_numbers(text)
    return not named or creation_id in named
