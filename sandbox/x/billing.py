"""What of an answer is charged: each post and person in it, or the deed. Knows X's price rules, not the prices."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from sandbox import texts
from sandbox.model import Json, Post
from sandbox.money import Item, Till
from sandbox.x import problems
from sandbox.x.call import Answer, Call

Kind = Literal["post", "user"]
POSTS: dict[str, Kind] = dict.fromkeys(
    (
        "GET /2/users/:id/mentions",
        "GET /2/users/:id/tweets",
        "GET /2/tweets/search/recent",
        "GET /2/tweets/:id",
        "GET /2/tweets",
    ),
    "post",
)
PEOPLE: dict[str, Kind] = dict.fromkeys(
    (
        "GET /2/users/me",
        "GET /2/users/:id",
        "GET /2/users",
        "GET /2/users/by",
        "GET /2/users/by/username/:username",
        "GET /2/users/:id/followers",
        "GET /2/users/:id/following",
    ),
    "user",
)
READS = POSTS | PEOPLE
OWNABLE = frozenset(("GET /2/users/:id/mentions", "GET /2/users/:id/tweets", "GET /2/users/:id/followers"))
DEEDS = {"DELETE /2/tweets/:id": "delete", "PUT /2/tweets/:id/hidden": "hide", "POST /2/media/metadata": "alt_text"}
POST = "POST /2/tweets"


def admit(till: Till, endpoint: str) -> None:
    """Without credits every call that costs is refused; above the monthly cap the reading of posts."""
    if endpoint not in READS and endpoint not in DEEDS and endpoint != POST:
        return
    closed = till.closed(reads_posts=endpoint in POSTS)
    if closed == "credits":
        raise problems.credits_depleted()
    if closed == "cap":
        raise problems.usage_capped()


def items(call: Call, endpoint: str, answer: Answer, *, includes: bool) -> list[Item]:
    """Only what the data holds: partial errors and empty pages are free."""
    data = answer.body.get("data")
    if not data:
        return []
    if endpoint in READS:
        kind = READS[endpoint]
        item = "own_read" if endpoint in OWNABLE and _is_owner(call) else f"{kind}_read"
        read = [Item(item, f"{kind} {thing['id']}") for thing in (data if isinstance(data, list) else [data])]
        return read + (list(_included(answer.body.get("includes", {}))) if includes else [])
    if endpoint == POST:
        return [Item(_kind_of_post(call, call.world.shelf.posts[int(data["id"])]), f"post {data['id']}")]
    return [Item(DEEDS[endpoint], f"{call.args.get('id') or data.get('id', '')}")] if endpoint in DEEDS else []


def _is_owner(call: Call) -> bool:
    """The bot's account owns the app, and reads what is its own."""
    bot = call.world.bot
    return call.caller.person is bot and call.args.get("id") == str(bot.id)


def _included(includes: Json) -> Iterator[Item]:
    for name, kind in (("tweets", "post"), ("users", "user")):
        for thing in includes.get(name, []):
            yield Item(f"{kind}_read", f"{kind} {thing['id']}")


def _kind_of_post(call: Call, post: Post) -> str:
    """A bare domain is a link, too. A reply to somebody else was summoned, or X refused it."""
    has_link = any(piece.kind == "link" for piece in texts.pieces(post.said))
    if post.in_reply_to_user_id not in (None, call.me.id):
        return "summoned_link" if has_link else "reply"
    return "post_with_url" if has_link else "post"
