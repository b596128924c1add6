"""The page of a search: what hangs, by the words of its prompt."""

import re

import pytest

from core.clock import now
from core.database import transaction
from core.models import creations
from core.searching_people import index_person
from core.visibility import conceal, show
from gallery.keyset import PAGE_SIZE


@pytest.fixture
def found_wall(wall, engine):
    """Hangs pictures the way the house does, so that they are found."""

    def hang(*prompts, **values):
        ids = [wall.hang(prompt=prompt, shown_at=None, **values) for prompt in prompts]
        with transaction(engine) as session:
            assert len(show(session, creations.c.id.in_(ids))) == len(ids)
        return ids

    return hang


def prompts(response):
    return [creation.prompt for creation in response.context["result"].page.creations]


def test_a_search_shows_pictures_with_all_its_words_newest_first(client, found_wall):
    found_wall("a red fox", "an owl", "a fox in snow")
    response = client.get("/search", params={"q": "Fox"})
    assert prompts(response) == ["a fox in snow", "a red fox"]
    assert 'value="Fox"' in response.text


def test_it_goes_on_by_its_link_until_the_end(client, found_wall):
    found_wall(*[f"fox number {n}" for n in range(PAGE_SIZE + 3)])
    first = client.get("/search?q=fox")
    second = client.get(first.context["wall"].older)
    assert len(prompts(first) + prompts(second)) == PAGE_SIZE + 3
    assert not set(prompts(first)) & set(prompts(second))
    assert second.context["wall"].older is None


def test_where_nothing_has_the_words_their_beginnings_are_enough_and_that_is_said(client, found_wall):
    found_wall("a lighthouse")
    response = client.get("/search?q=light")
    assert prompts(response) == ["a lighthouse"]
    assert "words that begin so" in response.text
    assert "words that begin so" not in client.get("/search?q=lighthouse").text


def test_nothing_found_is_said_kindly_and_keeps_the_words(client):
    response = client.get("/search", params={"q": "a unicorn <b>"})
    assert response.status_code == 200
    assert "Nothing was painted from these words yet." in response.text
    assert 'value="a unicorn &lt;b&gt;"' in response.text


def test_without_words_there_is_only_the_field(client, found_wall, statements):
    found_wall("a fox")
    statements.clear()
    response = client.get("/search")
    assert 'name="q"' in response.text
    assert statements == []


def test_a_handle_leads_to_its_person(client, wall):
    wall.hang(person_id=wall.person("Ada_L"))
    for words in ("@ada_l", "ada_l"):
        assert 'href="/@Ada_L"' in client.get("/search", params={"q": words}).text
    assert "author" not in client.get("/search?q=nobody").text


def test_people_are_found_by_display_name_if_they_have_something_to_show(client, wall, engine):
    kofi, quiet, hidden = wall.person("kofi_m"), wall.person("quiet"), wall.person("hidden", hidden_at=now())
    wall.hang(person_id=kofi)
    wall.hang(person_id=hidden)
    member = wall.person("member", name="Kofi Annan", member_since=now())
    with transaction(engine) as session:
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


def people(response):
    return set(re.findall(r'search__person.*?href="([^"]+)"', response.text, re.DOTALL))


@pytest.mark.parametrize("words", ["{}", "No. {}", "no {}", "NO.{}", "#{}", " № {} "])
def test_the_number_of_a_reply_leads_to_its_creation(client, wall, words):
    number = wall.hang(prompt="a red lighthouse")
    response = client.get("/search", params={"q": words.format(number)})
    assert f'<a href="/c/{number}">No. {number}</a>' in response.text
    assert prompts(response) == ["a red lighthouse"]
    assert f"No. {number}" in client.get(f"/c/{number}").text


@pytest.mark.parametrize("words", ["9", "No. 0", "No. 99999999999999999999", "No. ٣", "-1", "No. 1 2", "#"])
def test_a_number_that_nothing_has_leads_nowhere(client, wall, words):
    wall.hang()
    response = client.get("/search", params={"q": words})
    assert (response.status_code, "search__number" in response.text) == (200, False)


def test_the_number_of_what_does_not_hang_leads_nowhere(client, wall):
    number = wall.creation()
    assert "search__number" not in client.get(f"/search?q={number}").text


def test_what_is_taken_down_is_not_found(client, found_wall, engine):
    [one] = found_wall("a fox")
    with transaction(engine) as session:
        conceal(session, creations.c.id == one)
    assert prompts(client.get("/search?q=fox")) == []


def test_any_words_are_answered(client, found_wall):
    found_wall("a fox")
    for words in ('"', "*", "fox*", "NEAR(fox)", "fox' --", "\x00", "x" * 9000, "fox " * 2000, "\ufffd"):
        assert client.get("/search", params={"q": words}).status_code == 200, words
    assert client.get("/search?q=fox&cursor=nonsense").status_code == 422


def test_a_search_costs_the_same_however_many_are_found(client, found_wall, statements):
    found_wall("one fox")
    statements.clear()
    client.get("/search?q=fox")
    few = len(statements)
    found_wall(*["another fox"] * 12)
    statements.clear()
    client.get("/search?q=fox")
    assert len(statements) == few <= 6


def test_search_pages_are_not_for_search_engines(client):
    assert '<meta name="robots" content="noindex, follow">' in client.get("/search?q=fox").text
