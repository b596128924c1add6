"""Calls of one X account with what X charges for them: the base of `XReader` and `XWriter`."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from core.budget import prices
from core.budget.ledger import PendingCosts
from core.x.call_guard import BillableItem
from core.x.json_fields import JsonObject
from core.x.transport import Transport


class XSession:
    """One connection of one account. Not for use by several threads or processes."""

    def __init__(self, transport: Transport, *, owns_app: bool = True) -> None:
        self._transport = transport
        self._owns_app = owns_app

    def attribute_to(self, creation_id: int, person_id: int) -> None:
        """Attribute the costs of all later calls to this creation and its author."""
        self._transport.guard = self._transport.guard.attribute_to(creation_id, person_id)

    @contextmanager
    def collect_costs(self, pending: PendingCosts) -> Iterator[None]:
        """Leave the costs of the calls in this block to `pending`. At the end, write those that are still there.

        The caller saves with `pending.transaction()` what a call did, before it makes a call that cannot be repeated.
        """
        guard = self._transport.guard
        self._transport.guard = guard.collect_costs(pending)
        try:
            yield
        finally:
            self._transport.guard = guard
            pending.write()

    def x_now(self) -> datetime:
        """Return the time on X's clock; on ours before the first response."""
        return self._transport.x_now()

    def _get(self, route: str, params: dict[str, str]) -> JsonObject:
        body = self._transport.request("GET", route, params=params).json()
        if not isinstance(body, dict):
            raise ValueError("X's response is no JSON object")
        return body

    def _charge(self, *items: BillableItem, at: datetime | None = None) -> None:
        self._transport.guard.record_costs(items, at or self.x_now())

    def _charge_posts(self, item: str, body: JsonObject) -> None:
        """Charge every post in the response, as X does, even those that cannot be parsed."""
        posts = [raw for raw in body.get("data") or [] if isinstance(raw, dict) and raw.get("id")]
        self._charge_once_a_day(item, "post", [(raw["id"], _parse_user_id(raw.get("author_id"))) for raw in posts])

    def _charge_once_a_day(self, item: str, kind: str, ids: list[tuple[object, int | None]]) -> None:
        """Charge reads of posts or users: pairs of its id and the user to attribute it to."""
        at = self.x_now()
        items = [
            BillableItem(item, f"{at:%Y-%m-%d} {kind}:{object_id}"[:100], person_id) for object_id, person_id in ids
        ]
        if items:
            self._charge(*items, at=at)


def reply_item(reply_id: int, *, with_link: bool) -> BillableItem:
    """Return what X charges for a reply. A link in its text costs more."""
    return BillableItem(prices.REPLY_WITH_LINK if with_link else prices.REPLY, f"answer:{reply_id}")


def _parse_user_id(value: object) -> int | None:
    text = str(value or "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None
