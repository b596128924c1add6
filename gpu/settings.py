"""Settings of the GPU service, from the environment (GPU_...)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, cast

from pydantic import AliasChoices, Field, Json, SecretStr, ValidationInfo, field_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

from gpu.diffusion.presets import PRESETS, find_preset

OLD_NAMES_UNTIL = "0.2"
OLD_NAMES = {"GPU_CARD": "GPU_TYPE", "GPU_KEEPS_SECONDS": "GPU_SCALEDOWN_SECONDS"}


def renamed(new: str, old: str) -> AliasChoices:
    """Return the variable names of a renamed setting, the new one first."""
    return AliasChoices(new, old)


def old_names_warning(old_names: Mapping[str, str]) -> str | None:
    """Return one warning for all renamed variables of this process, None if there are none."""
    used = [f"{name} is now {old_names[name.upper()]}" for name in sorted(os.environ) if name.upper() in old_names]
    return f"Setting {', '.join(used)}; old names stop working in {OLD_NAMES_UNTIL}" if used else None


def describe_error(error: ErrorDetails, prefix: str, settings_class: type[BaseSettings]) -> str:
    """Return a validation error in one line, like "GPU_PORT: Input should be ... (example: GPU_PORT=8002)"."""
    location = str(error["loc"][0])
    field = location.lower().removeprefix(prefix.lower())
    name = f"{prefix}{field.upper()}"
    if error["type"] == "value_error":  # these messages already say what to use instead
        return f"{name}: {error['msg'].removeprefix('Value error, ')}"
    [example] = settings_class.model_fields[field].examples or ["..."]
    return f"{name}: {error['msg']} (example: {name}={example})"


class ServiceSettings(BaseSettings):
    """Raises pydantic's ValidationError for a wrong value."""

    model_config = SettingsConfigDict(env_prefix="GPU_", frozen=True, env_ignore_empty=True, populate_by_name=True)

    engine: Literal["sketch", "diffusers"] = Field("sketch", examples=["sketch"])
    # For diffusers: a preset of `gpu/diffusion/presets.py`, a folder, or a model id of the cache or the hub.
    model: str = Field("sdxl-lightning", min_length=1, max_length=400, examples=["sd-turbo"])
    # Commits by repository, so that the weights stay the reviewed ones.
    revisions: Json[dict[str, Annotated[str, Field(pattern=r"^[\w./-]{1,100}$")]]] = Field(
        cast("dict[str, str]", "{}"),  # pydantic-settings parses a default like a value
        examples=['{"stabilityai/sd-turbo": "<commit>"}'],
    )
    # None: the best of this machine.
    device: Literal["cuda", "mps", "cpu"] | None = Field(None, examples=["cuda"])
    # Callers must send it. Without one, every caller that reaches the port is authorized.
    token: SecretStr | None = Field(None, examples=["a-long-random-word"])
    # Serve without a token on an address that other machines reach.
    allow_anybody: bool = Field(False, examples=["true"])
    host: str = Field("127.0.0.1", min_length=1, examples=["0.0.0.0"])  # noqa: S104 -- an example, not a default
    port: int = Field(8002, ge=0, le=65535, examples=[8002])
    # 64 requests to the sketch engine wait about 5 s. With more, a caller better comes back later.
    queue_limit: int = Field(64, ge=1, le=10_000, examples=[64])
    # A few ms are a small part of any generation, and enough to gather a burst of requests.
    batch_wait_ms: float = Field(4.0, ge=0, le=1000, examples=[4])
    # Images of the model's own size in one call. None: the preset's.
    batch_limit: int | None = Field(None, ge=1, le=64, examples=[8])
    # The longest side in pixels of a diffusers model. None: the preset's.
    max_side: int | None = Field(None, ge=64, le=4096, examples=[1024])
    encoding: Literal["jpeg", "png", "webp"] = Field("jpeg", examples=["jpeg"])
    # One for each core: Pillow encodes outside the GIL (`gpu/api/encoding.py`), so a request waits for another's
    # encoding only if every core is busy.
    encode_threads: int = Field(default_factory=lambda: min(64, max(4, os.cpu_count() or 4)), ge=1, le=64, examples=[4])

    # `flag` marks flagged pictures, `drop` also leaves them out, `off` checks nothing and needs no weights.
    safety: Literal["flag", "drop", "off"] = Field("flag", examples=["flag"])
    safety_model: str = Field(
        "CompVis/stable-diffusion-safety-checker", min_length=1, examples=["./models/safety-checker"]
    )

    # The CLIP model of the safety check's image encoder: its text encoder serves /v1/embed.
    text_model: str = Field("openai/clip-vit-large-patch14", min_length=1, examples=["./models/clip"])

    # Precision. None: bf16 on a GPU that has it, fp16 on others and on Apple, fp32 on a CPU.
    dtype: Literal["bf16", "fp16", "fp32"] | None = Field(None, examples=["bf16"])
    # `gpu/diffusion/tuning.py` explains these two. Some models do not work with them.
    channels_last: bool = Field(True, examples=["true"])
    fuse_qkv: bool = Field(True, examples=["true"])
    # Minutes at start for faster images. `regional` suits transformers, `whole` suits one image size.
    compile: Literal["off", "regional", "whole"] = Field("off", examples=["regional"])
    # `tiny` replaces the model's autoencoder by a small one: softer pictures in a fraction of the time.
    vae: Literal["own", "tiny"] = Field("own", examples=["tiny"])
    # Generate one image of each kind before the first caller; if compiled, at each batch size.
    warm_up: bool = Field(True, examples=["true"])

    # A rented machine: its GPU type, its price, and how long it is paid for after its last request.
    type: str = Field("", max_length=40, examples=["L4"], validation_alias=renamed("GPU_TYPE", "GPU_CARD"))
    usd_per_second: float = Field(0.0, ge=0, le=1, examples=[0.000222])
    scaledown_seconds: float = Field(
        0.0,
        ge=0,
        le=3600,
        examples=[120],
        validation_alias=renamed("GPU_SCALEDOWN_SECONDS", "GPU_KEEPS_SECONDS"),
    )

    log_level: Literal["debug", "info", "warning", "error"] = Field("info", examples=["info"])

    @field_validator("token")
    @classmethod
    def _strip_token(cls, token: SecretStr | None) -> SecretStr | None:
        """Remove the line end of a secret read from a file: no header could carry it."""
        if token is None:
            return None
        if not (stripped := token.get_secret_value().strip()):
            raise ValueError("must not be blank (example: GPU_TOKEN=a-long-random-word)")
        return SecretStr(stripped)

    @field_validator("host")
    @classmethod
    def _strip_brackets(cls, host: str) -> str:
        """Turn `[::1]`, as written in URLs, into `::1`, as sockets take it."""
        host = host.strip()
        return host[1:-1] if host.startswith("[") and host.endswith("]") else host

    @field_validator("safety", mode="before")
    @classmethod
    def _accept_refuse(cls, safety: object) -> object:
        """Accept `refuse`, the old name of `drop`, until 0.2."""
        return "drop" if safety == "refuse" else safety

    @field_validator("model")
    @classmethod
    def _check_model(cls, model: str, info: ValidationInfo) -> str:
        """Reject a misspelled preset now. A model id of the hub always has a slash."""
        model = model.strip()
        if find_preset(model) or info.data.get("engine") == "sketch":
            return model
        if "://" in model:
            raise ValueError("is a URL; use the model id (owner/name)")
        if "/" in model:
            return model
        if model and Path(model).is_dir():
            return model
        known = ", ".join(preset.name for preset in PRESETS)
        raise ValueError(f"is not a preset ({known}), not a folder here and not a model id (owner/name)")

    @field_validator("dtype")
    @classmethod
    def _check_dtype(cls, dtype: str | None, info: ValidationInfo) -> str | None:
        if dtype == "fp16" and info.data.get("device") == "cpu":
            raise ValueError("a CPU supports fp32 and bf16")
        return dtype

    @field_validator("compile")
    @classmethod
    def _check_compile(cls, mode: str, info: ValidationInfo) -> str:
        if mode != "off" and info.data.get("device") == "mps":
            raise ValueError("torch.compile does not support Apple's GPUs yet; use off")
        return mode

    @field_validator("vae")
    @classmethod
    def _check_vae(cls, vae: str, info: ValidationInfo) -> str:
        preset = find_preset(info.data.get("model", ""))
        if vae == "tiny" and preset and not preset.tiny_vae:
            raise ValueError(f"there is no tiny autoencoder for {preset.name}; use own")
        return vae

    @field_validator("warm_up")
    @classmethod
    def _check_warm_up(cls, warm_up: bool, info: ValidationInfo) -> bool:
        if not warm_up and info.data.get("compile", "off") != "off":
            raise ValueError("GPU_COMPILE compiles during the warm-up, so it must stay on")
        return warm_up
