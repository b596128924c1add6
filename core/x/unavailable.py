"""Parse which requested posts or users are unavailable, and why, from the errors in a response with status 200.

The reason follows from the end of `type`, because X has moved its host from api.twitter.com to api.x.com, and from
words that have stayed the same.
"""

import re

from core.x.json_fields import JsonObject, as_list, as_object, as_text, parse_id, parse_or_none

DELETED = "deleted"
PROTECTED = "protected"
SUSPENDED = "suspended"
UNKNOWN = "unknown"

POSTS = ("tweet", "post")
USERS = ("user",)
# Errors about a field of an object that is shown.
FIELD_ERRORS = ("not-authorized-for-field", "field-unauthorized", "field-hydration-failure")
_IN_BRACKETS = re.compile(r"\[(\d{1,19})\]")


def parse_unavailable(body: JsonObject, kinds: tuple[str, ...] = POSTS) -> dict[int, str]:
    """Return the ids that X does not show, and why: deleted, protected, suspended or unknown.

    This includes posts that were to be sent along, like the parent of one that is shown.

    Args:
        kinds: POSTS or USERS.
    """
    errors = [as_object(error) for error in as_list(body.get("errors"))]
    reasons = {_parse_error_id(error): _reason(error) for error in errors if _is_about_object(error, kinds)}
    shown_ids = _shown_ids(body)
    return {key: reason for key, reason in reasons.items() if key is not None and key not in shown_ids}


def _is_about_object(error: JsonObject, kinds: tuple[str, ...]) -> bool:
    is_requested = error.get("resource_type") in kinds or error.get("parameter") == "ids"
    return is_requested and _type_name(error) not in FIELD_ERRORS


def _parse_error_id(error: JsonObject) -> int | None:
    """Return the id that an error is about. X puts it into up to three places, sometimes into the text only."""
    values = [error.get("resource_id"), error.get("value"), *_IN_BRACKETS.findall(as_text(error.get("detail")))]
    numbers = (str(value) for value in values)
    return next((parse_or_none(parse_id, number) for number in numbers if number.isdecimal()), None)


def _reason(error: JsonObject) -> str:
    text = f"{as_text(error.get('title'))} {as_text(error.get('detail'))}".lower()
    if "suspended" in text:
        return SUSPENDED
    match _type_name(error):
        case "resource-not-found":
            return DELETED
        case "not-authorized-for-resource":
            return PROTECTED
        case _ if "not authorized" in text:
            return PROTECTED
        case _ if "could not find" in text:
            return DELETED
        case _:
            return UNKNOWN


def _type_name(error: JsonObject) -> str:
    return as_text(error.get("type")).rstrip("/").rpartition("/")[2]


def _shown_ids(body: JsonObject) -> set[int | None]:
    data = body.get("data")
    items = [as_object(item) for item in (data if isinstance(data, list) else [data])]
    return {parse_or_none(parse_id, item["id"]) for item in items if item.get("id")}
