"""Define the real architectures of the presets as plain values, from the config.json files of their model cards.

Weights do not change how fast a network runs, so the bench measures networks of these shapes with random weights
(`assembling.py`), and downloads nothing. tests/gpu/test_bench_parts.py checks the parameter counts.

`shrunk` of each architecture has the few values that make it small enough for a CPU, so that the same code runs without
a GPU. Small networks are thin, but their denoisers are as deep as the real ones, because deep stacks of random layers
change the range of numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.bench.gpu_parts.architecture import Architecture, Part, Values
from tests.bench.gpu_parts.gemma_architectures import SANA_SPRINT, prx

__all__ = ["ARCHITECTURES", "SAFETY_VISION", "Architecture", "Part", "Values"]


def _clip(kind: str, width: int, layers: int, heads: int, projection: int, act: str) -> Part:
    # Our tokenizer ends with token 1, from which the pooled vector is taken.
    return Part(
        kind=kind,
        config="CLIPTextConfig",
        values={
            "vocab_size": 49408,
            "hidden_size": width,
            "intermediate_size": width * 4,
            "num_hidden_layers": layers,
            "num_attention_heads": heads,
            "projection_dim": projection,
            "hidden_act": act,
            "max_position_embeddings": 77,
            "bos_token_id": 0,
            "eos_token_id": 1,
            "pad_token_id": 1,
        },
        shrunk={
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_hidden_layers": 3,
            "num_attention_heads": 4,
            "projection_dim": 32,
        },
    )


CLIP_L = _clip("CLIPTextModel", 768, 12, 12, 768, "quick_gelu")
CLIP_L_PROJECTED = _clip("CLIPTextModelWithProjection", 768, 12, 12, 768, "quick_gelu")
CLIP_H = _clip("CLIPTextModel", 1024, 23, 16, 512, "gelu")
CLIP_G = _clip("CLIPTextModelWithProjection", 1280, 32, 20, 1280, "gelu")
T5_XXL = Part(
    kind="T5EncoderModel",
    config="T5Config",
    values={
        "vocab_size": 32128,
        "d_model": 4096,
        "d_kv": 64,
        "d_ff": 10240,
        "num_layers": 24,
        "num_heads": 64,
        "feed_forward_proj": "gated-gelu",
        "is_encoder_decoder": False,
        "tie_word_embeddings": False,
    },
    shrunk={"vocab_size": 400, "d_model": 64, "d_kv": 16, "d_ff": 64, "num_layers": 2, "num_heads": 4},
)
_QWEN3_4B = {
    "vocab_size": 151936,
    "hidden_size": 2560,
    "intermediate_size": 9728,
    "num_hidden_layers": 36,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "rope_parameters": {"rope_type": "default", "rope_theta": 1_000_000},
    "max_position_embeddings": 40960,
    "rms_norm_eps": 1e-6,
    "tie_word_embeddings": True,
}
# FLUX.2 klein reads the states after layers 9, 18 and 27, so a small one needs as many, but thin layers.
_SMALL_QWEN3 = {
    "vocab_size": 600,
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 28,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "head_dim": 8,
}


def _qwen3(kind: str) -> Part:
    return Part(kind=kind, config="Qwen3Config", values=_QWEN3_4B, shrunk=_SMALL_QWEN3)


def _unet(values: Values, shrunk: Values | None = None) -> Part:
    small: Values = {
        "block_out_channels": (16, 16, 32, 32),
        "norm_num_groups": 8,
        "attention_head_dim": 8,
        "sample_size": 8,
    }
    return Part(
        kind="UNet2DConditionModel", values=values, shrunk={**small, "cross_attention_dim": 32, **(shrunk or {})}
    )


_UNET_SD15 = _unet({"sample_size": 64, "cross_attention_dim": 768, "attention_head_dim": 8})
_UNET_SD21 = _unet(
    {
        "sample_size": 64,
        "cross_attention_dim": 1024,
        "attention_head_dim": (5, 10, 20, 20),
        "use_linear_projection": True,
    }
)
_UNET_SDXL = _unet(
    {
        "sample_size": 128,
        "block_out_channels": (320, 640, 1280),
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        "transformer_layers_per_block": (1, 2, 10),
        "attention_head_dim": (5, 10, 20),
        "cross_attention_dim": 2048,
        "use_linear_projection": True,
        "addition_embed_type": "text_time",
        "addition_time_embed_dim": 256,
        "projection_class_embeddings_input_dim": 2816,
    },
    # Two encoders of 32, and six numbers for the size beside the pooled text.
    {
        "block_out_channels": (16, 16, 32),
        "cross_attention_dim": 64,
        "addition_time_embed_dim": 8,
        "projection_class_embeddings_input_dim": 6 * 8 + 32,
    },
)


def _vae(kind: str = "AutoencoderKL", **values: Any) -> Part:
    sides = {
        "down_block_types": ("DownEncoderBlock2D",) * 4,
        "up_block_types": ("UpDecoderBlock2D",) * 4,
        "block_out_channels": (128, 256, 512, 512),
        "layers_per_block": 2,
        "sample_size": 1024,
    }
    small = {"block_out_channels": (8, 16, 16, 16), "layers_per_block": 1, "norm_num_groups": 8, "sample_size": 64}
    return Part(kind=kind, values=sides | values, shrunk=small)


_VAE_SD = _vae(latent_channels=4, scaling_factor=0.18215)
_VAE_SDXL = _vae(latent_channels=4, scaling_factor=0.13025)
_SIXTEEN: Values = {"latent_channels": 16, "use_quant_conv": False, "use_post_quant_conv": False}
_VAE_SD3 = _vae(scaling_factor=1.5305, shift_factor=0.0609, **_SIXTEEN)
_VAE_FLUX = _vae(scaling_factor=0.3611, shift_factor=0.1159, **_SIXTEEN)
_VAE_FLUX2 = _vae("AutoencoderKLFlux2", latent_channels=32)

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
        parts={"text_encoder": encoder, "unet": unet, "vae": _VAE_SD},
        tokenizers={"tokenizer": "clip"},
        scheduler="EulerDiscreteScheduler",
        schedule=_TRAILING,
        extra={"safety_checker": None, "feature_extractor": None, "requires_safety_checker": False},
    )


_SDXL = Architecture(
    pipeline="StableDiffusionXLPipeline",
    parts={"text_encoder": CLIP_L, "text_encoder_2": CLIP_G, "unet": _UNET_SDXL, "vae": _VAE_SDXL},
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
        "vae": _VAE_SD3,
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
        "text_encoder": _qwen3("Qwen3ForCausalLM"),
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
        "vae": _VAE_FLUX2,
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
        "text_encoder": _qwen3("Qwen3Model"),
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
        "vae": _VAE_FLUX,
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
    "sd-turbo": _sd(_UNET_SD21, CLIP_H),
    "sd15": _sd(_UNET_SD15, CLIP_L),
    "sdxl-turbo": _SDXL,
    "sdxl-lightning": _SDXL,
    "sd35-turbo": _SD35_LARGE,
    "flux2-klein-4b": _KLEIN_4B,
    "z-image-turbo": _Z_IMAGE,
    "sana-sprint": SANA_SPRINT,
    "prx-512": prx(_VAE_FLUX),
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
