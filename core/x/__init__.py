"""Client of the X API. Only this package uses tweepy and requests; callers get our own types and errors."""

from core.x.client import XClient, open_x
from core.x.media import UploadedMedia
from core.x.snowflakes import snowflake_from_time, time_from_snowflake
from core.x.types import Account, Author, Media, Post, PostPages, TextSpan

__all__ = [
    "Account",
    "Author",
    "Media",
    "Post",
    "PostPages",
    "TextSpan",
    "UploadedMedia",
    "XClient",
    "open_x",
    "snowflake_from_time",
    "time_from_snowflake",
]
