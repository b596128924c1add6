"""Store the language of the pages in a cookie. Without it, the browser's languages decide."""

from typing import Annotated

from fastapi import Depends, Request
from starlette.responses import Response

from gallery.routers.appearance import ONE_YEAR
from gallery.translations import LANGUAGES
from gallery.web.dependencies import ContextDep
from gallery.web.forms import FormModel, form_response, parse_form
from gallery.web.language import LANGUAGE_COOKIE
from gallery.web.pages import page_router

router = page_router()


class LanguageForm(FormModel):
    """The language; any other value means that of the browser."""

    language: str = ""


@router.post("/language")
async def set_language(
    request: Request, form: Annotated[LanguageForm, Depends(parse_form(LanguageForm))], context: ContextDep
) -> Response:
    """Set the cookie, or delete it for the language of the browser."""
    language = form.language if form.language in LANGUAGES else ""
    response = form_response(request, form, "/", language=language)
    if language:
        is_https = context.public_url.startswith("https:")
        response.set_cookie(LANGUAGE_COOKIE, language, max_age=ONE_YEAR, samesite="lax", secure=is_https, httponly=True)
    else:
        response.delete_cookie(LANGUAGE_COOKIE)
    return response
