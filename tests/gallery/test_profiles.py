"""Profile pages."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import Engine

from core.clock import now
from core.database import write_session
from core.people import record_people
from core.x import Author
from gallery.queries import creations
from gallery.services.follows import follow
from gallery.services.likes import like
from gallery.views.pagination import PAGE_SIZE
from tests.support.gallery_data import GalleryData
from tests.support.pages import page_context, template_name


def prompts(response: Response) -> Any:
    return [creation.prompt for creation in page_context(response)["page"].creations]


def test_profile_shows_only_creations_of_the_user(client: TestClient, gallery_data: GalleryData) -> None:
    gallery_data.publish(prompt="ada's", person_id=gallery_data.person("ada"))
    gallery_data.publish(prompt="grace's", person_id=gallery_data.person("grace"))
    response = client.get("/@ada")
    assert template_name(response) == "person.html"
    assert prompts(response) == ["ada's"]
    assert "1 picture<" in response.text


def test_handle_is_case_insensitive(client: TestClient, gallery_data: GalleryData) -> None:
    gallery_data.publish(person_id=gallery_data.person("Ada_L", "Ada Lovelace"))
    for handle in ("ada_l", "ADA_L", "Ada_L"):
        response = client.get(f"/@{handle}")
        assert response.status_code == 200
        assert "Ada Lovelace</h1>" in response.text
        assert "@Ada_L" in response.text


def test_handle_that_changed_hands_leads_to_its_current_user(
    client: TestClient, gallery_data: GalleryData, engine: Engine
) -> None:
    gallery_data.publish(prompt="the old owner's", person_id=gallery_data.person("ada", "Earlier", id=111))
    with write_session(engine) as session:
        record_people(session, [Author(222, "Ada", "Later")])
    assert page_context(client.get("/@ada"))["person"].name == "Later"
    assert prompts(client.get("/@111")) == ["the old owner's"]


def test_numeric_handle_is_not_taken_for_an_id(client: TestClient, gallery_data: GalleryData) -> None:
    gallery_data.person("12345", "Without a handle", id=12345)
    gallery_data.person("12345", "Of digits", id=222, handle_seen_at=now())
    assert page_context(client.get("/@12345"))["person"].name == "Of digits"


def test_profile_links_to_older_creations(client: TestClient, gallery_data: GalleryData) -> None:
    for number in range(PAGE_SIZE + 3):
        gallery_data.publish(prompt=str(number), pictures=0)
    first = client.get("/@ada")
    older = page_context(first)["page"].older
    assert f'href="/@ada?cursor={older}"' in first.text
    assert prompts(client.get("/@ada", params={"cursor": older})) == ["2", "1", "0"]


def test_totals_count_public_creations_up_to_a_limit(
    client: TestClient, gallery_data: GalleryData, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(4):
        gallery_data.publish(pictures=0)
    gallery_data.publish(published_at=None)
    assert page_context(client.get("/@ada"))["total"] == "4 pictures"
    monkeypatch.setattr(creations, "TOTAL_LIMIT", 3)
    assert page_context(client.get("/@ada"))["total"] == "more than 3 pictures"


def test_profile_without_creations_explains_how_to_ask(client: TestClient, gallery_data: GalleryData) -> None:
    gallery_data.person("ada")
    response = client.get("/@ada")
    assert response.status_code == 200
    assert "No pictures yet." in response.text


def test_user_without_a_name_is_shown_by_handle(client: TestClient, gallery_data: GalleryData) -> None:
    gallery_data.publish(person_id=gallery_data.person("ada", "  "))
    assert '<h1 class="person__name" dir="auto">ada</h1>' in client.get("/@ada").text
    assert "<bdi>ada</bdi>" in client.get("/").text


def test_unknown_user_is_not_found(client: TestClient) -> None:
    for handle in ("nobody", "%00", "%F0%9F%8E%A8", "a" * 3000, "ada%2Fadmin"):
        response = client.get(f"/@{handle}")
        assert response.status_code == 404
        assert template_name(response) == "problem.html"


def test_profile_links_to_x(client: TestClient, gallery_data: GalleryData) -> None:
    gallery_data.person("Ada_L")
    assert 'href="https://x.com/Ada_L"' in client.get("/@ada_l").text


def test_totals_show_likes_followers_and_follows(client: TestClient, gallery_data: GalleryData, engine: Engine) -> None:
    ada, grace = gallery_data.person("ada"), gallery_data.person("grace", "Grace")
    for likes in (2, 3):
        gallery_data.publish(person_id=ada, likes=likes, pictures=0)
    gallery_data.publish(person_id=ada, likes=50, published_at=None)
    follow(engine, grace, ada)
    page = client.get("/@ada").text
    for words in ("2 pictures<", "5 likes<", "1 follower<", "0 following<"):
        assert words in page
    assert "1 following<" in client.get("/@grace").text


def test_profile_with_many_creations_shows_no_sum_of_likes(
    client: TestClient, gallery_data: GalleryData, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(creations, "TOTAL_LIMIT", 1)
    for _ in range(2):
        gallery_data.publish(pictures=0, likes=1)
    assert "likes<" not in client.get("/@ada").text


def test_hearts_show_likes_of_the_current_user(
    client: TestClient, sign_in: Callable[[TestClient, int], str], gallery_data: GalleryData, engine: Engine
) -> None:
    first, second = gallery_data.publish(), gallery_data.publish()
    bob = gallery_data.person("bob")
    sign_in(client, bob)
    like(engine, bob, first)
    page = client.get("/@ada").text
    assert f'formaction="/c/{first}/unlike" aria-pressed="true"' in page
    assert f'formaction="/c/{second}/like" aria-pressed="false"' in page


def test_only_the_own_profile_says_so(
    client: TestClient, sign_in: Callable[[TestClient, int], str], gallery_data: GalleryData
) -> None:
    sign_in(client, gallery_data.person("ada"))
    gallery_data.person("grace", "Grace")
    assert "Your page" in client.get("/@ada").text
    assert "/follow" not in client.get("/@ada").text.partition("<main")[2].partition("person__totals")[0]
    assert "Your page" not in client.get("/@grace").text


def test_profile_links_to_its_feed(client: TestClient, gallery_data: GalleryData) -> None:
    gallery_data.publish()
    page = client.get("/@ada").text
    assert page.count('href="/@ada/feed.atom"') >= 2
    assert client.get("/@ada/feed.atom").status_code == 200


def test_hidden_user_has_no_pages(client: TestClient, gallery_data: GalleryData) -> None:
    gallery_data.publish(person_id=gallery_data.person("eve", hidden_at=now()))
    for path in ("/@eve", "/@eve/likes", "/@eve/followers", "/@eve/following"):
        assert client.get(path).status_code == 404


def test_number_of_statements_does_not_grow_with_the_creations(
    client: TestClient, sign_in: Callable[[TestClient, int], str], gallery_data: GalleryData, statements: list[str]
) -> None:
    def asked() -> int:
        statements.clear()
        client.get("/@ada")
        return len(statements)

    sign_in(client, gallery_data.person("bob"))
    gallery_data.publish()
    few = asked()
    for _ in range(12):
        gallery_data.publish()
    assert asked() == few


def test_card_of_a_person_depends_on_the_viewer(
    client: TestClient, gallery_data: GalleryData, sign_in: Callable[[TestClient, int], str]
) -> None:
    ada = gallery_data.person("ada", "Ada <b>")
    gallery_data.publish(person_id=ada)
    assert client.get("/@nobody/card").status_code == 404
    anonymous = client.get("/@ada/card").text
    assert "Ada &lt;b&gt;" in anonymous and "<html" not in anonymous and "Mute" not in anonymous
    sign_in(client, gallery_data.person("bob"))
    assert "Mute" in client.get("/@ada/card").text
    sign_in(client, ada)
    own = client.get("/@ada/card").text
    assert "This is you." in own and "Mute" not in own
