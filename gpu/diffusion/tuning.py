"""Make a loaded pipeline fast on its device: precision, memory layout, fused layers, compilation.

It runs in the engine thread, because CUDA graphs recorded in one thread and replayed in another assert
(pytorch/pytorch#123177).
"""

from __future__ import annotations

import functools
import logging
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from gpu.diffusion.pipeline_types import Pipeline
from gpu.engine import EngineBroken

if TYPE_CHECKING:
    import torch

log = logging.getLogger("gpu")

Precision = Literal["bf16", "fp16", "fp32"]
Compile = Literal["off", "regional", "whole"]


@dataclass(frozen=True)
class Tuning:
    """The operator's choices. Each default is best for most models. `dtype` None is the device's best."""

    dtype: Precision | None = None
    channels_last: bool = True
    fuse_qkv: bool = True
    compile: Compile = "off"
    warm_up: bool = True


def best_device() -> str:
    """Return cuda, mps or cpu: the fastest of this machine."""
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def resolve_device(device: str | None) -> str:
    """Return the device, or the best one for None. Raises EngineBroken if this machine does not have it."""
    import torch

    exists = device != "cuda" or torch.cuda.is_available()
    if not exists or (device == "mps" and not torch.backends.mps.is_available()):
        raise EngineBroken(f"GPU_DEVICE: torch finds no {device} here; remove the setting to use the best device")
    return device or best_device()


def torch_dtype(precision: Precision | None, device: str, *, fits_fp16: bool = True) -> torch.dtype:
    """Return the torch dtype of the weights.

    bf16 has the range of fp32 and the speed of fp16, so nothing overflows. GPUs before 2020 (T4) emulate it slowly, and
    Apple before M2 is slow at it. These use fp16, except for models that overflow in it: slow is better than black.
    CPUs use fp32, because half precision is slower there, or missing.
    """
    import torch

    if precision is None:
        has_bf16 = device == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
        precision = "fp32" if device == "cpu" else "bf16" if has_bf16 or not fits_fp16 else "fp16"
    return {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}[precision]


def tune(text: Pipeline, tuning: Tuning, *, device: str, native_side: int) -> None:
    """Apply everything but compilation. The pipeline is on its device, and shares its networks with img2img."""
    import torch

    for network in filter(None, (_denoiser(text), getattr(text, "vae", None))):
        network.requires_grad_(False)
        if tuning.channels_last and device == "cuda" and all(weights.dim() < 5 for weights in network.parameters()):
            # Tensor cores need this layout, else each convolution converts its input. It changes nothing in networks
            # without convolutions, and does not fit video networks.
            network.to(memory_format=torch.channels_last)
    if tuning.fuse_qkv:
        fuse_attention(text)
    if device == "cuda":
        # Matters in fp32 only: 10 bits of mantissa are enough for images, and tensor cores use no more.
        torch.set_float32_matmul_precision("high")
    _save_decoder_memory(text, native_side)


def fuse_attention(pipeline: Pipeline) -> None:
    """Use one matrix product instead of three in each attention layer, if supported: a few percent at batch 1.

    The three are deleted afterwards, which saves half a GB in SDXL.
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
            _delete_fused_parts(layer)


def _fusing_loses_norms(network: torch.nn.Module) -> bool:
    """Return whether fusing would give noise.

    SD 3.5 normalizes queries and keys, which diffusers 0.42's FusedJointAttnProcessor2_0 leaves out. SD 3 has no norms.
    """
    norms = (getattr(layer, "norm_q", None) for layer in network.modules())
    return type(network).__name__ == "SD3Transformer2DModel" and any(norm is not None for norm in norms)


def _delete_fused_parts(layer: torch.nn.Module) -> None:
    for fused, parts in (
        ("to_qkv", ("to_q", "to_k", "to_v")),
        ("to_kv", ("to_k", "to_v")),
        ("to_added_qkv", ("add_q_proj", "add_k_proj", "add_v_proj")),
    ):
        if getattr(layer, fused, None) is not None and getattr(layer, "fused_projections", False):
            getattr(layer, fused).requires_grad_(False)
            for part in parts:
                if hasattr(layer, part):
                    delattr(layer, part)


def _save_decoder_memory(pipeline: Pipeline, native_side: int) -> None:
    import torch

    vae = getattr(pipeline, "vae", None)
    if vae is None:
        return
    if native_side >= 1024 and hasattr(vae, "enable_slicing"):
        # Decode a batch one by one: at 1024 one image fills the GPU, and eight would need 20 GB.
        vae.enable_slicing()
    if vae.config.get("force_upcast") and vae.dtype != torch.float16:
        # SDXL's autoencoder overflows in fp16 only. Its img2img would convert it to fp32 and back in every call.
        vae.register_to_config(force_upcast=False)


def compile_networks(pipeline: Pipeline, mode: Compile, *, device: str) -> None:
    """Mark the networks for torch.compile. They compile at their first use, which is the warm-up.

    `regional` compiles the repeated blocks of the denoiser, for any image size, in a tenth of the time. `whole`
    compiles denoiser, decoder and encoder for the warmed-up sizes, with CUDA graphs: at batch 1 the GPU waits for
    Python to launch hundreds of kernels. (max-autotune gains little more, and compiles for many minutes at each start.)
    """
    if mode == "off":
        return
    denoiser, vae = _denoiser(pipeline), getattr(pipeline, "vae", None)
    _set_compiler_flags()
    if mode == "regional":
        try:
            denoiser.compile_repeated_blocks(dynamic=True)
        except (ValueError, AttributeError):
            raise EngineBroken("GPU_COMPILE: this model has no repeated blocks; use whole or off") from None
        return
    torch_mode = "reduce-overhead" if device == "cuda" else "default"
    for network in (denoiser, getattr(vae, "decoder", None), getattr(vae, "encoder", None)):
        if network is not None:
            _compile_whole(network, torch_mode)


def _compile_whole(network: torch.nn.Module, mode: str) -> None:
    """Compile a network, and copy its output in contiguous layout.

    A CUDA graph overwrites its previous output, which a sliced decoder or a scheduler with history still uses. And the
    denoiser's output becomes its input a step later: in another layout it would compile twice.
    """
    import torch
    from torch.utils._pytree import tree_map_only

    compiled = torch.compile(network.forward, mode=mode, dynamic=False)

    def copy(tensor: torch.Tensor) -> torch.Tensor:
        return tensor.clone(memory_format=torch.contiguous_format)

    @functools.wraps(network.forward)
    def forward(*args: object, **kwargs: object) -> object:
        return tree_map_only(torch.Tensor, copy, compiled(*args, **kwargs))

    network.forward = forward


def forbid_recompilation() -> AbstractContextManager[object]:
    """Run sizes that were not warmed up uncompiled inside the block, instead of blocking all callers."""
    import torch

    stance: AbstractContextManager[object] = torch.compiler.set_stance("eager_on_recompile")
    return stance


def _set_compiler_flags() -> None:
    """Set the flags of PyTorch's "Diffusion, Fast" (diffusers' docs, optimization/fp16), and those for image sizes."""
    import torch._dynamo.config as dynamo
    import torch._inductor.config as inductor
    import torch.fx.experimental._config as shapes

    # Else code compiled for a square has one number for both sides, and does not work for other ratios.
    shapes.use_duck_shape = False
    # After eight graphs of one function torch silently stops compiling.
    dynamo.recompile_limit = 64
    inductor.conv_1x1_as_mm = True
    inductor.coordinate_descent_tuning = True
    inductor.epilogue_fusion = False
    inductor.coordinate_descent_check_all_directions = True


def _denoiser(pipeline: Pipeline) -> Any:
    """Return the network that denoises. Its methods depend on the family."""
    return getattr(pipeline, "unet", None) or getattr(pipeline, "transformer", None)
