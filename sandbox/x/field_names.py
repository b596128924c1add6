"""Translate field names between X's old and new ones (tweet -> post, since 2026).

The sandbox uses the old names, as tweepy does; requests and responses are translated at the edge.
"""

from __future__ import annotations

from typing import Literal, get_args

from pydantic import JsonValue

from sandbox.model import Json

Mode = Literal["legacy", "new", "mixed"]
MODES: tuple[str, ...] = get_args(Mode)

_OUT = {
    "edit_history_tweet_ids": "edit_history_post_ids",
    "referenced_tweets": "referenced_posts",
    "note_tweet": "note_post",
    "tweets": "posts",
    "retweet_count": "repost_count",
    "tweet_count": "post_count",
    "pinned_tweet_id": "pinned_post_id",
    "most_recent_tweet_id": "most_recent_post_id",
}
_IN = {new: old for old, new in _OUT.items()}
_EXPANSIONS = _IN | {"referenced_posts": "referenced_tweets.id", "affiliation": "affiliation.user_id"}
# Since the rename these expansions add the field of the same name.
_POST_FIELDS_OF = {
    "author_id": "author_id",
    "in_reply_to_user_id": "in_reply_to_user_id",
    "referenced_tweets.id": "referenced_tweets",
}
_USER_FIELDS_OF = {name: name for name in ("pinned_tweet_id", "most_recent_tweet_id")}
# Required by 2.166, gone in 2.167 (as is the type of a processing_info).
_EMPTY_META: tuple[str, Json] = ("meta", {})
# Numbers of the usage endpoint that became strings.
_STRING_NUMBERS = frozenset(("project_cap", "project_usage", "project_id", "usage"))
# New names without data in the sandbox: accepted and ignored.
_IGNORED = frozenset(
    (("post.fields", "article_title"), ("user.fields", "subscribes_to_you"), ("expansions", "username"))
)


def to_old_names(mode: Mode, query: dict[str, str]) -> dict[str, str]:
    """Return the query with old names. X accepts old names in every mode."""
    if mode == "legacy":
        return query
    read = dict(query)
    _rename(read, "post.fields", "tweet.fields", _IN)
    _rename(read, "user.fields", "user.fields", _IN)
    _rename(read, "expansions", "expansions", _EXPANSIONS)
    expansions = read.get("expansions", "").split(",")
    _add(read, "tweet.fields", [_POST_FIELDS_OF[name] for name in expansions if name in _POST_FIELDS_OF])
    _add(read, "user.fields", [_USER_FIELDS_OF[name] for name in expansions if name in _USER_FIELDS_OF])
    return read


def _rename(query: dict[str, str], new: str, old: str, names: dict[str, str]) -> None:
    if new in query:
        values = query.pop(new).split(",")
        _add(query, old, [names.get(value, value) for value in values if (new, value) not in _IGNORED])


def _add(query: dict[str, str], name: str, values: list[str]) -> None:
    present = query[name].split(",") if query.get(name) else []
    values_once = list(dict.fromkeys(present + values))
    if values_once:
        query[name] = ",".join(values_once)


def to_mode_names(mode: Mode, endpoint: str, body: Json) -> Json:
    """Return the response body with the names of the mode."""
    if mode == "mixed" and endpoint == "POST /2/tweets" and "data" in body:
        # Seen on 2026-09-20: a list with one empty string.
        return body | {"data": body["data"] | {"edit_history_tweet_ids": [""]}}
    return _renamed_object(body) if mode == "new" else body


def _renamed_object(fields: dict[str, JsonValue]) -> Json:
    return {
        _OUT.get(name, name): _new_value(name, value) for name, value in fields.items() if (name, value) != _EMPTY_META
    }


def _renamed(value: JsonValue) -> JsonValue:
    if isinstance(value, list):
        return [_renamed(item) for item in value]
    return _renamed_object(value) if isinstance(value, dict) else value


def _new_value(name: str, value: JsonValue) -> JsonValue:
    if name == "processing_info" and isinstance(value, dict):
        return {key: item for key, item in value.items() if key != "type"}
    if name in _STRING_NUMBERS and isinstance(value, int):
        return str(value)
    if name == "type" and isinstance(value, str):
        return value.replace("https://api.twitter.com/2/problems/", "https://api.x.com/2/problems/")
    return _renamed(value)


def version(mode: Mode) -> str:
    return "2.167" if mode == "new" else "2.166"
