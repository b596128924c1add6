"""The walls: new, best liked, of those one follows; and what happens on them right now."""

from starlette.routing import BaseRoute, Route

from gallery.walls import pages

PAGES: list[BaseRoute] = [Route("/", pages.newest)]
