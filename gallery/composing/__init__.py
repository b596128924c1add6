"""The composer: a wish made in the gallery becomes a creation, anew or after another one."""

from starlette.routing import BaseRoute

PAGES: list[BaseRoute] = []
