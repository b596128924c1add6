"""Reads ids in addresses and fields, which anybody may write. Knows no page."""

from gallery.keyset import LARGEST_ID


def number_in(text: str) -> int:
    """The id that a text names; 0, which nobody has, where it names none. Python does not read 5,000 digits."""
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 20 else 0
    return number if number <= LARGEST_ID else 0
