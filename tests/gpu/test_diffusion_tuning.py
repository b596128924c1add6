"""Tuning changes no picture: fused layers, sliced decoding, padding, compiled networks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from gpu.diffusion import presets, tuning
from gpu.diffusion.engine import DiffusersEngine
from gpu.diffusion.tuning import Tuning
from gpu.engine import BatchKey, EngineBroken, ImageRequest, OutOfMemory, Result
from tests.support.tiny_engines import (
    TOLERANCE,
    alone,
    difference,
    image_key,
    load_without_img2img,
    loaded,
    text_key,
)
from tests.support.tiny_models import tiny_model
from tests.support.tiny_unets import one_block_unet

torch = pytest.importorskip("torch", reason="torch is not installed: the diffusers extra")
pytest.importorskip("diffusers", reason="diffusers is not installed: the diffusers extra")

PLAIN = Tuning(fuse_qkv=False, channels_last=False)
PIECES = [ImageRequest("a lake", 7), ImageRequest("a hill in spring", 8), ImageRequest("a wood", 9)]


@pytest.fixture(scope="module", params=["sd", "sdxl", "sd3", "flux2-klein", "z-image"])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return tiny_model(tmp_path_factory.mktemp("tuned") / f"{request.param}-turbo", request.param)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return tiny_model(tmp_path_factory.mktemp("tuned") / "tiny-turbo")


@pytest.fixture(scope="module")
def one_block(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return a model that compiles in a fraction of the time."""
    folder = tiny_model(tmp_path_factory.mktemp("tuned") / "tiny-turbo")
    one_block_unet().save_pretrained(folder / "unet")
    return folder


def networks(engine: Any) -> Any:
    pipeline = engine._callers["text"].pipeline
    return [part for part in pipeline.components.values() if hasattr(part, "parameters")]


def same(ones: Any, others: Any, tolerance: Any = TOLERANCE) -> Any:
    return all(difference(one, other) <= tolerance for one, other in zip(ones, others, strict=True))


def test_fused_layers_give_the_same_pictures_without_more_memory(model: Any) -> None:
    plain, fused = loaded(model, tuning=PLAIN), loaded(model, tuning=Tuning())
    assert same(plain.generate(text_key(), PIECES), fused.generate(text_key(), PIECES))
    start = Image.linear_gradient("L").resize((64, 64)).convert("RGB")
    from_image = [replace(piece, init_image=start) for piece in PIECES]
    assert same(plain.generate(image_key(), from_image), fused.generate(image_key(), from_image))
    weights = [sum(p.numel() for net in networks(engine) for p in net.parameters()) for engine in (plain, fused)]
    assert weights[0] == weights[1]


def test_families_that_can_be_fused_are(model: Any) -> None:
    names = [name for network in networks(loaded(model)) for name, _ in network.named_modules()]
    assert any(name.endswith("to_qkv") for name in names)
    if not model.name.startswith(("z-image", "sd3")):
        assert any(name.endswith("to_qkv") for name in names if "decoder" not in name and "encoder." not in name)


def test_pictures_decoded_one_by_one_are_the_same(small: Any) -> None:
    sliced = loaded(small)
    sliced._callers["text"].pipeline.vae.enable_slicing()
    assert same(loaded(small).generate(text_key(), PIECES), sliced.generate(text_key(), PIECES))


def test_channels_last_changes_no_pixel(small: Any) -> None:
    engine, plain = loaded(small), loaded(small)
    engine._callers["text"].pipeline.unet.to(memory_format=torch.channels_last)
    engine._callers["text"].pipeline.vae.to(memory_format=torch.channels_last)
    assert same(engine.generate(text_key(), PIECES), plain.generate(text_key(), PIECES))


def test_large_pictures_are_decoded_one_by_one_and_small_ones_together(small: Any) -> None:
    preset = replace(presets.PRESETS[1], source=str(small), side=1024)
    large = loaded(preset, tuning=Tuning(warm_up=False))
    assert large._callers["text"].pipeline.vae.use_slicing
    assert not loaded(small)._callers["text"].pipeline.vae.use_slicing


def test_half_precision_gives_nearly_the_same(small: Any) -> None:
    half = loaded(small, tuning=Tuning(dtype="bf16"))
    assert half._callers["text"].pipeline.unet.dtype == torch.bfloat16
    [one], [other] = half.generate(text_key(), PIECES[:1]), loaded(small).generate(text_key(), PIECES[:1])
    assert difference(one, other) < 60


def test_img2img_does_not_change_sdxls_autoencoder_precision(tmp_path: Path) -> None:
    engine = loaded(tiny_model(tmp_path / "xl-turbo", "sdxl"), tuning=Tuning(dtype="bf16"))
    vae = engine._callers["image"].pipeline.vae
    seen = []
    vae.encoder.register_forward_pre_hook(lambda module, _: seen.append(next(module.parameters()).dtype))
    engine.generate(image_key(), [replace(PIECES[0], init_image=Image.new("RGB", (64, 64), "red"))])
    assert seen == [torch.bfloat16]


def test_precision_follows_the_device() -> None:
    assert tuning.torch_dtype(None, "cpu") == torch.float32
    assert tuning.torch_dtype(None, "mps") == torch.float16
    assert tuning.torch_dtype("bf16", "cpu") == torch.bfloat16


def test_a_model_that_overflows_in_fp16_uses_bf16_on_apple() -> None:
    assert tuning.torch_dtype(None, "mps", fits_fp16=False) == torch.bfloat16
    assert tuning.torch_dtype("fp16", "mps", fits_fp16=False) == torch.float16, "the host's word counts"
    assert tuning.torch_dtype(None, "cpu", fits_fp16=False) == torch.float32


def test_batches_are_not_padded_without_compilation(small: Any) -> None:
    engine = loaded(small)
    calls, sizes = engine._callers["text"], []
    calls.pipeline.unet.register_forward_pre_hook(lambda _, given: sizes.append(len(given[0])))
    assert len(engine.generate(text_key(steps=1), PIECES)) == 3
    assert sizes == [3]


def test_warm_up_generates_one_image_of_each_kind(small: Any) -> None:
    painted = []

    class Watched(DiffusersEngine):
        def generate(self, key: BatchKey, images: Any) -> Any:
            painted.append((key.kind, key.width, len(images)))
            return super().generate(key, images)

    Watched(str(small), device="cpu", max_side=64).load()
    assert painted == [("text", 64, 1), ("image", 64, 1)]
    painted.clear()
    Watched(str(small), device="cpu", max_side=64, tuning=Tuning(warm_up=False)).load()
    assert painted == []


def test_a_gpu_too_small_for_one_image_is_an_error_at_start(small: Any) -> None:
    class Small(DiffusersEngine):
        def generate(self, key: BatchKey, images: Any) -> list[Result]:
            raise OutOfMemory("too small")

    with pytest.raises(EngineBroken, match="GPU_MODEL"):
        Small(str(small), device="cpu", max_side=64).load()


def test_a_model_without_repeated_blocks_cannot_be_compiled_by_regions(tmp_path: Path) -> None:
    with pytest.raises(EngineBroken, match="GPU_COMPILE"):
        loaded(tiny_model(tmp_path / "sd3-turbo", "sd3"), tuning=Tuning(compile="regional"))


@pytest.fixture
def runs() -> Iterator[Any]:
    """Make torch.compile run its graphs in Python, which saves minutes of C++. Return one entry per run.

    Like a CUDA graph, each writes its results over those of its last run.
    """
    ran = []

    def backend(graph: Any, _examples: Any) -> Any:
        written: list[Any] = []

        def run(*given: Any) -> Any:
            ran.append(graph)
            made = graph.forward(*given)
            if not written:
                written.extend(each.clone() for each in made)
            for mine, new in zip(written, made, strict=True):
                if mine.shape != new.shape:
                    return made
                mine.copy_(new)
            return tuple(written)

        return run

    with torch.compiler.set_stance("default", force_backend=backend):
        yield ran
    torch._dynamo.reset()


def graphs() -> Any:
    from torch._dynamo.utils import counters

    return counters["stats"]["unique_graphs"]


@pytest.mark.slow
@pytest.mark.parametrize("family", ["sd", "flux2-klein"])
def test_compiled_blocks_are_used_for_any_size_and_batches_are_padded(family: Any, tmp_path: Path, runs: Any) -> None:
    small = tiny_model(tmp_path / "tiny-turbo", family)
    plain, before = loaded(small, tuning=PLAIN), graphs()
    engine = loaded(small, batch_limit=4, tuning=Tuning(compile="regional", fuse_qkv=False))
    compiled = graphs()
    sizes: list[Any] = []
    assert compiled > before
    scheduler: Any = engine._callers["text"].pipeline.scheduler
    scheduler.step = watched(scheduler.step, sizes)
    for key in (text_key(), text_key(96, 64)):
        runs.clear()
        assert same(engine.generate(key, PIECES), alone(plain, key, PIECES))
        assert runs, "painted uncompiled"
    assert sizes == [4, 4, 4, 4], "three are painted as four, twice for two steps"
    assert graphs() == compiled, "somebody waited for the compiler"


@pytest.mark.slow
def test_whole_compilation_covers_batch_sizes_and_runs_other_sizes_uncompiled(one_block: Any, runs: Any) -> None:
    plain = loaded(one_block, tuning=PLAIN)
    engine = loaded(one_block, batch_limit=2, tuning=Tuning(compile="whole", fuse_qkv=False))
    engine._callers["text"].pipeline.vae.enable_slicing()
    compiled, start = graphs(), Image.new("RGB", (64, 64), "grey")
    for images in ([replace(piece, init_image=start) for piece in PIECES[:size]] for size in (1, 2)):
        for key, calls in ((text_key(steps=3), 3 + 1), (image_key(steps=4, strength=0.5), 1 + 2 + 1)):
            runs.clear()
            assert same(engine.generate(key, images), alone(plain, key, images))
            assert len(runs) >= calls, "not every step, encoding and decoding was compiled"
    runs.clear()
    assert same(engine.generate(text_key(96, 64), PIECES[:1]), plain.generate(text_key(96, 64), PIECES[:1]))
    assert not runs and graphs() == compiled, "somebody waited for the compiler"


@pytest.mark.slow
def test_compiled_blocks_give_the_same_pictures(one_block: Any) -> None:
    """The only test with the real compiler, which compiles a single block for one kind of request.

    Its C++ has no vector instructions: to find out which ones work here takes most of the time.
    """
    from torch._inductor import config

    plain, before = loaded(one_block, tuning=PLAIN), graphs()
    tuning = Tuning(compile="regional")
    with config.patch({"cpp.vec_isa_ok": False}):
        engine = loaded(one_block, batch_limit=1, tuning=tuning, load_pipeline=load_without_img2img)
        assert graphs() == before + 1
        assert same(engine.generate(text_key(), PIECES[:1]), plain.generate(text_key(), PIECES[:1]))
    torch._dynamo.reset()


def watched(step: Any, sizes: Any) -> Any:
    def stepping(noise: Any, *given: Any, **more: Any) -> Any:
        sizes.append(len(noise))
        return step(noise, *given, **more)

    return stepping
