"""Translate what pages say. The language belongs to the request: a context variable holds it, also in its threads.

`gallery/locale/<language>.po` holds the texts of one language; a text that is missing there stays English. No compiled
files are kept: a catalog is read once, the first time that its language is used.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_compact_decimal, format_decimal

LOCALE = Path(__file__).parent / "locale"
ENGLISH = "en"
# By their own names, as the switch shows them.
LANGUAGE_NAMES = {
    ENGLISH: "English",
    "de": "Deutsch",
    "es": "Español",
    "fr": "Français",
    "pt": "Português",
    "ja": "日本語",
}
LANGUAGES = tuple(name for name in LANGUAGE_NAMES if name == ENGLISH or (LOCALE / f"{name}.po").exists())
_current: ContextVar[str] = ContextVar("language", default=ENGLISH)


def current_language() -> str:
    """Return the language of the request that runs now, as BCP 47."""
    return _current.get()


@contextmanager
def use_language(language: str) -> Iterator[None]:
    """Translate into a language inside of a `with` block."""
    token = _current.set(language)
    try:
        yield
    finally:
        _current.reset(token)


def gettext(message: str, **values: object) -> str:
    """Return the message in the current language, with `%(name)s` filled if there are values."""
    language = _current.get()
    text = message if language == ENGLISH or not message else _translations(language).gettext(message)
    return text % values if values else text


def ngettext(singular: str, plural: str, number: int, **values: object) -> str:
    """Return the form for a number in the current language, with `%(name)s` filled if there are values."""
    language = _current.get()
    if language == ENGLISH:
        text = singular if number == 1 else plural
    else:
        text = _translations(language).ngettext(singular, plural, number)
    return text % values if values else text


def format_number(number: float, decimals: int = 0) -> str:
    """Return the number with the separators of the current language."""
    language = _current.get()
    if language == ENGLISH:  # babel takes 60 us
        return f"{number:,.{decimals}f}"
    return format_decimal(number, f"#,##0.{'0' * decimals}" if decimals else "#,##0", locale=language)


def format_short(number: int) -> str:
    """Return the number in few characters, `1.2K` in English, for counts that are read at a glance."""
    if number < 1000:
        return str(number)
    return format_compact_decimal(number, locale=_current.get(), fraction_digits=1)


def choose_language(preferred: str, accept_language: str) -> str:
    """Return the language of the site for a visitor.

    Args:
        preferred: of the visitor's cookie; empty for none.
        accept_language: the header, such as `pt-BR,pt;q=0.9,en;q=0.8`. Nonsense in it is skipped.
    """
    if preferred in LANGUAGES:
        return preferred
    accepted = sorted(_parse_accept_language(accept_language), key=lambda item: -item[1])
    return next((language for language, quality in accepted if quality > 0 and language in LANGUAGES), ENGLISH)


def read_catalog(language: str) -> Catalog:
    """Return the texts of a language from its file."""
    with (LOCALE / f"{language}.po").open("rb") as file:
        return read_po(file, locale=language)


def script_texts(language: str) -> bytes:
    """Return a script that gives `static/translate.js` the texts of all scripts, by their English."""
    texts = {
        message.id[0] if message.pluralizable else message.id: message.string
        for message in read_catalog(language)
        if message.id and any(path.endswith(".js") for path, _line in message.locations)
    }
    return f"window.texts = {json.dumps(texts, ensure_ascii=False)}\n".encode()


@cache
def _translations(language: str) -> NullTranslations:
    compiled = BytesIO()
    write_mo(compiled, read_catalog(language))
    compiled.seek(0)
    return GNUTranslations(compiled)


def _parse_accept_language(header: str) -> Iterator[tuple[str, float]]:
    for item in header[:500].split(","):
        tag, _, quality = item.partition(";q=")
        try:
            yield tag.strip().partition("-")[0].lower(), float(quality or 1)
        except ValueError:
            continue
