"""Render pages: the Jinja environment with its filters, and the static files with their versioned URLs.

Everything is autoescaped, and a name that a template does not get is an error, not an empty string.
"""

import gzip
import hashlib
import mimetypes
from collections.abc import MutableMapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import quote

import fastapi_offline
from fastapi import Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import Response
from starlette.templating import Jinja2Templates

from core.text import clip
from gallery.translations import (
    ENGLISH,
    LANGUAGE_NAMES,
    LANGUAGES,
    current_language,
    format_number,
    format_short,
    gettext,
    ngettext,
    script_texts,
)
from gallery.views import formatting
from gallery.views.avatars import avatar_pattern
from gallery.web.card_cache import CardCache

GALLERY = Path(__file__).parent.parent
# The package serves Swagger UI without a CDN; only its files are used.
SWAGGER_UI = Path(fastapi_offline.__file__).parent / "static"
SWAGGER_FILES = ("swagger-ui-bundle.js", "swagger-ui.css")
# A page can change at any moment: caches ask first.
ANONYMOUS_CACHING = {"Cache-Control": "no-cache", "Vary": "Cookie"}
MEMBER_CACHING = {"Cache-Control": "private, no-cache", "Vary": "Cookie"}
# What a browser keeps of how pages look. The server reads it, so pages neither flash nor shift when scripts start.
APPEARANCE_COOKIES = {"theme": ("light", "dark"), "density": ("dense", "large")}
FILTERS = (
    avatar_pattern,
    clip,
    formatting.describe_queue_wait,
    formatting.describe_reply_wait,
    formatting.format_comments,
    formatting.format_date,
    formatting.format_datetime,
    formatting.format_day,
    formatting.format_followers,
    formatting.format_iso,
    formatting.format_likes,
    formatting.format_likes_received,
    format_number,
    formatting.format_remixes,
    formatting.format_seconds,
    format_short,
    formatting.model_label,
)


@dataclass(frozen=True)
class StaticFile:
    """A static file in memory, also gzipped. `version`: a hash of its content."""

    name: str
    content: bytes
    mime: str
    version: str
    gzipped: bytes

    @property
    def path(self) -> str:
        """The file's URL, which changes with its content."""
        return f"/static/{self.version}/{self.name}"


class Renderer:
    """Templates and static files, loaded once."""

    def __init__(self, *, bot_handle: str, x_base: str, public_url: str, can_sign_in: bool = False) -> None:
        self.static = {path.name: _static_file(path) for path in _static_paths()} | _script_texts()
        self._templates = Jinja2Templates(env=_environment())
        self.add_globals(
            static={name: file.path for name, file in self.static.items()},
            bot=bot_handle,
            x_base=x_base,
            public_url=public_url,
            can_sign_in=can_sign_in,
            card_cache=CardCache(),
            languages=LANGUAGES,
            language_names=LANGUAGE_NAMES,
        )

    def add_globals(self, **names: object) -> None:
        """Give all templates more names, such as functions that need this renderer's parts."""
        self._templates.env.globals.update(names)

    def response(self, request: Request, template: str, status: int, context: dict[str, object]) -> Response:
        """Render a page for the `current_user` of the context, as the browser's cookies say it looks."""
        cookies = request.cookies
        for name, values in APPEARANCE_COOKIES.items():
            context.setdefault(name, value if (value := cookies.get(name)) in values else "")
        context.setdefault("here", _requested_url(request))
        context.setdefault("language", current_language())
        is_member = getattr(context.get("current_user"), "person", None) is not None
        headers = MEMBER_CACHING if is_member else ANONYMOUS_CACHING
        return self._templates.TemplateResponse(request, template, context, status_code=status, headers=headers)

    def fragment(self, template: str, context: dict[str, object]) -> str:
        """Render a part of a page, for a page that is open already."""
        return self._templates.get_template(template).render(context)


def _requested_url(request: Request) -> str:
    """Return the requested path and query. `request.url` parses a whole URL for that, which is slower."""
    path, query = quote(request.scope["path"], safe="/@"), request.scope["query_string"].decode("latin-1")
    return f"{path}?{query}" if query else path


class _Environment(Environment):
    """Jinja's environment without what makes pages slow."""

    newstyle_gettext = True

    def make_globals(self, d: MutableMapping[str, object] | None) -> MutableMapping[str, object]:
        """Return the shared names. Jinja wraps them, and compares names with the wrapper at each import of a macro."""
        return super().make_globals(d) if d else self.globals


def _gettext(message: str, /, **values: object) -> Markup:
    """Translate a message of a template. Jinja's own function formats each, also those without values."""
    text = Markup(gettext(message))  # noqa: S704  # messages are our own
    return text % values if "%" in text else text


def _ngettext(singular: str, plural: str, num: int, /, **values: object) -> Markup:
    """Translate a message with a number, which it knows as `num`, too."""
    return Markup(ngettext(singular, plural, num)) % {"num": num, **values}  # noqa: S704  # messages are our own


def _environment() -> Environment:
    environment = _Environment(
        loader=FileSystemLoader(GALLERY / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,  # templates belong to this version of the code
    )
    environment.add_extension("jinja2.ext.i18n")
    environment.policies["ext.i18n.trimmed"] = True
    # Jinja copies the globals for each page: only those that templates use.
    environment.globals = {"range": range, "gettext": _gettext, "ngettext": _ngettext}
    environment.filters |= {function.__name__: function for function in FILTERS}
    return environment


def _static_paths() -> list[Path]:
    """Return the site's own files, and those of Swagger UI."""
    return [*sorted((GALLERY / "static").iterdir()), *(SWAGGER_UI / name for name in SWAGGER_FILES)]


@cache  # compressing takes 0.1 s, and a test run creates a thousand apps
def _static_file(path: Path) -> StaticFile:
    return _static_content(path.name, path.read_bytes())


def _static_content(name: str, content: bytes) -> StaticFile:
    mime = mimetypes.guess_type(name)[0] or "application/octet-stream"
    version = hashlib.sha256(content).hexdigest()[:12]
    return StaticFile(name, content, mime, version, gzip.compress(content, 9, mtime=0))


@cache
def _script_texts() -> dict[str, StaticFile]:
    """Return a script for each language but English, which gives `translate.js` the texts of the other scripts."""
    files = (_static_content(f"texts.{name}.js", script_texts(name)) for name in LANGUAGES if name != ENGLISH)
    return {file.name: file for file in files}
