"""The GPU service over HTTP: checks the caller, the order and the queue, and answers with pictures.

Knows the contract and the engine thread; knows no model. The way of one order:

    token | ready? room? | body, bounded | contract | limits | start image | engine thread | encode | answer
"""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
import time
from collections.abc import AsyncIterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from fastapi import FastAPI, Request, Response
from starlette.requests import ClientDisconnect

from gpu.contract import (
    MAX_BODY_BYTES,
    Cost,
    PaintAnswer,
    PaintRequest,
    Picture,
    Safety,
    Seconds,
    Unpaintable,
    read_request,
)
from gpu.encoding import Encoded, Format, encode
from gpu.engine import Checker, Engine, NotReady, Order, PaintFailed, QueueFull
from gpu.engine_thread import EngineThread, Outcome
from gpu.metrics import Metrics
from gpu.orders import order_from, with_start
from gpu.start_pictures import decode_start

log = logging.getLogger("gpu")

# Loading takes seconds to a minute; asking every few seconds costs nothing and wastes little of a warm GPU.
RETRY_WHILE_LOADING = "3"
# 14 MB arrive in this time over 4 Mbit/s; who is slower holds a place that others wait for.
BODY_SECONDS = 30
_CLIENT_GONE = 499  # nobody reads it; it is for the counters


def create_app(
    engine: Engine,
    *,
    token: str | None,
    checker: Checker | None = None,
    withhold: bool = False,
    queue_limit: int = 64,
    batch_wait: float = 0.004,
    keeps: float = 0.0,
    encoding: Format = "jpeg",
    encode_threads: int = 4,
    cost: Cost | None = None,
) -> FastAPI:
    """The ASGI app around an engine, which is loaded in its own thread when the app starts.

    `token` None lets anybody paint. `withhold` keeps back what the checker flags. `keeps` is how many seconds the
    machine is paid for after its last order. `app.state.engine_thread` is for hosts that wait for the model first.
    """
    thread = EngineThread(engine, checker=checker, queue_limit=queue_limit, batch_wait=batch_wait, keeps=keeps)
    service = Service(
        thread,
        token=token,
        withhold=withhold,
        readers=queue_limit,
        encoding=encoding,
        threads=encode_threads,
        cost=cost,
    )
    app = FastAPI(title="Threadpaint GPU service", lifespan=service.lifespan)
    app.state.engine_thread = service.thread
    body = {"content": {"application/json": {"schema": PaintRequest.model_json_schema()}}, "required": True}
    app.add_api_route(
        "/v1/paint",
        service.paint,
        methods=["POST"],
        openapi_extra={"requestBody": body},
        responses={200: {"model": PaintAnswer}},
    )
    app.add_api_route("/healthz", service.healthz, methods=["GET"])
    app.add_api_route("/metrics", service.metrics_page, methods=["GET"])
    return app


class Service:
    """The three pages and what they share: the engine thread, the thread pool, the token, the counters."""

    def __init__(
        self,
        thread: EngineThread,
        *,
        token: str | None,
        withhold: bool,
        readers: int,
        encoding: Format,
        threads: int,
        cost: Cost | None,
    ) -> None:
        self.thread = thread
        self.metrics = Metrics()
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="encode")
        self._expected = f"Bearer {token}".encode() if token else None
        self._withhold, self._encoding, self._cost = withhold, encoding, cost
        self._reading, self._reading_limit = 0, readers

    @asynccontextmanager
    async def lifespan(self, _app: FastAPI) -> AsyncIterator[None]:
        self.thread.start()
        try:
            yield
        finally:
            await asyncio.to_thread(self.thread.stop)
            self._pool.shutdown(wait=False, cancel_futures=True)

    async def paint(self, request: Request) -> Response:
        """POST /v1/paint: every way it can end is one line here."""
        try:
            response = await self._paint(request)
        except Unpaintable as error:
            response = _refusal(422, [{"field": field, "reason": reason} for field, reason in error.errors])
        except QueueFull as error:
            response = _error(429, "the queue is full", retry_after=str(error.retry_after))
        except NotReady as error:
            response = _error(503, f"the engine is {error.status}", retry_after=RETRY_WHILE_LOADING)
        except PaintFailed:
            response = _error(500, "the engine failed to paint this")
        except ClientDisconnect:
            response = Response(status_code=_CLIENT_GONE)
        except TimeoutError:
            response = _error(408, f"the body took longer than {BODY_SECONDS} s", headers={"Connection": "close"})
        except asyncio.CancelledError:
            if self.thread.status != "stopped":
                raise
            # The server's patience ended while this was painted: not a fault, and worth another try elsewhere.
            response = _error(503, "the engine is stopped", retry_after=RETRY_WHILE_LOADING)
        self.metrics.count(response.status_code)
        return response

    async def _paint(self, request: Request) -> Response:
        if not self._may_paint(request):
            return _error(401, "no or wrong token", headers={"WWW-Authenticate": "Bearer"})
        self.thread.check_room()
        body = await self._body(request)
        if body is None:
            return _error(413, f"the body is larger than {MAX_BODY_BYTES} bytes", headers={"Connection": "close"})
        order = await self._order(read_request(body))
        outcome = await _unless_gone(request, self.thread.submit(order))
        return await self._answer(order, outcome)

    async def _body(self, request: Request) -> bytes | None:
        """The body; no more of them are under way at once than orders may wait, or a crowd would fill the memory."""
        if self._reading >= self._reading_limit:
            raise QueueFull(1)
        self._reading += 1
        try:
            async with asyncio.timeout(BODY_SECONDS):
                return await _bounded_body(request)
        finally:
            self._reading -= 1

    def _may_paint(self, request: Request) -> bool:
        given = request.headers.get("authorization", "").encode("latin-1", "replace")
        return self._expected is None or hmac.compare_digest(given, self._expected)

    async def _order(self, asked: PaintRequest) -> Order:
        order = order_from(asked, self.thread.engine.limits)
        if asked.init_image is None:
            return order
        decode = partial(decode_start, asked.init_image, order.key.width, order.key.height)
        return with_start(order, await self._in_pool(decode))

    async def _answer(self, order: Order, outcome: Outcome) -> Response:
        began = time.monotonic()
        work = [self._in_pool(partial(encode, done.image, self._encoding)) for done in outcome.paintings]
        encoded = await asyncio.gather(*work)
        answer = PaintAnswer(
            model=self.thread.engine.model,
            pictures=_pictures(order, outcome, encoded),
            steps=order.key.steps,
            guidance=order.key.guidance,
            seconds=Seconds(
                queued=outcome.queued,
                painting=outcome.painting,
                checking=outcome.checking,
                encoding=time.monotonic() - began,
                gpu=outcome.gpu,
                idle=outcome.idle,
            ),
            cost=self._cost,
            batch_size=outcome.batch_size,
        )
        self.metrics.count_pictures(answer)
        return Response(answer.model_dump_json(), media_type="application/json")

    async def _in_pool(self, work: partial[Any]) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    async def healthz(self) -> Response:
        """200 only when an order would be painted; a broken engine asks to be replaced."""
        status = self.thread.status
        if status != "ok":
            return _json(503, {"status": "loading" if status == "new" else status})
        return _json(200, {"status": "ok", "model": self.thread.engine.model, "queue": self.thread.waiting})

    async def metrics_page(self) -> Response:
        ready = self.thread.status == "ok"
        text = self.metrics.text(waiting=self.thread.waiting, batches=self.thread.batches, ready=ready)
        return Response(text, media_type="text/plain; version=0.0.4")


async def _bounded_body(request: Request) -> bytes | None:
    """The body, or None as soon as it is clear that it is too large: it is never held whole in memory."""
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length[:12]) > MAX_BODY_BYTES:
        return None
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            return None
    return bytes(body)


async def _unless_gone(request: Request, future: Future[Outcome]) -> Outcome:
    """The outcome; a client that hangs up (or a host that cancels us) takes its order out of the queue."""
    outcome = asyncio.wrap_future(future)
    gone = asyncio.ensure_future(_hung_up(request))
    both: list[asyncio.Future[Any]] = [outcome, gone]
    try:
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        if not outcome.done():
            raise ClientDisconnect
        return outcome.result()
    finally:
        gone.cancel()
        outcome.cancel()


async def _hung_up(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _pictures(order: Order, outcome: Outcome, encoded: list[Encoded]) -> list[Picture]:
    return [
        Picture(
            seed=piece.seed,
            image=data.image,
            mime=data.mime,
            width=done.image.width,
            height=done.image.height,
            safety=Safety(checked=True, flagged=verdict.flagged, scores=dict(verdict.scores)) if verdict else Safety(),
        )
        for piece, done, verdict, data in zip(order.pieces, outcome.paintings, outcome.verdicts, encoded, strict=True)
    ]


def _error(
    status: int, reason: str, *, retry_after: str | None = None, headers: dict[str, str] | None = None
) -> Response:
    extra = {"Retry-After": retry_after} if retry_after else {}
    return _json(status, {"error": reason}, headers={**(headers or {}), **extra})


def _refusal(status: int, errors: list[dict[str, str]]) -> Response:
    return _json(status, {"errors": errors})


def _json(status: int, content: object, *, headers: dict[str, str] | None = None) -> Response:
    return Response(json.dumps(content), status, headers, media_type="application/json")
