"""Perform a sign-in intent (`views/sign_in_intents.py`) once the user has signed in."""

from sqlalchemy import Engine

from core.database import read_connection
from gallery.queries import creations
from gallery.services import follows, likes
from gallery.views.pagination import parse_id
from gallery.views.sign_in_intents import FOLLOW, LIKE


def perform_intent(engine: Engine, person_id: int, path: str) -> None:
    """Perform the intent, if `path` is one and its picture or user still exists. Twice is once."""
    if match := LIKE.fullmatch(path):
        likes.like(engine, person_id, parse_id(match["id"]))
    elif match := FOLLOW.fullmatch(path):
        with read_connection(engine) as connection:
            user = creations.find_user_by_handle(connection, match["handle"])
        if user is not None:
            follows.follow(engine, person_id, user.id)
