"""Small things about text that more than one folder needs. Pure."""

LONGEST_ALT_TEXT = 1000  # what X allows


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
