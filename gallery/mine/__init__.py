"""What belongs to a member: own creations, boards, notifications, settings."""

from starlette.routing import BaseRoute

PAGES: list[BaseRoute] = []
