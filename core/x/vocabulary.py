"""X's words for its fields, the old ones (tweet) and the new ones (post), and values taken from its JSON with care.

X is in the middle of renaming: an answer may use either, or both at once. What has the wrong type counts as absent.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from core.logs import get_logger

log = get_logger(__name__)

Raw = Mapping[str, Any]
Result = TypeVar("Result")

LARGEST_ID = 2**63 - 1
# Old word, new word.
RENAMED = {
    "edit_history_tweet_ids": "edit_history_post_ids",
    "most_recent_tweet_id": "most_recent_post_id",
    "note_tweet": "note_post",
    "pinned_tweet_id": "pinned_post_id",
    "referenced_tweets": "referenced_posts",
    "tweets": "posts",
}
NOT_THERE: tuple[object, ...] = (None, "", [], [""], {})


def told(raw: Raw, name: str) -> Any:
    """A field under its old or its new word, whichever says something; None where neither does."""
    values = (raw.get(word) for word in (name, RENAMED.get(name, name)))
    return next((value for value in values if value not in NOT_THERE), None)


def an_object(value: Any) -> Raw:
    return value if isinstance(value, Mapping) else {}


def a_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def a_text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def a_number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def an_id(value: Any) -> int:
    """Raises ValueError and TypeError for what is no id of X."""
    number = int(value)
    if not 0 <= number <= LARGEST_ID:
        raise ValueError(f"{number} is no id of X")
    return number


def id_or_none(value: Any) -> int | None:
    return an_id(value) if value not in (None, "") else None


def attempt(read: Callable[..., Result], *given: Any) -> Result | None:
    """What `read` makes of a part of X's answer, or None, and a line in the log, where that makes no sense."""
    try:
        return read(*given)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        log.error("a part of X's answer makes no sense and is left out", error=repr(error))
        return None


def every(read: Callable[..., Result], raws: Any, *given: Any) -> list[Result]:
    """What `read` makes of each, without those that make no sense."""
    results = [attempt(read, raw, *given) for raw in a_list(raws)]
    return [result for result in results if result is not None]
