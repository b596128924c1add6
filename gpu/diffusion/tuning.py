"""What makes a loaded pipeline fast on its device: precision, memory layout, fused layers, compiled ones.

Knows torch and diffusers' networks; knows no preset's licence and no queue. Runs in the engine's own thread: CUDA
graphs recorded in one thread and replayed in another assert (pytorch/pytorch#123177).
"""

from __future__ import annotations

import functools
import logging
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Literal

from gpu.engine import EngineBroken

log = logging.getLogger("gpu")

Precision = Literal["bf16", "fp16", "fp32"]
Compile = Literal["off", "regional", "whole"]


@dataclass(frozen=True)
class Tuning:
    """The choices of the host; each default is what is best for most, its reason where it is applied.

    `dtype` None is the best the device has.
    """

    dtype: Precision | None = None
    channels_last: bool = True
    fuse_qkv: bool = True
    compile: Compile = "off"
    warm_up: bool = True


def best_device() -> str:
    """cuda, mps or cpu: the fastest that this machine has."""
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def checked_device(device: str | None) -> str:
    """The device asked for, or the best; raises EngineBroken where this machine has not got it."""
    import torch

    there = device != "cuda" or torch.cuda.is_available()
    if not there or (device == "mps" and not torch.backends.mps.is_available()):
        raise EngineBroken(f"GPU_DEVICE: torch finds no {device} here; without this setting it takes the best there is")
    return device or best_device()


def torch_dtype(wanted: Precision | None, device: str, *, fits_fp16: bool = True) -> Any:
    """The torch dtype of the weights.

    bf16 has the range of fp32 and the speed of fp16: nothing overflows. Cards before 2020 (T4) only imitate it,
    slowly, so they get fp16, as Apple does (which is slow at bf16 before its M2), but for models that do not fit into
    fp16: slowly is better than black. CPUs compute in fp32: half precision is slower there, or missing.
    """
    import torch

    if wanted is None:
        fast = device == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
        wanted = "fp32" if device == "cpu" else "bf16" if fast or not fits_fp16 else "fp16"
    return {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}[wanted]


def tune(text: Any, tuning: Tuning, *, device: str, native_side: int) -> None:
    """Everything but compiling, on a pipeline that is on its device; its image sister shares the networks."""
    import torch

    for network in filter(None, (_denoiser(text), getattr(text, "vae", None))):
        network.requires_grad_(False)
        if tuning.channels_last and device == "cuda" and all(weights.dim() < 5 for weights in network.parameters()):
            # Tensor cores want channels side by side; else each convolution turns its input round. Networks without
            # convolutions have nothing to turn, video networks would want another layout.
            network.to(memory_format=torch.channels_last)
    if tuning.fuse_qkv:
        fuse(text)
    if device == "cuda":
        # Counts in fp32 only: 10 bits of mantissa are plenty for pictures, and tensor cores take no more.
        torch.set_float32_matmul_precision("high")
    _spare_the_decoder(text, native_side)


def fuse(pipeline: Any) -> None:
    """One matrix product in place of three in each attention layer, where the family can: a few percent at batch 1.

    The three are dropped afterwards: kept, they would take SDXL's card another half GB for nothing.
    """
    for network in (_denoiser(pipeline), getattr(pipeline, "vae", None)):
        if network is None or not hasattr(network, "fuse_qkv_projections") or _fusing_loses_norms(network):
            continue
        try:
            network.fuse_qkv_projections()
        except (ValueError, AttributeError) as error:
            log.info("not fused network=%s reason=%s", type(network).__name__, type(error).__name__)
            continue
        for layer in network.modules():
            _drop_parts(layer)


def _fusing_loses_norms(network: Any) -> bool:
    """SD 3.5 normalises queries and keys, and what diffusers 0.42 fuses for it (FusedJointAttnProcessor2_0) does not:
    its pictures would be noise. SD 3 has no such norms."""
    norms = (getattr(layer, "norm_q", None) for layer in network.modules())
    return type(network).__name__ == "SD3Transformer2DModel" and any(norm is not None for norm in norms)


def _drop_parts(layer: Any) -> None:
    for whole, parts in (
        ("to_qkv", ("to_q", "to_k", "to_v")),
        ("to_kv", ("to_k", "to_v")),
        ("to_added_qkv", ("add_q_proj", "add_k_proj", "add_v_proj")),
    ):
        if getattr(layer, whole, None) is not None and getattr(layer, "fused_projections", False):
            getattr(layer, whole).requires_grad_(False)
            for part in parts:
                if hasattr(layer, part):
                    delattr(layer, part)


def _spare_the_decoder(pipeline: Any, native_side: int) -> None:
    import torch

    vae = getattr(pipeline, "vae", None)
    if vae is None:
        return
    if native_side >= 1024 and hasattr(vae, "enable_slicing"):
        # A batch is decoded one by one: at 1024 a decoder fills a card with one picture, and eight want 20 GB.
        vae.enable_slicing()
    if vae.config.get("force_upcast") and vae.dtype != torch.float16:
        # SDXL's autoencoder overflows in fp16 only. Its image pipeline would turn it to fp32 and back at every call.
        vae.register_to_config(force_upcast=False)


def compile_networks(pipeline: Any, how: Compile, *, device: str) -> None:
    """Mark the networks for torch.compile; they are compiled when first used, that is, while warming up.

    `regional`: the repeated blocks of the denoiser, for any size: a tenth of the compile time. `whole`: denoiser,
    decoder and encoder for the sizes that are warmed up; with CUDA graphs, since at batch 1 a card waits for Python
    to launch hundreds of kernels. (max-autotune gains little over it and compiles for many minutes at each start.)
    """
    if how == "off":
        return
    denoiser, vae = _denoiser(pipeline), getattr(pipeline, "vae", None)
    _set_compiler_flags()
    if how == "regional":
        try:
            denoiser.compile_repeated_blocks(dynamic=True)
        except (ValueError, AttributeError):
            raise EngineBroken("GPU_COMPILE: this model has no repeated blocks; take whole or off") from None
        return
    mode = "reduce-overhead" if device == "cuda" else "default"
    for network in (denoiser, getattr(vae, "decoder", None), getattr(vae, "encoder", None)):
        if network is not None:
            _compile_whole(network, mode)


def _compile_whole(network: Any, mode: str) -> None:
    """Compile a network; what it gives is copied, in plain layout.

    A CUDA graph writes each result over the one before, while a batch that is decoded one by one, or a scheduler with
    a memory, still holds that. And what the denoiser gives becomes, a step later, what it is given: in another layout
    it would be compiled twice.
    """
    import torch
    from torch.utils._pytree import tree_map_only

    compiled: Any = torch.compile(network.forward, mode=mode, dynamic=False)

    def own(made: Any) -> Any:
        return made.clone(memory_format=torch.contiguous_format)

    @functools.wraps(network.forward)
    def forward(*given: Any, **more: Any) -> Any:
        return tree_map_only(torch.Tensor, own, compiled(*given, **more))

    network.forward = forward


def no_more_compiling() -> AbstractContextManager[Any]:
    """Around a painting: a size that was not warmed up is painted uncompiled, rather than everybody waits for it."""
    import torch

    stance: AbstractContextManager[Any] = torch.compiler.set_stance("eager_on_recompile")
    return stance


def _set_compiler_flags() -> None:
    """What PyTorch's "Diffusion, Fast" found for UNets (diffusers' docs, optimization/fp16), and what sizes need."""
    import torch._dynamo.config as dynamo
    import torch._inductor.config as inductor
    import torch.fx.experimental._config as shapes

    # Else what was compiled for a square, one number for both sides, is no use for any other picture.
    shapes.use_duck_shape = False
    # Past eight graphs of one function torch would quietly go on uncompiled.
    dynamo.recompile_limit = 64
    inductor.conv_1x1_as_mm = True
    inductor.coordinate_descent_tuning = True
    inductor.epilogue_fusion = False
    inductor.coordinate_descent_check_all_directions = True


def _denoiser(pipeline: Any) -> Any:
    return getattr(pipeline, "unet", None) or getattr(pipeline, "transformer", None)
