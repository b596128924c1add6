"""The diffusers engine around a tiny pipeline with random weights, built here: no download, no GPU."""

from __future__ import annotations

import base64
import io
import logging

import numpy as np
import pytest
from PIL import Image

from gpu.diffusion.engine import DiffusersEngine
from gpu.engine import Key, Piece
from tests.support.tiny_models import tiny_model

torch = pytest.importorskip("torch", reason="torch is not installed: the diffusers extra")
pytest.importorskip("diffusers", reason="diffusers is not installed: the diffusers extra")

TEXT = Key("text", 64, 64, 2, 0.0)
IMAGE = Key("image", 64, 64, 4, 0.0, 0.5)


@pytest.fixture(scope="session")
def model(tmp_path_factory):
    return tiny_model(tmp_path_factory.mktemp("models") / "tiny-turbo")


@pytest.fixture(scope="session")
def engine(model):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    engine = DiffusersEngine(str(model), device="cpu", batch_limit=4, max_side=256)
    engine.load()
    yield engine
    torch.set_num_threads(threads)


def pixels(painting):
    return np.asarray(painting.image, np.int16)


def difference(one, other):
    return int(np.abs(pixels(one) - pixels(other)).max())


def test_a_loaded_model_tells_its_size_and_hides_its_path(engine, model):
    assert (engine.limits.width, engine.limits.height, engine.limits.steps) == (64, 64, 4)
    assert engine.model == "tiny-turbo"
    assert str(model.parent) not in engine.model


def test_it_paints_from_text(engine):
    [painting] = engine.paint(TEXT, [Piece("a lake", 7)])
    assert painting.image.size == (64, 64) and painting.image.mode == "RGB"
    assert pixels(painting).std() > 1


def test_sizes_need_not_be_square(engine):
    [painting] = engine.paint(Key("text", 96, 64, 1, 0.0), [Piece("a lake", 7)])
    assert painting.image.size == (96, 64)


def test_a_seed_means_the_same_picture_in_whatever_batch(engine):
    [alone] = engine.paint(TEXT, [Piece("a lake", 7)])
    batch = engine.paint(TEXT, [Piece("a hill", 3), Piece("a lake", 7), Piece("a lake", 8), Piece("a wood", 7)])
    assert difference(alone, batch[1]) <= 2
    assert difference(batch[1], batch[2]) > 10, "another seed gave the same picture"
    assert difference(batch[1], batch[3]) > 0, "another prompt gave the same picture"


def test_it_paints_from_an_image_and_strength_decides_how_far(engine):
    start = Image.linear_gradient("L").resize((64, 64)).convert("RGB")
    pieces = [Piece("a lake", 7, start=start), Piece("a lake", 8, start=start)]
    weak = engine.paint(Key("image", 64, 64, 4, 0.0, 0.25), pieces)
    strong = engine.paint(Key("image", 64, 64, 4, 0.0, 1.0), pieces)
    assert difference(weak[0], strong[0]) > 0
    assert difference(weak[0], weak[1]) > 0


def test_painting_from_an_image_does_not_disturb_painting_from_text(engine):
    [before] = engine.paint(TEXT, [Piece("a lake", 7)])
    engine.paint(IMAGE, [Piece("a lake", 7, start=Image.new("RGB", (64, 64), "red"))])
    [after] = engine.paint(TEXT, [Piece("a lake", 7)])
    assert difference(before, after) <= 2


def test_a_negative_prompt_counts_when_there_is_guidance(engine):
    guided = Key("text", 64, 64, 2, 5.0)
    plain, negative = (engine.paint(guided, [Piece("a lake", 7, negative)])[0] for negative in ("", "boats"))
    assert difference(plain, negative) > 0


def test_a_long_prompt_is_painted_and_never_logged(engine, caplog, capfd):
    with caplog.at_level(logging.DEBUG, logger="gpu"):
        [painting] = engine.paint(TEXT, [Piece("confidential " * 100, 7)])
    assert painting.image.size == (64, 64)
    assert "confidential" not in caplog.text + "".join(capfd.readouterr())


def test_the_biggest_seed_is_taken(engine):
    assert engine.paint(TEXT, [Piece("a lake", 2**63 - 1)])


def test_weights_that_are_not_there_leave_the_service_broken(serve, tmp_path):
    (tmp_path / "empty").mkdir()
    client = serve(DiffusersEngine(str(tmp_path / "empty"), device="cpu"))
    health = client.get("/healthz")
    assert (health.status_code, health.json()) == (503, {"status": "broken"})


def test_it_is_served_over_http_with_batches_of_seeds_and_a_start_image(engine, serve):
    client = serve(engine, encoding="png")
    start = io.BytesIO()
    Image.new("RGB", (40, 80), "teal").save(start, "PNG")
    asked = {"prompt": "a lake", "seeds": [1, 2, 3], "width": 64, "height": 64}
    plain = client.post("/v1/paint", json=asked)
    remix = client.post("/v1/paint", json=asked | {"init_image": base64.b64encode(start.getvalue()).decode()})
    for response in (plain, remix):
        assert response.status_code == 200, response.text
        assert response.json()["model"] == "tiny-turbo" and response.json()["batch_size"] == 3
        assert len({picture["image"] for picture in response.json()["pictures"]}) == 3
    assert client.post("/v1/paint", json=asked | {"width": 512}).status_code == 422
