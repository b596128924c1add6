"""Fixtures: one demo for all tests that neither kill nor configure it, and one browser per file."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.support.browser import running_browser
from tests.support.demo import NO_LIMITS_AND_BUDGETS, Demo, forked_demo


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """Start a demo without usage limits, budgets and limits of X, which purges at once."""
    folder = tmp_path_factory.mktemp("shared-demo")
    with forked_demo(folder, **NO_LIMITS_AND_BUDGETS, PURGE_INTERVAL_SECONDS="0.5") as demo:
        demo.control("limits", off=True)
        yield demo


# One per file: only one synchronous Playwright can run in a process.
@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    with running_browser(chromium) as browser:
        yield browser
