"""Define the real architectures of the presets as plain values, from the config.json files of their model cards.

Weights do not change how fast a network runs, so the bench measures networks of these shapes with random weights
(`assembling.py`), and downloads nothing. tests/gpu/test_bench_parts.py checks the parameter counts.

`shrunk` of each architecture has the few values that make it small enough for a CPU, so that the same code runs without
a GPU. Small networks are thin, but their denoisers are as deep as the real ones, because deep stacks of random layers
change the range of numbers.
"""

from __future__ import annotations

from collections.abc import Mapping

from tests.bench.gpu_parts.architecture import Architecture, Part, Values
from tests.bench.gpu_parts.gemma_architectures import SANA_SPRINT, prx
from tests.bench.gpu_parts.image_networks import (
    UNET_SD15,
    UNET_SD21,
    UNET_SDXL,
    VAE_FLUX,
    VAE_FLUX2,
    VAE_SD,
    VAE_SD3,
    VAE_SDXL,
)
from tests.bench.gpu_parts.text_encoders import CLIP_G, CLIP_H, CLIP_L, CLIP_L_PROJECTED, T5_XXL, qwen3

__all__ = ["ARCHITECTURES", "SAFETY_VISION", "Architecture", "Part", "Values"]

_TRAILING = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "timestep_spacing": "trailing",
    "steps_offset": 1,
}


def _sd(unet: Part, encoder: Part) -> Architecture:
    return Architecture(
        pipeline="StableDiffusionPipeline",
        parts={"text_encoder": encoder, "unet": unet, "vae": VAE_SD},
        tokenizers={"tokenizer": "clip"},
        scheduler="EulerDiscreteScheduler",
        schedule=_TRAILING,
        extra={"safety_checker": None, "feature_extractor": None, "requires_safety_checker": False},
    )


_SDXL = Architecture(
    pipeline="StableDiffusionXLPipeline",
    parts={"text_encoder": CLIP_L, "text_encoder_2": CLIP_G, "unet": UNET_SDXL, "vae": VAE_SDXL},
    tokenizers={"tokenizer": "clip", "tokenizer_2": "clip"},
    scheduler="EulerDiscreteScheduler",
    schedule=_TRAILING,
    extra={"add_watermarker": False},
)
_SD35_LARGE = Architecture(
    pipeline="StableDiffusion3Pipeline",
    parts={
        "text_encoder": CLIP_L_PROJECTED,
        "text_encoder_2": CLIP_G,
        "text_encoder_3": T5_XXL,
        "transformer": Part(
            kind="SD3Transformer2DModel",
            values={
                "sample_size": 128,
                "patch_size": 2,
                "in_channels": 16,
                "num_layers": 38,
                "attention_head_dim": 64,
                "num_attention_heads": 38,
                "joint_attention_dim": 4096,
                "caption_projection_dim": 2432,
                "pooled_projection_dim": 2048,
                "out_channels": 16,
                "pos_embed_max_size": 192,
                "qk_norm": "rms_norm",
            },
            shrunk={
                "sample_size": 8,
                "attention_head_dim": 8,
                "num_attention_heads": 4,
                "joint_attention_dim": 64,
                "caption_projection_dim": 32,
                "pooled_projection_dim": 64,
                "pos_embed_max_size": 16,
            },
        ),
        "vae": VAE_SD3,
    },
    tokenizers={"tokenizer": "clip", "tokenizer_2": "clip", "tokenizer_3": "t5"},
    scheduler="FlowMatchEulerDiscreteScheduler",
    schedule={"num_train_timesteps": 1000, "shift": 3.0},
    tokens=77 + 256,
    latent_channels=16,
)
_KLEIN_4B = Architecture(
    pipeline="Flux2KleinPipeline",
    parts={
        "text_encoder": qwen3("Qwen3ForCausalLM"),
        "transformer": Part(
            kind="Flux2Transformer2DModel",
            values={
                "in_channels": 128,
                "num_layers": 5,
                "num_single_layers": 20,
                "attention_head_dim": 128,
                "num_attention_heads": 24,
                "joint_attention_dim": 3 * 2560,
                "guidance_embeds": False,
            },
            shrunk={
                "attention_head_dim": 16,
                "num_attention_heads": 2,
                "joint_attention_dim": 3 * 16,
                "axes_dims_rope": (4, 4, 4, 4),
            },
        ),
        "vae": VAE_FLUX2,
    },
    tokenizers={"tokenizer": "qwen"},
    scheduler="FlowMatchEulerDiscreteScheduler",
    schedule={"num_train_timesteps": 1000, "shift": 3.0, "use_dynamic_shifting": True},
    tokens=512,
    packed=True,
    latent_channels=32,
    extra={"is_distilled": True},
)
_Z_IMAGE = Architecture(
    pipeline="ZImagePipeline",
    parts={
        "text_encoder": qwen3("Qwen3Model"),
        "transformer": Part(
            kind="ZImageTransformer2DModel",
            values={
                "in_channels": 16,
                "dim": 3840,
                "n_layers": 30,
                "n_refiner_layers": 2,
                "n_heads": 30,
                "n_kv_heads": 30,
                "cap_feat_dim": 2560,
                "axes_dims": [32, 48, 48],
                "axes_lens": [1536, 512, 512],
            },
            shrunk={
                "dim": 32,
                "n_heads": 2,
                "n_kv_heads": 2,
                "cap_feat_dim": 16,
                "axes_dims": [4, 6, 6],
            },
        ),
        "vae": VAE_FLUX,
    },
    tokenizers={"tokenizer": "qwen"},
    scheduler="FlowMatchEulerDiscreteScheduler",
    schedule={"num_train_timesteps": 1000, "shift": 3.0},
    # It reads prompts without padding to a fixed length: some 20 words, padded to a multiple of 32.
    tokens=64,
    latent_channels=16,
)

# By preset.
ARCHITECTURES: Mapping[str, Architecture] = {
    "sd-turbo": _sd(UNET_SD21, CLIP_H),
    "sd15": _sd(UNET_SD15, CLIP_L),
    "sdxl-turbo": _SDXL,
    "sdxl-lightning": _SDXL,
    "sd35-turbo": _SD35_LARGE,
    "flux2-klein-4b": _KLEIN_4B,
    "z-image-turbo": _Z_IMAGE,
    "sana-sprint": SANA_SPRINT,
    "prx-512": prx(VAE_FLUX),
}

# The safety check's CLIP ViT-L/14.
SAFETY_VISION: Values = {
    "hidden_size": 1024,
    "intermediate_size": 4096,
    "num_hidden_layers": 24,
    "num_attention_heads": 16,
    "image_size": 224,
    "patch_size": 14,
    "projection_dim": 768,
}
