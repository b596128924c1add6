"""Init images are not trusted: bytes and formats are bounded, redirects are not followed."""

import gzip
import io
import zlib
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import Engine

from core.clock import now
from core.database import write_session
from core.errors import Refused, ThreadpaintError, TryLater
from core.media_download import MAX_BYTES, MediaDownloader
from core.models import State, creations
from core.storage import FolderStorage
from tests.support.rows import make_creation, make_person, read_creation
from tests.support.servers import on_shared_server
from worker.init_image import InitImages
from worker.queries import load_paint_task

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


class Host:
    """An ASGI app that serves fixed bytes, and records the requests."""

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
    with on_shared_server(host) as url:
        task = load_paint_task(engine, make_creation(engine, init_image_url=f"{url}/photo.jpg"))
        return InitImages(engine, storage, MediaDownloader(origin=url)).load(task)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_an_init_image_is_encoded_again(engine: Engine, storage: FolderStorage, kind: str) -> None:
    picture = fetched(engine, storage, Host(200, encoded(kind)))
    assert picture is not None
    with Image.open(io.BytesIO(picture)) as opened:
        assert (opened.format, opened.size) == ("WEBP", (32, 16))


@pytest.mark.parametrize("kind", ["TIFF", "EPS", "PPM"])
def test_formats_that_x_never_serves_are_not_decoded(engine: Engine, storage: FolderStorage, kind: str) -> None:
    with pytest.raises(Refused, match="no_start_picture"):
        fetched(engine, storage, Host(200, encoded(kind)))


def test_compressed_responses_are_not_unpacked(engine: Engine, storage: FolderStorage) -> None:
    bomb = gzip.compress(encoded("PNG") + bytes(4 * MAX_BYTES))
    host = Host(200, bomb, content_encoding="gzip")
    with pytest.raises(Refused, match="not an image"):
        fetched(engine, storage, host)
    assert host.asked[0][b"accept-encoding"] == b"identity"


def test_too_many_pixels_are_rejected_before_decoding(engine: Engine, storage: FolderStorage) -> None:
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
def test_a_response_without_an_image_has_a_reason(
    engine: Engine, storage: FolderStorage, status: int, body: bytes, kind: type[ThreadpaintError]
) -> None:
    host = Host(status, body, location="http://169.254.169.254/latest/meta-data")
    with pytest.raises(kind, match="start_picture"):
        fetched(engine, storage, host)
    assert len(host.asked) == 1


def test_a_deleted_init_image_is_not_used(engine: Engine, storage: FolderStorage) -> None:
    """The owner deleted it while the creation waited for another attempt."""
    task = load_paint_task(engine, make_creation(engine, init_image_owner_id=77))
    with pytest.raises(Refused, match="start_taken_back"):
        InitImages(engine, storage).load(task)


def test_a_hidden_init_image_is_not_used(engine: Engine, storage: FolderStorage) -> None:
    key = storage.put(encoded("WEBP"), "webp")
    owner = make_person(engine)
    start: dict[str, Any] = {"init_image_key": key, "init_image_owner_id": owner}
    own = make_creation(engine, person_id=owner, state=State.REPLIED, hidden_at=now(), **start)
    others = make_creation(engine, **start)
    pictures = InitImages(engine, storage)
    assert pictures.load(load_paint_task(engine, own))
    with pytest.raises(Refused, match="start_taken_back"):
        pictures.load(load_paint_task(engine, others))


def test_a_failed_creation_of_the_owner_hides_no_init_image(engine: Engine, storage: FolderStorage) -> None:
    owner = make_person(engine)
    start: dict[str, Any] = {"init_image_key": storage.put(encoded("WEBP"), "webp"), "init_image_owner_id": owner}
    make_creation(engine, person_id=owner, state=State.FAILED, reason_code="gpu_failed", **start)
    assert InitImages(engine, storage).load(load_paint_task(engine, make_creation(engine, **start)))


def test_an_init_image_deleted_during_the_fetch_is_not_saved(engine: Engine, storage: FolderStorage) -> None:
    with on_shared_server(Host(200, encoded("PNG"))) as url:
        task = load_paint_task(engine, make_creation(engine, init_image_url=f"{url}/photo.jpg", init_image_owner_id=77))
        with write_session(engine) as session:
            session.execute(creations.update().values(init_image_url=None))
        assert InitImages(engine, storage, MediaDownloader(origin=url)).load(task)
    assert read_creation(engine, task.id).init_image_key is None
