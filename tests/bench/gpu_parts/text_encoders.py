"""Define the text encoders of the presets as plain values. `architectures.py` describes them."""

from __future__ import annotations

from tests.bench.gpu_parts.architecture import Part


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


def qwen3(kind: str) -> Part:
    return Part(kind=kind, config="Qwen3Config", values=_QWEN3_4B, shrunk=_SMALL_QWEN3)
