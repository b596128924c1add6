"""The whole service with a tiny diffusers pipeline and a tiny safety check: the real libraries end to end."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gpu.safety.clip import ClipChecker
from tests.support.gpu_requests import REQUEST, as_base64, fields, picture
from tests.support.tiny_models import tiny_model
from tests.support.tiny_safety import WIDTH, tiny_safety
from tests.support.toy_engine import Serve

pytest.importorskip("diffusers", reason="diffusers is not installed: the diffusers extra")

from gpu.diffusion.engine import DiffusersEngine

REQUEST = REQUEST | {"steps": 1}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return tiny_model(tmp_path_factory.mktemp("models") / "tiny-turbo")


@pytest.fixture
def served(serve: Serve, folder: Any, tmp_path: Path) -> Any:
    """Start a client of the service whose check flags pictures above a cosine."""

    def start(threshold: float = 0.3, **given: Any) -> Any:
        checker = ClipChecker(str(tiny_safety(tmp_path / "checker", threshold=threshold)), device="cpu")
        return serve(DiffusersEngine(str(folder), device="cpu"), checker=checker, encoding="png", **given)

    return start


def test_pictures_are_checked_and_have_embeddings(served: Any) -> None:
    answer = served().post("/v1/paint", json=REQUEST | {"seeds": [1, 2], "embedding": True}).json()
    assert answer["seconds"]["checking"] > 0 and answer["steps"] == 1
    for painted in answer["pictures"]:
        assert painted["safety"]["checked"]
        assert sorted(painted["safety"]["scores"]) == sorted(
            [f"concept_{n}" for n in range(17)] + [f"special_care_{n}" for n in range(3)]
        )
        assert len(painted["embedding"]) == WIDTH
        assert np.linalg.norm(painted["embedding"]) == pytest.approx(1, abs=1e-5)


def test_flagged_pictures_are_returned_or_dropped_by_setting(served: Any) -> None:
    [shown] = served(threshold=-1.0).post("/v1/paint", json=REQUEST).json()["pictures"]
    assert shown["safety"]["flagged"] and np.asarray(picture(shown)).std() > 1
    [dropped] = served(threshold=-1.0, drop_flagged=True).post("/v1/paint", json=REQUEST).json()["pictures"]
    assert dropped["safety"]["flagged"] and dropped["image"] is None


def test_nothing_is_generated_without_the_check(serve: Serve, folder: Any, tmp_path: Path) -> None:
    client = serve(DiffusersEngine(str(folder), device="cpu"), checker=ClipChecker(str(tmp_path / "nothing")))
    assert client.post("/v1/paint", json=REQUEST).status_code == 503
    assert client.get("/healthz").json() == {"status": "broken"}


def test_a_truncated_prompt_is_reported_and_never_printed(
    served: Any, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    answer = served().post("/v1/paint", json=REQUEST | {"prompt": "zebra " * 200}).json()
    assert 0 < answer["truncated"]["read"] < answer["truncated"]["of"]
    printed = capfd.readouterr()
    assert "zebra" not in caplog.text + printed.out + printed.err


@pytest.mark.parametrize(
    "prompt", ["\x00", "a\x00b", "\u202e\u0301", "🎨" * 300, "<|endoftext|>", "\x1b[31m", "’ ß 漢字"]
)
def test_odd_prompts_work_with_the_real_tokenizer(served: Any, prompt: str) -> None:
    assert served().post("/v1/paint", json=REQUEST | {"prompt": prompt}).status_code == 200


def test_img2img_works_in_any_supported_shape(served: Any) -> None:
    client = served()
    start = as_base64(Image.effect_noise((300, 200), 60))
    body = {"prompt": "a lake", "seeds": [1], "init_image": start, "steps": 2, "strength": 0.5}
    [painted] = client.post("/v1/paint", json=body | {"aspect_ratio": "3:2"}).json()["pictures"]
    assert picture(painted).size == (painted["width"], painted["height"]) == (96, 64)
    assert fields(client.post("/v1/paint", json=body | {"strength": 0.4})) == ["strength"]
