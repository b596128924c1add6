"""The safety check: equal to the reference, batched, and an error if weights are missing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gpu.engine import EngineBroken, OutOfMemory
from gpu.safety.clip import ClipChecker
from gpu.safety.scores import Concepts, to_safety_results

torch = pytest.importorskip("torch")

from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker  # noqa: E402
from transformers import CLIPImageProcessor  # noqa: E402

from tests.support.tiny_safety import SIDE, WIDTH, tiny_safety  # noqa: E402


def pictures(count: int, seed: int = 0) -> Any:
    random = np.random.default_rng(seed)
    sizes = [(64, 64), (96, 64), (40, 120), (31, 30), (20, 25)]
    return [
        Image.fromarray(
            random.normal(random.integers(0, 256, 3), 40, (*sizes[n % len(sizes)], 3)).clip(0, 255).astype(np.uint8)
        )
        for n in range(count)
    ]


def reference(folder: Any, images: Any) -> Any:
    """Return the flags of diffusers' own checker, image by image."""
    checker = StableDiffusionSafetyChecker.from_pretrained(folder)
    seen = CLIPImageProcessor.from_pretrained(folder)(images, return_tensors="pt").pixel_values
    _, flags = checker(images=[np.ones((2, 2, 3)) for _ in images], clip_input=seen)
    return flags


@pytest.fixture
def make_checker(tmp_path: Path) -> Any:
    def make(**given: Any) -> Any:
        checker = ClipChecker(str(tiny_safety(tmp_path / "checker", **given)), device="cpu")
        checker.load()
        return checker

    return make


def test_it_flags_what_the_reference_flags(tmp_path: Path) -> None:
    outcomes = set()
    for seed in range(4):
        folder = tiny_safety(tmp_path / str(seed), seed=seed, threshold=0.4, special=0.2)
        checker, images = ClipChecker(str(folder), device="cpu"), pictures(16, seed)
        checker.load()
        flags = [safety_result.flagged for safety_result in checker.check(images)]
        assert flags == reference(folder, images)
        outcomes |= set(flags)
    assert outcomes == {True, False}


def by_the_book(special_margins: Any, margins: Any) -> Any:
    """The loop of diffusers 0.42's forward() for one image, with its rounding and adjustment."""
    adjustment, care, scores = 0.0, [], []
    for margin in special_margins:
        care.append(round(margin + adjustment, 3))
        if care[-1] > 0:
            adjustment = 0.01
    for margin in margins:
        scores.append(round(margin + adjustment, 3))
    return care, scores


def test_scores_and_special_care_are_those_of_the_reference_to_the_last_place() -> None:
    random = np.random.default_rng(5)
    # A picture along the first axis: each concept's cosine is its own first number, close about its threshold.
    embedding = np.eye(20, dtype=np.float32)[:1]
    flags = set()
    for _ in range(300):
        near = random.normal(random.choice([-0.004, -0.02]), 0.006, 20).astype(np.float32)
        near[random.integers(0, 20)] = random.choice([0.0005, 0.00049, 0.0015, -0.0095, -0.0105])
        vectors = np.zeros((20, 20), np.float32)
        vectors[:, 0] = near
        special = Concepts(vectors[:3], np.zeros(3, np.float32))
        concepts = Concepts(vectors[3:], np.zeros(17, np.float32))
        [safety_result] = to_safety_results(embedding, special, concepts)
        care, scores = by_the_book(near[:3], near[3:])
        expected = {f"special_care_{n}": float(str(score)) for n, score in enumerate(care)}
        expected |= {f"concept_{n}": float(str(score)) for n, score in enumerate(scores)}
        assert safety_result.scores == expected
        assert safety_result.flagged == any(score > 0 for score in scores)
        flags.add((safety_result.flagged, any(score > 0 for score in care)))
    assert len(flags) == 4


def test_special_care_makes_other_thresholds_stricter() -> None:
    one = np.eye(2, dtype=np.float32)[:1]

    def safety_result(special_margin: Any, margin: Any) -> Any:
        def concept(value: str) -> Any:
            return Concepts(np.array([[value, 0]], np.float32), np.zeros(1, np.float32))

        return to_safety_results(one, concept(special_margin), concept(margin))[0]

    assert not safety_result(0.5, -0.02).flagged
    assert not safety_result(-0.5, -0.005).flagged
    assert safety_result(0.5, -0.005).flagged
    assert safety_result(0.5, -0.005).scores == {"special_care_0": 0.5, "concept_0": 0.005}


def test_a_batch_gives_the_same_results_as_single_images(make_checker: Any) -> None:
    checker, images = make_checker(), pictures(7)
    together, alone = checker.check(images), [checker.check([image])[0] for image in images]
    for one, other in zip(together, alone, strict=True):
        assert np.allclose(one.embedding, other.embedding, atol=1e-5)
        assert one.scores == pytest.approx(other.scores, abs=1.1e-3)


def test_the_embedding_is_a_unit_vector_of_float32_and_the_pictures_stay_as_they_are(make_checker: Any) -> None:
    images = pictures(3)
    before = [image.tobytes() for image in images]
    for safety_result in make_checker(threshold=-1.0).check(images):
        assert safety_result.flagged
        assert safety_result.embedding.dtype == np.float32 and safety_result.embedding.shape == (WIDTH,)
        assert np.linalg.norm(safety_result.embedding) == pytest.approx(1, abs=1e-5)
    assert [image.tobytes() for image in images] == before


def test_images_of_any_shape_are_cropped_as_clip_does(make_checker: Any, tmp_path: Path) -> None:
    checker = make_checker()
    images = [*pictures(5), Image.new("L", (500, 30), 77), Image.new("RGB", (1, 1), "red")]
    processor = CLIPImageProcessor.from_pretrained(tmp_path / "checker")
    reference_model = StableDiffusionSafetyChecker.from_pretrained(tmp_path / "checker")
    for image, safety_result in zip(images, checker.check(images), strict=True):
        seen = processor(image.convert("RGB"), return_tensors="pt").pixel_values
        assert seen.shape[-2:] == (SIDE, SIDE)
        with torch.no_grad():
            pooled = reference_model.vision_model(seen)[1]
            wanted = torch.nn.functional.normalize(reference_model.visual_projection(pooled))[0].numpy()
        assert np.allclose(safety_result.embedding, wanted, atol=1e-4)


def test_no_images_give_no_results(make_checker: Any) -> None:
    assert make_checker().check([]) == []


def test_a_pipelines_folder_with_a_checker_works(tmp_path: Path) -> None:
    tiny_safety(tmp_path / "model" / "safety_checker")
    checker = ClipChecker(str(tmp_path / "model"), device="cpu")
    checker.load()
    assert len(checker.check(pictures(2))) == 2


@pytest.mark.parametrize("there", ["nothing", "an empty folder", "rubbish"])
def test_missing_weights_are_an_error_with_the_settings(tmp_path: Path, there: str) -> None:
    folder = tmp_path / "weights"
    if there != "nothing":
        folder.mkdir()
    if there == "rubbish":
        (folder / "config.json").write_text("{}")
        (folder / "model.safetensors").write_bytes(b"\0" * 100)
    with pytest.raises(RuntimeError, match=r"GPU_SAFETY_MODEL .* GPU_SAFETY=off"):
        ClipChecker(str(folder), device="cpu").load()


@pytest.mark.parametrize("lost", ["concept_embeds", "visual_projection.weight", "special_care_embeds_weights"])
def test_incomplete_weights_are_an_error(tmp_path: Path, lost: str) -> None:
    from safetensors.torch import load_file, save_file

    folder = tiny_safety(tmp_path / "checker")
    parts = load_file(folder / "model.safetensors")
    del parts[lost]
    save_file(parts, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(RuntimeError, match="lack 1 of their parts"):
        ClipChecker(str(folder), device="cpu").load()


def test_weights_of_another_shape_are_an_error(tmp_path: Path) -> None:
    folder = tiny_safety(tmp_path / "checker")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"projection_dim": WIDTH * 2}))
    with pytest.raises(RuntimeError, match="GPU_SAFETY_MODEL"):
        ClipChecker(str(folder), device="cpu").load()


class Failing(torch.nn.Module):  # type: ignore[name-defined,misc]
    """An image encoder that fails, or that has memory for so many images."""

    def __init__(self, tower: Any, *, room: int = 100, error: Exception | None = None) -> None:
        super().__init__()
        self.tower, self.room, self.error = tower, room, error
        self.batches: list[int] = []

    def forward(self, pixels: Any) -> Any:
        self.batches.append(len(pixels))
        if self.error:
            raise self.error
        if len(pixels) > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return self.tower(pixels)


def failing(checker: Any, **how: Any) -> Any:
    checker._model.vision_model = tower = Failing(checker._model.vision_model, **how)
    return tower


def test_out_of_memory_checks_in_halves(make_checker: Any) -> None:
    checker, images = make_checker(), pictures(7)
    expected = [safety_result.flagged for safety_result in checker.check(images)]
    tower = failing(checker, room=2)
    assert [safety_result.flagged for safety_result in checker.check(images)] == expected
    assert tower.batches[0] == 7 and max(tower.batches[1:]) <= 4


def test_an_image_that_does_not_fit_alone_is_out_of_memory(make_checker: Any) -> None:
    checker = make_checker()
    failing(checker, room=0)
    with pytest.raises(OutOfMemory):
        checker.check(pictures(2))


@pytest.mark.parametrize(
    "error",
    [
        torch.AcceleratorError("CUDA error: an illegal memory access was encountered"),
        RuntimeError("CUDA error: CUBLAS_STATUS_EXECUTION_FAILED when calling `cublasGemmEx`"),
    ],
)
def test_a_fault_of_the_device_breaks_the_engine(make_checker: Any, error: Any) -> None:
    checker = make_checker()
    failing(checker, error=error)
    with pytest.raises(EngineBroken):
        checker.check(pictures(2))


def test_a_missing_workspace_is_out_of_memory(make_checker: Any) -> None:
    checker = make_checker()
    failing(checker, error=RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate`"))
    with pytest.raises(OutOfMemory):
        checker.check(pictures(1))


def test_an_overflow_is_an_error(make_checker: Any) -> None:
    checker = make_checker()
    with torch.no_grad():
        checker._model.visual_projection.weight.fill_(float("inf"))
    with pytest.raises(ArithmeticError):
        checker.check(pictures(2))


def test_nan_weights_do_not_load(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = tiny_safety(tmp_path / "checker")
    parts = load_file(folder / "model.safetensors")
    parts["concept_embeds_weights"].fill_(float("nan"))
    save_file(parts, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ArithmeticError):
        ClipChecker(str(folder), device="cpu").load()
