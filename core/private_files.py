"""Keep an instance's files private from other users of the machine."""

import os
import re
from contextlib import suppress
from pathlib import Path

# Names that an instance creates in the data folder. A folder with other files may be a home folder: leave it open.
OWN_NAMES = re.compile(
    r"threadpaint\.db.*|pictures|uploads|backups|queue|queue\.\w+|logs|sandbox|demo\.lock|gallery\.secret.*|\..*"
)


def keep_private(data_dir: Path) -> None:
    """Make files of this process readable only by their owner, and close files that earlier versions left open.

    Files of other users are skipped silently.
    """
    os.umask(0o077)
    with suppress(OSError):
        ours, has_other_files = _list_own_files(data_dir)
        for path in ours if has_other_files else [data_dir, *ours]:
            _close(path)


def mode_like(folder: Path) -> int:
    """Return the mode for a new file in a picture folder: users who may read the folder may read the file.

    A web server that serves the folder may run as another user. The operator allows that by one chmod of the folder.
    """
    return folder.stat().st_mode & 0o666


def _list_own_files(folder: Path) -> tuple[list[Path], bool]:
    """Return an instance's own files in a folder, and whether there are other files."""
    paths = list(folder.iterdir())
    ours = [path for path in paths if OWN_NAMES.fullmatch(path.name)]
    return ours, len(ours) < len(paths)


def _close(path: Path) -> None:
    # Sockets have permissions of their own, and a link may point anywhere.
    if path.is_symlink() or not (path.is_dir() or path.is_file()):
        return
    with suppress(OSError):
        mode = path.stat().st_mode
        if mode & 0o077:
            path.chmod(mode & 0o700)
