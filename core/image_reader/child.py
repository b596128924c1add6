"""Decode an image in a child process with limits of memory and CPU time.

The header of an AVIF or HEIC has the size of the image, but not of the frame inside: 3 kB of AVIF whose header said
64 x 48 took 930 MB. Their decoders work in one call that only the end of the process can stop.

    parent: the file, the size needed | child: `python -m <this module>` | parent: mode, size, pixels
"""

import io
import os
import subprocess
import sys

from PIL import Image

from .bounds import too_slow
from .errors import Unreadable

# Bytes of address space. 26 megapixels of HEIC take 400 MB with Python and its libraries.
MAX_MEMORY = 768 * 1024 * 1024
# CPU seconds, including the start of Python.
MAX_SECONDS = 8
# Wall-clock seconds, for a child that does not even use the CPU.
TIMEOUT_SECONDS = 60.0
FORMATS = ("AVIF", "HEIF")
# Some machines cannot start Python without these.
PASSED_VARIABLES = ("LD_LIBRARY_PATH", "SYSTEMROOT")


def small_in_child(data: bytes, needed: tuple[int, int]) -> Image.Image:
    """Return the smallest image that covers `needed`, as `decoding.small` does. Raises Unreadable, TooSlow."""
    command = [sys.executable, "-m", __name__, *map(str, needed)]
    # The rest of our environment has secrets.
    environment = {name: os.environ[name] for name in PASSED_VARIABLES if name in os.environ}
    environment["PYTHONPATH"] = os.pathsep.join(path or "." for path in sys.path)
    try:
        result = subprocess.run(  # noqa: S603 -- our own module
            command, input=data, capture_output=True, timeout=TIMEOUT_SECONDS, env=environment, check=False
        )
    except subprocess.TimeoutExpired:
        raise too_slow() from None
    head, _, pixels = result.stdout.partition(b"\n")
    if result.returncode != 0 or not head:
        raise Unreadable("its decoder gave up")
    mode, width, height = head.decode("ascii").split()
    return Image.frombytes(mode, (int(width), int(height)), pixels)


def main(width: int, height: int) -> None:
    """Run in the child: read a file from standard input, write an image to standard output."""
    _set_limits()
    from .decoding import formats, small

    with Image.open(io.BytesIO(sys.stdin.buffer.read()), formats=formats()) as image:
        picture = small(image, (width, height))
    head = f"{picture.mode} {picture.width} {picture.height}\n"
    sys.stdout.buffer.write(head.encode() + picture.tobytes())


def _set_limits() -> None:
    try:
        import resource
    except ImportError:  # Windows
        return
    resource.setrlimit(resource.RLIMIT_CPU, (MAX_SECONDS, MAX_SECONDS))
    if sys.platform != "darwin":  # which ignores it
        resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
