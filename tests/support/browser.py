"""Run a real Chromium, sign it in, and check pages with axe-core."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Dialog, FloatRect, Locator, Page, Response

# With one process for all pages of a context, Chromium starts a third of the processes.
FLAGS = ["--no-sandbox", "--disable-dev-shm-usage", "--renderer-process-limit=1"]

# The rules of axe whose answer changes with the colors.
COLOR_RULES = ("color-contrast", "link-in-text-block")


@contextmanager
def running_browser(chromium: str, *flags: str, **options: Any) -> Iterator["Browser"]:
    """Start the system's Chromium with Playwright. Skip the test if Playwright is not installed.

    `options`: of Playwright's `launch`.
    """
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=[*FLAGS, *flags], **options)
        try:
            yield browser
        finally:
            browser.close()


def window(browser: "Browser", address: str, *, login: str | None = None, **values: Any) -> "BrowserContext":
    """Return a separate browser context, signed in if `login` is a cookie. `values`: of Playwright's `new_context`."""
    values = {"viewport": {"width": 1280, "height": 800}, "reduced_motion": "reduce", **values}
    context = browser.new_context(base_url=address, **values)
    if login:
        context.add_cookies([{"name": "login", "value": login, "url": address}])
    return context


def close_windows(browser: "Browser") -> None:
    """Close all contexts. A server that stops does not wait for the streams of their pages then."""
    for context in browser.contexts:
        context.close()


def load_axe(context: "BrowserContext") -> None:
    """Load axe-core into every page that the context opens: sending it to each page takes longer than its checks."""
    context.add_init_script(_axe_script())


def axe_violations(page: "Page", rules: Sequence[str] = ()) -> list[str]:
    """Return the violations that axe-core finds: rule, element and reason. `rules`: check only these."""
    options: dict[str, Any] = {"resultTypes": ["violations"]}
    if rules:
        options["runOnly"] = list(rules)
    violations = page.evaluate("async options => (await axe.run(document, options)).violations", options)
    return [
        f"{rule['id']} at {' '.join(str(part) for part in node['target'])}: {_reason(node)}"
        for rule in violations
        for node in rule["nodes"]
    ]


def violations_in_both_themes(page: "Page", path: str) -> list[str]:
    """Open a page. Return what axe finds: all rules in the light theme, and those on colors in the dark theme."""
    page.emulate_media(color_scheme="light")
    assert visit(page, path).status < 500, path
    found = [f"{path} (light): {line}" for line in axe_violations(page)]
    page.emulate_media(color_scheme="dark")
    return found + [f"{path} (dark): {line}" for line in axe_violations(page, COLOR_RULES)]


@cache
def _axe_script() -> str:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    return str(axe.Axe().axe_script)


def _reason(node: dict[str, Any]) -> str:
    checks = [*node["any"], *node["all"], *node["none"]]
    return "; ".join(check["message"] for check in checks) + f" [{node['html'][:120]}]"


def visit(page: "Page", address: str) -> "Response":
    """Open a page and wait until it is loaded."""
    response = page.goto(address, wait_until="load")
    assert response is not None, f"{address} is the same page"
    return response


def bounding_box(locator: "Locator") -> "FloatRect":
    """Return where an element is; the test fails if it is not visible."""
    box = locator.bounding_box()
    assert box is not None, f"{locator} is not visible"
    return box


def collect_complaints(page: "Page") -> list[str]:
    """Return a list that gets each dialog, console message and error of the page. Dialogs are closed."""
    complaints: list[str] = []

    def close(dialog: "Dialog") -> None:
        complaints.append(dialog.message)
        dialog.dismiss()

    def note(message: "ConsoleMessage") -> None:
        if message.type != "log":
            complaints.append(message.text)

    page.on("dialog", close)
    page.on("console", note)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    return complaints
