"""axe-core finds nothing on any page: light and dark, for strangers and members, empty and full."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import update
from starlette.routing import Route

from core.database import transaction
from core.models import (
    Board,
    Collected,
    Comment,
    Follow,
    Kind,
    Liked,
    Notification,
    State,
    creations,
    people,
)
from gallery.app import PAGES
from gallery.signing import logins
from tests.support.browsing import found_by_axe, running_browser, window
from tests.support.servers import serving

pytestmark = pytest.mark.browser

FOR_MEMBERS = ("/me",)
# The rules of axe whose answer changes with the colours.
OF_COLOURS = ("color-contrast", "link-in-text-block")
# What is no page for people: files, feeds, JSON, and what sends people elsewhere.
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
NO_PAGES = (
    "/pictures/", "/static/", "/favicon", "/robots.txt", "/sitemap", "/oembed", "/.well-known/", "/paint/start/",
    "/live", "/healthz", "/api/", ".atom", ".json", ".zip", ".jpg", "/download/", "/sign-in/",
)  # fmt: skip
# Where the addresses of a full site differ from those of its routes.
EXAMPLES = {"creation_id": "1", "handle": "ada", "name": "board", "number": "1", "comment_id": "2", "id": "1"}


def paths_of_pages():
    """Every address that shows a page, with the examples put in; what is new is looked at without being asked for."""
    paths = []
    for route in PAGES:
        if isinstance(route, Route) and "GET" in (route.methods or ()) and not any(n in route.path for n in NO_PAGES):
            path = route.path
            for name, value in EXAMPLES.items():
                path = path.replace(f"{{{name}}}", value).replace(f"{{{name}:int}}", value)
            assert "{" not in path, f"say in EXAMPLES what stands for it in {path}"
            paths.append(path)
    return paths


def fill(wall):
    """One of everything that a page can show."""
    ada, bob = wall.person(), wall.person("bob", "Bob")
    first = wall.hang(prompt="a lighthouse at night, thick brush strokes", pictures=3)
    assert first == 1
    wall.hang(prompt="the same in winter", parent_id=first, person_id=bob)
    wall.hang(prompt="سفينة في البحر", person_id=bob, sensitive=True)
    wall.creation(prompt="a fox that waits")
    wall.creation(prompt="too long", state=State.REFUSED, code="too_long")
    wall.creation(prompt="gone", state=State.REPLIED, deleted_at=NOON)
    wall.creation(prompt="kept for myself", hidden_at=NOON, state=State.PAINTED)
    for number in range(30):
        wall.hang(prompt=f"a harbour, number {number}", colour="navy")
    with transaction(wall.engine) as session:
        session.add(Board(person_id=ada, name="board", title="Harbours", about="All of them.", size=2))
        session.add_all(Comment(creation_id=1, person_id=who, text="I like the light.") for who in (ada, bob))
        session.flush()
        session.add(Comment(creation_id=1, person_id=ada, parent_id=2, text="Thank you."))
        session.add(Comment(creation_id=1, person_id=bob, parent_id=3, text="", deleted_at=NOON))
        session.add_all(Collected(board_id=1, creation_id=number) for number in (1, 2))
        session.add(Liked(person_id=bob, creation_id=1))
        session.add(Follow(follower_id=bob, followed_id=ada))
        session.add(Follow(follower_id=ada, followed_id=bob))
        session.add_all(
            Notification(person_id=ada, kind=kind, key=f"{kind}", actor_id=bob, creation_id=1, comment_id=2)
            for kind in Kind
        )
        session.execute(update(creations).where(creations.c.id == 1).values(likes=1, comments=3, remixes=1))
        session.execute(update(people).values(followers=1, follows=1))
    return ada


@pytest.fixture(scope="module")
def browser(chromium):
    with running_browser(chromium) as browser:
        yield browser


def can_be_empty(path):
    """Whether it has another look without anything on the wall: what is of one creation or board is not there then."""
    return not path.startswith(("/c/", "/b/", "/api", "/sign-in"))


def looked_at(browser, address, paths, **values):
    """What axe finds on these pages: everything in the light, and in the dark what depends on colours."""
    found = []
    context = window(browser, address, **values)
    page = context.new_page()
    for path in paths:
        page.emulate_media(color_scheme="light")
        answer = page.goto(path, wait_until="load")
        assert answer.status < 500, path
        found += [f"{path} (light): {line}" for line in found_by_axe(page)]
        page.emulate_media(color_scheme="dark")
        found += [f"{path} (dark): {line}" for line in found_by_axe(page, OF_COLOURS)]
    context.close()
    return found


def assert_none(found):
    assert not found, "\n".join(found)


def test_a_full_site_as_a_stranger_sees_it(browser, site, wall):
    fill(wall)
    paths = [*(p for p in paths_of_pages() if not p.startswith(FOR_MEMBERS)), *states(wall)]
    with serving(site().app) as address:
        assert_none(looked_at(browser, address, paths))


def test_a_full_site_as_a_member_sees_it(browser, site, wall, engine):
    login = logins.begin(engine, fill(wall), browser="Firefox on Linux").value
    with serving(site().app) as address:
        assert_none(looked_at(browser, address, [*paths_of_pages(), *states(wall)], login=login))


def test_an_empty_site(browser, site, wall, engine):
    login = logins.begin(engine, wall.person(), browser="Firefox on Linux").value
    with serving(site().app) as address:
        assert_none(looked_at(browser, address, ["/", "/nowhere", "/@nobody", "/@ada"]))
        assert_none(looked_at(browser, address, [path for path in paths_of_pages() if can_be_empty(path)], login=login))


def test_a_full_site_on_a_phone(browser, site, wall, engine):
    login = logins.begin(engine, fill(wall), browser="Firefox on Linux").value
    phone = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
    with serving(site().app) as address:
        assert_none(looked_at(browser, address, paths_of_pages(), login=login, **phone))


def states(wall):
    """Creations that are not as usual: they come after the first one, in the order in which `fill` made them."""
    return ["/c/2", "/c/3", "/c/4", "/c/5", "/c/6", "/nowhere", "/@nobody", "/?cursor=nonsense"]
