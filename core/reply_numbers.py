"""What the text of a reply tells about its creation: every reply of ours names it by its number. Pure.

"No. 17. Reply ..." and "... (No. 17)"; formerly "Painting No. 17, seed 42".
"""

import re

NUMBER = re.compile(r"\bNo\. ([0-9]{1,18})\b")
SEED = re.compile(r"\bseed ([0-9]{1,18})\b")


def numbers_in(text: str) -> list[int]:
    """The numbers of creations that a reply names."""
    return [int(number) for number in NUMBER.findall(text)]


def seed_in(text: str) -> int | None:
    """The seed that a reply tells, if it does."""
    found = SEED.search(text)
    return int(found[1]) if found else None


def may_be_of(creation_id: int, text: str) -> bool:
    """Whether the words of a reply may be those of a creation: they name it, or none at all.

    In doubt they are: a missing reply is a pity, a double one is spam.
    """
    named = numbers_in(text)
    return not named or creation_id in named
