"""A picture chosen to start from: read at once, made anew with nothing else inside, kept for its member alone, gone
after a day where it was not used."""

import asyncio
import io
import os
from datetime import timedelta

import httpx
import pytest
from PIL import Image
from sqlalchemy import select
from starlette.concurrency import run_in_threadpool

from core.clock import now
from core.database import transaction
from core.models import Creation, creations
from core.uploads import Uploads
from gallery.composing import starts
from gallery.limits import Limits
from tests.support import bombs

ORIENTATION, GPS, MAKER = 0x0112, 0x8825, 0x010F


def photo(kind="JPEG", size=(64, 32), **options):
    buffer = io.BytesIO()
    picture = Image.new("RGB", size, "red")
    picture.paste("blue", (0, 0, size[0] // 2, size[1]))
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.fixture
def ada(client, wall, sign_in):
    person_id = wall.person("ada")
    return client, person_id, sign_in(client, person_id)


@pytest.fixture
def uploads(storage):
    return Uploads(storage.folder)


def choose(member, data, name="photo.jpg"):
    client, _, token = member
    headers = {"Accept": "application/json"}
    return client.post("/paint/start", data={"token": token}, files={"file": (name, data)}, headers=headers)


def paint(member, data=b"", name="photo.jpg", **typed):
    client, _, token = member
    files = {"file": (name, data)} if data or name == "" else None
    values = {"token": token, "prompt": "a fox", **typed}
    return client.post("/paint", data=values, files=files, follow_redirects=False)


def started(engine, storage):
    """The start picture of the only creation."""
    with transaction(engine) as session:
        (key,) = session.scalars(select(creations.c.start_key)).all()
    return Image.open(io.BytesIO(storage.get(key)))


def count(engine):
    with transaction(engine) as session:
        return len(session.scalars(select(Creation)).all())


def test_it_comes_with_the_form_and_the_creation_starts_from_it(ada, engine, storage, uploads):
    assert paint(ada, photo()).status_code == 303
    picture = started(engine, storage)
    assert (picture.format, picture.size) == ("WEBP", (64, 32))
    assert list(uploads.folder.iterdir()) == []


def test_it_is_turned_upright_and_nothing_else_stays_in_it(ada, engine, storage):
    exif = Image.Exif()
    exif[ORIENTATION], exif[MAKER] = 6, "a camera"
    exif.get_ifd(GPS)[1] = "N"
    xmp = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>home</x:xmpmeta>"
    assert paint(ada, photo(exif=exif, xmp=xmp, comment=b"mine")).status_code == 303
    picture = started(engine, storage)
    assert picture.size == (32, 64)
    red, _, blue = picture.convert("RGB").getpixel((16, 8))
    assert blue > red, "what was left is at the top"
    assert not picture.getexif()
    assert not {"exif", "xmp", "comment", "icc_profile"} & set(picture.info)


def test_what_is_transparent_is_white(ada, engine, storage):
    buffer = io.BytesIO()
    Image.new("RGBA", (8, 8), (0, 0, 0, 0)).save(buffer, "PNG")
    paint(ada, buffer.getvalue())
    assert started(engine, storage).convert("RGB").getpixel((4, 4)) > (250, 250, 250)


def test_a_large_one_is_no_larger_than_painters_need(ada, engine, storage):
    paint(ada, photo(size=(3000, 1500)))
    assert started(engine, storage).size == (1536, 768)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF"])
def test_the_kinds_that_people_have(ada, kind):
    assert choose(ada, photo(kind)).status_code == 200


def test_chosen_by_the_script_it_is_shown_to_its_member_alone(ada, site, wall, sign_in):
    answer = choose(ada, photo()).json()
    shown = ada[0].get(answer["url"])
    assert shown.headers["content-type"] == "image/webp"
    assert shown.headers["cache-control"].startswith("private")
    stranger = site()
    assert stranger.get(answer["url"], follow_redirects=False).status_code == 303
    sign_in(stranger, wall.person("grace"))
    assert stranger.get(answer["url"]).status_code == 404


def test_chosen_by_the_script_it_is_named_by_the_form(ada, engine, storage):
    start = choose(ada, photo()).json()["start"]
    assert paint(ada, start=start).status_code == 303
    assert started(engine, storage).size == (64, 32)


def test_a_form_with_an_error_elsewhere_does_not_lose_it(ada, engine):
    answer = paint(ada, photo(), prompt="")
    start = answer.context["typed"].start
    assert start.startswith("own:")
    assert f'value="{start}" checked' in answer.text
    assert paint(ada, start=start).status_code == 303
    assert count(engine) == 1


def test_where_the_storage_is_away_the_words_are_kept_and_the_picture_too(ada, engine, storage, uploads):
    name = choose(ada, photo()).json()["start"]
    for number in range(256):  # a file stands where a folder of pictures should be
        (storage.folder / f"{number:02x}").touch()
    answer = paint(ada, start=name, prompt="a fox in the snow")
    assert answer.status_code == 503
    assert "a fox in the snow" in answer.text
    assert "cannot reach its pictures" in answer.text
    assert name in answer.text
    for number in range(256):
        (storage.folder / f"{number:02x}").unlink()
    assert paint(ada, start=name, prompt="a fox in the snow").status_code == 303
    assert started(engine, storage).size == (64, 32)


def test_where_the_folder_of_uploads_is_away_the_page_says_so(ada, storage, uploads):
    name = choose(ada, photo()).json()["start"]
    (kept,) = uploads.folder.iterdir()
    kept.unlink()
    kept.mkdir()
    assert ada[0].get(f"/paint/start/{name.removeprefix('own:')}").status_code == 503
    assert paint(ada, start=name).status_code == 503


def test_nobody_can_start_from_what_another_chose(ada, site, wall, sign_in, engine):
    start = choose(ada, photo()).json()["start"]
    other = site()
    person_id = wall.person("grace")
    answer = paint((other, person_id, sign_in(other, person_id)), start=start)
    assert answer.status_code == 422
    assert "start" in answer.context["errors"]
    assert count(engine) == 0


@pytest.mark.parametrize("name", ["", "x", "../../../etc/passwd", "0" * 32, "0" * 31 + "/", "ab/" + "0" * 30 + ".webp"])
def test_a_name_that_is_none_is_told_beside_the_field(ada, name, engine):
    answer = paint(ada, start=f"own:{name}")
    assert answer.status_code == 422
    assert "start-error" in answer.text
    assert count(engine) == 0


def test_an_empty_file_field_is_no_file(ada, engine):
    assert paint(ada, b"", name="").status_code == 303


@pytest.mark.parametrize("data", [b"hello", b"\xff\xd8\xff\xe0", b"GIF89a", photo()[:100], b"<svg/>", b"\0" * 1000])
def test_what_is_no_picture_is_refused_beside_the_field_and_the_words_stay(ada, data, engine):
    answer = paint(ada, data, prompt="keep me")
    assert answer.status_code == 422
    assert answer.context["errors"]["start"].startswith("This file could not be read as a picture.")
    assert answer.context["typed"].prompt == "keep me"
    assert choose(ada, data).json()["errors"]["start"]
    assert count(engine) == 0


def test_a_file_larger_than_is_taken_is_refused_beside_the_field(ada):
    answer = paint(ada, photo() + bytes(10 * 1024 * 1024), prompt="keep me")
    assert answer.status_code == 422
    assert "10 MB" in answer.context["errors"]["start"]
    assert answer.context["typed"].prompt == "keep me"


def test_a_body_that_never_ends_is_cut_off(ada):
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
def test_what_is_meant_to_eat_memory_or_time_is_refused(ada, bomb):
    data = getattr(bombs, bomb)()
    answer = choose(ada, data[: 10 * 1024 * 1024])
    assert answer.status_code == 422
    assert answer.json()["errors"]["start"].startswith("This ")


def test_who_waits_for_the_turn_of_a_picture_holds_up_nobody_else(client, wall, sign_in):
    async def crowd(logins):
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(client.app), base_url="http://testserver"
        ) as browser:
            choosing = [asyncio.create_task(_chosen(browser, *one)) for one in logins for _ in range(15)]
            await asyncio.sleep(0.5)
            await run_in_threadpool(lambda: None)  # as every form of the site needs it
            waited = not any(one.done() for one in choosing)
            starts._reading.release(2)
            return waited, await asyncio.gather(*choosing)

    logins = [(sign_in(client, wall.person(name)), client.cookies["login"]) for name in ("ada", "grace", "eve")]
    assert starts._reading.acquire() and starts._reading.acquire()
    waited, statuses = asyncio.run(crowd(logins))
    assert waited
    assert statuses == [200] * 45


async def _chosen(browser, token, login):
    headers = {"Accept": "application/json", "Cookie": f"login={login}"}
    files = {"file": ("photo.jpg", photo())}
    return (await browser.post("/paint/start", data={"token": token}, files=files, headers=headers)).status_code


def test_nobody_fills_the_house_with_pictures_that_are_never_used(ada):
    answers = [paint(ada, photo(), prompt="").status_code for _ in range(21)]
    assert answers == [422] * 20 + [429]


@pytest.mark.parametrize("folder", ["img-photos-skimage", "img-pillow-tests", "img-pngsuite"])
def test_whatever_lies_in_the_collections_is_taken_or_refused_with_a_reason(ada, uploads, material, folder):
    taken = refused = 0
    for path in sorted(path for path in (material / folder).rglob("*") if path.is_file()):
        ada[0].app.state.limits = Limits()
        answer = choose(ada, path.read_bytes(), path.name)
        if answer.status_code == 200:
            taken += 1
            picture = Image.open(io.BytesIO(uploads.get(ada[1], answer.json()["start"].removeprefix(starts.OWN))))
            assert picture.format == "WEBP", path
            assert not {"exif", "xmp", "icc_profile"} & picture.info.keys(), path
        else:
            refused += 1
            assert answer.status_code == 422, path
            assert answer.json()["errors"]["start"], path
    assert taken > 10
    assert refused > 0


def test_what_is_not_used_is_gone_after_a_day_and_no_sooner(ada, uploads):
    old, new = (choose(ada, photo()).json()["start"].removeprefix("own:") for _ in range(2))
    yesterday = (now() - timedelta(hours=25)).timestamp()
    os.utime(uploads.folder / f"{ada[1]}-{old}.webp", (yesterday, yesterday))
    assert uploads.forget_old(now() - timedelta(days=1)) == 1
    assert uploads.get(ada[1], old) is None
    assert uploads.get(ada[1], new) is not None


def test_looking_for_old_ones_where_nobody_chose_any_finds_none(uploads):
    assert uploads.forget_old(now()) == 0


def test_without_sign_in_nothing_is_kept(client):
    answer = client.post("/paint/start", files={"file": photo()}, headers={"Accept": "application/json"})
    assert answer.status_code == 401
