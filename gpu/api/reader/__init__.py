"""Read untrusted images: any bytes in, one upright RGB image in sRGB out, within limits of time and memory.

`core/imaging/reader` and `gpu/api/reader` are copies, because neither side may import the other. A test compares them,
so change both.
"""

from .decoding import read, size_of
from .errors import TooLarge, TooSlow, Unreadable

__all__ = ["TooLarge", "TooSlow", "Unreadable", "read", "size_of"]
