"""Define the tables as SQLModel classes, and as Core tables for fast queries: `creations`, `pictures`, ..."""

from core.models.creations import Creation, Person, Picture, PostRow, State
from core.models.instance import Instance, LeaseRow, PollerState
from core.models.ledger import DailySpend, LedgerRow
from core.models.polling import AnnouncementPost, EarlierReply, PollCursor, WatchedPost
from core.models.search import SEARCH_INDEX_TABLE
from core.models.social import (
    Board,
    BoardItem,
    BoardMember,
    Comment,
    Follow,
    Like,
    LoginSession,
    Mute,
    Notification,
    NotificationKind,
    Report,
)
from core.models.types import OwnId, UtcDateTime, table

people = table("person")
posts = table("post")
creations = table("creation")
pictures = table("picture")
ledger = table("ledger")
daily_spend = table("daily_spend")
cursors = table("cursor")
watched_posts = table("watched_post")
announcement_posts = table("announcement_post")
earlier_replies = table("earlier_reply")
instances = table("instance")
leases = table("lease")
poller_states = table("poller")
login_sessions = table("login_session")
likes = table("creation_like")
comments = table("comment")
follows = table("follow")
mutes = table("mute")
notifications = table("notification")
boards = table("board")
board_items = table("board_item")
board_members = table("board_member")
reports = table("report")

# Columns that contain storage keys.
FILES_OF_PICTURES = (
    pictures.c.key,
    pictures.c.thumb_key,
    pictures.c.thumb_avif_key,
    pictures.c.wide_key,
    pictures.c.wide_avif_key,
)

__all__ = [
    "FILES_OF_PICTURES",
    "SEARCH_INDEX_TABLE",
    "AnnouncementPost",
    "Board",
    "BoardItem",
    "BoardMember",
    "Comment",
    "Creation",
    "DailySpend",
    "EarlierReply",
    "Follow",
    "Instance",
    "LeaseRow",
    "LedgerRow",
    "Like",
    "LoginSession",
    "Mute",
    "Notification",
    "NotificationKind",
    "OwnId",
    "Person",
    "Picture",
    "PollCursor",
    "PollerState",
    "PostRow",
    "Report",
    "State",
    "UtcDateTime",
    "WatchedPost",
    "announcement_posts",
    "board_items",
    "board_members",
    "boards",
    "comments",
    "creations",
    "cursors",
    "daily_spend",
    "earlier_replies",
    "follows",
    "instances",
    "leases",
    "ledger",
    "likes",
    "login_sessions",
    "mutes",
    "notifications",
    "people",
    "pictures",
    "poller_states",
    "posts",
    "reports",
    "table",
    "watched_posts",
]
