"""Report how many posts the app read per day and month.

The format follows X's OpenAPI description 2.166. X's docs show a different one.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, datetime, timedelta

from sandbox.model import Json
from sandbox.x import fields
from sandbox.x.call import ApiResponse, Call, Endpoint
from sandbox.x.problems import not_one_of

PROJECT = 1
APP = "1"
FIELDS = frozenset(
    ("cap_reset_day", "daily_client_app_usage", "daily_project_usage", "project_cap", "project_id", "project_usage")
)
DEFAULT = frozenset(("cap_reset_day", "project_cap", "project_id", "project_usage"))


async def usage(call: Call) -> ApiResponse:
    days = fields.parse_int(call.query, "days", low=1, high=90, default=7)
    requested = frozenset(call.query["usage.fields"].split(",")) if call.query.get("usage.fields") else DEFAULT
    for name in requested - FIELDS:
        raise not_one_of("usage.fields", name, FIELDS)
    now = datetime.fromtimestamp(call.world.clock.now_ms() / 1000, UTC)
    data = _usage_body(call, now, days)
    return ApiResponse({"data": {name: value for name, value in data.items() if name in requested}})


def _usage_body(call: Call, now: datetime, days: int) -> Json:
    reads = call.billing.post_reads
    dates = [now.date() - timedelta(days=back) for back in range(days)]
    daily = [{"date": f"{date}T00:00:00.000Z", "usage": reads[f"{date}"]} for date in dates]
    cap = call.billing.price_list.monthly_post_reads
    return {
        "cap_reset_day": monthrange(now.year, now.month)[1] - now.day + 1,
        "daily_client_app_usage": [{"client_app_id": APP, "usage": daily, "usage_result_count": len(daily)}],
        "daily_project_usage": {"project_id": PROJECT, "usage": daily},
        "project_cap": 2**31 - 1 if cap is None else cap,
        "project_id": str(PROJECT),
        "project_usage": call.billing.post_reads_in(f"{now:%Y-%m}"),
    }


ENDPOINTS = [Endpoint("GET /2/usage/tweets", usage, frozenset(("days", "usage.fields")))]
