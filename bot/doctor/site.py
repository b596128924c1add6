"""Check the gallery from outside: its address, its secret, its OAuth client. Reads only."""

import json
from collections.abc import Iterator
from urllib.parse import quote, urlsplit

import httpx
from pydantic import Field, SecretStr

from bot.doctor.results import CheckResult, fail, ok, warn
from core.settings import Settings

MIN_SECRET_LENGTH = 32
LOCAL_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})
MAX_RESPONSE_BYTES = 262_144
TIMEOUT = httpx.Timeout(15)


class SiteSettings(Settings):
    """The gallery's raw settings, so that a wrong one becomes a failed check. `gallery/settings.py` validates them."""

    gallery_url: str = ""
    gallery_secret_key: SecretStr = Field(default=SecretStr(""), examples=["what `openssl rand -hex 32` prints"])
    x_client_id: str = ""
    x_client_secret: SecretStr = SecretStr("")


def check_site(site: SiteSettings, x_api_url: str, instance: str) -> Iterator[CheckResult]:
    """Check address and sign-in. `instance`: the key in this database; empty if it cannot be read."""
    yield from _check_address(site.gallery_url, instance)
    yield from _check_sign_in(site, x_api_url)


def _check_address(url: str, instance: str) -> Iterator[CheckResult]:
    if not url:
        yield warn("GALLERY_URL is empty: shared pages have no previews", "set GALLERY_URL=https://paint.example")
        return
    try:
        parts = urlsplit(url)
        has_host = bool(parts.hostname) and parts.port != 0
    except ValueError:
        parts, has_host = urlsplit(""), False
    if parts.scheme not in ("http", "https") or not has_host:
        yield fail("GALLERY_URL is not a valid address", "start it with https://, like https://paint.example")
        return
    if parts.scheme == "http" and parts.hostname not in LOCAL_HOSTS:
        yield warn("GALLERY_URL is not https: sign-in cookies are sent unencrypted", "put a TLS proxy in front of it")
    yield from _check_health(url.rstrip("/"), instance)


def _check_health(url: str, instance: str) -> Iterator[CheckResult]:
    try:
        health = _fetch_health(url)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        reason = type(error).__name__
        yield warn(
            f"the gallery does not respond at GALLERY_URL ({reason})", "start it: threadpaint web; then its proxy"
        )
        return
    if "problems" not in health:
        yield fail("the server at GALLERY_URL is no gallery of this version", "check GALLERY_URL and the proxy")
    elif instance and health.get("instance") not in (instance, ""):
        yield fail(
            "the gallery at GALLERY_URL is another instance", "give it the DATABASE_URL of this one, or correct the URL"
        )
    else:
        yield ok(f"the gallery responds at {urlsplit(url).hostname}, and is this instance")
        problems = health["problems"] if isinstance(health["problems"], list) else []
        for problem in problems:
            if str(problem).startswith("storage"):
                hint = "give it the STORAGE_URL of the workers: the same folder, mounted there too"
                yield fail(f"the gallery reports: {str(problem)[:200]}", hint)


def _fetch_health(url: str) -> dict[str, object]:
    """Return the JSON of `/healthz`, or an empty dict if it is not JSON. Raise httpx's errors."""
    with httpx.stream("GET", f"{url}/healthz", timeout=TIMEOUT, trust_env=False) as response:
        content = b""
        for chunk in response.iter_bytes():
            content += chunk
            if len(content) > MAX_RESPONSE_BYTES:
                return {}
    try:
        health = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return health if isinstance(health, dict) else {}


def _check_sign_in(site: SiteSettings, x_api_url: str) -> Iterator[CheckResult]:
    secrets = [part.strip() for part in site.gallery_secret_key.get_secret_value().split(",") if part.strip()]
    if any(len(part) < MIN_SECRET_LENGTH for part in secrets):
        yield fail(
            f"GALLERY_SECRET_KEY is shorter than {MIN_SECRET_LENGTH} characters",
            "set it to what `openssl rand -hex 32` prints",
        )
    if not site.x_client_id.strip():
        yield warn("X_CLIENT_ID is empty: users cannot sign in", "set it to the app's OAuth 2.0 client id")
        return
    if not secrets:
        yield fail(
            "GALLERY_SECRET_KEY is missing: with X_CLIENT_ID people sign in",
            "set it to what `openssl rand -hex 32` prints",
        )
    yield _check_oauth_client(site, x_api_url)


def _check_oauth_client(site: SiteSettings, x_api_url: str) -> CheckResult:
    """Exchange an invalid code: X responds differently to known and unknown clients."""
    client_id, secret = (
        quote(part, safe="") for part in (site.x_client_id.strip(), site.x_client_secret.get_secret_value())
    )
    form = {"grant_type": "authorization_code", "code": "doctor", "redirect_uri": "https://doctor.invalid/back"}
    form |= {"code_verifier": "d" * 43} | ({} if secret else {"client_id": client_id})
    try:
        address = f"{x_api_url.rstrip('/')}/2/oauth2/token"
        response = httpx.post(
            address, data=form, auth=(client_id, secret) if secret else None, timeout=TIMEOUT, trust_env=False
        )
        body = response.json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError):
        return warn("X does not say whether it knows the OAuth client", "try again in some minutes")
    return _interpret_response(response.status_code, body if isinstance(body, dict) else {})


def _interpret_response(status: int, body: dict[str, object]) -> CheckResult:
    error = f"{body.get('error', '')} {body.get('error_description', '')}".lower()
    if status == 401 or "client" in error:
        hint = "copy both from the console, User authentication settings; a public client has no secret"
        return fail("X does not know X_CLIENT_ID or its secret", hint)
    if status == 400 and ("code" in error or "redirect" in error or "grant" in error):
        return ok("X knows the OAuth client")
    return warn(f"X does not say whether it knows the OAuth client ({status})", "try again in some minutes")
