"""Bare pages to compare with: FastAPI, Jinja and a context that is there already. Knows nothing of the gallery.

    python tests/bench/gallery_bare.py PORT FOLDER

Each `FOLDER/<name>.html` is a page of the real site. It is taken apart into its markup and its values (texts, and
attributes that differ from card to card), and served at `/<name>` by a template that puts the same bytes together
again: every value is looked up and escaped, and nothing is asked of a database.
"""

import gc
import html
import re
import sys
from pathlib import Path

import uvicorn
from fastapi import FastAPI, Request
from jinja2 import DictLoader, Environment
from markupsafe import Markup
from starlette.responses import Response
from starlette.templating import Jinja2Templates

PAGE = "{% for piece in pieces %}{{ piece.markup }}{{ piece.value }}{% endfor %}"
# What a template fills in: texts between two tags, and these attributes.
ATTRIBUTES = ("href", "src", "srcset", "alt", "width", "height", "datetime", "value", "action", "formaction")
VALUE = re.compile("|".join(f'(?<= {name}=")[^"]+' for name in ATTRIBUTES) + r"|(?<=>)[^<>]*\w[^<>]*(?=<)")


def bare_app(pages: dict[str, str]) -> FastAPI:
    """The same pages, without the site behind them."""
    templates = Jinja2Templates(env=Environment(loader=DictLoader({"page.html": PAGE}), autoescape=True))
    pieces = {name: _taken_apart(page) for name, page in pages.items()}
    app = FastAPI(docs_url=None, redoc_url=None)

    @app.get("/{name}")
    async def page(request: Request, name: str) -> Response:
        return templates.TemplateResponse(request, "page.html", {"pieces": pieces[name]})

    return app


def _taken_apart(page: str) -> list[dict[str, str]]:
    """Markup and the value after it, over and over."""
    pieces, end = [], 0
    for found in VALUE.finditer(page):
        pieces.append({"markup": Markup(page[end : found.start()]), "value": html.unescape(found[0])})
        end = found.end()
    return [*pieces, {"markup": Markup(page[end:]), "value": ""}]


if __name__ == "__main__":
    app = bare_app({path.stem: path.read_text(encoding="utf-8") for path in Path(sys.argv[2]).glob("*.html")})
    gc.collect()
    gc.freeze()
    uvicorn.run(app, port=int(sys.argv[1]), log_level="warning", access_log=False)
