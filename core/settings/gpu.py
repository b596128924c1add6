"""Where the painters are, and which secret goes to which of them. Calls nobody."""

import ipaddress
from dataclasses import dataclass, field
from typing import Annotated, Literal, Self
from urllib.parse import unquote, urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator

from core.settings.base import Settings


def _fits_into_headers(secret: SecretStr) -> SecretStr:
    if not _is_sendable(secret.get_secret_value()):
        raise ValueError("it goes into an HTTP header: letters, digits and signs of ASCII only")
    return secret


def _is_sendable(text: str) -> bool:
    return text.isascii() and text.isprintable() and " " not in text


Secret = Annotated[SecretStr, AfterValidator(_fits_into_headers)]


@dataclass(frozen=True)
class PainterAddress:
    """One painter: its base address without a trailing slash and without secrets, and the headers that it gets."""

    url: str
    headers: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def has_token(self) -> bool:
        """Whether it is told a token of ours."""
        return "Authorization" in self.headers

    @property
    def is_overheard(self) -> bool:
        """Whether others can read on the way what it is told: no TLS, and neither this machine nor a house's net."""
        return urlsplit(self.url).scheme != "https" and not _is_near(self.url, private=True)


class GpuSettings(Settings):
    """Where the painter is; or several, the preferred one first."""

    gpu_port: int = 8002
    # Secret, since an address may hold the token of the painter that is there.
    gpu_url: SecretStr = Field(default=SecretStr(""), examples=["https://you--threadpaint-gpu-web.modal.run"])
    gpu_token: Secret = Field(default=SecretStr(""), examples=["the same long random text as on the service"])
    # Where a proxy of Modal's stands before the service.
    gpu_modal_key: Secret = Field(default=SecretStr(""), examples=["wk-..."])
    gpu_modal_secret: Secret = Field(default=SecretStr(""), examples=["ws-..."])
    # Modal tells after 150 s that a cold start goes on; a large model is there well within the time after that.
    gpu_timeout_seconds: float = Field(default=300.0, gt=0, le=1800, description="longest wait for one painting")

    gpu_unchecked: Literal["refuse", "publish"] = Field(
        default="refuse",
        description="pictures of a model that come without a safety verdict: not published, or published all the same",
    )

    @property
    def painters(self) -> tuple[PainterAddress, ...]:
        """All painters, each once, the preferred one first, each with what it needs to let us in."""
        listed = _words(self.gpu_url.get_secret_value()) or [f"http://127.0.0.1:{self.gpu_port}"]
        found: dict[str, PainterAddress] = {}
        for url, own in map(_part, listed):
            found.setdefault(url, PainterAddress(url, self._headers(url, own)))
        return tuple(found.values())

    @property
    def urls(self) -> tuple[str, ...]:
        """Their base addresses."""
        return tuple(painter.url for painter in self.painters)

    def _headers(self, url: str, own: str) -> dict[str, str]:
        """A painter's own token stands in place of the common one; Modal's keys go nowhere that others can listen."""
        token = own or self.gpu_token.get_secret_value()
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        key, secret = self.gpu_modal_key.get_secret_value(), self.gpu_modal_secret.get_secret_value()
        if key and (url.startswith("https:") or _is_near(url)):
            headers |= {"Modal-Key": key, "Modal-Secret": secret}
        return headers

    @model_validator(mode="after")
    def addresses_can_be_called(self) -> Self:
        """Tells which variable is wrong, but not how: there may be a token in it."""
        for address in _words(self.gpu_url.get_secret_value()):
            if problem := _problem(address):
                raise ValueError(
                    f"GPU_URL is wrong: {problem} (for example: https://you--threadpaint-gpu-web.modal.run)"
                )
        return self

    @model_validator(mode="after")
    def a_proxy_token_has_two_parts(self) -> Self:
        """One without the other opens nothing."""
        if bool(self.gpu_modal_key.get_secret_value()) != bool(self.gpu_modal_secret.get_secret_value()):
            raise ValueError("GPU_MODAL_KEY and GPU_MODAL_SECRET go together: set both, or none")
        return self


def _words(text: str) -> list[str]:
    return text.replace(",", " ").split()


def _problem(address: str) -> str:
    try:
        parts = urlsplit(address)
        named = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return "it is no address"
    if parts.scheme not in ("http", "https") or not named:
        return "each address begins with http:// or https:// and names a host"
    if parts.query or parts.fragment:
        return "an address cannot hold '?' or '#'"
    own = unquote(parts.password or "")
    if "@" in parts.netloc and not (own and _is_sendable(own)):
        return "a painter's own token is written https://:token@host"
    return ""


def _part(address: str) -> tuple[str, str]:
    """The address without what stands before its @, and the token that stood there."""
    parts = urlsplit(address.rstrip("/"))
    place = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=place).geturl(), unquote(parts.password or "")


def _is_near(url: str, *, private: bool = False) -> bool:
    """Whether it is this machine; with `private`, also one whose address or bare name counts in this house only."""
    host = urlsplit(url).hostname or ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost" or (private and ("." not in host or host.endswith((".local", ".internal", ".lan"))))
    return address.is_loopback or (private and address.is_private)
