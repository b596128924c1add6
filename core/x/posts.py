"""Parse posts from X's JSON, with old field names (tweet), new ones (post) or both.

Offsets are code points in the raw text, which is HTML-escaped: slice first, then unescape.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from core.text import clean
from core.x.json_fields import (
    JsonObject,
    as_list,
    as_number,
    as_object,
    as_text,
    get_field,
    parse_each,
    parse_id,
    parse_id_or_none,
    parse_or_none,
)
from core.x.snowflakes import time_from_snowflake
from core.x.types import EVERYONE, Author, Media, Post, TextSpan
from core.x.unavailable import parse_unavailable
from core.x.users import parse_included_users

OWN_MEDIA = re.compile(r"/status/\d+/(?:photo|video)/\d+$", re.ASCII)


@dataclass(frozen=True)
class Includes:
    """Objects that X sends along with posts: users and posts by id, media by key."""

    users: Mapping[int, Author]
    media: Mapping[str, Media]
    posts: Mapping[int, Post] = field(default_factory=dict)


def parse_posts(body: JsonObject, *, strict: bool = False) -> list[Post]:
    """Parse the posts of a response, in its order. A response with a single post is valid, too.

    An invalid post is skipped, so that it does not hide the others.

    Args:
        strict: raise ValueError if a post is invalid or has no author, for callers that conclude from a missing post.

    Raises:
        ValueError: the response has neither posts nor `result_count: 0` nor errors about posts (`parse_unavailable`).
    """
    data = body.get("data") or []
    data = [data] if isinstance(data, Mapping) else data
    if not isinstance(data, list) or not (data or _is_explicitly_empty(body)):
        raise ValueError("the response has no data, result count or errors")
    includes = _parse_includes(body)
    posts = [parse_or_none(_parse_linked_post, raw, includes) for raw in data]
    if strict and not all(post and post.author.id for post in posts):
        raise ValueError("a post of the response is invalid or has no author")
    return [post for post in posts if post]


def next_page_token(body: JsonObject) -> str | None:
    """Return the token of the next page; None on the last page."""
    return as_object(body.get("meta")).get("next_token") or None


def _is_explicitly_empty(body: JsonObject) -> bool:
    return "result_count" in as_object(body.get("meta")) or bool(parse_unavailable(body))


def _parse_includes(body: JsonObject) -> Includes:
    included = as_object(body.get("includes"))
    media = {item.key: item for item in parse_each(_parse_media, included.get("media"))}
    includes = Includes(parse_included_users(body), media)
    posts = parse_each(_parse_post, get_field(included, "tweets"), includes)
    return replace(includes, posts={post.id: post for post in posts})


def _parse_linked_post(raw: JsonObject, includes: Includes) -> Post:
    """Parse a post with the posts that it replies to and quotes."""
    post = _parse_post(raw, includes)
    parent, quoted = includes.posts.get(post.in_reply_to_id or 0), includes.posts.get(post.quoted_id or 0)
    # X sometimes leaves out the conversation of a reply. It is that of the parent.
    conversation_id = post.conversation_id or (parent and parent.conversation_id) or post.in_reply_to_id
    return replace(post, parent=parent, quoted=quoted, conversation_id=conversation_id)


def _parse_post(raw: JsonObject, includes: Includes) -> Post:
    post_id = parse_id(raw["id"])
    text, entities = _parse_text(raw)
    references = _parse_references(raw)
    start, end = _parse_display_range(raw, text)
    return Post(
        id=post_id,
        root_id=_parse_root_id(raw, post_id),
        author=_find_author(raw, includes.users),
        text=text,
        created_at=time_from_snowflake(post_id),
        mentions=tuple(parse_each(_parse_mention, entities.get("mentions"), includes.users)),
        links=tuple(parse_each(_parse_span, entities.get("urls"))),
        display_start=start,
        display_end=end,
        is_long=bool(_note_text(raw)),
        conversation_id=parse_id_or_none(raw.get("conversation_id")),
        in_reply_to_id=references.get("replied_to"),
        in_reply_to_person_id=parse_id_or_none(raw.get("in_reply_to_user_id")),
        is_repost="retweeted" in references or "reposted" in references,
        quoted_id=references.get("quoted"),
        reply_settings=_parse_reply_settings(raw),
        lang=clean(as_text(raw.get("lang"))) or None,
        media=_find_media(raw, includes.media),
        has_link=any(map(_is_external_link, as_list(entities.get("urls")))),
    )


def _find_author(raw: JsonObject, users: Mapping[int, Author]) -> Author:
    author_id = parse_id_or_none(raw.get("author_id")) or 0
    return users.get(author_id) or Author(author_id, "", "")


def _parse_references(raw: JsonObject) -> dict[str, int]:
    items = [as_object(item) for item in as_list(get_field(raw, "referenced_tweets"))]
    return {str(item["type"]): parse_id(item["id"]) for item in items}


def _note_text(raw: JsonObject) -> str:
    return as_text(as_object(get_field(raw, "note_tweet")).get("text"))


def _parse_text(raw: JsonObject) -> tuple[str, JsonObject]:
    """Return the whole text, and the entities whose offsets refer to it."""
    short = clean(as_text(raw.get("text")))
    entities = as_object(raw.get("entities"))
    long = clean(_note_text(raw))
    if not long:
        return short, entities
    note_entities = as_object(as_object(get_field(raw, "note_tweet")).get("entities"))
    return long, note_entities or _entities_in_long_text(long, short, entities)


def _entities_in_long_text(long: str, short: str, entities: JsonObject) -> JsonObject:
    """Return the entities of the cut text that mark the same words in the whole one, for a note without entities."""

    def is_same(entity: object) -> bool:
        start, end = (as_number(as_object(entity).get(name)) for name in ("start", "end"))
        return start is not None and end is not None and short[start:end] == long[start:end]

    return {
        kind: [entity for entity in as_list(entities.get(kind)) if is_same(entity)] for kind in ("mentions", "urls")
    }


def _parse_display_range(raw: JsonObject, text: str) -> tuple[int, int | None]:
    """Return where the author's own words begin and end. X's range is about the cut text, so its end is of no use."""
    span = [as_number(value) for value in as_list(raw.get("display_text_range"))]
    if len(span) != 2 or span[0] is None:
        return 0, None
    if not _note_text(raw):
        return span[0], span[1]
    short = clean(as_text(raw.get("text")))
    return (span[0] if text.startswith(short[: span[0]]) else 0), None


def _parse_reply_settings(raw: JsonObject) -> str:
    """Normalize `mentioned_users`: X documents it, but lists `mentionedUsers` as the value."""
    value = as_text(raw.get("reply_settings"))
    return "mentionedUsers" if value == "mentioned_users" else clean(value) or EVERYONE


def _parse_span(entity: JsonObject) -> TextSpan:
    return TextSpan(int(entity["start"]), int(entity["end"]))


def _parse_mention(entity: JsonObject, users: Mapping[int, Author]) -> TextSpan:
    """Parse a mention. If it has a handle and no id, look for the handle among the included users."""
    person_id, handle = parse_id_or_none(entity.get("id")), as_text(entity.get("username")).lower()
    if person_id is None and handle:
        person_id = next((user.id for user in users.values() if user.username.lower() == handle), None)
    return replace(_parse_span(entity), person_id=person_id, handle=handle if person_id is None else "")


def _is_external_link(entity: object) -> bool:
    """Return whether a link is not the one that X adds for the post's own media."""
    link = as_object(entity)
    return not (link.get("media_key") or OWN_MEDIA.search(as_text(link.get("expanded_url"))))


def _parse_media(raw: JsonObject) -> Media:
    return Media(
        key=clean(str(raw["media_key"])),
        kind=clean(str(raw["type"])),
        url=clean(as_text(raw.get("url"))) or None,
        width=as_number(raw.get("width")),
        height=as_number(raw.get("height")),
        alt_text=clean(as_text(raw.get("alt_text"))) or None,
    )


def _find_media(raw: JsonObject, media: Mapping[str, Media]) -> tuple[Media, ...]:
    keys = as_list(as_object(raw.get("attachments")).get("media_keys"))
    return tuple(media[key] for key in keys if isinstance(key, str) and key in media)


def _parse_root_id(raw: JsonObject, post_id: int) -> int:
    history = [item for item in as_list(get_field(raw, "edit_history_tweet_ids")) if item]
    return parse_id(history[0]) if history else post_id
