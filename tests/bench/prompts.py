"""Provide prompts for benchmarks: from a file, or two hundred composed here."""

import csv
from itertools import product
from pathlib import Path

SUBJECTS = (
    "a lighthouse", "an old sailing ship", "a red fox", "a sleeping cat", "a stone castle", "a paper boat",
    "a field of sunflowers", "a wooden cabin", "a city skyline", "a lonely tree", "two herons", "a night train",
    "a glass greenhouse", "a small island", "a snowy village", "a desert road", "an orange balloon", "a mountain lake",
    "a harbour", "a garden of roses",
)  # fmt: skip
SCENES = (
    "at sunset", "under a full moon", "in thick morning fog", "in a summer storm", "on the first day of snow",
    "beside a calm sea", "in gold and deep blue", "as a risograph print", "painted with wide brushes",
    "among stars & drifting clouds",
)  # fmt: skip


def read_prompts(path: Path | None, count: int) -> list[str]:
    """Return `count` prompts: lines of a file (or column `Prompt` of a TSV), repeated if there are too few."""
    prompts = _from_file(path) if path else [f"{subject} {scene}" for scene, subject in product(SCENES, SUBJECTS)]
    return [prompts[n % len(prompts)] for n in range(count)]


def _from_file(path: Path) -> list[str]:
    with path.open(newline="", encoding="utf-8") as file:
        if path.suffix == ".tsv":
            return [row["Prompt"] for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)]
        return [line.strip() for line in file if line.strip()]
