"""Models are put together from repositories, folders and files; what is missing is told with the setting to change."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace

import pytest

from gpu.diffusion import presets
from gpu.diffusion.preset import Scheduler
from gpu.engine import EngineBroken, Piece
from tests.support.tiny_engines import TOLERANCE, difference, image_key, loaded, text_key
from tests.support.tiny_models import tiny_autoencoder, tiny_model, tiny_unet

torch = pytest.importorskip("torch", reason="torch is not installed: the diffusers extra")
pytest.importorskip("diffusers", reason="diffusers is not installed: the diffusers extra")

LIGHTNING = presets.find_preset("sdxl-lightning")


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return tiny_model(tmp_path_factory.mktemp("base") / "base", "sdxl")


@pytest.fixture(scope="module")
def lightning(base, tmp_path_factory):
    """The preset sdxl-lightning, its repositories replaced by folders with tiny weights."""
    from safetensors.torch import save_file

    folder = tmp_path_factory.mktemp("lightning")
    torch.manual_seed(99)
    save_file(tiny_unet(xl=True).half().state_dict(), folder / "unet.safetensors")
    return replace(
        LIGHTNING,
        source=str(base),
        unet=(str(folder), "unet.safetensors"),
        side=64,
        max_side=96,
        fp16_vae=str(base / "vae"),
        tiny_vae=str(tiny_autoencoder(folder / "tiny-vae")),
    )


@pytest.fixture
def broken_copy(tmp_path):
    """A folder with a whole tiny model that a test may spoil."""
    return tiny_model(tmp_path / "spoilt", "sd")


def why_not(model, **given):
    with pytest.raises(EngineBroken) as caught:
        loaded(model, **given)
    return str(caught.value)


def test_sdxl_lightning_is_the_base_with_the_unet_of_another_file(base, lightning):
    engine, plain = loaded(lightning), loaded(base)
    key, pieces = text_key(steps=4), [Piece("a lake", 7)]
    assert engine.model == "sdxl-lightning" and engine.limits.steps == 4
    [painted], [other] = engine.paint(key, pieces), plain.paint(key, pieces)
    assert difference(painted, other) > TOLERANCE
    assert engine.paint(image_key(), [Piece("a lake", 7, start=painted.image)])


def test_its_steps_are_counted_from_the_noisy_end_in_both_kinds(lightning):
    with_leading = replace(lightning, scheduler=Scheduler("EulerDiscreteScheduler", {"timestep_spacing": "leading"}))
    for key, pieces in ((text_key(), [Piece("a lake", 7)]),):
        [right], [wrong] = loaded(lightning).paint(key, pieces), loaded(with_leading).paint(key, pieces)
        assert difference(right, wrong) > TOLERANCE
    calls = loaded(lightning)._calls
    schedulers = [calls[kind].pipeline.scheduler for kind in ("text", "image")]
    assert [scheduler.config.timestep_spacing for scheduler in schedulers] == ["trailing", "trailing"]
    assert schedulers[0] is not schedulers[1]


def test_every_weight_is_there_and_in_the_asked_precision(lightning):
    unet = loaded(lightning)._calls["text"].pipeline.unet
    assert {(weights.device.type, weights.dtype) for weights in unet.parameters()} == {("cpu", torch.float32)}
    assert not unet.training


def test_the_scheduler_of_every_preset_exists_and_can_be_made_from_its_familys_own():
    import diffusers

    for preset in presets.PRESETS:
        if preset.scheduler:
            made = getattr(diffusers, preset.scheduler.name).from_config(
                diffusers.PNDMScheduler().config, **preset.scheduler.values
            )
            assert {name: made.config[name] for name in preset.scheduler.values} == preset.scheduler.values


def test_a_distilled_stranger_counts_its_steps_from_the_noisy_end(base, tmp_path):
    folder = shutil.copytree(base, tmp_path / "my-turbo")
    config = folder / "scheduler" / "scheduler_config.json"
    config.write_text(config.read_text().replace("trailing", "leading"))
    assert loaded(folder)._calls["text"].pipeline.scheduler.config.timestep_spacing == "trailing"
    plain = shutil.copytree(folder, tmp_path / "my-own")
    assert loaded(plain)._calls["text"].pipeline.scheduler.config.timestep_spacing == "leading"


def test_half_precision_files_are_taken_where_there_are_some_and_the_full_ones_elsewhere(lightning, tmp_path):
    from diffusers import StableDiffusionXLPipeline

    folder = tmp_path / "halves"
    whole = StableDiffusionXLPipeline.from_pretrained(lightning.source)
    whole.to(torch.float16).save_pretrained(folder, variant="fp16")
    assert not (folder / "vae" / "diffusion_pytorch_model.safetensors").exists()
    assert lightning.variant == "fp16"
    assert loaded(replace(lightning, source=str(folder))).paint(text_key(), [Piece("a lake", 7)])
    assert loaded(lightning).paint(text_key(), [Piece("a lake", 7)])


def test_an_autoencoder_that_does_not_overflow_is_taken_in_fp16_only(lightning):
    from gpu.diffusion.loading import load_text_pipeline

    fixed = replace(lightning, fp16_vae="nobody/no-such-model")
    assert load_text_pipeline(fixed.source, fixed, dtype=torch.bfloat16).vae.dtype == torch.bfloat16
    with pytest.raises(EngineBroken, match="nobody/no-such-model"):
        load_text_pipeline(fixed.source, fixed, dtype=torch.float16)
    assert load_text_pipeline(lightning.source, lightning, dtype=torch.float16).vae.dtype == torch.float16
    tiny = load_text_pipeline(fixed.source, fixed, dtype=torch.float16, vae="tiny").vae
    assert type(tiny).__name__ == "AutoencoderTiny", "the other one was not even looked for"


def test_the_tiny_autoencoder_replaces_the_models_own(lightning):
    own, tiny = loaded(lightning), loaded(lightning, vae="tiny")
    pieces = [Piece("a lake", 7)]
    [one], [other] = own.paint(text_key(), pieces), tiny.paint(text_key(), pieces)
    assert difference(one, other) > TOLERANCE
    assert tiny.paint(image_key(), [Piece("a lake", 7, start=one.image)])


def test_a_models_own_safety_checker_is_not_loaded(tmp_path):
    folder = tiny_model(tmp_path / "model")
    index = json.loads((folder / "model_index.json").read_text())
    index["safety_checker"] = ["stable_diffusion", "StableDiffusionSafetyChecker"]
    index["feature_extractor"] = ["transformers", "CLIPImageProcessor"]
    (folder / "model_index.json").write_text(json.dumps(index | {"requires_safety_checker": True}))
    assert loaded(folder).paint(text_key(), [Piece("a lake", 7)]), "its weights are not even there"


COMMIT, NEWER = "0" * 40, "1" * 40


def cached(cache, repository, folder, *, main):
    """A repository as huggingface_hub keeps it after a download of COMMIT; its branch may have moved on since."""
    home = cache / f"models--{repository.replace('/', '--')}"
    shutil.copytree(folder, home / "snapshots" / COMMIT)
    (home / "refs").mkdir()
    (home / "refs" / "main").write_text(main)


@pytest.fixture
def loaded_from_cache(base, lightning, tmp_path):
    """As on Modal, where a container is offline and its volume holds no more than what was once read."""

    def load(*, main, revisions):
        folder, cache = shutil.copytree(base, tmp_path / "fetched"), tmp_path / "cache"
        (folder / "unet" / "diffusion_pytorch_model.safetensors").unlink()
        for weights in folder.rglob("*.safetensors"):
            weights.rename(weights.with_suffix(".fp16.safetensors"))
        cached(cache, LIGHTNING.source, folder, main=main)
        unet = tmp_path / "unet"
        unet.mkdir()
        shutil.copy(f"{lightning.unet[0]}/{lightning.unet[1]}", unet / LIGHTNING.unet[1])
        cached(cache, LIGHTNING.unet[0], unet, main=main)
        code = f"""
from gpu.diffusion.engine import DiffusersEngine
from gpu.engine import Key, Piece
engine = DiffusersEngine("sdxl-lightning", device="cpu", max_side=64, revisions={revisions!r})
engine.load()
print(engine.model, engine.paint(Key("text", 64, 64, 4, 0.0), [Piece("a lake", 7)])[0].image.size)
"""
        environment = os.environ | {"HF_HUB_CACHE": str(cache), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
        return subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
        )

    return load


def test_the_default_model_loads_from_the_cache_alone(loaded_from_cache):
    run = loaded_from_cache(main=COMMIT, revisions={})
    assert run.stdout == "sdxl-lightning (64, 64)\n", run.stderr
    assert "Error" not in run.stderr


def test_pinned_commits_are_read_whatever_was_put_there_since(loaded_from_cache):
    run = loaded_from_cache(main=NEWER, revisions={LIGHTNING.source: COMMIT, LIGHTNING.unet[0]: COMMIT})
    assert run.stdout == "sdxl-lightning (64, 64)\n", run.stderr


@pytest.mark.parametrize("unpinned", [LIGHTNING.source, LIGHTNING.unet[0]])
def test_what_is_not_pinned_is_what_is_newest(loaded_from_cache, unpinned):
    pinned = {LIGHTNING.source: COMMIT, LIGHTNING.unet[0]: COMMIT}
    del pinned[unpinned]
    run = loaded_from_cache(main=NEWER, revisions=pinned)
    assert run.returncode != 0 and unpinned in run.stderr


def test_a_family_that_cannot_start_from_an_image_says_so(tmp_path):
    from gpu.diffusion.loading import load_text_pipeline

    def without_a_sister(*given, **more):
        pipeline = load_text_pipeline(*given, **more)
        pipeline.__class__ = type("LonelyPipeline", (type(pipeline),), {})
        return pipeline

    engine = loaded(tiny_model(tmp_path / "lonely"), make=without_a_sister)
    assert engine.limits.kinds == {"text"}
    assert engine.paint(text_key(), [Piece("a lake", 7)])


def test_a_folder_without_a_model_is_named(tmp_path):
    (tmp_path / "empty").mkdir()
    reason = why_not(tmp_path / "empty")
    assert reason.startswith("GPU_MODEL: empty") and "model_index.json" in reason and str(tmp_path) not in reason


def test_a_model_that_is_nowhere_is_named_with_the_reason():
    reason = why_not("nobody/no-such-model")
    assert reason.startswith("GPU_MODEL: nobody/no-such-model is not in this machine's cache")
    assert "HF_HUB_OFFLINE" in reason


def test_missing_half_and_garbled_files_are_told_apart(broken_copy):
    weights = broken_copy / "unet" / "diffusion_pytorch_model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:5000])
    assert "half-fetched" in why_not(broken_copy)
    weights.unlink()
    assert "no file named" in why_not(broken_copy)
    weights.write_bytes(whole)
    (broken_copy / "model_index.json").write_text("{nope")
    assert "cannot be read" in why_not(broken_copy)


def test_a_pipeline_that_paints_nothing_from_text_is_refused(broken_copy):
    index = broken_copy / "model_index.json"
    index.write_text(index.read_text().replace("StableDiffusionPipeline", "DDPMPipeline"))
    assert why_not(broken_copy).startswith("GPU_MODEL: spoilt")


def test_a_unet_file_that_is_missing_or_of_another_model_is_named(lightning, tmp_path):
    from safetensors.torch import save_file

    assert "other.safetensors" in why_not(replace(lightning, unet=(str(tmp_path), "other.safetensors")))
    save_file(tiny_unet().state_dict(), tmp_path / "other.safetensors")
    assert "do not fit" in why_not(replace(lightning, unet=(str(tmp_path), "other.safetensors")))


def test_a_tiny_autoencoder_that_is_not_there_names_its_setting(lightning):
    assert why_not(replace(lightning, tiny_vae="nobody/no-vae"), vae="tiny").startswith("GPU_VAE: nobody/no-vae")
    assert why_not(replace(lightning, tiny_vae=None), vae="tiny").startswith("GPU_VAE: there is no")


def test_a_device_this_machine_has_not_got_is_named(lightning):
    missing = "mps" if torch.cuda.is_available() else "cuda"
    assert why_not(lightning, device=missing).startswith("GPU_DEVICE: ")
