"""The tables. Each file holds those of one matter; they know nothing of how they are used.

For the queries that must be fast, the Core tables stand beside the models: `creations`, `pictures`, ...
"""

from core.models.columns import OwnId, UtcDateTime, table
from core.models.hearing import Announced, Cursor, EarlierReply, WatchedPost
from core.models.instance import Instance, Lease, PollerState
from core.models.members import (
    Board,
    Collected,
    Comment,
    Follow,
    Kind,
    Liked,
    Login,
    Notification,
    Report,
)
from core.models.money import LedgerRow, Spending
from core.models.painting import Creation, Person, Picture, Post, State
from core.models.searchable import NAME as SEARCHABLE

people = table("person")
posts = table("post")
creations = table("creation")
pictures = table("picture")
ledger = table("ledger")
spendings = table("spending")
cursors = table("cursor")
watched = table("watched")
announced = table("announced")
earlier_replies = table("earlier_reply")
instances = table("instance")
leases = table("lease")
poller_states = table("poller")
logins = table("login")
likings = table("liked")
comments = table("comment")
follows = table("follow")
notifications = table("notification")
boards = table("board")
collected = table("collected")
reports = table("report")

# Every column that names a file in the storage.
FILES_OF_PICTURES = (
    pictures.c.key,
    pictures.c.thumb_key,
    pictures.c.thumb_avif_key,
    pictures.c.wide_key,
    pictures.c.wide_avif_key,
)

__all__ = [
    "FILES_OF_PICTURES",
    "SEARCHABLE",
    "Announced",
    "Board",
    "Collected",
    "Comment",
    "Creation",
    "Cursor",
    "EarlierReply",
    "Follow",
    "Instance",
    "Kind",
    "Lease",
    "LedgerRow",
    "Liked",
    "Login",
    "Notification",
    "OwnId",
    "Person",
    "Picture",
    "PollerState",
    "Post",
    "Report",
    "Spending",
    "State",
    "UtcDateTime",
    "WatchedPost",
    "announced",
    "boards",
    "collected",
    "comments",
    "creations",
    "cursors",
    "earlier_replies",
    "follows",
    "instances",
    "leases",
    "ledger",
    "likings",
    "logins",
    "notifications",
    "people",
    "pictures",
    "poller_states",
    "posts",
    "reports",
    "spendings",
    "table",
    "watched",
]
