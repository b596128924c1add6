"""What every page needs at hand: made once by `create_app`, found through the request. Knows no page."""

from collections.abc import Callable
from dataclasses import dataclass

from fastapi import Request
from sqlalchemy import Engine

from core.health import Health
from core.storage import FolderStorage
from gallery.drawing import Drawing
from gallery.waits import Waits
from gallery.workshop import Workshop


@dataclass(frozen=True)
class House:
    """The site's means: database, pictures, a look at the health, how long things wait, how pages are drawn, and what
    wishes need."""

    engine: Engine
    storage: FolderStorage
    health: Callable[[], Health]
    waits: Waits
    public_url: str
    drawing: Drawing
    workshop: Workshop

    def address(self, path: str) -> str:
        """A path of this site as others reach it; the path alone where no public address is set."""
        return f"{self.public_url}{path}"


def house_of(request: Request) -> House:
    """The house that serves this request."""
    house: House = request.app.state.house
    return house
