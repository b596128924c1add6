"""Page through sorted ids, newest first, with opaque tokens."""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from dataclasses import dataclass

from sandbox.clock import min_id_at
from sandbox.model import Json
from sandbox.post_index import ids_between
from sandbox.x import fields
from sandbox.x.problems import invalid, not_valid


@dataclass(frozen=True, slots=True)
class IdPage:
    ids: list[int]
    meta: Json


@dataclass(frozen=True, slots=True)
class Bounds:
    """Ids strictly between `after` and `before`."""

    after: int
    before: int


def bounds(query: fields.Query, *, now_ms: int) -> Bounds:
    since, until = (_id_or_none(query, name) for name in ("since_id", "until_id"))
    start, end = (fields.parse_time_ms(query, name) for name in ("start_time", "end_time"))
    if since is not None and until is not None and since >= until:
        raise invalid("'since_id' must be less than 'until_id'.", "since_id", query["since_id"])
    if start is not None and end is not None and start >= end:
        raise invalid(
            "Invalid 'start_time'. 'start_time' must be before 'end_time'.", "start_time", query["start_time"]
        )
    latest = min_id_at(now_ms + 1)
    return Bounds(
        after=max(since or 0, min_id_at(start) - 1 if start else 0),
        before=min(until or latest, min_id_at(end) if end else latest),
    )


def _id_or_none(query: fields.Query, name: str) -> int | None:
    return fields.parse_snowflake(name, query[name]) if name in query else None


def page(
    ids: list[int],
    limits: Bounds,
    *,
    size: int,
    token: str | None,
    name: str = "pagination_token",
    overlap: int = 0,
) -> IdPage:
    """Return a page of the sorted `ids`. A token has the id next to the page, and its side. `overlap` is for faults."""
    inside = ids_between(ids, after=limits.after, before=limits.before)
    side, border = _decode_token(token, name) if token else ("n", limits.before)
    if side == "n":
        older = ids_between(inside, before=border + overlap)
        shown = older[-size:] if size < len(older) else older
    else:
        shown = ids_between(inside, after=border)[:size]
    return IdPage(shown[::-1], _meta(inside, shown))


def _meta(inside: list[int], shown: list[int]) -> Json:
    if not shown:
        return {"result_count": 0}
    meta: Json = {"result_count": len(shown), "newest_id": str(shown[-1]), "oldest_id": str(shown[0])}
    if inside[0] < shown[0]:
        meta["next_token"] = _encode_token("n", shown[0])
    if inside[-1] > shown[-1]:
        meta["previous_token"] = _encode_token("p", shown[-1])
    return meta


def _encode_token(side: str, border: int) -> str:
    plain = f"{side}{border}".encode()
    return base64.b32hexencode(zlib.crc32(plain).to_bytes(4, "big") + plain).decode().rstrip("=").lower()


def _decode_token(token: str, name: str) -> tuple[str, int]:
    try:
        raw = base64.b32hexdecode(token.upper() + "=" * (-len(token) % 8))
    except (binascii.Error, ValueError):
        raise not_valid(name, token) from None
    check, plain = raw[:4], raw[4:]
    if zlib.crc32(plain).to_bytes(4, "big") != check or not re.fullmatch(rb"[np][0-9]{1,20}", plain):
        raise not_valid(name, token)
    return plain[:1].decode(), int(plain[1:])
