"""The top and following feeds; like buttons, sensitive pictures and the theme."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import Engine, event, insert, update

from core.clock import now
from core.database import write_session
from core.models import creations, follows, likes, people
from core.storage import FolderStorage
from gallery.queries.following_feed import MAX_FOLLOWED
from gallery.views.pagination import PAGE_SIZE
from tests.support.gallery_data import SETTINGS_WITH_SIGN_IN, GalleryData
from tests.support.pages import page_context, template_name


def titles(response: Response) -> Any:
    return [creation.prompt for creation in page_context(response)["page"].creations]


def older(response: Response) -> Any:
    found = re.search(r'data-older href="([^"]+)"', response.text)
    return found and found[1].replace("&amp;", "&")


def all_pages(client: TestClient, path: str) -> Any:
    seen = []
    while path:
        response = client.get(path)
        assert response.status_code == 200
        seen += titles(response)
        path = older(response)
    return seen


def follow(engine: Engine, follower: int, followed: int) -> None:
    with write_session(engine) as session:
        session.execute(insert(follows).values(follower_id=follower, followed_id=followed, at=now()))


def ago(**span: Any) -> Any:
    moment = now() - timedelta(**span)
    return {"published_at": moment, "painted_at": moment}


@pytest.fixture
def liked_creations(gallery_data: GalleryData) -> None:
    gallery_data.publish(prompt="today, 2", likes=2, **ago(hours=1))
    gallery_data.publish(prompt="yesterday, 9", likes=9, **ago(days=2))
    gallery_data.publish(prompt="this month, 50", likes=50, **ago(days=20))
    gallery_data.publish(prompt="long ago, 900", likes=900, **ago(days=400))
    gallery_data.publish(prompt="today, 5", likes=5, **ago(hours=2))
    gallery_data.publish(prompt="today, none", **ago(hours=1))
    gallery_data.publish(prompt="taken down, 70", likes=70, published_at=None)


@pytest.mark.parametrize(
    ("window", "wanted"),
    [
        ("day", ["today, 5", "today, 2"]),
        ("week", ["yesterday, 9", "today, 5", "today, 2"]),
        ("month", ["this month, 50", "yesterday, 9", "today, 5", "today, 2"]),
        ("all", ["long ago, 900", "this month, 50", "yesterday, 9", "today, 5", "today, 2"]),
    ],
)
def test_top_sorts_by_likes_within_the_period(
    client: TestClient, liked_creations: Any, window: Any, wanted: Any
) -> None:
    response = client.get("/top", params={"of": window})
    assert titles(response) == wanted
    assert f'href="/top?period={window}" aria-current="page"' in response.text


def test_top_defaults_to_the_week(client: TestClient, liked_creations: Any) -> None:
    assert titles(client.get("/top"))[0] == "yesterday, 9"


@pytest.mark.parametrize("window", ["week", "all"])
def test_top_pages_equal_likes_without_gaps_or_repeats(
    client: TestClient, gallery_data: GalleryData, window: Any
) -> None:
    for number in range(PAGE_SIZE * 2 + 3):
        gallery_data.publish(prompt=str(number), pictures=0, likes=3, **ago(minutes=number))
    assert all_pages(client, f"/top?period={window}") == [str(n) for n in reversed(range(PAGE_SIZE * 2 + 3))]


def test_top_pages_stay_stable_while_likes_change(
    client: TestClient, gallery_data: GalleryData, engine: Engine
) -> None:
    for number in range(PAGE_SIZE + 4):
        gallery_data.publish(prompt=str(number), pictures=0, likes=number + 1, **ago(minutes=1))
    first = client.get("/top?period=day")
    with write_session(engine) as session:
        session.execute(update(creations).where(creations.c.prompt == "0").values(likes=1000))
    assert titles(first) + titles(client.get(older(first))) == [str(n) for n in reversed(range(PAGE_SIZE + 4))]


@pytest.mark.parametrize(
    "query", ["period=decade", "period=week&cursor=x", "period=all&cursor=" + "9" * 3000, "period=all&cursor=%00"]
)
def test_top_rejects_invalid_parameters(client: TestClient, query: Any) -> None:
    response = client.get(f"/top?{query}")
    assert response.status_code == 422
    assert template_name(response) == "problem.html"


def test_top_without_likes_explains_how_to_get_there(client: TestClient, gallery_data: GalleryData) -> None:
    gallery_data.publish()
    assert "Nothing liked yet." in client.get("/top").text


def test_following_requires_sign_in(client: TestClient) -> None:
    response = client.get("/following", follow_redirects=False)
    assert (response.status_code, response.headers["location"]) == (303, "/sign-in?next=/following")


def test_following_lists_only_followed_users_newest_first(
    client: TestClient, gallery_data: GalleryData, engine: Engine, sign_in: Callable[[TestClient, int], str]
) -> None:
    me, ada, bob, eve = (gallery_data.person(name, name) for name in ("me", "ada", "bob", "eve"))
    for n in range(PAGE_SIZE * 2 + 5):
        gallery_data.publish(prompt=str(n), pictures=0, person_id=(ada, bob)[n % 2])
        gallery_data.publish(prompt="by another", pictures=0, person_id=eve)
    for other in (ada, bob):
        follow(engine, me, other)
    sign_in(client, me)
    assert all_pages(client, "/following") == [str(n) for n in reversed(range(PAGE_SIZE * 2 + 5))]


def test_following_pages_equal_times_without_gaps_or_repeats(
    client: TestClient, gallery_data: GalleryData, engine: Engine, sign_in: Callable[[TestClient, int], str]
) -> None:
    me, moment = gallery_data.person("me"), now()
    for n in range(PAGE_SIZE + 9):
        person = gallery_data.person(f"p{n}", id=5000 + n)
        follow(engine, me, person)
        gallery_data.publish(prompt=str(n), pictures=0, person_id=person, published_at=moment)
    sign_in(client, me)
    assert all_pages(client, "/following") == [str(n) for n in reversed(range(PAGE_SIZE + 9))]


def test_following_many_costs_no_more_statements(
    client: TestClient,
    gallery_data: GalleryData,
    engine: Engine,
    sign_in: Callable[[TestClient, int], str],
    statements: list[str],
) -> None:
    def questions() -> int:
        statements.clear()
        client.get("/following")
        return len(statements)

    me, costs = gallery_data.person("me"), []
    sign_in(client, me)
    for n in range(40):
        person = gallery_data.person(f"p{n}", id=6000 + n)
        follow(engine, me, person)
        gallery_data.publish(person_id=person)
        if n in (1, 39):
            costs.append(min(questions() for _ in range(5)))  # the strip is asked for once in a second
    assert costs[0] == costs[1]
    assert MAX_FOLLOWED == 500


def test_following_feed_without_follows_shows_suggestions(
    client: TestClient, gallery_data: GalleryData, engine: Engine, sign_in: Callable[[TestClient, int], str]
) -> None:
    me, gone = gallery_data.person("me"), gallery_data.person("gone", "Gone")
    gallery_data.publish(person_id=gallery_data.person("ada", "Ada Lovelace"))
    gallery_data.publish(person_id=gone)
    gallery_data.publish(person_id=me)
    with write_session(engine) as session:
        session.execute(update(people).where(people.c.id == gone).values(hidden_at=now()))
    sign_in(client, me)
    html = client.get("/following").text
    assert "You don’t follow anyone yet." in html
    assert 'action="/@ada/follow"' in html
    assert "/@gone/follow" not in html
    assert "/@me/follow" not in html


def test_like_button_is_pressed_for_liked_creations(
    client: TestClient, gallery_data: GalleryData, engine: Engine, sign_in: Callable[[TestClient, int], str]
) -> None:
    me, liked, other = gallery_data.person("me"), gallery_data.publish(likes=1), gallery_data.publish(likes=4)
    gallery_data.publish(prompt="the large one")
    with write_session(engine) as session:
        session.execute(insert(likes).values(person_id=me, creation_id=liked, at=now()))
    sign_in(client, me)
    html = client.get("/").text
    assert f'formaction="/c/{liked}/unlike" aria-pressed="true"' in html
    assert f'formaction="/c/{other}/like" aria-pressed="false"' in html
    assert html.count('<form id="likes" method="post">') == 1


def test_like_without_scripts_counts_and_returns_to_the_page(
    client: TestClient, gallery_data: GalleryData, sign_in: Callable[[TestClient, int], str]
) -> None:
    first = gallery_data.publish()
    gallery_data.publish()
    token = sign_in(client, gallery_data.person("me"))
    sent = client.post(f"/c/{first}/like", data={"token": token, "next": "/"}, follow_redirects=False)
    assert (sent.status_code, sent.headers["location"]) == (303, "/")
    assert (
        f'/c/{first}/unlike" aria-pressed="true" aria-label="Like"><span data-count="1">1</span>'
        in client.get("/").text
    )


def test_likes_are_only_counted_without_sign_in(client: TestClient, gallery_data: GalleryData) -> None:
    for like_count in (0, 7):
        gallery_data.publish(likes=like_count)
    gallery_data.publish()
    html = client.get("/").text
    assert '<span class="card__total">7 likes</span>' in html
    assert "card__like" not in html
    assert "/sign-in" not in html


def test_anonymous_like_leads_to_sign_in(site: Callable[..., TestClient], gallery_data: GalleryData) -> None:
    client, first = site(settings=SETTINGS_WITH_SIGN_IN), gallery_data.publish(likes=7)
    gallery_data.publish()
    html = client.get("/").text
    assert f'href="/sign-in?next=/c/{first}/like"' in html
    assert 'id="likes"' not in html


def test_sensitive_picture_is_blurred_unless_the_member_shows_them(
    client: TestClient, gallery_data: GalleryData, engine: Engine, sign_in: Callable[[TestClient, int], str]
) -> None:
    for _ in range(2):  # the large one and one on the wall
        gallery_data.publish(sensitive=True)
    html = client.get("/").text
    assert html.count("Marked as sensitive") == 2
    assert "/pictures/" not in html
    assert "data:image" not in html
    me = gallery_data.person("me", show_sensitive=True)
    sign_in(client, me)
    assert client.get("/").text.count("/pictures/") >= 2


def test_author_sees_own_sensitive_picture(
    client: TestClient, gallery_data: GalleryData, sign_in: Callable[[TestClient, int], str]
) -> None:
    gallery_data.publish(sensitive=True)
    sign_in(client, gallery_data.person())
    assert "Marked as sensitive" not in client.get("/").text


def test_card_names_the_parent_and_counts_remixes(client: TestClient, gallery_data: GalleryData) -> None:
    parent = gallery_data.publish(person_id=gallery_data.person("grace", "Grace"), comments=1, remixes=2)
    gallery_data.publish(parent_id=parent)
    gallery_data.publish()
    html = client.get("/").text
    assert f'<a class="author" href="/c/{parent}" tabindex="-1">remix of <bdi>@grace</bdi></a>' in html
    assert "<span> 1 comment 2 remixes</span>" in html


def test_card_offers_smaller_copies(client: TestClient, gallery_data: GalleryData, storage: FolderStorage) -> None:
    creation_id = gallery_data.publish(pictures=0)
    gallery_data.picture(
        creation_id,
        width=1024,
        height=1024,
        thumb_avif_key="aa/thumb.avif",
        wide_key="aa/wide.webp",
        wide_avif_key="aa/wide.avif",
        wide_width=960,
        wide_height=960,
    )
    html = client.get("/").text
    assert '<source type="image/avif" srcset="/pictures/aa/thumb.avif 48w, /pictures/aa/wide.avif 960w"' in html
    assert "wide.webp" not in html  # who knows no AVIF gets the small one


def test_card_without_avif_offers_webp(client: TestClient, gallery_data: GalleryData) -> None:
    creation_id = gallery_data.publish(pictures=0)
    gallery_data.picture(creation_id, width=1024, height=1024, wide_key="aa/wide.webp", wide_width=960, wide_height=960)
    assert ", /pictures/aa/wide.webp 960w" in client.get("/").text


def test_anonymous_visitors_see_how_it_works(
    client: TestClient, gallery_data: GalleryData, sign_in: Callable[[TestClient, int], str]
) -> None:
    assert "intent/post?text=%40threadpaint%20a%20lighthouse" in client.get("/").text
    gallery_data.publish()
    assert "How it works" in client.get("/").text
    sign_in(client, gallery_data.person("me"))
    assert "How it works" not in client.get("/").text


def test_chosen_theme_is_rendered_by_the_server(client: TestClient) -> None:
    assert "data-theme" not in client.get("/").text
    chosen = client.post("/theme", data={"theme": "dark", "next": "/top"}, follow_redirects=False)
    assert (chosen.status_code, chosen.headers["location"]) == (303, "/top")
    assert '<html lang="en" data-theme="dark">' in client.get("/").text


@pytest.mark.parametrize("theme", ['"><script>', "neon", ""])
def test_unknown_theme_is_ignored(client: TestClient, theme: Any) -> None:
    client.post("/theme", data={"theme": theme})
    client.cookies.set("theme", "x\"'><b>")
    assert "data-theme" not in client.get("/").text


def test_theme_rejects_forms_of_other_sites(client: TestClient) -> None:
    assert client.post("/theme", data={"theme": "dark"}, headers={"Origin": "https://evil.example"}).status_code == 403


def test_feeds_never_scan_the_table(
    client: TestClient,
    gallery_data: GalleryData,
    engine: Engine,
    sign_in: Callable[[TestClient, int], str],
    statements: list[str],
) -> None:
    me = gallery_data.person("me")
    for number in range(3):
        gallery_data.publish(likes=number)
    gallery_data.creation(next_attempt_at=now())
    follow(engine, me, gallery_data.person())
    sign_in(client, me)
    asked = []
    with engine.connect() as connection:

        def note(_connection: Any, cursor: Any, statement: Any, parameters: Any, *_rest: Any) -> None:
            if statement.startswith("SELECT"):
                asked.append((statement, parameters))

        event.listen(engine, "before_cursor_execute", note)
        for path in ("/", "/top?period=day", "/top?period=all", "/following"):
            client.get(path)
        event.remove(engine, "before_cursor_execute", note)
        for statement, parameters in asked:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
            scans = [row.detail for row in plan if row.detail.startswith("SCAN creation") and "USING" not in row.detail]
            assert scans == [], statement
    assert any("ix_creation_top" in row for row in plans_of(engine, asked))
    assert any("ix_creation_liked" in row for row in plans_of(engine, asked))
    assert any("ix_creation_queue" in row for row in plans_of(engine, asked))


def plans_of(engine: Engine, asked: Any) -> Iterator[Any]:
    with engine.connect() as connection:
        for statement, parameters in asked:
            yield from (row.detail for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters))
