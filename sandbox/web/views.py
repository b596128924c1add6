"""Build the view models of the page: threads, posts, text segments, avatars."""

from __future__ import annotations

import html
import re
import textwrap
import unicodedata
import zlib
from dataclasses import dataclass

from sandbox.clock import iso
from sandbox.model import Json, Media, Post, User
from sandbox.web.profile_images import draw_profile_image, parse_color
from sandbox.world import World

PAGE = 30
LONG_THREAD = 60
LONG_TEXT = 900


@dataclass(frozen=True, slots=True)
class TextSegment:
    """A part of a text. `kind`: text, mention, hashtag, cashtag or link."""

    kind: str
    text: str
    href: str = ""


@dataclass(frozen=True, slots=True)
class PostView:
    id: int
    author: User
    segments: list[TextSegment]
    iso: str
    created_ms: int
    pictures: list[Media]
    depth: int
    replying_to: str
    quoted: str
    reposted: bool
    by_bot: bool
    made_with_ai: bool
    long: bool

    @property
    def same_size(self) -> bool:
        """Return whether all images have the same size, so that the page need not crop them."""
        return len({(media.width, media.height) for media in self.pictures}) == 1


@dataclass(frozen=True, slots=True)
class ThreadView:
    id: int
    posts: list[PostView]
    newest: int
    hidden: int

    @property
    def stamp(self) -> str:
        """A hash of the thread. An open page compares it to find changes."""
        shown = [(post.id, [(media.id, media.alt_text) for media in post.pictures]) for post in self.posts]
        return f"{zlib.crc32(repr(shown).encode()):08x}"


def people(world: World) -> list[User]:
    """Return all users but the bot."""
    return [person for person in world.people.values() if person.id != world.bot.id]


def default_author(world: World) -> User:
    return next(iter(people(world)), world.bot)


def threads(world: World, *, before: int | None = None) -> list[ThreadView]:
    """Return a page of threads by latest activity. `before`: the newest post of the previous page's last thread."""
    order: dict[int, int] = {}
    for post in world.existing_posts(reversed(world.post_index.all)):
        order.setdefault(post.conversation_id, post.id)
        if before is None and len(order) >= PAGE:
            break
    chosen = [root for root, newest in order.items() if before is None or newest < before][:PAGE]
    return [thread(world, root) for root in chosen]


def threads_of(world: World, person: User) -> list[ThreadView]:
    """Return the latest threads with a post of this person."""
    posts = world.existing_posts(reversed(world.post_index.by_author.get(person.id, [])))
    roots = list(dict.fromkeys(post.conversation_id for post in posts))[:PAGE]
    return [thread(world, root) for root in roots]


def thread(world: World, conversation_id: int) -> ThreadView:
    ids = world.post_index.by_conversation.get(conversation_id, [])
    ordered = _in_order(world, world.existing_posts(ids))
    shown = ordered[:1] + ordered[1:][-LONG_THREAD:]
    post_views = [_build_post_view(world, post, depth) for post, depth in shown]
    return ThreadView(conversation_id, post_views, max(ids, default=0), len(ordered) - len(shown))


def _in_order(world: World, posts: list[Post]) -> list[tuple[Post, int]]:
    """Order replies under their parent, oldest first. Replies to deleted posts stand at the top level.

    A reply to one's own post is not indented.
    """
    newest = {version: post.id for post in posts for version in post.edit_history}
    children: dict[int, list[Post]] = {}
    for post in posts:
        children.setdefault(newest.get(post.in_reply_to_id or 0, 0), []).append(post)
    ordered: list[tuple[Post, int]] = []
    stack = [(post, 0) for post in reversed(children.get(0, []))]
    while stack:
        post, depth = stack.pop()
        ordered.append((post, depth))
        for child in reversed(children.get(post.id, [])):
            stack.append((child, depth + (child.author_id != post.author_id)))
    return ordered


def _build_post_view(world: World, post: Post, depth: int) -> PostView:
    parent = world.post_index.posts.get(post.in_reply_to_id or 0)
    parent_author = world.people[post.in_reply_to_user_id].username if post.in_reply_to_user_id in world.people else ""
    quoted = world.post_index.posts.get(post.quote_of_id or 0)
    return PostView(
        id=post.id,
        author=world.people[post.author_id],
        segments=_split_text(post),
        iso=iso(post.created_ms),
        created_ms=post.created_ms,
        pictures=world.pictures(post),
        depth=min(depth, 3),
        replying_to="" if parent and parent.author_id == post.author_id else parent_author,
        quoted=f"@{world.people[quoted.author_id].username}: {textwrap.shorten(quoted.said, 200, placeholder=' …')}"
        if quoted
        else "",
        reposted=post.repost_of_id is not None,
        by_bot=post.author_id == world.bot.id,
        made_with_ai=post.made_with_ai,
        long=len(post.said) > LONG_TEXT,
    )


def _split_text(post: Post) -> list[TextSegment]:
    """Split the typed text at its entities, without leading mentions and media links."""
    text, entities = (post.note["text"], post.note.get("entities", {})) if post.note else (post.text, post.entities)
    position, end = post.display[0], len(text) if post.note else post.display[1]
    segments: list[TextSegment] = []
    for kind, entity in _spans(entities):
        if entity["start"] < position or entity["end"] > end or entity.get("media_key"):
            continue
        segments += _text_segments(text[position : entity["start"]])
        segments.append(_to_segment(kind, entity, html.unescape(text[entity["start"] : entity["end"]])))
        position = entity["end"]
    rest = _text_segments(text[position:end]) if not _is_media_only(post) else []
    return segments + rest


def _is_media_only(post: Post) -> bool:
    return not post.said and post.repost_of_id is None


def _text_segments(text: str) -> list[TextSegment]:
    return [TextSegment("text", html.unescape(text))] if text else []


def _spans(entities: Json) -> list[tuple[str, Json]]:
    spans = ((kind, item) for kind, all_of in entities.items() for item in all_of)
    return sorted(spans, key=lambda span: int(span[1]["start"]))


def _to_segment(kind: str, entity: Json, text: str) -> TextSegment:
    if kind == "urls":
        return TextSegment("link", entity["display_url"], entity["expanded_url"])
    return TextSegment(kind.rstrip("s"), text)


def age(created_ms: int, now_ms: int) -> str:
    seconds = max(0, now_ms - created_ms) // 1000
    for size, letter in ((86_400, "d"), (3600, "h"), (60, "m")):
        if seconds >= size:
            return f"{seconds // size}{letter}"
    return "now" if seconds < 5 else f"{seconds}s"


def matches(pattern: str, text: str) -> bool:
    return re.fullmatch(pattern.strip("^$"), text) is not None


_COLORS = [
    *("#7a5cff #b39bff", "#0f8f8a #4fd1c5", "#d1495b #ff9aa2", "#2f6fde #7fb2ff", "#b7791f #f6c667"),
    *("#2f855a #81d4a0", "#a83279 #f28bc9", "#4a5568 #9fb0c6", "#c2571a #ffab6e", "#3b4cca #95a3ff"),
]


def avatar(person: User) -> str:
    """Return an SVG with the initials on a color derived from the username."""
    dark, light = _colors_of(person)
    letters = html.escape(_initials(person.name) or person.username[:1].upper())
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 48 48" role="img">'
        f'<defs><linearGradient id="g" x1="0" y1="0" x2="1" y2="1"><stop stop-color="{light}"/>'
        f'<stop offset="1" stop-color="{dark}"/></linearGradient></defs><rect width="48" height="48" fill="url(#g)"/>'
        '<text x="24" y="25" fill="#fff" font-family="system-ui,sans-serif" font-size="18" font-weight="600" '
        f'text-anchor="middle" dominant-baseline="central">{letters}</text></svg>'
    )


def profile_image(person: User, side: int) -> bytes:
    """Return the picture that X's API names, as a PNG of `side` pixels."""
    dark, light = map(parse_color, _colors_of(person))
    return draw_profile_image(side, dark, light)


def _colors_of(person: User) -> list[str]:
    """Return a dark and a light color."""
    return _COLORS[zlib.crc32(person.username.lower().encode()) % len(_COLORS)].split()


def _initials(name: str) -> str:
    words = [word for word in name.split() if unicodedata.category(word[0]).startswith("L")]
    if words and not words[0][0].isascii() and not unicodedata.name(words[0][0], "").startswith("LATIN"):
        return words[0][0]
    return "".join(word[0].upper() for word in (words[0], words[-1])[: len(words)]) if words else ""
