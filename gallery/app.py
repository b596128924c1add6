"""The site as one table of pages. Wires them to database, storage and health; opens nothing itself."""

from collections.abc import Callable

from fastapi import FastAPI, Request
from sqlalchemy import Engine
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from core.health import Health
from core.line.waiting import Conditions
from core.storage import FolderStorage
from gallery import composing, creation, files, machines, mine, problems, signing, social, walls
from gallery.drawing import Drawing
from gallery.headers import SecurityHeaders
from gallery.house import House, house_of
from gallery.limits import Limits
from gallery.machines.api import api
from gallery.settings import GallerySettings
from gallery.waits import Waits


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
    Route("/robots.txt", files.robots),
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
) -> FastAPI:
    """The whole site.

    Args:
        health: looks at the house; may take as long as the queue takes to answer, so it is asked in a thread.
        look_around: what decides how long things wait, asked the same way; raises TryLater. Without it nothing is told.
        public_url: address under which the world sees the site, for link previews; empty keeps addresses relative.
    """
    settings = settings or GallerySettings()
    public_url = public_url.rstrip("/")
    drawing = Drawing(bot_handle=settings.handle, x_base=settings.x_base, public_url=public_url)
    # FastAPI's own documentation pages load from a CDN, which this site does not do.
    app = FastAPI(
        title="Threadpaint",
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
        routes=PAGES,
        redirect_slashes=False,
    )
    app.state.house = House(engine, storage, health, Waits(engine, look_around), public_url, drawing)
    app.state.limits = Limits()
    app.include_router(api)
    app.add_middleware(SecurityHeaders)
    problems.dress(app)
    return app
