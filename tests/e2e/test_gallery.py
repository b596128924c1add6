"""The gallery as its people use it: in browsers of their own, with the whole house behind it."""

import re
from collections.abc import Iterator

import pytest

from tests.support.browsing import running_browser
from tests.support.house import OPEN_HANDED, House, running_house
from tests.support.visiting import Visitor

pytestmark = [pytest.mark.processes, pytest.mark.browser]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with running_house(tmp_path_factory.mktemp("demo"), **OPEN_HANDED) as house:
        yield house


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[object]:
    with running_browser(chromium) as browser:
        yield browser


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_two_people_meet_over_a_picture(house, browser, scripts):
    """They sign in, paint, like, talk, follow, remix, paint again, collect, hide, delete, and sign out everywhere."""
    end = "s" if scripts else "n"
    ada, bob = (f"{name}_{end}" for name in ("ada", "bob"))
    painter, guest = (Visitor(browser, house, scripts=scripts) for _ in range(2))

    assert painter.go("/").get_by_text("Mention").count()
    painter.sign_in(ada)
    first = painter.paint("a lighthouse at night, thick brush strokes")
    assert painter.page.locator("h1").inner_text() == "a lighthouse at night, thick brush strokes"

    guest.go(first)
    guest.sign_in(bob)
    assert guest.path == first
    guest.like(first)
    guest.say(first, "What a light.")
    painter.answer(first, "It is the moon.", to="What a light.")
    assert guest.comment(first, "It is the moon.").is_visible()
    guest.follow(ada)

    remix = guest.remix(first, "a lighthouse in winter")
    again = guest.again(first)
    assert {first, remix} <= family_of(guest, remix)
    assert {remix, again} <= family_of(painter, first)

    board = guest.collect(first, "Lights")
    assert painter.go(board).locator(f"main a[href='{first}']").count()

    told = painter.go("/me/notifications").locator("main").inner_text()
    assert all(word in told for word in ("like", "follow", "What a light")), told

    guest.manage(remix, "Take it off the wall")
    assert painter.go(remix).get_by_role("heading").first.is_visible()
    assert painter.page.request.get(remix).status == 404
    guest.manage(again, "Delete it")
    guest.press("Delete it")
    assert painter.page.request.get(again).status == 410

    elsewhere = Visitor(browser, house, scripts=scripts)
    elsewhere.go("/")
    elsewhere.sign_in(bob)
    guest.go("/me/settings")
    guest.press("Sign out everywhere")
    assert not elsewhere.is_signed_in()
    assert not guest.is_signed_in()


def family_of(visitor, path):
    """The addresses of all relatives that a page shows, and its own."""
    links = visitor.go(path).locator(".family a").evaluate_all("all => all.map(one => one.getAttribute('href'))")
    return {path, *(link for link in links if re.fullmatch(r"/c/\d+", link))}
