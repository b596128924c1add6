"""`python -m gpu.deploy`: print what the deployment of this environment can cost. It rents nothing."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime

import typer
from pydantic import ValidationError

from gpu.deploy import prices
from gpu.deploy.settings import (
    OLD_NAMES,
    AutoscalerPolicy,
    Deployment,
    DeploySettings,
    load_deployment,
    unknown_settings,
)
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
    for line in [*_describe(deployment, datetime.now(UTC)), *_warnings(deployment)]:
        typer.echo(line)


def _describe(deployment: Deployment, now: datetime) -> Iterator[str]:
    """Yield the deployment and its cost in US dollars, for the operator."""
    rented, usd, license = deployment.settings, deployment.usd_per_second, license_of(deployment.model)
    day, night = rented.day, rented.night
    day_hours = (night.start_hour - day.start_hour) % 24
    idle = 3600 * usd * (day_hours * day.min_containers + (24 - day_hours) * night.min_containers)
    ceiling = 3600 * usd * max(day.max_containers, night.max_containers)
    source = f"list prices of {prices.DATE}, {prices.SOURCE}; `modal billing rates` prints today's"
    source = "from GPU_USD_PER_SECOND" if deployment.is_custom_price else source
    yield f"model      {deployment.model}"
    yield f"license    {license.name}: {license.summary} ({license.address})"
    yield f"container  {deployment.gpu_type}, {rented.cores:g} cores, {deployment.gib} GiB of memory"
    yield f"           ${usd:.6f} a second, ${3600 * usd:.2f} an hour ({source})"
    yield f"day        from {day.start_hour:02}:00 {rented.timezone}: {_bounds(day, usd)}"
    yield f"night      from {night.start_hour:02}:00 {rented.timezone}: {_bounds(night, usd)}"
    yield f"now        {rented.policy_at(now).name}"
    yield f"idle       ${idle:.2f} a day, ${idle * DAYS_PER_MONTH:.2f} a month, without requests"
    yield f"ceiling    ${ceiling:.2f} an hour, however many requests arrive"


def _bounds(policy: AutoscalerPolicy, usd: float) -> str:
    return (
        f"{policy.min_containers} to {policy.max_containers} containers, ${3600 * usd * policy.min_containers:.2f} to "
        f"${3600 * usd * policy.max_containers:.2f} an hour; each stays for {policy.scaledown_window} s after its last "
        f"request, which costs ${policy.scaledown_window * usd:.2f}"
    )


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
        if not part["loc"]:
            yield f"DEPLOY_...: {part['msg'].removeprefix('Value error, ')}"
        elif error.title == DeploySettings.__name__:
            yield describe_error(part, "DEPLOY_", DeploySettings)
        else:
            yield describe_error(part, "GPU_", ServiceSettings)


def _fail(reason: str) -> typer.Exit:
    typer.echo(reason, err=True)
    return typer.Exit(2)


if __name__ == "__main__":
    typer.run(main)
