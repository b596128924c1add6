"""Decide which items of a response X charges: each post and user read, or the write."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from sandbox import text_parser
from sandbox.billing import Billing, PricedItem
from sandbox.model import Json, Post
from sandbox.x import problems
from sandbox.x.call import ApiResponse, Call

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
ACTIONS = {"DELETE /2/tweets/:id": "delete", "PUT /2/tweets/:id/hidden": "hide", "POST /2/media/metadata": "alt_text"}
POST = "POST /2/tweets"


def admit(bill: Billing, endpoint: str) -> None:
    """Reject every priced call without credits, and reads of posts above the monthly cap."""
    if endpoint not in READS and endpoint not in ACTIONS and endpoint != POST:
        return
    blocked_reason = bill.blocked_reason(reads_posts=endpoint in POSTS)
    if blocked_reason == "credits":
        raise problems.credits_depleted()
    if blocked_reason == "cap":
        raise problems.usage_capped()


def items(call: Call, endpoint: str, response: ApiResponse, *, includes: bool) -> list[PricedItem]:
    """Return the billable items. Partial errors and empty pages are free."""
    data = response.body.get("data")
    if not data:
        return []
    if endpoint in READS:
        kind = READS[endpoint]
        item = "own_read" if endpoint in OWNABLE and _is_owner(call) else f"{kind}_read"
        read = [PricedItem(item, f"{kind} {thing['id']}") for thing in (data if isinstance(data, list) else [data])]
        return read + (list(_included(response.body.get("includes", {}))) if includes else [])
    if endpoint == POST:
        return [PricedItem(_kind_of_post(call, call.world.post_index.posts[int(data["id"])]), f"post {data['id']}")]
    if endpoint in ACTIONS:
        return [PricedItem(ACTIONS[endpoint], f"{call.args.get('id') or data.get('id', '')}")]
    return []


def _is_owner(call: Call) -> bool:
    """Return whether the bot, which owns the app, reads its own data."""
    bot = call.world.bot
    return call.caller.person is bot and call.args.get("id") == str(bot.id)


def _included(includes: Json) -> Iterator[PricedItem]:
    for name, kind in (("tweets", "post"), ("users", "user")):
        for thing in includes.get(name, []):
            yield PricedItem(f"{kind}_read", f"{kind} {thing['id']}")


def _kind_of_post(call: Call, post: Post) -> str:
    """Return the price item of a new post. X allows replies to others only if they mention the bot."""
    has_link = any(piece.kind == "link" for piece in text_parser.parse_pieces(post.said))
    if post.in_reply_to_user_id not in (None, call.me.id):
        return "summoned_link" if has_link else "reply"
    return "post_with_url" if has_link else "post"
