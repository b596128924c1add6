"""Serialize users, posts and media as X does, with the requested fields only."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sandbox import edits
from sandbox.clock import iso
from sandbox.model import Json, Media, Post, User
from sandbox.world import World
from sandbox.x import fields
from sandbox.x.fields import RequestedFields
from sandbox.x.visibility import post_error

EVERYTHING = RequestedFields(fields.POST_FIELDS, fields.USER_FIELDS, fields.MEDIA_FIELDS, frozenset())
JUST_NAMES = RequestedFields(frozenset(), frozenset(("id", "name", "username")), frozenset(), frozenset())


class Serializer:
    """The serializer of one response. `base` is the URL of the sandbox as the client sees it, for media URLs."""

    def __init__(self, world: World, fields: RequestedFields, base: str, *, viewer: User | None = None) -> None:
        self.world, self.fields, self.base, self.viewer = world, fields, base.rstrip("/"), viewer

    def post(self, post: Post) -> Json:
        names = self.fields.post
        return _pick(names, {name: serialize(self, post) for name, serialize in _POST.items() if name in names})

    def person(self, person: User) -> Json:
        return _pick(self.fields.user, {name: serialize(self, person) for name, serialize in _USER.items()})

    def media(self, media: Media) -> Json:
        body: Json = {
            "media_key": media.key,
            "type": "animated_gif" if media.mime == "image/gif" else "photo",
            "url": f"{self.base}/media/{media.file}",
            "width": media.width,
            "height": media.height,
            "alt_text": media.alt_text or None,
        }
        return _pick(self.fields.media, body)

    def includes(self, posts: list[Post]) -> tuple[Json, list[Json]]:
        """Return the `includes` of these posts, and an error for each missing or hidden referenced post."""
        requested = self.fields.expansions
        referenced, errors = self._referenced(posts) if _has_prefix(requested, "referenced_tweets.id") else ([], [])
        users: dict[int, None] = {}
        for post in posts:
            users.update(dict.fromkeys(_user_ids(post, requested)))
        if "referenced_tweets.id.author_id" in requested:
            users.update(dict.fromkeys(post.author_id for post in referenced))
        shown = posts if "attachments.media_keys" in requested else []
        shown = shown + (referenced if "referenced_tweets.id.attachments.media_keys" in requested else [])
        media = {media.id: media for post in shown for media in self.world.pictures(post)}
        own = posts if "edit_history_tweet_ids" in requested else []
        versions = self.world.existing_posts(i for post in own for i in post.edit_history)
        tweets = {post.id: post for post in [*referenced, *versions]}
        body = {
            "users": [self.person(self.world.people[i]) for i in users if i in self.world.people],
            "tweets": [self.post(post) for post in tweets.values()],
            "media": [self.media(picture) for picture in media.values()],
        }
        return {name: things for name, things in body.items() if things}, errors

    def _referenced(self, posts: list[Post]) -> tuple[list[Post], list[Json]]:
        posts_by_id: dict[int, Post] = {}
        errors: list[Json] = []
        for post in posts:
            for reference in references(post):
                target = self.world.post_index.posts.get(int(reference["id"]))
                error = post_error(
                    self.world, self.viewer, target, "referenced_tweets.id", reference["id"], section="includes"
                )
                if error is not None:
                    errors.append(error)
                elif target is not None:
                    posts_by_id[target.id] = target
        return list(posts_by_id.values()), errors

    def user_includes(self, people: list[User]) -> Json:
        if "pinned_tweet_id" not in self.fields.expansions:
            return {}
        pinned = self.world.existing_posts(person.pinned_post_id for person in people if person.pinned_post_id)
        return {"tweets": [self.post(post) for post in pinned]} if pinned else {}


def _pick(names: frozenset[str], body: Json) -> Json:
    """Keep the requested fields without null values, which X omits."""
    return {name: value for name, value in body.items() if name in names and value is not None}


def _has_prefix(requested: Iterable[str], start: str) -> bool:
    return any(name.startswith(start) for name in requested)


def _user_ids(post: Post, requested: frozenset[str]) -> list[int]:
    people = [post.author_id] if "author_id" in requested else []
    if "in_reply_to_user_id" in requested and post.in_reply_to_user_id is not None:
        people.append(post.in_reply_to_user_id)
    if "entities.mentions.username" in requested:
        people += [int(mention["id"]) for mention in post.entities.get("mentions", [])]
    if "entities.note.mentions.username" in requested:
        people += [int(m["id"]) for m in (post.note or {}).get("entities", {}).get("mentions", [])]
    return people


def references(post: Post) -> list[Json]:
    kinds = (("retweeted", post.repost_of_id), ("quoted", post.quote_of_id), ("replied_to", post.in_reply_to_id))
    return [{"type": kind, "id": str(other)} for kind, other in kinds if other is not None]


def _metrics(serializer: Serializer, post: Post) -> Json:
    index = serializer.world.post_index
    return {
        "retweet_count": 0,
        "reply_count": len(index.replies.get(post.id, ())),
        "like_count": 0,
        "quote_count": len(index.quotes.get(post.id, ())),
        "bookmark_count": 0,
        "impression_count": 0,
    }


def _attachments(serializer: Serializer, post: Post) -> Json | None:
    keys = [media.key for media in serializer.world.pictures(post)]
    return {"media_keys": keys} if keys else None


def _edit_controls(serializer: Serializer, post: Post) -> Json:
    until = serializer.world.original_created_ms(post) + edits.EDIT_MS
    return {
        "edits_remaining": edits.remaining_edits(post),
        "is_edit_eligible": edits.is_editable(post),
        "editable_until": iso(until),
    }


_POST: dict[str, Callable[[Serializer, Post], object]] = {
    "id": lambda _, post: str(post.id),
    "text": lambda _, post: post.text,
    "edit_history_tweet_ids": lambda _, post: [str(i) for i in post.edit_history],
    "author_id": lambda _, post: str(post.author_id),
    "created_at": lambda _, post: iso(post.created_ms),
    "conversation_id": lambda _, post: str(post.conversation_id),
    "in_reply_to_user_id": lambda _, post: str(post.in_reply_to_user_id) if post.in_reply_to_user_id else None,
    "referenced_tweets": lambda _, post: references(post) or None,
    "attachments": _attachments,
    "entities": lambda _, post: post.entities or None,
    "note_tweet": lambda _, post: post.note,
    "display_text_range": lambda _, post: post.display,
    "edit_controls": _edit_controls,
    "possibly_sensitive": lambda serializer, post: any(media.sensitive for media in serializer.world.pictures(post)),
    "reply_settings": lambda _, post: post.reply_settings,
    "lang": lambda _, post: post.lang,
    "paid_partnership": lambda _, post: post.paid_partnership,
    "public_metrics": _metrics,
}


def _user_metrics(serializer: Serializer, person: User) -> Json:
    posts = len(serializer.world.post_index.by_author.get(person.id, ()))
    return {
        "followers_count": person.followers,
        "following_count": person.following,
        "tweet_count": posts,
        "listed_count": 0,
        "like_count": 0,
    }


def _connections(serializer: Serializer, person: User) -> list[str] | None:
    """Return the viewer's relations to this person, or None for an app."""
    me = serializer.viewer
    if me is None:
        return None
    relations = {
        "following": person.id in me.follows,
        "followed_by": me.id in person.follows,
        "blocking": person.id in me.blocking,
    }
    return [name for name, holds in relations.items() if holds]


def _newest(serializer: Serializer, person: User) -> str | None:
    posts = serializer.world.post_index.by_author.get(person.id)
    return str(posts[-1]) if posts else None


_USER: dict[str, Callable[[Serializer, User], object]] = {
    "id": lambda _, person: str(person.id),
    "name": lambda _, person: person.name,
    "username": lambda _, person: person.username,
    "connection_status": _connections,
    "created_at": lambda _, person: iso(person.created_ms),
    "description": lambda _, person: person.description,
    "pinned_tweet_id": lambda _, person: str(person.pinned_post_id) if person.pinned_post_id else None,
    "most_recent_tweet_id": _newest,
    "profile_image_url": lambda serializer, person: f"{serializer.base}/profile_images/{person.id}_normal.png",
    "protected": lambda _, person: person.protected,
    "verified": lambda _, person: person.verified,
    "verified_type": lambda _, person: "blue" if person.verified else "none",
    "public_metrics": _user_metrics,
}
