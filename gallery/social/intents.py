"""What a visitor pressed before signing in, such as Like: it is done once X has said who they are.

The intent is the address of the button's form (`/c/17/like`, `/@ada/follow`), kept as the page to go to after the
sign-in. The sign-in page names it, so that a link from elsewhere makes nobody like anything unseen.
"""

import re

from sqlalchemy import Engine

from core.database import reading
from gallery import queries
from gallery.numbers import number_in
from gallery.social import follows, likes

LIKE = re.compile(r"(?P<page>/c/(?P<id>\d{1,18}))/like")
FOLLOW = re.compile(r"(?P<page>/@(?P<handle>\w{1,15}))/follow", re.ASCII)


def page_of(wanted: str) -> str:
    """The page to show: where the button stands, or the page itself if `wanted` is no intent."""
    found = LIKE.fullmatch(wanted) or FOLLOW.fullmatch(wanted)
    return found["page"] if found else wanted


def is_intent(path: str) -> bool:
    """Whether this address is a button that waits for a sign-in."""
    return page_of(path) != path


def in_words(wanted: str) -> str:
    """What the sign-in page says will happen; empty if nothing will."""
    if found := LIKE.fullmatch(wanted):
        return f"You will like picture No. {int(found['id'])}."
    if found := FOLLOW.fullmatch(wanted):
        return f"You will follow @{found['handle']}."
    return ""


def carry_out(engine: Engine, person_id: int, wanted: str) -> None:
    """Do it; nothing happens if the picture or the person is gone meanwhile. Twice is once."""
    if found := LIKE.fullmatch(wanted):
        likes.like(engine, person_id, number_in(found["id"]))
    elif found := FOLLOW.fullmatch(wanted):
        with reading(engine) as connection:
            followed = queries.person_called(connection, found["handle"])
        if followed is not None:
            follows.follow(engine, person_id, followed.id)
