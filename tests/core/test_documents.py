"""What the documents say is there, is there."""

import re
from pathlib import Path

import pytest

from core.settings import Settings
from gallery.settings import GallerySettings  # noqa: F401  # a class of settings is known once it is imported

ROOT = Path(__file__).parent.parent.parent


def test_the_example_of_the_environment_names_every_setting() -> None:
    named = set(re.findall(r"^#?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    fields = {name.upper() for kind in Settings.__subclasses__() for name in kind.model_fields}
    assert fields - named == set()
    assert named - fields == set()


@pytest.mark.parametrize(
    "name", ["README.md", "docs/going-live.md", "docs/pitfalls.md", "sandbox/README.md", "gpu/README.md"]
)
def test_links_between_documents_lead_somewhere(name: str) -> None:
    document = ROOT / name
    links = re.findall(r"\]\((?!https?://)([^)#]+)\)", document.read_text())
    assert [link for link in links if not (document.parent / link).exists()] == []


def test_every_command_of_the_readme_exists() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"(?:`|    )make ([a-z-]+)", (ROOT / "README.md").read_text()):
        assert f"\n{target}:" in makefile, target


def test_every_test_that_the_pitfalls_name_exists() -> None:
    named = set(re.findall(r"`(test_\w+)`", (ROOT / "docs/pitfalls.md").read_text()))
    written = "\n".join(file.read_text() for file in (ROOT / "tests").rglob("test_*.py"))
    there = set(re.findall(r"^def (test_\w+)\(", written, re.MULTILINE))
    assert len(named) > 100
    assert named - there == set()
