"""List prices of Modal in US dollars.

Modal bills GPU, CPU and memory separately, each second from the start of a container to its end. These prices are
without a region, which would multiply them by 1.5 to 1.75.
"""

from __future__ import annotations

from typing import NamedTuple

DATE = "2026-07-01"
SOURCE = "modal.com/pricing"


class GpuType(NamedTuple):
    """The price of a second, and the memory in GB by its maker."""

    usd_per_second: float
    memory_gb: int


# By Modal's names, cheapest first.
GPU_TYPES = {
    "T4": GpuType(0.000164, 16),
    "L4": GpuType(0.000222, 24),
    "A10": GpuType(0.000306, 24),
    "L40S": GpuType(0.000542, 48),
    "A100-40GB": GpuType(0.000583, 40),
    "A100-80GB": GpuType(0.000694, 80),
    "RTX-PRO-6000": GpuType(0.000842, 96),
    "H100": GpuType(0.001097, 80),
    "H200": GpuType(0.001261, 141),
    "B200": GpuType(0.001736, 180),
}
# Modal's other names for the same GPU at the same price. "H100!" never becomes an H200.
_ALIASES = {"A100": "A100-40GB", "A10G": "A10", "H100!": "H100"}

USD_PER_CORE_SECOND = 0.0000131  # a physical core
USD_PER_GIB_SECOND = 0.00000222
MIN_BILLED_CORES = 0.125


class UnknownGpu(ValueError):
    """The table has no price for this GPU."""


def find_gpu(name: str) -> GpuType | None:
    """Return a GPU by one of Modal's names, in any case. None if the table does not have it."""
    upper = name.strip().upper()
    return GPU_TYPES.get(_ALIASES.get(upper, upper))


def gpu_price(name: str) -> float:
    """Return US dollars per second of the GPU alone. Raises UnknownGpu."""
    if gpu := find_gpu(name):
        return gpu.usd_per_second
    raise UnknownGpu(f"no price is known for {name[:40]!r}; known are {', '.join(GPU_TYPES)}")


def container_price(gpu_type: str, *, cores: float, gib: float) -> float:
    """Return US dollars per second of a container with one GPU, physical cores and GiB of memory. Raises UnknownGpu."""
    cpu = max(cores, MIN_BILLED_CORES) * USD_PER_CORE_SECOND
    return gpu_price(gpu_type) + cpu + gib * USD_PER_GIB_SECOND
