"""`python -m gpu.deploy`: print what the deployment of this environment can cost. It rents nothing."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime

import typer
from pydantic import ValidationError

from gpu.deploy import prices
from gpu.deploy.autoscaling import AutoscalerPolicy
from gpu.deploy.settings import OLD_NAMES, Deployment, DeploySettings, load_deployment, unknown_settings
from gpu.diffusion.presets import find_preset, license_of
from gpu.settings import OLD_NAMES as OLD_GPU_NAMES
from gpu.settings import ServiceSettings, describe_error, old_names_warning

DAYS_PER_MONTH = 30


def main() -> None:
    """Print what DEPLOY_... and GPU_... in the environment would rent, and its cost; see docs/going-live.md."""
    try:
        deployment = load_deployment()
    except ValidationError as error:
        raise _fail("\n".join(_explain(error))) from None
    except prices.UnknownGpu as error:
        raise _fail(f"DEPLOY_GPU_TYPE: {error}; or set GPU_USD_PER_SECOND, the price of the container") from None
    except ValueError as error:
        raise _fail(f"DEPLOY_...: {error}") from None
    for line in [*describe(deployment, datetime.now(UTC)), *_warnings(deployment)]:
        typer.echo(line)


def describe(deployment: Deployment, now: datetime) -> Iterator[str]:
    """Yield the deployment and its cost in US dollars, for the operator."""
    schedule, usd, license = deployment.schedule, deployment.usd_per_second, license_of(deployment.model)
    day, night = schedule.day, schedule.night
    idle = schedule.min_usd_per_day(usd)
    ceiling = max(day.max_usd_per_hour(usd), night.max_usd_per_hour(usd))
    yield f"model      {deployment.model}"
    yield f"license    {license.name}: {license.summary} ({license.address})"
    yield f"container  {deployment.gpu_type}, {deployment.cores:g} cores, {deployment.gib} GiB of memory"
    yield f"           ${usd:.6f} a second, ${usd * 3600:.2f} an hour ({_price_source(deployment)})"
    for policy, end in ((day, night), (night, day)):
        hours = f"{policy.start_hour:02}:00 to {end.start_hour:02}:00 {schedule.timezone}"
        yield f"{policy.name:10} {hours}; {_bounds(policy, usd)}"
    yield f"now        {schedule.policy_at(now).name}"
    yield f"one alone  also pays for its scaledown: {_scaledown(day, usd)} by day, {_scaledown(night, usd)} by night"
    yield f"idle       ${idle:.2f} a day, ${idle * DAYS_PER_MONTH:.2f} a month, without requests"
    yield f"ceiling    ${ceiling:.2f} an hour, however many requests arrive"


def _price_source(deployment: Deployment) -> str:
    if deployment.is_custom_price:
        return "from GPU_USD_PER_SECOND"
    return f"list prices of {prices.DATE}, {prices.SOURCE}; `modal billing rates` prints today's"


def _bounds(policy: AutoscalerPolicy, usd: float) -> str:
    return (
        f"{policy.min_containers} to {policy.max_containers} containers, idle for up to {policy.scaledown_window} s; "
        f"${policy.min_usd_per_hour(usd):.2f} to ${policy.max_usd_per_hour(usd):.2f} an hour"
    )


def _scaledown(policy: AutoscalerPolicy, usd: float) -> str:
    return f"${policy.scaledown_window * usd:.2f}"


def _warnings(deployment: Deployment) -> Iterator[str]:
    """Warn if the model is likely too large for GPU or memory, and about settings without effect."""
    preset, gpu = find_preset(deployment.model), prices.find_gpu(deployment.gpu_type)
    if preset and gpu and preset.vram_gb > gpu.memory_gb:
        yield f"warning    {preset.name} needs about {preset.vram_gb:g} GB, {deployment.gpu_type} has {gpu.memory_gb}"
    if preset and deployment.gib < (needed := math.ceil(2 * preset.parameters) + 2):
        yield f"warning    {preset.name} is loaded through memory: less than {needed} GiB is probably too little"
    for name in unknown_settings():
        yield f"warning    {name} is not a setting of the deployment and has no effect"
    if old_names := old_names_warning(OLD_NAMES | OLD_GPU_NAMES):
        yield f"warning    {old_names}"


def _explain(error: ValidationError) -> Iterator[str]:
    for part in error.errors(include_input=False):
        if error.title == DeploySettings.__name__:
            yield describe_error(part, "DEPLOY_", DeploySettings)
        else:
            yield describe_error(part, "GPU_", ServiceSettings)


def _fail(reason: str) -> typer.Exit:
    typer.echo(reason, err=True)
    return typer.Exit(2)


if __name__ == "__main__":
    typer.run(main)
