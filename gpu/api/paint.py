"""POST /v1/paint, from the request to the response:

token | ready? room? | body, bounded | contract | limits | init image | engine thread | encode | response
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from fastapi import Request, Response
from starlette.requests import ClientDisconnect

from gpu.api.auth import CallerAuth
from gpu.api.body_limits import BodyReader, MemoryBudget, Resize
from gpu.api.contract import Cost, PaintRequest, parse_request
from gpu.api.encoding import MIME, Format, encode
from gpu.api.errors import close_if_unread, to_response
from gpu.api.init_image import decode_init_image
from gpu.api.metrics import Metrics
from gpu.api.responses import build_response, to_json
from gpu.api.validation import ValidatedRequest, validate_request, with_init_image
from gpu.batching.engine_thread import EngineThread, Outcome
from gpu.engine import GeneratedImage, NotReady, Result, SafetyResult

# Each may hold 80 MB, of which the second still fits beside a full queue.
DECODE_THREADS = 2


class PaintEndpoint:
    """Shares the thread pools, the limits and the counters between requests."""

    def __init__(
        self,
        thread: EngineThread,
        metrics: Metrics,
        *,
        auth: CallerAuth,
        drop_flagged: bool,
        max_bodies: int,
        encoding: Format,
        encode_threads: int,
        cost: Cost | None,
    ) -> None:
        self._thread, self._metrics, self._auth = thread, metrics, auth
        self._bodies, self._memory = BodyReader(max_bodies), MemoryBudget()
        # Two pools: images that take long to read delay other init images, but no answers.
        self._encoders = ThreadPoolExecutor(encode_threads, thread_name_prefix="encode")
        self._decoders = ThreadPoolExecutor(DECODE_THREADS, thread_name_prefix="decode")
        self._drop_flagged, self._encoding, self._cost = drop_flagged, encoding, cost

    def shutdown(self) -> None:
        for pool in (self._encoders, self._decoders):
            pool.shutdown(wait=False, cancel_futures=True)

    async def __call__(self, request: Request) -> Response:
        """Answer every request, also a failed one."""
        try:
            response = await self._paint(request)
        except asyncio.CancelledError:
            if self._thread.status != "stopped":
                raise
            # The server gave up waiting while it stops. This is no fault, and worth another try elsewhere.
            response = to_response(NotReady("stopped"))
        except Exception as error:
            response = to_response(error)
        self._metrics.count(response.status_code)
        return close_if_unread(request, response)

    async def _paint(self, request: Request) -> Response:
        await self._auth(request)
        self._thread.ensure_capacity()
        with self._memory.reserve() as resize:
            # Neither the body nor its JSON is held longer than until it is validated.
            body = parse_request(await self._bodies.read(request, resize), PaintRequest)
            validated = await self._validated(body, resize)
            del body
            with _watch_disconnect(request) as disconnected:
                outcome = await self._outcome(self._thread.submit(validated.request), disconnected)
                resize(0)  # the init image is used
                return await self._response(validated, outcome, disconnected)

    async def _validated(self, body: PaintRequest, resize: Resize) -> ValidatedRequest:
        if body.init_image is None:
            validated = self._validate(body)
            resize(0)
            return validated
        # In a thread: even the head of a hostile image may take long to read.
        validated = await asyncio.get_running_loop().run_in_executor(self._decoders, self._validate, body)
        key = validated.request.key
        resize(4 * key.width * key.height)  # as Pillow holds it
        return validated

    def _validate(self, body: PaintRequest) -> ValidatedRequest:
        validated = validate_request(body, self._thread.engine.limits, has_check=self._thread.checker is not None)
        if body.init_image is None:
            return validated
        key = validated.request.key
        return with_init_image(validated, decode_init_image(body.init_image, key.width, key.height))

    async def _outcome(self, future: Future[Outcome], disconnected: asyncio.Future[None]) -> Outcome:
        try:
            return await _unless_disconnected(future, disconnected)
        except BaseException:
            # If it finished in the moment in which its caller left, no answer carries its time.
            if not future.cancel() and not future.exception():
                self._thread.meter.refund(future.result().gpu + future.result().idle)
            raise

    async def _response(
        self, validated: ValidatedRequest, outcome: Outcome, disconnected: asyncio.Future[None]
    ) -> Response:
        try:
            return await self._encoded(validated, outcome, disconnected)
        except BaseException:
            # No answer carries this time: the caller left, or gets an error.
            self._thread.meter.refund(outcome.gpu + outcome.idle)
            raise

    async def _encoded(
        self, validated: ValidatedRequest, outcome: Outcome, disconnected: asyncio.Future[None]
    ) -> Response:
        started, dropped = time.monotonic(), [self._is_dropped(safety) for safety in outcome.safety_results]
        rows = zip(outcome.results, dropped, strict=True)
        images = await asyncio.gather(*(self._encode(None if drop else result) for result, drop in rows))
        if disconnected.done():
            raise ClientDisconnect
        response = build_response(
            validated,
            outcome,
            model=self._thread.engine.model,
            mime=MIME[self._encoding],
            encoding_seconds=time.monotonic() - started,
            cost=self._cost,
        )
        self._metrics.count_pictures(response, dropped=dropped.count(True))
        return Response(to_json(response, images), media_type="application/json")

    def _is_dropped(self, safety: SafetyResult | None) -> bool:
        return self._drop_flagged and safety is not None and safety.flagged

    async def _encode(self, result: Result | None) -> bytes | None:
        if not isinstance(result, GeneratedImage):
            return None
        return await asyncio.get_running_loop().run_in_executor(self._encoders, encode, result.image, self._encoding)


@contextmanager
def _watch_disconnect(request: Request) -> Iterator[asyncio.Future[None]]:
    """Yield a future that is done once the client has disconnected."""
    disconnected = asyncio.ensure_future(_disconnect(request))
    try:
        yield disconnected
    finally:
        disconnected.cancel()


async def _unless_disconnected(future: Future[Outcome], disconnected: asyncio.Future[None]) -> Outcome:
    """Wait for the outcome. A client that disconnects takes its request out of the queue."""
    outcome = asyncio.wrap_future(future)
    both: list[asyncio.Future[Any]] = [outcome, disconnected]
    try:
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        if not outcome.done():
            raise ClientDisconnect
        return outcome.result()
    finally:
        outcome.cancel()


async def _disconnect(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
