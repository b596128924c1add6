"""POST /v1/embed, from the request to the response:

token | ready? | body, bounded | contract | CLIP's text encoder | response
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from fastapi import Request, Response

from gpu.api.auth import CallerAuth
from gpu.api.body_limits import RETRY_AFTER_SECONDS, BodyReader, MemoryBudget
from gpu.api.contract import EmbedRequest, EmbedResponse, TextEmbedding, Truncated, parse_request
from gpu.api.errors import close_if_unread, to_response
from gpu.api.metrics import Metrics
from gpu.api.responses import to_floats
from gpu.batching.engine_thread import EngineThread
from gpu.engine import NoEmbeddings, NotReady, QueueFull, TextEncoder, TextVector

# A request takes milliseconds. More than these wait for a fault.
MAX_WAITING = 16
WITHOUT_CHECK = "it has no safety check, whose image encoder makes the pictures' embeddings"


class EmbedEndpoint:
    """Embeds texts beside the engine, in a thread of its own."""

    def __init__(self, thread: EngineThread, metrics: Metrics, *, auth: CallerAuth) -> None:
        self._thread, self._metrics, self._auth = thread, metrics, auth
        self._bodies, self._memory = BodyReader(MAX_WAITING), MemoryBudget()
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="embed")
        self._waiting = 0

    def shutdown(self) -> None:
        self._executor.shutdown(wait=False, cancel_futures=True)

    async def __call__(self, request: Request) -> Response:
        """Answer every request, also a failed one."""
        try:
            response = await self._embed(request)
        except Exception as error:
            response = to_response(error)
        self._metrics.count(response.status_code)
        return close_if_unread(request, response)

    async def _embed(self, request: Request) -> Response:
        await self._auth(request)
        encoder = self._usable_encoder()
        with self._memory.reserve() as resize:
            body = parse_request(await self._bodies.read(request, resize), EmbedRequest)
            vectors = await self._run(encoder, body.texts)
        response = EmbedResponse(model=encoder.model, embeddings=[_embedding(vector) for vector in vectors])
        return Response(response.model_dump_json(), media_type="application/json")

    def _usable_encoder(self) -> TextEncoder:
        if self._thread.status != "ok":
            raise NotReady(self._thread.status)
        encoder = self._thread.text_encoder
        if encoder is None or encoder.problem:
            raise NoEmbeddings(encoder.problem if encoder else WITHOUT_CHECK)
        return encoder

    async def _run(self, encoder: TextEncoder, texts: list[str]) -> list[TextVector]:
        if self._waiting >= MAX_WAITING:
            raise QueueFull(RETRY_AFTER_SECONDS)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._executor, encoder.embed, texts)
        finally:
            self._waiting -= 1


def _embedding(vector: TextVector) -> TextEmbedding:
    cut = vector.truncation
    return TextEmbedding(
        embedding=to_floats(vector.vector), truncated=Truncated(read=cut.used, of=cut.total) if cut else None
    )
