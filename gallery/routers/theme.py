"""Store the theme, light or dark, in a cookie. The server reads it, so pages do not flash in the other theme."""

from typing import Annotated

from fastapi import Depends, Request
from starlette.responses import Response

from gallery.web.dependencies import ContextDep
from gallery.web.forms import FormModel, form_response, parse_form
from gallery.web.pages import page_router
from gallery.web.templating import THEME_COOKIE, THEMES

router = page_router()
ONE_YEAR = 365 * 24 * 3600


class ThemeForm(FormModel):
    """The theme; any other value means that of the system."""

    theme: str = ""


@router.post("/theme")
async def set_theme(
    request: Request, form: Annotated[ThemeForm, Depends(parse_form(ThemeForm))], context: ContextDep
) -> Response:
    """Set the cookie, or delete it for the theme of the system."""
    theme = form.theme if form.theme in THEMES else ""
    response = form_response(request, form, "/", theme=theme)
    if theme:
        is_https = context.public_url.startswith("https:")
        # Not httponly: our script sets it, too, to change the page at once.
        response.set_cookie(THEME_COOKIE, theme, max_age=ONE_YEAR, samesite="lax", secure=is_https)
    else:
        response.delete_cookie(THEME_COOKIE)
    return response
