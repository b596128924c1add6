"""Collect the texts of the gallery, and bring the files of its languages up to date: `make translations`.

Texts are marked in Python and JavaScript by `gettext("…")` and `ngettext("…", "…", n)`, in templates by `{% trans %}`
or `gettext`. New texts come empty into `gallery/locale/<language>.po`, and those that no page has any more are dropped.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import write_po

from gallery.translations import LANGUAGE_NAMES, LOCALE, read_catalog

ROOT = Path(__file__).parent.parent
TEMPLATES = "templates/**.html"
METHODS = {
    "core": [("**.py", "python")],
    "gallery": [("**.py", "python"), (TEMPLATES, "jinja2"), ("static/**.js", "javascript")],
}
# `mark`: a text that is translated later, when a variable holds it.
KEYWORDS = {"gettext": None, "ngettext": (1, 2), "mark": None, "mark_plural": (1, 2)}
OPTIONS = {TEMPLATES: {"trimmed": "true", "silent": "false", "newstyle_gettext": "true"}}


HEADER = """msgid ""
msgstr ""
"Language: {language}\\n"
"Plural-Forms: {plurals}\\n"
"Content-Type: text/plain; charset=utf-8\\n"

"""


def collect() -> Catalog:
    """Return all marked texts, each with the files that hold it."""
    catalog = Catalog(project="Threadpaint", charset="utf-8")
    for folder, methods in METHODS.items():
        found = extract_from_dir(ROOT / folder, methods, OPTIONS, KEYWORDS, comment_tags=("L10N:",))
        for path, line, message, comments, context in found:
            catalog.add(message, locations=[(f"{folder}/{path}", line)], auto_comments=comments, context=context)
    return catalog


def update(language: str, texts: Catalog) -> Catalog:
    """Return the catalog of a language with exactly these texts. A text that has changed starts empty."""
    path = LOCALE / f"{language}.po"
    catalog = read_catalog(language) if path.exists() else Catalog(locale=language)
    catalog.update(texts, no_fuzzy_matching=True)
    catalog.obsolete.clear()
    return catalog


def untranslated(catalog: Catalog) -> Iterator[Message]:
    """Yield the texts without a translation, or with one for fewer plural forms than the language has."""
    for message in catalog:
        forms = message.string if isinstance(message.string, (tuple, list)) else [message.string]
        is_short = message.pluralizable and len(forms) < catalog.num_plurals
        if message.id and (is_short or not all(forms) or message.fuzzy):
            yield message


def encode(catalog: Catalog) -> bytes:
    """Return the file of a catalog: sorted, without line numbers and dates, so that it changes only with the texts."""
    out = BytesIO()
    write_po(out, catalog, sort_output=True, include_lineno=False, omit_header=True, width=120)
    return HEADER.format(language=catalog.locale_identifier, plurals=catalog.plural_forms).encode() + out.getvalue()


def main() -> None:
    texts = collect()
    for language in sys.argv[1:] or [name for name in LANGUAGE_NAMES if (LOCALE / f"{name}.po").exists()]:
        catalog = update(language, texts)
        (LOCALE / f"{language}.po").write_bytes(encode(catalog))
        print(f"{language}: {len(catalog)} texts, {sum(1 for _ in untranslated(catalog))} without a translation")


if __name__ == "__main__":
    main()
