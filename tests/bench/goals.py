"""Collect what the benches measured, each figure beside its goal, and print them as one table.

A bench takes `--goals FILE` and adds its figures there; `tests/bench/run.py` runs all benches and prints the table.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Goal:
    """One figure and its limit: at most, or at least if `is_minimum`. `beside`: the floor or peer of the same run."""

    what: str
    measured: float
    limit: float
    unit: str = ""
    is_minimum: bool = False
    beside: str = ""

    @property
    def is_met(self) -> bool:
        """Return whether the figure is within its limit."""
        return self.measured >= self.limit if self.is_minimum else self.measured <= self.limit


def save_goals(path: Path | None, goals: Iterable[Goal]) -> None:
    """Append the figures to a file of one JSON object per line. Does nothing without a path."""
    if path is None:
        return
    with path.open("a", encoding="utf-8") as file:
        file.writelines(json.dumps(asdict(goal)) + "\n" for goal in goals)


def read_goals(path: Path) -> list[Goal]:
    """Return the figures of a file in the order in which they were added."""
    return [Goal(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]


def render_table(goals: Iterable[Goal]) -> str:
    """Return the figures as a Markdown table."""
    rows = ["| what | measured | goal | beside, in the same run | |", "|---|---|---|---|---|", *map(_row, goals)]
    return "\n".join(rows)


def _row(goal: Goal) -> str:
    limit = f"at {'least' if goal.is_minimum else 'most'} {_number(goal.limit)}{goal.unit}"
    verdict = "yes" if goal.is_met else "**no**"
    return f"| {goal.what} | {_number(goal.measured)}{goal.unit} | {limit} | {goal.beside} | {verdict} |"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
