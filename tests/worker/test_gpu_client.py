"""What a painter answers becomes a painting, TryLater with a code, or a refusal; never anything else."""

import base64
import io
import json
import socket
import threading
import time
from dataclasses import replace

import pytest
from PIL import Image

from core.errors import Refused, TryLater
from core.painters import Painters
from core.settings import GpuSettings, load
from tests.support.painter import BadPainter, Said, ScriptedPainter, answer
from tests.support.servers import serving
from worker.gpu_client import GpuClient, Order, open_gpu
from worker.painter import call

ORDER = Order("a red fox", seeds=(42,))
SLOW = 20.0
RESULT = {"Location": "/v1/paint?__modal_function_call_id=fc-1"}
GOES_ON = Said(303, b"", RESULT)


def refusal(field: str, reason: str) -> Said:
    return Said(422, json.dumps({"errors": [{"field": field, "reason": reason}]}).encode())


def failure(painter: object, order: Order = ORDER, timeout: float = SLOW) -> TryLater:
    """What becomes of an order there."""
    with serving(painter) as url, pytest.raises(TryLater) as caught:
        GpuClient((url,), timeout=timeout).paint(order)
    return caught.value


# -- the real service


def test_the_real_service_paints_an_order(painter: str) -> None:
    painting = GpuClient((painter,), token="secret").paint(Order("two boats", seeds=(7, 8), person_id=1))
    assert painting.model == "sketch"
    assert [picture.seed for picture in painting.pictures] == [7, 8]
    assert painting.pictures[0].image != painting.pictures[1].image
    assert painting.steps is None, "the sketch paints in no steps"
    assert painting.gpu_seconds > 0


def test_the_real_service_paints_where_more_steps_were_wished_than_it_allows(painter: str) -> None:
    painting = GpuClient((painter,), token="secret").paint(Order("a fox", seeds=(1,), steps=500))
    assert len(painting.pictures) == 1
    assert (painting.steps, painting.ignored) == (None, ("steps",))


def test_the_real_service_paints_the_shape_that_was_wished(painter: str) -> None:
    painting = GpuClient((painter,), token="secret").paint(Order("a fox", seeds=(1,), aspect_ratio="16:9"))
    with Image.open(io.BytesIO(painting.pictures[0].image or b"")) as image:
        assert image.width / image.height == pytest.approx(16 / 9, rel=0.05)


def test_a_wrong_token_is_told_apart(painter: str) -> None:
    with pytest.raises(TryLater, match="gpu_unauthorized: GPU_TOKEN") as caught:
        GpuClient((painter,), token="wrong").paint(ORDER)
    assert not caught.value.counted


# -- answers that are none


@pytest.mark.parametrize(
    ("painter_", "code", "after", "counted"),
    [
        (BadPainter(500, b"oops"), "gpu_failed", 0, True),
        (BadPainter(502, b"<html>"), "gpu_failed", 0, True),
        (BadPainter(0), "gpu_failed", 0, True),
        (BadPainter(408), "gpu_slow", 0, True),
        (BadPainter(429, retry_after="7"), "gpu_busy", 7, False),
        (BadPainter(429, retry_after="-3"), "gpu_busy", 0, False),
        (BadPainter(429, retry_after="9" * 400), "gpu_busy", 3600, False),
        (BadPainter(503, retry_after="Wed, 21 Oct 2015 07:28:00 GMT"), "gpu_busy", 0, False),
        (BadPainter(503, retry_after="soon"), "gpu_busy", 0, False),
        (BadPainter(401), "gpu_unauthorized", 0, False),
        (BadPainter(403), "gpu_unauthorized", 0, False),
        (BadPainter(404, b"modal-http: invalid function call"), "gpu_down", 0, False),
        (BadPainter(301, location="https://elsewhere.invalid/"), "gpu_down", 0, False),
        (BadPainter(302, location="http://xn--a.invalid\xff/"), "gpu_down", 0, False),
        (BadPainter(413), "gpu_down", 0, False),
        (BadPainter(418), "gpu_down", 0, False),
        (BadPainter(200, b"\n <!doctype html><title>Sign in</title>"), "gpu_down", 0, False),
        (BadPainter(204), "gpu_garbage", 0, True),
        (BadPainter(200, b"garbage"), "gpu_garbage", 0, True),
        (BadPainter(200, b"{}"), "gpu_garbage", 0, True),
        (BadPainter(200, b"[]"), "gpu_garbage", 0, True),
        (BadPainter(200, b"\x1f\x8b not gzip", content_encoding="gzip"), "gpu_garbage", 0, True),
        (BadPainter(200, answer(pictures=[])), "gpu_garbage", 0, True),
        (BadPainter(200, answer(41)), "gpu_garbage", 0, True),
        (BadPainter(200, answer(pictures=[{"seed": 42, "image": "not base64!"}])), "gpu_garbage", 0, True),
        (BadPainter(200, answer(model="")), "gpu_garbage", 0, True),
        (BadPainter(200, b'{"a":' * 1_000_000), "gpu_garbage", 0, True),
    ],
)
def test_a_painter_that_misbehaves_is_tried_later(painter_: BadPainter, code: str, after: float, counted: bool) -> None:
    error = failure(painter_)
    assert (error.code, error.after, error.counted) == (code, after, counted)
    assert painter_.calls == 1, "what was answered is not asked again at once"


def test_what_stands_before_the_service_is_told_from_its_token() -> None:
    proxy = BadPainter(401, b"modal-http: missing credentials for proxy authorization")
    assert str(failure(proxy)) == (
        "gpu_unauthorized: GPU_MODAL_KEY and GPU_MODAL_SECRET are not those of a proxy token"
    )


def test_an_answer_of_an_older_painter_is_read() -> None:
    with serving(BadPainter(200, answer())) as url:
        painting = GpuClient((url,)).paint(ORDER)
    assert (painting.model, painting.seconds, painting.pictures[0].image) == ("m", 0.5, b"bytes")
    assert (painting.gpu_seconds, painting.idle_seconds, painting.usd_per_second) == (0.5, 0.0, None)
    assert (painting.steps, painting.guidance, painting.truncated, painting.ignored) == (None, None, None, ())


def test_all_that_a_painter_tells_is_read() -> None:
    told = answer(
        seconds={"queued": 1.0, "painting": 0.5, "checking": 0.1, "gpu": 0.25, "idle": 12.5},
        cost={"card": "L4", "usd_per_second": 0.0003},
        truncated={"read": 75, "of": 130},
        ignored=["negative_prompt"],
        steps=4,
        guidance=0.0,
    )
    with serving(BadPainter(200, told)) as url:
        painting = GpuClient((url,)).paint(ORDER)
    assert (painting.seconds, painting.gpu_seconds, painting.idle_seconds) == (0.5, 0.25, 12.5)
    assert (painting.usd_per_second, painting.truncated, painting.ignored) == (0.0003, (75, 130), ("negative_prompt",))
    assert (painting.steps, painting.guidance) == (4, 0.0)


@pytest.mark.parametrize(
    ("part", "told"),
    [
        ("seconds.painting", {"seconds": {"painting": 1e999}}),
        ("seconds.idle", {"seconds": {"idle": -1}}),
        ("seconds.idle", {"seconds": {"idle": 1e9}}),
        ("seconds.gpu", {"seconds": {"gpu": 10**400}}),
        ("seconds.gpu", {"seconds": {"gpu": float("nan")}}),
        ("seconds.gpu", {"seconds": {"gpu": "7"}}),
        ("cost.usd_per_second", {"cost": {"card": "L4", "usd_per_second": 7}}),
        ("truncated.read", {"truncated": {"read": -1, "of": 2}}),
        ("ignored", {"ignored": ["x" * 1000]}),
        ("ignored", {"ignored": ["<b> \n"]}),
        ("ignored", {"ignored": {"a": 1}}),
        ("steps", {"steps": [4]}),
    ],
)
def test_a_picture_with_a_senseless_account_is_a_picture_and_the_account_is_not_believed(
    part: str, told: dict[str, object]
) -> None:
    with serving(BadPainter(200, answer(**told))) as url:
        painting = GpuClient((url,)).paint(ORDER)
    assert painting.senseless == (part,)
    assert painting.pictures[0].image == b"bytes"
    assert (painting.idle_seconds, painting.usd_per_second, painting.truncated) == (0.0, None, None)
    assert (painting.ignored, painting.steps) == ((), None)
    assert painting.gpu_seconds <= 0.5, "what it takes an older painter, where it says nothing else"


def test_no_painter_has_worked_longer_than_we_waited_for_it_or_idled_longer_than_today() -> None:
    told = {"seconds": {"painting": 500.0, "gpu": 80_000.0, "idle": 30 * 86_400.0}}
    with serving(BadPainter(200, answer(**told))) as url:
        painting = GpuClient((url,)).paint(ORDER)
    assert 10 <= painting.gpu_seconds < 60
    assert 10 <= painting.seconds < 60
    assert painting.idle_seconds == 86_400.0


def test_a_picture_that_was_kept_back_is_flagged_and_not_there() -> None:
    image = base64.b64encode(b"bytes").decode()
    pictures = [{"seed": 1, "image": None}, {"seed": 2, "image": image, "safety": {"flagged": True}}]
    with serving(BadPainter(200, answer(pictures=pictures))) as url:
        painting = GpuClient((url,)).paint(Order("a fox", seeds=(1, 2)))
    assert [(picture.image, picture.flagged) for picture in painting.pictures] == [(None, True), (b"bytes", True)]


# -- what cannot be painted


def test_a_refusal_names_field_and_reason_and_is_no_novel() -> None:
    long = refusal("prompt", "x" * 10_000)
    with serving(ScriptedPainter(long)) as url, pytest.raises(Refused) as caught:
        GpuClient((url,)).paint(ORDER)
    assert caught.value.code == "unpaintable"
    assert str(caught.value) == f"unpaintable: prompt: {'x' * 120}"


@pytest.mark.parametrize("body", [b"\x00\xff why", b"", b'{"errors": 5}', b'{"errors": [7]}', b"[" * 100_000])
def test_a_refusal_without_words_is_a_refusal(body: bytes) -> None:
    with serving(BadPainter(422, body)) as url, pytest.raises(Refused) as caught:
        GpuClient((url,)).paint(ORDER)
    assert str(caught.value) == "unpaintable: status 422"


def test_an_order_that_is_too_large_is_a_refusal() -> None:
    with serving(BadPainter(413)) as url, pytest.raises(Refused, match="unpaintable: its start picture is too large"):
        GpuClient((url,)).paint(replace(ORDER, start=b"a photograph"))


@pytest.mark.parametrize(
    ("complaint", "sent"),
    [
        (refusal("steps", "must be between 1 and 8"), {"steps": 8}),
        (refusal("steps", "too many"), {}),
        (refusal("strength", "steps * strength must be at least 1, is 0.6"), {}),
    ],
)
def test_steps_beyond_a_painters_bounds_are_the_nearest_it_takes(complaint: Said, sent: dict[str, int]) -> None:
    painter = ScriptedPainter(complaint, Said(200, answer()))
    with serving(painter) as url:
        painting = GpuClient((url,)).paint(Order("a red fox", seeds=(42,), steps=50))
    assert painting.steps == sent.get("steps")
    assert painting.ignored == (() if sent else ("steps",))
    assert painter.heard[0].order == {"prompt": "a red fox", "seeds": [42], "steps": 50}
    assert painter.heard[1].order == {"prompt": "a red fox", "seeds": [42]} | sent


def test_a_painter_that_knows_no_shapes_paints_its_own() -> None:
    painter = ScriptedPainter(refusal("aspect_ratio", "Extra inputs are not permitted"), Said(200, answer()))
    with serving(painter) as url:
        painting = GpuClient((url,)).paint(Order("a red fox", seeds=(42,), aspect_ratio="16:9"))
    assert painting.ignored == ("aspect_ratio",)
    assert [heard.order.get("aspect_ratio") for heard in painter.heard] == ["16:9", None]


def test_a_painter_that_complains_again_or_of_more_has_refused() -> None:
    painter = ScriptedPainter(refusal("steps", "must be between 1 and 8"))
    with serving(painter) as url, pytest.raises(Refused, match="unpaintable: steps: must be between 1 and 8"):
        GpuClient((url,)).paint(Order("a fox", seeds=(42,), steps=50))
    assert len(painter.heard) == 2
    painter = ScriptedPainter(refusal("prompt", "is empty"))
    with serving(painter) as url, pytest.raises(Refused):
        GpuClient((url,)).paint(Order("a fox", seeds=(42,), steps=50))
    assert len(painter.heard) == 1


# -- what is sent


def test_an_order_carries_the_secrets_and_an_opaque_word_for_who_asked() -> None:
    painter = ScriptedPainter(Said(200, answer()))
    with serving(painter) as url:
        settings = load(GpuSettings, gpu_url=url, gpu_token="secret", gpu_modal_key="wk-1", gpu_modal_secret="ws-2")
        gpu = open_gpu(settings, Painters(None))
        for person_id in (7, 7, 8):
            gpu.paint(Order("a fox", seeds=(42,), person_id=person_id))
        GpuClient((url,), "other").paint(Order("a fox", seeds=(42,), person_id=7))
    sent = [heard.headers for heard in painter.heard]
    assert (sent[0]["authorization"], sent[0]["modal-key"], sent[0]["modal-secret"]) == (
        "Bearer secret",
        "wk-1",
        "ws-2",
    )
    callers = [each["x-caller"] for each in sent]
    assert callers[0] == callers[1]
    assert len(set(callers)) == 3
    assert all(len(caller) == 16 and set(caller) <= set("0123456789abcdef") for caller in callers)


def test_secrets_are_not_shown() -> None:
    assert "s3cret" not in repr(GpuClient(("http://a",), "s3cret", headers={"http://a": {"Modal-Secret": "s3cret"}}))


def test_each_painter_is_told_its_own_token_and_no_other() -> None:
    first, second = ScriptedPainter(Said(503)), ScriptedPainter(Said(200, answer()))
    with serving(first) as one, serving(second) as other:
        addresses = f"{one} {other.replace('http://', 'http://:home@')}"
        open_gpu(load(GpuSettings, gpu_url=addresses, gpu_token="common"), Painters(None)).paint(ORDER)
    assert [each.heard[0].headers["authorization"] for each in (first, second)] == ["Bearer common", "Bearer home"]


# -- 303: the result lies elsewhere


def test_a_result_at_another_address_is_fetched_from_there_with_the_secrets() -> None:
    painter = ScriptedPainter(GOES_ON, GOES_ON, GOES_ON, Said(200, answer()))
    with serving(painter) as url:
        assert GpuClient((url,), "secret").paint(ORDER).model == "m"
    assert [heard.method for heard in painter.heard] == ["POST", "GET", "GET", "GET"]
    assert {heard.path for heard in painter.heard[1:]} == {RESULT["Location"]}
    assert {heard.headers["authorization"] for heard in painter.heard} == {"Bearer secret"}
    assert {heard.body for heard in painter.heard[1:]} == {b""}


def test_a_result_that_lies_on_another_origin_is_not_fetched() -> None:
    stranger = ScriptedPainter(Said(200, answer()))
    with serving(stranger) as elsewhere:
        for location in (f"{elsewhere}/v1/paint", "//evil.invalid/x", "", "http://[", "file:///etc/passwd"):
            error = failure(ScriptedPainter(Said(303, b"", {"Location": location})))
            assert (error.code, error.counted) == ("gpu_down", False)
    assert stranger.heard == []


def test_a_result_that_is_put_off_without_end_is_given_up() -> None:
    painter = ScriptedPainter(GOES_ON)
    error = failure(painter)
    assert (error.code, len(painter.heard)) == ("gpu_garbage", 1 + call.MOST_HOPS)


def test_a_result_whose_reading_broke_is_read_again_and_nothing_is_painted_twice() -> None:
    half = Said(200, answer(), cut=True)
    painter = ScriptedPainter(GOES_ON, half, half, Said(200, answer()))
    with serving(painter) as url:
        assert GpuClient((url,)).paint(ORDER).model == "m"
    assert [heard.method for heard in painter.heard] == ["POST", "GET", "GET", "GET"]


def test_a_result_that_is_gone_is_a_failure_of_the_order() -> None:
    error = failure(ScriptedPainter(GOES_ON, Said(404)))
    assert (error.code, error.counted) == ("gpu_garbage", True)


# -- time


@pytest.mark.parametrize(
    "said",
    [
        Said(200, answer(), first=30),
        Said(200, answer(), drip=0.3),
        Said(303, b"x" * 1000, RESULT, drip=0.3),
    ],
)
def test_a_painter_that_never_comes_to_an_end_is_left_at_the_deadline(said: Said) -> None:
    began = time.monotonic()
    error = failure(ScriptedPainter(said), timeout=1.0)
    assert (error.code, error.counted) == ("gpu_slow", True)
    assert time.monotonic() - began < 10


def test_hops_share_one_deadline() -> None:
    painter = ScriptedPainter(Said(303, b"", RESULT, first=0.4))
    assert failure(painter, timeout=1.0).code == "gpu_slow"
    assert 2 <= len(painter.heard) <= 4


def test_an_answer_that_does_not_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(call, "LONGEST_ANSWER", 1_000_000)
    assert str(failure(ScriptedPainter(Said(200, endless=True)))) == "gpu_garbage: the answer does not end"


def test_half_an_answer_is_no_answer_and_is_not_asked_for_again() -> None:
    painter = ScriptedPainter(Said(200, answer(), cut=True))
    error = failure(painter)
    assert (error.code, error.counted, len(painter.heard)) == ("gpu_failed", True, 1)


# -- no connection


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://127.0.0.1:1", "connection refused"),
        ("http://nowhere.invalid", "its name is not known"),
        ("http://[::1", "its address makes no sense: mend GPU_URL"),
    ],
)
def test_a_painter_that_is_not_there_costs_no_try_and_says_why(url: str, words: str) -> None:
    with pytest.raises(TryLater) as caught:
        GpuClient((url,), timeout=SLOW).paint(ORDER)
    assert (str(caught.value), caught.value.counted) == (f"gpu_down: {words}", False)


def test_a_name_server_that_hangs_does_not_hold_up_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: released.wait(30))
    began = time.monotonic()
    try:
        with pytest.raises(TryLater) as caught:
            GpuClient(("http://somewhere.example",), timeout=1.0).paint(ORDER)
    finally:
        released.set()
    assert caught.value.code in ("gpu_slow", "gpu_down")
    assert time.monotonic() - began < 10


def test_a_painter_that_speaks_no_tls_says_so() -> None:
    with serving(BadPainter(200)) as url, pytest.raises(TryLater, match="gpu_down: TLS: ") as caught:
        GpuClient((url.replace("http:", "https:"),), timeout=SLOW).paint(ORDER)
    assert not caught.value.counted
