"""Everything that the house holds on a member, sent as it is read: `/me/data.json`; with pictures, `/me/data.zip`.

Knows no SQL.
"""

import json
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain
from zipfile import ZIP_DEFLATED

from fastapi import Request
from sqlalchemy import Engine
from starlette.responses import Response, StreamingResponse
from zipstream import ZipStream

from core.clock import now
from core.storage import FolderStorage
from gallery.house import House, house_of
from gallery.limits import within_limits
from gallery.mine.data_rows import Values, held_on, pictures_of
from gallery.signing.visitor import Member, member_of


async def data(request: Request) -> Response:
    """The words alone. What was deleted is in it as what is left of it."""
    member = await member_of(request)
    await within_limits(request, "data")
    house = house_of(request)
    return _sent(_pieces(house.engine, member.id, house.public_url), member, "json")


async def packed(request: Request) -> Response:
    """The same as `data.json`, and beside it each picture by the name that it has in there as `file`."""
    member = await member_of(request)
    await within_limits(request, "data")
    return _sent(_packed(house_of(request), member.id), member, "zip")


def _sent(pieces: Iterator[str] | Iterator[bytes], member: Member, kind: str) -> Response:
    name = f"threadpaint-{member.id}-{now():%Y-%m-%d}.{kind}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-store"}
    return StreamingResponse(pieces, media_type=f"application/{kind}", headers=headers)


def _packed(house: House, person_id: int) -> Iterator[bytes]:
    """One file after the other: the largest account needs no more memory than its largest picture."""
    stream = ZipStream()
    words = (piece.encode() for piece in _pieces(house.engine, person_id, house.public_url))
    stream.add(words, "data.json", compress_type=ZIP_DEFLATED)
    yield from stream.all_files()
    for file, key in pictures_of(house.engine, person_id):
        content = _content(house.storage, key)
        if content is not None:
            stream.add(content, file)  # pictures are packed as it is
            yield from stream.all_files()
    yield from stream.finalize()


def _content(storage: FolderStorage, key: str) -> bytes | None:
    """A picture as it is kept; None for one that was taken back meanwhile."""
    path = storage.path(key)
    with suppress(FileNotFoundError):
        return path.read_bytes() if path else None
    return None


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
