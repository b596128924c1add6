"""The wall and its pages."""

import re

from starlette.routing import Route

from gallery.app import PAGES
from gallery.walls.pages import PAGE_SIZE


def titles(response):
    return [creation.prompt for creation in response.context["page"].creations]


def older(response):
    found = re.search(r'data-older href="([^"]+)"', response.text)
    return found and found[1].replace("&amp;", "&")


def test_it_hangs_the_newest_first(client, wall):
    for prompt in ("first", "second", "third"):
        wall.hang(prompt=prompt)
    response = client.get("/")
    assert response.status_code == 200
    assert response.template.name == "wall.html"
    assert titles(response) == ["third", "second", "first"]


def test_it_leads_to_older_pictures_by_a_real_link(client, wall):
    for number in range(PAGE_SIZE * 2 + 5):
        wall.hang(prompt=f"prompt {number}", pictures=0)
    seen, path = [], "/"
    while path:
        response = client.get(path)
        seen += titles(response)
        path = older(response)
    assert seen == [f"prompt {number}" for number in reversed(range(PAGE_SIZE * 2 + 5))]


def test_it_neither_skips_nor_repeats_creations_shown_at_the_same_moment(client, wall):
    first = wall.hang(prompt="0", pictures=0)
    moment = client.get(f"/c/{first}").context["creation"].shown_at
    for number in range(1, PAGE_SIZE + 10):
        wall.hang(prompt=str(number), pictures=0, shown_at=moment)
    page = client.get("/")
    seen = titles(page) + titles(client.get(older(page)))
    assert seen == [str(number) for number in reversed(range(PAGE_SIZE + 10))]


def test_a_picture_hung_meanwhile_does_not_shift_the_next_page(client, wall):
    for number in range(PAGE_SIZE + 2):
        wall.hang(prompt=str(number), pictures=0)
    link = older(client.get("/"))
    wall.hang(prompt="meanwhile")
    assert titles(client.get(link)) == ["0"]


def test_it_offers_no_older_link_on_a_page_that_is_just_full(client, wall):
    for number in range(PAGE_SIZE + 1):
        wall.hang(prompt=str(number), pictures=0)
    assert older(client.get("/")) is None


def test_it_does_not_list_what_is_not_visible(client, wall):
    wall.hang(prompt="hidden one", shown_at=None)
    wall.creation(prompt="waiting one")
    response = client.get("/")
    assert titles(response) == []
    assert "hidden one" not in response.text


def test_an_empty_wall_says_how_to_ask(client):
    response = client.get("/")
    assert "The wall is still empty." in response.text
    assert "@threadpaint" in response.text


def test_a_cursor_that_is_none_of_ours_is_explained_in_the_sites_own_dress(client):
    for cursor in ("x", "%00", "MTIz", "....", "🎨", "a" * 5000, "OTk5OTk5OTk5OTk5OTk5OTk5OTkuMQ"):
        response = client.get("/", params={"cursor": cursor})
        assert response.status_code == 422, cursor
        assert response.template.name == "problem.html"
        assert "no cursor of this site" in response.text


def test_a_page_costs_the_same_questions_whatever_its_length(client, wall, statements):
    costs = []
    for number in range(12):
        wall.hang(prompt=str(number), pictures=2, parent_id=number or None)
        statements.clear()
        client.get("/")
        costs.append(len(statements))
    # The creations with whom they are after, their pictures; and within a second the strip is not asked for again.
    assert costs[0] <= 4
    assert set(costs[1:]) == {2}


def test_a_card_carries_title_author_medium_and_hour(client, wall):
    wall.hang(prompt="under it")
    wall.hang(prompt="a lighthouse", person_id=wall.person("Grace_H", "Grace Hopper"), pictures=3)
    html = client.get("/").text
    assert '<a href="/c/2">a lighthouse</a>' in html
    assert 'prompted by <a class="author" href="/@Grace_H"><bdi>Grace Hopper</bdi></a>' in html
    assert "Sketch engine, 3 pictures" in html
    assert "20 Nov 2026, 12:02 UTC</time>" in html


def test_every_picture_has_its_size_alt_text_and_placeholder(client, wall):
    wall.hang(prompt="a lighthouse")
    html = client.get("/").text
    assert 'width="96" height="64" alt="a lighthouse – prompted by Ada"' in html
    assert '<img class="frame__under" src="data:image/webp;base64,' in html
    assert "48w" in html


def test_only_the_first_row_is_loaded_at_once(client, wall):
    for number in range(20):
        wall.hang(prompt=str(number))
    html = client.get("/").text
    assert html.count('loading="lazy"') == 15


def test_a_page_stays_light_with_the_longest_prompts(client, wall):
    for number in range(PAGE_SIZE + 1):
        wall.hang(prompt=f"{number} " + "very long " * 199)
    assert len(client.get("/").content) < 60_000


def test_a_placeholder_that_is_no_image_is_left_out(client, wall):
    creation_id = wall.hang(pictures=0)
    wall.picture(creation_id, placeholder="javascript:alert(1)")
    assert "javascript:" not in client.get("/").text


def test_the_pages_stand_in_one_table():
    assert {route.path for route in PAGES if isinstance(route, Route)} >= {"/", "/c/{creation_id}", "/@{handle}"}
