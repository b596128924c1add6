"""Checks the painters: there, ready, ours, and what they cost. Nothing is painted for it: that would cost money."""

import json
import re
import time
from dataclasses import dataclass, replace

import httpx

from bot.doctor.findings import Finding, fail, ok, warn
from core.painters import shown
from core.settings import GpuSettings, PainterAddress

# A service that scales to zero may take a while to wake.
PATIENCE = httpx.Timeout(60, connect=10)
LONGEST_SECONDS = 90.0
LONGEST_ANSWER = 65_536
# More is no price of a machine; the worker does not believe it either.
MOST_USD_PER_SECOND = 0.1
# What a GPU service answers to an empty order: who may not send any, and who may.
NOT_LET_IN = (401, 403)
NOT_TAKEN = (400, 422, 429, 503)


@dataclass(frozen=True)
class Looked:
    """One painter: what was found, and the dollars per second that it tells (None: none)."""

    findings: tuple[Finding, ...]
    usd_per_second: float | None = None


@dataclass(frozen=True)
class _Answer:
    status: int
    content: bytes


def examine(settings: GpuSettings) -> list[Looked]:
    """Each painter by itself, the preferred one first. What one of several lacks is no FAIL while another paints."""
    several = len(settings.painters) > 1
    looked = [
        _look(painter, f"the painter at {shown(painter.url)}" if several else "the painter", settings.gpu_unchecked)
        for painter in settings.painters
    ]
    paints = any(all(found.level != "FAIL" for found in one.findings) for one in looked)
    return [_milder(one) for one in looked] if paints else looked


def _milder(looked: Looked) -> Looked:
    findings = (warn(found.what, found.to_do) if found.level == "FAIL" else found for found in looked.findings)
    return replace(looked, findings=tuple(findings))


def _look(painter: PainterAddress, name: str, unchecked: str) -> Looked:
    proxy = {key: value for key, value in painter.headers.items() if key != "Authorization"}
    try:
        # No redirect is followed: our secrets go to this address only.
        with httpx.Client(timeout=PATIENCE, trust_env=False) as http:
            health = _ask(http, "GET", f"{painter.url}/healthz", proxy)
            # An order for nothing: who may paint is told that it is empty, who may not is told that.
            order = _ask(http, "POST", f"{painter.url}/v1/paint", painter.headers, b"{}")
    except (httpx.ReadTimeout, TimeoutError):
        found = warn(f"{name} did not answer within a minute", "it may be waking up: look again in a minute")
        return Looked((found,))
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        return Looked((fail(f"{name} does not answer ({_why(error)})", "start it, and check GPU_URL"),))
    if health.status in (401, 403):
        to_do = "set GPU_MODAL_KEY and GPU_MODAL_SECRET to a proxy token of Modal's"
        return Looked((fail(f"something before {name} does not let us in", to_do),))
    told = _told(health)
    found, price = _health(name, health.status, told), _price(told)
    if found.level == "FAIL":
        return Looked((found,))
    if "model" not in told and order.status not in (*NOT_LET_IN, *NOT_TAKEN) and found.level == "ok":
        return Looked((fail(f"what answers as {name} is no GPU service", "check GPU_URL"),))
    findings = [found, _token(name, order.status, is_given=painter.has_token), *_safety(name, told, unchecked)]
    if painter.has_token and painter.is_overheard:
        findings.append(warn(f"{name} is told its token in the clear: others can read it", "give it an https address"))
    if price:
        findings.append(ok(f"{name} costs ${price * 3600:.2f} an hour while it runs"))
    return Looked(tuple(findings), price)


def _ask(http: httpx.Client, method: str, url: str, headers: dict[str, str], body: bytes = b"") -> _Answer:
    """The answer's status, and no more of its body than a painter would send. Raises TimeoutError for what does not
    come to an end."""
    sent = headers | {"Accept-Encoding": "identity"} | ({"Content-Type": "application/json"} if body else {})
    content, until = bytearray(), time.monotonic() + LONGEST_SECONDS
    with http.stream(method, url, headers=sent, content=body) as response:
        for chunk in response.iter_raw():
            content += chunk
            if len(content) > LONGEST_ANSWER:
                return _Answer(response.status_code, b"")
            if time.monotonic() > until:
                raise TimeoutError
    return _Answer(response.status_code, bytes(content))


def _why(error: Exception) -> str:
    """`ConnectError: self-signed certificate`: what the libraries say of a connection, without their own numbers."""
    if not isinstance(error, httpx.ConnectError):
        return type(error).__name__
    words = re.sub(r"\[[^]]*\] ?|certificate verify failed: | ?\(_ssl[^)]*\)", "", str(error))
    return f"{type(error).__name__}: {words[:120]}" if words else type(error).__name__


def _told(health: _Answer) -> dict[str, object]:
    try:
        told = json.loads(health.content)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def _health(name: str, status_code: int, told: dict[str, object]) -> Finding:
    status, model = str(told.get("status", "")), str(told.get("model", "?"))
    if not status:
        return fail(f"what answers as {name} is no painter (status {status_code})", "check GPU_URL")
    if status == "ok" and model == "sketch":
        return warn(f"{name} is the sketch: it draws without a model", "deploy the real one, see docs/going-live.md")
    if status == "ok":
        return ok(f"{name} is ready: {model[:80]}")
    if status == "broken":
        return fail(f"{name} is broken: its model does not load or its card fails", "see the log of the service")
    return warn(f"{name} is {status[:40]}", "look again in a minute")


def _safety(name: str, told: dict[str, object], unchecked: str) -> list[Finding]:
    """Whether its pictures are checked, and what becomes of them if not. The sketch has nothing to check."""
    safety = told.get("safety")
    if told.get("model") == "sketch" or told.get("status") != "ok":
        return []
    if safety in ("flag", "refuse"):
        return [ok(f"{name} checks its pictures")]
    if unchecked == "publish":
        found = f"{name} checks no picture" if safety == "off" else f"{name} does not say whether it checks pictures"
        return [
            warn(f"{found}, and they are published", "set GPU_SAFETY=flag on the service, and no GPU_UNCHECKED here")
        ]
    if safety == "off":
        to_do = "set GPU_SAFETY=flag on the service, or GPU_UNCHECKED=publish here"
        return [fail(f"{name} checks no picture, so none of them is published", to_do)]
    to_do = "each picture needs `safety` with `flagged` and scores, or set GPU_UNCHECKED=publish"
    return [warn(f"{name} does not say whether it checks pictures; without a verdict none is published", to_do)]


def _price(told: dict[str, object]) -> float | None:
    """Dollars per second of its machine, where it says so."""
    cost = told.get("cost")
    price = cost.get("usd_per_second") if isinstance(cost, dict) else None
    return float(price) if isinstance(price, int | float) and 0 < price <= MOST_USD_PER_SECOND else None


def _token(name: str, status: int, *, is_given: bool) -> Finding:
    if status in NOT_LET_IN:
        return fail(f"{name} does not accept GPU_TOKEN", "set the same GPU_TOKEN here and on the service")
    if status not in NOT_TAKEN:
        to_do = "check that GPU_URL is a GPU service of this version"
        return fail(f"{name} answers an empty order with {status}", to_do)
    if is_given:
        return ok(f"{name} accepts GPU_TOKEN")
    return warn(f"{name} paints for anybody who finds it", "set the same GPU_TOKEN here and on the service")
