"""Parse what a post asks of the bot, if anything. Pure."""

from bot.intent.parser import parse_intent
from bot.intent.types import (
    AGAIN,
    DELETE,
    EXPLICIT,
    GENERATING_ACTIONS,
    HELP,
    IMPLICIT,
    PAINT,
    PICTURE_COMMANDS,
    REMIX,
    START,
    STOP,
    Intent,
    PostContext,
    ReplyTarget,
)

__all__ = [
    "AGAIN",
    "DELETE",
    "EXPLICIT",
    "GENERATING_ACTIONS",
    "HELP",
    "IMPLICIT",
    "PAINT",
    "PICTURE_COMMANDS",
    "REMIX",
    "START",
    "STOP",
    "Intent",
    "PostContext",
    "ReplyTarget",
    "parse_intent",
]
