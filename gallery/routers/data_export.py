"""Stream everything that the instance stores about a member: `/me/data.json`, or with pictures `/me/data.zip`."""

import json
from collections.abc import Iterator
from contextlib import suppress
from zipfile import ZIP_DEFLATED

from fastapi import Request
from sqlalchemy import Engine
from starlette.responses import Response, StreamingResponse
from zipstream import ZipStream

from core.clock import now
from core.storage import FolderStorage
from gallery.queries.data_export import Values, export_pictures, export_sections
from gallery.web.context import AppContext
from gallery.web.dependencies import ContextDep, MemberDep
from gallery.web.pages import page_router
from gallery.web.rate_limits import enforce_rate_limit
from gallery.web.users import Member

router = page_router()


@router.get("/me/data.json")
async def export_json(request: Request, member: MemberDep, context: ContextDep) -> Response:
    """Export the rows. A deleted creation is in it as far as its row is left."""
    await enforce_rate_limit(request, "data")
    return _attachment(_json_chunks(context.engine, member.id, context.public_url), member, "json")


@router.get("/me/data.zip")
async def export_zip(request: Request, member: MemberDep, context: ContextDep) -> Response:
    """Export `data.json` and each picture under the name that it has in there as `file`."""
    await enforce_rate_limit(request, "data")
    return _attachment(_zip_chunks(context, member.id), member, "zip")


def _attachment(chunks: Iterator[str] | Iterator[bytes], member: Member, extension: str) -> Response:
    name = f"threadpaint-{member.id}-{now():%Y-%m-%d}.{extension}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-store"}
    return StreamingResponse(chunks, media_type=f"application/{extension}", headers=headers)


def _zip_chunks(context: AppContext, person_id: int) -> Iterator[bytes]:
    """Yield one file after the other: memory holds no more than the largest picture."""
    stream = ZipStream()
    rows = (chunk.encode() for chunk in _json_chunks(context.engine, person_id, context.public_url))
    stream.add(rows, "data.json", compress_type=ZIP_DEFLATED)
    yield from stream.all_files()
    for file, key in export_pictures(context.engine, person_id):
        content = _read_picture(context.storage, key)
        if content is not None:
            stream.add(content, file)  # pictures are compressed already
            yield from stream.all_files()
    yield from stream.finalize()


def _read_picture(storage: FolderStorage, key: str) -> bytes | None:
    """Return the bytes of a picture, or None if it was purged in the meantime."""
    path = storage.path(key)
    with suppress(FileNotFoundError):
        return path.read_bytes() if path else None
    return None


def _json_chunks(engine: Engine, person_id: int, site: str) -> Iterator[str]:
    """Yield one JSON object, a row at a time."""
    yield f'{{"made_at": {json.dumps(now().isoformat())}, "site": {json.dumps(site)}'
    for name, rows in export_sections(engine, person_id):
        yield f',\n"{name}": ['
        yield from _json_rows(rows)
        yield "]"
    yield "}\n"


def _json_rows(rows: Iterator[Values]) -> Iterator[str]:
    for index, row in enumerate(rows):
        yield (",\n" if index else "\n") + json.dumps(row, ensure_ascii=False)
