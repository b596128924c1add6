"""Count the floating-point operations of a picture on the meta device, without memory or arithmetic.

Two per multiply-add, of convolutions, matrix products and attention (torch.utils.flop_counter). Elementwise operations
do not count.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, wraps
from typing import Any

from tests.bench.gpu_parts.architectures import ARCHITECTURES, Architecture, Part
from tests.bench.gpu_parts.assembling import build, build_safety_vision, build_tiny_vae

_MASKS = ("full_attention", "sliding_attention")


@dataclass(frozen=True)
class Work:
    """Floating-point operations of one picture, by part."""

    text: float
    step: float
    decode: float
    encode: float
    safety: float

    def picture(self, *, steps: int, guided: bool = False, from_image: bool = False, checked: bool = False) -> float:
        """Return the sum for one picture. Guidance doubles text and steps."""
        passes = 2 if guided else 1
        total = passes * (self.text + steps * self.step) + self.decode
        return total + (self.encode if from_image else 0) + (self.safety if checked else 0)


@cache
def work_of(preset: str, width: int, height: int, vae: str = "own") -> Work:
    """Return the work of a preset at a size in pixels. `vae` is "own" or "tiny". Raises KeyError if it is unknown."""
    architecture = ARCHITECTURES[preset]
    decode, encode = _vae_work(architecture, width, height, vae)
    return Work(
        text=sum(_text_work(part, architecture) for part in _encoders(architecture)),
        step=_step_work(architecture, width, height),
        decode=decode,
        encode=encode,
        safety=_safety_work(),
    )


def is_guided(guidance: float, negative_prompt_min_guidance: float | None) -> bool:
    """Return whether each step runs twice (classifier-free guidance). None: the model was distilled at one guidance."""
    return negative_prompt_min_guidance is not None and guidance > negative_prompt_min_guidance


def parameters(part: Part) -> int:
    """Return the number of parameters of a network."""
    return _count(_on_meta(part))


def safety_parameters() -> int:
    import torch

    return _count(build_safety_vision(device="meta", dtype=torch.bfloat16))


def tiny_vae_parameters(latent_channels: int) -> int:
    import torch

    return _count(build_tiny_vae(latent_channels, device="meta", dtype=torch.bfloat16))


def _count(network: Any) -> int:
    return sum(weights.numel() for weights in network.parameters())


def _encoders(architecture: Architecture) -> list[Part]:
    return [part for slot, part in architecture.parts.items() if slot.startswith("text_encoder")]


def _on_meta(part: Part) -> Any:
    import torch

    return build(part, device="meta", dtype=torch.bfloat16)


def _counted(network: Any, call: Callable[[], object]) -> float:
    """Count what a call of this network's methods takes. Layers that are alike are run once."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    repeated = _run_like_layers_once(network)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        call()
    return float(counter.get_total_flops() + sum(repeated))


def _run_like_layers_once(network: Any) -> list[int]:
    """Let a layer of a list return the results of an earlier one with equal shapes. Returns what these add up to.

    On the meta device a layer has only shapes, and one run of it takes Python a second or more.
    """
    import torch

    seen: dict[str, tuple[Any, int]] = {}
    repeated: list[int] = []
    lists = [each for each in network.modules() if isinstance(each, torch.nn.ModuleList)]
    for layer in {layer: None for each in lists for layer in each}:
        layer.forward = _once(layer, layer.forward, seen, repeated)
    return repeated


def _once(layer: Any, forward: Callable[..., Any], seen: dict[str, tuple[Any, int]], repeated: list[int]) -> Any:
    import torch
    from torch.utils._pytree import tree_map_only
    from torch.utils.flop_counter import FlopCounterMode

    own = [type(layer).__name__, *(f"{name} {tuple(one.shape)}" for name, one in layer.named_parameters())]

    @wraps(forward)
    def run(*args: Any, **kwargs: Any) -> Any:
        key = repr((own, tree_map_only(torch.Tensor, lambda one: tuple(one.shape), (args, kwargs))))
        if key in seen:
            result, flops = seen[key]
            repeated.append(flops)
            return result
        before = sum(repeated)
        with FlopCounterMode(display=False) as counter:
            result = forward(*args, **kwargs)
        seen[key] = (result, counter.get_total_flops() + sum(repeated) - before)
        return result

    return run


def _zeros(*shape: int, whole: bool = False) -> Any:
    import torch

    return torch.zeros(shape, dtype=torch.long if whole else torch.bfloat16, device="meta")


@cache
def _safety_work() -> float:
    import torch

    vision = build_safety_vision(device="meta", dtype=torch.bfloat16)
    return _counted(vision, lambda: vision(pixel_values=_zeros(1, 3, 224, 224)))


def _text_work(part: Part, architecture: Architecture) -> float:
    by_pipeline = architecture.tokens + architecture.instruction
    length = dict.fromkeys(("Qwen3ForCausalLM", "Qwen3Model", "Gemma2Model", "T5GemmaEncoder"), by_pipeline)
    tokens = (length | {"T5EncoderModel": 256}).get(part.kind, 77)
    network = _on_meta(part)
    if part.kind == "Qwen3ForCausalLM":
        network = network.model  # what it would say next is computed and thrown away; not counted as work
    # T5Gemma would look at the values of a mask.
    mask = {"attention_mask": dict.fromkeys(_MASKS)} if part.kind == "T5GemmaEncoder" else {}
    return _counted(network, lambda: network(input_ids=_zeros(1, tokens, whole=True), **mask))


def _vae_work(architecture: Architecture, width: int, height: int, vae: str) -> tuple[float, float]:
    import torch

    channels = architecture.latent_channels
    if vae == "tiny":
        network = build_tiny_vae(channels, device="meta", dtype=torch.bfloat16)
    else:
        network = _on_meta(architecture.parts["vae"])
    scale = architecture.scale
    latents, pixels = _zeros(1, channels, height // scale, width // scale), _zeros(1, 3, height, width)
    decode = _counted(network.decoder, lambda: network.decode(latents))
    return decode, _counted(network.encoder, lambda: network.encode(pixels))


def _step_work(architecture: Architecture, width: int, height: int) -> float:
    part = architecture.parts.get("unet") or architecture.parts["transformer"]
    network = _on_meta(part)
    inputs = _INPUTS[part.kind](architecture, part.values, width // architecture.scale, height // architecture.scale)
    return _counted(network, lambda: network(**inputs))


def _unet_inputs(architecture: Architecture, values: Mapping[str, Any], width: int, height: int) -> dict[str, Any]:
    inputs = {
        "sample": _zeros(1, architecture.latent_channels, height, width),
        "timestep": _zeros(1),
        "encoder_hidden_states": _zeros(1, architecture.tokens, values["cross_attention_dim"]),
    }
    if "addition_embed_type" in values:
        inputs["added_cond_kwargs"] = {"text_embeds": _zeros(1, 1280), "time_ids": _zeros(1, 6)}
    return inputs


def _sd3_inputs(architecture: Architecture, values: Mapping[str, Any], width: int, height: int) -> dict[str, Any]:
    return {
        "hidden_states": _zeros(1, architecture.latent_channels, height, width),
        "encoder_hidden_states": _zeros(1, architecture.tokens, values["joint_attention_dim"]),
        "pooled_projections": _zeros(1, values["pooled_projection_dim"]),
        "timestep": _zeros(1),
    }


def _klein_inputs(architecture: Architecture, values: Mapping[str, Any], width: int, height: int) -> dict[str, Any]:
    row = (width // 2) * (height // 2)
    return {
        "hidden_states": _zeros(1, row, values["in_channels"]),
        "encoder_hidden_states": _zeros(1, architecture.tokens, values["joint_attention_dim"]),
        "timestep": _zeros(1),
        "img_ids": _zeros(row, 4),
        "txt_ids": _zeros(architecture.tokens, 4),
        "guidance": None,
    }


def _z_image_inputs(architecture: Architecture, values: Mapping[str, Any], width: int, height: int) -> dict[str, Any]:
    return {
        "x": [_zeros(values["in_channels"], 1, height, width)],
        "t": _zeros(1),
        "cap_feats": [_zeros(architecture.tokens, values["cap_feat_dim"])],
    }


def _sana_inputs(architecture: Architecture, values: Mapping[str, Any], width: int, height: int) -> dict[str, Any]:
    return {
        "hidden_states": _zeros(1, architecture.latent_channels, height, width),
        "encoder_hidden_states": _zeros(1, architecture.tokens, 2304),
        "guidance": _zeros(1),
        "timestep": _zeros(1),
    }


def _prx_inputs(architecture: Architecture, values: Mapping[str, Any], width: int, height: int) -> dict[str, Any]:
    return {
        "hidden_states": _zeros(1, architecture.latent_channels, height, width),
        "timestep": _zeros(1),
        "encoder_hidden_states": _zeros(1, architecture.tokens, 2304),
    }


_INPUTS = {
    "SanaTransformer2DModel": _sana_inputs,
    "PRXTransformer2DModel": _prx_inputs,
    "UNet2DConditionModel": _unet_inputs,
    "SD3Transformer2DModel": _sd3_inputs,
    "Flux2Transformer2DModel": _klein_inputs,
    "ZImageTransformer2DModel": _z_image_inputs,
}
