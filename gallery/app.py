"""The site as one table of pages. Wires them to database, storage and health; opens nothing itself."""

from collections.abc import Callable, Mapping
from functools import partial

from fastapi import FastAPI, Request
from sqlalchemy import Engine
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from core.health import Health
from core.line.waiting import Conditions
from core.money.prices import X_PRICES
from core.storage import FolderStorage
from core.uploads import Uploads
from gallery import composing, creation, files, machines, mine, problems, social, walls
from gallery.drawing import Drawing
from gallery.headers import HTTPS_ONLY, SecurityHeaders
from gallery.house import House, house_of
from gallery.limits import Limits
from gallery.machines.api import api
from gallery.machines.docs import Described
from gallery.machines.linked import linked_data
from gallery.machines.open import OpenToScripts
from gallery.machines.robots import RESERVED
from gallery.machines.sitemap import Kept
from gallery.packing import Packing
from gallery.previews import Cards, card_path
from gallery.settings import GallerySettings
from gallery.signing import pages as signing
from gallery.signing.door import Door, open_door
from gallery.signing.handshake import HandshakeCookie
from gallery.tables import TablesGate
from gallery.waits import Waits
from gallery.walls.hub import Hub
from gallery.walls.top import Top
from gallery.workshop import Workshop


async def healthz(request: Request) -> Response:
    """The house's health. Only a silent database makes the site itself unwell: the rest is for the host to see."""
    health = await run_in_threadpool(house_of(request).health)
    database_away = any(problem.startswith("database") for problem in health.problems)
    return JSONResponse(health.as_dict(), 503 if database_away else 200, {"Cache-Control": "no-store"})


PAGES: list[BaseRoute] = [
    *walls.PAGES,
    *creation.PAGES,
    *composing.PAGES,
    *social.PAGES,
    *mine.PAGES,
    *signing.PAGES,
    *machines.PAGES,
    Route("/pictures/{key:path}", files.picture),
    Route("/static/{version}/{name}", files.static),
    Route("/favicon.svg", files.favicon),
    Route("/favicon.ico", files.favicon),
    Route("/healthz", healthz),
]


def create_app(
    *,
    engine: Engine,
    storage: FolderStorage,
    health: Callable[[], Health],
    look_around: Callable[[], Conditions] | None = None,
    public_url: str = "",
    settings: GallerySettings | None = None,
    prices: Mapping[str, int] = X_PRICES,
    workshop: Workshop | None = None,
    limits: Limits | None = None,
) -> FastAPI:
    """The whole site.

    Args:
        health: looks at the house; may take as long as the queue takes to answer, so it is asked in a thread.
        look_around: what decides how long things wait, asked the same way; raises TryLater. Without it nothing is told.
        prices: of X, in micro-dollars: whoever signs in is looked up there.
        workshop: the rules and the line for wishes made here; without it the usual rules, and nobody is called up.
        limits: how often people may do things; without them each process counts by itself.
        public_url: address under which the world sees the site, for link previews; empty keeps addresses relative.
    """
    settings = settings or GallerySettings()
    public_url = public_url.rstrip("/")
    workshop = workshop or _plain(storage)
    door = open_door(settings, prices, asks_who_follows=workshop.rules.follow_gate)
    drawing = Drawing(
        bot_handle=settings.handle, x_base=settings.x_base, public_url=public_url, can_sign_in=door is not None
    )
    app = _bare()
    house = House(engine, storage, health, Waits(engine, look_around), public_url, drawing, workshop)
    app.state.house, app.state.live, app.state.top = house, Hub(house), Top(engine)
    app.state.limits, app.state.sitemap, app.state.keeps_out_ai = limits or Limits(), Kept(), settings.keeps_out_ai
    app.state.door, app.state.cards = door, Cards()
    drawing.know(card_path=card_path, linked_data=partial(linked_data, public_url=public_url))
    app.add_middleware(TablesGate, engine=engine)
    _surround(app, door, keeps_out_ai=settings.keeps_out_ai, is_https=public_url.startswith("https:"))
    return app


def _bare() -> FastAPI:
    """Pages and API alone. FastAPI's own documentation pages load from a CDN, which this site does not do."""
    app = Described(
        title="Threadpaint",
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
        routes=PAGES,
        redirect_slashes=False,
    )
    app.include_router(api)
    problems.dress(app)
    return app


def _plain(storage: FolderStorage) -> Workshop:
    """The usual rules, and a sweep that finds what is wished for here."""
    return Workshop(Uploads(storage.folder))


def _surround(app: FastAPI, door: Door | None, *, keeps_out_ai: bool, is_https: bool) -> None:
    """What every answer passes, the innermost first."""
    if door is not None:
        app.add_middleware(HandshakeCookie, key=door.seal.signing_key, https_only=is_https)
    app.add_middleware(Packing)
    app.add_middleware(OpenToScripts)
    more = (RESERVED if keeps_out_ai else {}) | (HTTPS_ONLY if is_https else {})
    app.add_middleware(SecurityHeaders, more=more)
