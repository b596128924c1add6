"""Checks the painters: there, ready, ours, and what they cost. Nothing is painted for it: that would cost money."""

from dataclasses import dataclass, replace

import httpx

from bot.doctor.findings import Finding, fail, ok, warn
from core.painters import shown
from core.settings import GpuSettings

# A service that scales to zero may take a while to wake.
PATIENCE = httpx.Timeout(60, connect=10)
LONGEST_ANSWER = 65_536


@dataclass(frozen=True)
class Looked:
    """One painter: what was found, and the dollars per second that it tells (None: none)."""

    findings: tuple[Finding, ...]
    usd_per_second: float | None = None


def examine(settings: GpuSettings) -> list[Looked]:
    """Each painter by itself, the preferred one first. What one of several lacks is no FAIL while another paints."""
    several = len(settings.urls) > 1
    names = {url: f"the painter at {shown(url)}" if several else "the painter" for url in settings.urls}
    looked = [_look(url, name, settings) for url, name in names.items()]
    paints = any(all(found.level != "FAIL" for found in one.findings) for one in looked)
    return [_milder(one) for one in looked] if paints else looked


def _milder(looked: Looked) -> Looked:
    findings = (warn(found.what, found.to_do) if found.level == "FAIL" else found for found in looked.findings)
    return replace(looked, findings=tuple(findings))


def _look(url: str, name: str, settings: GpuSettings) -> Looked:
    token = settings.gpu_token.get_secret_value()
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        # No redirect is followed: our secrets go to this address only.
        with httpx.Client(timeout=PATIENCE, trust_env=False, headers=settings.modal_headers) as http:
            health = http.get(f"{url}/healthz")
            # An order for nothing: who may paint is told that it is empty, who may not is told that.
            order = http.post(f"{url}/v1/paint", json={}, headers=headers)
    except httpx.ReadTimeout:
        found = warn(f"{name} did not answer within a minute", "it may be waking up: look again in a minute")
        return Looked((found,))
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return Looked((fail(f"{name} does not answer ({type(error).__name__})", "start it, and check GPU_URL"),))
    if health.status_code in (401, 403):
        to_do = "set GPU_MODAL_KEY and GPU_MODAL_SECRET to a proxy token of Modal's"
        return Looked((fail(f"something before {name} does not let us in", to_do),))
    told = _told(health)
    found, price = _health(name, health.status_code, told), _price(told)
    if found.level == "FAIL":
        return Looked((found,))
    token_found = _token(name, order.status_code, is_given=bool(token))
    priced = (ok(f"{name} costs ${price * 3600:.2f} an hour while it runs"),) if price else ()
    return Looked((found, token_found, *priced), price)


def _told(health: httpx.Response) -> dict[str, object]:
    try:
        told = health.json() if len(health.content) <= LONGEST_ANSWER else {}
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


def _price(told: dict[str, object]) -> float | None:
    """Dollars per second of its machine, where it says so."""
    cost = told.get("cost")
    price = cost.get("usd_per_second") if isinstance(cost, dict) else None
    return float(price) if isinstance(price, int | float) and 0 < price <= 1 else None


def _token(name: str, status: int, *, is_given: bool) -> Finding:
    if status in (401, 403):
        return fail(f"{name} does not accept GPU_TOKEN", "set the same GPU_TOKEN here and on the service")
    if status not in (400, 422, 429, 503):
        to_do = "check that GPU_URL is a painter of this version"
        return warn(f"{name} answers an empty order with {status}", to_do)
    if is_given:
        return ok(f"{name} accepts GPU_TOKEN")
    return warn(f"{name} paints for anybody who finds it", "set the same GPU_TOKEN here and on the service")
