"""What the painter answers becomes a painting, TryLater with a code, or a refusal; never anything else."""

import base64
import json

import pytest

from core.errors import Refused, TryLater
from tests.support.painter import BadPainter
from tests.support.servers import free_port, serving
from worker.gpu_client import GpuClient, Order

ORDER = Order("a red fox", seeds=(42,))


def answer(**values: object) -> bytes:
    picture = {"seed": 42, "image": base64.b64encode(b"bytes").decode(), "mime": "image/png"}
    return json.dumps({"model": "m", "pictures": [picture], "seconds": {"painting": 0.5}} | values).encode()


def test_the_real_service_paints_an_order(painter: str) -> None:
    with GpuClient(painter, token="secret") as gpu:
        painting = gpu.paint(Order("two boats", seeds=(7, 8), width=256, height=128))
    assert painting.model == "sketch"
    assert [picture.seed for picture in painting.pictures] == [7, 8]
    assert painting.pictures[0].image != painting.pictures[1].image


def test_the_real_service_refuses_what_it_can_never_paint(painter: str) -> None:
    with GpuClient(painter, token="secret") as gpu, pytest.raises(Refused, match="unpaintable"):
        gpu.paint(Order("a fox", seeds=(1,), width=13, height=13))


def test_a_wrong_token_is_told_apart(painter: str) -> None:
    with GpuClient(painter, token="wrong") as gpu, pytest.raises(TryLater, match="gpu_unauthorized: GPU_TOKEN"):
        gpu.paint(ORDER)


@pytest.mark.parametrize(
    ("painter_", "code", "after"),
    [
        (BadPainter(500, b"oops"), "gpu_failed", 0),
        (BadPainter(502, b"<html>"), "gpu_failed", 0),
        (BadPainter(429, retry_after="7"), "gpu_busy", 7),
        (BadPainter(503, retry_after="Wed, 21 Oct 2026 07:28:00 GMT"), "gpu_busy", 0),
        (BadPainter(429, retry_after="-3"), "gpu_busy", 0),
        (BadPainter(200, b"garbage"), "gpu_garbage", 0),
        (BadPainter(200, b"{}"), "gpu_garbage", 0),
        (BadPainter(200, b"[]"), "gpu_garbage", 0),
        (BadPainter(200, answer(pictures=[])), "gpu_garbage", 0),
        (BadPainter(200, answer(pictures=[{"seed": 41, "image": "AAAA"}])), "gpu_garbage", 0),
        (BadPainter(200, answer(pictures=[{"seed": 42, "image": "not base64!"}])), "gpu_garbage", 0),
        (BadPainter(200, answer(model="")), "gpu_garbage", 0),
        (BadPainter(404, b"no such app"), "gpu_garbage", 0),
        (BadPainter(0), "gpu_failed", 0),
        (BadPainter(200, answer(seconds={"painting": 1e999})), "gpu_garbage", 0),
        (BadPainter(200, b"\x1f\x8b not gzip", content_encoding="gzip"), "gpu_down", 0),
        (BadPainter(302, location="http://xn--a.invalid\xff/"), "gpu_down", 0),
        (BadPainter(429, retry_after="9" * 400), "gpu_busy", 0),
    ],
)
def test_a_painter_that_misbehaves_is_tried_later(painter_: BadPainter, code: str, after: float) -> None:
    with serving(painter_) as url, GpuClient(url) as gpu, pytest.raises(TryLater) as caught:
        gpu.paint(ORDER)
    assert (caught.value.code, caught.value.after, caught.value.counted) == (code, after, True)
    assert painter_.calls == 1, "what was answered is not asked again at once"


def test_a_refusal_in_a_strange_charset_is_a_refusal() -> None:
    refusing = BadPainter(422, b"\x00\xff why", content_type="text/plain; charset=hex")
    with serving(refusing) as url, GpuClient(url) as gpu, pytest.raises(Refused) as caught:
        gpu.paint(ORDER)
    assert str(caught.value) == "unpaintable: \ufffd\ufffd why"


def test_an_answer_that_does_not_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.gpu_client.LONGEST_ANSWER", 10_000)
    endless = pytest.raises(TryLater, match="gpu_garbage: the answer does not end")
    with serving(BadPainter(200, b"x" * 1_000_000)) as url, GpuClient(url) as gpu, endless:
        gpu.paint(ORDER)


def test_a_painter_that_is_not_there_is_tried_later() -> None:
    with GpuClient(f"http://127.0.0.1:{free_port()}") as gpu, pytest.raises(TryLater, match="gpu_down"):
        gpu.paint(ORDER)


def test_an_answer_of_the_contract_is_read() -> None:
    with serving(BadPainter(200, answer())) as url, GpuClient(url) as gpu:
        painting = gpu.paint(ORDER)
    assert (painting.model, painting.seconds, painting.pictures[0].image) == ("m", 0.5, b"bytes")
