"""Check each GPU backend: reachable, ready, protected, and its price. Nothing is painted, as that costs money."""

import json
import re
import time
from dataclasses import dataclass, replace

import httpx

from bot.doctor.results import CheckResult, fail, ok, warn
from core.gpu_health import redact_url
from core.settings import GpuBackend, GpuSettings

# A service that scales to zero may take a while to start.
TIMEOUT = httpx.Timeout(60, connect=10)
TOTAL_TIMEOUT_SECONDS = 90.0
MAX_RESPONSE_BYTES = 65_536
# Higher prices are implausible; the worker ignores them, too.
MAX_USD_PER_SECOND = 0.1
# Responses to an empty request: the token is wrong, or it is right.
UNAUTHORIZED = (401, 403)
REJECTED = (400, 422, 429, 503)


@dataclass(frozen=True)
class GpuCheck:
    """The results for one backend, and the dollars per second that it reports, if any."""

    results: tuple[CheckResult, ...]
    usd_per_second: float | None = None


@dataclass(frozen=True)
class _GpuResponse:
    status: int
    content: bytes


def check_gpu(settings: GpuSettings) -> list[GpuCheck]:
    """Check each backend, the preferred one first. While one of several works, failures of the others are warnings."""
    has_several = len(settings.backends) > 1
    checks = [
        _check_backend(
            backend,
            f"the GPU service at {redact_url(backend.url)}" if has_several else "the GPU service",
            settings.gpu_unchecked,
        )
        for backend in settings.backends
    ]
    any_works = any(all(result.level != "FAIL" for result in check.results) for check in checks)
    return [_as_warnings(check) for check in checks] if any_works else checks


def _as_warnings(check: GpuCheck) -> GpuCheck:
    results = (warn(result.message, result.hint) if result.level == "FAIL" else result for result in check.results)
    return replace(check, results=tuple(results))


def _check_backend(backend: GpuBackend, name: str, unchecked: str) -> GpuCheck:
    proxy_headers = {key: value for key, value in backend.headers.items() if key != "Authorization"}
    try:
        # Redirects are not followed: the token goes to this address only.
        with httpx.Client(timeout=TIMEOUT, trust_env=False) as http:
            health_response = _request(http, "GET", f"{backend.url}/healthz", proxy_headers)
            # An empty request: 422 means that the token works, 401 that it does not.
            paint_response = _request(http, "POST", f"{backend.url}/v1/paint", backend.headers, b"{}")
    except (httpx.ReadTimeout, TimeoutError):
        return GpuCheck((warn(f"{name} did not respond within a minute", "it may be starting: try again in a minute"),))
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        return GpuCheck((fail(f"{name} does not respond ({_describe(error)})", "start it, and check GPU_URL"),))
    if health_response.status in UNAUTHORIZED:
        hint = "set GPU_MODAL_KEY and GPU_MODAL_SECRET to a proxy token of Modal's"
        return GpuCheck((fail(f"something in front of {name} denies access", hint),))
    return _check_responses(backend, name, unchecked, health_response, paint_response.status)


def _check_responses(
    backend: GpuBackend, name: str, unchecked: str, health_response: _GpuResponse, paint_status: int
) -> GpuCheck:
    health = _parse_health(health_response)
    status, price = _check_status(name, health_response.status, health), _parse_price(health)
    if status.level == "FAIL":
        return GpuCheck((status,))
    if "model" not in health and paint_status not in (*UNAUTHORIZED, *REJECTED) and status.level == "ok":
        return GpuCheck((fail(f"the server that responds as {name} is no GPU service", "check GPU_URL"),))
    results = [
        status,
        _check_token(name, paint_status, has_token=backend.has_token),
        *_check_safety(name, health, unchecked),
    ]
    if backend.has_token and backend.is_exposed:
        results.append(warn(f"{name} gets its token unencrypted: others can read it", "use an https address"))
    if price:
        results.append(ok(f"{name} costs ${price * 3600:.2f} an hour while it runs"))
    return GpuCheck(tuple(results), price)


def _request(http: httpx.Client, method: str, url: str, headers: dict[str, str], body: bytes = b"") -> _GpuResponse:
    """Return status and body; an oversized body is dropped. Raise TimeoutError if the response takes too long."""
    sent = headers | {"Accept-Encoding": "identity"} | ({"Content-Type": "application/json"} if body else {})
    content, until = bytearray(), time.monotonic() + TOTAL_TIMEOUT_SECONDS
    with http.stream(method, url, headers=sent, content=body) as response:
        for chunk in response.iter_raw():
            content += chunk
            if len(content) > MAX_RESPONSE_BYTES:
                return _GpuResponse(response.status_code, b"")
            if time.monotonic() > until:
                raise TimeoutError
    return _GpuResponse(response.status_code, bytes(content))


def _describe(error: Exception) -> str:
    """Return a text like `ConnectError: self-signed certificate`, without the libraries' own numbers."""
    if not isinstance(error, httpx.ConnectError):
        return type(error).__name__
    reason = re.sub(r"\[[^]]*\] ?|certificate verify failed: | ?\(_ssl[^)]*\)", "", str(error))
    return f"{type(error).__name__}: {reason[:120]}" if reason else type(error).__name__


def _parse_health(response: _GpuResponse) -> dict[str, object]:
    try:
        health = json.loads(response.content)
    except (ValueError, RecursionError):
        return {}
    return health if isinstance(health, dict) else {}


def _check_status(name: str, status_code: int, health: dict[str, object]) -> CheckResult:
    status, model = str(health.get("status", "")), str(health.get("model", "?"))
    if not status:
        return fail(f"the server that responds as {name} is no GPU service (status {status_code})", "check GPU_URL")
    if status == "ok" and model == "sketch":
        return warn(f"{name} is the sketch: it draws without a model", "deploy a real one, see docs/going-live.md")
    if status == "ok":
        return ok(f"{name} is ready: {model[:80]}")
    if status == "broken":
        return fail(f"{name} is broken: its model does not load or its GPU fails", "see the log of the service")
    return warn(f"{name} is {status[:40]}", "try again in a minute")


def _check_safety(name: str, health: dict[str, object], unchecked: str) -> list[CheckResult]:
    """Check that pictures pass a safety check, and what happens to them if not. The sketch needs none."""
    safety = health.get("safety")
    if health.get("model") == "sketch" or health.get("status") != "ok":
        return []
    if safety in ("flag", "drop", "refuse"):  # "refuse" is the old name of "drop"
        return [ok(f"{name} checks its pictures")]
    if unchecked == "publish":
        message = f"{name} checks no picture" if safety == "off" else f"{name} does not say whether it checks pictures"
        return [
            warn(f"{message}, and they are published", "set GPU_SAFETY=flag on the service, and no GPU_UNCHECKED here")
        ]
    if safety == "off":
        hint = "set GPU_SAFETY=flag on the service, or GPU_UNCHECKED=publish here"
        return [fail(f"{name} checks no picture, so none of them is published", hint)]
    hint = "each picture needs `safety` with `flagged` and scores, or set GPU_UNCHECKED=publish"
    return [warn(f"{name} does not say whether it checks pictures; unchecked pictures are not published", hint)]


def _parse_price(health: dict[str, object]) -> float | None:
    """Return dollars per second of GPU time, if the backend reports them."""
    cost = health.get("cost")
    price = cost.get("usd_per_second") if isinstance(cost, dict) else None
    return float(price) if isinstance(price, int | float) and 0 < price <= MAX_USD_PER_SECOND else None


def _check_token(name: str, status: int, *, has_token: bool) -> CheckResult:
    if status in UNAUTHORIZED:
        return fail(f"{name} does not accept GPU_TOKEN", "set the same GPU_TOKEN here and on the service")
    if status not in REJECTED:
        hint = "check that GPU_URL is a GPU service of this version"
        return fail(f"{name} responds to an empty request with {status}", hint)
    if has_token:
        return ok(f"{name} accepts GPU_TOKEN")
    return warn(f"{name} accepts every caller that knows its address", "set the same GPU_TOKEN here and on the service")
