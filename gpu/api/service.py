"""The ASGI app of the GPU service: its routes, and the life of its engine thread."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Unpack

from fastapi import Depends, FastAPI, Request, Response
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from gpu.api.auth import CallerAuth, Unauthorized
from gpu.api.contract import Cost, EmbedRequest, EmbedResponse, PaintRequest, PaintResponse
from gpu.api.embed import EmbedEndpoint
from gpu.api.encoding import Format
from gpu.api.errors import handle_http_exception, handle_unauthorized
from gpu.api.health import HealthEndpoint
from gpu.api.init_image import silence_pillow
from gpu.api.metrics import Metrics
from gpu.api.paint import PaintEndpoint
from gpu.batching.engine_thread import EngineOptions, EngineThread
from gpu.engine import Engine


def create_app(
    engine: Engine,
    *,
    token: str | None,
    drop_flagged: bool = False,
    encoding: Format = "jpeg",
    encode_threads: int = 4,
    cost: Cost | None = None,
    **engine_options: Unpack[EngineOptions],
) -> FastAPI:
    """Return the app around an engine, which loads in its own thread (`app.state.engine_thread`) at the start.

    Args:
        token: callers must send it; None authorizes all.
        drop_flagged: do not return images that the checker flags.
        engine_options: see `EngineThread`.
    """
    silence_pillow()
    thread = EngineThread(engine, **engine_options)
    metrics, auth = _create_metrics(thread), CallerAuth(token)
    paint = PaintEndpoint(
        thread,
        metrics,
        auth=auth,
        drop_flagged=drop_flagged,
        max_bodies=thread.queue_limit,
        encoding=encoding,
        encode_threads=encode_threads,
        cost=cost,
    )
    embed = EmbedEndpoint(thread, metrics, auth=auth)
    app = _create_asgi_app(thread, on_shutdown=[paint.shutdown, embed.shutdown])
    _add_post(app, "/v1/paint", paint.__call__, PaintRequest, PaintResponse)
    _add_post(app, "/v1/embed", embed.__call__, EmbedRequest, EmbedResponse)
    _add_routes(app, HealthEndpoint(thread, cost, drop_flagged=drop_flagged), metrics, auth)
    return app


def _create_asgi_app(thread: EngineThread, on_shutdown: Iterable[Callable[[], None]]) -> FastAPI:
    """Return an app without routes, which starts the thread with the server and stops it with the server."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        thread.start()
        try:
            yield
        finally:
            await asyncio.to_thread(thread.stop)
            for shutdown in on_shutdown:
                shutdown()

    # FastAPI's documentation pages load scripts from elsewhere, and its own openapi.json needs no token.
    app = FastAPI(title="Threadpaint GPU service", lifespan=lifespan, redirect_slashes=False, openapi_url=None)
    app.add_exception_handler(HTTPException, handle_http_exception)
    app.add_exception_handler(Unauthorized, handle_unauthorized)
    app.state.engine_thread = thread
    return app


def _add_post(
    app: FastAPI,
    path: str,
    endpoint: Callable[[Request], Awaitable[Response]],
    request: type[BaseModel],
    response: type[BaseModel],
) -> None:
    """Add a route that reads its body itself, within limits."""
    body = {"content": {"application/json": {"schema": request.model_json_schema()}}, "required": True}
    app.add_api_route(
        path,
        endpoint,
        methods=["POST"],
        name=path.rpartition("/")[2],
        openapi_extra={"requestBody": body},
        responses={200: {"model": response}},
    )


def _add_routes(app: FastAPI, health: HealthEndpoint, metrics: Metrics, auth: CallerAuth) -> None:
    app.add_api_route("/healthz", health.healthz, methods=["GET"])
    app.add_api_route("/healthz", health.healthz, methods=["HEAD"], include_in_schema=False)  # for some monitors
    needs_token = [Depends(auth)]
    app.add_api_route("/metrics", metrics.page, methods=["GET"], dependencies=needs_token)
    app.add_api_route("/openapi.json", app.openapi, methods=["GET"], dependencies=needs_token, include_in_schema=False)


def _create_metrics(thread: EngineThread) -> Metrics:
    return Metrics(
        gauges={
            "gpu_ready": ("1 if a request would be generated.", lambda: thread.status == "ok"),
            "gpu_queue": ("Requests that wait.", lambda: thread.waiting),
            "gpu_queue_pictures": ("Pictures of the requests that wait.", lambda: thread.waiting_images),
            "gpu_unchecked": ("Generated batches that wait for the safety check.", lambda: thread.unchecked),
        },
        totals={
            "gpu_batches": ("Batches generated.", lambda: thread.runner.batches),
            "gpu_out_of_memory": ("How often fewer pictures had to be tried.", lambda: thread.runner.out_of_memory),
        },
    )
