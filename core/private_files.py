"""Keep what an instance stores from the other users of its machine."""

import os
import re
from contextlib import suppress
from pathlib import Path

# Names in the data folder that are ours. A folder that holds anything else may be somebody's home: it stays open.
OURS = re.compile(r"threadpaint\.db.*|pictures|uploads|queue|queue\.\w+|logs|sandbox|demo\.lock|gallery\.secret.*|\..*")


def keep_private(data_dir: Path) -> None:
    """From now on this process makes files that only their owner reads; close what earlier versions left open.

    Nothing is said of what belongs to another user: it is theirs to close.
    """
    os.umask(0o077)
    with suppress(OSError):
        ours, foreign = _sorted(data_dir)
        for path in ours if foreign else [data_dir, *ours]:
            _close(path)


def mode_like(folder: Path) -> int:
    """Return the mode for a new file in a folder of pictures: whoever may list the folder may read the file.

    A web server that serves the folder runs as another user. The operator opens it by one chmod of the folder.
    """
    return folder.stat().st_mode & 0o666


def _sorted(folder: Path) -> tuple[list[Path], bool]:
    """What in a folder is ours, and whether there is anything else."""
    found = list(folder.iterdir())
    ours = [path for path in found if OURS.fullmatch(path.name)]
    return ours, len(ours) < len(found)


def _close(path: Path) -> None:
    # A socket has its own rule, and a link may lead anywhere.
    if path.is_symlink() or not (path.is_dir() or path.is_file()):
        return
    with suppress(OSError):
        mode = path.stat().st_mode
        if mode & 0o077:
            path.chmod(mode & 0o700)
