"""Talks to X. tweepy and requests are known in here only; what leaves are our own small types and errors."""

from core.x.client import Pages, XClient, open_x
from core.x.copies import Copy
from core.x.posts import Account, Author, Media, Post, Span
from core.x.snowflakes import id_at, time_of

__all__ = ["Account", "Author", "Copy", "Media", "Pages", "Post", "Span", "XClient", "id_at", "open_x", "time_of"]
