"""People as X hands them over, read into our own types."""

from datetime import datetime

from core.text import clean, display_name
from core.x.shapes import Account, Author
from core.x.vocabulary import Raw, a_list, a_text, an_id, an_object, attempt, every, id_or_none, told

LONGEST_HANDLE, LONGEST_NAME = 50, 200


def read_account(body: Raw) -> Account:
    """The account of `GET /2/users/me`."""
    user = body["data"]
    return Account(read_person(user), id_or_none(told(user, "pinned_tweet_id")))


def read_people(body: Raw) -> list[Author]:
    """The people of an answer about people, in its order. Those X does not show are in `read_losses`."""
    data = body.get("data")
    return every(read_person, [data] if isinstance(data, dict) else data)


def people_of(body: Raw) -> dict[int, Author]:
    """The people X sent along with posts, by id."""
    read = every(read_person, an_object(body.get("includes")).get("users"))
    return {author.id: author for author in read}


def read_person(user: Raw) -> Author:
    """One person. Raises KeyError, TypeError and ValueError where it makes none."""
    # X's handles have 15 letters, names 50. A longer one would fit into no index and stop the whole look.
    username = clean(str(user["username"]))[:LONGEST_HANDLE]
    return Author(
        id=an_id(user["id"]),
        username=username,
        name=display_name(clean(a_text(user.get("name")))[:LONGEST_NAME], username),
        protected=user.get("protected") is True,
        verified=user.get("verified") is True,
        created_at=attempt(_moment, user["created_at"]) if user.get("created_at") else None,
        follows_us=_follows_us(user),
        description=clean(a_text(user.get("description"))),
    )


def _follows_us(user: Raw) -> bool | None:
    known = isinstance(user.get("connection_status"), list)
    return "followed_by" in a_list(user["connection_status"]) if known else None


def _moment(value: str) -> datetime:
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError(f"{value} has no time zone")
    return moment
