"""The composer: a wish made in the gallery becomes a creation, anew or after another one."""

from starlette.routing import BaseRoute, Route

from gallery.composing import pages

PAGES: list[BaseRoute] = [
    Route("/paint", pages.composer),
    Route("/paint", pages.paint, methods=["POST"]),
    Route("/paint/start", pages.choose, methods=["POST"]),
    Route("/paint/start/{name}", pages.chosen),
    Route("/c/{creation_id}/again", pages.again, methods=["POST"]),
]
