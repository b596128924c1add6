"""Text embeddings: vectors of the first backend that computes them, or a GpuError."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from core.gpu_health import GpuCircuitBreaker
from core.queue import WorkQueue
from gpu.api.service import create_app
from gpu.engine import TextVector, Truncation
from tests.support.gpu_service import FixedService, Scripted, ScriptedService, sketch_service
from tests.support.servers import on_shared_server, serving
from tests.support.toy_engine import ToyChecker, ToyEngine
from worker.gpu.client import GpuClient, TextEmbedding
from worker.gpu.errors import GpuError


class ToyTextEncoder:
    """Returns a vector that points at the number of letters, and reads four of them."""

    model, problem = "toy-clip", ""

    def load(self) -> None:
        pass

    def embed(self, texts: Sequence[str]) -> list[TextVector]:
        return [TextVector(np.eye(3, dtype=np.float32)[len(text) % 3], _cut(text)) for text in texts]


def _cut(text: str) -> Truncation | None:
    return Truncation(4, len(text)) if len(text) > 4 else None


def answer_of(*vectors: Sequence[float], **more: Any) -> bytes:
    rows = [{"embedding": list(vector)} for vector in vectors]
    return json.dumps({"model": "clip", "embeddings": rows} | more).encode()


def failure(*services: Any, texts: Sequence[str] = ("a",)) -> GpuError:
    """Return the error of a client of these services."""
    with on_shared_server(services[0]) as url, pytest.raises(GpuError) as caught:
        GpuClient((url,)).embed(texts)
    return caught.value


def test_the_real_service_embeds_in_order() -> None:
    app = create_app(ToyEngine(), token="s3cret", checker=ToyChecker(), text_encoder=ToyTextEncoder())
    with serving(app) as url:
        app.state.engine_thread.wait_settled(10)
        result = GpuClient((url,), token="s3cret").embed(["a", "bcdef"])
    assert (result.model, result.url) == ("toy-clip", url)
    assert result.embeddings == (TextEmbedding((0.0, 1.0, 0.0)), TextEmbedding((0.0, 0.0, 1.0), (4, 5)))


def test_a_service_without_clip_says_so() -> None:
    with sketch_service() as url, pytest.raises(GpuError) as caught:
        GpuClient((url,), token="secret").embed(["a"])
    assert caught.value.code == "gpu_no_embeddings" and not caught.value.suspect


def test_an_older_service_has_no_embeddings() -> None:
    assert failure(FixedService(404, b'{"error": "not found"}')).code == "gpu_no_embeddings"


def test_the_next_backend_is_asked() -> None:
    first, second = FixedService(501, b'{"error": "none"}'), FixedService(200, answer_of((0.6, 0.8)))
    with on_shared_server(first) as one, on_shared_server(second) as two:
        result = GpuClient((one, two)).embed(["a"])
    assert result.url == two and result.embeddings[0].vector == (0.6, 0.8)


def test_a_failure_is_more_telling_than_a_service_without_embeddings() -> None:
    first, second = FixedService(501, b'{"error": "none"}'), FixedService(503, b"{}")
    with on_shared_server(first) as one, on_shared_server(second) as two, pytest.raises(GpuError) as caught:
        GpuClient((one, two)).embed(["a"])
    assert caught.value.code == "gpu_busy"


def test_backends_that_are_left_alone_are_not_asked(queue: WorkQueue) -> None:
    service, breaker = FixedService(200, answer_of((1.0,))), GpuCircuitBreaker(queue)
    with on_shared_server(service) as url, pytest.raises(GpuError) as caught:
        breaker.record_failure(url, code="gpu_down", detail="away", after=60)
        GpuClient((url,), gpu_breaker=breaker).embed(["a"])
    assert service.calls == 0 and caught.value.code == "gpu_down"


def test_a_failed_embedding_does_not_stop_generation(queue: WorkQueue) -> None:
    breaker = GpuCircuitBreaker(queue)
    with on_shared_server(FixedService(500, b"{}")) as url, pytest.raises(GpuError):
        GpuClient((url,), gpu_breaker=breaker).embed(["a"])
    assert breaker.retry_after(url) == 0


def test_a_rejection_names_its_field() -> None:
    body = b'{"errors": [{"field": "texts.0", "reason": "is too long"}]}'
    error = failure(FixedService(422, body))
    assert (error.code, error.detail) == ("gpu_refused", "texts.0: is too long")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        answer_of(),
        answer_of((1.0, 0.0), (1.0, 0.0)),
        answer_of((1.0, 1.0)),
        answer_of((0.0, 0.0)),
        answer_of(()),
        answer_of((1.0,)).replace(b"1.0", b"NaN"),
        answer_of((1.0,), model=""),
        answer_of((1.0,) + (0.0,) * 5000),
    ],
)
def test_anything_but_unit_vectors_is_garbage(body: bytes) -> None:
    assert failure(FixedService(200, body)).code == "gpu_garbage"


def test_vectors_of_one_response_have_one_width() -> None:
    body = answer_of((1.0, 0.0), (1.0,))
    assert failure(FixedService(200, body), texts=("a", "b")).code == "gpu_garbage"


def test_a_silent_backend_costs_no_more_than_the_timeout() -> None:
    with on_shared_server(ScriptedService(Scripted(200, b"{}", first=30))) as url, pytest.raises(GpuError) as caught:
        GpuClient((url,)).embed(["a"], timeout=0.3)
    assert caught.value.code == "gpu_slow"
