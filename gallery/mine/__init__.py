"""What belongs to a member: own creations, the prompts they asked with, boards, settings."""

from starlette.routing import BaseRoute, Route

from gallery.mine import boarding, history, pages, settings, shelf

SEND = ["POST"]

PAGES: list[BaseRoute] = [
    *settings.PAGES,
    Route("/me", pages.mine),
    Route("/me/creations", pages.manage, methods=SEND),
    Route("/me/prompts", history.prompts),
    Route("/me/boards", shelf.own_boards, methods=["GET"]),
    Route("/me/boards", boarding.create, methods=SEND),
    Route("/me/boards/collect", boarding.choose, methods=["GET"]),
    Route("/me/boards/collect", boarding.collect, methods=SEND),
    Route("/b/{name}", shelf.board),
    Route("/b/{name}/edit", boarding.edit, methods=["GET"]),
    Route("/b/{name}/edit", boarding.change, methods=SEND),
    Route("/b/{name}/remove", boarding.remove, methods=SEND),
    Route("/b/{name}/delete", boarding.delete, methods=SEND),
    Route("/@{handle}/boards", shelf.boards_of),
]
