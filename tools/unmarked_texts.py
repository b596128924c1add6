"""Find texts of templates and scripts that no language can translate: `python -m tools.unmarked_texts`.

A heuristic: words between tags and in attributes that people read, and constants of expressions that look like texts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

from jinja2 import Environment, nodes

TEMPLATES = Path(__file__).parent.parent / "gallery" / "templates"
# For programmers, in English.
ENGLISH_ONLY = {"api.html"}
# Names that are the same in every language.
NAMES = re.compile(
    r"(?:\b|(?=-))(?:Threadpaint|API|X|Atom|WebP|PNG|JPEG|threadpaint|No|wide|light dark|--style|--ar)\b"
)
READ_ATTRIBUTES = {"alt", "title", "placeholder", "aria-label", "data-busy", "data-labels", "data-copy-label"}
WORD = re.compile(r"[A-Za-z]{2,}")
# A sentence or a label, not a class, a path or a size.
TEXT = re.compile(r"^[A-Z][a-z]+|[a-z]{2,} [a-z]{2,}")
CODE = re.compile(r"[<>=/_]|--|\drem|\dvw|\.html")


def unmarked(path: Path) -> Iterator[str]:
    """Yield the texts of a template that are not marked."""
    source = path.read_text()
    yield from _static_texts(source)
    yield from _constants(source)


def _static_texts(source: str) -> Iterator[str]:
    for pattern in (r"\{#.*?#\}", r"\{%-?\s*trans\b.*?\{%-?\s*endtrans\s*-?%\}", r"\{%.*?%\}", r"\{\{.*?\}\}"):
        source = re.sub(pattern, "", source, flags=re.DOTALL)
    for text in _ReadTexts(source).texts:
        if WORD.search(NAMES.sub("", text)):
            yield " ".join(text.split())


class _ReadTexts(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.texts += [value for name, value in attrs if name in READ_ATTRIBUTES and value]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def _constants(source: str) -> Iterator[str]:
    tree = Environment(extensions=["jinja2.ext.i18n"]).parse(source)  # noqa: S701  # it renders nothing
    marked = {
        id(constant)
        for call in tree.find_all(nodes.Call)
        if isinstance(call.node, nodes.Name) and call.node.name in {"gettext", "ngettext"}
        for constant in call.find_all(nodes.Const)
    }
    for constant in tree.find_all(nodes.Const):
        if id(constant) not in marked and isinstance(constant.value, str) and _is_read(constant.value):
            yield constant.value


def _is_read(text: str) -> bool:
    return bool(TEXT.search(text) and WORD.search(NAMES.sub("", text)) and not CODE.search(text))


def main() -> None:
    for path in sorted(TEMPLATES.glob("*.html")):
        for text in unmarked(path) if path.name not in ENGLISH_ONLY else ():
            print(f"{path.name}: {text}")


if __name__ == "__main__":
    main()
