"""Make responses of X with its old field names, and rename the fields to the new ones."""

from typing import Any

ID = 1_900_000_000_000_000_000
ADA = {"id": "7", "username": "ada", "name": "Ada"}
# X's own renaming, and other fields with the old word that we do not read.
NEW_WORDS = {
    "edit_history_tweet_ids": "edit_history_post_ids",
    "most_recent_tweet_id": "most_recent_post_id",
    "note_tweet": "note_post",
    "pinned_tweet_id": "pinned_post_id",
    "referenced_tweets": "referenced_posts",
    "retweet_count": "repost_count",
    "tweet_count": "post_count",
    "tweets": "posts",
}


def renamed(body: Any) -> Any:
    """Return the response with the new field names."""
    if isinstance(body, dict):
        return {NEW_WORDS.get(key, key): renamed(value) for key, value in body.items()}
    return [renamed(item) for item in body] if isinstance(body, list) else body


def raw_post(**fields: Any) -> dict[str, Any]:
    made = {"id": str(ID), "text": "a fox", "author_id": "7", "edit_history_tweet_ids": [str(ID)]} | fields
    return {name: value for name, value in made.items() if value is not None}


def answer(*posts: dict[str, Any], **includes: Any) -> dict[str, Any]:
    return {"data": list(posts), "includes": {"users": [ADA]} | includes, "meta": {"result_count": len(posts)}}
