"""Hold what every request needs: `create_app` makes one `AppContext`, and handlers get it as `ContextDep`."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from fastapi import Request
from sqlalchemy import Engine

from core.errors import TryLater
from core.health import Health
from core.settings import BudgetSettings, UsagePolicySettings
from core.storage import FolderStorage
from core.upload_store import UploadStore
from gallery.queries.eta_cache import EtaCache
from gallery.web.templating import Renderer
from gallery.web.text_cache import TextCache

# About 11,000 creations.
JSON_CACHE_BYTES = 24 * 2**20


@dataclass(frozen=True)
class CreationConfig:
    """What it takes to create in the gallery: usage rules, budget, uploaded init images and the dispatcher.

    Attributes:
        call_up: dispatches the next jobs; may raise TryLater.
        prompt_limit: in characters, the same as on X.
    """

    uploads: UploadStore
    dispatch: Callable[[], object] = lambda: None
    rules: UsagePolicySettings = field(default_factory=UsagePolicySettings)
    money: BudgetSettings = field(default_factory=BudgetSettings)
    prompt_limit: int = 2000

    def dispatch_soon(self) -> None:
        """Dispatch the next jobs. If the queue is away, the recovery loop does it later."""
        with suppress(TryLater):
            self.dispatch()


@dataclass(frozen=True)
class AppContext:
    """Everything that one running site shares between its requests."""

    engine: Engine
    storage: FolderStorage
    health: Callable[[], Health]
    eta_cache: EtaCache
    public_url: str
    renderer: Renderer
    creation_config: CreationConfig
    # Creations as the API returns them.
    json_cache: TextCache[bytes] = field(default_factory=lambda: TextCache(JSON_CACHE_BYTES))

    def address(self, path: str) -> str:
        """Return the public address of a path, or the path alone if no public address is set."""
        return f"{self.public_url}{path}"


def get_context(request: Request) -> AppContext:
    """Return the context of the app that serves this request."""
    context: AppContext = request.app.state.context
    return context
