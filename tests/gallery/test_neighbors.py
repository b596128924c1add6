"""Walking from one creation to the next: in the order of each feed, to its ends, and to a random one."""

from collections.abc import Callable

import pytest
from sqlalchemy import Engine, update

from core.clock import now
from core.database import write_session
from core.models import Board, BoardItem, Follow, State, creations
from core.publishing import publish
from gallery.services.likes import like
from gallery.views.origins import NEWEST, parse_origin
from gallery.views.prompt_words import pick_search_words
from tests.support.gallery_data import GalleryData
from tests.support.pages import find_match
from tests.support.site_client import SiteClient


@pytest.fixture(params=["migrated_engine", pytest.param("postgres_engine", marks=pytest.mark.postgres)])
def engine(request: pytest.FixtureRequest) -> Engine:
    """Run each test on both databases."""
    found: Engine = request.getfixturevalue(request.param)
    return found


def walk(client: SiteClient, start: str, direction: str = "next") -> list[int]:
    """Follow the links of the pages from `start` to the end of the feed. Return the ids on the way."""
    ids, path = [], start
    while path:
        page = client.get(path)
        assert page.status_code == 200, path
        ids.append(int(find_match(r"^/c/(\d+)", path)[1]))
        link = find_match(rf'href="([^"]+)" rel="nofollow" data-walk="{direction}"', page.text)[1]
        answer = client.get(link.replace("&amp;", "&"), follow_redirects=False)
        assert answer.status_code in {200, 303}, link
        path = answer.headers.get("location", "")
        if not path:
            assert ("That was the last picture." if direction == "next" else "first") in answer.text
    return ids


@pytest.fixture
def crowd(gallery_data: GalleryData, engine: Engine) -> dict[str, list[int]]:
    """Create the feeds of a small site. Return their ids in the order of each feed, by the address of the feed."""
    ada, bob, eve = (gallery_data.person(name, name.title()) for name in ("ada", "bob", "eve"))
    ids = [
        gallery_data.publish(prompt=prompt, person_id=who, painted_at=now(), published_at=None)
        for prompt, who in (("a fox", ada), ("an owl", bob), ("a red fox", eve), ("foxglove", bob), ("fox at sea", ada))
    ]
    one, two, three, four, five = ids
    hidden = gallery_data.creation(prompt="a hidden fox", person_id=bob, state=State.PAINTED)
    with write_session(engine) as session:
        for creation_id in ids:  # published one after the other, as workers do
            publish(session, creations.c.id == creation_id)
        session.execute(update(creations).where(creations.c.id.in_([two, four])).values(parent_id=one))
        session.add(Board(id=1, person_id=ada, name="board", title="Foxes", size=4))
        session.flush()
        session.add_all(BoardItem(board_id=1, creation_id=each, at=now()) for each in (three, hidden, one, five))
        session.add_all([Follow(follower_id=ada, followed_id=who) for who in (bob, eve)])
    for who, creation_id in ((ada, two), (bob, two), (bob, four)):
        like(engine, who, creation_id)
    return {
        "/": [five, four, three, two, one],
        "/@bob": [four, two],
        "/@bob/likes": [four, two],
        "/search?q=fox": [five, three, one],
        "/search?q=foxgl": [four],
        "/b/board": [five, one, three],
        f"/c/{one}/remixes": [four, two],
        "/top?period=week": [two, four],
        "/top?period=all": [two, four],
        "/following": [four, three, two],
    }


def test_neighbors_follow_the_order_of_the_feed_that_one_came_by(
    client: SiteClient,
    crowd: dict[str, list[int]],
    gallery_data: GalleryData,
    sign_in: Callable[[SiteClient, int], str],
) -> None:
    sign_in(client, gallery_data.person("ada"))
    for address, ids in crowd.items():
        # Browsers send the feed as the referer of the first page; then links carry it.
        client.headers["Referer"] = f"http://testserver{address}"
        assert walk(client, f"/c/{ids[0]}") == ids, address
        assert walk(client, f"/c/{ids[-1]}", "previous") == ids[::-1], address


def test_walks_end_with_a_way_back(client: SiteClient, crowd: dict[str, list[int]]) -> None:
    page = client.get(f"/c/{crowd['/@bob'][-1]}/next", params={"in": "/@bob"})
    assert 'href="/@bob"' in page.text and 'href="/random"' in page.text


def test_other_addresses_stand_for_the_newest(client: SiteClient, crowd: dict[str, list[int]]) -> None:
    for address in ("//evil.example", "http://[", "/nowhere", "/@", "/search", "/c/1", "x" * 5000, "/b/ä"):
        assert parse_origin(address) == NEWEST, address
    five, four = crowd["/"][:2]
    answer = client.get(f"/c/{five}/next", params={"in": "https://evil.example/"}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/c/{four}")
    foreign = client.get(f"/c/{five}", headers={"Referer": "https://evil.example/@bob"})
    assert f'href="/c/{five}/next"' in foreign.text
    assert client.get("/c/999/next").status_code == 404


def test_random_leads_to_public_pictures_that_are_not_sensitive(client: SiteClient, gallery_data: GalleryData) -> None:
    assert client.get("/random", follow_redirects=False).headers["location"] == "/"
    shown = {f"/c/{gallery_data.publish()}" for _ in range(3)}
    gallery_data.publish(sensitive=True)
    gallery_data.creation()
    seen = {client.get("/random", follow_redirects=False).headers["location"] for _ in range(60)}
    assert seen == shown
    here = shown.pop()
    headers = {"Referer": f"http://testserver{here}"}
    seen = {client.get("/random", headers=headers, follow_redirects=False).headers["location"] for _ in range(40)}
    assert seen == shown


def test_around_shows_the_nearest_by_the_author_without_sensitive_pictures(
    client: SiteClient, gallery_data: GalleryData
) -> None:
    ids = [gallery_data.publish(prompt=f"picture {number}") for number in range(12)]
    gallery_data.publish(person_id=gallery_data.person("bob"))
    blurred = gallery_data.publish(prompt="bare", sensitive=True)
    text = client.get(f"/c/{ids[-1]}/around").text
    assert [f'"/c/{each}?in=' in text for each in (ids[-1], blurred, *ids[-8:-1])] == [False, *[True] * 8]
    assert "bare" not in text.replace(f"/c/{blurred}", "") or "Marked as sensitive" in text


def test_search_words_are_those_that_say_something() -> None:
    assert pick_search_words("A very old LIGHTHOUSE with the lighthouse, near storm-clouds; 4k, 2020") == [
        "old",
        "lighthouse",
        "storm",
        "clouds",
    ]
    assert pick_search_words("лиса в снегу 黒い猫") == ["лиса", "снегу", "黒い猫"]


def test_walks_pass_over_what_a_member_mutes(
    client: SiteClient, crowd: dict[str, list[int]], engine: Engine, sign_in: Callable[[SiteClient, int], str]
) -> None:
    five, _four, three, two, one = crowd["/"]
    token = sign_in(client, 1000 + sum(b"ada"))
    client.post("/@bob/mute", data={"token": token})
    assert walk(client, f"/c/{five}") == [five, three, one]
    assert walk(client, f"/c/{one}", "previous") == [one, three, five]
    ends = {client.get("/random", follow_redirects=False).headers["location"] for _ in range(30)}
    assert ends == {f"/c/{each}" for each in (five, three, one)} and f"/c/{two}" not in ends
