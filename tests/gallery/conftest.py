"""A database file, a folder of pictures, a client of the site, and a factory of rows."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import CodeType
from typing import TYPE_CHECKING, Any

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from fastapi.testclient import TestClient
from jinja2 import BytecodeCache, Environment
from jinja2.bccache import Bucket
from sqlalchemy import Engine, event

from core.clock import now
from core.migrate import migrate
from core.storage import FolderStorage
from gallery.app import create_app
from gallery.services.live_updates import LiveHub
from gallery.web import sessions, templating
from gallery.web.connection_guard import GuardedProtocol, RequestGuardMiddleware
from gallery.web.csrf import csrf_token
from tests.support.browser import close_windows, running_browser
from tests.support.databases import PostgresTemplate
from tests.support.gallery_data import HEALTHY, SETTINGS, GalleryData
from tests.support.servers import AppServer, serving, wait_until
from tests.support.site_client import Serve, SiteClient

if TYPE_CHECKING:
    from playwright.sync_api import Browser


class CodeCache(BytecodeCache):
    """Keep compiled templates in memory."""

    def __init__(self) -> None:
        self.code: dict[str, CodeType | None] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self.code.get(bucket.key)

    def dump_bytecode(self, bucket: Bucket) -> None:
        self.code[bucket.key] = bucket.code


@pytest.fixture(scope="session", autouse=True)
def compiled_templates() -> Iterator[None]:
    """Compile each template once per run instead of once per app, which takes longer than most tests."""
    cache = CodeCache()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(templating, "Environment", partial(Environment, bytecode_cache=cache))
        yield


@pytest.fixture
def engine(migrated_engine: Engine) -> Engine:
    """An empty database per test."""
    return migrated_engine


@pytest.fixture(scope="session")
def migrated_postgres(postgres_url: str) -> PostgresTemplate:
    """A migrated PostgreSQL, which tests empty instead of migrating it again."""
    return PostgresTemplate(postgres_url, "gallery", migrate)


@pytest.fixture
def postgres_engine(migrated_postgres: PostgresTemplate) -> Iterator[Engine]:
    """An empty, migrated PostgreSQL, for tests that use it as `engine`."""
    with migrated_postgres.open_empty() as database:
        yield database


@pytest.fixture
def storage(tmp_path: Path) -> FolderStorage:
    return FolderStorage(tmp_path / "pictures")


@pytest.fixture
def gallery_data(engine: Engine, storage: FolderStorage) -> GalleryData:
    return GalleryData(engine, storage)


@pytest.fixture
def ada(gallery_data: GalleryData) -> int:
    """Return the id of a member."""
    return gallery_data.person("ada", "Ada", member_since=now())


@pytest.fixture(scope="session")
def portal() -> Iterator[BlockingPortal]:
    """One event loop for all clients. On its own a client starts a thread with a loop for each request."""
    with start_blocking_portal() as portal:
        yield portal


@pytest.fixture
def site(engine: Engine, storage: FolderStorage, portal: BlockingPortal) -> Callable[..., SiteClient]:
    """Make a client of the site: `site(public_url=...)`."""

    def make(*, gzip: bool = False, **values: Any) -> SiteClient:
        wired = {"engine": engine, "storage": storage, "health": lambda: HEALTHY, "settings": SETTINGS, **values}
        app = create_app(**wired)
        if not gzip:  # it swallows the messages that tell the test client a page's template and context
            app.user_middleware = [each for each in app.user_middleware if "GZip" not in repr(each)]
        client = SiteClient(app, raise_server_exceptions=False)
        client.portal = portal
        return client

    return make


@pytest.fixture
def client(site: Callable[..., SiteClient]) -> SiteClient:
    return site()


@pytest.fixture(scope="module")
def module_browser(chromium: str) -> Iterator["Browser"]:
    """One browser for the tests of a file: it takes longer to start than most of them."""
    with running_browser(chromium) as browser:
        yield browser


@pytest.fixture
def browser(module_browser: "Browser") -> Iterator["Browser"]:
    """A browser whose windows are closed after the test."""
    yield module_browser
    close_windows(module_browser)


@pytest.fixture(scope="session")
def site_server() -> Iterator[AppServer]:
    """One HTTP server for all tests, guarded like the gallery's own. To start and stop one takes 0.3 s."""
    server = AppServer()
    guarded = RequestGuardMiddleware(server)
    with serving(guarded, http=GuardedProtocol, ws="none", lifespan="off") as server.url:
        yield server


@pytest.fixture
def serve(site_server: AppServer) -> Iterator[Serve]:
    """Serve a site over HTTP: `serve(site())` returns its address. The site before it is no longer served."""
    hubs: list[LiveHub] = []

    def start(client: SiteClient) -> str:
        site_server.app = client.app
        hubs.append(client.app.state.live)
        return site_server.url

    yield start
    for hub in hubs:
        wait_until(lambda hub=hub: hub.is_idle, "an event stream did not end")


@pytest.fixture
def serve_in_browser(browser: "Browser", serve: Serve) -> Iterator[Serve]:
    """Serve a site as `serve` does. At the end, the browser's windows are closed first."""
    yield serve
    close_windows(browser)


@pytest.fixture
def sign_in(engine: Engine) -> Callable[[TestClient, int], str]:
    """Sign a user in: `sign_in(client, person_id)` returns a CSRF token for their forms."""

    def begin(client: TestClient, person_id: int) -> str:
        value = sessions.create(engine, person_id, browser="a test").value
        client.cookies.set("login", value)
        return csrf_token(value)

    return begin


@pytest.fixture
def send_as(client: TestClient, sign_in: Callable[[TestClient, int], str]) -> Callable[[int], Callable[..., Any]]:
    """Send forms as a member: `send_as(bob)("/c/1/like")`."""

    def sender(person_id: int) -> Callable[..., Any]:
        token = sign_in(client, person_id)

        def post(path: str, headers: dict[str, str] | None = None, **fields: Any) -> Any:
            return client.post(path, data={"token": token, **fields}, headers=headers or {}, follow_redirects=False)

        return post

    return sender


@pytest.fixture
def statements(engine: Engine) -> list[str]:
    """Every SELECT that the site sends, except the regular check of the schema version."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.startswith("SELECT") and "alembic_version" not in statement:
            seen.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    return seen
