"""Loading models from repositories, folders and files; missing parts name the setting to change."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gpu.diffusion import presets
from gpu.diffusion.pipeline_types import diffusers_class
from gpu.diffusion.preset import SchedulerConfig
from gpu.engine import EngineBroken, ImageRequest
from tests.support.tiny_engines import (
    TOLERANCE,
    difference,
    image_key,
    image_of,
    load_without_img2img,
    loaded,
    text_key,
)
from tests.support.tiny_models import tiny_autoencoder, tiny_model
from tests.support.tiny_unets import tiny_unet

torch = pytest.importorskip("torch", reason="torch is not installed: the diffusers extra")
pytest.importorskip("diffusers", reason="diffusers is not installed: the diffusers extra")

LIGHTNING = next(preset for preset in presets.PRESETS if preset.name == "sdxl-lightning")
assert LIGHTNING.unet
UNET_REPOSITORY, UNET_FILE = LIGHTNING.unet


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return tiny_model(tmp_path_factory.mktemp("base") / "base", "sdxl")


@pytest.fixture(scope="module")
def lightning(base: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return the preset sdxl-lightning with tiny weights in folders instead of its repositories."""
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
def broken_copy(tmp_path: Path) -> Any:
    """Return a folder with a complete tiny model that a test may damage."""
    return tiny_model(tmp_path / "spoilt", "sd")


def why_not(model: Any, **given: Any) -> Any:
    with pytest.raises(EngineBroken) as caught:
        loaded(model, **given)
    return str(caught.value)


def test_sdxl_lightning_is_the_base_with_the_unet_of_another_file(base: Any, lightning: Any) -> None:
    engine, plain = loaded(lightning), loaded(base)
    key, images = text_key(steps=4), [ImageRequest("a lake", 7)]
    assert engine.model == "sdxl-lightning" and engine.limits.steps == 4
    [painted], [other] = engine.generate(key, images), plain.generate(key, images)
    assert difference(painted, other) > TOLERANCE
    assert engine.generate(image_key(), [ImageRequest("a lake", 7, init_image=image_of(painted))])


def test_timesteps_are_trailing_in_both_pipelines(lightning: Any) -> None:
    with_leading = replace(
        lightning, scheduler=SchedulerConfig("EulerDiscreteScheduler", {"timestep_spacing": "leading"})
    )
    for key, images in ((text_key(), [ImageRequest("a lake", 7)]),):
        [right], [wrong] = loaded(lightning).generate(key, images), loaded(with_leading).generate(key, images)
        assert difference(right, wrong) > TOLERANCE
    calls = loaded(lightning)._callers
    schedulers = [calls[kind].pipeline.scheduler for kind in ("text", "image")]
    assert [scheduler.config["timestep_spacing"] for scheduler in schedulers] == ["trailing", "trailing"]
    assert schedulers[0] is not schedulers[1]


def test_every_weight_has_the_requested_precision(lightning: Any) -> None:
    unet = loaded(lightning)._callers["text"].pipeline.unet
    assert {(weights.device.type, weights.dtype) for weights in unet.parameters()} == {("cpu", torch.float32)}
    assert not unet.training


def test_the_scheduler_of_every_preset_exists_and_can_be_made_from_its_familys_own() -> None:
    for preset in presets.PRESETS:
        if preset.scheduler:
            made = diffusers_class(preset.scheduler.name).from_config(
                diffusers_class("PNDMScheduler")().config, **preset.scheduler.values
            )
            assert {name: made.config[name] for name in preset.scheduler.values} == preset.scheduler.values


def test_an_unknown_distilled_model_gets_trailing_timesteps(base: Any, tmp_path: Path) -> None:
    folder = shutil.copytree(base, tmp_path / "my-turbo")
    config = folder / "scheduler" / "scheduler_config.json"
    config.write_text(config.read_text().replace("trailing", "leading"))
    assert loaded(folder)._callers["text"].pipeline.scheduler.config["timestep_spacing"] == "trailing"
    plain = shutil.copytree(folder, tmp_path / "my-own")
    assert loaded(plain)._callers["text"].pipeline.scheduler.config["timestep_spacing"] == "leading"


def test_half_precision_files_are_preferred(lightning: Any, tmp_path: Path) -> None:
    folder = tmp_path / "halves"
    whole = diffusers_class("StableDiffusionXLPipeline").from_pretrained(lightning.source)
    whole.to(torch.float16).save_pretrained(folder, variant="fp16")
    assert not (folder / "vae" / "diffusion_pytorch_model.safetensors").exists()
    assert lightning.variant == "fp16"
    assert loaded(replace(lightning, source=str(folder))).generate(text_key(), [ImageRequest("a lake", 7)])
    assert loaded(lightning).generate(text_key(), [ImageRequest("a lake", 7)])


def test_the_fp16_autoencoder_is_used_in_fp16_only(lightning: Any) -> None:
    from gpu.diffusion.loading import load_text_pipeline

    fixed = replace(lightning, fp16_vae="nobody/no-such-model")
    assert load_text_pipeline(fixed.source, fixed, dtype=torch.bfloat16).vae.dtype == torch.bfloat16
    with pytest.raises(EngineBroken, match="nobody/no-such-model"):
        load_text_pipeline(fixed.source, fixed, dtype=torch.float16)
    assert load_text_pipeline(lightning.source, lightning, dtype=torch.float16).vae.dtype == torch.float16
    tiny = load_text_pipeline(fixed.source, fixed, dtype=torch.float16, vae="tiny").vae
    assert type(tiny).__name__ == "AutoencoderTiny", "the other one was not even looked for"


def test_the_tiny_autoencoder_replaces_the_models_own(lightning: Any) -> None:
    own, tiny = loaded(lightning), loaded(lightning, vae="tiny")
    images = [ImageRequest("a lake", 7)]
    [one], [other] = own.generate(text_key(), images), tiny.generate(text_key(), images)
    assert difference(one, other) > TOLERANCE
    assert tiny.generate(image_key(), [ImageRequest("a lake", 7, init_image=image_of(one))])


def test_a_models_own_safety_checker_is_not_loaded(tmp_path: Path) -> None:
    folder = tiny_model(tmp_path / "model")
    index = json.loads((folder / "model_index.json").read_text())
    index["safety_checker"] = ["stable_diffusion", "StableDiffusionSafetyChecker"]
    index["feature_extractor"] = ["transformers", "CLIPImageProcessor"]
    (folder / "model_index.json").write_text(json.dumps(index | {"requires_safety_checker": True}))
    assert loaded(folder).generate(text_key(), [ImageRequest("a lake", 7)]), "its weights are not even there"


COMMIT, NEWER = "0" * 40, "1" * 40


def cached(cache: Any, repository: Any, folder: Any, *, main: Any) -> None:
    """Create a repository in huggingface_hub's cache at COMMIT. Its branch may be newer."""
    home = cache / f"models--{repository.replace('/', '--')}"
    shutil.copytree(folder, home / "snapshots" / COMMIT)
    (home / "refs").mkdir()
    (home / "refs" / "main").write_text(main)


@pytest.fixture
def cache(base: Any, lightning: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty cache and the only one, as on Modal, beside the files of one earlier load."""
    import huggingface_hub.constants

    cache = tmp_path / "cache"
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(cache))
    assert huggingface_hub.constants.HF_HUB_OFFLINE
    folder = shutil.copytree(base, tmp_path / "fetched")
    (folder / "unet" / "diffusion_pytorch_model.safetensors").unlink()
    for weights in folder.rglob("*.safetensors"):
        weights.rename(weights.with_suffix(".fp16.safetensors"))
    unet = tmp_path / "unet"
    unet.mkdir()
    shutil.copy(f"{lightning.unet[0]}/{lightning.unet[1]}", unet / UNET_FILE)
    return cache


def fill(cache: Path, *, main: str) -> None:
    cached(cache, LIGHTNING.source, cache.parent / "fetched", main=main)
    cached(cache, UNET_REPOSITORY, cache.parent / "unet", main=main)


def assert_loads(**given: Any) -> None:
    engine = loaded("sdxl-lightning", **given)
    [painted] = engine.generate(text_key(steps=4), [ImageRequest("a lake", 7)])
    assert engine.model == "sdxl-lightning" and image_of(painted).size == (64, 64)


def test_the_default_model_loads_from_the_cache_alone(cache: Path, capfd: pytest.CaptureFixture[str]) -> None:
    fill(cache, main=COMMIT)
    assert_loads()
    assert "Error" not in capfd.readouterr().err


def test_pinned_commits_are_read(cache: Path) -> None:
    fill(cache, main=NEWER)
    assert_loads(revisions={LIGHTNING.source: COMMIT, UNET_REPOSITORY: COMMIT})


@pytest.mark.parametrize("unpinned", [LIGHTNING.source, UNET_REPOSITORY])
def test_unpinned_repositories_are_read_at_their_newest_commit(cache: Path, unpinned: str) -> None:
    fill(cache, main=NEWER)
    pinned = {LIGHTNING.source: COMMIT, UNET_REPOSITORY: COMMIT}
    del pinned[unpinned]
    assert unpinned in why_not("sdxl-lightning", revisions=pinned)


def test_a_family_without_img2img_supports_text_only(tmp_path: Path) -> None:
    engine = loaded(tiny_model(tmp_path / "lonely"), load_pipeline=load_without_img2img)
    assert engine.limits.kinds == {"text"}
    assert engine.generate(text_key(), [ImageRequest("a lake", 7)])


def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    reason = why_not(tmp_path / "empty")
    assert reason.startswith("GPU_MODEL: empty") and "model_index.json" in reason and str(tmp_path) not in reason


def test_a_missing_model_is_named_with_the_reason() -> None:
    reason = why_not("nobody/no-such-model")
    assert reason.startswith("GPU_MODEL: nobody/no-such-model is not in this machine's cache")
    assert "HF_HUB_OFFLINE" in reason


def test_missing_incomplete_and_garbled_files_have_their_own_errors(broken_copy: Any) -> None:
    weights = broken_copy / "unet" / "diffusion_pytorch_model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:5000])
    assert "incomplete" in why_not(broken_copy)
    weights.unlink()
    assert "no file named" in why_not(broken_copy)
    weights.write_bytes(whole)
    (broken_copy / "model_index.json").write_text("{nope")
    assert "cannot be read" in why_not(broken_copy)


def test_a_pipeline_without_text2img_is_rejected(broken_copy: Any) -> None:
    index = broken_copy / "model_index.json"
    index.write_text(index.read_text().replace("StableDiffusionPipeline", "DDPMPipeline"))
    assert why_not(broken_copy).startswith("GPU_MODEL: spoilt")


def test_a_unet_file_that_is_missing_or_of_another_model_is_named(lightning: Any, tmp_path: Path) -> None:
    from safetensors.torch import save_file

    assert "other.safetensors" in why_not(replace(lightning, unet=(str(tmp_path), "other.safetensors")))
    save_file(tiny_unet().state_dict(), tmp_path / "other.safetensors")
    assert "do not fit" in why_not(replace(lightning, unet=(str(tmp_path), "other.safetensors")))


def test_a_missing_tiny_autoencoder_names_its_setting(lightning: Any) -> None:
    assert why_not(replace(lightning, tiny_vae="nobody/no-vae"), vae="tiny").startswith("GPU_VAE: nobody/no-vae")
    assert why_not(replace(lightning, tiny_vae=None), vae="tiny").startswith("GPU_VAE: there is no")


def test_a_missing_device_is_named(lightning: Any) -> None:
    missing = "mps" if torch.cuda.is_available() else "cuda"
    assert why_not(lightning, device=missing).startswith("GPU_DEVICE: ")
