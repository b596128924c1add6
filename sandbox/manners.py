"""What X refuses to programs: pure checks on a draft from the API, one after the other. Knows no HTTP.

Taken from what people met (x-platform 2.5, 2.6, 2.8). Nobody quoted X's bodies for an over-long text, for a second
cashtag and for a picture that hangs already; how long a text counts as a duplicate is not documented, a day is our
choice, and so is that the words alone count: the same ones under two people's posts are a duplicate here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from sandbox import account, sight, texts
from sandbox.account import Caps
from sandbox.clock import first_id_at
from sandbox.index import window
from sandbox.model import Draft, Person, Post, Refused
from sandbox.rules import MAX_TEXT, Known

NOT_VISIBLE = "You attempted to reply to a Tweet that is deleted or not visible to you."
NOT_SUMMONED_OLD = (
    "Reply to this conversation is not allowed because you have not been mentioned or otherwise engaged "
    "by the author of the post you are replying to."
)
NOT_SUMMONED_NEW = "You can only reply to or quote posts where you are mentioned or are the author."


@dataclass(frozen=True, slots=True)
class Manners:
    """The rules that X changes, or never wrote down. `strict_explicit`: the automatic prefix is no mention."""

    summon: Literal["on", "off"] = "on"
    wording: Literal["old", "new"] = "new"
    strict_explicit: bool = False
    duplicate_seconds: int = 86_400


class Minded(Known, Protocol):
    @property
    def manners(self) -> Manners: ...

    @property
    def caps(self) -> Caps: ...


def check(known: Minded, draft: Draft) -> None:
    """Raises the first refusal."""
    for one in CHECKS:
        one(known, draft)


def is_not_too_long(_known: Minded, draft: Draft) -> None:
    most = MAX_TEXT if draft.author.verified else texts.MAX_WEIGHT
    if texts.weight(texts.pieces(draft.text)) > most:
        raise Refused("too-long", "Your Tweet text is too long. For additional information see https://docs.x.com.")


def has_one_cashtag_at_most(_known: Minded, draft: Draft) -> None:
    if sum(piece.kind == "cashtag" for piece in texts.pieces(draft.text)) > 1:
        raise Refused("cashtags", "Your Tweet contains more than one cashtag.")


def reaches_its_target(known: Minded, draft: Draft) -> None:
    """Whoever can not see a post can not answer it, and must not learn more about it than that."""
    for target in _targets(known, draft):
        if sight.veil(known.people[target.author_id], draft.author) is not None:
            raise Refused("reply-target", NOT_VISIBLE)


def answers_where_the_author_lets_it(known: Minded, draft: Draft) -> None:
    """The setting of a post holds, and that of the post which began the conversation. Who is mentioned may answer."""
    target = known.shelf.posts.get(draft.in_reply_to_id or 0)
    if target is None:
        return
    for post in (target, known.shelf.posts.get(target.conversation_id)):
        if post is not None and not _lets_answer(known.people[post.author_id], post, draft.author):
            raise Refused("reply-settings", "The original Tweet author restricted who can reply to this Tweet.")


def _lets_answer(author: Person, post: Post, caller: Person) -> bool:
    """Nobody subscribes to anybody in this world: `subscribers` lets in only whom the post mentions."""
    if post.reply_settings == "everyone" or author.id == caller.id or caller.id in post.mentioned_ids():
        return True
    if post.reply_settings == "following":
        return caller.id in author.follows
    return post.reply_settings == "verified" and caller.verified


def was_summoned(known: Minded, draft: Draft) -> None:
    manners = known.manners
    if manners.summon == "off":
        return
    for target in _targets(known, draft):
        if not summons(known, target, draft.author, strict=manners.strict_explicit):
            raise Refused("not-summoned", NOT_SUMMONED_OLD if manners.wording == "old" else NOT_SUMMONED_NEW)


def summons(known: Known, post: Post, person: Person, *, strict: bool) -> bool:
    """Whether this post lets this person answer: it is their own, mentions them, or quotes them."""
    quoted = known.shelf.posts.get(post.quote_of_id or 0)
    if post.author_id == person.id or (quoted is not None and quoted.author_id == person.id):
        return True
    return _names(post, person) if strict else person.id in post.mentioned_ids()


def _names(post: Post, person: Person) -> bool:
    """A note begins with the same prefix as the text, so one border parts both."""
    said = [*post.entities.get("mentions", []), *(post.note or {}).get("entities", {}).get("mentions", [])]
    return any(int(mention["id"]) == person.id and mention["start"] >= post.display[0] for mention in said)


def hangs_pictures_for_the_first_time(known: Minded, draft: Draft) -> None:
    pictures = [known.media[media_id] for media_id in draft.media_ids]
    alone = len(pictures) < 2 or all(picture.mime != "image/gif" for picture in pictures)
    if not alone or any(picture.post_id is not None for picture in pictures):
        raise Refused("media-ids", "Your media IDs are invalid.")


def is_no_duplicate(known: Minded, draft: Draft) -> None:
    """A picture does not make the same words new. Posts that were deleted meanwhile are forgotten."""
    if not (draft.text and known.manners.duplicate_seconds):
        return
    after = first_id_at(known.clock.now_ms() - known.manners.duplicate_seconds * 1000)
    recent = window(known.shelf.by_author[draft.author.id], after=after)
    if any(known.shelf.posts[i].said == draft.text for i in recent):
        raise Refused("duplicate", "You are not allowed to create a Tweet with duplicate content.")


def keeps_the_daily_caps(known: Minded, draft: Draft) -> None:
    reply = draft.in_reply_to_id is not None
    if account.over(known.caps, known.shelf, draft.author, reply=reply, now_ms=known.clock.now_ms()):
        raise Refused("daily-cap", "User is over daily status update limit.")


def _targets(known: Known, draft: Draft) -> list[Post]:
    wanted = (draft.in_reply_to_id, draft.quote_of_id)
    return [known.shelf.posts[i] for i in wanted if i is not None]


CHECKS = (
    is_not_too_long,
    has_one_cashtag_at_most,
    reaches_its_target,
    answers_where_the_author_lets_it,
    was_summoned,
    hangs_pictures_for_the_first_time,
    is_no_duplicate,
    keeps_the_daily_caps,
)
