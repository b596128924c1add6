"""Finds the options in a prompt: `a fox --ar 16:9 --n 2 --no people`. Pure, and never an exception.

    --ar 16:9      aspect ratio, from 21:9 to 9:21; the GPU service chooses the pixels
    --n 2          how many pictures, 1 to 4
    --seed 42      the first picture's seed
    --steps 30     how many steps, as far as the model allows it
    --style ink    a preset of `core/styles.py`
    --no people    what is not to be on it: all words up to the next option

They may stand anywhere. Telephones make one long dash of two short ones: that counts as two. Of two of a kind the last
one counts. A value that is not allowed becomes the nearest one that is, or the option is left out; options of other
bots are left out. Either is noted as a correction, and never painted as words.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from math import log
from typing import Any

from bot.intent.words import one_edit_apart
from core.styles import STYLES
from core.wishes import LARGEST_SEED, MOST_PICTURES, MOST_STEPS, SHAPES

# Two hyphens or more, or the one long dash that a telephone makes of them. Right before a letter, lest it be a dash in
# prose.
OPTION = re.compile(
    r"(?P<dash>-{2,4}|[\u2012-\u2015]{1,2})(?P<name>[A-Za-z]+)(?:[=:](?P<value>.*)|(?P<joined>[0-9].*))?", re.DOTALL
)
# One hyphen counts before these if a number follows.
ONE_HYPHEN = re.compile(r"-(?P<name>ar|n|seed|steps)", re.IGNORECASE)
AFTER_VALUES = ".,;!"
RATIO = re.compile(r"([0-9]{1,5}(?:\.[0-9]{1,3})?)[:x\u00d7/*by]{1,2}([0-9]{1,5}(?:\.[0-9]{1,3})?)")
NUMBER = re.compile(r"(-?)([0-9]+)(?:\.[0-9]+)?")
MAX_DIGITS = 10
LOOKS_LIKE_VALUE = re.compile(r"[-+]?[0-9][0-9a-z.,:x\u00d7/%*]*", re.IGNORECASE)
MAX_NOTED = 12

OTHER_NAMES = {
    "watercolor": "watercolour", "aquarell": "watercolour", "photograph": "photo", "photography": "photo",
    "photorealistic": "photo", "cinematic": "cinema", "film": "cinema", "oilpainting": "oil", "comics": "comic",
    "cartoon": "comic", "manga": "anime", "sketch": "pencil", "drawing": "pencil", "pixelart": "pixel", "8bit": "pixel",
    "claymation": "clay", "lino": "woodcut", "linocut": "woodcut", "isometry": "isometric",
}  # fmt: skip
RATIO_NAMES = {
    "square": "1:1", "portrait": "2:3", "landscape": "3:2", "wide": "16:9", "widescreen": "16:9", "tall": "9:16",
    "vertical": "9:16", "horizontal": "16:9", "panorama": "21:9", "phone": "9:16", "story": "9:16",
}  # fmt: skip
COUNT_NAMES = {"one": "1", "two": "2", "three": "3", "four": "4", "all": "4", "max": "4", "many": "4"}
ALIASES = {
    "aspect": "ar", "aspectratio": "ar", "ratio": "ar", "format": "ar", "count": "n", "num": "n", "number": "n",
    "images": "n", "pictures": "n", "step": "steps", "negative": "no", "neg": "no", "without": "no",
}  # fmt: skip
# Options of other bots, and whether a value follows. Without a dash they are words.
WITH_VALUE = frozenset({
    "v", "version", "s", "stylize", "c", "chaos", "q", "quality", "w", "width", "h", "height", "weird", "iw",
    "sref", "cref", "oref", "sw", "cw", "ow", "stop", "profile", "p", "repeat", "r", "cfg", "scale", "guidance",
    "strength", "sampler", "scheduler", "model", "lora", "niji", "exp", "zoom", "personalize", "bs", "motion",
    "size", "clip", "denoise", "batch", "ci", "iter", "loop", "end", "video", "start",
})  # fmt: skip
WITHOUT_VALUE = frozenset({
    "tile", "fast", "relax", "turbo", "hd", "test", "testp", "upbeta", "uplight", "upanime", "video", "public",
    "private", "stealth", "creative", "raw", "draft", "same", "vary", "upscale", "beta", "nsfw",
})  # fmt: skip


# Behind two hyphens these are words: "a fox --with a hat".
PROSE = frozenset({
    "with", "in", "on", "at", "and", "but", "the", "a", "an", "of", "for", "as", "like", "not", "very", "or",
    "by", "from", "to", "under", "over",
})  # fmt: skip


@dataclass(frozen=True)
class Options:
    """What the asker chose. None where they chose nothing: then the GPU service's own.

    corrections: options that were not taken as they were written: name, value written, value taken; the last is empty
    if the option was left out. They are no choice, and do not count when options are compared.
    """

    count: int | None = None
    seed: int | None = None
    steps: int | None = None
    style: str | None = None
    negative: str | None = None
    aspect_ratio: str | None = None
    corrections: tuple[tuple[str, str, str], ...] = field(default=(), compare=False)

    def over(self, other: "Options") -> "Options":
        """These, and of the other those that are not chosen here. Corrections are of one's own words."""
        chosen = {name: value for name, value in vars(self).items() if value is not None}
        return replace(other, **chosen)


@dataclass
class _Reading:
    """How far the words are read."""

    tokens: list[str]
    at: int = 0
    kept: list[str] = field(default_factory=list)
    chosen: dict[str, Any] = field(default_factory=dict)
    corrections: list[tuple[str, str, str]] = field(default_factory=list)

    def step(self) -> None:
        """Read one word, or an option with its value."""
        token = self.tokens[self.at]
        found = OPTION.fullmatch(token)
        if found is not None and found["name"].lower() in PROSE and found["name"] == token[-len(found["name"]) :]:
            token, found = found["name"], None
        if found is None and (short := ONE_HYPHEN.fullmatch(token)) and self._next_is_value():
            self._take(short["name"].lower(), None)
        elif found is None or not self._take_found(found):
            self.kept.append(token)
            self.at += 1

    def _take_found(self, found: re.Match[str]) -> bool:
        """False where it is a dash in prose: "a fox —red as fire"."""
        name, value = found["name"].lower(), found["value"] if found["joined"] is None else found["joined"]
        is_typed = found["dash"].startswith("-")
        known = _known_name(name) if is_typed else ALIASES.get(name, name)
        if known == "no":
            return self._take_negative(value, is_typed)
        if known in VALUES:
            return self._take(known, value)
        if not is_typed and not (name in WITH_VALUE | WITHOUT_VALUE and (value or self._next_is_value())):
            return False
        self._leave_out(name, value)
        return True

    def _take(self, name: str, inline: str | None) -> bool:
        field_name, read, allowed = VALUES[name]
        given = inline if inline is not None else self._next()
        value = read(_plain(given)) if given else None
        is_consumed = inline is None and bool(given) and (value is not None or self._next_is_value() or name == "style")
        self.at += 2 if is_consumed else 1
        if value is not None:
            self.chosen[field_name] = value
        if value is None or not allowed(_plain(given), value):
            written = given if inline is not None or is_consumed else ""
            self._note(name, written, "" if value is None else str(value))
        return True

    def _leave_out(self, name: str, inline: str | None) -> None:
        takes_value = inline is None and (
            self._next_is_value() or (name in ("sampler", "style") and bool(self._next()))
        )
        value = inline if inline is not None else (self._next() if takes_value else "")
        self.at += 2 if takes_value else 1
        # What strangers write is not repeated in the gallery: only names that are known.
        self._note(name if name in WITH_VALUE | WITHOUT_VALUE else "?", value, "")

    def _take_negative(self, inline: str | None, is_typed: bool) -> bool:
        end = self.at + 1
        while end < len(self.tokens) and not _is_option(self.tokens[end]):
            end += 1
        words = [*([inline] if inline else []), *self.tokens[self.at + 1 : end]]
        if not words and not is_typed:
            return False
        if words:
            self.chosen["negative"] = " ".join(words)
        else:
            self._note("no", "", "")
        self.at = end
        return True

    def _next(self) -> str:
        following = self.tokens[self.at + 1] if self.at + 1 < len(self.tokens) else ""
        return "" if _is_option(following) else following

    def _next_is_value(self) -> bool:
        return bool(LOOKS_LIKE_VALUE.fullmatch(_plain(self._next())))

    def _note(self, name: str, written: str, taken: str) -> None:
        """Only numbers are repeated as they were written: anything else could be a word that nobody wants to see."""
        plain = _plain(written)[:MAX_NOTED]
        self.corrections.append((name, plain if LOOKS_LIKE_VALUE.fullmatch(plain) else "", taken))


def parse_options(words: str) -> tuple[str, Options]:
    """The prompt without its options, and the options. `words` is one line."""
    reading = _Reading(words.split())
    while reading.at < len(reading.tokens):
        reading.step()
    return " ".join(reading.kept), Options(**reading.chosen, corrections=tuple(reading.corrections[:MAX_NOTED]))


def _is_option(token: str) -> bool:
    found = OPTION.fullmatch(token)
    if found is None:
        return False
    name = found["name"].lower()
    return found["dash"].startswith("-") or name in VALUES or name in ALIASES or name == "no"


def _known_name(name: str) -> str:
    """The option that is meant by a name, also by one with a slip of the finger."""
    name = ALIASES.get(name, name)
    long = ("seed", "steps", "style", "aspect", "ratio")
    if name in VALUES or name in WITH_VALUE | WITHOUT_VALUE or len(name) < 4:
        return name
    near = next((known for known in long if one_edit_apart(name, known)), name)
    return ALIASES.get(near, near)


def _plain(value: str) -> str:
    """A value as it is compared: without the comma that follows it, with plain digits."""
    return unicodedata.normalize("NFKC", value).casefold().rstrip(AFTER_VALUES)


def _shape(value: str) -> str | None:
    """The aspect ratio nearest to the one that is asked for."""
    value = RATIO_NAMES.get(value, value)
    found = RATIO.fullmatch(value)
    if not found or not (float(found[1]) and float(found[2])):
        return None
    wanted = log(float(found[1]) / float(found[2]))
    return min(SHAPES, key=lambda shape: abs(log(_ratio(shape)) - wanted))


def _ratio(shape: str) -> float:
    across, down = shape.split(":")
    return int(across) / int(down)


def _is_same_shape(value: str, shape: str) -> bool:
    return value in RATIO_NAMES or re.sub(r"[^0-9.]+", ":", value) == shape


def _style(value: str) -> str | None:
    name = OTHER_NAMES.get(value, value)
    if name in STYLES:
        return name
    near = (style for style in STYLES if len(style) > 4 and one_edit_apart(name, style))
    return next(near, None)


def _number(least: int, most: int, *, nearest: bool = True) -> Callable[[str], int | None]:
    def read(value: str) -> int | None:
        found = NUMBER.fullmatch(COUNT_NAMES.get(value, value))
        if not found:
            return None
        # The time to read a number of a million digits is not theirs to take.
        number = int(found[1] + found[2]) if len(found[2]) <= MAX_DIGITS else 10**MAX_DIGITS
        return max(least, min(number, most)) if nearest or least <= number <= most else None

    return read


def _is_same(value: str, taken: Any) -> bool:
    return (COUNT_NAMES.get(value, value).lstrip("0") or "0") == str(taken)


# Name: field, how a value is read (None: left out), whether it was taken as it was written.
VALUES: dict[str, tuple[str, Callable[[str], Any], Callable[[str, Any], bool]]] = {
    "ar": ("aspect_ratio", _shape, _is_same_shape),
    "n": ("count", _number(1, MOST_PICTURES), _is_same),
    # Seeds are names: there is no nearest one.
    "seed": ("seed", _number(0, LARGEST_SEED, nearest=False), _is_same),
    "steps": ("steps", _number(1, MOST_STEPS), _is_same),
    "style": ("style", _style, lambda value, taken: OTHER_NAMES.get(value, value) == taken),
}
