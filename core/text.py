"""Clean, shorten and normalize text. Pure functions."""

import re
import unicodedata
from functools import lru_cache

MAX_ALT_TEXT_LENGTH = 1000  # what X allows
SPACES = re.compile(r"\s+")
# Invisible, but part of emoji and of some scripts.
JOINERS = "\u200c\u200d"
# Letters and signs without a visible form: Hangul fillers, blank Braille and hieroglyphs, a null notehead.
BLANKS = "\u115f\u1160\u2800\u3164\uffa0\U00013441\U00013442\U0001d159"
# Flag of a region: a black flag, 3 to 6 invisible letters or digits, a cancel tag. Other tag characters are dropped,
# because they can hide text from readers.
TAG_FLAG = re.compile("\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{3,6}\U000e007f")
# Code points that modify the one before them: joiners, variation selectors, skin tones, tags.
_CONTINUES = re.compile("[\u200c\u200d\ufe00-\ufe0f\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]")


def mark(text: str) -> str:
    """Return the text as it is. The gallery translates it when it shows it; `make translations` collects these."""
    return text


def mark_plural(singular: str, plural: str) -> tuple[str, str]:
    """Return both forms as they are, for `ngettext`."""
    return singular, plural


def clean(text: str) -> str:
    """Replace NUL and lone surrogates, which databases and files reject. Offsets stay the same."""
    return "".join("\ufffd" if c == "\0" or "\ud800" <= c <= "\udfff" else c for c in text)


def clip(text: str, limit: int) -> str:
    """Return one line of at most `limit` characters, cut between words if possible."""
    line = " ".join(text.split())
    if len(line) <= limit:
        return line
    cut = line[: _whole_sign_end(line, limit - 1)]
    word_end = cut.rfind(" ", limit * 2 // 3)
    return f"{cut[:word_end] if word_end > 0 else cut}…"


def alt_text(prompt: str, name: str, limit: int = MAX_ALT_TEXT_LENGTH) -> str:
    """Return the alt text of a picture: the prompt, cut if it is long, and the name of its author."""
    ending = f" – prompted by {clip(name, 80)}"
    return clip(prompt, limit - len(ending)) + ending


def tidy(text: str) -> str:
    """Drop control and invisible characters, fold white space, trim."""
    flags = {place for flag in TAG_FLAG.finditer(text) for place in range(*flag.span())}
    spaced = ((place, " " if c.isspace() or c in BLANKS else c) for place, c in enumerate(text))
    visible = "".join(c for place, c in spaced if c == " " or c in JOINERS or place in flags or _is_visible(c))
    line = SPACES.sub(" ", visible).strip().strip(JOINERS)
    return line if any(unicodedata.category(c)[0] not in "MZC" for c in line) else ""


@lru_cache(maxsize=10_000)
def display_name(name: str, handle: str) -> str:
    """Return the name to show for a person: the display name, or the handle if nothing of that name is visible."""
    return tidy(name) or handle


def _is_visible(character: str) -> bool:
    return unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co", "Cn") or character == "\ufe0f"


def _whole_sign_end(line: str, end: int) -> int:
    """Return the last place at or before `end` where a cut splits no emoji and no letter from its marks."""
    whole = end
    while whole > 0 and _belongs_together(line[whole - 1], line[whole]):
        whole -= 1
    return whole or end


def _belongs_together(before: str, after: str) -> bool:
    return before == "\u200d" or bool(_CONTINUES.match(after)) or unicodedata.category(after)[0] == "M"
