"""Make small UNets with random weights."""

from __future__ import annotations

from typing import Any


def tiny_unet(*, xl: bool = False) -> Any:
    """A UNet of 0.1 M parameters; `xl` with the second text encoder and the image sizes that SDXL reads."""
    more: dict[str, Any] = {"cross_attention_dim": 32}
    if xl:
        more = {
            "cross_attention_dim": 64,
            "addition_embed_type": "text_time",
            "addition_time_embed_dim": 8,
            "projection_class_embeddings_input_dim": 32 + 6 * 8,
        }
    return _tiny_unet(up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"), **more)


def one_block_unet() -> Any:
    """A UNet for `sd` with attention in one place only, which torch compiles once."""
    return _tiny_unet(mid_block_type=None, up_block_types=("UpBlock2D", "UpBlock2D"), cross_attention_dim=32)


def _tiny_unet(**more: Any) -> Any:
    from diffusers import UNet2DConditionModel

    return UNet2DConditionModel(
        sample_size=8,
        block_out_channels=(16, 32),
        layers_per_block=1,
        in_channels=4,
        out_channels=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        norm_num_groups=8,
        attention_head_dim=8,
        **more,
    )
