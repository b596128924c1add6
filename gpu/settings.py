"""Settings of the GPU service from the environment (GPU_...), read once at the edge. Knows no engine."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class GpuSettings(BaseSettings):
    """Raises pydantic's ValidationError for a wrong value; `python -m gpu` tells it with the variable's name."""

    model_config = SettingsConfigDict(env_prefix="GPU_", frozen=True, env_ignore_empty=True)

    engine: Literal["sketch", "diffusers"] = "sketch"
    model: str = Field(default="stabilityai/sd-turbo", description="a folder or a model id, for diffusers")
    device: Literal["cuda", "mps", "cpu"] | None = Field(default=None, description="none: the best there is")
    token: SecretStr | None = Field(default=None, description="callers must show it; none: anybody may paint")
    host: str = "127.0.0.1"
    port: int = Field(default=8002, ge=0, le=65535)
    # 64 orders of the sketch wait some 5 s; with more, a caller does better to come back later.
    queue_limit: int = Field(default=64, ge=1, le=10_000)
    # A few ms are a small part of any painting, and gather what arrives in one burst.
    batch_wait_ms: float = Field(default=4.0, ge=0, le=1000)
    batch_limit: int = Field(default=8, ge=1, le=64, description="pictures in one call of a diffusers model")
    max_side: int = Field(default=1024, ge=64, le=4096, description="longest side a diffusers model may paint")
    encoding: Literal["jpeg", "png", "webp"] = "jpeg"
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @field_validator("token")
    @classmethod
    def _no_blank_token(cls, token: SecretStr | None) -> SecretStr | None:
        if token is not None and not token.get_secret_value().strip():
            raise ValueError("must not be blank")
        return token
