"""A response becomes a result, TryLater with a code, or Refused, and nothing else."""

import base64
import io
import json
import socket
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from PIL import Image
from rq.timeouts import JobTimeoutException, UnixSignalDeathPenalty

from core.errors import Refused, TryLater
from core.gpu_health import GpuCircuitBreaker
from core.settings import GpuSettings, load
from tests.support.gpu_service import FixedService, Scripted, ScriptedService, result_body, sketch_service
from tests.support.servers import on_shared_server
from worker.gpu import http
from worker.gpu.client import GenerateRequest, GpuClient, open_gpu

REQUEST = GenerateRequest("a red fox", seeds=(42,))
SLOW = 20.0
RESULT = {"Location": "/v1/paint?__modal_function_call_id=fc-1"}
GOES_ON = Scripted(303, b"", RESULT)


def refusal(field: str, reason: str) -> Scripted:
    return Scripted(422, json.dumps({"errors": [{"field": field, "reason": reason}]}).encode())


def failure(service: object, request: GenerateRequest = REQUEST, timeout: float = SLOW) -> TryLater:
    """Return the error of a request to this service."""
    with on_shared_server(service) as url, pytest.raises(TryLater) as caught:
        GpuClient((url,), timeout=timeout).generate(request)
    return caught.value


# -- the real service


@pytest.fixture(scope="module")
def gpu_url() -> Iterator[str]:
    """Yield the address of the real service with its default sizes."""
    with sketch_service() as url:
        yield url


def test_the_real_service_fulfills_a_request(gpu_url: str) -> None:
    result = GpuClient((gpu_url,), token="secret").generate(GenerateRequest("two boats", seeds=(7, 8)))
    assert result.model == "sketch"
    assert [picture.seed for picture in result.images] == [7, 8]
    assert result.images[0].content != result.images[1].content
    assert result.steps is None, "the sketch has no steps"
    assert result.gpu_seconds > 0


def test_the_real_service_clamps_too_many_steps(gpu_url: str) -> None:
    result = GpuClient((gpu_url,), token="secret").generate(GenerateRequest("a fox", seeds=(1,), steps=500))
    assert len(result.images) == 1
    assert (result.steps, result.ignored) == (None, ("steps",))


def test_the_real_service_uses_the_aspect_ratio(gpu_url: str) -> None:
    result = GpuClient((gpu_url,), token="secret").generate(GenerateRequest("a fox", seeds=(1,), aspect_ratio="16:9"))
    with Image.open(io.BytesIO(result.images[0].content or b"")) as image:
        assert image.width / image.height == pytest.approx(16 / 9, rel=0.05)


def test_a_wrong_token_has_its_own_code(gpu_url: str) -> None:
    with pytest.raises(TryLater, match="gpu_unauthorized: GPU_TOKEN") as caught:
        GpuClient((gpu_url,), token="wrong").generate(REQUEST)
    assert not caught.value.counted


# -- invalid responses


@pytest.mark.parametrize(
    ("service", "code", "after", "counted"),
    [
        (FixedService(500, b"oops"), "gpu_failed", 0, True),
        (FixedService(502, b"<html>"), "gpu_failed", 0, True),
        (FixedService(0), "gpu_failed", 0, True),
        (FixedService(408), "gpu_slow", 0, True),
        (FixedService(429, retry_after="7"), "gpu_busy", 7, False),
        (FixedService(429, retry_after="-3"), "gpu_busy", 0, False),
        (FixedService(429, retry_after="9" * 400), "gpu_busy", 3600, False),
        (FixedService(503, retry_after="Wed, 21 Oct 2015 07:28:00 GMT"), "gpu_busy", 0, False),
        (FixedService(503, retry_after="soon"), "gpu_busy", 0, False),
        (FixedService(401), "gpu_unauthorized", 0, False),
        (FixedService(403), "gpu_unauthorized", 0, False),
        (FixedService(404, b"modal-http: invalid function call"), "gpu_down", 0, False),
        (FixedService(301, location="https://elsewhere.invalid/"), "gpu_down", 0, False),
        (FixedService(302, location="http://xn--a.invalid\xff/"), "gpu_down", 0, False),
        (FixedService(413), "gpu_down", 0, False),
        (FixedService(418), "gpu_down", 0, False),
        (FixedService(200, b"\n <!doctype html><title>Sign in</title>"), "gpu_down", 0, False),
        (FixedService(204), "gpu_garbage", 0, True),
        (FixedService(200, b"garbage"), "gpu_garbage", 0, True),
        (FixedService(200, b"{}"), "gpu_garbage", 0, True),
        (FixedService(200, b"[]"), "gpu_garbage", 0, True),
        (FixedService(200, b"\x1f\x8b not gzip", content_encoding="gzip"), "gpu_garbage", 0, True),
        (FixedService(200, result_body(pictures=[])), "gpu_garbage", 0, True),
        (FixedService(200, result_body(41)), "gpu_garbage", 0, True),
        (FixedService(200, result_body(pictures=[{"seed": 42, "image": "not base64!"}])), "gpu_garbage", 0, True),
        (FixedService(200, result_body(model="")), "gpu_garbage", 0, True),
        (FixedService(200, b'{"a":' * 1_000_000), "gpu_garbage", 0, True),
    ],
)
def test_an_invalid_response_is_retried_later(service: FixedService, code: str, after: float, counted: bool) -> None:
    error = failure(service)
    assert (error.code, error.after, error.counted) == (code, after, counted)
    assert service.calls == 1, "a response is not requested again at once"


def test_a_proxy_that_refuses_differs_from_a_wrong_token() -> None:
    proxy = FixedService(401, b"modal-http: missing credentials for proxy authorization")
    assert str(failure(proxy)) == (
        "gpu_unauthorized: GPU_MODAL_KEY and GPU_MODAL_SECRET are not those of a proxy token"
    )


def test_a_response_of_an_older_service_is_parsed() -> None:
    with on_shared_server(FixedService(200, result_body())) as url:
        result = GpuClient((url,)).generate(REQUEST)
    assert (result.model, result.seconds, result.images[0].content) == ("m", 0.5, b"bytes")
    assert (result.gpu_seconds, result.idle_seconds, result.usd_per_second) == (0.5, 0.0, None)
    assert (result.steps, result.guidance, result.truncated, result.ignored) == (None, None, None, ())


def test_all_metadata_is_parsed() -> None:
    body = result_body(
        seconds={"queued": 1.0, "painting": 0.5, "checking": 0.1, "gpu": 0.25, "idle": 12.5},
        cost={"card": "L4", "usd_per_second": 0.0003},
        truncated={"read": 75, "of": 130},
        ignored=["negative_prompt"],
        steps=4,
        guidance=0.0,
    )
    with on_shared_server(FixedService(200, body)) as url:
        result = GpuClient((url,)).generate(REQUEST)
    assert (result.seconds, result.gpu_seconds, result.idle_seconds) == (0.5, 0.25, 12.5)
    assert (result.usd_per_second, result.truncated, result.ignored) == (0.0003, (75, 130), ("negative_prompt",))
    assert (result.steps, result.guidance) == (4, 0.0)


@pytest.mark.parametrize(
    ("part", "body"),
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
def test_invalid_metadata_is_dropped_and_the_image_is_used(part: str, body: dict[str, object]) -> None:
    with on_shared_server(FixedService(200, result_body(**body))) as url:
        result = GpuClient((url,)).generate(REQUEST)
    assert result.invalid_fields == (part,)
    assert result.images[0].content == b"bytes"
    assert (result.idle_seconds, result.usd_per_second, result.truncated) == (0.0, None, None)
    assert (result.ignored, result.steps) == ((), None)
    assert result.gpu_seconds <= 0.5, "the wall time of an older service"


def test_gpu_and_idle_seconds_are_bounded() -> None:
    body = {"seconds": {"painting": 500.0, "gpu": 80_000.0, "idle": 30 * 86_400.0}}
    with on_shared_server(FixedService(200, result_body(**body))) as url:
        result = GpuClient((url,)).generate(REQUEST)
    assert 10 <= result.gpu_seconds < 60
    assert 10 <= result.seconds < 60
    assert result.idle_seconds == 86_400.0


def test_a_withheld_image_is_flagged_and_has_no_content() -> None:
    image = base64.b64encode(b"bytes").decode()
    pictures = [{"seed": 1, "image": None}, {"seed": 2, "image": image, "safety": {"flagged": True}}]
    with on_shared_server(FixedService(200, result_body(pictures=pictures))) as url:
        result = GpuClient((url,)).generate(GenerateRequest("a fox", seeds=(1, 2)))
    assert [(image.content, image.flagged) for image in result.images] == [(None, True), (b"bytes", True)]


# -- rejected requests


def test_a_rejection_names_field_and_reason_within_limits() -> None:
    long = refusal("prompt", "x" * 10_000)
    with on_shared_server(ScriptedService(long)) as url, pytest.raises(Refused) as caught:
        GpuClient((url,)).generate(REQUEST)
    assert caught.value.code == "unpaintable"
    assert str(caught.value) == f"unpaintable: prompt: {'x' * 120}"


@pytest.mark.parametrize("body", [b"\x00\xff why", b"", b'{"errors": 5}', b'{"errors": [7]}', b"[" * 100_000])
def test_a_rejection_without_reasons_is_a_rejection(body: bytes) -> None:
    with on_shared_server(FixedService(422, body)) as url, pytest.raises(Refused) as caught:
        GpuClient((url,)).generate(REQUEST)
    assert str(caught.value) == "unpaintable: status 422"


def test_a_request_that_is_too_large_is_rejected() -> None:
    with (
        on_shared_server(FixedService(413)) as url,
        pytest.raises(Refused, match="unpaintable: its init image is too large"),
    ):
        GpuClient((url,)).generate(replace(REQUEST, init_image=b"a photograph"))


@pytest.mark.parametrize(
    ("complaint", "sent"),
    [
        (refusal("steps", "must be between 1 and 8"), {"steps": 8}),
        (refusal("steps", "too many"), {}),
        (refusal("strength", "steps * strength must be at least 1, is 0.6"), {}),
    ],
)
def test_steps_are_clamped_to_the_service_limits(complaint: Scripted, sent: dict[str, int]) -> None:
    service = ScriptedService(complaint, Scripted(200, result_body()))
    with on_shared_server(service) as url:
        result = GpuClient((url,)).generate(GenerateRequest("a red fox", seeds=(42,), steps=50))
    assert result.steps == sent.get("steps")
    assert result.ignored == (() if sent else ("steps",))
    assert service.received[0].json == {"prompt": "a red fox", "seeds": [42], "steps": 50}
    assert service.received[1].json == {"prompt": "a red fox", "seeds": [42]} | sent


def test_an_unsupported_aspect_ratio_is_left_to_the_service() -> None:
    service = ScriptedService(refusal("aspect_ratio", "Extra inputs are not permitted"), Scripted(200, result_body()))
    with on_shared_server(service) as url:
        result = GpuClient((url,)).generate(GenerateRequest("a red fox", seeds=(42,), aspect_ratio="16:9"))
    assert result.ignored == ("aspect_ratio",)
    assert [call.json.get("aspect_ratio") for call in service.received] == ["16:9", None]


def test_a_second_or_another_rejection_is_final() -> None:
    service = ScriptedService(refusal("steps", "must be between 1 and 8"))
    with on_shared_server(service) as url, pytest.raises(Refused, match="unpaintable: steps: must be between 1 and 8"):
        GpuClient((url,)).generate(GenerateRequest("a fox", seeds=(42,), steps=50))
    assert len(service.received) == 2
    service = ScriptedService(refusal("prompt", "is empty"))
    with on_shared_server(service) as url, pytest.raises(Refused):
        GpuClient((url,)).generate(GenerateRequest("a fox", seeds=(42,), steps=50))
    assert len(service.received) == 1


# -- the request


def test_a_request_carries_the_secrets() -> None:
    service = ScriptedService(Scripted(200, result_body()))
    with on_shared_server(service) as url:
        settings = load(GpuSettings, gpu_url=url, gpu_token="secret", gpu_modal_key="wk-1", gpu_modal_secret="ws-2")
        gpu = open_gpu(settings, GpuCircuitBreaker(None))
        gpu.generate(GenerateRequest("a fox", seeds=(42,)))
    sent = [call.headers for call in service.received]
    assert (sent[0]["authorization"], sent[0]["modal-key"], sent[0]["modal-secret"]) == (
        "Bearer secret",
        "wk-1",
        "ws-2",
    )


def test_secrets_are_not_shown() -> None:
    assert "s3cret" not in repr(GpuClient(("http://a",), "s3cret", headers={"http://a": {"Modal-Secret": "s3cret"}}))


def test_each_backend_gets_its_own_token_only() -> None:
    first, second = ScriptedService(Scripted(503)), ScriptedService(Scripted(200, result_body()))
    with on_shared_server(first) as one, on_shared_server(second) as other:
        addresses = f"{one} {other.replace('http://', 'http://:home@')}"
        open_gpu(load(GpuSettings, gpu_url=addresses, gpu_token="common"), GpuCircuitBreaker(None)).generate(REQUEST)
    assert [each.received[0].headers["authorization"] for each in (first, second)] == ["Bearer common", "Bearer home"]


# -- 303: the result is at another address


def test_a_result_at_another_path_is_fetched_with_the_secrets() -> None:
    service = ScriptedService(GOES_ON, GOES_ON, GOES_ON, Scripted(200, result_body()))
    with on_shared_server(service) as url:
        assert GpuClient((url,), "secret").generate(REQUEST).model == "m"
    assert [call.method for call in service.received] == ["POST", "GET", "GET", "GET"]
    assert {call.path for call in service.received[1:]} == {RESULT["Location"]}
    assert {call.headers["authorization"] for call in service.received} == {"Bearer secret"}
    assert {call.body for call in service.received[1:]} == {b""}


def test_a_result_on_another_origin_is_not_fetched() -> None:
    stranger = ScriptedService(Scripted(200, result_body()))
    with on_shared_server(stranger) as elsewhere:
        for location in (f"{elsewhere}/v1/paint", "//evil.invalid/x", "", "http://[", "file:///etc/passwd"):
            error = failure(ScriptedService(Scripted(303, b"", {"Location": location})))
            assert (error.code, error.counted) == ("gpu_down", False)
    assert stranger.received == []


def test_endless_redirects_are_given_up() -> None:
    service = ScriptedService(GOES_ON)
    error = failure(service)
    assert (error.code, len(service.received)) == ("gpu_garbage", 1 + http.MAX_REDIRECTS)


def test_a_broken_result_is_read_again_without_a_second_request() -> None:
    half = Scripted(200, result_body(), cut=True)
    service = ScriptedService(GOES_ON, half, half, Scripted(200, result_body()))
    with on_shared_server(service) as url:
        assert GpuClient((url,)).generate(REQUEST).model == "m"
    assert [call.method for call in service.received] == ["POST", "GET", "GET", "GET"]


def test_a_lost_result_counts_against_the_request() -> None:
    error = failure(ScriptedService(GOES_ON, Scripted(404)))
    assert (error.code, error.counted) == ("gpu_garbage", True)


# -- time


@pytest.mark.parametrize(
    "said",
    [
        Scripted(200, result_body(), first=30),
        Scripted(200, result_body(), drip=0.3),
        Scripted(303, b"x" * 1000, RESULT, drip=0.3),
    ],
)
def test_an_endless_response_ends_at_the_deadline(said: Scripted) -> None:
    began = time.monotonic()
    error = failure(ScriptedService(said), timeout=0.5)
    assert (error.code, error.counted) == ("gpu_slow", True)
    assert time.monotonic() - began < 10


def test_redirects_share_one_deadline() -> None:
    service = ScriptedService(Scripted(303, b"", RESULT, first=0.4))
    assert failure(service, timeout=1.0).code == "gpu_slow"
    assert 2 <= len(service.received) <= 4


def test_a_response_that_is_too_large_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "MAX_RESPONSE_BYTES", 1_000_000)
    assert str(failure(ScriptedService(Scripted(200, endless=True)))) == "gpu_garbage: the response does not end"


def test_half_a_response_is_a_failure_and_is_not_repeated() -> None:
    service = ScriptedService(Scripted(200, result_body(), cut=True))
    error = failure(service)
    assert (error.code, error.counted, len(service.received)) == ("gpu_failed", True, 1)


# -- no connection


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://127.0.0.1:1", "connection refused"),
        ("http://nowhere.invalid", "its name is not known"),
        ("http://[::1", "GPU_URL is not a valid address: correct it"),
    ],
)
def test_an_unreachable_backend_costs_no_attempt_and_has_a_reason(url: str, words: str) -> None:
    with pytest.raises(TryLater) as caught:
        GpuClient((url,), timeout=SLOW).generate(REQUEST)
    assert (str(caught.value), caught.value.counted) == (f"gpu_down: {words}", False)


def test_the_job_timeout_ends_a_call_that_waits_for_a_name_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: time.sleep(30))
    started = time.monotonic()
    with pytest.raises(JobTimeoutException), UnixSignalDeathPenalty(1, JobTimeoutException):
        GpuClient(("http://somewhere.example",), timeout=1.0).generate(REQUEST)
    assert time.monotonic() - started < 10


def test_a_backend_without_tls_has_a_reason() -> None:
    with on_shared_server(FixedService(200)) as url, pytest.raises(TryLater, match="gpu_down: TLS: ") as caught:
        GpuClient((url.replace("http:", "https:"),), timeout=SLOW).generate(REQUEST)
    assert not caught.value.counted
