"""Settings of the GPU service from the environment (GPU_...), read once at the edge. Knows no engine."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class GpuSettings(BaseSettings):
    """Raises pydantic's ValidationError for a wrong value; `python -m gpu` tells it with the variable's name."""

    model_config = SettingsConfigDict(env_prefix="GPU_", frozen=True, env_ignore_empty=True)

    engine: Literal["sketch", "diffusers"] = Field("sketch", examples=["sketch"])
    # For diffusers: a folder, or a model id that is loaded from the cache or the hub.
    model: str = Field("stabilityai/sd-turbo", examples=["./models/sd-turbo"])
    # None: the best there is.
    device: Literal["cuda", "mps", "cpu"] | None = Field(None, examples=["cuda"])
    # Callers must show it; without one anybody who reaches the port may paint.
    token: SecretStr | None = Field(None, examples=["a-long-random-word"])
    host: str = Field("127.0.0.1", examples=["0.0.0.0"])  # noqa: S104 -- an example, not a default
    port: int = Field(8002, ge=0, le=65535, examples=[8002])
    # 64 orders of the sketch wait some 5 s; with more, a caller does better to come back later.
    queue_limit: int = Field(64, ge=1, le=10_000, examples=[64])
    # A few ms are a small part of any painting, and gather what arrives in one burst.
    batch_wait_ms: float = Field(4.0, ge=0, le=1000, examples=[4])
    # Pictures in one call of a diffusers model: 8 of 512x512 fit into 8 GB with a small model.
    batch_limit: int = Field(8, ge=1, le=64, examples=[8])
    # The longest side a diffusers model may paint.
    max_side: int = Field(1024, ge=64, le=4096, examples=[1024])
    encoding: Literal["jpeg", "png", "webp"] = Field("jpeg", examples=["jpeg"])
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", examples=["info"])

    @field_validator("token")
    @classmethod
    def _no_blank_token(cls, token: SecretStr | None) -> SecretStr | None:
        if token is not None and not token.get_secret_value().strip():
            raise ValueError("must not be blank")
        return token
