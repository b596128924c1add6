"""Read untrusted images: any bytes in, one upright RGB image in sRGB out, within limits of time and memory.

The gallery, the worker and the GPU service use it. The GPU service takes it to Modal without the rest of `core`, so it
imports nothing else of this project.
"""

from .decoding import read, size_of
from .errors import TooLarge, TooSlow, Unreadable

__all__ = ["TooLarge", "TooSlow", "Unreadable", "read", "size_of"]
