"""`/me/data.json`: everything that the house holds on a member, as one file, sent as it is read. Knows no SQL."""

import json
from collections.abc import Iterator
from itertools import chain

from fastapi import Request
from sqlalchemy import Engine
from starlette.responses import Response, StreamingResponse

from core.clock import now
from gallery.house import house_of
from gallery.limits import within_limits
from gallery.mine.data_rows import Values, held_on
from gallery.signing.visitor import member_of


async def data(request: Request) -> Response:
    """The file. What was deleted is in it as what is left of it."""
    member = await member_of(request)
    await within_limits(request, "data")
    name = f"threadpaint-{member.id}-{now():%Y-%m-%d}.json"
    return StreamingResponse(
        _pieces(house_of(request).engine, member.id, house_of(request).public_url),
        media_type="application/json",
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "private, no-store",
        },
    )


def _pieces(engine: Engine, person_id: int, site: str) -> Iterator[str]:
    """One JSON object, a row at a time."""
    yield f'{{"made_at": {json.dumps(now().isoformat())}, "site": {json.dumps(site)}'
    for name, rows in held_on(engine, person_id):
        yield f',\n"{name}": ['
        yield from _listed(rows)
        yield "]"
    yield "}\n"


def _listed(rows: Iterator[Values]) -> Iterator[str]:
    first = next(rows, None)
    if first is None:
        return
    yield "\n" + json.dumps(first, ensure_ascii=False)
    for row in chain(rows):
        yield ",\n" + json.dumps(row, ensure_ascii=False)
