"""Make a whole CLIP model with random weights, and a safety check with the same image encoder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker
from transformers import CLIPConfig, CLIPModel

from tests.support.tiny_text import clip_tokenizer

SIDE, WIDTH = 30, 16


def tiny_clip(folder: Path, *, width: int = WIDTH, seed: int = 0) -> Path:
    """Save CLIP and its tokenizer into `folder`, as in the real repository, and return it."""
    torch.manual_seed(seed)
    tower = {"hidden_size": 32, "intermediate_size": 37, "num_attention_heads": 4, "num_hidden_layers": 2}
    words = {"vocab_size": 514, "bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 1, "max_position_embeddings": 77}
    config = CLIPConfig(
        text_config=tower | words | {"projection_dim": width},
        vision_config=tower | {"image_size": SIDE, "patch_size": 10, "projection_dim": width},
        projection_dim=width,
    )
    CLIPModel(config).save_pretrained(folder)
    clip_tokenizer().save_pretrained(folder)
    return folder


def safety_of_clip(clip: Path, folder: Path) -> Path:
    """Save a safety check that flags nothing, with the image encoder of the CLIP model in `clip`."""
    model: Any = CLIPModel.from_pretrained(clip)
    checker = StableDiffusionSafetyChecker(CLIPConfig.from_pretrained(clip))
    checker.vision_model.load_state_dict(model.vision_model.state_dict())
    checker.visual_projection.load_state_dict(model.visual_projection.state_dict())
    checker.save_pretrained(folder)
    return folder
