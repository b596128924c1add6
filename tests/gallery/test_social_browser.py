"""Likes, follows and answers in a real browser: without leaving the page, and without scripts as well."""

import pytest

from core.clock import now
from gallery.signing import logins
from gallery.social.saying import Words, say
from tests.support.browsing import running_browser, window
from tests.support.servers import serving

pytestmark = pytest.mark.browser


@pytest.fixture
def ada(wall):
    return wall.person("ada", "Ada", member_since=now())


@pytest.fixture
def bob(wall):
    return wall.person("bob", "Bob")


@pytest.fixture
def hung(wall, ada, engine):
    creation_id = wall.hang(person_id=ada, prompt="a lighthouse")
    say(engine, ada, creation_id, Words("what do you think", ""))
    return creation_id


@pytest.fixture
def open_page(site, chromium, engine, bob):
    """Opens a page in a browser of Bob's, or of a stranger's."""
    with serving(site().app) as address, running_browser(chromium) as browser:

        def open_(path, *, member=True, **values):
            login = logins.begin(engine, bob, browser="Chromium").value if member else None
            page = window(browser, address, login=login, **values).new_page()
            page.goto(path)
            return page

        yield open_


def stamp(page):
    """Marks the page; a reload or another page loses it."""
    page.evaluate("window.stayed = true")


def stayed(page):
    return page.evaluate("window.stayed === true")


def test_a_like_counts_without_leaving_and_is_told_aloud(open_page, hung):
    page = open_page(f"/c/{hung}")
    stamp(page)
    heart = page.locator("button.like")
    heart.click()
    page.wait_for_selector("button.like[aria-pressed=true]")
    count = page.locator(f"[data-likes='{hung}']")
    count.get_by_text("1 like", exact=True).wait_for()
    page.get_by_role("status").get_by_text("Liked. 1 like.").wait_for(state="attached")
    heart.press("Enter")
    page.wait_for_selector("button.like[aria-pressed=false]")
    count.get_by_text("No likes yet").wait_for()
    assert stayed(page)


def test_a_heart_on_a_wall_is_pressed_in_its_place(open_page, hung):
    page = open_page("/@ada")
    stamp(page)
    page.locator(".card__like").first.click()
    page.wait_for_selector(".card__like[aria-pressed=true]")
    assert page.locator(".card__like").first.inner_text() == "1"
    assert stayed(page)


def test_following_counts_without_leaving(open_page, hung):
    page = open_page("/@ada")
    stamp(page)
    page.get_by_role("button", name="Follow").click()
    page.get_by_role("button", name="Following").wait_for()
    page.get_by_role("link", name="1 follower").wait_for()
    assert stayed(page)


def test_the_heart_fills_before_the_server_has_answered(open_page, hung):
    page = open_page("/@ada")
    held = []
    page.route("**/like", lambda route: held.append(route))  # noqa: PLW0108  # playwright cannot wrap a builtin
    heart = page.locator(".card__like").first
    heart.click()
    page.wait_for_selector(".card__like[aria-pressed=true]")
    assert heart.inner_text() == "1"
    assert len(held) == 1
    held[0].continue_()
    page.get_by_role("status").get_by_text("Liked. 1 like.").wait_for(state="attached")


@pytest.mark.parametrize("trouble", ["offline", "lost", "429", "503"])
def test_a_like_that_fails_is_taken_back_in_place_with_words_that_are_seen(open_page, hung, trouble):
    page = open_page("/@ada")
    stamp(page)
    if trouble == "offline":
        page.context.set_offline(True)
    elif trouble == "lost":
        page.route("**/like", lambda route: route.abort())
    else:
        page.route("**/like", lambda route: route.fulfill(status=int(trouble)))
    page.locator(".card__like").first.click()
    words = {"offline": "No connection.", "lost": "No connection.", "429": "Too fast.", "503": "That did not work."}
    message = page.get_by_role("alert").get_by_text(words[trouble])
    message.wait_for()
    assert message.bounding_box()["height"] > 20
    page.wait_for_selector(".card__like[aria-pressed=false]")
    assert page.locator(".card__like").first.inner_text() == ""
    assert stayed(page)


def test_a_comment_typed_offline_stays_where_it_is(open_page, hung):
    page = open_page(f"/c/{hung}")
    stamp(page)
    page.context.set_offline(True)
    page.locator("textarea[name=text]").fill("It is very tall.")
    page.get_by_role("button", name="Say it").click()
    page.get_by_role("alert").get_by_text("No connection.").wait_for()
    assert page.locator("textarea[name=text]").input_value() == "It is very tall."
    assert stayed(page)


def test_a_member_who_was_signed_out_meanwhile_signs_in_to_like(open_page, hung):
    page = open_page(f"/c/{hung}")
    page.context.clear_cookies()
    page.locator("button.like").click()
    page.wait_for_url(f"**/sign-in?next=%2Fc%2F{hung}%2Flike")


def test_an_answer_is_written_under_its_comment(open_page, hung):
    page = open_page(f"/c/{hung}")
    page.locator(".said__answer").click()
    assert page.evaluate("document.activeElement.name") == "text"
    assert page.get_by_label("Your answer to Ada").count() == 1
    page.keyboard.type("It is very tall.")
    page.get_by_role("button", name="Say it").click()
    page.wait_for_selector("#comment-2.said--1")
    assert page.locator("#comment-2 .said__text").inner_text() == "It is very tall."


def test_not_now_brings_the_form_back(open_page, hung):
    page = open_page(f"/c/{hung}")
    page.locator(".said__answer").click()
    page.get_by_role("button", name="Not now").click()
    assert page.get_by_label("Say something about this picture").count() == 1
    assert page.locator("#saying input[name=parent]").input_value() == ""


def test_all_of_it_works_without_scripts(open_page, hung):
    page = open_page(f"/c/{hung}", java_script_enabled=False)
    page.locator("button.like").click()
    assert page.locator("button.like").get_attribute("aria-pressed") == "true"
    page.locator(".said__answer").click()
    page.locator("textarea[name=text]").fill("It is very tall.")
    page.get_by_role("button", name="Say it").click()
    assert page.url.endswith(f"/c/{hung}#comment-2")
    page.locator("#comment-2 summary").click()
    page.get_by_role("button", name="Yes, take it back").click()
    assert page.locator("#comment-2").count() == 0
    page.goto("/@ada")
    page.get_by_role("button", name="Follow").click()
    assert page.get_by_role("button", name="Following").count() == 1
