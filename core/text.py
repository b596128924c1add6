"""Small things about text that more than one folder needs. Pure."""

import re
import unicodedata

LONGEST_ALT_TEXT = 1000  # what X allows
SPACES = re.compile(r"\s+")
# Invisible, but part of how emoji and some scripts are written.
JOINERS = "\u200c\u200d"
# Letters and signs by their kind, but nobody sees them: fillers of Hangul, blank braille.
BLANKS = "\u115f\u1160\u2800\u3164\uffa0"


def clean(text: str) -> str:
    """Replace what no database or file takes (NUL, lone surrogates), one for one so that offsets stay true."""
    return "".join("\ufffd" if c == "\0" or "\ud800" <= c <= "\udfff" else c for c in text)


def clip(text: str, limit: int) -> str:
    """One line of at most `limit` characters, cut at a word where there is one near."""
    line = " ".join(text.split())
    if len(line) <= limit:
        return line
    cut = line[: limit - 1]
    word_end = cut.rfind(" ", limit * 2 // 3)
    return f"{cut[:word_end] if word_end > 0 else cut}…"


def alt_text(prompt: str, name: str, limit: int = LONGEST_ALT_TEXT) -> str:
    """What a picture is to those who do not see it: a long prompt is cut, the name stays."""
    ending = f" – prompted by {clip(name, 80)}"
    return clip(prompt, limit - len(ending)) + ending


def tidy(text: str) -> str:
    """Drop control and invisible characters, fold white space, trim."""
    spaced = ((" " if c.isspace() or c in BLANKS else c) for c in text)
    visible = "".join(c for c in spaced if c == " " or c in JOINERS or _is_visible(c))
    line = SPACES.sub(" ", visible).strip().strip(JOINERS)
    return line if any(unicodedata.category(c)[0] not in "MZC" for c in line) else ""


def _is_visible(character: str) -> bool:
    return unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co", "Cn") or character in "\ufe0f\U000e007f"
