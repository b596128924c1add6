"""Serve bare pages for comparison: FastAPI and Jinja with values that are in memory already.

    python tests/bench/gallery_bare.py PORT FOLDER

Each `FOLDER/<name>.html` is a page of the real site. It is split into markup and values (texts, and attributes that
differ from card to card). `/<name>` serves a template that renders the same bytes again: it looks up and escapes every
value, without a database. Each `FOLDER/<name>.json` is served as ready dicts through the framework's own JSON response.
"""

import gc
import html
import json
import re
import sys
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI, Request
from jinja2 import DictLoader, Environment
from markupsafe import Markup
from starlette.responses import JSONResponse, Response
from starlette.templating import Jinja2Templates

PAGE = "{% for piece in pieces %}{{ piece.markup }}{{ piece.value }}{% endfor %}"
# Values of a template: texts between two tags, and these attributes.
ATTRIBUTES = ("href", "src", "srcset", "alt", "width", "height", "datetime", "value", "action", "formaction")
VALUE = re.compile("|".join(f'(?<= {name}=")[^"]+' for name in ATTRIBUTES) + r"|(?<=>)[^<>]*\w[^<>]*(?=<)")


def bare_app(pages: dict[str, str], documents: dict[str, Any] | None = None) -> FastAPI:
    """Return an app that serves these pages, and these JSON documents, without the site."""
    templates = Jinja2Templates(env=Environment(loader=DictLoader({"page.html": PAGE}), autoescape=True))
    pieces = {name: _split(page) for name, page in pages.items()}
    ready = documents or {}
    app = FastAPI(docs_url=None, redoc_url=None)

    @app.get("/{name}")
    async def page(request: Request, name: str) -> Response:
        if name in ready:
            return JSONResponse(ready[name])
        return templates.TemplateResponse(request, "page.html", {"pieces": pieces[name]})

    return app


def _split(page: str) -> list[dict[str, str]]:
    """Split a page into pairs of markup and the value after it."""
    pieces, end = [], 0
    for match in VALUE.finditer(page):
        pieces.append({"markup": Markup(page[end : match.start()]), "value": html.unescape(match[0])})
        end = match.end()
    return [*pieces, {"markup": Markup(page[end:]), "value": ""}]


if __name__ == "__main__":
    folder = Path(sys.argv[2])
    app = bare_app(
        {path.stem: path.read_text(encoding="utf-8") for path in folder.glob("*.html")},
        {path.stem: json.loads(path.read_bytes()) for path in folder.glob("*.json")},
    )
    gc.collect()
    gc.freeze()
    uvicorn.run(app, port=int(sys.argv[1]), log_level="warning", access_log=False)
