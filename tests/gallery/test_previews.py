"""The preview card of a creation: a JPEG with the whole picture and whose prompt it is, for those who may see it."""

import asyncio
import io
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from PIL import Image, ImageChops
from sqlalchemy import Engine

from core.clock import now
from core.database import write_session
from core.imaging import render_preview
from core.imaging.text_rendering import Lettering
from core.models import creations, people, pictures
from gallery.routers.previews import MAX_CARDS, PreviewCards
from gallery.web.rate_limits import RateLimiter
from tests.support.gallery_data import GalleryData
from tests.support.site_client import SiteClient

WALL = (245, 245, 243)


def card(client: SiteClient, creation_id: int, **values: Any) -> Any:
    return client.get(f"/c/{creation_id}/card.jpg", **values)


def opened(data: Any) -> Any:
    return Image.open(io.BytesIO(data)).convert("RGB")


def bordered(width: int, height: int) -> Any:
    """Return a blue picture with a red frame, which shows if it is cropped."""
    picture, buffer = Image.new("RGB", (width, height), "red"), io.BytesIO()
    inner = (width // 20, height // 20, width - width // 20, height - height // 20)
    picture.paste("blue", inner)
    picture.save(buffer, "WEBP", lossless=True)
    return buffer.getvalue()


def part_of(picture: Any, color: str) -> Any:
    """Return the bounding box of about this color."""
    channel = {"red": 0, "blue": 2}[color]
    bands = picture.split()
    others = ImageChops.lighter(bands[1], bands[2 - channel])
    return ImageChops.subtract(bands[channel], others).point(lambda value: 255 * (value > 120)).getbbox()


@pytest.mark.parametrize("size", [(512, 512), (576, 1024), (1024, 576), (1536, 512), (512, 1536), (640, 480)])
def test_card_shows_the_whole_picture(size: Any) -> None:
    shown = opened(render_preview([bordered(*size)], "a fox", ["prompted by Ada"]))
    assert shown.size == (1200, 630)
    left, top, right, bottom = part_of(shown, "red")
    inner = part_of(shown, "blue")
    assert left < inner[0] and top < inner[1] and right > inner[2] and bottom > inner[3]
    assert (right - left) / (bottom - top) == pytest.approx(size[0] / size[1], rel=0.03)
    assert (right - left) * (bottom - top) > 0.15 * 1200 * 630


def test_four_pictures_are_a_square() -> None:
    shown = opened(render_preview([bordered(64, 64)] * 4, "a fox", ["prompted by Ada"]))
    left, top, right, bottom = part_of(shown, "red")
    assert right - left == pytest.approx(bottom - top, abs=3)
    assert shown.getpixel(((left + right) // 2, (top + bottom) // 2)) > (230, 230, 230), "a seam between them"


def label_of(prompt: str, names: Any) -> Any:
    """Return the pixels beside a blue square."""
    shown = opened(render_preview([bordered(64, 64)], prompt, names))
    return shown.crop((640, 0, 1200, 630))


def is_empty(picture: Any) -> bool:
    difference = ImageChops.difference(picture, Image.new("RGB", picture.size, WALL))
    return difference.point(lambda value: 255 * (value > 40)).getbbox() is None


def test_card_shows_the_prompt_and_its_author() -> None:
    assert is_empty(label_of("", [""]))
    both, prompt, author = label_of("a fox", ["by Ada"]), label_of("a fox", [""]), label_of("", ["by Ada"])
    assert not is_empty(prompt) and not is_empty(author)
    assert ImageChops.difference(both, prompt).getbbox() and ImageChops.difference(both, author).getbbox()


@pytest.mark.parametrize("text", ["größer", "żółć", "лиса в снегу", "αλεπού", "שועל", "ثعلب", "İstanbul"])
def test_card_renders_many_scripts(text: str) -> None:
    assert Lettering(text).text == text


def test_card_omits_symbols_without_glyphs() -> None:
    assert Lettering("a fox \U0001fabf\u202e\u200b in\n\n snow\x00").text == "a fox in snow"


def test_card_falls_back_to_the_handle_without_glyphs() -> None:
    script = "\U00012000\U00012001"  # cuneiform
    assert Lettering(f"a fox and {script}").text == ""
    assert not is_empty(label_of(script, [f"by {script}", "by @ada"]))


@pytest.mark.parametrize("prompt", ["word " * 500, "x" * 2000, "ش" * 300, "a " + "b" * 200])
def test_long_words_stay_within_the_card(prompt: str) -> None:
    label = label_of(prompt, ["prompted by " + "name" * 30])
    assert is_empty(label.crop((540, 0, 560, 630)))


def test_card_is_a_jpeg_cached_for_a_day(client: SiteClient, gallery_data: GalleryData) -> None:
    answer = card(client, gallery_data.publish(prompt="a fox"))
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert answer.headers["Cache-Control"] == "public, max-age=86400"
    assert opened(answer.content).size == (1200, 630)


def test_unchanged_card_answers_304(client: SiteClient, gallery_data: GalleryData) -> None:
    one = gallery_data.publish()
    tag = card(client, one).headers["ETag"]
    known = card(client, one, headers={"If-None-Match": tag})
    assert (known.status_code, known.content) == (304, b"")


def test_new_name_of_the_author_changes_the_card(client: SiteClient, gallery_data: GalleryData, engine: Engine) -> None:
    one = gallery_data.publish()
    before = card(client, one)
    with write_session(engine) as session:
        session.execute(people.update().values(name="Countess"))
    after = card(client, one)
    assert before.headers["ETag"] != after.headers["ETag"]
    assert before.content != after.content


@pytest.mark.parametrize(
    ("values", "status"),
    [
        ({"sensitive": True}, 404),
        ({"published_at": None, "hidden_at": now()}, 404),
        ({"published_at": None, "deleted_at": now()}, 410),
        ({"pictures": 0}, 404),
    ],
)
def test_creation_that_is_not_public_has_no_card(
    client: SiteClient, gallery_data: GalleryData, sign_in: Callable[[SiteClient, int], str], values: Any, status: Any
) -> None:
    one = gallery_data.publish(**values)
    assert card(client, one).status_code == status
    sign_in(client, gallery_data.person())
    assert card(client, one).status_code == status


def test_card_of_a_deleted_creation_is_gone_at_once(
    client: SiteClient, gallery_data: GalleryData, engine: Engine
) -> None:
    one = gallery_data.publish()
    tag = card(client, one).headers["ETag"]
    with write_session(engine) as session:
        session.execute(creations.update().values(published_at=None, deleted_at=now()))
    assert card(client, one, headers={"If-None-Match": tag}).status_code == 410


@pytest.mark.parametrize("number", ["0", "999", "x", "9" * 30, "-1"])
def test_unknown_creation_has_no_card(client: SiteClient, number: Any) -> None:
    assert card(client, number).status_code == 404


def test_missing_file_answers_404(client: SiteClient, gallery_data: GalleryData, engine: Engine) -> None:
    one = gallery_data.publish()
    with write_session(engine) as session:
        session.execute(pictures.update().values(key="ab/" + "0" * 30 + ".webp"))
    assert card(client, one).status_code == 404


def test_only_drawing_is_rate_limited(client: SiteClient, gallery_data: GalleryData) -> None:
    first, second, third = (gallery_data.publish(prompt=words) for words in ("one", "two", "three"))
    assert card(client, first).status_code == 200
    client.app.state.rate_limiter = RateLimiter({"preview": "1/hour"})
    assert card(client, second).status_code == 200
    assert card(client, third).status_code == 429
    assert [card(client, first).status_code for _ in range(3)] == [200] * 3


def test_card_is_drawn_once_and_the_oldest_is_evicted() -> None:
    drawn: list[tuple[str, bool]] = []
    mains = threading.get_ident()

    def draw(tag: str) -> bytes:
        drawn.append((tag, threading.get_ident() != mains))
        return tag.encode()

    async def crowd() -> Any:
        cards = PreviewCards()
        same = await asyncio.gather(*(cards.get("one", lambda: draw("one")) for _ in range(20)))
        assert same == [b"one"] * 20 and drawn == [("one", True)]
        for number in range(MAX_CARDS):
            await cards.get(str(number), partial(draw, str(number)))
        return "one" in cards, "0" in cards

    assert asyncio.run(crowd()) == (False, True)
