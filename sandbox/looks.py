"""What the page shows: threads in order, posts in pieces, faces, ages. Plain values for templates; knows no HTTP."""

from __future__ import annotations

import html
import re
import textwrap
import unicodedata
import zlib
from dataclasses import dataclass

from sandbox.clock import iso
from sandbox.model import Json, Media, Person, Post
from sandbox.world import World

PAGE = 30
LONG_THREAD = 60
LONG_TEXT = 900


@dataclass(frozen=True, slots=True)
class Bit:
    """A piece of a text; `kind` is words, mention, hashtag, cashtag or link."""

    kind: str
    text: str
    href: str = ""


@dataclass(frozen=True, slots=True)
class PostLook:
    id: int
    author: Person
    bits: list[Bit]
    iso: str
    created_ms: int
    pictures: list[Media]
    depth: int
    answering: str
    quoted: str
    reposted: bool
    by_bot: bool
    made_with_ai: bool
    long: bool

    @property
    def alike(self) -> bool:
        """Pictures of one shape need no cutting to stand side by side."""
        return len({(media.width, media.height) for media in self.pictures}) == 1


@dataclass(frozen=True, slots=True)
class ThreadLook:
    id: int
    posts: list[PostLook]
    newest: int
    hidden: int

    @property
    def stamp(self) -> str:
        """Changes whenever anything of the thread does; an open page compares it."""
        shown = [(post.id, [(media.id, media.alt_text) for media in post.pictures]) for post in self.posts]
        return f"{zlib.crc32(repr(shown).encode()):08x}"


def people(world: World) -> list[Person]:
    """The bot is left out: nobody needs to speak for it."""
    return [person for person in world.people.values() if person.id != world.bot.id]


def first_guest(world: World) -> Person:
    return next(iter(people(world)), world.bot)


def threads(world: World, *, before: int | None = None) -> list[ThreadLook]:
    """Newest activity first; `before` is the newest post of the last thread of the page before."""
    order: dict[int, int] = {}
    for post in world.existing(reversed(world.shelf.all)):
        order.setdefault(post.conversation_id, post.id)
        if before is None and len(order) >= PAGE:
            break
    chosen = [root for root, newest in order.items() if before is None or newest < before][:PAGE]
    return [thread(world, root) for root in chosen]


def threads_of(world: World, person: Person) -> list[ThreadLook]:
    """The latest threads in which a person spoke."""
    posts = world.existing(reversed(world.shelf.by_author.get(person.id, [])))
    roots = list(dict.fromkeys(post.conversation_id for post in posts))[:PAGE]
    return [thread(world, root) for root in roots]


def thread(world: World, conversation_id: int) -> ThreadLook:
    ids = world.shelf.by_conversation.get(conversation_id, [])
    ordered = _in_order(world, world.existing(ids))
    shown = ordered[:1] + ordered[1:][-LONG_THREAD:]
    looks = [_look(world, post, depth) for post, depth in shown]
    return ThreadLook(conversation_id, looks, max(ids, default=0), len(ordered) - len(shown))


def _in_order(world: World, posts: list[Post]) -> list[tuple[Post, int]]:
    """Each reply under its parent, oldest first; orphans of deleted posts stand at the top level.

    Who goes on from their own post is not set in: it reads on.
    """
    newest = {version: post.id for post in posts for version in post.edit_history}
    children: dict[int, list[Post]] = {}
    for post in posts:
        children.setdefault(newest.get(post.in_reply_to_id or 0, 0), []).append(post)
    found: list[tuple[Post, int]] = []
    waiting = [(post, 0) for post in reversed(children.get(0, []))]
    while waiting:
        post, depth = waiting.pop()
        found.append((post, depth))
        for child in reversed(children.get(post.id, [])):
            waiting.append((child, depth + (child.author_id != post.author_id)))
    return found


def _look(world: World, post: Post, depth: int) -> PostLook:
    parent = world.shelf.posts.get(post.in_reply_to_id or 0)
    answered = world.people[post.in_reply_to_user_id].username if post.in_reply_to_user_id in world.people else ""
    quoted = world.shelf.posts.get(post.quote_of_id or 0)
    return PostLook(
        id=post.id,
        author=world.people[post.author_id],
        bits=_bits(post),
        iso=iso(post.created_ms),
        created_ms=post.created_ms,
        pictures=world.pictures(post),
        depth=min(depth, 3),
        answering="" if parent and parent.author_id == post.author_id else answered,
        quoted=f"@{world.people[quoted.author_id].username}: {textwrap.shorten(quoted.said, 200, placeholder=' …')}"
        if quoted
        else "",
        reposted=post.repost_of_id is not None,
        by_bot=post.author_id == world.bot.id,
        made_with_ai=post.made_with_ai,
        long=len(post.said) > LONG_TEXT,
    )


def _bits(post: Post) -> list[Bit]:
    """The author's own text (the automatic prefix and picture links are left out), cut at its entities."""
    text, entities = (post.note["text"], post.note.get("entities", {})) if post.note else (post.text, post.entities)
    at, end = post.display[0], len(text) if post.note else post.display[1]
    bits: list[Bit] = []
    for kind, entity in _spans(entities):
        if entity["start"] < at or entity["end"] > end or entity.get("media_key"):
            continue
        bits += _words(text[at : entity["start"]])
        bits.append(_bit(kind, entity, html.unescape(text[entity["start"] : entity["end"]])))
        at = entity["end"]
    last = _words(text[at:end]) if not _only_a_picture(post) else []
    return bits + last


def _only_a_picture(post: Post) -> bool:
    return not post.said and post.repost_of_id is None


def _words(text: str) -> list[Bit]:
    return [Bit("words", html.unescape(text))] if text else []


def _spans(entities: Json) -> list[tuple[str, Json]]:
    spans = ((kind, one) for kind, all_of in entities.items() for one in all_of)
    return sorted(spans, key=lambda span: int(span[1]["start"]))


def _bit(kind: str, entity: Json, text: str) -> Bit:
    if kind == "urls":
        return Bit("link", entity["display_url"], entity["expanded_url"])
    return Bit(kind.rstrip("s"), text)


def age(created_ms: int, now_ms: int) -> str:
    seconds = max(0, now_ms - created_ms) // 1000
    for size, letter in ((86_400, "d"), (3600, "h"), (60, "m")):
        if seconds >= size:
            return f"{seconds // size}{letter}"
    return "now" if seconds < 5 else f"{seconds}s"


def matches(pattern: str, text: str) -> bool:
    return re.fullmatch(pattern.strip("^$"), text) is not None


_COLOURS = [
    *("#7a5cff #b39bff", "#0f8f8a #4fd1c5", "#d1495b #ff9aa2", "#2f6fde #7fb2ff", "#b7791f #f6c667"),
    *("#2f855a #81d4a0", "#a83279 #f28bc9", "#4a5568 #9fb0c6", "#c2571a #ffab6e", "#3b4cca #95a3ff"),
]


def avatar(person: Person) -> str:
    """Two letters (or the first sign of a name without letters) on a colour of their own."""
    dark, light = _COLOURS[zlib.crc32(person.username.lower().encode()) % len(_COLOURS)].split()
    letters = html.escape(_initials(person.name) or person.username[:1].upper())
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 48 48" role="img">'
        f'<defs><linearGradient id="g" x1="0" y1="0" x2="1" y2="1"><stop stop-color="{light}"/>'
        f'<stop offset="1" stop-color="{dark}"/></linearGradient></defs><rect width="48" height="48" fill="url(#g)"/>'
        '<text x="24" y="25" fill="#fff" font-family="system-ui,sans-serif" font-size="18" font-weight="600" '
        f'text-anchor="middle" dominant-baseline="central">{letters}</text></svg>'
    )


def _initials(name: str) -> str:
    words = [word for word in name.split() if unicodedata.category(word[0]).startswith("L")]
    if words and not words[0][0].isascii() and not unicodedata.name(words[0][0], "").startswith("LATIN"):
        return words[0][0]
    return "".join(word[0].upper() for word in (words[0], words[-1])[: len(words)]) if words else ""
