"""Draws pages: the Jinja environment with its filters, and the static files with their versioned addresses.

Knows no database and no route. Everything is autoescaped, whatever a template's name ends with, and a name the
template does not get is an error, not an empty string.
"""

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from fastapi import Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import Response
from starlette.templating import Jinja2Templates

from core.text import clip
from gallery import labels
from gallery.escaping import Inlined, Templates
from gallery.kept import Kept

HERE = Path(__file__).parent
# Every page may be looked at again at any moment; whoever keeps it asks first.
FOR_ALL = {"Cache-Control": "no-cache", "Vary": "Cookie"}
THEME_COOKIE, THEMES = "theme", ("light", "dark")
FOR_ONE = {"Cache-Control": "private, no-cache", "Vary": "Cookie"}


@dataclass(frozen=True)
class StaticFile:
    """One file of the site itself, kept in memory, also gzipped. `version` names its content."""

    name: str
    content: bytes
    mime: str
    version: str
    packed: bytes

    @property
    def path(self) -> str:
        """Its address, which changes with its content."""
        return f"/static/{self.version}/{self.name}"


class Drawing:
    """Templates and static files, read once."""

    def __init__(self, *, bot_handle: str, x_base: str, public_url: str, can_sign_in: bool = False) -> None:
        self.static = {path.name: _static_file(path) for path in sorted((HERE / "static").iterdir())}
        self._templates = Jinja2Templates(env=_environment())
        self._templates.env.globals.update(
            static={name: file.path for name, file in self.static.items()},
            bot=bot_handle,
            x_base=x_base,
            public_url=public_url,
            can_sign_in=can_sign_in,
            kept=Kept(),
        )

    def know(self, **names: object) -> None:
        """Give templates more names: what is made of parts that know this one."""
        self._templates.env.globals.update(names)

    def page(self, request: Request, template: str, status: int, context: dict[str, object]) -> Response:
        """Draw one page, for the `visitor` of the context, in the colours that the browser asked for."""
        theme = request.cookies.get(THEME_COOKIE)
        context.setdefault("theme", theme if theme in THEMES else "")
        context.setdefault("here", _address_in(request))
        headers = FOR_ONE if getattr(context.get("visitor"), "person", None) else FOR_ALL
        return self._templates.TemplateResponse(request, template, context, status_code=status, headers=headers)

    def piece(self, template: str, context: dict[str, object]) -> str:
        """Draw a part of a page, which comes to a page that is open already."""
        return self._templates.get_template(template).render(context)


def _address_in(request: Request) -> str:
    """Path and query that were asked for. `request.url` takes a whole address apart to tell as much."""
    path, query = quote(request.scope["path"], safe="/@"), request.scope["query_string"].decode("latin-1")
    return f"{path}?{query}" if query else path


def _environment() -> Environment:
    environment = Templates(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        extensions=[Inlined],
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,  # templates are as old as the code that knows them
    )
    times = (labels.hour, labels.day, labels.iso, labels.seconds)
    counts = (labels.liked_words, labels.comments_words, labels.followers_words, labels.likes_received)
    for words in (*counts, clip, labels.medium, labels.until_painted, labels.until_answered, *times):
        environment.filters[words.__name__] = words
    return environment


def _static_file(path: Path) -> StaticFile:
    content = path.read_bytes()
    mime = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    version = hashlib.sha256(content).hexdigest()[:12]
    return StaticFile(path.name, content, mime, version, gzip.compress(content, 9, mtime=0))
