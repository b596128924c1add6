"""Posts as X hands them over, read into our own types. Reads the old vocabulary (tweet), the new one (post) and both.

Offsets are code points in the raw text, which is HTML-escaped: slice first, unescape after.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from core.text import clean
from core.x.losses import read_losses
from core.x.people import people_of, read_account, read_people
from core.x.shapes import EVERYONE, Account, Author, Media, Post, Span
from core.x.snowflakes import time_of
from core.x.vocabulary import (
    Raw,
    a_list,
    a_number,
    a_text,
    an_id,
    an_object,
    attempt,
    every,
    id_or_none,
    told,
)

__all__ = [
    "Account",
    "Author",
    "Media",
    "Post",
    "Span",
    "next_token",
    "read_account",
    "read_losses",
    "read_page",
    "read_people",
]


OWN_MEDIA = re.compile(r"/status/\d+/(?:photo|video)/\d+$", re.ASCII)


@dataclass(frozen=True)
class Along:
    """What X sent along with posts: people and posts by id, media by key."""

    people: Mapping[int, Author]
    media: Mapping[str, Media]
    posts: Mapping[int, Post] = field(default_factory=dict)


def read_page(body: Raw, *, strict: bool = False) -> list[Post]:
    """The posts of one answer of X, in its order; of one post, too.

    Raises ValueError where the answer does not say what it holds: an answer without posts says `result_count: 0`, or
    which of the posts asked for it does not show (`read_losses`).
    One post that makes no sense must not hide the ninety-nine beside it; `strict` raises there too, and where X does
    not say who wrote one, for callers to whom a post that is not seen means something.
    """
    data = body.get("data") or []
    data = [data] if isinstance(data, Mapping) else data
    if not isinstance(data, list) or not (data or _says_nothing_is_there(body)):
        raise ValueError("the answer does not say what it holds")
    along = _along(body)
    posts = [attempt(_whole_post, raw, along) for raw in data]
    if strict and not all(post and post.author.id for post in posts):
        raise ValueError("a post of the answer makes no sense, or is nobody's")
    return [post for post in posts if post]


def next_token(body: Raw) -> str | None:
    """What to ask the next page with, or None on the last."""
    return an_object(body.get("meta")).get("next_token") or None


def _says_nothing_is_there(body: Raw) -> bool:
    return "result_count" in an_object(body.get("meta")) or bool(read_losses(body))


def _along(body: Raw) -> Along:
    included = an_object(body.get("includes"))
    media = {item.key: item for item in every(_media, included.get("media"))}
    along = Along(people_of(body), media)
    return replace(along, posts={post.id: post for post in every(_post, told(included, "tweets"), along)})


def _whole_post(raw: Raw, along: Along) -> Post:
    """A post with the posts it answers and quotes."""
    post = _post(raw, along)
    parent, quoted = along.posts.get(post.in_reply_to_id or 0), along.posts.get(post.quoted_id or 0)
    # X sometimes leaves the conversation of a reply out; what is answered is in the same one.
    conversation_id = post.conversation_id or (parent and parent.conversation_id) or post.in_reply_to_id
    return replace(post, parent=parent, quoted=quoted, conversation_id=conversation_id)


def _post(raw: Raw, along: Along) -> Post:
    post_id = an_id(raw["id"])
    text, entities = _text(raw)
    references = _references(raw)
    start, end = _display(raw, text)
    return Post(
        id=post_id,
        root_id=_root(raw, post_id),
        author=_author(raw, along.people),
        text=text,
        created_at=time_of(post_id),
        mentions=tuple(every(_mention, entities.get("mentions"), along.people)),
        links=tuple(every(_span, entities.get("urls"))),
        display_start=start,
        display_end=end,
        is_long=bool(_note(raw)),
        conversation_id=id_or_none(raw.get("conversation_id")),
        in_reply_to_id=references.get("replied_to"),
        in_reply_to_person_id=id_or_none(raw.get("in_reply_to_user_id")),
        is_repost="retweeted" in references or "reposted" in references,
        quoted_id=references.get("quoted"),
        reply_settings=_reply_settings(raw),
        lang=clean(a_text(raw.get("lang"))) or None,
        media=_attached(raw, along.media),
        has_link=any(map(_leads_elsewhere, a_list(entities.get("urls")))),
    )


def _author(raw: Raw, people: Mapping[int, Author]) -> Author:
    author_id = id_or_none(raw.get("author_id")) or 0
    return people.get(author_id) or Author(author_id, "", "")


def _references(raw: Raw) -> dict[str, int]:
    items = [an_object(item) for item in a_list(told(raw, "referenced_tweets"))]
    return {str(item["type"]): an_id(item["id"]) for item in items}


def _note(raw: Raw) -> str:
    return a_text(an_object(told(raw, "note_tweet")).get("text"))


def _text(raw: Raw) -> tuple[str, Raw]:
    """The whole text, and the entities whose offsets are in it."""
    short = clean(a_text(raw.get("text")))
    entities = an_object(raw.get("entities"))
    long = clean(_note(raw))
    if not long:
        return short, entities
    own = an_object(an_object(told(raw, "note_tweet")).get("entities"))
    return long, own or _same_in(long, short, entities)


def _same_in(long: str, short: str, entities: Raw) -> Raw:
    """The entities of the cut text that mark the same words in the whole one: for a note that came without its own."""

    def holds(entity: Any) -> bool:
        start, end = (a_number(an_object(entity).get(name)) for name in ("start", "end"))
        return start is not None and end is not None and short[start:end] == long[start:end]

    return {kind: [entity for entity in a_list(entities.get(kind)) if holds(entity)] for kind in ("mentions", "urls")}


def _display(raw: Raw, text: str) -> tuple[int, int | None]:
    """Where the author's own words begin and end. X tells it of the cut text: its end is none of the whole one."""
    span = [a_number(value) for value in a_list(raw.get("display_text_range"))]
    if len(span) != 2 or span[0] is None:
        return 0, None
    if not _note(raw):
        return span[0], span[1]
    short = clean(a_text(raw.get("text")))
    return (span[0] if text.startswith(short[: span[0]]) else 0), None


def _reply_settings(raw: Raw) -> str:
    """X's description says `mentioned_users` where its list of values says `mentionedUsers`."""
    said = a_text(raw.get("reply_settings"))
    return "mentionedUsers" if said == "mentioned_users" else clean(said) or EVERYONE


def _span(entity: Raw) -> Span:
    return Span(int(entity["start"]), int(entity["end"]))


def _mention(entity: Raw, people: Mapping[int, Author]) -> Span:
    """A mention. Where X tells the handle without the id, the people it sent along may know."""
    person_id, handle = id_or_none(entity.get("id")), a_text(entity.get("username")).lower()
    if person_id is None and handle:
        person_id = next((person.id for person in people.values() if person.username.lower() == handle), None)
    return replace(_span(entity), person_id=person_id, handle=handle if person_id is None else "")


def _leads_elsewhere(entity: Any) -> bool:
    """Whether a link is not the one that X adds for the post's own media."""
    link = an_object(entity)
    return not (link.get("media_key") or OWN_MEDIA.search(a_text(link.get("expanded_url"))))


def _media(raw: Raw) -> Media:
    return Media(
        key=clean(str(raw["media_key"])),
        kind=clean(str(raw["type"])),
        url=clean(a_text(raw.get("url"))) or None,
        width=a_number(raw.get("width")),
        height=a_number(raw.get("height")),
        alt_text=clean(a_text(raw.get("alt_text"))) or None,
    )


def _attached(raw: Raw, media: Mapping[str, Media]) -> tuple[Media, ...]:
    keys = a_list(an_object(raw.get("attachments")).get("media_keys"))
    return tuple(media[key] for key in keys if isinstance(key, str) and key in media)


def _root(raw: Raw, post_id: int) -> int:
    history = [item for item in a_list(told(raw, "edit_history_tweet_ids")) if item]
    return an_id(history[0]) if history else post_id
