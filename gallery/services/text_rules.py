"""Check text that members write, with messages for them."""

from core.prompt_filter import unsafe_category
from gallery.translations import format_number, gettext, ngettext


def length_error(text: str, max_length: int) -> str:
    """Return what is wrong with the length of a text, or an empty string."""
    excess = len(text) - max_length
    if excess <= 0:
        return ""
    return ngettext(
        "%(num)s character over the %(limit)s limit.",
        "%(num)s characters over the %(limit)s limit.",
        excess,
        num=format_number(excess),
        limit=format_number(max_length),
    )


def text_error(text: str, max_length: int) -> str:
    """Return what is wrong with the length or the wording of a text, or an empty string."""
    return length_error(text, max_length) or (
        gettext("That wording isn't allowed here.") if unsafe_category(text) else ""
    )
