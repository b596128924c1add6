"""A person's page."""

from datetime import timedelta

from core.clock import now
from gallery import queries
from gallery.social.people import PAGE_SIZE


def prompts(response):
    return [creation.prompt for creation in response.context["page"].creations]


def test_it_hangs_only_the_persons_own_creations(client, wall):
    wall.hang(prompt="ada's", person_id=wall.person("ada"))
    wall.hang(prompt="grace's", person_id=wall.person("grace"))
    response = client.get("/@ada")
    assert response.template.name == "person.html"
    assert prompts(response) == ["ada's"]
    assert "1 creation<" in response.text


def test_the_handle_is_found_in_large_and_small_letters(client, wall):
    wall.hang(person_id=wall.person("Ada_L", "Ada Lovelace"))
    for handle in ("ada_l", "ADA_L", "Ada_L"):
        response = client.get(f"/@{handle}")
        assert response.status_code == 200
        assert "Ada Lovelace</h1>" in response.text
        assert "@Ada_L" in response.text


def test_of_several_who_had_a_handle_the_one_met_last_has_it(client, wall):
    wall.person("ada", "Later", id=1, first_seen_at=now())
    wall.person("ada", "Earlier", id=2, first_seen_at=now() - timedelta(days=300))
    assert client.get("/@ada").context["person"].name == "Later"


def test_it_goes_on_to_older_pictures(client, wall):
    for number in range(PAGE_SIZE + 3):
        wall.hang(prompt=str(number), pictures=0)
    first = client.get("/@ada")
    older = first.context["page"].older
    assert f'href="/@ada?cursor={older}"' in first.text
    assert prompts(client.get("/@ada", params={"cursor": older})) == ["2", "1", "0"]


def test_totals_count_what_is_visible_and_stop_counting_at_a_limit(client, wall, monkeypatch):
    for _ in range(4):
        wall.hang(pictures=0)
    wall.hang(shown_at=None)
    assert client.get("/@ada").context["total"] == "4 creations"
    monkeypatch.setattr(queries, "TOTAL_LIMIT", 3)
    assert client.get("/@ada").context["total"] == "more than 3 creations"


def test_a_person_without_creations_has_a_page_that_says_how_to_ask(client, wall):
    wall.person("ada")
    response = client.get("/@ada")
    assert response.status_code == 200
    assert "Nothing hangs here yet." in response.text


def test_a_person_without_a_name_is_called_by_the_handle(client, wall):
    wall.hang(person_id=wall.person("ada", "  "))
    assert '<h1 class="person__name" dir="auto">ada</h1>' in client.get("/@ada").text
    assert "<bdi>ada</bdi>" in client.get("/").text


def test_whom_we_never_met_is_not_found(client):
    for handle in ("nobody", "%00", "%F0%9F%8E%A8", "a" * 3000, "ada%2Fadmin"):
        response = client.get(f"/@{handle}")
        assert response.status_code == 404
        assert response.template.name == "problem.html"


def test_it_links_to_the_person_on_x(client, wall):
    wall.person("Ada_L")
    assert 'href="https://x.com/Ada_L"' in client.get("/@ada_l").text
