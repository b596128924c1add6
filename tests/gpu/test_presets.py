"""The table of presets, and models that are not in it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from gpu.deploy import prices
from gpu.diffusion.preset import Preset
from gpu.diffusion.presets import PRESETS, UNKNOWN, describe, find_preset, license_of
from gpu.settings import ServiceSettings

NAMES = [
    "sdxl-lightning",
    "sd-turbo",
    "sdxl-turbo",
    "sd15",
    "sd35-turbo",
    "flux2-klein-4b",
    "z-image-turbo",
    "sana-sprint",
    "prx-512",
]
by_name = pytest.mark.parametrize("preset", PRESETS, ids=NAMES)


def test_the_table_has_the_documented_models_and_the_default() -> None:
    assert [preset.name for preset in PRESETS] == NAMES
    default = find_preset(ServiceSettings.model_fields["model"].default)
    assert default
    assert (default.steps, default.side, default.license.commercial) == (4, 1024, "free")


@by_name
def test_every_preset_accepts_its_own_defaults(preset: Preset) -> None:
    limits = preset.limits()
    assert 1 <= limits.steps <= limits.max_steps
    assert limits.min_guidance <= limits.guidance <= limits.max_guidance
    assert limits.min_side <= limits.width == limits.height <= limits.max_side
    assert limits.width % limits.multiple == limits.max_side % limits.multiple == 0
    assert int(limits.steps * limits.strength) >= 1, "the default strength paints from an image"


@by_name
def test_every_preset_fits_its_recommended_gpu(preset: Preset) -> None:
    memory = {"L4": 24, "L40S": 48}
    assert preset.vram_gb + 2.5 * (preset.side / 1024) ** 2 <= memory[preset.gpu_type]
    assert preset.vram_gb > 2 * preset.parameters
    assert prices.container_price(preset.gpu_type, cores=1, gib=1) > 0


@by_name
def test_every_license_has_name_address_and_summary(preset: Preset) -> None:
    license = preset.license
    assert license.name and license.summary and license.address.startswith("https://")
    restricted = {"sd-turbo", "sdxl-turbo", "sd35-turbo", "sana-sprint"}
    assert license.commercial == ("restricted" if preset.name in restricted else "free")


@by_name
def test_the_description_of_a_preset_is_complete(preset: Preset) -> None:
    description = "\n".join(describe(preset))
    for fact in (
        preset.name,
        preset.source,
        preset.license.name,
        preset.license.address,
        preset.gpu_type,
        preset.notes,
    ):
        assert fact in description
    assert f"{preset.side} x {preset.side}" in description and f"{preset.vram_gb:g} GB" in description


def test_a_preset_without_init_images_says_so() -> None:
    text_only = {preset.name for preset in PRESETS if "image" not in preset.limits().kinds}
    assert text_only == {"prx-512"}
    for preset in PRESETS:
        assert ("reads no init image" in "\n".join(describe(preset))) is (preset.name in text_only)


def test_models_trained_in_bf16_do_not_default_to_fp16() -> None:
    """Z-Image's pictures are all NaN in fp16 (Tongyi-MAI/Z-Image issue 14); UNets are published in it."""
    assert {preset.name for preset in PRESETS if not preset.fits_fp16} == {
        "sd35-turbo",
        "flux2-klein-4b",
        "z-image-turbo",
        "sana-sprint",
        "prx-512",
    }
    assert all(preset.fits_fp16 for preset in PRESETS if preset.variant == "fp16")


def test_a_preset_is_found_by_name_and_repository() -> None:
    assert find_preset("sd-turbo") is find_preset("stabilityai/sd-turbo")
    assert PRESETS[1] is find_preset("sd-turbo")


def test_the_base_alone_is_not_the_model_that_was_distilled_from_it() -> None:
    assert find_preset("stabilityai/stable-diffusion-xl-base-1.0") is None


def test_an_unknown_model_has_an_unknown_license() -> None:
    assert license_of("somebody/something") is UNKNOWN
    assert UNKNOWN.commercial == "unknown"
    assert license_of("sd15").commercial == "free"


def test_the_operators_limits_win() -> None:
    preset = find_preset("z-image-turbo")
    assert preset
    limits = preset.limits(batch=2, max_side=700)
    assert (limits.batch, limits.max_side, limits.width) == (2, 700, 688)


def test_the_table_loads_no_torch() -> None:
    code = "import sys, gpu.diffusion.presets, gpu.diffusion.engine; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
