"""axe-core finds nothing on any page: light and dark, for anonymous users and members, empty and full."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import Browser
from sqlalchemy import Engine, update

from core.database import write_session
from core.models import (
    Board,
    BoardItem,
    Comment,
    Follow,
    Like,
    Notification,
    NotificationKind,
    State,
    creations,
    people,
)
from gallery.routers.legacy_redirects import REDIRECTS
from gallery.web import sessions
from tests.support.browser import load_axe, violations_in_both_themes, window
from tests.support.gallery_data import GalleryData
from tests.support.site_client import Serve, SiteClient
from tests.support.site_routes import site_routes

pytestmark = pytest.mark.browser

FOR_MEMBERS = ("/me",)
# What is no page for people: files, feeds, JSON, and what sends people elsewhere.
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
NO_PAGES = (
    "/pictures/", "/static/", "/favicon", "/robots.txt", "/sitemap", "/oembed", "/.well-known/", "/uploads/",
    "/live", "/healthz", "/api/", ".{file_format}", ".json", ".zip", ".jpg", "/download/", "/auth/",
    "/around", "/random", "/card", "/service-worker", "/manifest",
)  # fmt: skip
ROUTERS_WITH_PAGES = ("board_pages", "boards", "creations", "feeds", "my", "profiles", "prompt_history", "search")
PAGE_SIZE = 4
# Where the addresses of a full site differ from those of its routes.
EXAMPLES = {"creation_id": "1", "handle": "ada", "name": "board", "number": "1", "comment_id": "2", "id": "1"}


def paths_of_pages() -> Any:
    """Return the paths of all pages, with example parameters. New routes are included automatically."""
    paths = []
    for route in site_routes("GET"):
        if route.path not in REDIRECTS and not any(part in route.path for part in NO_PAGES):
            path = route.path
            for name, value in EXAMPLES.items():
                path = path.replace(f"{{{name}}}", value).replace(f"{{{name}:int}}", value)
            assert "{" not in path, f"say in EXAMPLES what stands for it in {path}"
            # Creation 2 is a remix.
            paths.append(path.replace("/c/1/compare", "/c/2/compare"))
    return paths


def fill(gallery_data: GalleryData) -> Any:
    """Create one of everything that a page can show."""
    ada, bob = gallery_data.person(), gallery_data.person("bob", "Bob")
    first = gallery_data.publish(prompt="a lighthouse at night, thick brush strokes", pictures=3)
    assert first == 1
    gallery_data.publish(prompt="the same in winter", parent_id=first, person_id=bob)
    gallery_data.publish(prompt="سفينة في البحر", person_id=bob, sensitive=True)
    gallery_data.creation(prompt="a fox that waits")
    gallery_data.creation(prompt="too long", state=State.REFUSED, reason_code="too_long")
    gallery_data.creation(prompt="gone", state=State.REPLIED, deleted_at=NOON)
    gallery_data.creation(prompt="kept for myself", hidden_at=NOON, state=State.PAINTED)
    for number in range(PAGE_SIZE - 2):
        gallery_data.publish(prompt=f"a harbour, number {number}", color="navy")
    with write_session(gallery_data.engine) as session:
        session.add(Board(person_id=ada, name="board", title="Harbours", about="All of them.", size=2))
        session.add_all(Comment(creation_id=1, person_id=who, text="I like the light.") for who in (ada, bob))
        session.flush()
        session.add(Comment(creation_id=1, person_id=ada, parent_id=2, text="Thank you."))
        session.add(Comment(creation_id=1, person_id=bob, parent_id=3, text="", deleted_at=NOON))
        session.add_all(BoardItem(board_id=1, creation_id=number) for number in (1, 2))
        session.add(Like(person_id=bob, creation_id=1))
        session.add(Follow(follower_id=bob, followed_id=ada))
        session.add(Follow(follower_id=ada, followed_id=bob))
        session.add_all(
            Notification(person_id=ada, kind=kind, key=f"{kind}", actor_id=bob, creation_id=1, comment_id=2)
            for kind in NotificationKind
        )
        session.execute(update(creations).where(creations.c.id == 1).values(likes=1, comments=3, remixes=1))
        session.execute(update(people).values(follower_count=1, following_count=1))
    return ada


@pytest.fixture(autouse=True)
def short_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make pages short: axe takes as long for each of many equal cards as for the first."""
    for router in ROUTERS_WITH_PAGES:
        monkeypatch.setattr(f"gallery.routers.{router}.PAGE_SIZE", PAGE_SIZE)


def can_be_empty(path: str) -> bool:
    """Return whether the page also exists on an empty site. Pages of one creation or board do not."""
    return not path.startswith(("/c/", "/b/", "/api", "/sign-in"))


def looked_at(browser: Browser, address: str, paths: Any, **values: Any) -> Any:
    """Return what axe finds on these pages in both themes."""
    context = window(browser, address, **values)
    load_axe(context)
    page = context.new_page()
    found = [line for path in paths for line in violations_in_both_themes(page, path)]
    context.close()
    return found


def assert_none(found: Any) -> None:
    assert not found, "\n".join(found)


def test_full_site_passes_axe_for_anonymous_users(
    browser: Browser,
    site: Callable[..., SiteClient],
    serve_in_browser: Serve,
    gallery_data: GalleryData,
) -> None:
    fill(gallery_data)
    paths = [*(p for p in paths_of_pages() if not p.startswith(FOR_MEMBERS)), *states(gallery_data)]
    assert_none(looked_at(browser, serve_in_browser(site()), paths))


def test_full_site_passes_axe_for_members(
    browser: Browser,
    site: Callable[..., SiteClient],
    serve_in_browser: Serve,
    gallery_data: GalleryData,
    engine: Engine,
) -> None:
    login = sessions.create(engine, fill(gallery_data), browser="Firefox on Linux").value
    assert_none(looked_at(browser, serve_in_browser(site()), [*paths_of_pages(), *states(gallery_data)], login=login))


def test_empty_site_passes_axe(
    browser: Browser,
    site: Callable[..., SiteClient],
    serve_in_browser: Serve,
    gallery_data: GalleryData,
    engine: Engine,
) -> None:
    login = sessions.create(engine, gallery_data.person(), browser="Firefox on Linux").value
    address = serve_in_browser(site())
    assert_none(looked_at(browser, address, ["/", "/nowhere", "/@nobody", "/@ada"]))
    assert_none(looked_at(browser, address, [path for path in paths_of_pages() if can_be_empty(path)], login=login))


def test_full_site_passes_axe_on_a_phone(
    browser: Browser,
    site: Callable[..., SiteClient],
    serve_in_browser: Serve,
    gallery_data: GalleryData,
    engine: Engine,
) -> None:
    login = sessions.create(engine, fill(gallery_data), browser="Firefox on Linux").value
    phone = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
    assert_none(looked_at(browser, serve_in_browser(site()), paths_of_pages(), login=login, **phone))


def states(gallery_data: GalleryData) -> Any:
    """Return the paths of unusual creations, which `fill` created after the first one, in this order."""
    return ["/c/2", "/c/3", "/c/4", "/c/5", "/c/6", "/nowhere", "/@nobody", "/?cursor=nonsense"]
