"""Make whole diffusers pipelines with random weights, small enough for a test, with the classes and parts of real ones.

The same seed makes the same weights. Functions import torch and diffusers when called.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from tests.support.tiny_text import clip_text_encoder, clip_tokenizer, gemma_tokenizer, gemma_values, qwen, t5
from tests.support.tiny_unets import tiny_unet

Family = Literal["sd", "sdxl", "sd3", "flux2-klein", "z-image", "sana-sprint", "prx"]


def tiny_model(folder: Path, family: Family = "sd", *, seed: int = 0) -> Path:
    """Save a pipeline of this family into `folder` (0.5 to 3 MB) and return it; native size is 64 x 64 pixels."""
    import torch

    torch.manual_seed(seed)
    pipeline = _MAKERS[family]()
    _amplify_attention(pipeline)
    pipeline.save_pretrained(folder)
    if family == "prx":
        _save_whole_t5gemma_config(folder / "text_encoder")
    return folder


def _save_whole_t5gemma_config(folder: Path) -> None:
    """Replace the encoder's configuration by that of encoder and decoder, as in the real repository."""
    from transformers import T5GemmaConfig
    from transformers.models.t5gemma.configuration_t5gemma import T5GemmaModuleConfig

    encoder = T5GemmaModuleConfig.from_pretrained(folder)
    T5GemmaConfig(encoder=encoder, decoder=encoder).save_pretrained(folder)


def _amplify_attention(pipeline: Any) -> None:
    """Enlarge attention weights: random ones are nearly even, so that prompts and references hardly matter."""
    import torch

    network, part, factor = getattr(pipeline, "unet", None), "attn2", 4.0
    if network is None:
        network, part, factor = pipeline.transformer, "", 2.25
    if type(network).__name__ == "SanaTransformer2DModel":
        part, factor = "attn2", 12.0
    with torch.no_grad():
        for name, weights in network.named_parameters():
            if weights.dim() == 2 and part in name:
                weights.mul_(factor)


def _sd() -> Any:
    from diffusers import StableDiffusionPipeline

    return StableDiffusionPipeline(
        tokenizer=clip_tokenizer(),
        text_encoder=clip_text_encoder(),
        unet=tiny_unet(),
        vae=_vae(),
        scheduler=_euler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def _sdxl() -> Any:
    from diffusers import StableDiffusionXLPipeline

    return StableDiffusionXLPipeline(
        tokenizer=clip_tokenizer(),
        tokenizer_2=clip_tokenizer(),
        text_encoder=clip_text_encoder(),
        text_encoder_2=clip_text_encoder(projection=32),
        unet=tiny_unet(xl=True),
        vae=_vae(),
        scheduler=_euler(),
        add_watermarker=False,
    )


def _sd3() -> Any:
    from diffusers import FlowMatchEulerDiscreteScheduler, SD3Transformer2DModel, StableDiffusion3Pipeline

    transformer = SD3Transformer2DModel(
        sample_size=8,
        patch_size=2,
        in_channels=4,
        out_channels=4,
        num_layers=2,
        attention_head_dim=8,
        num_attention_heads=4,
        joint_attention_dim=64,
        caption_projection_dim=32,
        pooled_projection_dim=64,
        pos_embed_max_size=32,
        qk_norm="rms_norm",  # SD 3.5 has it, SD 3 has not
    )
    tokenizer, encoder = t5()
    return StableDiffusion3Pipeline(
        transformer=transformer,
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0),
        vae=_vae(shift_factor=0.0609, scaling_factor=1.5305, use_quant_conv=False, use_post_quant_conv=False),
        text_encoder=clip_text_encoder(projection=32),
        tokenizer=clip_tokenizer(),
        text_encoder_2=clip_text_encoder(projection=32),
        tokenizer_2=clip_tokenizer(),
        text_encoder_3=encoder,
        tokenizer_3=tokenizer,
    )


def _flux2_klein() -> Any:
    from diffusers import AutoencoderKLFlux2, Flux2KleinPipeline, Flux2Transformer2DModel

    tokenizer, encoder = qwen(layers=28)  # the pipeline reads the layers 9, 18 and 27
    transformer = Flux2Transformer2DModel(
        patch_size=1,
        in_channels=16,
        num_layers=1,
        num_single_layers=2,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=3 * 16,
        timestep_guidance_channels=16,
        axes_dims_rope=(4, 4, 4, 4),
        guidance_embeds=False,
    )
    vae = AutoencoderKLFlux2(
        block_out_channels=(8, 16, 16, 16), layers_per_block=1, latent_channels=4, norm_num_groups=8, sample_size=64
    )
    return Flux2KleinPipeline(
        scheduler=_flow(),
        vae=vae,
        text_encoder=encoder,
        tokenizer=tokenizer,
        transformer=transformer,
        is_distilled=True,
    )


def _z_image() -> Any:
    from diffusers import ZImagePipeline, ZImageTransformer2DModel

    tokenizer, encoder = qwen(layers=2)
    transformer: Any = ZImageTransformer2DModel(
        in_channels=4,
        dim=32,
        n_layers=2,
        n_refiner_layers=1,
        n_heads=2,
        n_kv_heads=2,
        cap_feat_dim=16,
        axes_dims=[4, 6, 6],
        axes_lens=[1024, 64, 64],
    )
    # The real ones learn their padding; empty memory could hold anything, NaN too.
    for token in (transformer.x_pad_token, transformer.cap_pad_token):
        token.data.normal_()
    return ZImagePipeline(
        scheduler=_flow(),
        vae=_vae(shift_factor=0.1159, scaling_factor=0.3611, use_quant_conv=False, use_post_quant_conv=False),
        text_encoder=encoder,
        tokenizer=tokenizer,
        transformer=transformer,
    )


def _sana_sprint() -> Any:
    from diffusers import AutoencoderDC, SanaSprintPipeline, SanaTransformer2DModel, SCMScheduler
    from transformers import Gemma2Config, Gemma2Model

    tokenizer = gemma_tokenizer()
    transformer = SanaTransformer2DModel(
        in_channels=4,
        out_channels=4,
        num_attention_heads=4,
        attention_head_dim=8,
        num_layers=2,
        num_cross_attention_heads=2,
        cross_attention_head_dim=16,
        cross_attention_dim=32,
        caption_channels=16,
        sample_size=2,
        guidance_embeds=True,
        qk_norm="rms_norm_across_heads",
    )
    # Six levels make the real factor of 32 between pixels and latents.
    channels = (8, 8, 8, 16, 16, 16)
    blocks = ("ResBlock",) * 3 + ("EfficientViTBlock",) * 3
    vae: Any = AutoencoderDC(
        latent_channels=4,
        attention_head_dim=8,
        encoder_block_types=blocks,
        decoder_block_types=blocks,
        encoder_block_out_channels=channels,
        decoder_block_out_channels=channels,
        encoder_layers_per_block=(1,) * 6,
        decoder_layers_per_block=(1,) * 6,
        scaling_factor=0.41407,
    )
    return SanaSprintPipeline(
        tokenizer=tokenizer,
        text_encoder=Gemma2Model(Gemma2Config(**gemma_values(tokenizer))),
        vae=vae,
        transformer=transformer,
        scheduler=SCMScheduler(),
    )


def _prx() -> Any:
    from diffusers import FlowMatchEulerDiscreteScheduler, PRXPipeline, PRXTransformer2DModel
    from transformers.models.t5gemma.configuration_t5gemma import T5GemmaModuleConfig
    from transformers.models.t5gemma.modeling_t5gemma import T5GemmaEncoder

    tokenizer = gemma_tokenizer()
    transformer: Any = PRXTransformer2DModel(
        in_channels=4, context_in_dim=16, hidden_size=32, num_heads=2, depth=2, axes_dim=[8, 8]
    )
    # The real weights are trained; these start at zero, so that no prompt would matter.
    for name, weights in transformer.named_parameters():
        if not weights.any():
            weights.data.normal_(0, 0.5 if "final_layer" in name else 0.02)
    config: Any = T5GemmaModuleConfig(**gemma_values(tokenizer))
    config.dropout_rate = 0.0  # as the configuration of encoder and decoder sets it
    return PRXPipeline(
        transformer=transformer,
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0),
        text_encoder=T5GemmaEncoder(config),
        tokenizer=tokenizer,
        vae=_vae(shift_factor=0.1159, scaling_factor=0.3611, use_quant_conv=False, use_post_quant_conv=False),
        default_sample_size=64,
    )


def tiny_autoencoder(folder: Path, *, latent_channels: int = 4, seed: int = 0) -> Path:
    """Save an AutoencoderTiny (what `GPU_VAE=tiny` takes) of 16 channels into `folder` and return it."""
    import torch
    from diffusers import AutoencoderTiny

    torch.manual_seed(seed)
    channels = (16, 16, 16, 16)
    autoencoder: Any = AutoencoderTiny(
        encoder_block_out_channels=channels,
        decoder_block_out_channels=channels,
        num_encoder_blocks=(1, 1, 1, 1),
        num_decoder_blocks=(1, 1, 1, 1),
        latent_channels=latent_channels,
    )
    autoencoder.save_pretrained(folder)
    return folder


def _vae(**options: Any) -> Any:
    from diffusers import AutoencoderKL

    # Four levels make the real factor of 8 between pixels and latents.
    return AutoencoderKL(
        block_out_channels=[8, 16, 16, 16],
        down_block_types=["DownEncoderBlock2D"] * 4,
        up_block_types=["UpDecoderBlock2D"] * 4,
        layers_per_block=1,
        latent_channels=4,
        norm_num_groups=8,
        sample_size=64,
        **options,
    )


def _euler() -> Any:
    from diffusers import EulerDiscreteScheduler

    return EulerDiscreteScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        timestep_spacing="trailing",
        steps_offset=1,
    )


def _flow() -> Any:
    from diffusers import FlowMatchEulerDiscreteScheduler

    return FlowMatchEulerDiscreteScheduler(shift=3.0, use_dynamic_shifting=True)


_MAKERS: dict[Family, Callable[[], Any]] = {
    "sd": _sd,
    "sdxl": _sdxl,
    "sd3": _sd3,
    "flux2-klein": _flux2_klein,
    "z-image": _z_image,
    "sana-sprint": _sana_sprint,
    "prx": _prx,
}
FAMILIES = tuple(_MAKERS)
