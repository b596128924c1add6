"""Parse users from X's JSON."""

from datetime import datetime

from core.text import clean, display_name
from core.x.json_fields import (
    JsonObject,
    as_object,
    as_text,
    get_field,
    parse_each,
    parse_id,
    parse_id_or_none,
    parse_or_none,
)
from core.x.types import Account, Author

MAX_HANDLE_LENGTH, MAX_NAME_LENGTH = 50, 200


def parse_account(body: JsonObject) -> Account:
    """Parse the response of `GET /2/users/me`."""
    user = body["data"]
    return Account(parse_user(user), parse_id_or_none(get_field(user, "pinned_tweet_id")))


def parse_users(body: JsonObject) -> list[Author]:
    """Parse the users of a response, in its order. `parse_unavailable` returns the missing ones."""
    data = body.get("data")
    return parse_each(parse_user, [data] if isinstance(data, dict) else data)


def parse_included_users(body: JsonObject) -> dict[int, Author]:
    """Parse the users that X sent along with posts, by id."""
    users = parse_each(parse_user, as_object(body.get("includes")).get("users"))
    return {user.id: user for user in users}


def parse_user(user: JsonObject) -> Author:
    """Parse one user. Raises KeyError, TypeError or ValueError if it is invalid."""
    # X allows 15 characters for handles and 50 for names. Longer ones would not fit into the database index.
    username = clean(str(user["username"]))[:MAX_HANDLE_LENGTH]
    return Author(
        id=parse_id(user["id"]),
        username=username,
        name=display_name(clean(as_text(user.get("name")))[:MAX_NAME_LENGTH], username),
        protected=user.get("protected") is True,
        verified=user.get("verified") is True,
        created_at=parse_or_none(_parse_time, user["created_at"]) if user.get("created_at") else None,
        follows_us=_follows_us(user),
        description=clean(as_text(user.get("description"))),
    )


def _follows_us(user: JsonObject) -> bool | None:
    status = user.get("connection_status")
    return "followed_by" in status if isinstance(status, list) else None


def _parse_time(value: str) -> datetime:
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError(f"{value} has no time zone")
    return moment
