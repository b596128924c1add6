"""List the routes of the gallery, so that tests of all pages and all forms see new ones by themselves."""

from starlette.routing import Route

from gallery.app import ROUTERS
from gallery.routers import legacy_redirects


def site_routes(method: str) -> list[Route]:
    """Return all routes for a method, except redirects of old addresses."""
    routes = [route for router in ROUTERS if router is not legacy_redirects.router for route in router.routes]
    return [route for route in routes if isinstance(route, Route) and method in (route.methods or ())]
