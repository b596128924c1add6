"""What X says of posts and people it was asked for and does not show: the errors that stand in an answer of 200.

The kind is told by the end of `type`, since X has moved from api.twitter.com to api.x.com in it, and by words that have
stayed the same.
"""

import re

from core.x.vocabulary import Raw, a_list, a_text, an_id, an_object, attempt

GONE = "gone"
PROTECTED = "protected"
SUSPENDED = "suspended"
UNKNOWN = "unknown"

POSTS = ("tweet", "post")
PEOPLE = ("user",)
# These are about a field of something that is shown.
ABOUT_FIELDS = ("not-authorized-for-field", "field-unauthorized", "field-hydration-failure")
_IN_BRACKETS = re.compile(r"\[(\d{1,19})\]")


def read_losses(body: Raw, kinds: tuple[str, ...] = POSTS) -> dict[int, str]:
    """The ids X does not show, and why: gone, protected, suspended or unknown. `kinds`: POSTS or PEOPLE.

    Also of posts that were to be sent along (the parent of one that is shown).
    """
    errors = [an_object(error) for error in a_list(body.get("errors"))]
    lost = {_id_of(error): _reason(error) for error in errors if _is_loss(error, kinds)}
    shown = _shown(body)
    return {key: reason for key, reason in lost.items() if key is not None and key not in shown}


def _is_loss(error: Raw, kinds: tuple[str, ...]) -> bool:
    about = error.get("resource_type") in kinds or error.get("parameter") == "ids"
    return about and _tail(error) not in ABOUT_FIELDS


def _id_of(error: Raw) -> int | None:
    """The id an error is about. X tells it in up to three places, and sometimes in its words only."""
    told = [error.get("resource_id"), error.get("value"), *_IN_BRACKETS.findall(a_text(error.get("detail")))]
    numbers = (str(value) for value in told)
    return next((attempt(an_id, number) for number in numbers if number.isdecimal()), None)


def _reason(error: Raw) -> str:
    words = f"{a_text(error.get('title'))} {a_text(error.get('detail'))}".lower()
    if "suspended" in words:
        return SUSPENDED
    match _tail(error):
        case "resource-not-found":
            return GONE
        case "not-authorized-for-resource":
            return PROTECTED
        case _ if "not authorized" in words:
            return PROTECTED
        case _ if "could not find" in words:
            return GONE
        case _:
            return UNKNOWN


def _tail(error: Raw) -> str:
    return a_text(error.get("type")).rstrip("/").rpartition("/")[2]


def _shown(body: Raw) -> set[int | None]:
    data = body.get("data")
    items = [an_object(item) for item in (data if isinstance(data, list) else [data])]
    return {attempt(an_id, item["id"]) for item in items if item.get("id")}
