"""Uploaded init images are decoded at once, re-encoded without metadata, private, and deleted after a day if unused."""

import asyncio
import io
import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from httpx2 import Response
from PIL import Image
from sqlalchemy import Engine, select
from starlette.concurrency import run_in_threadpool

from core.clock import now
from core.database import write_session
from core.models import Creation, creations
from core.storage import FolderStorage
from core.upload_store import UploadStore
from gallery.services import init_images
from gallery.web.rate_limits import RateLimiter
from tests.support import hostile_images
from tests.support.composer import Member
from tests.support.gallery_data import GalleryData
from tests.support.pages import page_context
from tests.support.site_client import SiteClient

ORIENTATION, GPS, MAKER = 0x0112, 0x8825, 0x010F


def photo(kind: str = "JPEG", size: Any = (64, 32), **options: Any) -> Any:
    buffer = io.BytesIO()
    picture = Image.new("RGB", size, "red")
    picture.paste("blue", (0, 0, size[0] // 2, size[1]))
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.fixture
def ada(client: SiteClient, gallery_data: GalleryData, sign_in: Callable[[SiteClient, int], str]) -> Member:
    person_id = gallery_data.person("ada")
    return Member(client, person_id, sign_in(client, person_id))


@pytest.fixture
def uploads(storage: FolderStorage) -> UploadStore:
    return UploadStore(storage.folder)


def choose(member: Member, data: bytes, name: str = "photo.jpg") -> Response:
    headers = {"Accept": "application/json"}
    form = {"token": member.token}
    return member.client.post("/uploads", data=form, files={"file": (name, data)}, headers=headers)


def paint(member: Member, data: bytes = b"", name: str = "photo.jpg", **typed: Any) -> Response:
    files = {"file": (name, data)} if data or name == "" else None
    values = {"token": member.token, "prompt": "a fox", **typed}
    return member.client.post("/paint", data=values, files=files, follow_redirects=False)


def started(engine: Engine, storage: FolderStorage) -> Image.Image:
    """Return the init image of the only creation."""
    with write_session(engine) as session:
        (key,) = session.scalars(select(creations.c.init_image_key)).all()
    return open_image(storage.get(key))


def open_image(content: bytes | None) -> Image.Image:
    assert content is not None
    return Image.open(io.BytesIO(content))


def count(engine: Engine) -> int:
    with write_session(engine) as session:
        return len(session.scalars(select(Creation)).all())


def test_uploaded_file_becomes_the_init_image(
    ada: Member, engine: Engine, storage: FolderStorage, uploads: UploadStore
) -> None:
    assert paint(ada, photo()).status_code == 303
    picture = started(engine, storage)
    assert (picture.format, picture.size) == ("WEBP", (64, 32))
    assert list(uploads.folder.iterdir()) == []


def test_photo_is_rotated_and_loses_its_metadata(ada: Member, engine: Engine, storage: FolderStorage) -> None:
    exif = Image.Exif()
    exif[ORIENTATION], exif[MAKER] = 6, "a camera"
    exif.get_ifd(GPS)[1] = "N"
    xmp = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>home</x:xmpmeta>"
    assert paint(ada, photo(exif=exif, xmp=xmp, comment=b"mine")).status_code == 303
    picture = started(engine, storage)
    assert picture.size == (32, 64)
    red, _, blue = picture.convert("RGB").crop((16, 8, 17, 9)).tobytes()
    assert blue > red, "what was left is at the top"
    assert not picture.getexif()
    assert not {"exif", "xmp", "comment", "icc_profile"} & set(picture.info)


def test_transparent_pixels_become_white(ada: Member, engine: Engine, storage: FolderStorage) -> None:
    buffer = io.BytesIO()
    Image.new("RGBA", (8, 8), (0, 0, 0, 0)).save(buffer, "PNG")
    paint(ada, buffer.getvalue())
    assert min(started(engine, storage).convert("RGB").crop((4, 4, 5, 5)).tobytes()) > 250


def test_large_image_is_scaled_down(ada: Member, engine: Engine, storage: FolderStorage) -> None:
    paint(ada, photo(size=(3000, 1500)))
    assert started(engine, storage).size == (1536, 768)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF"])
def test_common_formats_are_accepted(ada: Member, kind: str) -> None:
    assert choose(ada, photo(kind)).status_code == 200


def test_upload_is_visible_to_its_owner_only(
    ada: Member, site: Callable[..., SiteClient], gallery_data: GalleryData, sign_in: Callable[[SiteClient, int], str]
) -> None:
    answer = choose(ada, photo()).json()
    shown = ada.client.get(answer["url"])
    assert shown.headers["content-type"] == "image/webp"
    assert shown.headers["cache-control"].startswith("private")
    stranger = site()
    assert stranger.get(answer["url"], follow_redirects=False).status_code == 303
    sign_in(stranger, gallery_data.person("grace"))
    assert stranger.get(answer["url"]).status_code == 404


def test_form_names_an_upload(ada: Member, engine: Engine, storage: FolderStorage) -> None:
    start = choose(ada, photo()).json()["init_image"]
    assert paint(ada, init_image=start).status_code == 303
    assert started(engine, storage).size == (64, 32)


def test_error_in_another_field_keeps_the_upload(ada: Member, engine: Engine) -> None:
    answer = paint(ada, photo(), prompt="")
    start = page_context(answer)["form"].init_image
    assert start.startswith("own:")
    assert f'value="{start}" checked' in answer.text
    assert paint(ada, init_image=start).status_code == 303
    assert count(engine) == 1


def test_storage_outage_keeps_prompt_and_init_image(
    ada: Member, engine: Engine, storage: FolderStorage, uploads: UploadStore
) -> None:
    name = choose(ada, photo()).json()["init_image"]
    for number in range(256):  # a file stands where a folder of pictures should be
        (storage.folder / f"{number:02x}").touch()
    answer = paint(ada, init_image=name, prompt="a fox in the snow")
    assert answer.status_code == 503
    assert "a fox in the snow" in answer.text
    assert "Something is down on our side" in answer.text
    assert name in answer.text
    for number in range(256):
        (storage.folder / f"{number:02x}").unlink()
    assert paint(ada, init_image=name, prompt="a fox in the snow").status_code == 303
    assert started(engine, storage).size == (64, 32)


def test_unreadable_upload_answers_503(ada: Member, storage: FolderStorage, uploads: UploadStore) -> None:
    name = choose(ada, photo()).json()["init_image"]
    (upload_path,) = uploads.folder.iterdir()
    upload_path.unlink()
    upload_path.mkdir()
    assert ada.client.get(f"/uploads/{name.removeprefix('own:')}").status_code == 503
    assert paint(ada, init_image=name).status_code == 503


def test_upload_of_another_member_is_rejected(
    ada: Member,
    site: Callable[..., SiteClient],
    gallery_data: GalleryData,
    sign_in: Callable[[SiteClient, int], str],
    engine: Engine,
) -> None:
    start = choose(ada, photo()).json()["init_image"]
    other = site()
    person_id = gallery_data.person("grace")
    answer = paint(Member(other, person_id, sign_in(other, person_id)), init_image=start)
    assert answer.status_code == 422
    assert "init_image" in page_context(answer)["errors"]
    assert count(engine) == 0


@pytest.mark.parametrize("name", ["", "x", "../../../etc/passwd", "0" * 32, "0" * 31 + "/", "ab/" + "0" * 30 + ".webp"])
def test_invalid_upload_name_shows_field_error(ada: Member, name: Any, engine: Engine) -> None:
    answer = paint(ada, init_image=f"own:{name}")
    assert answer.status_code == 422
    assert "init_image-error" in answer.text
    assert count(engine) == 0


def test_empty_file_field_is_ignored(ada: Member, engine: Engine) -> None:
    assert paint(ada, b"", name="").status_code == 303


@pytest.mark.parametrize("data", [b"hello", b"\xff\xd8\xff\xe0", b"GIF89a", photo()[:100], b"<svg/>", b"\0" * 1000])
def test_invalid_image_shows_an_error_and_keeps_the_prompt(ada: Member, data: Any, engine: Engine) -> None:
    answer = paint(ada, data, prompt="keep me")
    assert answer.status_code == 422
    assert page_context(answer)["errors"]["init_image"].startswith("This file is not a picture we can read.")
    assert page_context(answer)["form"].prompt == "keep me"
    assert choose(ada, data).json()["errors"]["init_image"]
    assert count(engine) == 0


def test_too_large_file_shows_an_error(ada: Member) -> None:
    answer = paint(ada, photo() + bytes(10 * 1024 * 1024), prompt="keep me")
    assert answer.status_code == 422
    assert "10 MB" in page_context(answer)["errors"]["init_image"]
    assert page_context(answer)["form"].prompt == "keep me"


def test_too_large_body_is_cut_off(ada: Member) -> None:
    assert choose(ada, bytes(33 * 1024 * 1024)).status_code == 413


@pytest.mark.parametrize(
    "bomb",
    [
        "png_of_27_megapixels",
        "png_that_says_2_gigapixels",
        "png_of_text_bombs",
        "png_of_many_chunks",
        "png_of_one_column",
        "webp_of_65_megapixels",
        "gif_of_a_long_comment",
        "jpeg_of_many_scans",
        "jpeg_of_many_segments",
    ],
)
def test_decompression_bomb_is_rejected(ada: Member, bomb: Any) -> None:
    data = getattr(hostile_images, bomb)()
    answer = choose(ada, data[: 10 * 1024 * 1024])
    assert answer.status_code == 422
    assert answer.json()["errors"]["init_image"].startswith(("This ", "Image too large"))


def test_uploads_that_wait_for_a_decode_slot_do_not_block_other_requests(
    client: SiteClient, gallery_data: GalleryData, sign_in: Callable[[SiteClient, int], str]
) -> None:
    async def crowd(logins: Any) -> Any:
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(client.app), base_url="http://testserver"
        ) as browser:
            choosing = [asyncio.create_task(_chosen(browser, *one)) for one in logins for _ in range(15)]
            await asyncio.sleep(0.5)
            await run_in_threadpool(lambda: None)  # as every form of the site needs it
            waited = not any(one.done() for one in choosing)
            init_images._decode_slots.release(2)
            return waited, await asyncio.gather(*choosing)

    logins = [(sign_in(client, gallery_data.person(name)), client.cookies["login"]) for name in ("ada", "grace", "eve")]
    assert init_images._decode_slots.acquire() and init_images._decode_slots.acquire()
    waited, statuses = asyncio.run(crowd(logins))
    assert waited
    assert statuses == [200] * 45


async def _chosen(browser: Any, token: str, login: Any) -> Any:
    headers = {"Accept": "application/json", "Cookie": f"login={login}"}
    files = {"file": ("photo.jpg", photo())}
    return (await browser.post("/uploads", data={"token": token}, files=files, headers=headers)).status_code


def test_unused_uploads_are_rate_limited(ada: Member) -> None:
    answers = [paint(ada, photo(), prompt="").status_code for _ in range(21)]
    assert answers == [422] * 20 + [429]


@pytest.mark.parametrize("folder", ["img-photos-skimage", "img-pillow-tests", "img-pngsuite"])
def test_any_file_is_accepted_or_rejected_with_a_reason(
    ada: Member, uploads: UploadStore, material: Path, folder: Any
) -> None:
    taken = refused = 0
    for path in sorted(path for path in (material / folder).rglob("*") if path.is_file()):
        ada.client.app.state.rate_limiter = RateLimiter()
        answer = choose(ada, path.read_bytes(), path.name)
        if answer.status_code == 200:
            taken += 1
            name = answer.json()["init_image"].removeprefix(init_images.UPLOAD_PREFIX)
            picture = open_image(uploads.get(ada.id, name))
            assert picture.format == "WEBP", path
            assert not {"exif", "xmp", "icc_profile"} & picture.info.keys(), path
        else:
            refused += 1
            assert answer.status_code == 422, path
            assert answer.json()["errors"]["init_image"], path
    assert taken > 10
    assert refused > 0


def test_unused_upload_expires_after_a_day(ada: Member, uploads: UploadStore) -> None:
    old, new = (choose(ada, photo()).json()["init_image"].removeprefix("own:") for _ in range(2))
    yesterday = (now() - timedelta(hours=25)).timestamp()
    os.utime(uploads.folder / f"{ada.id}-{old}.webp", (yesterday, yesterday))
    assert uploads.delete_expired(now() - timedelta(days=1)) == 1
    assert uploads.get(ada.id, old) is None
    assert uploads.get(ada.id, new) is not None


def test_expiry_without_uploads_deletes_nothing(uploads: UploadStore) -> None:
    assert uploads.delete_expired(now()) == 0


def test_upload_requires_sign_in(client: SiteClient) -> None:
    answer = client.post("/uploads", files={"file": photo()}, headers={"Accept": "application/json"})
    assert answer.status_code == 401
