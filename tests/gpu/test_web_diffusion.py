"""The whole service with a tiny diffusers pipeline and a tiny safety check: what comes out of the real libraries."""

from __future__ import annotations

import logging

import numpy as np
import pytest
from PIL import Image

from gpu.safety.clip import ClipChecker
from tests.support.asking import ASKED, as_base64, fields, picture
from tests.support.tiny_models import tiny_model
from tests.support.tiny_safety import WIDTH, tiny_safety

pytest.importorskip("diffusers", reason="diffusers is not installed: the diffusers extra")

from gpu.diffusion.engine import DiffusersEngine

ASKED = ASKED | {"steps": 1}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_model(tmp_path_factory.mktemp("models") / "tiny-turbo")


@pytest.fixture
def served(serve, folder, tmp_path):
    """A client of the service, whose check flags pictures above this cosine."""

    def start(threshold=0.3, **given):
        checker = ClipChecker(str(tiny_safety(tmp_path / "checker", threshold=threshold)), device="cpu")
        return serve(DiffusersEngine(str(folder), device="cpu"), checker=checker, encoding="png", **given)

    return start


def test_what_is_painted_is_checked_and_has_a_vector(served):
    answer = served().post("/v1/paint", json=ASKED | {"seeds": [1, 2], "embedding": True}).json()
    assert answer["seconds"]["checking"] > 0 and answer["steps"] == 1
    for painted in answer["pictures"]:
        assert painted["safety"]["checked"]
        assert sorted(painted["safety"]["scores"]) == sorted(
            [f"concept_{n}" for n in range(17)] + [f"special_care_{n}" for n in range(3)]
        )
        assert len(painted["embedding"]) == WIDTH
        assert np.linalg.norm(painted["embedding"]) == pytest.approx(1, abs=1e-5)


def test_flagged_pictures_are_shown_as_they_are_or_kept_back_by_setting(served):
    [shown] = served(threshold=-1.0).post("/v1/paint", json=ASKED).json()["pictures"]
    assert shown["safety"]["flagged"] and np.asarray(picture(shown)).std() > 1
    [kept] = served(threshold=-1.0, withhold=True).post("/v1/paint", json=ASKED).json()["pictures"]
    assert kept["safety"]["flagged"] and kept["image"] is None


def test_no_checker_loaded_no_picture_painted(serve, folder, tmp_path):
    client = serve(DiffusersEngine(str(folder), device="cpu"), checker=ClipChecker(str(tmp_path / "nothing")))
    assert client.post("/v1/paint", json=ASKED).status_code == 503
    assert client.get("/healthz").json() == {"status": "broken"}


def test_a_long_prompt_is_reported_in_the_answer_and_printed_nowhere(served, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    answer = served().post("/v1/paint", json=ASKED | {"prompt": "zebra " * 200}).json()
    assert 0 < answer["truncated"]["read"] < answer["truncated"]["of"]
    printed = capfd.readouterr()
    assert "zebra" not in caplog.text + printed.out + printed.err


@pytest.mark.parametrize(
    "prompt", ["\x00", "a\x00b", "\u202e\u0301", "🎨" * 300, "<|endoftext|>", "\x1b[31m", "’ ß 漢字"]
)
def test_odd_prompts_are_painted_by_the_real_tokenizer_too(served, prompt):
    assert served().post("/v1/paint", json=ASKED | {"prompt": prompt}).status_code == 200


def test_a_picture_starts_from_a_picture_in_any_shape_the_model_takes(served):
    client = served()
    start = as_base64(Image.effect_noise((300, 200), 60))
    body = {"prompt": "a lake", "seeds": [1], "init_image": start, "steps": 2, "strength": 0.5}
    [painted] = client.post("/v1/paint", json=body | {"aspect_ratio": "3:2"}).json()["pictures"]
    assert picture(painted).size == (painted["width"], painted["height"]) == (96, 64)
    assert fields(client.post("/v1/paint", json=body | {"strength": 0.4})) == ["strength"]
