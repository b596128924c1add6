"""The walls: new, best liked, of those one follows; and what happens on them right now."""

from starlette.routing import BaseRoute, Route

from gallery.walls import colours, live, pages

PAGES: list[BaseRoute] = [
    Route("/", pages.newest),
    Route("/top", pages.top),
    Route("/following", pages.following),
    Route("/live", live.events, methods=["GET"]),
    Route("/colours", colours.choose, methods=["POST"]),
]
