"""Settings, links, files, commands and tests that the documents name exist."""

import re
from pathlib import Path

import pytest
import typer
from typer.core import TyperGroup

from cli.app import app
from core.settings import Settings
from gallery.settings import GallerySettings  # noqa: F401  # registers its fields as a subclass of Settings

ROOT = Path(__file__).parent.parent.parent
PAGES = [
    *ROOT.glob("*.md"),
    *ROOT.glob("docs/**/*.md"),
    ROOT / "sandbox/README.md",
    ROOT / "gpu/README.md",
]
FOLDERS = ("bot", "cli", "core", "docs", "gallery", "gpu", "sandbox", "tests", "tools", "worker")
MIN_TESTS_OF_PITFALLS = 100
# A pattern for new files.
PLACEHOLDERS = {"core/migrations/versions/00NN_what_changes.py"}


def page_id(page: Path) -> str:
    return str(page.relative_to(ROOT))


def test_env_example_names_every_setting() -> None:
    named = set(re.findall(r"^#?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    fields = {name.upper() for kind in Settings.__subclasses__() for name in kind.model_fields}
    assert fields - named == set()
    assert named - fields == set()


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_links_between_pages_exist(page: Path) -> None:
    links = re.findall(r"\]\((?!https?://)([^)#]+)\)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_files_named_by_pages_exist(page: Path) -> None:
    """Paths in backticks, such as `core/x/client.py` or `bot/intent/tables/*.toml`."""
    paths = re.findall(rf"`((?:{'|'.join(FOLDERS)})/[\w./*-]*)`", page.read_text())
    assert [path for path in paths if path not in PLACEHOLDERS and not any(ROOT.glob(path.rstrip("/")))] == []


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_make_targets_of_pages_exist(page: Path) -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = re.findall(r"(?:`|    )make ([a-z-]+)", page.read_text())
    assert [target for target in targets if f"\n{target}:" not in makefile] == []


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_commands_of_pages_exist(page: Path) -> None:
    """Commands and options in backticks or indented code, such as `threadpaint user ban @ada --hide`."""
    lines = re.findall(r"(?:`|^    |^)threadpaint ([a-z-][^`\n]*?)(?:`|  +|$)", page.read_text(), re.MULTILINE)
    assert [error for line in lines if (error := command_error(line))] == []


def command_error(line: str) -> str:
    """Return why a command line of the console script is wrong, or nothing."""
    command = typer.main.get_command(app)
    words = line.split("#", maxsplit=1)[0].split()
    while words and isinstance(command, TyperGroup) and re.fullmatch("[a-z][a-z-]*", words[0]):
        subcommand = command.commands.get(words.pop(0))
        if subcommand is None:
            return f"no such command: {line}"
        command = subcommand
    known = {option for parameter in command.params for option in parameter.opts} | {"--help", "--version"}
    return " ".join(f"no such option: {word}" for word in words if word.startswith("--") and word not in known)


def test_tests_named_by_pitfalls_exist() -> None:
    named = set(re.findall(r"`(test_\w+)`", (ROOT / "docs/pitfalls.md").read_text()))
    source = "\n".join(file.read_text() for file in (ROOT / "tests").rglob("test_*.py"))
    defined = set(re.findall(r"^def (test_\w+)\(", source, re.MULTILINE))
    assert len(named) > MIN_TESTS_OF_PITFALLS
    assert named - defined == set()
