"""Build an architecture's pipeline with random weights directly on a device, with tokenizers made from values.

Nothing is downloaded, and no weights pass through the memory of the CPU: eight billion parameters are filled on the
device that uses them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.bench.gpu_parts.architectures import SAFETY_VISION, Architecture, Part

_CHAT = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}<|im_start|>assistant\n"
)


def assemble(architecture: Architecture, *, device: str, dtype: Any, shrunk: bool = False) -> Any:
    """Return the diffusers pipeline, its networks in `dtype` (torch) on `device` ("meta" for counting only).

    `shrunk` makes the same pipeline small enough for a CPU.
    """
    import diffusers

    networks = {
        slot: build(part, device=device, dtype=dtype, shrunk=shrunk) for slot, part in architecture.parts.items()
    }
    scheduler = getattr(diffusers, architecture.scheduler)(**architecture.schedule)
    tokenizers = {slot: _TOKENIZERS[kind]() for slot, kind in architecture.tokenizers.items()}
    pipeline = getattr(diffusers, architecture.pipeline)(
        **networks, **tokenizers, scheduler=scheduler, **architecture.extra
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def build(part: Part, *, device: str, dtype: Any, shrunk: bool = False) -> Any:
    """Return one network in evaluation mode, initialized on the device."""
    import diffusers

    values = {**part.values, **(part.shrunk if shrunk else {})}
    with _made_on(device, dtype):
        if part.config:
            made = _text_class(part.kind)(_text_class(part.config)(**values))
        else:
            made = getattr(diffusers, part.kind)(**values)
    _fill_padding(made)
    return made.eval().requires_grad_(False)


def _text_class(name: str) -> Any:
    """Return a class of transformers. T5Gemma's encoder and its configuration are in its modules only."""
    import transformers
    from transformers.models.t5gemma import configuration_t5gemma, modeling_t5gemma

    places = (transformers, modeling_t5gemma, configuration_t5gemma)
    return next(getattr(place, name) for place in places if hasattr(place, name))


def _fill_padding(network: Any) -> None:
    """Fill Z-Image's learned padding, which is uninitialized without weights and may be NaN."""
    for name, weights in network.named_parameters():
        if name.endswith("pad_token") and not weights.is_meta:
            weights.data.normal_()


def build_tiny_vae(latent_channels: int, *, device: str, dtype: Any) -> Any:
    """Return a network of TAESD's shape, which `GPU_VAE=tiny` decodes with."""
    return build(Part("AutoencoderTiny", {"latent_channels": latent_channels}), device=device, dtype=dtype)


def build_safety_vision(*, device: str, dtype: Any) -> Any:
    """Return the safety check's image tower with its projection: pixels (N, 3, 224, 224) to (N, 768)."""
    return build(
        Part("CLIPVisionModelWithProjection", SAFETY_VISION, config="CLIPVisionConfig"), device=device, dtype=dtype
    )


def save_safety(folder: Path) -> None:
    """Save a safety check: the real image tower, and random concepts that flag nothing."""
    import torch
    from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker
    from transformers import CLIPConfig

    words = {"hidden_size": 32, "intermediate_size": 32, "num_attention_heads": 4, "num_hidden_layers": 1}
    config = CLIPConfig(
        text_config=words, vision_config=dict(SAFETY_VISION), projection_dim=SAFETY_VISION["projection_dim"]
    )
    with _made_on("cpu", torch.float16):
        checker = StableDiffusionSafetyChecker(config)
    checker.save_pretrained(folder)


@contextmanager
def _made_on(device: str, dtype: Any) -> Iterator[None]:
    import torch

    before = torch.get_default_dtype()
    torch.manual_seed(0)
    torch.set_default_dtype(dtype)
    try:
        with torch.device(device):
            yield
    finally:
        torch.set_default_dtype(before)


def _clip_tokenizer() -> Any:
    from transformers import CLIPTokenizer

    letters = _letters()
    words = ["<|startoftext|>", "<|endoftext|>", *letters, *(letter + "</w>" for letter in letters)]
    return CLIPTokenizer(vocab=_numbered(words), merges=[], model_max_length=77)


def _t5_tokenizer() -> Any:
    from transformers import T5Tokenizer

    words = ["<pad>", "</s>", "<unk>", "▁", *(chr(code) for code in range(33, 127))]
    return T5Tokenizer(vocab=[(word, -float(i)) for i, word in enumerate(words)])


def _qwen_tokenizer() -> Any:
    from transformers import Qwen2Tokenizer

    vocab = _numbered(["<|endoftext|>", "<|im_start|>", "<|im_end|>", *_letters()])
    made = Qwen2Tokenizer(vocab=vocab, merges=[], additional_special_tokens=["<|im_start|>", "<|im_end|>"])
    made.chat_template = _CHAT
    return made


def _gemma_tokenizer() -> Any:
    from transformers import GemmaTokenizer

    words = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>", "▁", *(chr(code) for code in range(33, 127))]
    return GemmaTokenizer(vocab=_numbered(words), merges=[], model_max_length=256, add_bos_token=True)


_TOKENIZERS = {"clip": _clip_tokenizer, "t5": _t5_tokenizer, "qwen": _qwen_tokenizer, "gemma": _gemma_tokenizer}


def _letters() -> list[str]:
    from tokenizers.pre_tokenizers import ByteLevel

    return sorted(ByteLevel.alphabet())


def _numbered(words: list[str]) -> dict[str, int]:
    return {word: number for number, word in enumerate(words)}
