r"""Measure services directly, serve them over HTTP, and end with the parent process.

    python tests/bench/gpu_parts/serving.py \
        '{"folder": ..., "services": [{"kind": "tiny", "settings": {}}], "jobs": []}'

Prints lines of JSON on stdout: {"device": name} once all are loaded, {"direct": ...} for each job measured,
{"listening": [addresses]}, and at the end, when its stdin closes, {"ended": ...}. Output of libraries goes to stderr.
"""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[3]))

import uvicorn

from gpu.api.http_limits import limited
from tests.bench.gpu_parts.direct import Job, device_name, measure, peak_memory
from tests.bench.gpu_parts.services import make_service

# A model of eight billion parameters is created and warmed up in far less.
LOADING_SECONDS = 900


def main() -> None:
    spec = json.loads(sys.argv[1])
    send = _own_stdout()
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    apps = [make_service(Path(spec["folder"]), **service) for service in spec["services"]]
    for app in apps:
        _load(app)
    send({"device": device_name()})
    for values in spec.get("jobs", []):
        send({"direct": measure(apps[0].state.engine_thread, Job(**values))})
    gc.collect()
    gc.freeze()
    asyncio.run(_serve(apps, send))
    send({"ended": {"peak_gib": peak_memory()}})


def _own_stdout() -> Any:
    """Return a function that writes a line to the parent. Output of libraries goes to stderr."""
    out = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    return lambda line: print(json.dumps(line), file=out, flush=True)


def _load(app: Any) -> None:
    thread = getattr(app.state, "engine_thread", None)
    if thread is None:
        return
    thread.start()
    if thread.wait_settled(LOADING_SECONDS) != "ok":
        raise SystemExit(f"the engine is {thread.status}, not ready")


async def _serve(apps: list[Any], send: Any) -> None:
    servers = [
        _QuietServer(uvicorn.Config(**limited(app), port=0, log_level="error", access_log=False)) for app in apps
    ]
    tasks = [asyncio.create_task(server.serve()) for server in servers]
    while not all(server.started for server in servers):
        await asyncio.sleep(0.02)
        if any(task.done() for task in tasks):
            raise SystemExit("a server did not start")
    ports = [server.servers[0].sockets[0].getsockname()[1] for server in servers]
    send({"listening": [f"http://127.0.0.1:{port}" for port in ports]})
    await asyncio.to_thread(sys.stdin.read)  # until the parent closes it or dies
    for server in servers:
        server.should_exit = True
    await asyncio.gather(*tasks)


class _QuietServer(uvicorn.Server):
    """A server that handles no signals: there are several servers, and the parent ends them."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


if __name__ == "__main__":
    main()
