"""Store theme, density of cards and language in cookies. The server reads them, so pages neither flash nor shift."""

from typing import Annotated

from fastapi import Depends, Request
from starlette.responses import Response

from gallery.translations import LANGUAGES
from gallery.web.context import AppContext
from gallery.web.dependencies import ContextDep
from gallery.web.forms import FormModel, form_response, parse_form
from gallery.web.language import LANGUAGE_COOKIE
from gallery.web.pages import page_router
from gallery.web.templating import APPEARANCE_COOKIES

router = page_router()
ONE_YEAR = 365 * 24 * 3600
ALLOWED = APPEARANCE_COOKIES | {LANGUAGE_COOKIE: LANGUAGES}


class ThemeForm(FormModel):
    """The theme; any other value means that of the system."""

    theme: str = ""


class DensityForm(FormModel):
    """How large cards are; any other value means medium."""

    density: str = ""


class LanguageForm(FormModel):
    """The language; any other value means that of the browser."""

    language: str = ""


@router.post("/theme")
async def set_theme(
    request: Request, form: Annotated[ThemeForm, Depends(parse_form(ThemeForm))], context: ContextDep
) -> Response:
    """Set the cookie, or delete it for the theme of the system."""
    return _set_cookie(request, form, context, "theme", form.theme)


@router.post("/density")
async def set_density(
    request: Request, form: Annotated[DensityForm, Depends(parse_form(DensityForm))], context: ContextDep
) -> Response:
    """Set the cookie, or delete it for cards of medium size."""
    return _set_cookie(request, form, context, "density", form.density)


@router.post("/language")
async def set_language(
    request: Request, form: Annotated[LanguageForm, Depends(parse_form(LanguageForm))], context: ContextDep
) -> Response:
    """Set the cookie, or delete it for the language of the browser."""
    return _set_cookie(request, form, context, LANGUAGE_COOKIE, form.language)


def _set_cookie(request: Request, form: FormModel, context: AppContext, name: str, value: str) -> Response:
    value = value if value in ALLOWED[name] else ""
    response = form_response(request, form, "/", **{name: value})
    if value:
        is_https = context.public_url.startswith("https:")
        # Not httponly: our scripts set it, too, to change the page at once.
        response.set_cookie(name, value, max_age=ONE_YEAR, samesite="lax", secure=is_https)
    else:
        response.delete_cookie(name)
    return response
