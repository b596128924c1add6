"""Check the folder and the ports before the demo starts. Each error names a setting that helps."""

import fcntl
import socket
import tempfile
from pathlib import Path
from typing import IO

from core.demo.environment import HOST
from core.errors import SettingsError
from core.settings import AppSettings


def lock_folder(folder: Path) -> IO[str]:
    """Return the lock of the folder. Raise SettingsError if the folder is not writable, or if another demo uses it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
        lock = (folder / "demo.lock").open("w")
    except OSError as error:
        raise SettingsError(
            f"DATA_DIR: cannot write to {folder} ({error.strerror}); {_suggest('DATA_DIR=~/tp')}"
        ) from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise SettingsError(f"DATA_DIR: another demo uses {folder}; {_suggest('DATA_DIR=data2')}") from None
    return lock


def ensure_ports_free(app: AppSettings) -> None:
    """Raise SettingsError if a port is taken, or if two settings name the same one."""
    ports = {"GALLERY_PORT": app.gallery_port, "SANDBOX_PORT": app.sandbox_port}
    if not app.demo_gpu_url:
        ports["GPU_PORT"] = app.gpu_port
    seen: dict[int, str] = {}
    for name, port in ports.items():
        if port in seen:
            raise SettingsError(f"{name}: {port} is {seen[port]} too; {_suggest(f'{name}={port + 10}')}")
        seen[port] = name
        if not _is_free(port):
            raise SettingsError(f"{name}: port {port} on {HOST} is taken; {_suggest(f'{name}={port + 10}')}")


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _suggest(example: str) -> str:
    return f"choose another, e.g. {example} make demo"
