"""Test the gallery in real browsers, with a whole demo."""

import re

import pytest
from playwright.sync_api import Browser

from tests.support.demo import Demo
from tests.support.gallery_user import BrowserUser

pytestmark = [pytest.mark.processes, pytest.mark.browser]


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_two_members_use_one_picture(demo: Demo, browser: Browser, scripts: bool) -> None:
    """Sign in, paint, like, comment, follow, remix, re-run, collect, hide, delete, and sign out everywhere."""
    end = "s" if scripts else "n"
    ada, bob = (f"{name}_{end}" for name in ("ada", "bob"))
    author, guest = (BrowserUser(browser, demo, scripts=scripts) for _ in range(2))

    assert author.go("/").get_by_text("Mention").count()
    author.sign_in(ada)
    first = author.paint("a lighthouse at night, thick brush strokes")
    assert author.page.locator("h1").inner_text() == "a lighthouse at night, thick brush strokes"

    guest.go(first)
    guest.sign_in(bob)
    assert guest.path == first
    guest.like(first)
    guest.add_comment(first, "What a light.")
    author.reply(first, "It is the moon.", to="What a light.")
    assert guest.comment(first, "It is the moon.").is_visible()
    guest.follow(ada)

    remix = guest.remix(first, "a lighthouse in winter")
    again = guest.again(first)
    assert {first, remix} <= remix_tree_of(guest, remix)
    assert {remix, again} <= remix_tree_of(author, first)

    board = guest.collect(first, "Lights")
    assert author.go(board).locator(f"main a[href='{first}']").count()

    shown = author.go("/me/notifications").locator("main").inner_text()
    assert all(word in shown for word in ("like", "follow", "What a light")), shown

    guest.manage(remix, "Hide")
    assert author.go(remix).get_by_role("heading").first.is_visible()
    assert author.page.request.get(remix).status == 404
    guest.manage(again, "Delete")
    guest.press("Delete")
    assert author.page.request.get(again).status == 410

    elsewhere = BrowserUser(browser, demo, scripts=scripts)
    elsewhere.go("/")
    elsewhere.sign_in(bob)
    guest.go("/me/settings")
    guest.press("Sign out everywhere")
    assert not elsewhere.is_signed_in()
    assert not guest.is_signed_in()


def remix_tree_of(visitor: BrowserUser, path: str) -> set[str]:
    """Return the paths in a page's remix tree, and its own."""
    links = visitor.go(path).locator(".remix-tree a").evaluate_all("all => all.map(one => one.getAttribute('href'))")
    return {path, *(link for link in links if re.fullmatch(r"/c/\d+", link))}
