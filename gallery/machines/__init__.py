"""What machines read: the API, feeds, previews for other sites, sitemap and robots.txt; and what is found by words."""

from starlette.routing import BaseRoute, Route

from gallery.machines import docs, feeds, oembed, robots, search, sitemap


def _both(path: str, ask: feeds.Ask) -> list[BaseRoute]:
    """A feed in both forms."""
    return [Route(f"{path}.{form}", feeds.page_of(ask, form)) for form in ("atom", "json")]


PAGES: list[BaseRoute] = [
    Route("/search", search.search),
    *_both("/feed", feeds.wall),
    *_both("/search", feeds.search),
    *_both("/@{handle}/feed", feeds.person),
    *_both("/b/{name}/feed", feeds.board),
    Route("/oembed", oembed.oembed),
    Route("/robots.txt", robots.robots),
    Route("/.well-known/tdmrep.json", robots.reservation),
    Route("/sitemap.xml", sitemap.index),
    Route("/sitemap/pages.xml", sitemap.pages_file),
    Route("/sitemap/creations-{number}.xml", sitemap.creations_file),
    Route("/sitemap/boards-{number}.xml", sitemap.boards_file),
    Route("/sitemap/people-{number}.xml", sitemap.people_file),
    Route("/api", docs.docs),
]
