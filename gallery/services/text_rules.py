"""Check text that members write, with messages for them."""

from core.prompt_filter import unsafe_category


def length_error(text: str, max_length: int) -> str:
    """Return what is wrong with the length of a text, or an empty string."""
    excess = len(text) - max_length
    if excess <= 0:
        return ""
    return f"{excess:,} character{'' if excess == 1 else 's'} over the {max_length:,} limit."


def text_error(text: str, max_length: int) -> str:
    """Return what is wrong with the length or the wording of a text, or an empty string."""
    return length_error(text, max_length) or ("That wording isn't allowed here." if unsafe_category(text) else "")
