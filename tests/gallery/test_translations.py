"""Texts in the languages of the gallery: each is marked and translated, and the request chooses the language."""

import re
from collections.abc import Callable, Iterator

import pytest

from gallery.translations import ENGLISH, LANGUAGES, choose_language, read_catalog
from tests.support.gallery_data import GalleryData
from tests.support.site_client import SiteClient
from tools.translations import collect, encode, untranslated, update
from tools.unmarked_texts import ENGLISH_ONLY, TEMPLATES, unmarked

OTHERS = [language for language in LANGUAGES if language != ENGLISH]
PLACEHOLDER = re.compile(r"%\(\w+\)s|%%|\{\w+\}")
MARKUP = re.compile(r"</?[a-z]+")


@pytest.mark.parametrize(
    ("cookie", "header", "language"),
    [
        ("", "de-AT,de;q=0.9,en;q=0.8", "de"),
        ("", "pt-BR", "pt"),
        ("", "nl,fr;q=0.5,ja;q=0.7", "ja"),
        ("", "en-US,de;q=0.5", "en"),
        ("", "de;q=0,fr;q=0.1", "fr"),
        ("es", "de", "es"),
        ("xx", "de", "de"),
        ("", "", "en"),
        ("", "tlh", "en"),
        ("", ";q=,,;;q=x,\0,de;q=abc", "en"),
    ],
)
def test_language_is_that_of_the_cookie_or_of_the_browser(cookie: str, header: str, language: str) -> None:
    assert choose_language(cookie, header) == language


@pytest.mark.parametrize("name", sorted(path.name for path in TEMPLATES.glob("*.html")))
def test_every_text_of_a_template_is_marked(name: str) -> None:
    assert name in ENGLISH_ONLY or list(unmarked(TEMPLATES / name)) == []


@pytest.mark.parametrize("language", OTHERS)
def test_no_text_is_missing(language: str) -> None:
    catalog = update(language, collect())
    missing = [message.id for message in untranslated(catalog)]
    assert missing == [], "run `make translations`, then translate these"
    assert encode(catalog) == encode(read_catalog(language)), "run `make translations`"


@pytest.mark.parametrize("language", OTHERS)
def test_translations_keep_values_and_markup(language: str) -> None:
    wrong = [text for text, translated in _pairs(language) if _parts(text) != _parts(translated)]
    assert wrong == []


PAGES = (
    "/",
    "/top",
    "/search?q=fox",
    "/help",
    "/c/1",
    "/@ada",
    "/me",
    "/me/notifications",
    "/me/settings",
    "/me/boards",
)


@pytest.mark.parametrize("language", OTHERS)
def test_pages_are_in_the_language_of_the_browser(
    client: SiteClient, gallery_data: GalleryData, sign_in: Callable[[SiteClient, int], str], language: str
) -> None:
    ada = gallery_data.person("ada")
    gallery_data.publish(prompt="a fox", person_id=ada)
    sign_in(client, ada)
    for path in (*PAGES, "/paint", "/me/mutes", "/nothing/here"):
        answer = client.get(path, headers={"Accept-Language": f"{language},en;q=0.5"})
        assert f'<html lang="{language}"' in answer.text, path
        assert answer.headers["content-language"] == language
        assert "Accept-Language" in answer.headers["vary"]
        assert "%(" not in answer.text, path
    script = re.search(r'src="(/static/\w+/texts\.\w+\.js)"', answer.text)
    assert script and client.get(script[1]).text.startswith("window.texts = {")


def test_the_switch_of_languages_wins_over_the_browser(client: SiteClient, gallery_data: GalleryData) -> None:
    gallery_data.publish()
    client.post("/language", data={"language": "es"}, headers={"Origin": "http://testserver"})
    assert '<html lang="es"' in client.get("/", headers={"Accept-Language": "de"}).text
    client.post("/language", data={"language": "tlh"}, headers={"Origin": "http://testserver"})
    assert '<html lang="de"' in client.get("/", headers={"Accept-Language": "de"}).text


def _pairs(language: str) -> Iterator[tuple[str, str]]:
    """Yield each text with its translation; of plurals the last form, which holds all values."""
    for message in read_catalog(language):
        if message.id:
            yield _last(message.id), _last(message.string)


def _last(text: object) -> str:
    return str(text[-1]) if isinstance(text, (list, tuple)) else str(text)


def _parts(text: str) -> list[str]:
    return sorted(PLACEHOLDER.findall(text) + MARKUP.findall(text))
