"""What people do with pictures and with each other: like, comment, follow; and who is told of it."""

from starlette.routing import BaseRoute, Route

from gallery.social import people

PAGES: list[BaseRoute] = [Route("/@{handle}", people.person)]
