"""The diffusers engine with a tiny pipeline of random weights: no download, no GPU."""

from __future__ import annotations

import base64
import io
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gpu.diffusion.engine import DiffusersEngine
from gpu.engine import BatchKey, GeneratedImage, ImageRequest
from tests.support.tiny_models import tiny_model
from tests.support.toy_engine import Serve

torch = pytest.importorskip("torch", reason="torch is not installed: the diffusers extra")
pytest.importorskip("diffusers", reason="diffusers is not installed: the diffusers extra")

TEXT = BatchKey("text", 64, 64, 2, 0.0)
IMAGE = BatchKey("image", 64, 64, 4, 0.0, 0.5)


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return tiny_model(tmp_path_factory.mktemp("models") / "tiny-turbo")


@pytest.fixture(scope="session")
def engine(model: Any) -> Iterator[Any]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    engine = DiffusersEngine(str(model), device="cpu", batch_limit=4, max_side=256)
    engine.load()
    yield engine
    torch.set_num_threads(threads)


def pixels(painting: Any) -> Any:
    return np.asarray(painting.image, np.int16)


def difference(one: GeneratedImage, other: GeneratedImage) -> Any:
    return int(np.abs(pixels(one) - pixels(other)).max())


def test_a_loaded_model_has_its_size_and_hides_its_path(engine: Any, model: Any) -> None:
    assert (engine.limits.width, engine.limits.height, engine.limits.steps) == (64, 64, 4)
    assert engine.model == "tiny-turbo"
    assert str(model.parent) not in engine.model


def test_it_generates_from_text(engine: Any) -> None:
    [painting] = engine.generate(TEXT, [ImageRequest("a lake", 7)])
    assert painting.image.size == (64, 64) and painting.image.mode == "RGB"
    assert pixels(painting).std() > 1


def test_sizes_need_not_be_square(engine: Any) -> None:
    [painting] = engine.generate(BatchKey("text", 96, 64, 1, 0.0), [ImageRequest("a lake", 7)])
    assert painting.image.size == (96, 64)


def test_a_seed_gives_the_same_picture_in_any_batch(engine: Any) -> None:
    [alone] = engine.generate(TEXT, [ImageRequest("a lake", 7)])
    batch = engine.generate(
        TEXT,
        [ImageRequest("a hill", 3), ImageRequest("a lake", 7), ImageRequest("a lake", 8), ImageRequest("a wood", 7)],
    )
    assert difference(alone, batch[1]) <= 2
    assert difference(batch[1], batch[2]) > 10, "another seed gave the same picture"
    assert difference(batch[1], batch[3]) > 0, "another prompt gave the same picture"


def test_strength_decides_the_distance_from_the_init_image(engine: Any) -> None:
    start = Image.linear_gradient("L").resize((64, 64)).convert("RGB")
    images = [ImageRequest("a lake", 7, init_image=start), ImageRequest("a lake", 8, init_image=start)]
    weak = engine.generate(BatchKey("image", 64, 64, 4, 0.0, 0.25), images)
    strong = engine.generate(BatchKey("image", 64, 64, 4, 0.0, 1.0), images)
    assert difference(weak[0], strong[0]) > 0
    assert difference(weak[0], weak[1]) > 0


def test_img2img_does_not_disturb_text2img(engine: Any) -> None:
    [before] = engine.generate(TEXT, [ImageRequest("a lake", 7)])
    engine.generate(IMAGE, [ImageRequest("a lake", 7, init_image=Image.new("RGB", (64, 64), "red"))])
    [after] = engine.generate(TEXT, [ImageRequest("a lake", 7)])
    assert difference(before, after) <= 2


def test_a_negative_prompt_works_with_guidance(engine: Any) -> None:
    guided = BatchKey("text", 64, 64, 2, 5.0)
    plain, negative = (engine.generate(guided, [ImageRequest("a lake", 7, negative)])[0] for negative in ("", "boats"))
    assert difference(plain, negative) > 0


def test_a_long_prompt_is_generated_and_never_logged(
    engine: Any, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.DEBUG, logger="gpu"):
        [painting] = engine.generate(TEXT, [ImageRequest("confidential " * 100, 7)])
    assert painting.image.size == (64, 64)
    assert "confidential" not in caplog.text + "".join(capfd.readouterr())


def test_the_largest_seed_works(engine: Any) -> None:
    assert engine.generate(TEXT, [ImageRequest("a lake", 2**63 - 1)])


def test_missing_weights_break_the_service(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    client = serve(DiffusersEngine(str(tmp_path / "empty"), device="cpu"))
    health = client.get("/healthz")
    assert (health.status_code, health.json()) == (503, {"status": "broken"})


def test_it_is_served_over_http_with_seeds_and_an_init_image(engine: Any, serve: Serve) -> None:
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
