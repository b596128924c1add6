"""Parse sign-in intents: a button, such as Like, that an anonymous user pressed. It takes effect after the sign-in.

The intent is the URL of the button's form (`/c/17/like`, `/@ada/follow`), kept as the page to open after the sign-in.
The sign-in page names it, so that a link from another site makes no one like anything unseen.
"""

import re
from urllib.parse import urlsplit

from core.text import mark
from gallery.translations import gettext

LIKE = re.compile(r"(?P<page>/c/(?P<id>\d{1,18}))/like")
FOLLOW = re.compile(r"(?P<page>/@(?P<handle>\w{1,15}))/follow", re.ASCII)

# Why pages for members ask for a sign-in, by their paths.
REASONS = {
    "/following": mark("Sign in to see new pictures by people you follow."),
    "/paint": mark("Sign in to paint."),
    "/me": mark("Sign in to see your pictures."),
    "/me/boards": mark("Sign in to see your boards."),
    "/me/notifications": mark("Sign in to see your notifications."),
    "/me/prompts": mark("Sign in to see your prompts."),
    "/me/settings": mark("Sign in to see your settings."),
}
REMIX = re.compile(r"remix=(?P<id>\d{1,18})")


def page_for_intent(path: str) -> str:
    """Return the page of the button, or `path` itself if it is no intent."""
    match = LIKE.fullmatch(path) or FOLLOW.fullmatch(path)
    return match["page"] if match else path


def is_intent(path: str) -> bool:
    """Return whether the path is an intent."""
    return page_for_intent(path) != path


def describe_intent(path: str) -> str:
    """Return what the sign-in page says will happen, or what the page needs a member for; empty if neither."""
    if match := LIKE.fullmatch(path):
        return gettext("You will like picture No. %(number)s.", number=int(match["id"]))
    if match := FOLLOW.fullmatch(path):
        return gettext("You will follow @%(handle)s.", handle=match["handle"])
    parts = urlsplit(path)
    if parts.path == "/paint" and (match := REMIX.search(parts.query)):
        return gettext("Sign in to remix picture No. %(number)s.", number=int(match["id"]))
    return gettext(REASONS.get(parts.path, ""))
