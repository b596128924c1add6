"""The parts of the diffusers engine by themselves: pixels, tokens, faults, buckets, manners."""

from __future__ import annotations

import logging
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from gpu.diffusion.buckets import buckets, padded
from gpu.diffusion.faults import sorted_fault
from gpu.diffusion.manners import manners_of, preset_of
from gpu.diffusion.pixels import to_pictures
from gpu.diffusion.tokens import Readers
from gpu.engine import EngineBroken, Failure, OutOfMemory, Painting, Piece
from tests.support.tiny_engines import loaded, text_key
from tests.support.tiny_models import tiny_model

torch = pytest.importorskip("torch", reason="torch is not installed: the diffusers extra")
diffusers = pytest.importorskip("diffusers", reason="diffusers is not installed: the diffusers extra")

PIECES = [Piece("a secret garden", 7, "thorns and weeds")]


def pipeline_of(folder):
    return diffusers.AutoPipelineForText2Image.from_pretrained(folder, local_files_only=True)


@pytest.fixture(scope="module", params=["sd", "sdxl", "sd3", "flux2-klein", "z-image"])
def pipeline(request, tmp_path_factory):
    return pipeline_of(tiny_model(tmp_path_factory.mktemp("tokens") / request.param, request.param))


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    return loaded(tiny_model(tmp_path_factory.mktemp("parts") / "tiny"))


# Pixels


def test_pictures_are_what_diffusers_own_way_to_pil_gives():
    from diffusers.image_processor import VaeImageProcessor

    batch = torch.rand(3, 3, 24, 16, generator=torch.Generator().manual_seed(0))
    theirs = VaeImageProcessor.numpy_to_pil(VaeImageProcessor.pt_to_numpy(batch))
    for ours, other in zip(to_pictures(batch), theirs, strict=True):
        assert (ours.size, ours.mode) == ((16, 24), "RGB")
        assert np.abs(np.asarray(ours, np.int16) - np.asarray(other, np.int16)).max() <= 1


def test_half_precision_and_values_beside_the_range_are_pictures_too():
    batch = torch.tensor([-0.5, 0.0, 0.5, 1.0, 7.0], dtype=torch.bfloat16).reshape(1, 1, 1, 5).expand(1, 3, 1, 5)
    assert np.asarray(to_pictures(batch)[0])[0, :, 0].tolist() == [0, 0, 128, 255, 255]


def test_a_picture_with_a_nan_in_it_fails_alone_and_is_never_black():
    batch = torch.zeros(3, 3, 8, 8)
    batch[1, 2, 4, 4] = float("nan")
    first, broken, last = to_pictures(batch)
    assert broken == Failure("not_a_number")
    assert isinstance(first, Image.Image) and isinstance(last, Image.Image)


def test_weights_that_overflow_fail_their_pictures_and_the_log_names_the_setting(engine, caplog):
    decoder = engine._calls["text"].pipeline.vae.decoder.conv_out
    bias = decoder.bias.data.clone()
    decoder.bias.data.fill_(float("nan"))
    assert engine.paint(text_key(), [Piece("a lake", 7)]) == [Failure("not_a_number")]
    assert "GPU_DTYPE" in caplog.text and "a lake" not in caplog.text
    decoder.bias.data.copy_(bias)
    assert isinstance(engine.paint(text_key(), [Piece("a lake", 7)])[0], Painting)


def test_a_model_whose_trial_picture_is_not_a_number_does_not_start(engine, monkeypatch):
    monkeypatch.setattr(engine, "paint", lambda _key, pieces: [Failure("not_a_number")] * len(pieces))
    with pytest.raises(EngineBroken, match="GPU_DTYPE"):
        engine._warm_up()


# Tokens


def test_a_prompt_that_fits_is_not_truncated_and_one_token_more_is(pipeline):
    readers = Readers(pipeline)
    room = readers.truncated("b " * 3000).read
    # In the tiny vocabularies "b" is one token; T5 counts the space before it, too.
    fits = max(n for n in range(1, 600) if readers.truncated("b" * n) is None)
    over = readers.truncated("b" * (fits + 1))
    assert (over.read, over.of) == (room, room + 1)


def test_the_room_is_what_the_pipeline_really_reads(pipeline):
    """Letters after the room change nothing of what the encoders give; the last one inside does."""
    room = Readers(pipeline).truncated("b " * 3000).read
    spaces = 1 if type(pipeline).__name__ == "StableDiffusion3Pipeline" else 0  # T5 puts one before the first letter
    last, after = "b" * (room - 1 - spaces) + "c", "b" * (room - spaces) + "c"
    other = "b" * (room - spaces) + "d"
    assert not torch.equal(embedded(pipeline, "b" * (room - spaces)), embedded(pipeline, last))
    assert torch.equal(embedded(pipeline, after), embedded(pipeline, other))


def embedded(pipeline, prompt):
    with torch.no_grad():
        if type(pipeline).__name__ == "StableDiffusion3Pipeline":
            return pipeline.encode_prompt(prompt, None, None, do_classifier_free_guidance=False)[0]
        if "StableDiffusion" in type(pipeline).__name__:
            device = {"device": "cpu", "num_images_per_prompt": 1, "do_classifier_free_guidance": False}
            return pipeline.encode_prompt(prompt, **device)[0]
        return pipeline.encode_prompt([prompt], device="cpu")[0][0]


@given(st.text(max_size=300))
def test_any_text_can_be_counted(engine, prompt):
    truncated = engine._readers.truncated(prompt)
    assert truncated is None or 0 < truncated.read < truncated.of


def test_no_library_says_a_word_about_long_prompts(pipeline, caplog, capfd):
    from gpu.diffusion.engine import _keep_prompts_out_of_logs

    _keep_prompts_out_of_logs()
    with caplog.at_level(logging.DEBUG), warnings.catch_warnings(record=True) as warned:
        Readers(pipeline).truncated("confidential " * 200)
        embedded(pipeline, "confidential " * 200)
    told = caplog.text + "".join(capfd.readouterr()) + "".join(str(warning.message) for warning in warned)
    assert "confidential" not in told and "longer than" not in told


# Faults


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
def test_too_little_memory_has_one_name(error):
    assert isinstance(sorted_fault(error, PIECES), OutOfMemory)


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
def test_a_dead_device_breaks_the_engine(error):
    fault = sorted_fault(error, PIECES)
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
def test_this_batchs_own_trouble_stays_what_it_is(error):
    assert sorted_fault(error, PIECES) is error


def test_no_error_quotes_a_prompt():
    told = sorted_fault(ValueError("negative_prompt: ['Thorns and Weeds'] has batch size 1"), PIECES)
    assert "thorns" not in str(told).lower() and "ValueError" in str(told)


def test_memory_of_a_batch_that_did_not_fit_is_free_when_the_error_arrives(engine):
    import gc
    import weakref

    held = []

    def greedy(**_):
        tensor = torch.zeros(1000)
        held.append(weakref.ref(tensor))
        raise torch.OutOfMemoryError("CUDA out of memory")

    calls = engine._calls["text"]
    before, calls.pipeline = calls.pipeline, greedy
    gc.disable()
    try:
        with pytest.raises(OutOfMemory) as caught:
            engine.paint(text_key(), [Piece("a lake", 7)])
        assert held[0]() is None, "somebody who tries again with fewer pieces would not have this memory"
        assert caught.value.__context__ is None
    finally:
        gc.enable()
        calls.pipeline = before


# Buckets


def test_buckets_are_powers_of_two_and_the_limit():
    assert [buckets(limit) for limit in (1, 2, 6, 8)] == [[1], [1, 2], [1, 2, 4, 6], [1, 2, 4, 8]]


@given(st.integers(1, 80), st.integers(1, 64))
def test_padding_keeps_what_there_is_and_reaches_a_known_size(count, limit):
    pieces = list(range(count))
    filled = padded(pieces, limit)
    assert filled[:count] == pieces and set(filled[count:]) <= {pieces[-1]}
    assert len(filled) < 2 * count or count == 1
    assert len(filled) in (buckets(limit) if count <= limit else buckets(128))


# Manners of strangers


def test_names_tell_manners_where_the_configuration_does_not(pipeline):
    expected = (4, 1.0) if "Klein" in type(pipeline).__name__ else (4, 0.0)
    for name in ("somebody/some-turbo", "somebody/some-LIGHTNING"):
        manners = manners_of(name, pipeline)
        assert (manners.steps, manners.guidance) == expected


def test_a_stranger_that_counts_from_the_noisy_end_was_distilled(tmp_path):
    pipeline = pipeline_of(tiny_model(tmp_path / "mine"))
    assert manners_of("mine", pipeline).steps == 4
    pipeline.scheduler = diffusers.DPMSolverMultistepScheduler()
    assert manners_of("mine", pipeline) == manners_of("other", pipeline)
    assert (manners_of("mine", pipeline).steps, manners_of("mine", pipeline).guidance) == (25, 7.5)
    pipeline.scheduler = diffusers.LCMScheduler()
    assert (manners_of("mine", pipeline).steps, manners_of("mine", pipeline).guidance) == (4, 1.0)


def test_a_stranger_gets_a_row_like_the_others(pipeline):
    preset = preset_of("somebody/something", pipeline)
    limits = preset.limits()
    assert preset.licence.commercial == "unknown" and preset.parameters > 0
    assert limits.width % limits.multiple == 0 and limits.min_side <= limits.width <= limits.max_side


def test_painting_is_what_the_pipeline_itself_paints(tmp_path):
    """Nothing of ours changes the picture: no negative prompt means none, which SDXL takes for zeros."""
    for family in ("sd", "sdxl"):
        folder = tiny_model(tmp_path / family, family)
        [painted] = loaded(folder).paint(text_key(guidance=3.0), [Piece("a lake", 7)])
        theirs = pipeline_of(folder)(
            "a lake",
            width=64,
            height=64,
            num_inference_steps=2,
            guidance_scale=3.0,
            generator=torch.Generator("cpu").manual_seed(7),
        ).images[0]
        assert np.abs(np.asarray(theirs, np.int16) - np.asarray(painted.image, np.int16)).max() <= 1
