"""Light or dark, as a browser wants to see the site: a cookie that the server reads, so that no page flashes."""

from fastapi import Request
from starlette.responses import Response

from gallery.drawing import THEME_COOKIE, THEMES
from gallery.forms import done, form_of, text_of
from gallery.house import house_of

A_YEAR = 365 * 24 * 3600


async def choose(request: Request) -> Response:
    """Keep what was chosen; anything else goes back to what the system says."""
    form = await form_of(request)
    theme = text_of(form, "theme")
    response = done(request, form, "/", theme=theme if theme in THEMES else "")
    if theme in THEMES:
        is_secure = house_of(request).public_url.startswith("https:")
        # A script of ours changes it, too, so that the page turns at once.
        response.set_cookie(THEME_COOKIE, theme, max_age=A_YEAR, samesite="lax", secure=is_secure)
    else:
        response.delete_cookie(THEME_COOKIE)
    return response
