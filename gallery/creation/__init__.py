"""One creation: its pictures and label, its family, what people say of it; or what it waits for."""

from starlette.routing import BaseRoute, Route

from gallery.creation import pages

PAGES: list[BaseRoute] = [Route("/c/{creation_id}", pages.creation)]
