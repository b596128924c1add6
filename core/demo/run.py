"""Run all processes on one machine, without any service installed: `make demo`.

Check ports and folder, migrate the database, start the processes of `Procfile.demo`, wait until all respond, create
sample posts in the sandbox, print one line, let people use the demo, and restart processes that die until stopped.
"""

import signal
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from core.demo.environment import HOST, demo_environment, gpu_environment
from core.demo.life.progress import begin, load_progress
from core.demo.preflight import ensure_ports_free, lock_folder
from core.demo.supervisor import Supervisor, read_procfile
from core.errors import SettingsError
from core.private_files import keep_private
from core.settings import AppSettings, load

ROOT = Path(__file__).parent.parent.parent
# A busy machine starts six Python processes slowly.
READY_TIMEOUT_SECONDS = 180.0


def run(print_line: Callable[[str], None]) -> int:
    """Run the demo until Ctrl-C or SIGTERM. Returns the exit status. Raises SettingsError with one line."""
    app = load(AppSettings)
    keep_private(app.data_dir)
    lock = lock_folder(app.data_dir)
    ensure_ports_free(app)
    environment = demo_environment(app)
    children = read_procfile(ROOT / "Procfile.demo", app.data_dir.resolve() / "logs")
    supervisor = Supervisor(
        [child for child in children if child.name != "gpu" or not app.demo_gpu_url],
        environment=environment,
        last=frozenset({"queue"}),
        print_line=print_line,
    )
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, supervisor.ask_to_stop)
    try:
        return _run(supervisor, app, print_line)
    finally:
        supervisor.stop_all()
        lock.close()


def _run(supervisor: Supervisor, app: AppSettings, print_line: Callable[[str], None]) -> int:
    migrated = supervisor.run_once("core", "migrate")
    if supervisor.stop_asked:
        return 0
    if not migrated:
        raise SettingsError("DATA_DIR: the tables could not be brought up to date, see above")
    supervisor.start_all()
    if not _wait_until_ready(supervisor, app):
        return 0 if supervisor.stop_asked else _report_not_ready(supervisor, print_line)
    _raise_read_limits(app)
    if not app.demo_empty:
        print_line(f"{_post_samples(app)} sample prompts posted")
    if not supervisor.stop_asked:
        print_line(_ready_message(app))
    _bring_to_life(supervisor, app)
    while not supervisor.stop_asked:
        supervisor.keep_alive()
        time.sleep(0.1)
    return 0


def _raise_read_limits(app: AppSettings) -> None:
    """Raise the sandbox's limits for reads: the demo polls twice a second, more often than X allows."""
    reads = ("GET /2/users/:id/mentions", "GET /2/tweets/search/recent")
    limits = [{"endpoint": call, "calls": 10_000, "seconds": 900} for call in reads]
    with httpx.Client(timeout=5.0, trust_env=False) as http:
        http.post(f"http://{HOST}:{app.sandbox_port}/sandbox/limits", json={"limits": limits}).raise_for_status()


def _post_samples(app: AppSettings) -> int:
    """Create sample posts once per sandbox, so that no page is empty. Return their number.

    `python -m sandbox samples` does the same, but takes 0.7 s of CPU time to start.
    """
    with httpx.Client(timeout=30.0, trust_env=False) as http:
        answer = http.post(f"http://{HOST}:{app.sandbox_port}/sandbox/samples").raise_for_status()
    count = int(answer.json()["data"]["posted"])
    if count:
        begin(app.data_dir)
    return count


def _bring_to_life(supervisor: Supervisor, app: AppSettings) -> None:
    """Let the sandbox's people use a new demo, until it stops or they are done. A real GPU service costs too much."""
    progress = load_progress(app.data_dir)
    if progress and not progress.finished and not (app.demo_empty or app.demo_gpu_url):
        supervisor.run_once("core.demo.life", log=app.data_dir.resolve() / "logs" / "life.log")


def _ready_message(app: AppSettings) -> str:
    gpu_url = gpu_environment(app)["GPU_URL"]
    return (
        f"ready: gallery http://{HOST}:{app.gallery_port}  sandbox http://{HOST}:{app.sandbox_port}  "
        f"gpu {gpu_url}{_gpu_readiness_note(gpu_url)}  (logs in {app.data_dir / 'logs'}, Ctrl-C stops)"
    )


def _gpu_readiness_note(gpu_url: str) -> str:
    """Return a note if the GPU service is not ready: loading a model may take minutes."""
    try:
        if httpx.get(f"{gpu_url.rstrip('/')}/healthz", timeout=5.0, trust_env=False).status_code == 200:
            return ""
    except (httpx.HTTPError, httpx.InvalidURL):
        pass
    return " (not ready yet: pictures wait for it)"


def _wait_until_ready(supervisor: Supervisor, app: AppSettings) -> bool:
    started = time.monotonic()
    with httpx.Client(timeout=1.0, trust_env=False) as http:
        while not supervisor.stop_asked and (waited := time.monotonic() - started) < READY_TIMEOUT_SECONDS:
            supervisor.keep_alive()
            if _all_respond(http, app, waited):
                return True
            time.sleep(0.1)
    return False


def _all_respond(http: httpx.Client, app: AppSettings, waited: float) -> bool:
    """Return whether sandbox and GPU service respond, workers run, and the poller has polled since the start.

    This does not check that all is well: old replies may still wait, for example.
    """
    try:
        for port in (app.sandbox_port, *([] if app.demo_gpu_url else [app.gpu_port])):
            http.get(f"http://{HOST}:{port}/healthz").raise_for_status()
        health = http.get(f"http://{HOST}:{app.gallery_port}/healthz").raise_for_status().json()
    except (httpx.HTTPError, ValueError):
        return False
    polled = health.get("polled_seconds_ago")
    return bool(health.get("workers") and polled is not None and polled < waited)


def _report_not_ready(supervisor: Supervisor, print_line: Callable[[str], None]) -> int:
    print_line(f"not ready after {READY_TIMEOUT_SECONDS:.0f} seconds; the last lines of each log:")
    for child in supervisor.children:
        lines = child.log.read_text(errors="replace").splitlines()[-3:] if child.log and child.log.exists() else []
        print_line(f"  {child.name} ({'runs' if child.runs else 'ended'}): " + " / ".join(lines))
    return 1
