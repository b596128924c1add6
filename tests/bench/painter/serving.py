"""The painters' own process: measures them directly, serves them over HTTP, and ends with its parent.

    python tests/bench/painter/serving.py '{"folder": ..., "services": [{"kind": "tiny", "settings": {}}], "jobs": []}'

Says what it does as lines of JSON on stdout: {"device": name} once all are loaded, {"direct": ...} for each job
measured, {"listening": [addresses]}, and at the end, when its stdin closes, {"ended": ...}. Whatever a library prints
goes to stderr.
"""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import os
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[3]))

import uvicorn

from tests.bench.painter.direct import Job, device_name, measure, peak_memory
from tests.bench.painter.painters import make_service

# A model of eight billion parameters is made and warmed up in well under this.
LOADING_SECONDS = 900


def main() -> None:
    spec = json.loads(sys.argv[1])
    say = _own_stdout()
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    apps = [make_service(Path(spec["folder"]), **each) for each in spec["services"]]
    for app in apps:
        _load(app)
    say({"device": device_name()})
    for values in spec.get("jobs", []):
        say({"direct": measure(apps[0].state.engine_thread, Job(**values))})
    gc.collect()
    gc.freeze()
    asyncio.run(_serve(apps, say))
    say({"ended": {"peak_gib": peak_memory()}})


def _own_stdout() -> Any:
    """What talks to the parent; whatever a library prints goes to stderr."""
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


async def _serve(apps: list[Any], say: Any) -> None:
    servers = [uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", access_log=False)) for app in apps]
    tasks = [asyncio.create_task(_quietly(server)) for server in servers]
    while not all(server.started for server in servers):
        await asyncio.sleep(0.02)
        if any(task.done() for task in tasks):
            raise SystemExit("a server did not start")
    ports = [server.servers[0].sockets[0].getsockname()[1] for server in servers]
    say({"listening": [f"http://127.0.0.1:{port}" for port in ports]})
    await asyncio.to_thread(sys.stdin.read)  # the parent closes it, or dies
    for server in servers:
        server.should_exit = True
    await asyncio.gather(*tasks)


async def _quietly(server: uvicorn.Server) -> None:
    """Serve without taking over signals: there are several servers, and the parent says when they end."""
    await server._serve()


if __name__ == "__main__":
    main()
