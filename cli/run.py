"""Run the production processes in the foreground, and restart those that die. The Procfile names the same ones."""

import os
import signal
import sys
import time
from collections.abc import Callable

from core.cli.commands import migrate
from core.demo.supervisor import Child, Supervisor
from core.settings import JobSettings, QueueSettings, load

# The queue stops last, because the others use it until their end.
QUEUE = "queue"
COMMANDS = {QUEUE: "queue-server", "web": "web", "poller": "poll", "worker": "work"}
# Added to the time that a worker may take to finish its pictures.
STOP_MARGIN_SECONDS = 2.0


def run_all(echo: Callable[[str], None]) -> int:
    """Upgrade the database, then run all processes until SIGINT or SIGTERM. Return the exit code."""
    migrate()
    supervisor = Supervisor(
        _children(),
        environment=os.environ | {"PYTHONUNBUFFERED": "1"},
        last=frozenset({QUEUE}),
        print_line=echo,
        stop_seconds=load(JobSettings).stop_grace_seconds + STOP_MARGIN_SECONDS,
    )
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, supervisor.ask_to_stop)
    try:
        supervisor.start_all()
        while not supervisor.stop_asked:
            supervisor.keep_alive()
            time.sleep(0.1)
    finally:
        supervisor.stop_all()
    return 0


def _children() -> list[Child]:
    """Return the processes. With REDIS_URL the queue runs elsewhere."""
    names = [name for name in COMMANDS if name != QUEUE or not load(QueueSettings).redis_url]
    return [Child(name, [sys.executable, "-m", "cli.app", COMMANDS[name]]) for name in names]
