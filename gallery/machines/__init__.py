"""What machines read: the API, feeds, previews for other sites, sitemap and robots.txt."""

from starlette.routing import BaseRoute

PAGES: list[BaseRoute] = []
