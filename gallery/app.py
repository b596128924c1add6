"""Assemble the site: routers, middleware and what the requests share. Opens nothing itself."""

from collections.abc import Callable, Mapping
from functools import partial

from fastapi import APIRouter, FastAPI
from sqlalchemy import Engine
from starlette.concurrency import run_in_threadpool
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import JSONResponse, Response

from core.budget.prices import X_PRICES
from core.health import Health
from core.scheduling.eta import Capacity
from core.storage import FolderStorage
from core.upload_store import UploadStore
from gallery.auth.config import OAuthConfig, create_oauth_config
from gallery.auth.oauth_state import OAuthStateCookie
from gallery.queries.eta_cache import EtaCache
from gallery.queries.top import TopFeed
from gallery.routers import (
    account,
    api,
    api_docs,
    appearance,
    auth,
    board_members,
    board_pages,
    boards,
    comments,
    compare,
    composer,
    creations,
    data_export,
    download,
    feeds,
    files,
    follows,
    help_page,
    installed_app,
    legacy_redirects,
    likes,
    mutes,
    my,
    neighbors,
    notifications,
    oembed,
    previews,
    profiles,
    prompt_history,
    reports,
    robots,
    search,
    share_target,
    sitemap,
    sse,
    syndication,
)
from gallery.routers.api_docs import ApiApp
from gallery.services.downloads import PictureConverter
from gallery.services.live_updates import LiveHub
from gallery.settings import GallerySettings
from gallery.views.json_ld import linked_data
from gallery.web.context import AppContext, CreationConfig
from gallery.web.cors import PublicCors
from gallery.web.dependencies import ContextDep
from gallery.web.error_handlers import register_error_handlers
from gallery.web.language import LanguageMiddleware
from gallery.web.pages import page_router
from gallery.web.rate_limits import RateLimiter
from gallery.web.schema_check import SchemaCheck
from gallery.web.security_headers import HSTS, SecurityHeaders
from gallery.web.templating import Renderer

# Smaller responses hardly shrink. A feed takes 0.2 ms at level 5; Starlette's default 9 takes 6 ms for 3 % fewer bytes.
GZIP_MIN_BYTES, GZIP_LEVEL = 1000, 5

health_router = page_router()


@health_router.get("/healthz")
async def healthz(context: ContextDep) -> Response:
    """Report the health. Only an unreachable database is an error of the site itself."""
    health = await run_in_threadpool(context.health)
    is_database_away = any(problem.startswith("database") for problem in health.problems)
    return JSONResponse(health.as_dict(), 503 if is_database_away else 200, {"Cache-Control": "no-store"})


# In the order in which a request tries them: what is asked for most comes first.
ROUTERS: list[APIRouter] = [
    feeds.router,
    creations.router,
    files.router,
    profiles.router,
    api.router,
    search.router,
    sse.router,
    appearance.router,
    previews.router,
    download.router,
    reports.router,
    auth.router,
    likes.router,
    comments.router,
    follows.router,
    mutes.router,
    notifications.router,
    boards.router,
    board_members.router,
    board_pages.router,
    my.router,
    prompt_history.router,
    neighbors.router,
    account.router,
    data_export.router,
    composer.router,
    share_target.router,
    installed_app.router,
    compare.router,
    api_docs.router,
    syndication.router,
    oembed.router,
    sitemap.router,
    robots.router,
    help_page.router,
    legacy_redirects.router,
    health_router,
]


def create_app(
    *,
    engine: Engine,
    storage: FolderStorage,
    health: Callable[[], Health],
    load_capacity: Callable[[], Capacity] | None = None,
    public_url: str = "",
    settings: GallerySettings | None = None,
    prices: Mapping[str, int] = X_PRICES,
    creation_config: CreationConfig | None = None,
    rate_limiter: RateLimiter | None = None,
) -> FastAPI:
    """Return the whole site.

    Args:
        health: checks the instance. It runs in a thread, because the queue may take seconds to answer.
        load_capacity: what decides how long creations wait. It runs in a thread too and may raise TryLater. Without it
            pages show no estimates.
        prices: of X, in micro-dollars; each sign-in looks a user up there.
        creation_config: rules and dispatcher for creations; by default the default rules, and no dispatcher.
        rate_limiter: by default one for this process alone.
        public_url: address of the site, for link previews; if empty, addresses stay relative.
    """
    settings = settings or GallerySettings()
    public_url = public_url.rstrip("/")
    creation_config = creation_config or CreationConfig(UploadStore(storage.folder))
    oauth = create_oauth_config(settings, prices, check_follow=creation_config.rules.require_follow)
    renderer = Renderer(
        bot_handle=settings.handle, x_base=settings.x_base, public_url=public_url, can_sign_in=oauth is not None
    )
    renderer.add_globals(card_path=previews.card_path, linked_data=partial(linked_data, public_url=public_url))
    eta_cache = EtaCache(engine, load_capacity)
    app = _create_routes()
    app.state.oauth, app.state.rate_limiter = oauth, rate_limiter or RateLimiter()
    app.state.denies_ai_crawlers = settings.denies_ai_crawlers
    _share(app, AppContext(engine, storage, health, eta_cache, public_url, renderer, creation_config))
    app.add_middleware(SchemaCheck, engine=engine)
    _add_middleware(app, oauth, denies_ai=settings.denies_ai_crawlers, is_https=public_url.startswith("https:"))
    return app


def _share(app: FastAPI, context: AppContext) -> None:
    """Give the requests the context and what is cached between them."""
    app.state.context = context
    app.state.live, app.state.top = LiveHub(context), TopFeed(context.engine)
    app.state.sitemap, app.state.cards = sitemap.SitemapCache(), previews.PreviewCards()
    app.state.converter = PictureConverter()


def _create_routes() -> FastAPI:
    app = ApiApp(
        title="Threadpaint",
        version=api.API_VERSION,
        docs_url=None,  # routers/api_docs.py has them without a CDN
        redoc_url=None,
        openapi_url=api_docs.OPENAPI_URL,
        redirect_slashes=False,
    )
    # Not `include_router()`: that matches each request twice, against wrappers of the routes.
    app.router.routes.extend(route for router in ROUTERS for route in router.routes)
    register_error_handlers(app)
    return app


def _add_middleware(app: FastAPI, oauth: OAuthConfig | None, *, denies_ai: bool, is_https: bool) -> None:
    """Add what every request passes, innermost first."""
    if oauth is not None:
        app.add_middleware(OAuthStateCookie, key=oauth.cipher.signing_key, https_only=is_https)
    # Starlette leaves pictures and event streams as they are.
    app.add_middleware(GZipMiddleware, minimum_size=GZIP_MIN_BYTES, compresslevel=GZIP_LEVEL)
    app.add_middleware(PublicCors)
    extra = (robots.RESERVED_HEADERS if denies_ai else {}) | (HSTS if is_https else {})
    app.add_middleware(SecurityHeaders, extra=extra)
    app.add_middleware(LanguageMiddleware)
