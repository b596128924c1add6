"""Define the settings of the GPU service: addresses of its backends, and the secret of each."""

import ipaddress
from dataclasses import dataclass, field
from typing import Annotated, Literal, Self
from urllib.parse import unquote, urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator

from core.settings.base import Settings


def _ensure_fits_in_header(secret: SecretStr) -> SecretStr:
    if not _is_sendable(secret.get_secret_value()):
        raise ValueError("it goes into an HTTP header: letters, digits and signs of ASCII only")
    return secret


def _is_sendable(text: str) -> bool:
    return text.isascii() and text.isprintable() and " " not in text


Secret = Annotated[SecretStr, AfterValidator(_ensure_fits_in_header)]


@dataclass(frozen=True)
class GpuBackend:
    """One backend: its base URL without a trailing slash or secrets, and the headers to send."""

    url: str
    headers: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def has_token(self) -> bool:
        """Return whether the backend gets a token of ours."""
        return "Authorization" in self.headers

    @property
    def is_exposed(self) -> bool:
        """Return whether others can read requests: there is no TLS, and the backend is not in a private network."""
        return urlsplit(self.url).scheme != "https" and not _is_local(self.url, or_private=True)


class GpuSettings(Settings):
    """Addresses of the GPU service: one or several, the preferred one first."""

    gpu_port: int = 8002
    # Secret, since a URL may contain the token of its backend.
    gpu_url: SecretStr = Field(default=SecretStr(""), examples=["https://you--threadpaint-gpu-web.modal.run"])
    gpu_token: Secret = Field(default=SecretStr(""), examples=["the same long random text as on the service"])
    # For a service behind a Modal proxy.
    gpu_modal_key: Secret = Field(default=SecretStr(""), examples=["wk-..."])
    gpu_modal_secret: Secret = Field(default=SecretStr(""), examples=["ws-..."])
    # Modal reports after 150 s that a cold start goes on. A large model is ready well within the remaining time.
    gpu_timeout_seconds: float = Field(
        default=300.0, gt=0, le=1800, description="timeout of one generation, over all backends"
    )

    gpu_unchecked: Literal["refuse", "publish"] = Field(
        default="refuse",
        description="what to do with pictures that a model returns without a safety verdict",
    )

    @property
    def backends(self) -> tuple[GpuBackend, ...]:
        """Return the distinct backends, the preferred one first."""
        addresses = _split_list(self.gpu_url.get_secret_value()) or [f"http://127.0.0.1:{self.gpu_port}"]
        backends: dict[str, GpuBackend] = {}
        for url, own_token in map(_split_token, addresses):
            backends.setdefault(url, GpuBackend(url, self._headers(url, own_token)))
        return tuple(backends.values())

    @property
    def urls(self) -> tuple[str, ...]:
        """Return the base URLs of the backends."""
        return tuple(backend.url for backend in self.backends)

    def _headers(self, url: str, own_token: str) -> dict[str, str]:
        """Prefer a backend's own token to the common one. Send Modal's keys only over https or to this machine."""
        token = own_token or self.gpu_token.get_secret_value()
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        key, secret = self.gpu_modal_key.get_secret_value(), self.gpu_modal_secret.get_secret_value()
        if key and (url.startswith("https:") or _is_local(url)):
            headers |= {"Modal-Key": key, "Modal-Secret": secret}
        return headers

    @model_validator(mode="after")
    def addresses_can_be_called(self) -> Self:
        """Name the wrong variable without its value, which may contain a token."""
        for address in _split_list(self.gpu_url.get_secret_value()):
            if problem := _address_problem(address):
                raise ValueError(
                    f"GPU_URL is wrong: {problem} (for example: https://you--threadpaint-gpu-web.modal.run)"
                )
        return self

    @model_validator(mode="after")
    def proxy_token_has_two_parts(self) -> Self:
        """Raise if only one part is set: the proxy needs both."""
        if bool(self.gpu_modal_key.get_secret_value()) != bool(self.gpu_modal_secret.get_secret_value()):
            raise ValueError("GPU_MODAL_KEY and GPU_MODAL_SECRET go together: set both, or none")
        return self


def _split_list(text: str) -> list[str]:
    return text.replace(",", " ").split()


def _address_problem(address: str) -> str:
    """Return what is wrong with the address of a backend; empty if nothing is."""
    try:
        parts = urlsplit(address)
        has_host = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return "it is no address"
    if parts.scheme not in ("http", "https") or not has_host:
        return "each address begins with http:// or https:// and names a host"
    if parts.query or parts.fragment:
        return "an address cannot hold '?' or '#'"
    own_token = unquote(parts.password or "")
    if "@" in parts.netloc and not (own_token and _is_sendable(own_token)):
        return "a backend's own token is written https://:token@host"
    return ""


def _split_token(address: str) -> tuple[str, str]:
    """Return the address without a token, and the token before its @; empty if there is none."""
    parts = urlsplit(address.rstrip("/"))
    host_and_port = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=host_and_port).geturl(), unquote(parts.password or "")


def _is_local(url: str, *, or_private: bool = False) -> bool:
    """Return whether the host is this machine; with `or_private`, also whether it is in a private network."""
    host = urlsplit(url).hostname or ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        has_private_name = "." not in host or host.endswith((".local", ".internal", ".lan"))
        return host == "localhost" or (or_private and has_private_name)
    return address.is_loopback or (or_private and address.is_private)
