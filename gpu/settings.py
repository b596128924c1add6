"""Settings of the GPU service from the environment (GPU_...), read once at the edge.

Knows the presets' names and which settings contradict each other; loads no engine.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, cast

from pydantic import Field, Json, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from gpu.diffusion.presets import PRESETS, find_preset


class GpuSettings(BaseSettings):
    """Raises pydantic's ValidationError for a wrong value; `python -m gpu` tells it with the variable's name."""

    model_config = SettingsConfigDict(env_prefix="GPU_", frozen=True, env_ignore_empty=True)

    engine: Literal["sketch", "diffusers"] = Field("sketch", examples=["sketch"])
    # For diffusers: a preset of `gpu/diffusion/presets.py`, a folder, or a model id from the cache or the hub.
    model: str = Field("sdxl-lightning", min_length=1, max_length=400, examples=["sd-turbo"])
    # Commits of repositories, by name: weights are what was looked at, whatever is put there later.
    revisions: Json[dict[str, Annotated[str, Field(pattern=r"^[\w./-]{1,100}$")]]] = Field(
        cast("dict[str, str]", "{}"),  # pydantic-settings reads a default like a value
        examples=['{"stabilityai/sd-turbo": "<commit>"}'],
    )
    # None: the best there is.
    device: Literal["cuda", "mps", "cpu"] | None = Field(None, examples=["cuda"])
    # Callers must show it; without one anybody who reaches the port may paint.
    token: SecretStr | None = Field(None, examples=["a-long-random-word"])
    # Serve without a token on an address that others reach.
    allow_anybody: bool = Field(False, examples=["true"])
    host: str = Field("127.0.0.1", min_length=1, examples=["0.0.0.0"])  # noqa: S104 -- an example, not a default
    port: int = Field(8002, ge=0, le=65535, examples=[8002])
    # 64 orders of the sketch wait some 5 s; with more, a caller does better to come back later.
    queue_limit: int = Field(64, ge=1, le=10_000, examples=[64])
    # A few ms are a small part of any painting, and gather what arrives in one burst.
    batch_wait_ms: float = Field(4.0, ge=0, le=1000, examples=[4])
    # Pictures of the model's own size in one call; None: what its preset says.
    batch_limit: int | None = Field(None, ge=1, le=64, examples=[8])
    # The longest side a diffusers model may paint; None: what its preset says.
    max_side: int | None = Field(None, ge=64, le=4096, examples=[1024])
    encoding: Literal["jpeg", "png", "webp"] = Field("jpeg", examples=["jpeg"])
    # Pillow encodes and decodes outside the GIL.
    encode_threads: int = Field(4, ge=1, le=64, examples=[4])

    # `flag` tells the caller, `refuse` keeps the picture back as well, `off` needs no weights and checks nothing.
    safety: Literal["flag", "refuse", "off"] = Field("flag", examples=["flag"])
    safety_model: str = Field(
        "CompVis/stable-diffusion-safety-checker", min_length=1, examples=["./models/safety-checker"]
    )

    # What the weights are computed in; None: bf16 on a card that has it, fp16 on others and on Apple, fp32 on a CPU.
    dtype: Literal["bf16", "fp16", "fp32"] | None = Field(None, examples=["bf16"])
    # Two that cost nothing but are not for every model: reasons in `gpu/diffusion/tuning.py`.
    channels_last: bool = Field(True, examples=["true"])
    fuse_qkv: bool = Field(True, examples=["true"])
    # A start of minutes for pictures in less time: `regional` suits transformers, `whole` is for one size mostly.
    compile: Literal["off", "regional", "whole"] = Field("off", examples=["regional"])
    # `tiny` takes a small autoencoder in place of the model's own: a softer picture in a fraction of the time.
    vae: Literal["own", "tiny"] = Field("own", examples=["tiny"])
    # Paint one picture of each kind before the first caller is let in; compiled, at every size of batch.
    warm_up: bool = Field(True, examples=["true"])

    # A rented machine: its name, what a second of it costs, and how long it is paid for after its last order.
    card: str = Field("", max_length=40, examples=["L4"])
    usd_per_second: float = Field(0.0, ge=0, le=1, examples=[0.000222])
    keeps_seconds: float = Field(0.0, ge=0, le=3600, examples=[120])

    log_level: Literal["debug", "info", "warning", "error"] = Field("info", examples=["info"])

    @field_validator("token")
    @classmethod
    def _no_blank_token(cls, token: SecretStr | None) -> SecretStr | None:
        """Without the line end that a file of secrets brings along: no header could carry it."""
        if token is None:
            return None
        if not (word := token.get_secret_value().strip()):
            raise ValueError("must not be blank (example: GPU_TOKEN=a-long-random-word)")
        return SecretStr(word)

    @field_validator("host")
    @classmethod
    def _as_a_socket_takes_it(cls, host: str) -> str:
        """`[::1]` is how addresses with a port write it, `::1` what is listened on."""
        host = host.strip()
        return host[1:-1] if host.startswith("[") and host.endswith("]") else host

    @field_validator("model")
    @classmethod
    def _a_model_there_may_be(cls, model: str, info: ValidationInfo) -> str:
        """A misspelt preset is found out now and not by the hub; an id of it always has a slash."""
        model = model.strip()
        if find_preset(model) or info.data.get("engine") == "sketch":
            return model
        if "://" in model:
            raise ValueError("is an address; a model id is its owner/name")
        if "/" in model:
            return model
        if model and Path(model).is_dir():
            return model
        known = ", ".join(preset.name for preset in PRESETS)
        raise ValueError(f"is no preset ({known}), no folder here and no model id (owner/name)")

    @field_validator("dtype")
    @classmethod
    def _a_precision_the_cpu_has(cls, dtype: str | None, info: ValidationInfo) -> str | None:
        if dtype == "fp16" and info.data.get("device") == "cpu":
            raise ValueError("a CPU computes in fp32, or in bf16")
        return dtype

    @field_validator("compile")
    @classmethod
    def _compiling_where_it_works(cls, how: str, info: ValidationInfo) -> str:
        if how != "off" and info.data.get("device") == "mps":
            raise ValueError("torch.compile is not ready for Apple's cards: leave it off")
        return how

    @field_validator("vae")
    @classmethod
    def _a_tiny_autoencoder_there_is(cls, vae: str, info: ValidationInfo) -> str:
        preset = find_preset(info.data.get("model", ""))
        if vae == "tiny" and preset and not preset.tiny_vae:
            raise ValueError(f"there is no tiny autoencoder for {preset.name}: take own")
        return vae

    @field_validator("warm_up")
    @classmethod
    def _compiled_before_the_first_caller(cls, warm_up: bool, info: ValidationInfo) -> bool:
        if not warm_up and info.data.get("compile", "off") != "off":
            raise ValueError("GPU_COMPILE compiles while warming up: leave this on")
        return warm_up
