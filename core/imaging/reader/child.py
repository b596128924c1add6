"""Decodes a picture in a process of its own, with a bound on its memory and CPU time.

The head of an AVIF or HEIC says how large the picture is, but not how large the frame inside is: 3 kB of AVIF that said
64 x 48 took 930 MB. Their decoders work in one call that nothing else can stop.

    parent: the file, the size needed | child: `python -m <this module>` | parent: mode, size, pixels
"""

import io
import os
import subprocess
import sys

from PIL import Image

from .bounds import too_slow
from .errors import Unreadable

# Address space. 26 megapixels of HEIC take 400 MB with Python and its libraries.
MAX_MEMORY = 768 * 1024 * 1024
# CPU seconds, start included.
MAX_SECONDS = 8
# Of the clock: only for what does not even use the CPU.
PATIENCE = 60.0
FORMATS = ("AVIF", "HEIF")
# What some machines need to start Python at all.
KEPT = ("LD_LIBRARY_PATH", "SYSTEMROOT")


def small_in_child(data: bytes, needed: tuple[int, int]) -> Image.Image:
    """The smallest picture that covers `needed`, as `decoding.small` makes it. Raises Unreadable, TooSlow."""
    command = [sys.executable, "-m", __name__, *map(str, needed)]
    # Nothing else of our environment: there are secrets in it.
    environment = {name: os.environ[name] for name in KEPT if name in os.environ}
    environment["PYTHONPATH"] = os.pathsep.join(path or "." for path in sys.path)
    try:
        done = subprocess.run(command, input=data, capture_output=True, timeout=PATIENCE, env=environment, check=False)  # noqa: S603
    except subprocess.TimeoutExpired:
        raise too_slow() from None
    head, _, pixels = done.stdout.partition(b"\n")
    if done.returncode != 0 or not head:
        raise Unreadable("its decoder gave up")
    mode, width, height = head.decode("ascii").split()
    return Image.frombytes(mode, (int(width), int(height)), pixels)


def main(width: int, height: int) -> None:
    """The child: a file on its standard input, a picture on its standard output."""
    _bound()
    from .decoding import formats, small

    with Image.open(io.BytesIO(sys.stdin.buffer.read()), formats=formats()) as image:
        picture = small(image, (width, height))
    head = f"{picture.mode} {picture.width} {picture.height}\n"
    sys.stdout.buffer.write(head.encode() + picture.tobytes())


def _bound() -> None:
    try:
        import resource
    except ImportError:  # Windows
        return
    resource.setrlimit(resource.RLIMIT_CPU, (MAX_SECONDS, MAX_SECONDS))
    if sys.platform != "darwin":  # which does not heed it
        resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
