"""Parse and validate the fields, expansions and other query parameters of a request."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from sandbox.x.problems import invalid, not_one_of, not_valid


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


POST_FIELDS = _names("""
    article attachments author_id card_uri community_id context_annotations conversation_id created_at
    display_text_range edit_controls edit_history_tweet_ids entities geo id in_reply_to_user_id lang
    matched_media_notes media_metadata non_public_metrics note_request_suggestions note_tweet organic_metrics
    paid_partnership possibly_sensitive promoted_metrics public_metrics referenced_tweets reply_settings scopes
    source suggested_source_links suggested_source_links_with_counts text withheld
""")
USER_FIELDS = _names("""
    affiliation confirmed_email connection_status created_at description entities id is_identity_verified
    location most_recent_tweet_id name parody pinned_tweet_id profile_banner_url profile_image_url protected
    public_metrics receives_your_dm subscription subscription_type url username verified
    verified_followers_count verified_type withheld
""")
MEDIA_FIELDS = _names("""
    alt_text duration_ms height media_key non_public_metrics organic_metrics preview_image_url promoted_metrics
    public_metrics type url variants width
""")
POLL_FIELDS = _names("""
    duration_minutes end_datetime id options voting_status
""")
PLACE_FIELDS = _names("""
    contained_within country country_code full_name geo id name place_type
""")
POST_EXPANSIONS = _names("""
    article.cover_media article.media_entities attachments.media_keys attachments.media_source_tweet
    attachments.poll_ids author_id edit_history_tweet_ids entities.mentions.username geo.place_id
    in_reply_to_user_id entities.note.mentions.username referenced_tweets.id
    referenced_tweets.id.attachments.media_keys referenced_tweets.id.author_id
""")
USER_EXPANSIONS = frozenset(("affiliation.user_id", "most_recent_tweet_id", "pinned_tweet_id"))

FIELD_PARAMS = {
    "tweet.fields": POST_FIELDS,
    "user.fields": USER_FIELDS,
    "media.fields": MEDIA_FIELDS,
    "poll.fields": POLL_FIELDS,
    "place.fields": PLACE_FIELDS,
}
POST_SHAPE = frozenset((*FIELD_PARAMS, "expansions"))
USER_SHAPE = frozenset(("tweet.fields", "user.fields", "expansions"))
WINDOW = frozenset(("since_id", "until_id", "start_time", "end_time", "max_results", "pagination_token"))

Query = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class RequestedFields:
    """The requested fields and expansions, X's defaults included."""

    post: frozenset[str]
    user: frozenset[str]
    media: frozenset[str]
    expansions: frozenset[str]


def parse_fields(query: Query, expansions: Collection[str] = POST_EXPANSIONS) -> RequestedFields:
    chosen = {name: _parse_names(query, name, allowed) for name, allowed in FIELD_PARAMS.items()}
    return RequestedFields(
        post=chosen["tweet.fields"] | {"id", "text", "edit_history_tweet_ids"},
        user=chosen["user.fields"] | {"id", "name", "username"},
        media=chosen["media.fields"] | {"media_key", "type"},
        expansions=_parse_names(query, "expansions", expansions),
    )


def _parse_names(query: Query, parameter: str, allowed: Collection[str]) -> frozenset[str]:
    values = query.get(parameter, "").split(",") if query.get(parameter) else []
    for value in values:
        if value not in allowed:
            raise not_one_of(parameter, value, allowed)
    return frozenset(values)


def ensure_known_parameters(query: Query, allowed: Collection[str]) -> None:
    for name, value in query.items():
        if name not in allowed:
            names = ",".join(sorted(allowed))
            raise invalid(f"The query parameter [{name}] is not one of [{names}]", name, value)


def parse_int(query: Query, name: str, *, low: int, high: int, default: int) -> int:
    value = query.get(name)
    if value is None:
        return default
    if not re.fullmatch(r"-?[0-9]{1,9}", value):
        raise not_valid(name, value)
    if not low <= int(value) <= high:
        raise invalid(f"The `{name}` query parameter value [{value}] is not between {low} and {high}", name, value)
    return int(value)


def parse_snowflake(name: str, value: str) -> int:
    if not re.fullmatch(r"[0-9]{1,19}", value):
        raise not_valid(name, value)
    return int(value)


def parse_ids(query: Query, name: str = "ids") -> list[str]:
    """Return 1 to 100 distinct ids, as they were sent: errors repeat them."""
    values = query.get(name, "").split(",")
    if values == [""]:
        raise invalid(f"The `{name}` query parameter can not be empty", name, "")
    if len(values) > 100:
        raise invalid(f"size must be between 1 and 100 for `{name}`", name, *values[:1])
    for value in values:
        parse_snowflake(name, value)
    return list(dict.fromkeys(values))


def parse_list(query: Query, name: str, pattern: str) -> list[str]:
    """Return 1 to 100 distinct values that match the pattern."""
    values = [value for value in query.get(name, "").split(",") if value]
    if not values or len(values) > 100:
        raise invalid(f"size must be between 1 and 100 for `{name}`", name, *values[:1])
    for value in values:
        if not re.match(pattern, value):
            raise not_valid(name, value)
    return list(dict.fromkeys(values))


def parse_time_ms(query: Query, name: str) -> int | None:
    """Return an RFC 3339 time in milliseconds, or None if the parameter is missing."""
    value = query.get(name)
    if value is None:
        return None
    try:
        read = datetime.fromisoformat(value)
    except ValueError:
        raise not_valid(name, value) from None
    return round((read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp() * 1000)
