"""Parts of the diffusers engine: image output, tokens, errors, buckets, defaults."""

from __future__ import annotations

import inspect
import logging
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from gpu.diffusion.batch_buckets import bucket_sizes, pad_to_bucket
from gpu.diffusion.image_output import to_images
from gpu.diffusion.model_defaults import guess_defaults, preset_for_unknown
from gpu.diffusion.prompt_tokens import TokenCounters
from gpu.diffusion.runtime_errors import classify_error
from gpu.engine import EngineBroken, Failure, GeneratedImage, ImageRequest, OutOfMemory, Truncation
from tests.support.tiny_engines import loaded, pixels, text_key
from tests.support.tiny_models import FAMILIES, tiny_model

torch = pytest.importorskip("torch", reason="torch is not installed: the diffusers extra")
diffusers = pytest.importorskip("diffusers", reason="diffusers is not installed: the diffusers extra")

PIECES = [ImageRequest("a secret garden", 7, "thorns and weeds")]


def pipeline_of(folder: Any) -> Any:
    return diffusers.DiffusionPipeline.from_pretrained(folder, local_files_only=True)


@pytest.fixture(scope="module", params=FAMILIES)
def pipeline(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return pipeline_of(tiny_model(tmp_path_factory.mktemp("tokens") / request.param, request.param))


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return loaded(tiny_model(tmp_path_factory.mktemp("parts") / "tiny"))


# Pixels


def test_images_equal_diffusers_own_pil_output() -> None:
    from diffusers.image_processor import VaeImageProcessor

    batch = torch.rand(3, 3, 24, 16, generator=torch.Generator().manual_seed(0))
    theirs = VaeImageProcessor.numpy_to_pil(VaeImageProcessor.pt_to_numpy(batch))
    for ours, other in zip(to_images(batch), theirs, strict=True):
        assert isinstance(ours, Image.Image)
        assert (ours.size, ours.mode) == ((16, 24), "RGB")
        assert np.abs(np.asarray(ours, np.int16) - np.asarray(other, np.int16)).max() <= 1


def test_half_precision_and_values_out_of_range_are_images_too() -> None:
    batch = torch.tensor([-0.5, 0.0, 0.5, 1.0, 7.0], dtype=torch.bfloat16).reshape(1, 1, 1, 5).expand(1, 3, 1, 5)
    assert np.asarray(to_images(batch)[0])[0, :, 0].tolist() == [0, 0, 128, 255, 255]


def test_a_picture_with_a_nan_in_it_fails_alone_and_is_never_black() -> None:
    batch = torch.zeros(3, 3, 8, 8)
    batch[1, 2, 4, 4] = float("nan")
    first, broken, last = to_images(batch)
    assert broken == Failure("not_a_number")
    assert isinstance(first, Image.Image) and isinstance(last, Image.Image)


def test_weights_that_overflow_fail_their_pictures_and_the_log_names_the_setting(
    engine: Any, caplog: pytest.LogCaptureFixture
) -> None:
    decoder = engine._callers["text"].pipeline.vae.decoder.conv_out
    bias = decoder.bias.data.clone()
    decoder.bias.data.fill_(float("nan"))
    assert engine.generate(text_key(), [ImageRequest("a lake", 7)]) == [Failure("not_a_number")]
    assert "GPU_DTYPE" in caplog.text and "a lake" not in caplog.text
    decoder.bias.data.copy_(bias)
    assert isinstance(engine.generate(text_key(), [ImageRequest("a lake", 7)])[0], GeneratedImage)


def test_a_nan_image_during_warm_up_stops_the_start(engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "generate", lambda _key, images: [Failure("not_a_number")] * len(images))
    with pytest.raises(EngineBroken, match="GPU_DTYPE"):
        engine._warm_up()


# Tokens


def used(truncation: Truncation | None) -> int:
    assert truncation
    return truncation.used


def test_one_token_too_many_is_a_truncation(pipeline: Any) -> None:
    readers = TokenCounters(pipeline)
    room = used(readers.truncation("b " * 3000))
    # In the tiny vocabularies "b" is one token; T5 counts the space before it, too.
    fits = max(n for n in range(1, 600) if readers.truncation("b" * n) is None)
    over = readers.truncation("b" * (fits + 1))
    assert over == Truncation(room, room + 1)


def test_the_token_limit_is_what_the_pipeline_reads(pipeline: Any) -> None:
    """Letters beyond the limit do not change the embeddings; the last one within does."""
    room = used(TokenCounters(pipeline).truncation("b " * 3000))
    spaces = 1 if type(pipeline).__name__ == "StableDiffusion3Pipeline" else 0  # T5 puts one before the first letter
    last, after = "b" * (room - 1 - spaces) + "c", "b" * (room - spaces) + "c"
    other = "b" * (room - spaces) + "d"
    assert not torch.equal(embedded(pipeline, "b" * (room - spaces)), embedded(pipeline, last))
    assert torch.equal(embedded(pipeline, after), embedded(pipeline, other))


def embedded(pipeline: Any, prompt: str) -> Any:
    with torch.no_grad():
        if type(pipeline).__name__ == "StableDiffusion3Pipeline":
            return pipeline.encode_prompt(prompt, None, None, do_classifier_free_guidance=False)[0]
        if "StableDiffusion" in type(pipeline).__name__:
            device = {"device": "cpu", "num_images_per_prompt": 1, "do_classifier_free_guidance": False}
            return pipeline.encode_prompt(prompt, **device)[0]
        if type(pipeline).__name__ == "SanaSprintPipeline":
            instruction = inspect.signature(pipeline.__call__).parameters["complex_human_instruction"].default
            return pipeline.encode_prompt([prompt], device="cpu", complex_human_instruction=instruction)[0]
        return pipeline.encode_prompt([prompt], device="cpu")[0][0]


@given(st.text(max_size=300))
def test_any_text_can_be_counted(engine: Any, prompt: str) -> None:
    truncation = engine._tokens.truncation(prompt)
    assert truncation is None or 0 < truncation.used < truncation.total


def test_libraries_do_not_log_long_prompts(
    pipeline: Any, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    from gpu.diffusion.engine import _keep_prompts_out_of_logs

    _keep_prompts_out_of_logs()
    with caplog.at_level(logging.DEBUG), warnings.catch_warnings(record=True) as warned:
        TokenCounters(pipeline).truncation("confidential " * 200)
        embedded(pipeline, "confidential " * 200)
    output = caplog.text + "".join(capfd.readouterr()) + "".join(str(warning.message) for warning in warned)
    assert "confidential" not in output and "longer than" not in output


# Errors


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError("MPS backend out of memory (MPS allocated: 9 GB)"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        torch.AcceleratorError("CUDA error: out of memory"),
        MemoryError(),
    ],
    ids=lambda error: str(error)[:30],
)
def test_all_kinds_of_out_of_memory_are_recognized(error: Any) -> None:
    assert isinstance(classify_error(error, PIECES), OutOfMemory)


@pytest.mark.parametrize(
    "error",
    [
        torch.AcceleratorError("CUDA error: an illegal memory access was encountered"),
        RuntimeError("CUDA error: device-side assert triggered"),
        RuntimeError("CUDA error: CUBLAS_STATUS_EXECUTION_FAILED when calling `cublasGemmEx`"),
        RuntimeError("cuDNN error: CUDNN_STATUS_EXECUTION_FAILED"),
    ],
    ids=lambda error: str(error)[:40],
)
def test_a_dead_device_breaks_the_engine(error: Any) -> None:
    fault = classify_error(error, PIECES)
    assert isinstance(fault, EngineBroken) and str(error) in str(fault)


@pytest.mark.parametrize(
    "error",
    [
        ValueError("`height` and `width` have to be divisible by 8 but are 63 and 64."),
        RuntimeError("cuDNN error: CUDNN_STATUS_NOT_SUPPORTED"),
        RuntimeError("shape '[1, 2]' is invalid for input of size 3"),
    ],
    ids=lambda error: str(error)[:30],
)
def test_other_errors_stay_as_they_are(error: Any) -> None:
    assert classify_error(error, PIECES) is error


def test_no_error_quotes_a_prompt() -> None:
    output = classify_error(ValueError("negative_prompt: ['Thorns and Weeds'] has batch size 1"), PIECES)
    assert "thorns" not in str(output).lower() and "ValueError" in str(output)


def test_memory_of_a_batch_that_did_not_fit_is_free_when_the_error_arrives(engine: Any) -> None:
    import gc
    import weakref

    held = []

    def greedy(**_: Any) -> None:
        tensor = torch.zeros(1000)
        held.append(weakref.ref(tensor))
        raise torch.OutOfMemoryError("CUDA out of memory")

    calls = engine._callers["text"]
    before, calls.pipeline = calls.pipeline, greedy
    gc.disable()
    try:
        with pytest.raises(OutOfMemory) as caught:
            engine.generate(text_key(), [ImageRequest("a lake", 7)])
        assert held[0]() is None, "somebody who tries again with fewer pieces would not have this memory"
        assert caught.value.__context__ is None
    finally:
        gc.enable()
        calls.pipeline = before


# Buckets


def test_buckets_are_powers_of_two_and_the_limit() -> None:
    assert [bucket_sizes(limit) for limit in (1, 2, 6, 8)] == [[1], [1, 2], [1, 2, 4, 6], [1, 2, 4, 8]]


@given(st.integers(1, 80), st.integers(1, 64))
def test_padding_reaches_a_bucket_size(count: int, limit: Any) -> None:
    images = list(range(count))
    filled = pad_to_bucket(images, limit)
    assert filled[:count] == images and set(filled[count:]) <= {images[-1]}
    assert len(filled) < 2 * count or count == 1
    assert len(filled) in (bucket_sizes(limit) if count <= limit else bucket_sizes(128))


# Defaults of unknown models


def test_defaults_are_guessed_from_the_name_at_last(pipeline: Any) -> None:
    own = {"Flux2KleinPipeline": (4, 1.0), "PRXPipeline": (4, 1.0), "SanaSprintPipeline": (2, 4.5)}
    expected = own.get(type(pipeline).__name__, (4, 0.0))
    for name in ("somebody/some-turbo", "somebody/some-LIGHTNING"):
        defaults = guess_defaults(name, pipeline)
        assert (defaults.steps, defaults.guidance) == expected


def test_trailing_timesteps_mean_distilled(tmp_path: Path) -> None:
    pipeline = pipeline_of(tiny_model(tmp_path / "mine"))
    assert guess_defaults("mine", pipeline).steps == 4
    pipeline.scheduler = diffusers.DPMSolverMultistepScheduler()
    assert guess_defaults("mine", pipeline) == guess_defaults("other", pipeline)
    assert (guess_defaults("mine", pipeline).steps, guess_defaults("mine", pipeline).guidance) == (25, 7.5)
    pipeline.scheduler = diffusers.LCMScheduler()
    assert (guess_defaults("mine", pipeline).steps, guess_defaults("mine", pipeline).guidance) == (4, 1.0)


def test_an_unknown_model_gets_a_preset(pipeline: Any) -> None:
    preset = preset_for_unknown("somebody/something", pipeline)
    limits = preset.limits()
    assert preset.license.commercial == "unknown" and preset.parameters > 0
    assert limits.width % limits.multiple == 0 and limits.min_side <= limits.width <= limits.max_side


def test_the_engine_returns_the_same_as_the_pipeline(tmp_path: Path) -> None:
    """Without negative prompt none is passed, so SDXL uses zeros."""
    for family in ("sd", "sdxl"):
        folder = tiny_model(tmp_path / family, family)
        [painted] = loaded(folder).generate(text_key(guidance=3.0), [ImageRequest("a lake", 7)])
        theirs = pipeline_of(folder)(
            "a lake",
            width=64,
            height=64,
            num_inference_steps=2,
            guidance_scale=3.0,
            generator=torch.Generator("cpu").manual_seed(7),
        ).images[0]
        assert np.abs(np.asarray(theirs, np.int16) - pixels(painted)).max() <= 1
