"""The search page."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import Engine

from core import search_index, search_query
from core.clock import now
from core.database import write_session
from core.models import creations
from core.people_search_index import index_person
from core.publishing import publish, unpublish
from gallery.views.pagination import PAGE_SIZE
from tests.support.gallery_data import GalleryData
from tests.support.pages import page_context

PublishPrompts = Callable[..., list[int]]


@pytest.fixture
def publish_prompts(gallery_data: GalleryData, engine: Engine) -> PublishPrompts:
    """Publish creations as the worker does, so that the search finds them."""

    def publish_all(*prompts: str, **values: Any) -> list[int]:
        ids = [gallery_data.publish(prompt=prompt, published_at=None, **values) for prompt in prompts]
        with write_session(engine) as session:
            assert len(publish(session, creations.c.id.in_(ids))) == len(ids)
        return ids

    return publish_all


def prompts(response: Response) -> Any:
    return [creation.prompt for creation in page_context(response)["result"].page.creations]


def test_search_finds_prompts_with_all_words_newest_first(client: TestClient, publish_prompts: PublishPrompts) -> None:
    publish_prompts("a red fox", "an owl", "a fox in snow")
    response = client.get("/search", params={"q": "Fox"})
    assert prompts(response) == ["a fox in snow", "a red fox"]
    assert 'value="Fox"' in response.text


def test_search_pages_to_the_end(client: TestClient, publish_prompts: PublishPrompts) -> None:
    publish_prompts(*[f"fox number {n}" for n in range(PAGE_SIZE + 3)])
    first = client.get("/search?q=fox")
    second = client.get(page_context(first)["feed"].older)
    assert len(prompts(first) + prompts(second)) == PAGE_SIZE + 3
    assert not set(prompts(first)) & set(prompts(second))
    assert page_context(second)["feed"].older is None


def test_search_of_common_words_that_rarely_meet_goes_on_by_a_link(
    client: TestClient, publish_prompts: PublishPrompts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_index, "SLICE_ROWS", 4)
    monkeypatch.setattr(search_query, "MAX_RARE", 2)
    publish_prompts("a cat and a fox", *["a cat", "a fox"] * 6)
    seen, responses = [], [client.get("/search?q=cat+fox")]
    assert "None of the newest pictures has all these words." in responses[0].text
    while older := page_context(responses[-1])["feed"].older:
        assert f'href="{older.replace("&", "&amp;")}">Search older pictures' in responses[-1].text
        responses.append(client.get(older))
        seen += prompts(responses[-1])
    assert seen == ["a cat and a fox"]
    assert "Similar words" not in "".join(response.text for response in responses)


def test_older_pages_of_prefixes_go_on_with_prefixes(client: TestClient, publish_prompts: PublishPrompts) -> None:
    publish_prompts("a lighthouse", *["a lighter"] * PAGE_SIZE)
    first = client.get("/search?q=light")
    assert prompts(client.get(page_context(first)["feed"].older)) == ["a lighthouse"]
    publish_prompts("light")
    assert prompts(client.get(page_context(first)["feed"].older)) == []


def test_search_falls_back_to_prefixes_and_says_so(client: TestClient, publish_prompts: PublishPrompts) -> None:
    publish_prompts("a lighthouse")
    response = client.get("/search?q=light")
    assert prompts(response) == ["a lighthouse"]
    assert "Similar words" in response.text
    assert "Similar words" not in client.get("/search?q=lighthouse").text


def test_search_without_results_keeps_the_query(client: TestClient) -> None:
    response = client.get("/search", params={"q": "a unicorn <b>"})
    assert response.status_code == 200
    assert "No results." in response.text
    assert 'value="a unicorn &lt;b&gt;"' in response.text


def test_search_without_words_shows_only_the_field(
    client: TestClient, publish_prompts: PublishPrompts, statements: list[str]
) -> None:
    publish_prompts("a fox")
    statements.clear()
    response = client.get("/search")
    assert 'name="q"' in response.text
    assert statements == []


def test_search_finds_people_by_handle(client: TestClient, gallery_data: GalleryData) -> None:
    gallery_data.publish(person_id=gallery_data.person("Ada_L"))
    for words in ("@ada_l", "ada_l"):
        assert 'href="/@Ada_L"' in client.get("/search", params={"q": words}).text
    assert "author" not in client.get("/search?q=nobody").text


def test_people_are_found_by_display_name_if_they_have_something_to_show(
    client: TestClient, gallery_data: GalleryData, engine: Engine
) -> None:
    kofi, quiet, hidden = (
        gallery_data.person("kofi_m"),
        gallery_data.person("quiet"),
        gallery_data.person("hidden", hidden_at=now()),
    )
    gallery_data.publish(person_id=kofi)
    gallery_data.publish(person_id=hidden)
    member = gallery_data.person("member", name="Kofi Annan", member_since=now())
    with write_session(engine) as session:
        for person_id, username, name in [
            (kofi, "kofi_m", "Kofi Ménsah"),
            (quiet, "quiet", "Kofi"),
            (hidden, "hidden", "Kofi"),
            (member, "member", "Kofi Annan"),
        ]:
            index_person(session, person_id, username, name)
    assert {f"/@{name}" for name in ("kofi_m", "member")} == people(client.get("/search?q=kofi"))
    assert people(client.get("/search", params={"q": "mensah KOFI"})) == {"/@kofi_m"}
    assert people(client.get("/search?q=mens")) == {"/@kofi_m"}
    assert people(client.get("/search?q=kofi_m")) == {"/@kofi_m"}
    assert people(client.get("/search?q=nobody")) == set()


def people(response: Response) -> Any:
    return set(re.findall(r'search__person.*?href="([^"]+)"', response.text, re.DOTALL))


@pytest.mark.parametrize("words", ["{}", "No. {}", "no {}", "NO.{}", "#{}", " № {} "])
def test_search_finds_creations_by_number(client: TestClient, gallery_data: GalleryData, words: Any) -> None:
    number = gallery_data.publish(prompt="a red lighthouse")
    response = client.get("/search", params={"q": words.format(number)})
    assert f'<a href="/c/{number}">No. {number}</a>' in response.text
    assert prompts(response) == ["a red lighthouse"]
    assert f"No. {number}" in client.get(f"/c/{number}").text


@pytest.mark.parametrize("words", ["9", "No. 0", "No. 99999999999999999999", "No. ٣", "-1", "No. 1 2", "#"])
def test_search_ignores_unknown_numbers(client: TestClient, gallery_data: GalleryData, words: Any) -> None:
    gallery_data.publish()
    response = client.get("/search", params={"q": words})
    assert (response.status_code, "search__number" in response.text) == (200, False)


def test_search_ignores_numbers_of_hidden_creations(client: TestClient, gallery_data: GalleryData) -> None:
    number = gallery_data.creation()
    assert "search__number" not in client.get(f"/search?q={number}").text


def test_search_omits_deleted_creations(client: TestClient, publish_prompts: PublishPrompts, engine: Engine) -> None:
    [one] = publish_prompts("a fox")
    with write_session(engine) as session:
        unpublish(session, creations.c.id == one)
    assert prompts(client.get("/search?q=fox")) == []


def test_search_accepts_any_text(client: TestClient, publish_prompts: PublishPrompts) -> None:
    publish_prompts("a fox")
    for words in ('"', "*", "fox*", "NEAR(fox)", "fox' --", "\x00", "x" * 9000, "fox " * 2000, "\ufffd"):
        assert client.get("/search", params={"q": words}).status_code == 200, words
    assert client.get("/search?q=fox&cursor=nonsense").status_code == 422


def test_search_costs_the_same_statements_whatever_it_finds(
    client: TestClient, publish_prompts: PublishPrompts, statements: list[str]
) -> None:
    publish_prompts("one fox")
    statements.clear()
    client.get("/search?q=fox")
    few = len(statements)
    publish_prompts(*["another fox"] * 12)
    statements.clear()
    client.get("/search?q=fox")
    assert len(statements) == few <= 6


def test_search_pages_are_not_indexed(client: TestClient) -> None:
    assert '<meta name="robots" content="noindex, follow">' in client.get("/search?q=fox").text
