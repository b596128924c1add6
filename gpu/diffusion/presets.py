"""Define the known models: their addresses, licenses and defaults.

`model_defaults.py` guesses the defaults of models that are not here.
"""

from __future__ import annotations

from gpu.diffusion.preset import License, Preset, SchedulerConfig, describe

__all__ = ["PRESETS", "describe", "find_preset", "license_of"]

OPENRAIL_XL = License(
    "CreativeML Open RAIL++-M",
    "https://huggingface.co/stabilityai/stable-diffusion-xl-base-1.0/blob/main/LICENSE.md",
    "free",
    "commercial use is free; its list of harmful uses is forbidden to you and your users",
)
OPENRAIL_15 = License(
    "CreativeML Open RAIL-M",
    "https://huggingface.co/spaces/CompVis/stable-diffusion-license",
    "free",
    "commercial use is free; its list of harmful uses is forbidden to you and your users",
)
STABILITY = License(
    "Stability AI Community License",
    "https://stability.ai/license",
    "restricted",
    "commercial use is free below 1,000,000 dollars of revenue a year, after registration; above, it is paid",
)
STABILITY_RESEARCH = License(
    "Stability AI Non-Commercial Research Community License",
    "https://stability.ai/license",
    "restricted",
    "free for research and private use; for commercial use see stability.ai/license, which may cost",
)
APACHE = License(
    "Apache-2.0", "https://www.apache.org/licenses/LICENSE-2.0", "free", "commercial use is free, without restrictions"
)
PRX = License(
    "Apache-2.0, text encoder: Gemma Terms of Use",
    "https://huggingface.co/Photoroom/prx-512-t2i-sft-distilled",
    "free",
    "commercial use is free; the uses that Google's Gemma Terms prohibit are forbidden to you and your users",
)
SANA = License(
    "Apache-2.0 or NVIDIA NSCL v2, text encoder: Gemma Terms of Use",
    "https://huggingface.co/Efficient-Large-Model/Sana_Sprint_1.6B_1024px_diffusers",
    "restricted",
    "copies of its card differ: Apache-2.0, or NVIDIA's license without commercial use; read the card of your download",
)
UNKNOWN = License("unknown", "the page of the model", "unknown", "commercial use may be restricted")

# Distilled models were trained with timesteps from the noisy end; otherwise the first one is not noise at all.
_TRAILING = {"timestep_spacing": "trailing"}

# `fits_fp16=False`: the transformers were trained in bf16 and leave the range of fp16. Z-Image's images are all NaN in
# it (Tongyi-MAI/Z-Image issue 14).
# `gpu_type`: estimated from MLPerf's rates (L4 71, L40S 194 TFLOP/s effective). SDXL's four steps take 0.5 s on an L4
# and 0.2 s on an L40S, so a queue of 16 needs the latter. The models at 512 take a tenth of that, and the small GPU is
# by far the cheapest for few requests.
PRESETS: tuple[Preset, ...] = (
    Preset(
        name="sdxl-lightning",
        source="stabilityai/stable-diffusion-xl-base-1.0",
        unet=("ByteDance/SDXL-Lightning", "sdxl_lightning_4step_unet.safetensors"),
        license=OPENRAIL_XL,
        steps=4,
        guidance=0.0,
        side=1024,
        max_side=1536,
        # This UNet was distilled for exactly four steps. Eight still look good, more oversaturate.
        max_steps=8,
        batch=8,
        parameters=3.47,
        gpu_type="L40S",
        tiny_vae="madebyollin/taesdxl",
        fp16_vae="madebyollin/sdxl-vae-fp16-fix",
        variant="fp16",
        scheduler=SchedulerConfig("EulerDiscreteScheduler", _TRAILING),
        notes="1024 pixels in 4 steps; the best mix of quality, speed and license",
    ),
    Preset(
        name="sd-turbo",
        source="stabilityai/sd-turbo",
        license=STABILITY,
        steps=4,
        guidance=0.0,
        side=512,
        max_side=1024,
        max_steps=8,
        batch=16,
        parameters=1.29,
        gpu_type="L4",
        tiny_vae="madebyollin/taesd",
        variant="fp16",
        scheduler=SchedulerConfig("EulerDiscreteScheduler", _TRAILING),
        notes="the fastest: one step gives a picture, four a good one",
    ),
    Preset(
        name="sdxl-turbo",
        source="stabilityai/sdxl-turbo",
        license=STABILITY_RESEARCH,
        steps=4,
        guidance=0.0,
        side=512,
        max_side=1024,
        max_steps=8,
        batch=16,
        parameters=3.47,
        gpu_type="L4",
        tiny_vae="madebyollin/taesdxl",
        fp16_vae="madebyollin/sdxl-vae-fp16-fix",
        variant="fp16",
        scheduler=SchedulerConfig("EulerAncestralDiscreteScheduler", _TRAILING),
        notes="trained at 512 pixels",
    ),
    Preset(
        name="sd15",
        source="stable-diffusion-v1-5/stable-diffusion-v1-5",
        license=OPENRAIL_15,
        steps=20,
        guidance=7.0,
        side=512,
        max_side=1024,
        max_steps=50,
        max_guidance=20.0,
        batch=8,
        parameters=1.07,
        gpu_type="L4",
        tiny_vae="madebyollin/taesd",
        variant="fp16",
        scheduler=SchedulerConfig(
            "DPMSolverMultistepScheduler", {"algorithm_type": "dpmsolver++", "use_karras_sigmas": True}
        ),
        notes="old and slow, but small, and the base of thousands of models",
    ),
    Preset(
        name="sd35-turbo",
        source="stabilityai/stable-diffusion-3.5-large-turbo",
        license=STABILITY,
        steps=4,
        guidance=0.0,
        side=1024,
        max_side=1536,
        max_steps=8,
        batch=4,
        parameters=13.7,
        gpu_type="L40S",
        multiple=16,
        fits_fp16=False,
        tiny_vae="madebyollin/taesd3",
        gated=True,
        notes="reads long prompts and writes short words",
    ),
    Preset(
        name="flux2-klein-4b",
        source="black-forest-labs/FLUX.2-klein-4B",
        license=APACHE,
        steps=4,
        guidance=1.0,
        side=1024,
        max_side=1536,
        max_steps=8,
        batch=4,
        parameters=7.98,
        gpu_type="L40S",
        multiple=16,
        fits_fp16=False,
        # Distilled at one guidance. It reads an init image like the prompt, without strength.
        supports_guidance=False,
        negative_prompt_min_guidance=None,
        supports_strength=False,
        notes="edits images by text; diffusers has no tiny autoencoder for it yet",
    ),
    Preset(
        name="z-image-turbo",
        source="Tongyi-MAI/Z-Image-Turbo",
        license=APACHE,
        steps=8,
        guidance=0.0,
        side=1024,
        max_side=1536,
        max_steps=16,
        batch=4,
        parameters=10.3,
        gpu_type="L40S",
        multiple=16,
        fits_fp16=False,
        # Its guidance starts at 0, others start at 1.
        negative_prompt_min_guidance=0.0,
        # It has the autoencoder of FLUX.1, so the tiny one fits too.
        tiny_vae="madebyollin/taef1",
        notes="photographs, and text in English and Chinese",
    ),
    Preset(
        name="sana-sprint",
        source="Efficient-Large-Model/Sana_Sprint_1.6B_1024px_diffusers",
        license=SANA,
        steps=2,
        # It reads its guidance like the prompt, at no cost.
        guidance=4.5,
        side=1024,
        max_side=1536,
        max_steps=4,
        max_guidance=10.0,
        batch=8,
        parameters=4.54,
        gpu_type="L4",
        multiple=32,
        fits_fp16=False,
        negative_prompt_min_guidance=None,
        notes="1024 pixels in 2 steps, with the least work of all; quality not compared yet",
    ),
    Preset(
        name="prx-512",
        source="Photoroom/prx-512-t2i-sft-distilled",
        license=PRX,
        steps=8,
        # Distilled at one guidance.
        guidance=1.0,
        min_guidance=1.0,
        supports_guidance=False,
        negative_prompt_min_guidance=None,
        supports_init_image=False,
        side=512,
        max_side=1024,
        max_steps=16,
        batch=16,
        parameters=3.87,
        gpu_type="L4",
        multiple=16,
        fits_fp16=False,
        # It has the autoencoder of FLUX.1.
        tiny_vae="madebyollin/taef1",
        notes="512 pixels with a license for every business; wants long prompts in plain English",
    ),
)


def find_preset(model: str) -> Preset | None:
    """Return the preset with this name, or the one whose repository it is, None if there is none."""
    for preset in PRESETS:
        if model in (preset.name, preset.source if preset.unet is None else preset.name):
            return preset
    return None


def license_of(model: str) -> License:
    preset = find_preset(model)
    return preset.license if preset else UNKNOWN
