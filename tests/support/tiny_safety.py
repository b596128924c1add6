"""Make a safety checker with random weights, small enough for tests, in a folder like the real one's.

The real checker would never flag with random weights, because its concepts are all ones with thresholds of 1. Here the
concepts point in random directions.
"""

from pathlib import Path

import torch
from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker
from transformers import CLIPConfig, CLIPImageProcessor

SIDE = 30
WIDTH = 16


def tiny_safety(folder: Path, *, seed: int = 0, threshold: float = 0.3, special: float = 0.3) -> Path:
    """Save a checker to `folder`, with the feature extractor's file beside it as in the real repository.

    Concepts flag above the cosine `threshold` (-1 flags everything, 1 nothing). `special` is that of special care.
    """
    torch.manual_seed(seed)
    tower = {"hidden_size": 32, "intermediate_size": 37, "num_attention_heads": 4, "num_hidden_layers": 2}
    config = CLIPConfig(
        text_config=tower | {"vocab_size": 99},
        vision_config=tower | {"image_size": SIDE, "patch_size": 10},
        projection_dim=WIDTH,
    )
    checker = StableDiffusionSafetyChecker(config)
    for vectors, thresholds, value in (
        (checker.concept_embeds, checker.concept_embeds_weights, threshold),
        (checker.special_care_embeds, checker.special_care_embeds_weights, special),
    ):
        torch.nn.init.normal_(vectors)
        torch.nn.init.constant_(thresholds, value)
    checker.save_pretrained(folder)
    CLIPImageProcessor(
        size={"shortest_edge": SIDE}, crop_size={"height": SIDE, "width": SIDE}, do_convert_rgb=True
    ).save_pretrained(folder)
    return folder
