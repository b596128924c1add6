"""The walls beside the newest: liked most, of those one follows; hearts, veils, colours."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import event, insert, update

from core.clock import now
from core.database import transaction
from core.models import creations, follows, likings, people
from gallery.walls.following import MOST_FOLLOWED
from gallery.walls.pages import PAGE_SIZE
from tests.gallery.conftest import WITH_DOOR


def titles(response):
    return [creation.prompt for creation in response.context["page"].creations]


def older(response):
    found = re.search(r'data-older href="([^"]+)"', response.text)
    return found and found[1].replace("&amp;", "&")


def all_pages(client, path):
    seen = []
    while path:
        response = client.get(path)
        assert response.status_code == 200
        seen += titles(response)
        path = older(response)
    return seen


def follow(engine, follower, followed):
    with transaction(engine) as session:
        session.execute(insert(follows).values(follower_id=follower, followed_id=followed, at=now()))


def ago(**span):
    moment = now() - timedelta(**span)
    return {"shown_at": moment, "painted_at": moment}


@pytest.fixture
def liked_wall(wall):
    wall.hang(prompt="today, 2", likes=2, **ago(hours=1))
    wall.hang(prompt="yesterday, 9", likes=9, **ago(days=2))
    wall.hang(prompt="this month, 50", likes=50, **ago(days=20))
    wall.hang(prompt="long ago, 900", likes=900, **ago(days=400))
    wall.hang(prompt="today, 5", likes=5, **ago(hours=2))
    wall.hang(prompt="today, none", **ago(hours=1))
    wall.hang(prompt="taken down, 70", likes=70, shown_at=None)


@pytest.mark.parametrize(
    ("window", "wanted"),
    [
        ("day", ["today, 5", "today, 2"]),
        ("week", ["yesterday, 9", "today, 5", "today, 2"]),
        ("month", ["this month, 50", "yesterday, 9", "today, 5", "today, 2"]),
        ("all", ["long ago, 900", "this month, 50", "yesterday, 9", "today, 5", "today, 2"]),
    ],
)
def test_the_best_liked_of_a_time_stand_first(client, liked_wall, window, wanted):
    response = client.get("/top", params={"of": window})
    assert titles(response) == wanted
    assert f'href="/top?of={window}" aria-current="page"' in response.text


def test_top_is_of_the_week_unless_one_asks(client, liked_wall):
    assert titles(client.get("/top"))[0] == "yesterday, 9"


@pytest.mark.parametrize("window", ["week", "all"])
def test_equally_liked_ones_are_neither_left_out_nor_repeated(client, wall, window):
    for number in range(PAGE_SIZE * 2 + 3):
        wall.hang(prompt=str(number), pictures=0, likes=3, **ago(minutes=number))
    assert all_pages(client, f"/top?of={window}") == [str(n) for n in reversed(range(PAGE_SIZE * 2 + 3))]


def test_likes_that_change_meanwhile_do_not_shift_a_window(client, wall, engine):
    for number in range(PAGE_SIZE + 4):
        wall.hang(prompt=str(number), pictures=0, likes=number + 1, **ago(minutes=1))
    first = client.get("/top?of=day")
    with transaction(engine) as session:
        session.execute(update(creations).where(creations.c.prompt == "0").values(likes=1000))
    assert titles(first) + titles(client.get(older(first))) == [str(n) for n in reversed(range(PAGE_SIZE + 4))]


@pytest.mark.parametrize("query", ["of=decade", "of=week&cursor=x", "of=all&cursor=" + "9" * 3000, "of=all&cursor=%00"])
def test_an_address_of_top_that_makes_no_sense_is_explained(client, query):
    response = client.get(f"/top?{query}")
    assert response.status_code == 422
    assert response.template.name == "problem.html"


def test_a_top_without_likes_says_how_one_gets_there(client, wall):
    wall.hang()
    assert "Nothing liked here yet." in client.get("/top").text


def test_following_is_for_members(client):
    response = client.get("/following", follow_redirects=False)
    assert (response.status_code, response.headers["location"]) == (303, "/sign-in?next=/following")


def test_those_one_follows_hang_newest_first_and_nobody_else(client, wall, engine, sign_in):
    me, ada, bob, eve = (wall.person(name, name) for name in ("me", "ada", "bob", "eve"))
    for n in range(PAGE_SIZE * 2 + 5):
        wall.hang(prompt=str(n), pictures=0, person_id=(ada, bob)[n % 2])
        wall.hang(prompt="by another", pictures=0, person_id=eve)
    for other in (ada, bob):
        follow(engine, me, other)
    sign_in(client, me)
    assert all_pages(client, "/following") == [str(n) for n in reversed(range(PAGE_SIZE * 2 + 5))]


def test_followed_ones_of_the_same_moment_are_neither_left_out_nor_repeated(client, wall, engine, sign_in):
    me, moment = wall.person("me"), now()
    for n in range(PAGE_SIZE + 9):
        person = wall.person(f"p{n}", id=5000 + n)
        follow(engine, me, person)
        wall.hang(prompt=str(n), pictures=0, person_id=person, shown_at=moment)
    sign_in(client, me)
    assert all_pages(client, "/following") == [str(n) for n in reversed(range(PAGE_SIZE + 9))]


def test_following_many_costs_no_more_questions(client, wall, engine, sign_in, statements):
    def questions():
        statements.clear()
        client.get("/following")
        return len(statements)

    me, costs = wall.person("me"), []
    sign_in(client, me)
    for n in range(40):
        person = wall.person(f"p{n}", id=6000 + n)
        follow(engine, me, person)
        wall.hang(person_id=person)
        if n in (1, 39):
            costs.append(min(questions() for _ in range(5)))  # the strip is asked for once in a second
    assert costs[0] == costs[1]
    assert MOST_FOLLOWED == 500


def test_who_follows_nobody_is_shown_whom_to_follow(client, wall, engine, sign_in):
    me, gone = wall.person("me"), wall.person("gone", "Gone")
    wall.hang(person_id=wall.person("ada", "Ada Lovelace"))
    wall.hang(person_id=gone)
    wall.hang(person_id=me)
    with transaction(engine) as session:
        session.execute(update(people).where(people.c.id == gone).values(hidden_at=now()))
    sign_in(client, me)
    html = client.get("/following").text
    assert "You follow nobody yet." in html
    assert 'action="/@ada/follow"' in html
    assert "/@gone/follow" not in html
    assert "/@me/follow" not in html


def test_a_members_heart_is_pressed_where_they_like(client, wall, engine, sign_in):
    me, liked, other = wall.person("me"), wall.hang(likes=1), wall.hang(likes=4)
    wall.hang(prompt="the large one")
    with transaction(engine) as session:
        session.execute(insert(likings).values(person_id=me, creation_id=liked, at=now()))
    sign_in(client, me)
    html = client.get("/").text
    assert f'formaction="/c/{liked}/unlike" aria-pressed="true"' in html
    assert f'formaction="/c/{other}/like" aria-pressed="false"' in html
    assert html.count('<form id="likes" method="post">') == 1


def test_a_heart_pressed_without_scripts_counts_and_comes_back(client, wall, sign_in):
    first = wall.hang()
    wall.hang()
    token = sign_in(client, wall.person("me"))
    sent = client.post(f"/c/{first}/like", data={"token": token, "next": "/"}, follow_redirects=False)
    assert (sent.status_code, sent.headers["location"]) == (303, "/")
    assert f'/c/{first}/unlike" aria-pressed="true" aria-label="Like"><span data-count>1</span>' in client.get("/").text


def test_where_nobody_can_sign_in_likes_are_only_counted(client, wall):
    for likes in (0, 7):
        wall.hang(likes=likes)
    wall.hang()
    html = client.get("/").text
    assert "<span>7 likes</span>" in html
    assert "card__like" not in html
    assert "/sign-in" not in html


def test_a_strangers_heart_leads_to_the_sign_in(site, wall):
    client, first = site(settings=WITH_DOOR), wall.hang(likes=7)
    wall.hang()
    html = client.get("/").text
    assert f'href="/sign-in?next=/c/{first}/like"' in html
    assert 'id="likes"' not in html


def test_a_sensitive_picture_hangs_behind_a_veil_unless_one_wants_it_otherwise(client, wall, engine, sign_in):
    for _ in range(2):  # the large one and one on the wall
        wall.hang(sensitive=True)
    html = client.get("/").text
    assert html.count("Marked as sensitive") == 2
    assert "/pictures/" not in html
    assert "data:image" not in html
    me = wall.person("me", shows_sensitive=True)
    sign_in(client, me)
    assert client.get("/").text.count("/pictures/") >= 2


def test_the_author_sees_their_own_without_a_veil(client, wall, sign_in):
    wall.hang(sensitive=True)
    sign_in(client, wall.person())
    assert "Marked as sensitive" not in client.get("/").text


def test_a_card_names_whom_it_is_after_and_what_followed(client, wall):
    parent = wall.hang(person_id=wall.person("grace", "Grace"), comments=1, remixes=2)
    wall.hang(parent_id=parent)
    wall.hang()
    html = client.get("/").text
    assert f'after <a class="author" href="/c/{parent}">a picture by <bdi>@grace</bdi></a>' in html
    assert "<span>1 comment</span>" in html
    assert "<span>2 remixes</span>" in html


def test_smaller_copies_are_offered_where_there_are_any(client, wall, storage):
    creation_id = wall.hang(pictures=0)
    wall.picture(
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


def test_without_avif_the_large_copy_is_offered_as_webp(client, wall):
    creation_id = wall.hang(pictures=0)
    wall.picture(creation_id, width=1024, height=1024, wide_key="aa/wide.webp", wide_width=960, wide_height=960)
    assert ", /pictures/aa/wide.webp 960w" in client.get("/").text


def test_the_first_visit_is_told_how_to_ask_and_members_know(client, wall, sign_in):
    assert "intent/post?text=%40threadpaint%20a%20lighthouse" in client.get("/").text
    wall.hang()
    assert "How to ask for a picture" in client.get("/").text
    sign_in(client, wall.person("me"))
    assert "How to ask for a picture" not in client.get("/").text


def test_chosen_colours_are_in_the_page_from_its_first_byte(client):
    assert "data-theme" not in client.get("/").text
    chosen = client.post("/colours", data={"theme": "dark", "next": "/top"}, follow_redirects=False)
    assert (chosen.status_code, chosen.headers["location"]) == (303, "/top")
    assert '<html lang="en" data-theme="dark">' in client.get("/").text


@pytest.mark.parametrize("theme", ['"><script>', "neon", ""])
def test_colours_that_there_are_not_leave_it_to_the_system(client, theme):
    client.post("/colours", data={"theme": theme})
    client.cookies.set("theme", "x\"'><b>")
    assert "data-theme" not in client.get("/").text


def test_colours_are_not_changed_from_another_site(client):
    assert (
        client.post("/colours", data={"theme": "dark"}, headers={"Origin": "https://evil.example"}).status_code == 403
    )


def test_no_question_of_a_wall_reads_the_whole_table(client, wall, engine, sign_in, statements):
    me = wall.person("me")
    for number in range(3):
        wall.hang(likes=number)
    wall.creation(next_attempt_at=now())
    follow(engine, me, wall.person())
    sign_in(client, me)
    asked = []
    with engine.connect() as connection:

        def note(_connection, cursor, statement, parameters, *_rest):
            if statement.startswith("SELECT"):
                asked.append((statement, parameters))

        event.listen(engine, "before_cursor_execute", note)
        for path in ("/", "/top?of=day", "/top?of=all", "/following"):
            client.get(path)
        event.remove(engine, "before_cursor_execute", note)
        for statement, parameters in asked:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
            scans = [row.detail for row in plan if row.detail.startswith("SCAN creation") and "USING" not in row.detail]
            assert scans == [], statement
    assert any("ix_creation_top" in row for row in plans_of(engine, asked))
    assert any("ix_creation_liked" in row for row in plans_of(engine, asked))
    assert any("ix_creation_line" in row for row in plans_of(engine, asked))


def plans_of(engine, asked):
    with engine.connect() as connection:
        for statement, parameters in asked:
            yield from (row.detail for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters))
