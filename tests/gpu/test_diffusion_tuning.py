"""What makes painting fast changes no picture: fused layers, sliced decoding, padding, compiled networks."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PIL import Image

from gpu.diffusion import presets, tuning
from gpu.diffusion.engine import DiffusersEngine
from gpu.diffusion.tuning import Tuning
from gpu.engine import EngineBroken, OutOfMemory, Piece
from tests.support.tiny_engines import TOLERANCE, alone, difference, image_key, loaded, text_key
from tests.support.tiny_models import tiny_model

torch = pytest.importorskip("torch", reason="torch is not installed: the diffusers extra")
pytest.importorskip("diffusers", reason="diffusers is not installed: the diffusers extra")

PLAIN = Tuning(fuse_qkv=False, channels_last=False)
PIECES = [Piece("a lake", 7), Piece("a hill in spring", 8), Piece("a wood", 9)]


@pytest.fixture(scope="module", params=["sd", "sdxl", "sd3", "flux2-klein", "z-image"])
def model(request, tmp_path_factory):
    return tiny_model(tmp_path_factory.mktemp("tuned") / f"{request.param}-turbo", request.param)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return tiny_model(tmp_path_factory.mktemp("tuned") / "tiny-turbo")


def networks(engine):
    pipeline = engine._calls["text"].pipeline
    return [part for part in pipeline.components.values() if hasattr(part, "parameters")]


def same(ones, others, tolerance=TOLERANCE):
    return all(difference(one, other) <= tolerance for one, other in zip(ones, others, strict=True))


def test_fused_layers_paint_the_same_pictures_and_take_no_more_memory(model):
    plain, fused = loaded(model, tuning=PLAIN), loaded(model, tuning=Tuning())
    assert same(plain.paint(text_key(), PIECES), fused.paint(text_key(), PIECES))
    start = Image.linear_gradient("L").resize((64, 64)).convert("RGB")
    from_image = [replace(piece, start=start) for piece in PIECES]
    assert same(plain.paint(image_key(), from_image), fused.paint(image_key(), from_image))
    weights = [sum(p.numel() for net in networks(engine) for p in net.parameters()) for engine in (plain, fused)]
    assert weights[0] == weights[1]


def test_a_family_that_can_be_fused_is(model):
    names = [name for network in networks(loaded(model)) for name, _ in network.named_modules()]
    assert any(name.endswith("to_qkv") for name in names)
    if not model.name.startswith(("z-image", "sd3")):
        assert any(name.endswith("to_qkv") for name in names if "decoder" not in name and "encoder." not in name)


def test_pictures_decoded_one_by_one_are_the_same(small):
    sliced = loaded(small)
    sliced._calls["text"].pipeline.vae.enable_slicing()
    assert same(loaded(small).paint(text_key(), PIECES), sliced.paint(text_key(), PIECES))


def test_channels_side_by_side_are_only_another_layout(small):
    engine, plain = loaded(small), loaded(small)
    engine._calls["text"].pipeline.unet.to(memory_format=torch.channels_last)
    engine._calls["text"].pipeline.vae.to(memory_format=torch.channels_last)
    assert same(engine.paint(text_key(), PIECES), plain.paint(text_key(), PIECES))


def test_large_pictures_are_decoded_one_by_one_and_small_ones_together(small):
    preset = replace(presets.find_preset("sd-turbo"), source=str(small), side=1024)
    large = loaded(preset, tuning=Tuning(warm_up=False))
    assert large._calls["text"].pipeline.vae.use_slicing
    assert not loaded(small)._calls["text"].pipeline.vae.use_slicing


def test_half_precision_paints_nearly_the_same(small):
    half = loaded(small, tuning=Tuning(dtype="bf16"))
    assert half._calls["text"].pipeline.unet.dtype == torch.bfloat16
    [one], [other] = half.paint(text_key(), PIECES[:1]), loaded(small).paint(text_key(), PIECES[:1])
    assert difference(one, other) < 60


def test_painting_from_an_image_leaves_sdxls_autoencoder_in_its_precision(tmp_path):
    engine = loaded(tiny_model(tmp_path / "xl-turbo", "sdxl"), tuning=Tuning(dtype="bf16"))
    vae = engine._calls["image"].pipeline.vae
    seen = []
    vae.encoder.register_forward_pre_hook(lambda module, _: seen.append(next(module.parameters()).dtype))
    engine.paint(image_key(), [replace(PIECES[0], start=Image.new("RGB", (64, 64), "red"))])
    assert seen == [torch.bfloat16]


def test_precision_follows_the_device():
    assert tuning.torch_dtype(None, "cpu") == torch.float32
    assert tuning.torch_dtype(None, "mps") == torch.float16
    assert tuning.torch_dtype("bf16", "cpu") == torch.bfloat16


def test_a_model_that_leaves_the_range_of_fp16_is_not_painted_black_on_apple():
    assert tuning.torch_dtype(None, "mps", fits_fp16=False) == torch.bfloat16
    assert tuning.torch_dtype("fp16", "mps", fits_fp16=False) == torch.float16, "the host's word counts"
    assert tuning.torch_dtype(None, "cpu", fits_fp16=False) == torch.float32


def test_without_compiling_nothing_is_padded(small):
    engine = loaded(small)
    calls, sizes = engine._calls["text"], []
    calls.pipeline.unet.register_forward_pre_hook(lambda _, given: sizes.append(len(given[0])))
    assert len(engine.paint(text_key(steps=1), PIECES)) == 3
    assert sizes == [3]


def test_it_is_warmed_up_with_one_picture_of_each_kind_unless_told_not_to(small):
    painted = []

    class Watched(DiffusersEngine):
        def paint(self, key, pieces):
            painted.append((key.kind, key.width, len(pieces)))
            return super().paint(key, pieces)

    Watched(str(small), device="cpu", max_side=64).load()
    assert painted == [("text", 64, 1), ("image", 64, 1)]
    painted.clear()
    Watched(str(small), device="cpu", max_side=64, tuning=Tuning(warm_up=False)).load()
    assert painted == []


def test_a_card_too_small_for_one_picture_is_told_at_start(small):
    class Small(DiffusersEngine):
        def paint(self, key, pieces):
            raise OutOfMemory("too small")

    with pytest.raises(EngineBroken, match="GPU_MODEL"):
        Small(str(small), device="cpu", max_side=64).load()


def test_a_model_without_repeated_blocks_cannot_be_compiled_by_regions(tmp_path):
    with pytest.raises(EngineBroken, match="GPU_COMPILE"):
        loaded(tiny_model(tmp_path / "sd3-turbo", "sd3"), tuning=Tuning(compile="regional"))


@pytest.fixture
def runs():
    """torch.compile as it is, but its graphs are run by Python: no minutes of C++ for a test. One entry a run.

    Like a CUDA graph, each writes its results over those of its last run.
    """
    ran = []

    def backend(graph, _examples):
        kept = []

        def run(*given):
            ran.append(graph)
            made = graph.forward(*given)
            if not kept:
                kept.extend(each.clone() for each in made)
            for mine, new in zip(kept, made, strict=True):
                if mine.shape != new.shape:
                    return made
                mine.copy_(new)
            return tuple(kept)

        return run

    with torch.compiler.set_stance("default", force_backend=backend):
        yield ran
    torch._dynamo.reset()


def graphs():
    from torch._dynamo.utils import counters

    return counters["stats"]["unique_graphs"]


@pytest.mark.parametrize("family", ["sd", "flux2-klein"])
def test_compiled_blocks_are_used_for_any_size_and_batches_are_padded(family, tmp_path, runs):
    small = tiny_model(tmp_path / "tiny-turbo", family)
    plain, before = loaded(small, tuning=PLAIN), graphs()
    engine = loaded(small, batch_limit=4, tuning=Tuning(compile="regional", fuse_qkv=False))
    compiled, sizes = graphs(), []
    assert compiled > before
    scheduler = engine._calls["text"].pipeline.scheduler
    scheduler.step = watched(scheduler.step, sizes)
    for key in (text_key(), text_key(96, 64)):
        runs.clear()
        assert same(engine.paint(key, PIECES), alone(plain, key, PIECES))
        assert runs, "painted uncompiled"
    assert sizes == [4, 4, 4, 4], "three are painted as four, twice for two steps"
    assert graphs() == compiled, "somebody waited for the compiler"


def test_compiled_as_a_whole_it_knows_every_size_of_batch_and_paints_other_sizes_uncompiled(small, runs):
    plain = loaded(small, tuning=PLAIN)
    engine = loaded(small, batch_limit=2, tuning=Tuning(compile="whole", fuse_qkv=False))
    engine._calls["text"].pipeline.vae.enable_slicing()
    compiled, start = graphs(), Image.new("RGB", (64, 64), "grey")
    for pieces in ([replace(piece, start=start) for piece in PIECES[:size]] for size in (1, 2)):
        for key, calls in ((text_key(steps=3), 3 + 1), (image_key(steps=4, strength=0.5), 1 + 2 + 1)):
            runs.clear()
            assert same(engine.paint(key, pieces), alone(plain, key, pieces))
            assert len(runs) >= calls, "not every step, encoding and decoding was compiled"
    runs.clear()
    assert same(engine.paint(text_key(96, 64), PIECES[:1]), plain.paint(text_key(96, 64), PIECES[:1]))
    assert not runs and graphs() == compiled, "somebody waited for the compiler"


def test_blocks_compiled_to_machine_code_paint_the_same(small):
    plain, before = loaded(small, tuning=PLAIN), graphs()
    engine = loaded(small, batch_limit=1, tuning=Tuning(compile="regional"))
    assert graphs() > before
    assert same(engine.paint(text_key(), PIECES[:1]), plain.paint(text_key(), PIECES[:1]))
    torch._dynamo.reset()


def watched(step, sizes):
    def stepping(noise, *given, **more):
        sizes.append(len(noise))
        return step(noise, *given, **more)

    return stepping
