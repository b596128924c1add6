"""What visitors of the gallery do in their browser, in a whole demo. The same clicks with and without JavaScript."""

import re
from typing import TYPE_CHECKING

from tests.support.house import House

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

from tests.support.browsing import window

A_CREATION = re.compile(r"/c/\d+$")
PATIENCE = 20_000


class Visitor:
    """Somebody in a browser of their own. Pages are named by their paths."""

    def __init__(self, browser: "Browser", house: House, *, scripts: bool = True) -> None:
        self.scripts, self.house = scripts, house
        self.context = window(browser, house.gallery, java_script_enabled=scripts)
        self.context.set_default_timeout(PATIENCE)
        self.page: Page = self.context.new_page()

    def go(self, path: str) -> "Page":
        """Open a page of the gallery."""
        self.page.goto(path)
        return self.page

    @property
    def path(self) -> str:
        """Where they are."""
        return self.page.url.removeprefix(self.house.gallery).partition("#")[0]

    def press(self, name: str | re.Pattern[str], within: str = "main") -> None:
        """Press the one button of this name."""
        self.page.locator(within).get_by_role("button", name=name, exact=True).first.click()

    def sign_in(self, handle: str) -> None:
        """Through X's page, where one picks who to be; back where they were."""
        self.page.get_by_role("banner").get_by_role("link", name="Sign in").click()
        self.page.get_by_role("link", name="Go on to X").click()
        self.page.locator("input[name=other]").fill(handle)
        self.page.get_by_role("button", name="Authorize app").click()
        self.page.wait_for_url(f"{self.house.gallery}/**")

    def is_signed_in(self) -> bool:
        """Whether the gallery knows them."""
        return self.go("/").locator(".member").count() == 1

    def paint(self, prompt: str) -> str:
        """Ask for a picture in the composer, and stay until it has come. Returns the path of its page."""
        self.go("/paint").get_by_label("What shall be painted?").fill(prompt)
        self.press("Paint")
        return self.see_it_arrive()

    def remix(self, path: str, prompt: str) -> str:
        """Change the words of somebody's picture."""
        self.go(path).get_by_role("link", name="Remix").click()
        self.page.get_by_label("What shall be painted?").fill(prompt)
        self.press("Paint")
        return self.see_it_arrive()

    def again(self, path: str) -> str:
        """The same words with a new seed."""
        self.go(path)
        self.press("Paint again")
        self.page.wait_for_url(lambda url: bool(A_CREATION.search(url)) and not url.endswith(path))
        return self.see_it_arrive()

    def see_it_arrive(self) -> str:
        """Without doing anything: the page brings the picture by itself."""
        self.page.wait_for_url(A_CREATION)
        self.page.locator(".creation__pictures img.frame__picture").first.wait_for()
        return self.path

    def like(self, path: str) -> None:
        """Press the heart, and see it counted."""
        self.go(path)
        self.press("Like")
        self.page.get_by_role("button", name="Like", pressed=True).first.wait_for()

    def say(self, path: str, text: str) -> None:
        """Under a picture."""
        self.go(path).get_by_label("Say something about this picture").fill(text)
        self._say(text)

    def answer(self, path: str, text: str, to: str) -> None:
        """A comment with another one."""
        self.comment(path, to).get_by_role("link", name="Answer").first.click()
        self.page.get_by_label("Your answer").fill(text)
        self._say(text)

    def comment(self, path: str, text: str) -> "Locator":
        """The one that says this."""
        return self.go(path).locator(".said", has_text=text).first

    def _say(self, text: str) -> None:
        self.press("Say it")
        self.page.locator(".said__text", has_text=text).wait_for()

    def follow(self, handle: str) -> None:
        """From their page."""
        self.go(f"/@{handle}").locator(".follow button").first.click()
        self.page.locator(".follow button[aria-pressed=true]").first.wait_for()

    def collect(self, path: str, board: str) -> str:
        """Put a picture on a new board. Returns the path of the board."""
        self.go(path).locator("summary", has_text="Add to a board").click()
        self.page.get_by_label("A new board").fill(board)
        self.press("Save")
        self.page.locator("summary", has_text="On 1 board").wait_for()
        self.go("/me/boards").locator("main").get_by_role("link", name=board).first.click()
        self.page.wait_for_url("**/b/*")
        return self.path

    def manage(self, path: str, deed: str) -> None:
        """What only its author can do with a picture."""
        self.go(path).locator("summary", has_text="Yours").click()
        self.press(deed)
