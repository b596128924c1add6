"""Parse sign-in intents: a button, such as Like, that an anonymous user pressed. It takes effect after the sign-in.

The intent is the URL of the button's form (`/c/17/like`, `/@ada/follow`), kept as the page to open after the sign-in.
The sign-in page names it, so that a link from another site makes no one like anything unseen.
"""

import re

LIKE = re.compile(r"(?P<page>/c/(?P<id>\d{1,18}))/like")
FOLLOW = re.compile(r"(?P<page>/@(?P<handle>\w{1,15}))/follow", re.ASCII)


def page_for_intent(path: str) -> str:
    """Return the page of the button, or `path` itself if it is no intent."""
    match = LIKE.fullmatch(path) or FOLLOW.fullmatch(path)
    return match["page"] if match else path


def is_intent(path: str) -> bool:
    """Return whether the path is an intent."""
    return page_for_intent(path) != path


def describe_intent(path: str) -> str:
    """Return what the sign-in page says will happen; empty if nothing will."""
    if match := LIKE.fullmatch(path):
        return f"You will like picture No. {int(match['id'])}."
    if match := FOLLOW.fullmatch(path):
        return f"You will follow @{match['handle']}."
    return ""
