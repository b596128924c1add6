"""POST /v1/embed: text embeddings in the space of the pictures' embeddings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gpu.api.contract import MAX_PROMPT_LENGTH, MAX_TEXTS
from gpu.engine import TextVector, Truncation
from gpu.safety.clip import ClipChecker
from gpu.safety.text import ClipTextEncoder
from tests.support.gpu_requests import REQUEST, fields
from tests.support.toy_engine import Serve, ToyChecker, ToyEngine

torch = pytest.importorskip("torch", reason="torch is not installed: the diffusers extra")
pytest.importorskip("diffusers", reason="diffusers is not installed: the diffusers extra")

TEXTS = ["a lake at dawn", "two boats", "x"]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.support.tiny_clip import tiny_clip

    return tiny_clip(tmp_path_factory.mktemp("clip") / "whole")


@pytest.fixture(scope="module")
def checker(clip: Path, tmp_path_factory: pytest.TempPathFactory) -> ClipChecker:
    from tests.support.tiny_clip import safety_of_clip

    checker = ClipChecker(str(safety_of_clip(clip, tmp_path_factory.mktemp("safety"))), device="cpu")
    checker.load()
    return checker


@pytest.fixture(scope="module")
def encoder(clip: Path, checker: ClipChecker) -> ClipTextEncoder:
    encoder = ClipTextEncoder(str(clip), checker, device="cpu")
    encoder.load()
    assert encoder.problem == ""
    return encoder


@pytest.fixture
def client(serve: Serve, toy: ToyEngine, checker: ClipChecker, encoder: ClipTextEncoder) -> Any:
    return serve(toy, checker=checker, text_encoder=encoder, token="s3cret")


def post(client: Any, body: object, token: str = "s3cret") -> Any:
    return client.post("/v1/embed", json=body, headers={"Authorization": f"Bearer {token}"})


def vectors_of(answer: Any) -> Any:
    assert answer.status_code == 200, answer.text
    return np.array([row["embedding"] for row in answer.json()["embeddings"]], np.float32)


# The space


def test_texts_and_pictures_are_as_near_as_clip_says(clip: Path, checker: ClipChecker, client: Any) -> None:
    from transformers import CLIPModel, CLIPTokenizer

    model: Any = CLIPModel.from_pretrained(clip)
    picture = Image.effect_noise((30, 30), 90).convert("RGB")
    pixels = (
        torch.tensor(np.asarray(picture)).permute(2, 0, 1)[None].float() / 255 - checker._mean
    ) / checker._deviation
    tokens = CLIPTokenizer.from_pretrained(clip)(TEXTS, padding=True, return_tensors="pt")
    with torch.no_grad():
        cosines = model(**tokens, pixel_values=pixels).logits_per_image[0] / model.logit_scale.exp()
    [result] = checker.check([picture])
    assert vectors_of(post(client, {"texts": TEXTS})) @ result.embedding == pytest.approx(cosines.numpy(), abs=1e-5)


def test_vectors_have_length_one_and_keep_the_order(client: Any) -> None:
    answer = post(client, {"texts": TEXTS})
    together = vectors_of(answer)
    assert answer.json()["model"] == "whole"
    assert np.linalg.norm(together, axis=1) == pytest.approx([1.0, 1.0, 1.0], abs=1e-5)
    for text, vector in zip(TEXTS, together, strict=True):
        assert vectors_of(post(client, {"texts": [text]}))[0] == pytest.approx(vector, abs=1e-5)


def test_a_text_of_more_than_77_tokens_is_read_to_its_75th(client: Any) -> None:
    texts = ["b" * 75 + "c" * 20, "b" * 75 + "d" * 20, "b" * 74 + "c" * 21, "b" * 75]
    answer = post(client, {"texts": texts})
    first, same, other, _ = vectors_of(answer)
    assert first == pytest.approx(same, abs=1e-6) and first != pytest.approx(other, abs=1e-3)
    cut = {"read": 75, "of": 95}
    assert [row["truncated"] for row in answer.json()["embeddings"]] == [cut, cut, cut, None]


def test_painting_goes_on_beside_it(client: Any) -> None:
    answer = client.post("/v1/paint", json=REQUEST | {"embedding": True}, headers={"Authorization": "Bearer s3cret"})
    assert len(answer.json()["pictures"][0]["embedding"]) == vectors_of(post(client, {"texts": ["a"]})).shape[1]


# Limits


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "texts"),
        ({"texts": []}, "texts"),
        ({"texts": ["a"] * (MAX_TEXTS + 1)}, "texts"),
        ({"texts": ["a", " "]}, "texts.1"),
        ({"texts": ["a" * (MAX_PROMPT_LENGTH + 1)]}, "texts.0"),
        ({"texts": [1]}, "texts.0"),
        ({"texts": "a"}, "texts"),
        ({"texts": ["a"], "color": 1}, "color"),
    ],
)
def test_invalid_requests_are_rejected_by_field(client: Any, body: object, field: str) -> None:
    assert fields(post(client, body)) == [field]


def test_the_longest_request_is_answered(client: Any) -> None:
    answer = post(client, {"texts": ["é " * (MAX_PROMPT_LENGTH // 2)] * MAX_TEXTS})
    assert vectors_of(answer).shape[0] == MAX_TEXTS


def test_a_wrong_token_is_refused(client: Any) -> None:
    assert post(client, {"texts": ["a"]}, token="guess").status_code == 401


def test_the_api_is_described(client: Any) -> None:
    described = client.get("/openapi.json", headers={"Authorization": "Bearer s3cret"}).json()
    assert "/v1/embed" in described["paths"]


# Without CLIP


def test_a_service_without_a_safety_check_answers_501(serve: Serve, toy: ToyEngine) -> None:
    answer = serve(toy).post("/v1/embed", json={"texts": ["a"]})
    assert answer.status_code == 501 and "safety check" in answer.json()["error"]


def test_weights_that_are_missing_cost_only_the_embeddings(
    serve: Serve, toy: ToyEngine, checker: ClipChecker, tmp_path: Path
) -> None:
    encoder = ClipTextEncoder(str(tmp_path), checker, device="cpu")
    client = serve(toy, checker=checker, text_encoder=encoder)
    answer = client.post("/v1/embed", json={"texts": ["a"]})
    assert answer.status_code == 501 and "GPU_TEXT_MODEL" in answer.json()["error"]
    assert str(tmp_path) not in answer.text
    assert client.post("/v1/paint", json=REQUEST).status_code == 200


def test_a_model_of_another_space_is_not_used(checker: ClipChecker, tmp_path: Path) -> None:
    from tests.support.tiny_clip import tiny_clip

    encoder = ClipTextEncoder(str(tiny_clip(tmp_path / "wide", width=24)), checker, device="cpu")
    encoder.load()
    assert "its vectors have 24 numbers, the pictures' 16" in encoder.problem


def test_a_service_that_is_loading_answers_503(serve: Serve, toy: ToyEngine) -> None:
    toy.loaded.clear()
    assert serve(toy).post("/v1/embed", json={"texts": ["a"]}).status_code == 503


def test_a_fault_is_an_error_without_the_text(
    serve: Serve, toy: ToyEngine, toy_checker: ToyChecker, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken:
        model, problem = "broken", ""

        def load(self) -> None:
            pass

        def embed(self, texts: list[str]) -> list[TextVector]:
            raise ValueError(f"cannot read {texts}")

    client = serve(toy, checker=toy_checker, text_encoder=Broken())
    answer = client.post("/v1/embed", json={"texts": ["a secret"]})
    assert answer.status_code == 500 and "secret" not in answer.text + caplog.text


def test_truncations_count_tokens(encoder: ClipTextEncoder) -> None:
    assert [vector.truncation for vector in encoder.embed(["b" * 75, "b" * 76])] == [None, Truncation(75, 76)]
