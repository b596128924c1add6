"""Reads what somebody typed into the composer: into a wish, or into what is wrong with it, field by field.

What was typed is kept as it was, so that a form with an error gives it back. Pure; knows no rule about people.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from starlette.datastructures import FormData

from core.models import Creation
from core.refusals import in_words
from core.styles import STYLES
from core.text import clean, tidy
from core.unsafe import why_unsafe
from core.wishes import DISTANCES, LARGEST_SEED, MOST_PICTURES, MOST_STEPS, SHAPES
from gallery.forms import text_of

# What is given back where it is wrong: more than any prompt may have, less than a page can bear.
MOST_KEPT = 12_000
FIELDS = ("prompt", "negative", "style", "shape", "count", "seed", "steps", "start", "far", "remix", "once")


@dataclass(frozen=True)
class Typed:
    """The fields as they were typed. start: `` (none), `own:<name>`, `picture:<position>`, or `same`. far: how far
    to go from it, a name of `DISTANCES`."""

    prompt: str = ""
    negative: str = ""
    style: str = ""
    shape: str = ""
    count: str = "1"
    seed: str = ""
    steps: str = ""
    start: str = ""
    far: str = ""
    remix: str = ""
    once: str = ""
    on_x: bool = False

    def starting(self, start: str) -> "Typed":
        """The same, begun from another picture."""
        return replace(self, start=start)

    @property
    def shows_more(self) -> bool:
        """Whether one of the fields that are folded away was used."""
        return bool(self.negative or self.seed or self.steps)


@dataclass(frozen=True)
class Wish:
    """What shall be painted. None where nothing was chosen: then the painter's own."""

    prompt: str
    negative: str = ""
    style: str | None = None
    shape: str | None = None
    count: int = 1
    seed: int | None = None
    steps: int | None = None
    strength: float | None = None


class Read(NamedTuple):
    """A wish, or what is wrong: a sentence for each field."""

    wish: Wish | None
    errors: dict[str, str]


def typed_in(form: FormData) -> Typed:
    """What a form brings."""
    values = {name: text_of(form, name)[:MOST_KEPT] for name in FIELDS}
    values["count"] = values["count"] or "1"
    return replace(Typed(**values), on_x=text_of(form, "on_x") == "yes")  # type: ignore[arg-type]


def typed_in_address(query: Mapping[str, str]) -> Typed:
    """What a link to the composer brings: `?prompt=...&shape=16:9`. Uploads are nothing for links."""
    values = {name: clean(query.get(name, ""))[:MOST_KEPT] for name in FIELDS if name != "once"}
    values["start"] = "" if values["start"].startswith("own:") else values["start"]
    values["count"] = values["count"] or "1"
    return Typed(**values)  # type: ignore[arg-type]


def typed_after(creation: Creation, *, start: str = "") -> Typed:
    """The composer filled in with what a creation was made of, but for its seed."""
    return Typed(
        prompt=creation.prompt,
        negative=creation.negative_prompt,
        style=creation.style or "",
        shape=creation.aspect_ratio or "",
        count=str(creation.count),
        steps="" if creation.steps is None else str(creation.steps),
        start=start,
        far=next((name for name, strength in DISTANCES.items() if strength == creation.strength), ""),
        remix=str(creation.id),
    )


def wish_of(typed: Typed, prompt_limit: int) -> Read:
    """What was typed as a wish."""
    prompt, negative = tidy(typed.prompt), tidy(typed.negative)
    errors = {
        "prompt": _wrong_words(prompt, prompt_limit) or ("" if prompt else "Say what shall be painted."),
        "negative": _wrong_words(negative, prompt_limit),
        "style": "" if typed.style in STYLES or not typed.style else "There is no such style.",
        "shape": "" if typed.shape in SHAPES or not typed.shape else "There is no such shape.",
        "far": "" if typed.far in DISTANCES or not typed.far else "There is no such choice.",
    }
    count = _number(typed.count, 1, MOST_PICTURES, errors, "count")
    seed = _number(typed.seed, 0, LARGEST_SEED, errors, "seed")
    steps = _number(typed.steps, 1, MOST_STEPS, errors, "steps")
    wrong = {name: words for name, words in errors.items() if words}
    if wrong:
        return Read(None, wrong)
    strength = DISTANCES.get(typed.far) if typed.start else None
    wish = Wish(prompt, negative, typed.style or None, typed.shape or None, count or 1, seed, steps, strength)
    return Read(wish, {})


def _wrong_words(text: str, limit: int) -> str:
    if len(text) > limit:
        return f"These are {len(text):,} characters; {limit:,} are the most."
    return in_words("unsafe") if text and why_unsafe(text) else ""


def _number(text: str, least: int, most: int, errors: dict[str, str], name: str) -> int | None:
    """A number, or None and why not. Ten digits at most: Python would read a million of them for minutes."""
    digits = text.strip()
    if not digits:
        return None
    value = int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 10 else -1
    if least <= value <= most:
        return value
    errors[name] = f"A whole number from {least:,} to {most:,}."
    return None
