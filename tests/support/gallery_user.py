"""Use the gallery of a demo in a browser, with the same clicks with and without JavaScript."""

import re
from typing import TYPE_CHECKING

from tests.support.demo import Demo

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

from tests.support.browser import window

A_CREATION = re.compile(r"/c/\d+$")
TIMEOUT_MS = 20_000


class BrowserUser:
    """A user with their own browser. Pages are named by their paths."""

    def __init__(self, browser: "Browser", demo: Demo, *, scripts: bool = True) -> None:
        self.scripts, self.demo = scripts, demo
        self.context = window(browser, demo.gallery, java_script_enabled=scripts)
        self.context.set_default_timeout(TIMEOUT_MS)
        self.page: Page = self.context.new_page()

    def go(self, path: str) -> "Page":
        """Open a page of the gallery."""
        self.page.goto(path)
        return self.page

    @property
    def path(self) -> str:
        """Return the path of the current page."""
        return self.page.url.removeprefix(self.demo.gallery).partition("#")[0]

    def press(self, name: str | re.Pattern[str], within: str = "main") -> None:
        """Press the one button of this name."""
        self.page.locator(within).get_by_role("button", name=name, exact=True).first.click()

    def sign_in(self, handle: str) -> None:
        """Sign in on the sandbox's consent page as this user, and return to the current page."""
        self.page.get_by_role("banner").get_by_role("link", name="Sign in").click()
        self.page.get_by_role("link", name="Continue with X").click()
        self.page.locator("input[name=other]").fill(handle)
        self.page.get_by_role("button", name="Authorize app").click()
        self.page.wait_for_url(f"{self.demo.gallery}/**")

    def is_signed_in(self) -> bool:
        """Return whether the user is signed in."""
        return self.go("/").locator(".member").count() == 1

    def paint(self, prompt: str) -> str:
        """Create a picture in the composer and wait for it. Return the path of its page."""
        self.go("/paint").get_by_label("Describe your picture").fill(prompt)
        self.press("Paint")
        return self.wait_for_picture()

    def remix(self, path: str, prompt: str) -> str:
        """Remix a picture with another prompt. Return the path of the remix."""
        self.go(path).get_by_role("link", name="Remix", exact=True).click()
        composer = self.page.locator("form.compose")
        composer.get_by_label("Describe your picture").fill(prompt)
        composer.get_by_role("button", name="Paint").click()
        if self.scripts:  # the composer is a dialog, and this page stays
            self.page.get_by_role("link", name="Show it").click()
        return self.wait_for_picture()

    def again(self, path: str) -> str:
        """Re-run a prompt with a new seed. Return the path of the new creation."""
        self.go(path)
        self.press("Run again")
        self.page.wait_for_url(lambda url: bool(A_CREATION.search(url)) and not url.endswith(path))
        return self.wait_for_picture()

    def wait_for_picture(self) -> str:
        """Wait until the page shows the picture without a reload. Return its path."""
        self.page.wait_for_url(A_CREATION)
        self.page.locator(".creation__pictures img.frame__picture").first.wait_for()
        return self.path

    def like(self, path: str) -> None:
        """Press the heart, and wait until it is pressed."""
        self.go(path)
        self.press("Like")
        self.page.get_by_role("button", name="Like", pressed=True).first.wait_for()

    def add_comment(self, path: str, text: str) -> None:
        """Comment on a picture."""
        self.go(path).get_by_label("Add a comment").fill(text)
        self._post(text)

    def reply(self, path: str, text: str, to: str) -> None:
        """Reply to a comment."""
        self.comment(path, to).get_by_role("link", name="Reply").first.click()
        self.page.get_by_label("Reply to").fill(text)
        self._post(text)

    def comment(self, path: str, text: str) -> "Locator":
        """Return the comment with this text."""
        return self.go(path).locator(".comment", has_text=text).first

    def _post(self, text: str) -> None:
        self.press("Post")
        self.page.locator(".comment__text", has_text=text).wait_for()

    def follow(self, handle: str) -> None:
        """Follow a user on their profile."""
        self.go(f"/@{handle}").locator(".follow button").first.click()
        self.page.locator(".follow button[aria-pressed=true]").first.wait_for()

    def collect(self, path: str, board: str) -> str:
        """Put a picture on a new board. Returns the path of the board."""
        self.go(path).locator("summary", has_text="Add to a board").click()
        self.page.get_by_label("New board").fill(board)
        self.press("Save")
        self.page.locator("summary", has_text="On 1 board").wait_for()
        self.go("/me/boards").locator("main").get_by_role("link", name=board).first.click()
        self.page.wait_for_url("**/b/*")
        return self.path

    def manage(self, path: str, action: str) -> None:
        """Press a button that only the author of a creation has."""
        self.go(path).locator("summary", has_text="Manage").click()
        self.press(action)
