"""The models we know, in one table: where they lie, what they may be used for, and how they want to be asked.

Plain values only: knows no torch, no settings and no network. A model that is not here gets its manners from its own
configuration (`manners.py`).
"""

from __future__ import annotations

from gpu.diffusion.preset import Licence, Preset, Scheduler, describe

__all__ = ["PRESETS", "describe", "find_preset", "licence_of"]

OPENRAIL_XL = Licence(
    "CreativeML Open RAIL++-M",
    "https://huggingface.co/stabilityai/stable-diffusion-xl-base-1.0/blob/main/LICENSE.md",
    "free",
    "commercial use is free; its list of harmful uses is forbidden to you and to those you paint for",
)
OPENRAIL_15 = Licence(
    "CreativeML Open RAIL-M",
    "https://huggingface.co/spaces/CompVis/stable-diffusion-license",
    "free",
    "commercial use is free; its list of harmful uses is forbidden to you and to those you paint for",
)
STABILITY = Licence(
    "Stability AI Community License",
    "https://stability.ai/license",
    "restricted",
    "commercial use is free below 1,000,000 dollars of revenue a year and after registering; above, it is paid for",
)
STABILITY_RESEARCH = Licence(
    "Stability AI Non-Commercial Research Community License",
    "https://stability.ai/license",
    "restricted",
    "free for research and private use; for commercial use its page sends you to stability.ai/license, which may cost",
)
APACHE = Licence(
    "Apache-2.0", "https://www.apache.org/licenses/LICENSE-2.0", "free", "commercial use is free, without restrictions"
)
UNKNOWN = Licence(
    "unknown", "the page the model came from", "unknown", "whether it may be used commercially is not known here"
)

# Distilled models learnt with these: timesteps counted from the noisy end, or the first one is not noise at all.
_TRAILING = {"timestep_spacing": "trailing"}

# The transformers learnt in bf16 and leave the range of fp16: Z-Image's pictures are all NaN in it (Tongyi-MAI/Z-Image
# issue 14): `fits_fp16=False`, and no machine chooses it by itself.
# Cards: Modal's names. What a picture costs there was reckoned from MLPerf's rates (facts: L4 71, L40S 194 TFLOP/s
# effective): SDXL's four steps take 0.5 s on an L4 and 0.2 s on an L40S, so 16 waiting want the latter; the models
# at 512 take a tenth of that, and the small card is by far the cheapest while few ask.
PRESETS: tuple[Preset, ...] = (
    Preset(
        name="sdxl-lightning",
        source="stabilityai/stable-diffusion-xl-base-1.0",
        unet=("ByteDance/SDXL-Lightning", "sdxl_lightning_4step_unet.safetensors"),
        licence=OPENRAIL_XL,
        steps=4,
        guidance=0.0,
        side=1024,
        max_side=1536,
        # This UNet was distilled for four steps exactly; twice as many still look well, more only burn.
        max_steps=8,
        batch=8,
        parameters=3.47,
        card="L40S",
        tiny_vae="madebyollin/taesdxl",
        fp16_vae="madebyollin/sdxl-vae-fp16-fix",
        variant="fp16",
        scheduler=Scheduler("EulerDiscreteScheduler", _TRAILING),
        notes="1024 pixels in 4 steps; the best mixture of quality, speed and licence",
    ),
    Preset(
        name="sd-turbo",
        source="stabilityai/sd-turbo",
        licence=STABILITY,
        steps=4,
        guidance=0.0,
        side=512,
        max_side=1024,
        max_steps=8,
        batch=16,
        parameters=1.29,
        card="L4",
        tiny_vae="madebyollin/taesd",
        variant="fp16",
        scheduler=Scheduler("EulerDiscreteScheduler", _TRAILING),
        notes="the fastest: one step gives a picture, four a good one",
    ),
    Preset(
        name="sdxl-turbo",
        source="stabilityai/sdxl-turbo",
        licence=STABILITY_RESEARCH,
        steps=4,
        guidance=0.0,
        side=512,
        max_side=1024,
        max_steps=8,
        batch=16,
        parameters=3.47,
        card="L4",
        tiny_vae="madebyollin/taesdxl",
        fp16_vae="madebyollin/sdxl-vae-fp16-fix",
        variant="fp16",
        scheduler=Scheduler("EulerAncestralDiscreteScheduler", _TRAILING),
        notes="trained at 512 pixels",
    ),
    Preset(
        name="sd15",
        source="stable-diffusion-v1-5/stable-diffusion-v1-5",
        licence=OPENRAIL_15,
        steps=20,
        guidance=7.0,
        side=512,
        max_side=1024,
        max_steps=50,
        max_guidance=20.0,
        batch=8,
        parameters=1.07,
        card="L4",
        tiny_vae="madebyollin/taesd",
        variant="fp16",
        scheduler=Scheduler(
            "DPMSolverMultistepScheduler", {"algorithm_type": "dpmsolver++", "use_karras_sigmas": True}
        ),
        notes="old and slow a picture, but small, and thousands of models grew from it",
    ),
    Preset(
        name="sd35-turbo",
        source="stabilityai/stable-diffusion-3.5-large-turbo",
        licence=STABILITY,
        steps=4,
        guidance=0.0,
        side=1024,
        max_side=1536,
        max_steps=8,
        batch=4,
        parameters=13.7,
        card="L40S",
        multiple=16,
        fits_fp16=False,
        tiny_vae="madebyollin/taesd3",
        gated=True,
        notes="reads long prompts and writes short words",
    ),
    Preset(
        name="flux2-klein-4b",
        source="black-forest-labs/FLUX.2-klein-4B",
        licence=APACHE,
        steps=4,
        guidance=1.0,
        side=1024,
        max_side=1536,
        max_steps=8,
        batch=4,
        parameters=7.98,
        card="L40S",
        multiple=16,
        fits_fp16=False,
        # Distilled at one guidance; an init image is a reference that it reads like the prompt, at no strength.
        guidance_counts=False,
        negative_above=None,
        strength_counts=False,
        notes="edits pictures by words; the small decoder of its latents is no part of diffusers yet",
    ),
    Preset(
        name="z-image-turbo",
        source="Tongyi-MAI/Z-Image-Turbo",
        licence=APACHE,
        steps=8,
        guidance=0.0,
        side=1024,
        max_side=1536,
        max_steps=16,
        batch=4,
        parameters=10.3,
        card="L40S",
        multiple=16,
        fits_fp16=False,
        # Its guidance is counted from 0, where others count from 1.
        negative_above=0.0,
        # The autoencoder of FLUX.1, so its small one too.
        tiny_vae="madebyollin/taef1",
        notes="photographs, and writing in English and Chinese",
    ),
)


def find_preset(model: str) -> Preset | None:
    """The preset of that name, or the one whose pipeline is all at that address; None where there is none."""
    for preset in PRESETS:
        if model in (preset.name, preset.source if preset.unet is None else preset.name):
            return preset
    return None


def licence_of(model: str) -> Licence:
    preset = find_preset(model)
    return preset.licence if preset else UNKNOWN
