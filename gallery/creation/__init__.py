"""One creation: its pictures and label, its family, what people say of it; or what it waits for."""

from starlette.routing import BaseRoute, Route

from gallery import previews
from gallery.creation import download, pages, reports

PAGES: list[BaseRoute] = [
    Route("/c/{creation_id}", pages.creation),
    Route("/c/{creation_id}/family", pages.family),
    Route("/c/{creation_id}/card.jpg", previews.card),
    Route("/c/{creation_id}/download/{number}", download.picture),
    Route("/c/{creation_id}/report", reports.ask),
    Route("/c/{creation_id}/report", reports.send, methods=["POST"]),
]
