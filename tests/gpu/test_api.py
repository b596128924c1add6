"""The HTTP contract: valid requests, errors, health and metrics."""

from __future__ import annotations

import time
from typing import cast

import pytest
from fastapi import FastAPI
from PIL import Image
from starlette.datastructures import State
from starlette.testclient import TestClient

from gpu.api.contract import Cost
from gpu.engine import Failure, GeneratedImage
from tests.support.gpu_requests import REQUEST, as_base64, picture
from tests.support.toy_engine import Serve, ToyChecker, ToyEngine


def test_each_seed_is_one_picture(toy: ToyEngine, serve: Serve) -> None:
    response = serve(toy).post("/v1/paint", json=REQUEST | {"seeds": [7, 8]})
    assert response.status_code == 200
    answer = response.json()
    assert answer["model"] == "toy" and answer["batch_size"] == 2
    assert set(answer["seconds"]) == {"queued", "painting", "checking", "encoding", "gpu", "idle"}
    assert [p["seed"] for p in answer["pictures"]] == [7, 8]
    assert answer["pictures"][0]["safety"] == {"checked": False, "flagged": False, "scores": {}}
    assert picture(answer["pictures"][0]).size == (64, 64)


@pytest.mark.parametrize(("encoding", "mime"), [("jpeg", "image/jpeg"), ("png", "image/png"), ("webp", "image/webp")])
def test_the_mime_type_matches_the_encoding(toy: ToyEngine, serve: Serve, encoding: str, mime: str) -> None:
    [painted] = serve(toy, encoding=encoding).post("/v1/paint", json=REQUEST).json()["pictures"]
    assert painted["mime"] == mime
    assert Image.MIME[str(picture(painted).format)] == mime


def test_absent_numbers_are_the_engines_defaults(toy: ToyEngine, serve: Serve) -> None:
    answer = serve(toy).post("/v1/paint", json={"prompt": "a lake"}).json()
    assert (answer["pictures"][0]["width"], answer["pictures"][0]["height"]) == (512, 512)
    assert toy.keys[0].steps == 4 and toy.keys[0].guidance == 0.0


def test_the_response_has_the_steps_and_guidance_used(toy: ToyEngine, serve: Serve) -> None:
    answer = serve(toy).post("/v1/paint", json=REQUEST | {"steps": 9, "guidance": 2.5}).json()
    assert (answer["steps"], answer["guidance"]) == (9, 2.5)
    answer = serve(toy).post("/v1/paint", json=REQUEST).json()
    assert (answer["steps"], answer["guidance"]) == (4, 0.0)


def test_an_aspect_ratio_keeps_the_native_area(toy: ToyEngine, serve: Serve) -> None:
    answer = serve(toy).post("/v1/paint", json={"prompt": "a lake", "aspect_ratio": "16:9"}).json()
    [painted] = answer["pictures"]
    assert (painted["width"], painted["height"]) == picture(painted).size == (680, 384)


def test_a_prompt_longer_than_the_model_reads_is_reported_and_not_repeated(toy: ToyEngine, serve: Serve) -> None:
    client = serve(toy)
    answer = client.post("/v1/paint", json=REQUEST | {"prompt": "one two three four five"})
    assert answer.json()["truncated"] == {"read": 3, "of": 5}
    assert "four" not in answer.text
    assert client.post("/v1/paint", json=REQUEST).json()["truncated"] is None
    assert "gpu_truncated_total 1.0" in client.get("/metrics").text


def test_fields_without_effect_are_ignored(toy: ToyEngine, serve: Serve) -> None:
    client = serve(toy)
    assert client.post("/v1/paint", json=REQUEST | {"negative_prompt": "fog"}).json()["ignored"] == ["negative_prompt"]
    guided = REQUEST | {"negative_prompt": "fog", "guidance": 5.0}
    assert client.post("/v1/paint", json=guided).json()["ignored"] == []


def state_of(client: TestClient) -> State:
    app = client.app
    assert isinstance(app, FastAPI)
    return app.state


RED = REQUEST | {"prompt": "x" * 210}


def test_flagged_pictures_are_returned_with_scores(toy: ToyEngine, serve: Serve, toy_checker: ToyChecker) -> None:
    client = serve(toy, checker=toy_checker)
    [painted] = client.post("/v1/paint", json=RED).json()["pictures"]
    assert painted["safety"] == {"checked": True, "flagged": True, "scores": {"red": 210 / 255}}
    assert picture(painted).size == (64, 64) and painted["embedding"] is None
    [painted] = client.post("/v1/paint", json=REQUEST).json()["pictures"]
    assert painted["safety"]["checked"] and not painted["safety"]["flagged"]
    lines = client.get("/metrics").text.splitlines()
    assert "gpu_flagged_total 1.0" in lines and "gpu_withheld_total 0.0" in lines


def test_dropped_pictures_are_null(toy: ToyEngine, serve: Serve, toy_checker: ToyChecker) -> None:
    client = serve(toy, checker=toy_checker, drop_flagged=True)
    [dropped] = client.post("/v1/paint", json=RED).json()["pictures"]
    assert dropped["image"] is None and dropped["safety"]["flagged"] and dropped["safety"]["scores"]
    assert (dropped["seed"], dropped["width"], dropped["mime"]) == (7, 64, "image/jpeg")
    [shown] = client.post("/v1/paint", json=REQUEST).json()["pictures"]
    assert picture(shown).size == (64, 64)
    assert "gpu_withheld_total 1.0" in client.get("/metrics").text.splitlines()


def test_embeddings_need_a_safety_check(toy: ToyEngine, serve: Serve, toy_checker: ToyChecker) -> None:
    asked = RED | {"embedding": True}
    [painted] = serve(toy, checker=toy_checker).post("/v1/paint", json=asked).json()["pictures"]
    assert len(painted["embedding"]) == 3 and sum(x * x for x in painted["embedding"]) == pytest.approx(1, abs=1e-6)
    [unchecked] = serve(toy).post("/v1/paint", json=asked).json()["pictures"]
    assert unchecked["embedding"] is None and not unchecked["safety"]["checked"]


def test_the_response_has_the_price_of_a_rented_gpu(toy: ToyEngine, serve: Serve) -> None:
    cost = Cost(card="L4", usd_per_second=0.000222)
    assert serve(toy, cost=cost).post("/v1/paint", json=REQUEST).json()["cost"] == cost.model_dump()
    assert serve(toy).post("/v1/paint", json=REQUEST).json()["cost"] is None


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer wrong", "Basic cGFpbnQ=", "Bearer s3cret-and-lon"])
def test_a_missing_or_wrong_token_is_401(toy: ToyEngine, serve: Serve, header: str | None) -> None:
    headers = {"Authorization": header} if header else {}
    response = serve(toy, token="s3cret-and-long").post("/v1/paint", json=REQUEST, headers=headers)
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"
    assert toy.batches == []


def test_the_right_token_is_accepted_and_health_needs_none(toy: ToyEngine, serve: Serve) -> None:
    client = serve(toy, token="pässwörd")
    header = {b"Authorization": "Bearer pässwörd".encode()}
    assert client.post("/v1/paint", json=REQUEST, headers=header).status_code == 200
    assert client.get("/healthz").status_code == 200


def test_loading_is_503_with_retry_after(toy: ToyEngine, serve: Serve) -> None:
    toy.loaded.clear()
    client = serve(toy)
    response = client.post("/v1/paint", json=REQUEST)
    assert response.status_code == 503 and int(response.headers["retry-after"]) > 0
    health = client.get("/healthz")
    assert (health.status_code, health.json()) == (503, {"status": "loading"})
    toy.loaded.set()
    state_of(client).engine_thread.wait_settled(5)
    assert client.get("/healthz").json() == {"status": "ok", "model": "toy", "queue": 0, "safety": "off"}


def test_a_crash_is_a_500_and_the_next_request_is_generated(toy: ToyEngine, serve: Serve) -> None:
    client = serve(toy)
    response = client.post("/v1/paint", json=REQUEST | {"prompt": "crash"})
    assert response.status_code == 500 and response.json()["error"]
    assert client.post("/v1/paint", json=REQUEST).status_code == 200


def test_a_failed_picture_is_named_beside_the_others(toy: ToyEngine, serve: Serve) -> None:
    generate = toy.generate
    toy.generate = lambda key, images: [  # type: ignore[method-assign]
        cast("GeneratedImage", Failure("not_a_number")) if piece.seed == 13 else painting
        for piece, painting in zip(images, generate(key, images), strict=True)
    ]
    client = serve(toy)
    response = client.post("/v1/paint", json=REQUEST | {"seeds": [1, 13, 3, 4]})
    pictures = response.json()["pictures"]
    assert [picture["seed"] for picture in pictures] == [1, 13, 3, 4]
    assert [picture["error"] for picture in pictures] == [None, "not_a_number", None, None]
    assert [picture["image"] is None for picture in pictures] == [False, True, False, False]
    assert {"gpu_pictures_total 3.0", "gpu_failed_pictures_total 1.0"} <= set(client.get("/metrics").text.splitlines())
    alone = client.post("/v1/paint", json=REQUEST | {"seeds": [13]})
    assert (alone.status_code, alone.json()) == (
        500,
        {"error": "no picture came out: not_a_number", "only_this": False},
    )


def test_a_broken_engine_is_unhealthy(toy: ToyEngine, serve: Serve) -> None:
    client = serve(toy)
    assert client.post("/v1/paint", json=REQUEST | {"prompt": "break"}).status_code == 500
    state_of(client).engine_thread.wait_settled(5)
    deadline = time.monotonic() + 5
    while client.get("/healthz").status_code == 200 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert client.get("/healthz").json() == {"status": "broken"}
    assert client.post("/v1/paint", json=REQUEST).status_code == 503


def test_metrics_count_responses_pictures_and_seconds(toy: ToyEngine, serve: Serve) -> None:
    client = serve(toy)
    client.post("/v1/paint", json=REQUEST | {"seeds": [1, 2]})
    client.post("/v1/paint", json={})
    text = client.get("/metrics").text
    assert 'gpu_seconds_total{stage="painting"}' in text
    assert {
        'gpu_answers_total{status="200"} 1.0',
        'gpu_answers_total{status="422"} 1.0',
        "gpu_pictures_total 2.0",
        "gpu_batches_total 1.0",
        'gpu_queued_seconds_bucket{le="+Inf"} 1.0',
        "gpu_painting_seconds_count 1.0",
        "gpu_ready 1.0",
        "gpu_queue 0.0",
    } <= set(text.splitlines())


def test_an_init_image_is_cropped_to_the_size(toy: ToyEngine, serve: Serve) -> None:
    wide = Image.new("RGB", (300, 100), "red")
    body = REQUEST | {"init_image": as_base64(wide), "strength": 0.5, "width": 64, "height": 128}
    [painted] = serve(toy).post("/v1/paint", json=body).json()["pictures"]
    assert picture(painted).size == (64, 128)
    assert toy.keys[0].kind == "image" and toy.keys[0].strength == 0.5


def test_embedding_is_ignored_without_a_check(toy: ToyEngine, serve: Serve, toy_checker: ToyChecker) -> None:
    asked = REQUEST | {"embedding": True}
    assert serve(toy).post("/v1/paint", json=asked).json()["ignored"] == ["embedding"]


def test_an_encoding_error_is_a_500_without_the_message(
    toy: ToyEngine, serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    toy._painting = lambda *_: GeneratedImage(Image.new("RGBA", (64, 64)))  # type: ignore[method-assign]
    client = serve(toy)
    response = client.post("/v1/paint", json=REQUEST | {"prompt": "a confidential lake"})
    assert response.status_code == 500 and "error" in response.json()
    assert 'gpu_answers_total{status="500"} 1.0' in client.get("/metrics").text
    assert "OSError at" in caplog.text and "confidential" not in caplog.text


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/paint", 405),
        ("OPTIONS", "/v1/paint", 405),
        ("DELETE", "/healthz", 405),
        ("GET", "/nothing", 404),
        ("POST", "/v1/paint/", 404),
    ],
)
def test_wrong_methods_and_paths_are_json_errors(
    toy: ToyEngine, serve: Serve, method: str, path: str, status: int
) -> None:
    response = serve(toy).request(method, path, follow_redirects=False)
    assert response.status_code == status and list(response.json()) == ["error"]
    assert status != 405 or response.headers["allow"] in ("POST", "GET")


def test_healthz_supports_head(toy: ToyEngine, serve: Serve) -> None:
    response = serve(toy).head("/healthz")
    assert response.status_code == 200 and response.content == b""


@pytest.mark.parametrize("path", ["/metrics", "/openapi.json"])
def test_metrics_and_openapi_need_the_token(toy: ToyEngine, serve: Serve, path: str) -> None:
    client = serve(toy, token="s3cret")
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic s3cret"}):
        answer = client.get(path, headers=headers)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert client.get(path, headers={"Authorization": "Bearer s3cret"}).status_code == 200
    assert client.get("/healthz").status_code == 200
    assert serve(toy).get(path).status_code == 200


def test_there_are_no_documentation_pages(toy: ToyEngine, serve: Serve) -> None:
    assert {serve(toy).get(path).status_code for path in ("/docs", "/redoc")} == {404}
