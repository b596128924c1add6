"""Reads pictures of strangers: any bytes in, one upright RGB picture in sRGB out, within bounds of time and memory.

The same package stands in `core/imaging/reader` and in `gpu/web/reader`, because neither side may import the other; a
test compares them. Change both. Knows Pillow and nothing of ours.
"""

from .decoding import read, size_of
from .errors import TooLarge, TooSlow, Unreadable

__all__ = ["TooLarge", "TooSlow", "Unreadable", "read", "size_of"]
