"""The HTTP contract: what is painted, and what every wrong request gets."""

from __future__ import annotations

import time

import pytest
from PIL import Image

from gpu.engine import Failure, Painting
from gpu.web.contract import Cost
from tests.support.asking import ASKED, as_base64, picture


def test_it_paints_each_seed_and_answers_by_the_contract(toy, serve):
    response = serve(toy).post("/v1/paint", json=ASKED | {"seeds": [7, 8]})
    assert response.status_code == 200
    answer = response.json()
    assert answer["model"] == "toy" and answer["batch_size"] == 2
    assert set(answer["seconds"]) == {"queued", "painting", "checking", "encoding", "gpu", "idle"}
    assert [p["seed"] for p in answer["pictures"]] == [7, 8]
    assert answer["pictures"][0]["safety"] == {"checked": False, "flagged": False, "scores": {}}
    assert picture(answer["pictures"][0]).size == (64, 64)


@pytest.mark.parametrize(("encoding", "mime"), [("jpeg", "image/jpeg"), ("png", "image/png"), ("webp", "image/webp")])
def test_the_mime_says_truly_how_the_picture_is_encoded(toy, serve, encoding, mime):
    [painted] = serve(toy, encoding=encoding).post("/v1/paint", json=ASKED).json()["pictures"]
    assert painted["mime"] == mime
    assert Image.MIME[picture(painted).format] == mime


def test_absent_numbers_are_the_engines_defaults(toy, serve):
    answer = serve(toy).post("/v1/paint", json={"prompt": "a lake"}).json()
    assert (answer["pictures"][0]["width"], answer["pictures"][0]["height"]) == (512, 512)
    assert toy.keys[0].steps == 4 and toy.keys[0].guidance == 0.0


def test_the_answer_says_the_steps_and_guidance_that_were_used(toy, serve):
    answer = serve(toy).post("/v1/paint", json=ASKED | {"steps": 9, "guidance": 2.5}).json()
    assert (answer["steps"], answer["guidance"]) == (9, 2.5)
    answer = serve(toy).post("/v1/paint", json=ASKED).json()
    assert (answer["steps"], answer["guidance"]) == (4, 0.0)


def test_a_shape_is_painted_in_the_models_number_of_pixels(toy, serve):
    answer = serve(toy).post("/v1/paint", json={"prompt": "a lake", "aspect_ratio": "16:9"}).json()
    [painted] = answer["pictures"]
    assert (painted["width"], painted["height"]) == picture(painted).size == (680, 384)


def test_a_prompt_longer_than_the_model_reads_is_reported_and_not_repeated(toy, serve):
    client = serve(toy)
    answer = client.post("/v1/paint", json=ASKED | {"prompt": "one two three four five"})
    assert answer.json()["truncated"] == {"read": 3, "of": 5}
    assert "four" not in answer.text
    assert client.post("/v1/paint", json=ASKED).json()["truncated"] is None
    assert "gpu_truncated_total 1.0" in client.get("/metrics").text


def test_what_the_model_does_not_look_at_is_named(toy, serve):
    client = serve(toy)
    assert client.post("/v1/paint", json=ASKED | {"negative_prompt": "fog"}).json()["ignored"] == ["negative_prompt"]
    guided = ASKED | {"negative_prompt": "fog", "guidance": 5.0}
    assert client.post("/v1/paint", json=guided).json()["ignored"] == []


RED = ASKED | {"prompt": "x" * 210}


def test_what_the_check_flags_is_told_with_its_scores_and_shown(toy, serve, toy_checker):
    client = serve(toy, checker=toy_checker)
    [painted] = client.post("/v1/paint", json=RED).json()["pictures"]
    assert painted["safety"] == {"checked": True, "flagged": True, "scores": {"red": 210 / 255}}
    assert picture(painted).size == (64, 64) and painted["embedding"] is None
    [painted] = client.post("/v1/paint", json=ASKED).json()["pictures"]
    assert painted["safety"]["checked"] and not painted["safety"]["flagged"]
    lines = client.get("/metrics").text.splitlines()
    assert "gpu_flagged_total 1.0" in lines and "gpu_withheld_total 0.0" in lines


def test_what_is_kept_back_is_null_never_black(toy, serve, toy_checker):
    client = serve(toy, checker=toy_checker, withhold=True)
    [kept] = client.post("/v1/paint", json=RED).json()["pictures"]
    assert kept["image"] is None and kept["safety"]["flagged"] and kept["safety"]["scores"]
    assert (kept["seed"], kept["width"], kept["mime"]) == (7, 64, "image/jpeg")
    [shown] = client.post("/v1/paint", json=ASKED).json()["pictures"]
    assert picture(shown).size == (64, 64)
    assert "gpu_withheld_total 1.0" in client.get("/metrics").text.splitlines()


def test_the_vector_of_a_picture_comes_when_asked_for_and_where_there_is_a_check(toy, serve, toy_checker):
    asked = RED | {"embedding": True}
    [painted] = serve(toy, checker=toy_checker).post("/v1/paint", json=asked).json()["pictures"]
    assert len(painted["embedding"]) == 3 and sum(x * x for x in painted["embedding"]) == pytest.approx(1, abs=1e-6)
    [unchecked] = serve(toy).post("/v1/paint", json=asked).json()["pictures"]
    assert unchecked["embedding"] is None and not unchecked["safety"]["checked"]


def test_the_machine_and_its_price_are_told_where_it_is_rented(toy, serve):
    cost = Cost(card="L4", usd_per_second=0.000222)
    assert serve(toy, cost=cost).post("/v1/paint", json=ASKED).json()["cost"] == cost.model_dump()
    assert serve(toy).post("/v1/paint", json=ASKED).json()["cost"] is None


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer wrong", "Basic cGFpbnQ=", "Bearer s3cret-and-lon"])
def test_a_missing_or_wrong_token_is_refused(toy, serve, header):
    headers = {"Authorization": header} if header else {}
    response = serve(toy, token="s3cret-and-long").post("/v1/paint", json=ASKED, headers=headers)
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"
    assert toy.batches == []


def test_the_right_token_may_paint_and_health_needs_none(toy, serve):
    client = serve(toy, token="pässwörd")
    header = {"Authorization": "Bearer pässwörd".encode()}
    assert client.post("/v1/paint", json=ASKED, headers=header).status_code == 200
    assert client.get("/healthz").status_code == 200


def test_while_loading_it_says_come_back(toy, serve):
    toy.loaded.clear()
    client = serve(toy)
    response = client.post("/v1/paint", json=ASKED)
    assert response.status_code == 503 and int(response.headers["retry-after"]) > 0
    health = client.get("/healthz")
    assert (health.status_code, health.json()) == (503, {"status": "loading"})
    toy.loaded.set()
    client.app.state.engine_thread.wait_settled(5)
    assert client.get("/healthz").json() == {"status": "ok", "model": "toy", "queue": 0, "safety": "off"}


def test_a_crash_is_a_500_and_the_next_order_is_painted(toy, serve):
    client = serve(toy)
    response = client.post("/v1/paint", json=ASKED | {"prompt": "crash"})
    assert response.status_code == 500 and response.json()["error"]
    assert client.post("/v1/paint", json=ASKED).status_code == 200


def test_an_order_with_a_bad_picture_is_answered_with_the_others_and_the_bad_one_named(toy, serve):
    paint = toy.paint
    toy.paint = lambda key, pieces: [
        Failure("not_a_number") if piece.seed == 13 else painting
        for piece, painting in zip(pieces, paint(key, pieces), strict=True)
    ]
    client = serve(toy)
    response = client.post("/v1/paint", json=ASKED | {"seeds": [1, 13, 3, 4]})
    pictures = response.json()["pictures"]
    assert [picture["seed"] for picture in pictures] == [1, 13, 3, 4]
    assert [picture["error"] for picture in pictures] == [None, "not_a_number", None, None]
    assert [picture["image"] is None for picture in pictures] == [False, True, False, False]
    assert {"gpu_pictures_total 3.0", "gpu_failed_pictures_total 1.0"} <= set(client.get("/metrics").text.splitlines())
    alone = client.post("/v1/paint", json=ASKED | {"seeds": [13]})
    assert (alone.status_code, alone.json()) == (
        500,
        {"error": "no picture came out: not_a_number", "only_this": False},
    )


def test_a_broken_engine_asks_to_be_replaced(toy, serve):
    client = serve(toy)
    assert client.post("/v1/paint", json=ASKED | {"prompt": "break"}).status_code == 500
    client.app.state.engine_thread.wait_settled(5)
    deadline = time.monotonic() + 5
    while client.get("/healthz").status_code == 200 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert client.get("/healthz").json() == {"status": "broken"}
    assert client.post("/v1/paint", json=ASKED).status_code == 503


def test_the_metrics_count_answers_pictures_and_seconds(toy, serve):
    client = serve(toy)
    client.post("/v1/paint", json=ASKED | {"seeds": [1, 2]})
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


def test_a_start_image_is_cropped_to_the_size_asked_for(toy, serve):
    wide = Image.new("RGB", (300, 100), "red")
    body = ASKED | {"init_image": as_base64(wide), "strength": 0.5, "width": 64, "height": 128}
    [painted] = serve(toy).post("/v1/paint", json=body).json()["pictures"]
    assert picture(painted).size == (64, 128)
    assert toy.keys[0].kind == "image" and toy.keys[0].strength == 0.5


def test_a_vector_without_a_check_is_named_as_not_looked_at(toy, serve, toy_checker):
    asked = ASKED | {"embedding": True}
    assert serve(toy).post("/v1/paint", json=asked).json()["ignored"] == ["embedding"]


def test_a_picture_that_cannot_be_encoded_is_a_500_that_is_counted_and_said_without_words(toy, serve, caplog):
    toy._painting = lambda *_: Painting(Image.new("RGBA", (64, 64)))
    client = serve(toy)
    response = client.post("/v1/paint", json=ASKED | {"prompt": "a confidential lake"})
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
def test_wrong_methods_and_addresses_are_errors_like_the_others(toy, serve, method, path, status):
    response = serve(toy).request(method, path, follow_redirects=False)
    assert response.status_code == status and list(response.json()) == ["error"]
    assert status != 405 or response.headers["allow"] in ("POST", "GET")


def test_a_monitor_may_ask_for_the_head_only(toy, serve):
    response = serve(toy).head("/healthz")
    assert response.status_code == 200 and response.content == b""


@pytest.mark.parametrize("path", ["/metrics", "/openapi.json"])
def test_what_is_painted_here_is_for_those_who_show_the_token(toy, serve, path):
    client = serve(toy, token="s3cret")
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic s3cret"}):
        answer = client.get(path, headers=headers)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert client.get(path, headers={"Authorization": "Bearer s3cret"}).status_code == 200
    assert client.get("/healthz").status_code == 200
    assert serve(toy).get(path).status_code == 200


def test_no_page_loads_scripts_from_elsewhere(toy, serve):
    assert {serve(toy).get(path).status_code for path in ("/docs", "/redoc")} == {404}
