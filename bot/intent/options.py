"""Parse the options in a prompt: `a fox --ar 16:9 --n 2 --no people`. Pure; never raises.

    --ar 16:9      aspect ratio, from 21:9 to 9:21; the GPU service chooses the pixels
    --n 2          number of pictures, 1 to 4
    --seed 42      seed of the first picture
    --steps 30     inference steps, as far as the model allows them
    --style ink    a preset of `core/styles.py`
    --no people    negative prompt: all words up to the next option

Options may stand anywhere. Phones turn two hyphens into one long dash, which counts as well. The last of two equal
options wins. An invalid value becomes the nearest valid one, or the option is dropped; options of other bots are
dropped. Both become corrections and are never painted as words.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from math import log
from typing import Any

from bot.intent.tokens import is_one_edit_apart
from core.generation_limits import ASPECT_RATIOS, MAX_IMAGES, MAX_SEED, MAX_STEPS
from core.styles import FORMER_NAMES, STYLES

# Two hyphens or more, or the long dash that a phone makes of them, directly before a letter.
OPTION = re.compile(
    r"(?P<dash>-{2,4}|[\u2012-\u2015]{1,2})(?P<name>[A-Za-z]+)(?:[=:](?P<value>.*)|(?P<joined>[0-9].*))?", re.DOTALL
)
# A single hyphen counts before these if a number follows.
SINGLE_HYPHEN = re.compile(r"-(?P<name>ar|n|seed|steps)", re.IGNORECASE)
TRAILING_VALUE_PUNCTUATION = ".,;!"
RATIO = re.compile(r"([0-9]{1,5}(?:\.[0-9]{1,3})?)[:x\u00d7/*by]{1,2}([0-9]{1,5}(?:\.[0-9]{1,3})?)")
NUMBER = re.compile(r"(-?)([0-9]+)(?:\.[0-9]+)?")
MAX_DIGITS = 10
VALUE_LIKE = re.compile(r"[-+]?[0-9][0-9a-z.,:x\u00d7/%*]*", re.IGNORECASE)
MAX_CORRECTIONS = 12
# Longer written values are cut.
MAX_VALUE_LENGTH = 12

STYLE_ALIASES = {
    **FORMER_NAMES, "aquarell": "watercolor", "photograph": "photo", "photography": "photo",
    "photorealistic": "photo", "cinematic": "cinema", "film": "cinema", "oilpainting": "oil", "comics": "comic",
    "cartoon": "comic", "manga": "anime", "sketch": "pencil", "drawing": "pencil", "pixelart": "pixel", "8bit": "pixel",
    "claymation": "clay", "lino": "woodcut", "linocut": "woodcut", "isometry": "isometric",
}  # fmt: skip
RATIO_ALIASES = {
    "square": "1:1", "portrait": "2:3", "landscape": "3:2", "wide": "16:9", "widescreen": "16:9", "tall": "9:16",
    "vertical": "9:16", "horizontal": "16:9", "panorama": "21:9", "phone": "9:16", "story": "9:16",
}  # fmt: skip
COUNT_ALIASES = {"one": "1", "two": "2", "three": "3", "four": "4", "all": "4", "max": "4", "many": "4"}
OPTION_ALIASES = {
    "aspect": "ar", "aspectratio": "ar", "ratio": "ar", "format": "ar", "count": "n", "num": "n", "number": "n",
    "images": "n", "pictures": "n", "step": "steps", "negative": "no", "neg": "no", "without": "no",
}  # fmt: skip
# Options of other bots, with and without a value. Without a dash they are words.
FOREIGN_WITH_VALUE = frozenset({
    "v", "version", "s", "stylize", "c", "chaos", "q", "quality", "w", "width", "h", "height", "weird", "iw",
    "sref", "cref", "oref", "sw", "cw", "ow", "stop", "profile", "p", "repeat", "r", "cfg", "scale", "guidance",
    "strength", "sampler", "scheduler", "model", "lora", "niji", "exp", "zoom", "personalize", "bs", "motion",
    "size", "clip", "denoise", "batch", "ci", "iter", "loop", "end", "video", "start",
})  # fmt: skip
FOREIGN_WITHOUT_VALUE = frozenset({
    "tile", "fast", "relax", "turbo", "hd", "test", "testp", "upbeta", "uplight", "upanime", "video", "public",
    "private", "stealth", "creative", "raw", "draft", "same", "vary", "upscale", "beta", "nsfw",
})  # fmt: skip
# Not options even after two hyphens: "a fox --with a hat".
PROSE_WORDS = frozenset({
    "with", "in", "on", "at", "and", "but", "the", "a", "an", "of", "for", "as", "like", "not", "very", "or",
    "by", "from", "to", "under", "over",
})  # fmt: skip


@dataclass(frozen=True)
class Options:
    """The options that the author chose. None: the default of the GPU service.

    corrections: (name, written value, used value) of each changed option; the used value is empty if it was dropped.
    They are not compared.
    """

    count: int | None = None
    seed: int | None = None
    steps: int | None = None
    style: str | None = None
    negative: str | None = None
    aspect_ratio: str | None = None
    corrections: tuple[tuple[str, str, str], ...] = field(default=(), compare=False)

    def merged_over(self, other: "Options") -> "Options":
        """Return these options, completed from `other`. Corrections are not copied from `other`."""
        chosen = {name: value for name, value in vars(self).items() if value is not None}
        return replace(other, **chosen)


@dataclass
class _OptionReader:
    """The state of parsing."""

    tokens: list[str]
    position: int = 0
    prompt_words: list[str] = field(default_factory=list)
    chosen: dict[str, Any] = field(default_factory=dict)
    corrections: list[tuple[str, str, str]] = field(default_factory=list)

    def read_next(self) -> None:
        """Read one word, or an option with its value."""
        token = self.tokens[self.position]
        match = OPTION.fullmatch(token)
        if match is not None and match["name"].lower() in PROSE_WORDS and match["name"] == token[-len(match["name"]) :]:
            token, match = match["name"], None
        if match is None and (short := SINGLE_HYPHEN.fullmatch(token)) and self._next_is_value():
            self._read_option(short["name"].lower(), None)
        elif match is None or not self._read_match(match):
            self.prompt_words.append(token)
            self.position += 1

    def _read_match(self, match: re.Match[str]) -> bool:
        """Return False if it is a dash in prose: "a fox —red as fire"."""
        name, value = match["name"].lower(), match["value"] if match["joined"] is None else match["joined"]
        has_hyphens = match["dash"].startswith("-")
        option_name = _resolve_name(name) if has_hyphens else OPTION_ALIASES.get(name, name)
        if option_name == "no":
            return self._read_negative(value, has_hyphens)
        if option_name in OPTIONS:
            return self._read_option(option_name, value)
        if not has_hyphens and not (
            name in FOREIGN_WITH_VALUE | FOREIGN_WITHOUT_VALUE and (value or self._next_is_value())
        ):
            return False
        self._drop_option(name, value)
        return True

    def _read_option(self, name: str, inline_value: str | None) -> bool:
        field_name, parse, allowed = OPTIONS[name]
        text = inline_value if inline_value is not None else self._next()
        value = parse(_normalize(text)) if text else None
        is_consumed = (
            inline_value is None and bool(text) and (value is not None or self._next_is_value() or name == "style")
        )
        self.position += 2 if is_consumed else 1
        if value is not None:
            self.chosen[field_name] = value
        if value is None or not allowed(_normalize(text), value):
            written = text if inline_value is not None or is_consumed else ""
            self._add_correction(name, written, "" if value is None else str(value))
        return True

    def _drop_option(self, name: str, inline_value: str | None) -> None:
        takes_value = inline_value is None and (
            self._next_is_value() or (name in ("sampler", "style") and bool(self._next()))
        )
        value = inline_value if inline_value is not None else (self._next() if takes_value else "")
        self.position += 2 if takes_value else 1
        # The gallery repeats known names only, because other text could be offensive.
        self._add_correction(name if name in FOREIGN_WITH_VALUE | FOREIGN_WITHOUT_VALUE else "?", value, "")

    def _read_negative(self, inline_value: str | None, has_hyphens: bool) -> bool:
        end = self.position + 1
        while end < len(self.tokens) and not _is_option(self.tokens[end]):
            end += 1
        words = [*([inline_value] if inline_value else []), *self.tokens[self.position + 1 : end]]
        if not words and not has_hyphens:
            return False
        if words:
            self.chosen["negative"] = " ".join(words)
        else:
            self._add_correction("no", "", "")
        self.position = end
        return True

    def _next(self) -> str:
        next_token = self.tokens[self.position + 1] if self.position + 1 < len(self.tokens) else ""
        return "" if _is_option(next_token) else next_token

    def _next_is_value(self) -> bool:
        return bool(VALUE_LIKE.fullmatch(_normalize(self._next())))

    def _add_correction(self, name: str, written: str, used_value: str) -> None:
        """Record a correction. Only numbers are repeated as written, because other text could be offensive."""
        normalized = _normalize(written)[:MAX_VALUE_LENGTH]
        self.corrections.append((name, normalized if VALUE_LIKE.fullmatch(normalized) else "", used_value))


def parse_options(words: str) -> tuple[str, Options]:
    """Return the prompt without its options, and the options. `words` is one line."""
    reader = _OptionReader(words.split())
    while reader.position < len(reader.tokens):
        reader.read_next()
    return " ".join(reader.prompt_words), Options(
        **reader.chosen, corrections=tuple(reader.corrections[:MAX_CORRECTIONS])
    )


def _is_option(token: str) -> bool:
    match = OPTION.fullmatch(token)
    if match is None:
        return False
    name = match["name"].lower()
    return match["dash"].startswith("-") or name in OPTIONS or name in OPTION_ALIASES or name == "no"


def _resolve_name(name: str) -> str:
    """Return the option that a name means, also with one typo."""
    name = OPTION_ALIASES.get(name, name)
    correctable = ("seed", "steps", "style", "aspect", "ratio")
    if name in OPTIONS or name in FOREIGN_WITH_VALUE | FOREIGN_WITHOUT_VALUE or len(name) < 4:
        return name
    similar = next((option_name for option_name in correctable if is_one_edit_apart(name, option_name)), name)
    return OPTION_ALIASES.get(similar, similar)


def _normalize(value: str) -> str:
    """Return the form of a value that is compared: normalized digits, without a trailing comma."""
    return unicodedata.normalize("NFKC", value).casefold().rstrip(TRAILING_VALUE_PUNCTUATION)


def _parse_aspect_ratio(value: str) -> str | None:
    """Return the nearest allowed aspect ratio."""
    value = RATIO_ALIASES.get(value, value)
    match = RATIO.fullmatch(value)
    if not match or not (float(match[1]) and float(match[2])):
        return None
    target = log(float(match[1]) / float(match[2]))
    return min(ASPECT_RATIOS, key=lambda ratio: abs(log(_ratio(ratio)) - target))


def _ratio(ratio: str) -> float:
    across, down = ratio.split(":")
    return int(across) / int(down)


def _is_same_ratio(value: str, ratio: str) -> bool:
    return value in RATIO_ALIASES or re.sub(r"[^0-9.]+", ":", value) == ratio


def _parse_style(value: str) -> str | None:
    name = STYLE_ALIASES.get(value, value)
    if name in STYLES:
        return name
    similar = (style for style in STYLES if len(style) > 4 and is_one_edit_apart(name, style))
    return next(similar, None)


def _number_parser(minimum: int, maximum: int, *, nearest: bool = True) -> Callable[[str], int | None]:
    def parse(value: str) -> int | None:
        match = NUMBER.fullmatch(COUNT_ALIASES.get(value, value))
        if not match:
            return None
        # Parsing a number of a million digits would take much time.
        number = int(match[1] + match[2]) if len(match[2]) <= MAX_DIGITS else 10**MAX_DIGITS
        return max(minimum, min(number, maximum)) if nearest or minimum <= number <= maximum else None

    return parse


def _is_same_number(value: str, used_value: Any) -> bool:
    return (COUNT_ALIASES.get(value, value).lstrip("0") or "0") == str(used_value)


# By name: field, parser (None drops the option), and whether the value was used as written.
OPTIONS: dict[str, tuple[str, Callable[[str], Any], Callable[[str, Any], bool]]] = {
    "ar": ("aspect_ratio", _parse_aspect_ratio, _is_same_ratio),
    "n": ("count", _number_parser(1, MAX_IMAGES), _is_same_number),
    # A seed has no nearest valid one.
    "seed": ("seed", _number_parser(0, MAX_SEED, nearest=False), _is_same_number),
    "steps": ("steps", _number_parser(1, MAX_STEPS), _is_same_number),
    "style": ("style", _parse_style, lambda value, used_value: STYLE_ALIASES.get(value, value) == used_value),
}
