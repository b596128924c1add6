"""Define peak performance and price names of GPUs, to compare measured speeds with.

Peaks are dense bf16 with fp32 accumulation, without sparsity, in TFLOP/s. 790 for H100 and H200 is the measured peak of
large matrix products on an H200 (its data sheet says 989); the others are from data sheets.
"""

from __future__ import annotations

# (part of torch's device name, Modal's name, peak); the first match counts.
_CARDS: tuple[tuple[str, str, float], ...] = (
    ("B200", "B200", 2250.0),
    ("H200", "H200", 790.0),
    ("H100", "H100", 790.0),
    ("A100-SXM4-80", "A100-80GB", 312.0),
    ("A100 80", "A100-80GB", 312.0),
    ("A100", "A100-40GB", 312.0),
    ("RTX PRO 6000", "RTX-PRO-6000", 503.0),
    ("L40S", "L40S", 362.0),
    ("L40", "", 181.0),
    ("L4", "L4", 121.0),
    ("A10", "A10", 125.0),
    ("RTX 4090", "", 165.0),
    ("T4", "T4", 65.0),
)


def card_of(device_name: str) -> tuple[str, float | None]:
    """Return Modal's name ("" if Modal has none) and the peak in TFLOP/s (None if unknown) of torch's device name."""
    for fragment, name, peak in _CARDS:
        if fragment.lower() in device_name.lower():
            return name, peak
    return "", None
