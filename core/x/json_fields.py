"""Read fields of X's JSON, under their old names (tweet) and new names (post). A wrong type counts as absent.

X is renaming its fields: a response may have either name, or both.
"""

from collections.abc import Callable, Mapping
from typing import Any, Concatenate, ParamSpec, TypeVar

from core.logs import get_logger

log = get_logger(__name__)

JsonObject = Mapping[str, Any]
Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

MAX_ID = 2**63 - 1
# Old name: new name.
RENAMED_FIELDS = {
    "edit_history_tweet_ids": "edit_history_post_ids",
    "most_recent_tweet_id": "most_recent_post_id",
    "note_tweet": "note_post",
    "pinned_tweet_id": "pinned_post_id",
    "referenced_tweets": "referenced_posts",
    "tweets": "posts",
}
ABSENT_VALUES: tuple[object, ...] = (None, "", [], [""], {})


def get_field(raw: JsonObject, name: str) -> object:
    """Return a field by its old or new name, whichever has a value; None if neither does."""
    values = (raw.get(key) for key in (name, RENAMED_FIELDS.get(name, name)))
    return next((value for value in values if value not in ABSENT_VALUES), None)


def as_object(value: object) -> JsonObject:
    """Return an object, or {} for other types."""
    return value if isinstance(value, Mapping) else {}


def as_list(value: object) -> list[Any]:
    """Return a list, or [] for other types."""
    return value if isinstance(value, list) else []


def as_text(value: object) -> str:
    """Return a string, or "" for other types."""
    return value if isinstance(value, str) else ""


def as_number(value: object) -> int | None:
    """Return an integer of at least 0, or None for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def parse_id(value: Any) -> int:
    """Parse an id of X. Raises ValueError or TypeError if it is none."""
    number = int(value)
    if not 0 <= number <= MAX_ID:
        raise ValueError(f"invalid X id: {number}")
    return number


def parse_id_or_none(value: object) -> int | None:
    """Parse an id of X; None if it is absent. Raises ValueError or TypeError if it is invalid."""
    return parse_id(value) if value not in (None, "") else None


def parse_or_none(
    parse: Callable[Parameters, Result], *args: Parameters.args, **kwargs: Parameters.kwargs
) -> Result | None:
    """Parse a part of a response; log and return None if it is invalid."""
    try:
        return parse(*args, **kwargs)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        log.error("invalid part of x response skipped", error=repr(error))
        return None


def parse_each(
    parse: Callable[Concatenate[Any, Parameters], Result],
    values: object,
    *args: Parameters.args,
    **kwargs: Parameters.kwargs,
) -> list[Result]:
    """Parse each value of a list, without the invalid ones."""
    results = [parse_or_none(parse, value, *args, **kwargs) for value in as_list(values)]
    return [result for result in results if result is not None]
