"""Define the UNets and decoders of the presets as plain values. `architectures.py` describes them."""

from __future__ import annotations

from typing import Any

from tests.bench.gpu_parts.architecture import Part, Values


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


UNET_SD15 = _unet({"sample_size": 64, "cross_attention_dim": 768, "attention_head_dim": 8})
UNET_SD21 = _unet(
    {
        "sample_size": 64,
        "cross_attention_dim": 1024,
        "attention_head_dim": (5, 10, 20, 20),
        "use_linear_projection": True,
    }
)
UNET_SDXL = _unet(
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


VAE_SD = _vae(latent_channels=4, scaling_factor=0.18215)
VAE_SDXL = _vae(latent_channels=4, scaling_factor=0.13025)
_SIXTEEN: Values = {"latent_channels": 16, "use_quant_conv": False, "use_post_quant_conv": False}
VAE_SD3 = _vae(scaling_factor=1.5305, shift_factor=0.0609, **_SIXTEEN)
VAE_FLUX = _vae(scaling_factor=0.3611, shift_factor=0.1159, **_SIXTEEN)
VAE_FLUX2 = _vae("AutoencoderKLFlux2", latent_channels=32)
