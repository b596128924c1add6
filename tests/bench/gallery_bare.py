"""Bare pages to compare with: FastAPI, Jinja and a context that is there already. Knows nothing of the gallery.

    python tests/bench/gallery_bare.py PORT '{"wall": 40000}'

A page of a size is 30 cards of 12 escaped words each, as a wall has them, and as many letters as its size takes.
"""

import gc
import json
import sys

import uvicorn
from fastapi import FastAPI, Request
from jinja2 import DictLoader, Environment
from starlette.responses import Response
from starlette.templating import Jinja2Templates

PAGE = """<!doctype html>
<html lang="en">
<head><title>{{ title }}</title></head>
<body>
<ol>
{% for card in cards %}
<li>{% for word in card %}<p>{{ word }}</p>{% endfor %}</li>
{% endfor %}
</ol>
</body>
</html>
"""
CARDS, WORDS = 30, 12


def bare_app(sizes: dict[str, int]) -> FastAPI:
    """A page for each of the sizes, in bytes."""
    templates = Jinja2Templates(env=Environment(loader=DictLoader({"page.html": PAGE}), autoescape=True))
    cards = {name: _cards(size) for name, size in sizes.items()}
    app = FastAPI(docs_url=None, redoc_url=None)

    @app.get("/{name}")
    async def page(request: Request, name: str) -> Response:
        return templates.TemplateResponse(request, "page.html", {"title": name, "cards": cards[name]})

    return app


def _cards(size: int) -> list[list[str]]:
    frame = len(PAGE) + CARDS * WORDS * len("<p></p>")
    word = "x" * max(1, (size - frame) // (CARDS * WORDS))
    return [[word] * WORDS for _ in range(CARDS)]


if __name__ == "__main__":
    app = bare_app(json.loads(sys.argv[2]))
    gc.collect()
    gc.freeze()
    uvicorn.run(app, port=int(sys.argv[1]), log_level="warning", access_log=False)
