"""Time windows and pages over a growing list of ids: newest first, opaque tokens. Knows no posts and no HTTP."""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from dataclasses import dataclass

from sandbox.clock import first_id_at
from sandbox.index import window
from sandbox.model import Json
from sandbox.x import fields
from sandbox.x.problems import invalid, not_valid


@dataclass(frozen=True, slots=True)
class Page:
    ids: list[int]
    meta: Json


@dataclass(frozen=True, slots=True)
class Bounds:
    """Ids strictly between the two may be shown."""

    after: int
    before: int


def bounds(query: fields.Query, *, now_ms: int) -> Bounds:
    since, until = (_id_or_none(query, name) for name in ("since_id", "until_id"))
    start, end = (fields.moment(query, name) for name in ("start_time", "end_time"))
    if since is not None and until is not None and since >= until:
        raise invalid("'since_id' must be less than 'until_id'.", "since_id", query["since_id"])
    if start is not None and end is not None and start >= end:
        raise invalid(
            "Invalid 'start_time'. 'start_time' must be before 'end_time'.", "start_time", query["start_time"]
        )
    latest = first_id_at(now_ms + 1)
    return Bounds(
        after=max(since or 0, first_id_at(start) - 1 if start else 0),
        before=min(until or latest, first_id_at(end) if end else latest),
    )


def _id_or_none(query: fields.Query, name: str) -> int | None:
    return fields.snowflake(name, query[name]) if name in query else None


def page(
    ids: list[int],
    limits: Bounds,
    *,
    size: int,
    token: str | None,
    name: str = "pagination_token",
    overlap: int = 0,
) -> Page:
    """`ids` grow upwards. A token holds the id the page stands next to, and on which side; faults let pages overlap."""
    inside = window(ids, after=limits.after, before=limits.before)
    side, border = _open(token, name) if token else ("n", limits.before)
    if side == "n":
        older = window(inside, before=border + overlap)
        shown = older[-size:] if size < len(older) else older
    else:
        shown = window(inside, after=border)[:size]
    return Page(shown[::-1], _meta(inside, shown))


def _meta(inside: list[int], shown: list[int]) -> Json:
    if not shown:
        return {"result_count": 0}
    meta: Json = {"result_count": len(shown), "newest_id": str(shown[-1]), "oldest_id": str(shown[0])}
    if inside[0] < shown[0]:
        meta["next_token"] = _seal("n", shown[0])
    if inside[-1] > shown[-1]:
        meta["previous_token"] = _seal("p", shown[-1])
    return meta


def _seal(side: str, border: int) -> str:
    plain = f"{side}{border}".encode()
    return base64.b32hexencode(zlib.crc32(plain).to_bytes(4, "big") + plain).decode().rstrip("=").lower()


def _open(token: str, name: str) -> tuple[str, int]:
    try:
        raw = base64.b32hexdecode(token.upper() + "=" * (-len(token) % 8))
    except (binascii.Error, ValueError):
        raise not_valid(name, token) from None
    check, plain = raw[:4], raw[4:]
    if zlib.crc32(plain).to_bytes(4, "big") != check or not re.fullmatch(rb"[np][0-9]{1,20}", plain):
        raise not_valid(name, token)
    return plain[:1].decode(), int(plain[1:])
