"""The whole house on one machine with nothing installed: `make demo`.

Checks ports and folder, brings the tables up to date, starts the processes of `Procfile.demo`, waits until all answer,
has the sandbox's people ask for their first pictures, prints one line, and keeps everything alive until stopped.
"""

import fcntl
import os
import secrets
import signal
import socket
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

import httpx

from core.errors import SettingsError
from core.private_files import keep_private
from core.settings import HouseSettings, load
from core.supervisor import Supervisor, read_procfile

HOST = "127.0.0.1"
ROOT = Path(__file__).parent.parent
# A busy machine starts six Pythons slowly: giving up stops all of them.
READY_WITHIN = 180.0
SHORTEST_SECRET = 32
# What anybody may know: these keys open only the sandbox on this machine.
SANDBOX_KEYS = {
    "X_CONSUMER_KEY": "sandbox-consumer-key",
    "X_CONSUMER_SECRET": "sandbox-consumer-secret",
    "X_ACCESS_TOKEN": "sandbox-token-threadpaint",
    "X_ACCESS_TOKEN_SECRET": "sandbox-token-secret-threadpaint",
    "X_CLIENT_ID": "sandbox-client-id",
    "X_CLIENT_SECRET": "sandbox-client-secret",
    "SANDBOX_CLIENT_NAME": "Threadpaint",
}


def run(tell: Callable[[str], None]) -> int:
    """Run the demo until Ctrl-C or SIGTERM. Returns the exit status. Raises SettingsError with one line."""
    house = load(HouseSettings)
    keep_private(house.data_dir)
    lock = _take_folder(house.data_dir)
    _check_ports(house)
    environment = demo_environment(house)
    children = read_procfile(ROOT / "Procfile.demo", house.data_dir.resolve() / "logs")
    supervisor = Supervisor(
        [child for child in children if child.name != "gpu" or not house.demo_gpu_url],
        environment=environment,
        last=frozenset({"queue"}),
        tell=tell,
    )
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, supervisor.ask_to_stop)
    try:
        return _run(supervisor, house, tell)
    finally:
        supervisor.stop_all()
        lock.close()


def demo_environment(house: HouseSettings) -> dict[str, str]:
    """Variables of the demo's processes: they win over a `.env` that was written for the real X."""
    sandbox, data = f"http://{HOST}:{house.sandbox_port}", house.data_dir.resolve()
    given = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "STORAGE_URL")}
    quick = {
        "POLL_SECONDS": "0.5",
        "POLL_IDLE_SECONDS": "0.5",
        "SEARCH_SECONDS": "5",
        "SEARCH_OVERLAP_SECONDS": "120",
        # Play money.
        "BUDGET_DAY_USD": "none",
        "BUDGET_MONTH_USD": "none",
        "X_TIMEOUT_SECONDS": "3",
        "SETTLE_SECONDS": "5",
        # Who says delete wants to see it done.
        "KEEP_SECONDS": "2",
        "LEASE_SECONDS": "15",
        "RETRY_SECONDS": "1",
        # Who takes a fault of the sandbox away wants to see replies resume.
        "PROBE_SECONDS": "3",
        "PROBE_LONGEST_SECONDS": "6",
    }
    fixed = {
        "DATA_DIR": str(data),
        "DATABASE_URL": house.demo_database_url or f"sqlite:///{data / 'threadpaint.db'}",
        "STORAGE_URL": str(data / "pictures"),
        "REDIS_URL": "",
        "GALLERY_PORT": str(house.gallery_port),
        "GALLERY_HOST": HOST,
        # Links in previews, feeds and shared posts lead here. A `.env` for the real X names the real site instead.
        "GALLERY_URL": os.environ.get("GALLERY_URL") or f"http://{HOST}:{house.gallery_port}",
        "SANDBOX_PORT": str(house.sandbox_port),
        "SANDBOX_DATA": str(data / "sandbox"),
        "GPU_PORT": str(house.gpu_port),
        **_painter(house),
        "X_API_URL": sandbox,
        "X_WEB_URL": sandbox,
        "PYTHONUNBUFFERED": "1",
        "GALLERY_SECRET": _gallery_secret(data),
    }
    return quick | given | fixed | SANDBOX_KEYS


def _gallery_secret(folder: Path) -> str:
    """The demo's own, made once: who is signed in stays so when it starts again."""
    file, fresh = folder / "gallery.secret", folder / "gallery.secret.new"
    try:
        if file.exists() and len(kept := file.read_text().strip()) >= SHORTEST_SECRET:
            return kept
        fresh.unlink(missing_ok=True)
        with os.fdopen(os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as new:
            new.write(secrets.token_hex(SHORTEST_SECRET))
        fresh.replace(file)
        return file.read_text()
    except (OSError, ValueError) as error:
        raise SettingsError(f"DATA_DIR: cannot keep a secret in {file} ({error})") from None


def _painter(house: HouseSettings) -> dict[str, str]:
    """The sketch, or the painter that somebody brings, with the token that it wants."""
    if house.demo_gpu_url:
        return {"GPU_URL": house.demo_gpu_url, "GPU_TOKEN": os.environ.get("GPU_TOKEN", "")}
    return {"GPU_ENGINE": "sketch", "GPU_URL": f"http://{HOST}:{house.gpu_port}", "GPU_TOKEN": "demo"}


def _run(supervisor: Supervisor, house: HouseSettings, tell: Callable[[str], None]) -> int:
    migrated = supervisor.run_once("core", "migrate")
    if supervisor.stop_asked:
        return 0
    if not migrated:
        raise SettingsError("DATA_DIR: the tables could not be brought up to date, see above")
    supervisor.start_all()
    if not _wait_until_ready(supervisor, house):
        return 0 if supervisor.stop_asked else _complain(supervisor, tell)
    _let_us_look_often(house)
    # The sandbox's people ask for their first pictures, so that no page is empty. Done once per world.
    supervisor.run_once("sandbox", "samples", "--url", f"http://{HOST}:{house.sandbox_port}")
    if not supervisor.stop_asked:
        tell(_ready(house))
    while not supervisor.stop_asked:
        supervisor.keep_alive()
        time.sleep(0.1)
    return 0


def _let_us_look_often(house: HouseSettings) -> None:
    """Who plays does not want to wait for the next look, and two looks a second are more than X allows. All other
    limits of the sandbox stay as X has them."""
    reads = ("GET /2/users/:id/mentions", "GET /2/tweets/search/recent")
    limits = [{"endpoint": call, "calls": 10_000, "seconds": 900} for call in reads]
    with httpx.Client(timeout=5.0, trust_env=False) as http:
        http.post(f"http://{HOST}:{house.sandbox_port}/sandbox/limits", json={"limits": limits}).raise_for_status()


def _ready(house: HouseSettings) -> str:
    painter = _painter(house)["GPU_URL"]
    return (
        f"ready: gallery http://{HOST}:{house.gallery_port}  sandbox http://{HOST}:{house.sandbox_port}  "
        f"gpu {painter}{_not_yet(painter)}  (logs in {house.data_dir / 'logs'}, Ctrl-C stops)"
    )


def _not_yet(painter: str) -> str:
    """A model may load for minutes, and whoever starts the demo first need not wait for it."""
    try:
        if httpx.get(f"{painter.rstrip('/')}/healthz", timeout=5.0, trust_env=False).status_code == 200:
            return ""
    except (httpx.HTTPError, httpx.InvalidURL):
        pass
    return " (not ready yet: pictures wait for it)"


def _wait_until_ready(supervisor: Supervisor, house: HouseSettings) -> bool:
    started = time.monotonic()
    with httpx.Client(timeout=1.0, trust_env=False) as http:
        while not supervisor.stop_asked and (waited := time.monotonic() - started) < READY_WITHIN:
            supervisor.keep_alive()
            if _all_answer(http, house, waited):
                return True
            time.sleep(0.1)
    return False


def _all_answer(http: httpx.Client, house: HouseSettings, waited: float) -> bool:
    """Sandbox and sketch say ok; the gallery says that workers live and that the poller has looked since we started.

    Not that all is well: answers of yesterday may wait, or the sandbox may want money.
    """
    try:
        for port in (house.sandbox_port, *([] if house.demo_gpu_url else [house.gpu_port])):
            http.get(f"http://{HOST}:{port}/healthz").raise_for_status()
        health = http.get(f"http://{HOST}:{house.gallery_port}/healthz").raise_for_status().json()
    except (httpx.HTTPError, ValueError):
        return False
    polled = health.get("polled_seconds_ago")
    return bool(health.get("workers") and polled is not None and polled < waited)


def _complain(supervisor: Supervisor, tell: Callable[[str], None]) -> int:
    tell(f"not ready after {READY_WITHIN:.0f} seconds; the last lines of each log:")
    for child in supervisor.children:
        lines = child.log.read_text(errors="replace").splitlines()[-3:] if child.log.exists() else []
        tell(f"  {child.name} ({'runs' if child.runs else 'ended'}): " + " / ".join(lines))
    return 1


def _take_folder(folder: Path) -> IO[str]:
    """Make sure that the folder can be written and that no other demo uses it. The lock lives as long as the file."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
        lock = (folder / "demo.lock").open("w")
    except OSError as error:
        raise SettingsError(
            f"DATA_DIR: cannot write to {folder} ({error.strerror}); {_another('DATA_DIR=~/tp')}"
        ) from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise SettingsError(f"DATA_DIR: another demo uses {folder}; {_another('DATA_DIR=data2')}") from None
    return lock


def _check_ports(house: HouseSettings) -> None:
    ports = {"GALLERY_PORT": house.gallery_port, "SANDBOX_PORT": house.sandbox_port}
    if not house.demo_gpu_url:
        ports["GPU_PORT"] = house.gpu_port
    seen: dict[int, str] = {}
    for name, port in ports.items():
        if port in seen:
            raise SettingsError(f"{name}: {port} is {seen[port]} too; {_another(f'{name}={port + 10}')}")
        seen[port] = name
        if not _is_free(port):
            raise SettingsError(f"{name}: port {port} on {HOST} is taken; {_another(f'{name}={port + 10}')}")


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _another(example: str) -> str:
    return f"choose another, e.g. {example} make demo"
