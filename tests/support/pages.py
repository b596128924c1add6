"""Read what the test client learns about a page: its template and the values that the template got."""

import re
from collections.abc import Mapping
from typing import Any

from httpx2 import Response


def page_context(page: Response) -> Mapping[str, Any]:
    """Return the values that the template of a page got. The test client adds them to the response."""
    context: Mapping[str, Any] | None = getattr(page, "context", None)
    assert context is not None, f"no page but {page.status_code}: {page.text[:200]}"
    return context


def template_name(page: Response) -> str:
    """Return the name of the template of a page, such as `board.html`; empty if the response is no page."""
    return str(getattr(getattr(page, "template", None), "name", ""))


def find_match(pattern: str, text: str, flags: re.RegexFlag = re.NOFLAG) -> re.Match[str]:
    """Return where a pattern first matches; the test fails if it does not."""
    match = re.search(pattern, text, flags)
    assert match is not None, f"{pattern!r} is not in {text[:500]!r}"
    return match
