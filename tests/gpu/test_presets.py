"""The table of presets: what must stand in it, and what is said of a model that is not in it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from gpu.cost import prices
from gpu.diffusion.preset import Preset
from gpu.diffusion.presets import PRESETS, UNKNOWN, describe, find_preset, licence_of
from gpu.settings import GpuSettings

NAMES = ["sdxl-lightning", "sd-turbo", "sdxl-turbo", "sd15", "sd35-turbo", "flux2-klein-4b", "z-image-turbo"]
by_name = pytest.mark.parametrize("preset", PRESETS, ids=NAMES)


def test_the_table_holds_what_was_promised_and_the_default_stands_in_it():
    assert [preset.name for preset in PRESETS] == NAMES
    default = find_preset(GpuSettings.model_fields["model"].default)
    assert (default.steps, default.side, default.licence.commercial) == (4, 1024, "free")


@by_name
def test_every_preset_can_be_asked_with_its_own_defaults(preset: Preset):
    limits = preset.limits()
    assert 1 <= limits.steps <= limits.max_steps
    assert 0 <= limits.guidance <= limits.max_guidance
    assert limits.min_side <= limits.width == limits.height <= limits.max_side
    assert limits.width % limits.multiple == limits.max_side % limits.multiple == 0
    assert int(limits.steps * limits.strength) >= 1, "the default strength paints from an image"


@by_name
def test_every_preset_fits_the_card_it_recommends_with_room_for_a_second_picture(preset: Preset):
    memory = {"L4": 24, "L40S": 48}
    assert preset.vram_gb + 2.5 * (preset.side / 1024) ** 2 <= memory[preset.card]
    assert preset.vram_gb > 2 * preset.parameters
    assert prices.per_second(preset.card, cores=1, gib=1) > 0


@by_name
def test_every_licence_has_a_name_an_address_and_words(preset: Preset):
    licence = preset.licence
    assert licence.name and licence.words and licence.address.startswith("https://")
    restricted = {"sd-turbo", "sdxl-turbo", "sd35-turbo"}
    assert licence.commercial == ("restricted" if preset.name in restricted else "free")


@by_name
def test_a_person_who_chooses_is_told_all_of_it(preset: Preset):
    told = "\n".join(describe(preset))
    for fact in (preset.name, preset.source, preset.licence.name, preset.licence.address, preset.card, preset.notes):
        assert fact in told
    assert f"{preset.side} x {preset.side}" in told and f"{preset.vram_gb:g} GB" in told


def test_what_learnt_in_bf16_is_not_computed_in_fp16_by_itself():
    """Z-Image's pictures are all NaN in fp16 (Tongyi-MAI/Z-Image issue 14); UNets are handed out in it."""
    assert {preset.name for preset in PRESETS if not preset.fits_fp16} == {
        "sd35-turbo",
        "flux2-klein-4b",
        "z-image-turbo",
    }
    assert all(preset.fits_fp16 for preset in PRESETS if preset.variant == "fp16")


def test_a_preset_is_found_by_its_name_and_by_the_address_of_its_model():
    assert find_preset("sd-turbo") is find_preset("stabilityai/sd-turbo")
    assert find_preset("stabilityai/sd-turbo").name == "sd-turbo"


def test_the_base_alone_is_not_the_model_that_was_distilled_from_it():
    assert find_preset("stabilityai/stable-diffusion-xl-base-1.0") is None


def test_nothing_is_claimed_of_a_model_that_is_not_in_the_table():
    assert licence_of("somebody/something") is UNKNOWN
    assert UNKNOWN.commercial == "unknown"
    assert licence_of("sd15").commercial == "free"


def test_the_hosts_word_on_sizes_wins_and_the_picture_still_fits():
    limits = find_preset("z-image-turbo").limits(batch=2, max_side=700)
    assert (limits.batch, limits.max_side, limits.width) == (2, 700, 688)


def test_looking_into_the_table_loads_no_torch():
    code = "import sys, gpu.diffusion.presets, gpu.diffusion.engine; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
