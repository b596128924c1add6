"""Fail if a name in the code uses a private word instead of a standard term: `make lint` runs this.

docs/glossary.md has one word for each thing. In Python only definitions are checked, so a library may use these words.
In templates, style sheets and scripts all names are checked, but no comments and no texts.

    python tools/check_names.py [PATH ...]
"""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent

# Private word -> what to say instead.
WORDS = {
    "anew": "again",
    "deeds": "actions, commands",
    "easel": "activity, pending",
    "ears": "mention source",
    "errand": "job",
    "hang": "publish",
    "hanging": "published",
    "hangs": "is_public",
    "heard": "fetched, processed",
    "house": "instance, app, context",
    "hung": "published",
    "kept": "cached, stored",
    "lately": "recently",
    "manners": "policy, rules, defaults",
    "notebook": "repository",
    "purse": "budget",
    "told": "headers, context, reply_text, errors, payload, price, lines: name the thing",
    "toll": "call guard",
    "untell": "retract",
    "veil": "sensitive, blur",
    "veiled": "sensitive, blurred",
    "wish": "intent, params, request",
    "wished": "requested",
    "wishes": "params, limits",
    "workshop": "creation config",
}
# First word of a constant -> what to say instead.
PREFIXES = {
    "AT_ONCE": "BATCH_SIZE",
    "FEWEST": "MIN",
    "LARGEST": "MAX",
    "LEAST": "MIN",
    "LONGEST": "MAX",
    "MOST": "MAX",
    "PATIENCE": "TIMEOUT_SECONDS",
    "SHORTEST": "MIN",
}
# Private words only in templates, style sheets and scripts: Python code uses them in their plain sense.
FRONT_END_WORDS = {
    "curtain": "sensitive gate",
    "family": "remix tree",
    "glass": "search, icon",
    "museum": "label, details",
    "once": "idempotency key, single",
    "said": "comment, status, message",
    "saying": "comment form",
    "unsay": "delete",
    "wall": "feed, background",
}
FRONT_END = ("gallery/static/", "gallery/templates/", "sandbox/static/", "sandbox/templates/")
# The sketch engine draws houses.
EXEMPT = {"house": ("gpu/sketch/", "tests/gpu/test_sketch")}

WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
STRING = r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|`(?:\\.|[^`\\])*`"
COMMENTS = {".css": r"/\*.*?\*/", ".html": r"\{#.*?#\}", ".js": rf"({STRING})|//[^\n]*|/\*.*?\*/"}
TEMPLATE_TAG = r"\{[{%][^\n]*?[%}]\}"
# Classes with an element or modifier, and data attributes: wherever they stand, also in a script's strings.
ANYWHERE = re.compile(r"\bdata-[\w-]+|[\w-]+(?:__|--)[\w-]+")
NAMES = {
    ".css": re.compile(r"(?:[.#]|--|@keyframes )[A-Za-z][\w-]*"),
    ".html": re.compile(rf"\b(?:class|id|name|for|form)=\"(?:{TEMPLATE_TAG}|[^\"{{])+"),
    ".js": re.compile(r"[A-Za-z_$][\w$]*"),
}


def main(paths: list[str]) -> int:
    """Print each bad name with its place. Return 1 if there is one."""
    problems = [problem for path in _files(paths) for problem in check_file(path)]
    print(*problems, sep="\n", end="\n" if problems else "")
    return 1 if problems else 0


def check_file(path: Path) -> Iterator[str]:
    """Yield one line for each name in a file, or of the file itself, that uses a private word."""
    place, text = path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")
    found = _definitions(ast.parse(text)) if path.suffix == ".py" else _front_end_names(text, path.suffix)
    names = [(0, path.stem), *found]
    for line, name in dict.fromkeys(names):
        for bad, better in _bad_words(name, place):
            yield f"{place}:{line}: `{name}` uses `{bad}`; say: {better}"


def _files(paths: list[str]) -> Iterator[Path]:
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *(paths or ["."])]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout  # noqa: S603 no input of users
    for name in listed.split("\0"):
        is_code = name.endswith(".py") or (name.startswith(FRONT_END) and name.endswith(tuple(NAMES)))
        if is_code and (ROOT / name).exists() and "migrations/versions" not in name:
            yield ROOT / name


def _definitions(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.lineno, node.name
            case ast.arg():
                yield node.lineno, node.arg
            case ast.Name(ctx=ast.Store()):
                yield node.lineno, node.id
            case ast.Attribute(ctx=ast.Store()):
                yield node.lineno, node.attr
            case ast.alias(asname=str() as name):
                yield node.lineno, name


def _front_end_names(text: str, suffix: str) -> Iterator[tuple[int, str]]:
    text = _blank(COMMENTS[suffix], text)
    code = _blank(STRING, text) if suffix == ".js" else text
    matches = [*ANYWHERE.finditer(text), *NAMES[suffix].finditer(code)]
    yield from ((_line(match.string, match.start()), match[0].lstrip(".#-")) for match in matches)
    for tag in re.finditer(TEMPLATE_TAG, text) if suffix == ".html" else ():
        for name in re.findall(r"[A-Za-z_]\w*", _blank(STRING, tag[0])):
            yield _line(text, tag.start()), name


def _blank(pattern: str, text: str) -> str:
    """Remove what matches, except its line breaks and its first group."""

    def replacement(match: re.Match[str]) -> str:
        return match[1] if match.lastindex else "\n" * match[0].count("\n")

    return re.sub(pattern, replacement, text, flags=re.DOTALL)


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def _bad_words(name: str, place: str) -> Iterator[tuple[str, str]]:
    private = WORDS | FRONT_END_WORDS if place.startswith(FRONT_END) else WORDS
    words = [word.lower() for word in WORD.findall(name)]
    for word in dict.fromkeys(words):
        if word in private and not place.startswith(EXEMPT.get(word, ("\0",))):
            yield word, private[word]
    if name.isupper():
        for prefix, better in PREFIXES.items():
            if f"{name}_".startswith(f"{prefix}_"):
                yield prefix, better


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
