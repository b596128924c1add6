"""The architectures that read prompts with Gemma: SANA-Sprint and PRX."""

from __future__ import annotations

from tests.bench.gpu_parts.architecture import Architecture, Part


def _gemma(kind: str, config: str, **more: float) -> Part:
    """Return Gemma 2 with 2.6 billion parameters, or the encoder of T5Gemma, which has the same layers."""
    values = {
        "vocab_size": 256000,
        "hidden_size": 2304,
        "intermediate_size": 9216,
        "num_hidden_layers": 26,
        "num_attention_heads": 8,
        "num_key_value_heads": 4,
        "head_dim": 256,
        "query_pre_attn_scalar": 256,
        **more,
    }
    small = {
        "vocab_size": 600,
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_hidden_layers": 3,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "head_dim": 8,
        "query_pre_attn_scalar": 8,
    }
    return Part(kind=kind, config=config, values=values, shrunk=small)


_SMALL_DC_AE = {
    "attention_head_dim": 8,
    "encoder_block_out_channels": (8, 8, 8, 16, 16, 32),
    "decoder_block_out_channels": (8, 8, 8, 16, 16, 32),
    "encoder_layers_per_block": (1,) * 6,
    "decoder_layers_per_block": (1,) * 6,
}
SANA_SPRINT = Architecture(
    pipeline="SanaSprintPipeline",
    parts={
        "text_encoder": _gemma("Gemma2Model", "Gemma2Config"),
        "transformer": Part(
            kind="SanaTransformer2DModel",
            values={"guidance_embeds": True, "guidance_embeds_scale": 0.1, "qk_norm": "rms_norm_across_heads"},
            shrunk={
                "num_attention_heads": 4,
                "attention_head_dim": 8,
                "num_cross_attention_heads": 2,
                "cross_attention_head_dim": 16,
                "cross_attention_dim": 32,
                "caption_channels": 16,
                "sample_size": 2,
            },
        ),
        "vae": Part(
            kind="AutoencoderDC",
            values={
                "encoder_block_types": ("ResBlock",) * 3 + ("EfficientViTBlock",) * 3,
                "decoder_block_types": ("ResBlock",) * 3 + ("EfficientViTBlock",) * 3,
                "downsample_block_type": "Conv",
                "upsample_block_type": "interpolate",
                "scaling_factor": 0.41407,
            },
            shrunk=_SMALL_DC_AE,
        ),
    },
    tokenizers={"tokenizer": "gemma"},
    scheduler="SCMScheduler",
    schedule={},
    tokens=300,
    scale=32,
    # The instruction of the pipeline: 190 words.
    instruction=250,
    latent_channels=32,
)


def prx(vae: Part) -> Architecture:
    """Return PRX with the autoencoder of FLUX.1."""
    return Architecture(
        pipeline="PRXPipeline",
        parts={
            "text_encoder": _gemma("T5GemmaEncoder", "T5GemmaModuleConfig", dropout_rate=0.0),
            "transformer": Part(
                kind="PRXTransformer2DModel",
                values={"axes_dim": [32, 32]},
                shrunk={"context_in_dim": 16, "hidden_size": 32, "num_heads": 2, "axes_dim": [8, 8]},
            ),
            "vae": vae,
        },
        tokenizers={"tokenizer": "gemma"},
        scheduler="FlowMatchEulerDiscreteScheduler",
        schedule={"num_train_timesteps": 1000, "shift": 3.0},
        tokens=256,
        latent_channels=16,
    )
