"""X's words before and after the rename of 2026 (tweet -> post): requests come in, answers go out. Knows names only.

The sandbox itself speaks the old words, as tweepy does; this stands at the door and translates.
"""

from __future__ import annotations

from typing import Any, Literal, get_args

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
# Since the rename some fields are asked for as expansions; the field then stands in the object, too.
_POST_FIELDS_OF = {
    "author_id": "author_id",
    "in_reply_to_user_id": "in_reply_to_user_id",
    "referenced_tweets.id": "referenced_tweets",
}
_USER_FIELDS_OF = {name: name for name in ("pinned_tweet_id", "most_recent_tweet_id")}
# Required by 2.166, gone in 2.167 (as is the type of a processing_info).
_EMPTY_META: tuple[str, Json] = ("meta", {})
# Numbers of the usage that became texts.
_COUNTED = frozenset(("project_cap", "project_usage", "project_id", "usage"))
# Named by the new description only; nothing of this world stands behind them.
_SILENT = frozenset(
    (("post.fields", "article_title"), ("user.fields", "subscribes_to_you"), ("expansions", "username"))
)


def inward(mode: Mode, query: dict[str, str]) -> dict[str, str]:
    """The query in old words. Old words are understood in every mode: the live wire did so, too."""
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
        _add(query, old, [names.get(value, value) for value in values if (new, value) not in _SILENT])


def _add(query: dict[str, str], name: str, values: list[str]) -> None:
    there = query[name].split(",") if query.get(name) else []
    together = list(dict.fromkeys(there + values))
    if together:
        query[name] = ",".join(together)


def outward(mode: Mode, endpoint: str, body: Json) -> Json:
    """The answer in the words of the mode."""
    if mode == "mixed" and endpoint == "POST /2/tweets" and "data" in body:
        # Seen on 2026-09-20: the list came, and held one empty word.
        return body | {"data": body["data"] | {"edit_history_tweet_ids": [""]}}
    return _renamed(body) if mode == "new" else body


def _renamed(value: Any) -> Any:
    if isinstance(value, list):
        return [_renamed(one) for one in value]
    if isinstance(value, dict):
        return {
            _OUT.get(name, name): _new_value(name, one) for name, one in value.items() if (name, one) != _EMPTY_META
        }
    return value


def _new_value(name: str, value: Any) -> Any:
    if name == "processing_info":
        return {key: one for key, one in value.items() if key != "type"}
    if name in _COUNTED and isinstance(value, int):
        return str(value)
    if name == "type" and isinstance(value, str):
        return value.replace("https://api.twitter.com/2/problems/", "https://api.x.com/2/problems/")
    return _renamed(value)


def version(mode: Mode) -> str:
    return "2.167" if mode == "new" else "2.166"
