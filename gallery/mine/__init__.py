"""What belongs to a member: own creations, the prompts they asked with, boards, settings."""

from starlette.routing import BaseRoute, Route

from gallery.mine import data, pages, settings

SEND = ["POST"]

PAGES: list[BaseRoute] = [
    Route("/me", pages.mine),
    Route("/me/creations", pages.manage, methods=SEND),
    Route("/me/settings", settings.settings),
    Route("/me/settings/bot", settings.bot, methods=SEND),
    Route("/me/settings/sensitive", settings.sensitive, methods=SEND),
    Route("/me/settings/browsers", settings.browsers, methods=SEND),
    Route("/me/settings/delete", settings.leaving),
    Route("/me/settings/delete", settings.leave, methods=SEND),
    Route("/me/data.json", data.data),
]
