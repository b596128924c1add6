"""The GPU service over HTTP: checks the caller, the order and the queue, and answers with pictures.

Knows the contract and the engine thread; knows no model. The way of one order:

    token | ready? room? | body, bounded | contract | limits | start image | engine thread | encode | answer
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

from fastapi import Depends, FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from gpu.batching.engine_thread import EngineThread, Outcome
from gpu.engine import Checker, Engine, Failure, NotReady, PaintFailed, Painting, QueueFull, Verdict
from gpu.places import place_of
from gpu.web.answers import answer_to, as_json
from gpu.web.bodies import BODY_SECONDS, Bodies, Memory, Share, TooLarge, TooSlow, declared
from gpu.web.callers import HEADER, Callers, Unauthorised
from gpu.web.contract import MAX_BODY_BYTES, Cost, PaintAnswer, PaintRequest, Unpaintable, read_request
from gpu.web.encoding import MIME, Format, encode
from gpu.web.metrics import Metrics
from gpu.web.orders import Plan, plan, with_start
from gpu.web.start_pictures import decode_start, keep_pictures_out_of_logs

log = logging.getLogger("gpu")

# Loading takes seconds to a minute; asking every few seconds costs nothing and wastes little of a warm GPU.
RETRY_WHILE_LOADING = "3"
# Each may hold 80 MB, of which the second still fits beside a full house.
_START_THREADS = 2
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
    keep_pictures_out_of_logs()
    service = Service(
        EngineThread(engine, checker=checker, queue_limit=queue_limit, batch_wait=batch_wait, keeps=keeps),
        token=token,
        withhold=withhold,
        readers=queue_limit,
        encoding=encoding,
        threads=encode_threads,
        cost=cost,
    )
    # FastAPI's pages of documentation load scripts from elsewhere, and its description asks for no token.
    app = FastAPI(title="Threadpaint GPU service", lifespan=service.lifespan, redirect_slashes=False, openapi_url=None)
    app.add_exception_handler(HTTPException, _no_such_page)
    app.add_exception_handler(Unauthorised, _unauthorised)
    app.state.engine_thread = service.thread
    _add_pages(app, service)
    return app


def _add_pages(app: FastAPI, service: Service) -> None:
    body = {"content": {"application/json": {"schema": PaintRequest.model_json_schema()}}, "required": True}
    caller = {"name": HEADER, "in": "header", "schema": {"type": "string", "maxLength": 64}}
    app.add_api_route(
        "/v1/paint",
        service.paint,
        methods=["POST"],
        openapi_extra={"requestBody": body, "parameters": [caller]},
        responses={200: {"model": PaintAnswer}},
    )
    app.add_api_route("/healthz", service.healthz, methods=["GET"])
    app.add_api_route("/healthz", service.healthz, methods=["HEAD"], include_in_schema=False)  # some monitors ask so
    shown = [Depends(service.check_token)]
    app.add_api_route("/metrics", service.metrics_page, methods=["GET"], dependencies=shown)
    app.add_api_route("/openapi.json", app.openapi, methods=["GET"], dependencies=shown, include_in_schema=False)


class Service:
    """The three pages and what they share: the engine thread, the thread pools, the bounds, the counters."""

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
        self.metrics = _metrics_of(thread)
        self._callers, self._bodies, self._memory = Callers(token), Bodies(readers), Memory()
        # Two pools: whoever sends pictures that take long to read holds up others who do, not the answers.
        self._encoders = ThreadPoolExecutor(threads, thread_name_prefix="encode")
        self._decoders = ThreadPoolExecutor(_START_THREADS, thread_name_prefix="decode")
        self._withhold, self._encoding, self._cost = withhold, encoding, cost

    @asynccontextmanager
    async def lifespan(self, _app: FastAPI) -> AsyncIterator[None]:
        self.thread.start()
        try:
            yield
        finally:
            await asyncio.to_thread(self.thread.stop)
            for pool in (self._encoders, self._decoders):
                pool.shutdown(wait=False, cancel_futures=True)

    async def paint(self, request: Request) -> Response:
        """POST /v1/paint: every way it can end is one line here."""
        try:
            response = await self._paint(request)
        except Unauthorised:
            response = await _unauthorised()
        except Unpaintable as error:
            response = _json(422, {"errors": [{"field": field, "reason": reason} for field, reason in error.errors]})
        except TooLarge:
            response = _error(413, f"the body is larger than {MAX_BODY_BYTES} bytes", _CLOSE)
        except TooSlow:
            response = _error(408, f"the body took longer than {BODY_SECONDS:g} s", _CLOSE)
        except QueueFull as error:
            response = _error(429, "the queue is full", {"Retry-After": str(error.retry_after)})
        except NotReady as error:
            response = _error(503, f"the engine is {error.status}", {"Retry-After": RETRY_WHILE_LOADING})
        except PaintFailed as error:
            # `only_this`: other orders of the same batch were painted, so a caller need not doubt the service.
            response = _json(500, {"error": f"no picture came out: {error}", "only_this": error.only_this})
        except ClientDisconnect:
            response = Response(status_code=_CLIENT_GONE)
        except Exception as error:  # no fault of the caller's, and none that the next one needs to meet
            log.error("answer failed %s", place_of(error))
            response = _error(500, "the service failed to answer this")
        except asyncio.CancelledError:
            if self.thread.status != "stopped":
                raise
            # The server's patience ended while this was painted: not a fault, and worth another try elsewhere.
            response = _error(503, "the engine is stopped", {"Retry-After": RETRY_WHILE_LOADING})
        self.metrics.count(response.status_code)
        return _ended(request, response)

    async def _paint(self, request: Request) -> Response:
        caller = self._callers.name(request)
        self.thread.check_room(caller)
        with self._memory.share() as share:
            # Neither the body nor what it says is held any longer than until it is a plan.
            planned = await self._plan(read_request(await self._bodies.read(request, share)), caller, share)
            outcome = await self._outcome(request, self.thread.submit(planned.order))
        try:
            return await self._answer(request, planned, outcome)
        except BaseException:
            # Nobody carries what this took: who hung up, or was told of a failure, has no answer that says it.
            self.thread.meter.give_back(outcome.gpu + outcome.idle)
            raise

    async def _outcome(self, request: Request, future: Future[Outcome]) -> Outcome:
        try:
            return await _unless_gone(request, future)
        except BaseException:
            # Finished in the moment in which its caller left: what it took is nobody's again.
            if not future.cancel() and not future.exception():
                self.thread.meter.give_back(future.result().gpu + future.result().idle)
            raise

    async def _plan(self, asked: PaintRequest, caller: str, share: Share) -> Plan:
        if asked.init_image is None:
            planned = self._planned(asked, caller)
            share.becomes(0)
            return planned
        # Its shape decides the size, and even the head of a hostile file may take long to read.
        planned = await asyncio.get_running_loop().run_in_executor(self._decoders, self._planned, asked, caller)
        key = planned.order.key
        share.becomes(4 * key.width * key.height)  # as Pillow holds it
        return planned

    def _planned(self, asked: PaintRequest, caller: str) -> Plan:
        planned = plan(asked, self.thread.engine.limits, caller, checked=self.thread.checker is not None)
        if asked.init_image is None:
            return planned
        key = planned.order.key
        return with_start(planned, decode_start(asked.init_image, key.width, key.height))

    async def _answer(self, request: Request, planned: Plan, outcome: Outcome) -> Response:
        began, withheld = time.monotonic(), [self._kept_back(verdict) for verdict in outcome.verdicts]
        jobs = zip(outcome.paintings, withheld, strict=True)
        images = await asyncio.gather(*(self._encode(None if kept else result) for result, kept in jobs))
        if await request.is_disconnected():
            raise ClientDisconnect
        answer = answer_to(
            planned,
            outcome,
            model=self.thread.engine.model,
            mime=MIME[self._encoding],
            encoding=time.monotonic() - began,
            cost=self._cost,
        )
        self.metrics.count_pictures(answer, withheld=withheld.count(True))
        return Response(as_json(answer, images), media_type="application/json")

    @property
    def _safety(self) -> str:
        """What becomes of a picture that the check flags; `off`: nothing is checked."""
        if self.thread.checker is None:
            return "off"
        return "refuse" if self._withhold else "flag"

    def _kept_back(self, verdict: Verdict | None) -> bool:
        return self._withhold and verdict is not None and verdict.flagged

    async def _encode(self, result: Painting | Failure | None) -> bytes | None:
        if not isinstance(result, Painting):
            return None
        return await asyncio.get_running_loop().run_in_executor(self._encoders, encode, result.image, self._encoding)

    async def healthz(self) -> Response:
        """200 only when an order would be painted; a broken engine asks to be replaced."""
        status = self.thread.status
        if status != "ok":
            return _json(503, {"status": "loading" if status == "new" else status})
        told = {"status": "ok", "model": self.thread.engine.model, "queue": self.thread.waiting, "safety": self._safety}
        # Whoever pays can tell the price of a painting before the first one.
        return _json(200, told | ({"cost": self._cost.model_dump()} if self._cost else {}))

    async def check_token(self, request: Request) -> None:
        """Raise Unauthorised: what is painted here, and how much, is for those who may paint."""
        self._callers.check(request)

    async def metrics_page(self) -> Response:
        return Response(self.metrics.text(), media_type=Metrics.media_type)


def _metrics_of(thread: EngineThread) -> Metrics:
    return Metrics(
        gauges={
            "gpu_ready": ("1 when an order would be painted.", lambda: thread.status == "ok"),
            "gpu_queue": ("Orders that wait.", lambda: thread.waiting),
            "gpu_queue_pictures": ("Pictures of the orders that wait.", lambda: thread.waiting_pictures),
            "gpu_unchecked": ("Painted batches that wait for the safety check.", lambda: thread.unchecked),
        },
        totals={
            "gpu_batches": ("Batches painted.", lambda: thread.batches),
            "gpu_out_of_memory": ("How often fewer pictures had to be tried.", lambda: thread.out_of_memory),
        },
    )


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


async def _unauthorised(_request: Request | None = None, _why: Any = None) -> Response:
    return _error(401, "no or wrong token", {"WWW-Authenticate": "Bearer"})


async def _no_such_page(_request: Request, error: Any) -> Response:
    """404 and 405 (an HTTPException) in the shape of all other errors."""
    return _error(error.status_code, error.detail.lower(), dict(error.headers or {}))


_CLOSE = {"Connection": "close"}


def _ended(request: Request, response: Response) -> Response:
    """Refused before its body was read, a request may send on: the server reads past what was announced, so that its
    sender sees the answer, but not past what has no end."""
    length = declared(request)
    if response.status_code >= 400 and (length is None or length > MAX_BODY_BYTES):
        response.headers["Connection"] = "close"
    return response


def _error(status: int, reason: str, headers: dict[str, str] | None = None) -> Response:
    return _json(status, {"error": reason}, headers)


def _json(status: int, content: object, headers: dict[str, str] | None = None) -> Response:
    return Response(json.dumps(content), status, headers, media_type="application/json")
