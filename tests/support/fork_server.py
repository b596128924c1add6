"""Start product processes in milliseconds: fork them from a process that has imported their modules already.

`python -m worker` imports for three seconds of CPU time, `python -m gallery` for five. A fork is a process like any
other: it has its own environment, folder, output, signals and exit status. Before the fork nothing happens but imports.
`tests/support/forked_process.py` starts this server.
"""

import gc
import json
import os
import runpy
import socket
import struct
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from tests.support.statement_log import FOLDER_VARIABLE, record_statements

# What each module imports when it starts, and in its commands.
COMMANDS = (
    "core.cli.backup",
    "core.cli.costs",
    "core.cli.reports",
    "core.cli.status_json",
    "core.deletion",
    "core.demo.queue_server",
    "core.migrate",
    "core.x.operator_client",
)
BOT = ("bot.announce_cli", "bot.cost_report", "bot.doctor.runner", "bot.factory", "bot.moderation")
PROGRAMS = ("gallery.__main__", "gpu.__main__", "gpu.sketch.engine", "sandbox.__main__", "worker.__main__")
IMPORTS = {
    "bot": (*COMMANDS, *BOT),
    "cli.app": (*COMMANDS, *BOT),
    "core": COMMANDS,
    "gallery": ("gallery.__main__",),
    "gpu": ("gpu.__main__", "gpu.sketch.engine"),
    "sandbox": ("sandbox.__main__",),
    "tests.support.forking_supervisor": ("core.demo.run", *COMMANDS, *BOT, *PROGRAMS),
    "tests.support.quick_worker": ("worker.__main__",),
    "worker": ("worker.__main__",),
}
NUMBER = struct.Struct("i")


def main() -> None:
    """Serve requests from the socket whose descriptor is the first argument. A fork returns from its module.

    More arguments are modules to import at the start.
    """
    requests = socket.socket(fileno=int(sys.argv[1]))
    requests.set_inheritable(False)
    for name in sys.argv[2:]:
        import_module(name)
    while descriptors := socket.recv_fds(requests, 1, 4)[1]:
        *streams, reply = descriptors
        with socket.socket(fileno=reply) as channel:
            request = json.loads(channel.makefile("rb").readline())
            _import(request["command"][0])
            if os.fork() == 0:
                requests.close()
                _supervise_fork(channel)
                break
        for stream in streams:
            os.close(stream)
        _reap_supervisors(os.WNOHANG)
    else:
        return _reap_supervisors()
    return _run(request, streams)


def _import(module: str) -> None:
    for name in IMPORTS[module]:
        import_module(name)
        if name.endswith(".__main__"):
            sys.modules.pop(name, None)  # or `runpy` warns that the module runs twice
    gc.freeze()  # forks do not collect what they inherit: their end takes 0.03 s instead of 0.8


def _supervise_fork(channel: socket.socket) -> None:
    """Fork, and report pid and exit status. Returns in the new process only."""
    if pid := os.fork():
        channel.sendall(NUMBER.pack(pid))
        channel.sendall(NUMBER.pack(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])))
        os._exit(0)


def _reap_supervisors(options: int = 0) -> None:
    with suppress(ChildProcessError):
        while os.waitpid(-1, options)[0]:
            pass


def _run(request: dict[str, Any], streams: list[int]) -> None:
    """Run `python -m COMMAND` with this environment, in this folder."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    if folder := os.environ.get(FOLDER_VARIABLE):
        record_statements(Path(folder))
    module, *arguments = request["command"]
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
