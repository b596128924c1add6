"""Who is looking: signing in with X, the browsers in which somebody is signed in, and what guards their forms."""

from starlette.routing import BaseRoute

PAGES: list[BaseRoute] = []
