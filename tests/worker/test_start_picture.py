"""The picture a creation starts from is a stranger's: bounded in bytes and kinds, and never followed elsewhere."""

import gzip
import io
import zlib
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import Engine

from core.clock import now
from core.database import transaction
from core.errors import HouseError, Refused, TryLater
from core.models import State, creations
from core.storage import FolderStorage
from tests.support.rows import make_creation, make_person, read_creation
from tests.support.servers import serving
from worker.media import MAX_BYTES, Media
from worker.start_picture import StartPictures

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


class Host:
    """Serves these bytes, and remembers what was asked for."""

    def __init__(self, status: int, body: bytes, **headers: str) -> None:
        self.status, self.body, self.headers = status, body, headers
        self.asked: list[dict[bytes, bytes]] = []

    async def __call__(self, scope: Any, _receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        self.asked.append(dict(scope["headers"]))
        pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in self.headers.items()]
        await send({"type": "http.response.start", "status": self.status, "headers": pairs})
        await send({"type": "http.response.body", "body": self.body})


def encoded(kind: str) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (32, 16), "red").save(buffer, kind)
    return buffer.getvalue()


def fetched(engine: Engine, storage: FolderStorage, host: Host) -> bytes | None:
    with serving(host) as url:
        creation = read_creation(engine, make_creation(engine, start_url=f"{url}/photo.jpg"))
        return StartPictures(engine, storage, Media(origin=url)).bytes_for(creation)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_photograph_is_made_anew(engine: Engine, storage: FolderStorage, kind: str) -> None:
    picture = fetched(engine, storage, Host(200, encoded(kind)))
    assert picture is not None
    with Image.open(io.BytesIO(picture)) as opened:
        assert (opened.format, opened.size) == ("WEBP", (32, 16))


@pytest.mark.parametrize("kind", ["TIFF", "EPS", "PPM"])
def test_kinds_that_x_never_serves_are_not_even_tried(engine: Engine, storage: FolderStorage, kind: str) -> None:
    with pytest.raises(Refused, match="no_start_picture"):
        fetched(engine, storage, Host(200, encoded(kind)))


def test_what_comes_packed_is_not_unpacked(engine: Engine, storage: FolderStorage) -> None:
    bomb = gzip.compress(encoded("PNG") + bytes(4 * MAX_BYTES))
    host = Host(200, bomb, content_encoding="gzip")
    with pytest.raises(Refused, match="not an image"):
        fetched(engine, storage, host)
    assert host.asked[0][b"accept-encoding"] == b"identity"


def test_too_many_pixels_are_refused_before_they_are_decoded(engine: Engine, storage: FolderStorage) -> None:
    head = b"IHDR" + (30_000).to_bytes(4) * 2 + bytes([8, 2, 0, 0, 0])
    png = b"\x89PNG\r\n\x1a\n" + (13).to_bytes(4) + head + zlib.crc32(head).to_bytes(4)
    with pytest.raises(Refused, match="no_start_picture"):
        fetched(engine, storage, Host(200, png + bytes(64)))


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, bytes(MAX_BYTES + 1), Refused),
        (200, b"", Refused),
        (404, b"", Refused),
        (503, b"", TryLater),
        (302, b"", TryLater),
    ],
)
def test_what_is_no_picture_has_its_reason(
    engine: Engine, storage: FolderStorage, status: int, body: bytes, kind: type[HouseError]
) -> None:
    host = Host(status, body, location="http://169.254.169.254/latest/meta-data")
    with pytest.raises(kind, match="start_picture"):
        fetched(engine, storage, host)
    assert len(host.asked) == 1


def test_a_picture_that_its_owner_took_back_is_not_begun_from(engine: Engine, storage: FolderStorage) -> None:
    """It waited for another try while its owner deleted the picture."""
    creation = read_creation(engine, make_creation(engine, start_owner_id=77))
    with pytest.raises(Refused, match="start_taken_back"):
        StartPictures(engine, storage).bytes_for(creation)


def test_nor_one_that_its_owner_has_hidden_since(engine: Engine, storage: FolderStorage) -> None:
    key = storage.put(encoded("WEBP"), "webp")
    owner = make_person(engine)
    start = {"start_key": key, "start_owner_id": owner}
    own = make_creation(engine, person_id=owner, state=State.REPLIED, hidden_at=now(), **start)
    others = make_creation(engine, **start)
    pictures = StartPictures(engine, storage)
    assert pictures.bytes_for(read_creation(engine, own))
    with pytest.raises(Refused, match="start_taken_back"):
        pictures.bytes_for(read_creation(engine, others))


def test_that_its_owners_own_prompt_failed_hides_nothing(engine: Engine, storage: FolderStorage) -> None:
    owner = make_person(engine)
    start = {"start_key": storage.put(encoded("WEBP"), "webp"), "start_owner_id": owner}
    make_creation(engine, person_id=owner, state=State.FAILED, code="gpu_failed", **start)
    assert StartPictures(engine, storage).bytes_for(read_creation(engine, make_creation(engine, **start)))


def test_what_is_fetched_while_it_is_taken_back_is_not_kept_with_the_creation(
    engine: Engine, storage: FolderStorage
) -> None:
    with serving(Host(200, encoded("PNG"))) as url:
        creation = read_creation(engine, make_creation(engine, start_url=f"{url}/photo.jpg", start_owner_id=77))
        with transaction(engine) as session:
            session.execute(creations.update().values(start_url=None))
        assert StartPictures(engine, storage, Media(origin=url)).bytes_for(creation)
    assert read_creation(engine, int(creation.id or 0)).start_key is None
