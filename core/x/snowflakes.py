"""Convert between X's ids and times: an id holds milliseconds since November 2010 above its lowest 22 bits."""

from datetime import UTC, datetime, timedelta

EPOCH = datetime.fromtimestamp(1288834974.657, UTC)


def snowflake_from_time(moment: datetime) -> int:
    """Return the smallest id of a post made at `moment`; 0 before X's first id."""
    milliseconds = (moment - EPOCH) // timedelta(milliseconds=1)
    return max(0, milliseconds) << 22


def time_from_snowflake(post_id: int) -> datetime:
    """Return when the post with this id was made, to the millisecond."""
    return EPOCH + timedelta(milliseconds=post_id >> 22)
