"""What belongs to a member: own creations, the prompts they asked with, boards, settings."""

from starlette.routing import BaseRoute, Route

from gallery.mine import pages

SEND = ["POST"]

PAGES: list[BaseRoute] = [
    Route("/me", pages.mine),
    Route("/me/creations", pages.manage, methods=SEND),
]
