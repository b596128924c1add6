"""`python -m gpu.cost`: what the deployment of this environment can cost. Knows no Modal and rents nothing."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime

import typer
from pydantic import ValidationError

from gpu.cost import prices
from gpu.cost.deployment import Deployment, DeploySettings, misspelt_settings, read_deployment
from gpu.cost.policy import DAYS_OF_A_MONTH, Plan, Policy
from gpu.diffusion.presets import find_preset, licence_of
from gpu.settings import GpuSettings


def show() -> None:
    """Print what DEPLOY_... and GPU_... in the environment would rent, and what it can cost; see docs/going-live.md."""
    try:
        deployment = read_deployment()
    except ValidationError as error:
        raise _stop("\n".join(_explained(error))) from None
    except prices.UnknownCard as error:
        raise _stop(f"DEPLOY_CARD: {error}; or say what a second of the container costs: GPU_USD_PER_SECOND") from None
    except ValueError as error:
        raise _stop(f"DEPLOY_...: {error}") from None
    for line in told(deployment, datetime.now(UTC)):
        typer.echo(line)
    for name in misspelt_settings():
        typer.echo(f"warning    {name} is no setting of a deployment: it changes nothing")


def told(deployment: Deployment, now: datetime) -> Iterator[str]:
    """The deployment in words and US dollars, for a host who decides."""
    plan, usd, licence = deployment.plan, deployment.usd_per_second, licence_of(deployment.model)
    idle = plan.floor_per_day(usd)
    yield f"model      {deployment.model}"
    yield f"licence    {licence.name}: {licence.words} ({licence.address})"
    yield f"container  {deployment.card}, {deployment.cores:g} cores, {deployment.gib} GiB of memory"
    yield f"           ${usd:.6f} a second, ${usd * 3600:.2f} an hour ({_source(deployment)})"
    yield from _fit(deployment)
    yield f"day        {_hours(plan, plan.day, plan.night)}; {_bounds(plan.day, usd)}"
    yield f"night      {_hours(plan, plan.night, plan.day)}; {_bounds(plan.night, usd)}"
    yield f"now        {plan.at(now).name}, until {plan.next_change(now):%Y-%m-%d %H:%M}"
    yield f"one alone  also pays the wait after it: {_kept(plan.day, usd)} by day, {_kept(plan.night, usd)} by night"
    yield f"idle       ${idle:.2f} a day, ${idle * DAYS_OF_A_MONTH:.2f} a month, when nobody asks"
    yield f"ceiling    ${max(plan.day.ceiling(usd), plan.night.ceiling(usd)):.2f} an hour, however many ask"


def _source(deployment: Deployment) -> str:
    if deployment.price_given:
        return "as GPU_USD_PER_SECOND says"
    return f"list prices of {prices.DATE}, {prices.SOURCE}; `modal billing rates` tells today's"


def _hours(plan: Plan, policy: Policy, next_one: Policy) -> str:
    return f"{policy.begins:02}:00 to {next_one.begins:02}:00 {plan.timezone}"


def _bounds(policy: Policy, usd: float) -> str:
    return (
        f"{policy.min_containers} to {policy.max_containers} containers, each kept {policy.scaledown_window} s; "
        f"${policy.floor(usd):.2f} to ${policy.ceiling(usd):.2f} an hour"
    )


def _kept(policy: Policy, usd: float) -> str:
    return f"${policy.scaledown_window * usd:.2f}"


def _fit(deployment: Deployment) -> Iterator[str]:
    """Warnings where the model is likely to be too large for the card, or for the memory it is loaded through."""
    preset = find_preset(deployment.model)
    if preset is None:
        return
    memory = prices.memory_of(deployment.card)
    if memory and preset.vram_gb > memory:
        yield f"warning    {preset.name} needs about {preset.vram_gb:g} GB, and a {deployment.card} has {memory}"
    if deployment.gib < (least := math.ceil(2 * preset.parameters) + 2):
        yield f"warning    {preset.name} is loaded through memory: less than {least} GiB will hardly do"


def _explained(error: ValidationError) -> Iterator[str]:
    prefix, kind = ("DEPLOY", DeploySettings) if error.title == DeploySettings.__name__ else ("GPU", GpuSettings)
    for part in error.errors(include_input=False):
        name = str(part["loc"][0])
        variable = f"{prefix}_{name.upper()}"
        if part["type"] == "value_error":  # our own words say what to take instead
            yield f"{variable}: {part['msg'].removeprefix('Value error, ')}"
            continue
        [example] = kind.model_fields[name].examples or ["..."]
        yield f"{variable}: {part['msg']} (example: {variable}={example})"


def _stop(reason: str) -> typer.Exit:
    typer.echo(reason, err=True)
    return typer.Exit(2)


if __name__ == "__main__":
    typer.run(show)
