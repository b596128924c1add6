"""What a second of a rented machine costs: one table with its date. Knows no Modal, no model and no settings.

Modal bills card, CPU and memory separately, each second from the start of a container to its end. These are list prices
without a region: naming one multiplies them by 1.5 to 1.75, so nothing here names one.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

DATE = "2026-07-01"
SOURCE = "modal.com/pricing"

# US dollars for a second of one card, by Modal's names.
CARDS: Mapping[str, float] = MappingProxyType(
    {
        "T4": 0.000164,
        "L4": 0.000222,
        "A10": 0.000306,
        "L40S": 0.000542,
        "A100-40GB": 0.000583,
        "A100-80GB": 0.000694,
        "RTX-PRO-6000": 0.000842,
        "H100": 0.001097,
        "H200": 0.001261,
        "B200": 0.001736,
    }
)
# GB of memory a card has, by its maker's word.
MEMORY_GB: Mapping[str, int] = MappingProxyType(
    {
        "T4": 16,
        "L4": 24,
        "A10": 24,
        "L40S": 48,
        "A100-40GB": 40,
        "A100-80GB": 80,
        "RTX-PRO-6000": 96,
        "H100": 80,
        "H200": 141,
        "B200": 180,
    }
)
# Modal's other names for the same card at the same price: "H100!" refuses to be given an H200 in its place.
_SAME = {"A100": "A100-40GB", "A10G": "A10", "H100!": "H100"}

CORE = 0.0000131  # a physical core
GIB = 0.00000222  # a GiB of memory
LEAST_CORES = 0.125  # what Modal bills where less is asked for


class UnknownCard(ValueError):
    """This table has no price for the card."""

    def __init__(self, card: str) -> None:
        super().__init__(f"no price is known for {card[:40]!r}; known are {', '.join(CARDS)}")


def name_of(card: str) -> str:
    """The card's name in these tables, from Modal's names in any case; raises UnknownCard."""
    name = card.strip().upper()
    name = _SAME.get(name, name)
    if name not in CARDS:
        raise UnknownCard(card)
    return name


def memory_of(card: str) -> int | None:
    """GB of memory of a card by any of its names; None where this table has none."""
    try:
        return MEMORY_GB[name_of(card)]
    except UnknownCard:
        return None


def per_second(card: str, *, cores: float, gib: float) -> float:
    """US dollars for a second of a container with one card, `cores` physical cores and `gib` GiB of memory.

    Raises UnknownCard.
    """
    return CARDS[name_of(card)] + max(cores, LEAST_CORES) * CORE + gib * GIB
