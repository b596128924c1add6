"""The newest feed and its pages."""

import re
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from gallery.services import live_updates
from gallery.views.pagination import PAGE_SIZE
from gallery.web.templating import GALLERY
from tests.support.gallery_data import GalleryData
from tests.support.pages import page_context, template_name

STATIC = GALLERY / "static"


def titles(response: Response) -> Any:
    return [creation.prompt for creation in page_context(response)["page"].creations]


def older(response: Response) -> Any:
    found = re.search(r'data-older href="([^"]+)"', response.text)
    return found and found[1].replace("&amp;", "&")


def test_newest_creation_comes_first(client: TestClient, gallery_data: GalleryData) -> None:
    for prompt in ("first", "second", "third"):
        gallery_data.publish(prompt=prompt)
    response = client.get("/")
    assert response.status_code == 200
    assert template_name(response) == "feed.html"
    assert titles(response) == ["third", "second", "first"]


def test_pages_link_to_older_pictures(client: TestClient, gallery_data: GalleryData) -> None:
    for number in range(PAGE_SIZE * 2 + 5):
        gallery_data.publish(prompt=f"prompt {number}", pictures=0)
    seen, path = [], "/"
    while path:
        response = client.get(path)
        seen += titles(response)
        path = older(response)
    assert seen == [f"prompt {number}" for number in reversed(range(PAGE_SIZE * 2 + 5))]


def test_pages_keep_creations_of_the_same_moment(client: TestClient, gallery_data: GalleryData) -> None:
    first = gallery_data.publish(prompt="0", pictures=0)
    moment = page_context(client.get(f"/c/{first}"))["creation"].published_at
    for number in range(1, PAGE_SIZE + 10):
        gallery_data.publish(prompt=str(number), pictures=0, published_at=moment)
    page = client.get("/")
    seen = titles(page) + titles(client.get(older(page)))
    assert seen == [str(number) for number in reversed(range(PAGE_SIZE + 10))]


def test_new_creation_does_not_shift_the_next_page(client: TestClient, gallery_data: GalleryData) -> None:
    for number in range(PAGE_SIZE + 1):
        gallery_data.publish(prompt=str(number), pictures=0)
    link = older(client.get("/"))
    gallery_data.publish(prompt="meanwhile")
    assert titles(client.get(link)) == ["0"]


def test_full_last_page_has_no_older_link(client: TestClient, gallery_data: GalleryData) -> None:
    for number in range(PAGE_SIZE):
        gallery_data.publish(prompt=str(number), pictures=0)
    assert older(client.get("/")) is None


def test_feed_omits_invisible_creations(client: TestClient, gallery_data: GalleryData) -> None:
    gallery_data.publish(prompt="hidden one", published_at=None)
    gallery_data.creation(prompt="waiting one")
    response = client.get("/")
    assert titles(response) == []
    assert "hidden one" not in response.text


def test_empty_feed_explains_how_it_works(client: TestClient) -> None:
    response = client.get("/")
    assert "No pictures yet." in response.text
    assert "@threadpaint" in response.text


def test_invalid_cursor_shows_an_error_page(client: TestClient) -> None:
    for cursor in ("x", "%00", "MTIz", "....", "🎨", "a" * 5000, "OTk5OTk5OTk5OTk5OTk5OTk5OTkuMQ"):
        response = client.get("/", params={"cursor": cursor})
        assert response.status_code == 422, cursor
        assert template_name(response) == "problem.html"
        assert "That page no longer exists" in response.text


def test_page_costs_the_same_statements_whatever_its_length(
    client: TestClient, gallery_data: GalleryData, statements: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_updates, "POLL_SECONDS", 60)
    costs = []
    for number in range(12):
        gallery_data.publish(prompt=str(number), pictures=2, parent_id=number or None)
        statements.clear()
        client.get("/")
        costs.append(len(statements))
    # The creations with their parents, and their pictures. The activity strip is cached.
    assert costs[0] <= 4
    assert set(costs[1:]) == {2}


def test_card_shows_title_author_number_of_pictures_and_time(client: TestClient, gallery_data: GalleryData) -> None:
    gallery_data.publish(prompt="under it")
    gallery_data.publish(prompt="a lighthouse", person_id=gallery_data.person("Grace_H", "Grace Hopper"), pictures=3)
    html = client.get("/").text
    assert '<a href="/c/2">a lighthouse</a>' in html
    assert '<a class="author" href="/@Grace_H" tabindex="-1"><bdi>Grace Hopper</bdi></a>' in html
    assert '<span class="card__count">3<span class="visually-hidden"> pictures</span></span>' in html
    assert 'title="20 Nov 2026, 12:02 UTC" data-ago>20 Nov 2026</time>' in html


def test_every_picture_has_its_size_alt_text_and_placeholder(client: TestClient, gallery_data: GalleryData) -> None:
    gallery_data.publish(prompt="a lighthouse")
    html = client.get("/").text
    assert 'width="96" height="64" alt="a lighthouse – prompted by Ada"' in html
    assert '<img class="frame__under" src="data:image/webp;base64,' in html
    assert "48w" in html


@pytest.mark.parametrize(
    ("width", "height", "name"),
    [(64, 64, "ratio-100"), (96, 64, "ratio-150"), (54, 96, "ratio-55"), (900, 90, "ratio-250"), (9, 90, "ratio-40")],
)
def test_card_has_the_shape_of_its_picture(
    client: TestClient, gallery_data: GalleryData, width: int, height: int, name: str
) -> None:
    creation_id = gallery_data.publish(pictures=0)
    gallery_data.picture(creation_id, width=width, height=height)
    assert f'<li class="card {name}"' in client.get("/").text
    styles = (STATIC / "feed.css").read_text()
    assert f".{name}{{--ratio:" in styles or name == "ratio-100"


def test_only_the_first_cards_load_eagerly(client: TestClient, gallery_data: GalleryData) -> None:
    for number in range(20):
        gallery_data.publish(prompt=str(number))
    html = client.get("/").text
    assert html.count('loading="lazy"') == 18


def test_a_page_stays_light_with_the_longest_prompts(client: TestClient, gallery_data: GalleryData) -> None:
    for number in range(PAGE_SIZE + 1):
        gallery_data.publish(prompt=f"{number} " + "very long " * 199)
    assert len(client.get("/").content) < 60_000


def test_placeholder_that_is_no_image_is_omitted(client: TestClient, gallery_data: GalleryData) -> None:
    creation_id = gallery_data.publish(pictures=0)
    gallery_data.picture(creation_id, placeholder="javascript:alert(1)")
    assert "javascript:" not in client.get("/").text
