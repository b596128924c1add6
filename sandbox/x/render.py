"""Draws people, posts and media as X sends them: only the fields asked for. Knows the world and who looks at it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sandbox import editing
from sandbox.clock import iso
from sandbox.model import Json, Media, Person, Post
from sandbox.world import World
from sandbox.x import fields
from sandbox.x.fields import Wanted
from sandbox.x.visible import post_error

EVERYTHING = Wanted(fields.POST_FIELDS, fields.USER_FIELDS, fields.MEDIA_FIELDS, frozenset())
JUST_NAMES = Wanted(frozenset(), frozenset(("id", "name", "username")), frozenset(), frozenset())


class Drawer:
    """One answer's hand: `base` is the address the client knows us by, pictures are served from there."""

    def __init__(self, world: World, wanted: Wanted, base: str, *, viewer: Person | None = None) -> None:
        self.world, self.wanted, self.base, self.viewer = world, wanted, base.rstrip("/"), viewer

    def post(self, post: Post) -> Json:
        return _only(
            self.wanted.post, {name: draw(self, post) for name, draw in _POST.items() if name in self.wanted.post}
        )

    def person(self, person: Person) -> Json:
        return _only(self.wanted.user, {name: draw(self, person) for name, draw in _USER.items()})

    def media(self, media: Media) -> Json:
        body: Json = {
            "media_key": media.key,
            "type": "animated_gif" if media.mime == "image/gif" else "photo",
            "url": f"{self.base}/media/{media.file}",
            "width": media.width,
            "height": media.height,
            "alt_text": media.alt_text or None,
        }
        return _only(self.wanted.media, body)

    # expansions

    def includes(self, posts: list[Post]) -> tuple[Json, list[Json]]:
        """The `includes` of these posts, and an error for each referenced post that is gone."""
        asked = self.wanted.expansions
        referenced, errors = self._referenced(posts) if _touches(asked, "referenced_tweets.id") else ([], [])
        users: dict[int, None] = {}
        for post in posts:
            users.update(dict.fromkeys(_people_of(post, asked)))
        if "referenced_tweets.id.author_id" in asked:
            users.update(dict.fromkeys(post.author_id for post in referenced))
        shown = posts if "attachments.media_keys" in asked else []
        shown = shown + (referenced if "referenced_tweets.id.attachments.media_keys" in asked else [])
        media = {media.id: media for post in shown for media in self.world.pictures(post)}
        own = posts if "edit_history_tweet_ids" in asked else []
        versions = self.world.existing(i for post in own for i in post.edit_history)
        tweets = {post.id: post for post in [*referenced, *versions]}
        body = {
            "users": [self.person(self.world.people[i]) for i in users if i in self.world.people],
            "tweets": [self.post(post) for post in tweets.values()],
            "media": [self.media(picture) for picture in media.values()],
        }
        return {name: things for name, things in body.items() if things}, errors

    def _referenced(self, posts: list[Post]) -> tuple[list[Post], list[Json]]:
        there: dict[int, Post] = {}
        errors: list[Json] = []
        for post in posts:
            for reference in references(post):
                target = self.world.shelf.posts.get(int(reference["id"]))
                lost = post_error(
                    self.world, self.viewer, target, "referenced_tweets.id", reference["id"], section="includes"
                )
                if lost is not None:
                    errors.append(lost)
                elif target is not None:
                    there[target.id] = target
        return list(there.values()), errors

    def user_includes(self, people: list[Person]) -> Json:
        if "pinned_tweet_id" not in self.wanted.expansions:
            return {}
        pinned = self.world.existing(person.pinned_post_id for person in people if person.pinned_post_id)
        return {"tweets": [self.post(post) for post in pinned]} if pinned else {}


def _only(names: frozenset[str], body: Json) -> Json:
    """X leaves out what is absent; it never says null."""
    return {name: value for name, value in body.items() if name in names and value is not None}


def _touches(asked: Iterable[str], start: str) -> bool:
    return any(name.startswith(start) for name in asked)


def _people_of(post: Post, asked: frozenset[str]) -> list[int]:
    people = [post.author_id] if "author_id" in asked else []
    if "in_reply_to_user_id" in asked and post.in_reply_to_user_id is not None:
        people.append(post.in_reply_to_user_id)
    if "entities.mentions.username" in asked:
        people += [int(mention["id"]) for mention in post.entities.get("mentions", [])]
    if "entities.note.mentions.username" in asked:
        people += [int(m["id"]) for m in (post.note or {}).get("entities", {}).get("mentions", [])]
    return people


def references(post: Post) -> list[Json]:
    kinds = (("retweeted", post.repost_of_id), ("quoted", post.quote_of_id), ("replied_to", post.in_reply_to_id))
    return [{"type": kind, "id": str(other)} for kind, other in kinds if other is not None]


def _metrics(drawer: Drawer, post: Post) -> Json:
    shelf = drawer.world.shelf
    return {
        "retweet_count": 0,
        "reply_count": len(shelf.replies.get(post.id, ())),
        "like_count": 0,
        "quote_count": len(shelf.quotes.get(post.id, ())),
        "bookmark_count": 0,
        "impression_count": 0,
    }


def _attachments(drawer: Drawer, post: Post) -> Json | None:
    keys = [media.key for media in drawer.world.pictures(post)]
    return {"media_keys": keys} if keys else None


def _edit_controls(drawer: Drawer, post: Post) -> Json:
    until = drawer.world.first_ms(post) + editing.EDIT_MS
    return {
        "edits_remaining": editing.edits_left(post),
        "is_edit_eligible": editing.is_open(post),
        "editable_until": iso(until),
    }


_POST: dict[str, Callable[[Drawer, Post], object]] = {
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
    "possibly_sensitive": lambda drawer, post: any(media.sensitive for media in drawer.world.pictures(post)),
    "reply_settings": lambda _, post: post.reply_settings,
    "lang": lambda _, post: post.lang,
    "paid_partnership": lambda _, post: post.paid_partnership,
    "public_metrics": _metrics,
}


def _user_metrics(drawer: Drawer, person: Person) -> Json:
    posts = len(drawer.world.shelf.by_author.get(person.id, ()))
    return {
        "followers_count": person.followers,
        "following_count": person.following,
        "tweet_count": posts,
        "listed_count": 0,
        "like_count": 0,
    }


def _connections(drawer: Drawer, person: Person) -> list[str] | None:
    """How this person and the one who looks stand to each other; X tells it to people only, not to apps."""
    me = drawer.viewer
    if me is None:
        return None
    ties = {
        "following": person.id in me.follows,
        "followed_by": me.id in person.follows,
        "blocking": person.id in me.blocking,
    }
    return [name for name, holds in ties.items() if holds]


def _newest(drawer: Drawer, person: Person) -> str | None:
    posts = drawer.world.shelf.by_author.get(person.id)
    return str(posts[-1]) if posts else None


_USER: dict[str, Callable[[Drawer, Person], object]] = {
    "id": lambda _, person: str(person.id),
    "name": lambda _, person: person.name,
    "username": lambda _, person: person.username,
    "connection_status": _connections,
    "created_at": lambda _, person: iso(person.created_ms),
    "description": lambda _, person: person.description,
    "pinned_tweet_id": lambda _, person: str(person.pinned_post_id) if person.pinned_post_id else None,
    "most_recent_tweet_id": _newest,
    "profile_image_url": lambda drawer, person: f"{drawer.base}/avatar/{person.username}.svg",
    "protected": lambda _, person: person.protected,
    "verified": lambda _, person: person.verified,
    "verified_type": lambda _, person: "blue" if person.verified else "none",
    "public_metrics": _user_metrics,
}
