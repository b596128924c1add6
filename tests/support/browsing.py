"""A real Chromium for tests: started, signed in, and asked what axe-core finds on a page. Knows no page."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

FLAGS = ["--no-sandbox", "--disable-dev-shm-usage"]


@contextmanager
def running_browser(chromium: str) -> Iterator["Browser"]:
    """The system's Chromium, driven by Playwright; the test is skipped where that is not installed."""
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


def window(browser: "Browser", address: str, *, login: str | None = None, **values: Any) -> "BrowserContext":
    """A browser of its own, signed in by the cookie of a login. `values`: what Playwright's `new_context` takes."""
    values = {"viewport": {"width": 1280, "height": 800}, "reduced_motion": "reduce", **values}
    context = browser.new_context(base_url=address, **values)
    if login:
        context.add_cookies([{"name": "login", "value": login, "url": address}])
    return context


def found_by_axe(page: "Page", rules: Sequence[str] = ()) -> list[str]:
    """What axe-core finds wrong with the page: rule, place and reason, one line each. `rules`: these alone."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    options: dict[str, Any] = {"resultTypes": ["violations"]}
    if rules:
        options["runOnly"] = list(rules)
    if not page.evaluate("Boolean(window.axe)"):
        page.evaluate(axe.Axe().axe_script)
    violations = page.evaluate("options => axe.run(document, options)", options)["violations"]
    return [
        f"{rule['id']} at {' '.join(str(part) for part in node['target'])}: {_reason(node)}"
        for rule in violations
        for node in rule["nodes"]
    ]


def _reason(node: dict[str, Any]) -> str:
    checks = [*node["any"], *node["all"], *node["none"]]
    return "; ".join(check["message"] for check in checks) + f" [{node['html'][:120]}]"
