"""Checks the gallery from outside: its address, its secret, its client for signing in. Changes nothing there."""

import json
from collections.abc import Iterator
from urllib.parse import quote, urlsplit

import httpx
from pydantic import Field, SecretStr

from bot.doctor.findings import Finding, fail, ok, warn
from core.settings import Settings

SHORTEST_SECRET = 32
LOCAL = frozenset({"127.0.0.1", "localhost", "::1"})
MAX_ANSWER_BYTES = 262_144
TIMEOUT = httpx.Timeout(15)


class SiteSettings(Settings):
    """The gallery's settings as they are written; here a wrong one is a finding. `gallery/settings.py` reads them."""

    gallery_url: str = ""
    gallery_secret: SecretStr = Field(default=SecretStr(""), examples=["what `openssl rand -hex 32` prints"])
    x_client_id: str = ""
    x_client_secret: SecretStr = SecretStr("")


def examine(site: SiteSettings, x_api_url: str, instance: str) -> Iterator[Finding]:
    """`instance`: the key of the instance whose database we see; empty if it cannot be read."""
    yield from _address(site.gallery_url, instance)
    yield from _signing_in(site, x_api_url)


def _address(url: str, instance: str) -> Iterator[Finding]:
    if not url:
        yield warn(
            "GALLERY_URL is empty: previews of shared pages have no address", "set GALLERY_URL=https://paint.example"
        )
        return
    try:
        parts = urlsplit(url)
        named = bool(parts.hostname) and parts.port != 0
    except ValueError:
        parts, named = urlsplit(""), False
    if parts.scheme not in ("http", "https") or not named:
        yield fail("GALLERY_URL is no address of a site", "begin it with https://, like https://paint.example")
        return
    if parts.scheme == "http" and parts.hostname not in LOCAL:
        yield warn("GALLERY_URL has no https: sign-in cookies travel in the clear", "put a proxy with TLS before it")
    yield from _answer(url.rstrip("/"), instance)


def _answer(url: str, instance: str) -> Iterator[Finding]:
    try:
        health = _health(url)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        reason = type(error).__name__
        yield warn(
            f"the gallery does not answer at GALLERY_URL ({reason})", "start it: python -m gallery; then its proxy"
        )
        return
    if "problems" not in health:
        yield fail("what answers at GALLERY_URL is no gallery of this version", "check GALLERY_URL and the proxy")
    elif instance and health.get("instance") not in (instance, ""):
        yield fail(
            "the gallery at GALLERY_URL is another instance", "give it the DATABASE_URL of this one, or mend the URL"
        )
    else:
        yield ok(f"the gallery answers at {urlsplit(url).hostname}, and is this instance")
        problems = health["problems"] if isinstance(health["problems"], list) else []
        for problem in problems:
            if str(problem).startswith("storage"):
                to_do = "give it the STORAGE_URL of the workers: the same folder, mounted there too"
                yield fail(f"the gallery says: {str(problem)[:200]}", to_do)


def _health(url: str) -> dict[str, object]:
    """What `/healthz` says, or nothing if it is not JSON. Raises httpx's errors."""
    with httpx.stream("GET", f"{url}/healthz", timeout=TIMEOUT, trust_env=False) as response:
        content = b""
        for chunk in response.iter_bytes():
            content += chunk
            if len(content) > MAX_ANSWER_BYTES:
                return {}
    try:
        told = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def _signing_in(site: SiteSettings, x_api_url: str) -> Iterator[Finding]:
    secrets = [part.strip() for part in site.gallery_secret.get_secret_value().split(",") if part.strip()]
    if any(len(part) < SHORTEST_SECRET for part in secrets):
        yield fail(
            f"GALLERY_SECRET is shorter than {SHORTEST_SECRET} characters", "take what `openssl rand -hex 32` prints"
        )
    if not site.x_client_id.strip():
        yield warn("X_CLIENT_ID is empty: nobody can sign in to the gallery", "set it to the app's OAuth 2.0 client id")
        return
    if not secrets:
        yield fail(
            "GALLERY_SECRET is missing: with X_CLIENT_ID people sign in", "take what `openssl rand -hex 32` prints"
        )
    yield _client(site, x_api_url)


def _client(site: SiteSettings, x_api_url: str) -> Finding:
    """Ask X for a token for a code that is none: it tells a client that it does not know from one that it does."""
    name, secret = (
        quote(part, safe="") for part in (site.x_client_id.strip(), site.x_client_secret.get_secret_value())
    )
    form = {"grant_type": "authorization_code", "code": "doctor", "redirect_uri": "https://doctor.invalid/back"}
    form |= {"code_verifier": "d" * 43} | ({} if secret else {"client_id": name})
    try:
        address = f"{x_api_url.rstrip('/')}/2/oauth2/token"
        answer = httpx.post(
            address, data=form, auth=(name, secret) if secret else None, timeout=TIMEOUT, trust_env=False
        )
        told = answer.json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError):
        return warn("X does not say whether it knows the client for signing in", "look again in some minutes")
    return _verdict(answer.status_code, told if isinstance(told, dict) else {})


def _verdict(status: int, told: dict[str, object]) -> Finding:
    words = f"{told.get('error', '')} {told.get('error_description', '')}".lower()
    if status == 401 or "client" in words:
        to_do = "copy both from the console, User authentication settings; a public client has no secret"
        return fail("X does not know X_CLIENT_ID or its secret", to_do)
    if status == 400 and ("code" in words or "redirect" in words or "grant" in words):
        return ok("X knows the client for signing in")
    return warn(f"X does not say whether it knows the client for signing in ({status})", "look again in some minutes")
