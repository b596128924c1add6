"""X's ids tell the time: milliseconds since November 2010 in all bits above the lowest 22."""

from datetime import UTC, datetime, timedelta

EPOCH = datetime.fromtimestamp(1288834974.657, UTC)


def id_at(moment: datetime) -> int:
    """The smallest id a post made at `moment` can have; 0 for moments before X's first."""
    milliseconds = (moment - EPOCH) // timedelta(milliseconds=1)
    return max(0, milliseconds) << 22


def time_of(post_id: int) -> datetime:
    """When the post with this id was made, to the millisecond."""
    return EPOCH + timedelta(milliseconds=post_id >> 22)
