"""The preview card of a creation: a JPEG with the whole picture and whose prompt it is, for those who may see it."""

import asyncio
import io
import threading

import pytest
from PIL import Image, ImageChops

from core.clock import now
from core.database import transaction
from core.imaging import preview
from core.imaging.lettering import Lettering
from core.models import creations, people, pictures
from gallery.limits import Limits
from gallery.previews import MAX_CARDS, Cards

WALL = (245, 245, 243)


def card(client, creation_id, **values):
    return client.get(f"/c/{creation_id}/card.jpg", **values)


def opened(data):
    return Image.open(io.BytesIO(data)).convert("RGB")


def bordered(width, height):
    """A blue picture with a red frame: what is cut off is missed."""
    picture, buffer = Image.new("RGB", (width, height), "red"), io.BytesIO()
    inner = (width // 20, height // 20, width - width // 20, height - height // 20)
    picture.paste("blue", inner)
    picture.save(buffer, "WEBP", lossless=True)
    return buffer.getvalue()


def part_of(picture, colour):
    """The box of what has about this colour."""
    channel = {"red": 0, "blue": 2}[colour]
    bands = picture.split()
    others = ImageChops.lighter(bands[1], bands[2 - channel])
    return ImageChops.subtract(bands[channel], others).point(lambda value: 255 * (value > 120)).getbbox()


@pytest.mark.parametrize("size", [(512, 512), (576, 1024), (1024, 576), (1536, 512), (512, 1536), (640, 480)])
def test_the_whole_picture_is_on_it_in_its_shape(size):
    shown = opened(preview([bordered(*size)], "a fox", ["prompted by Ada"]))
    assert shown.size == (1200, 630)
    left, top, right, bottom = part_of(shown, "red")
    inner = part_of(shown, "blue")
    assert left < inner[0] and top < inner[1] and right > inner[2] and bottom > inner[3]
    assert (right - left) / (bottom - top) == pytest.approx(size[0] / size[1], rel=0.03)
    assert (right - left) * (bottom - top) > 0.15 * 1200 * 630


def test_four_pictures_are_a_square():
    shown = opened(preview([bordered(64, 64)] * 4, "a fox", ["prompted by Ada"]))
    left, top, right, bottom = part_of(shown, "red")
    assert right - left == pytest.approx(bottom - top, abs=3)
    assert shown.getpixel(((left + right) // 2, (top + bottom) // 2)) > (230, 230, 230), "a seam between them"


def label_of(prompt, names):
    """What is drawn beside a blue square."""
    shown = opened(preview([bordered(64, 64)], prompt, names))
    return shown.crop((640, 0, 1200, 630))


def is_empty(picture):
    difference = ImageChops.difference(picture, Image.new("RGB", picture.size, WALL))
    return difference.point(lambda value: 255 * (value > 40)).getbbox() is None


def test_the_prompt_and_its_author_are_drawn_beside_it():
    assert is_empty(label_of("", [""]))
    both, prompt, author = label_of("a fox", ["by Ada"]), label_of("a fox", [""]), label_of("", ["by Ada"])
    assert not is_empty(prompt) and not is_empty(author)
    assert ImageChops.difference(both, prompt).getbbox() and ImageChops.difference(both, author).getbbox()


@pytest.mark.parametrize("text", ["größer", "żółć", "лиса в снегу", "αλεπού", "שועל", "ثعلب", "İstanbul"])
def test_many_scripts_have_letters_here(text):
    assert Lettering(text).text == text


def test_what_is_no_letter_and_cannot_be_drawn_is_left_out():
    assert Lettering("a fox \U0001fabf\u202e\u200b in\n\n snow\x00").text == "a fox in snow"


def test_words_without_letters_here_are_left_out_whole_and_the_next_name_is_taken():
    script = "\U00012000\U00012001"  # cuneiform
    assert Lettering(f"a fox and {script}").text == ""
    assert not is_empty(label_of(script, [f"by {script}", "by @ada"]))


@pytest.mark.parametrize("prompt", ["word " * 500, "x" * 2000, "ش" * 300, "a " + "b" * 200])
def test_long_words_stay_within_the_card(prompt):
    label = label_of(prompt, ["prompted by " + "name" * 30])
    assert is_empty(label.crop((540, 0, 560, 630)))


def test_it_is_served_as_a_jpeg_that_may_be_kept_for_a_day(client, wall):
    answer = card(client, wall.hang(prompt="a fox"))
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert answer.headers["Cache-Control"] == "public, max-age=86400"
    assert opened(answer.content).size == (1200, 630)


def test_who_has_it_already_gets_no_body(client, wall):
    one = wall.hang()
    tag = card(client, one).headers["ETag"]
    known = card(client, one, headers={"If-None-Match": tag})
    assert (known.status_code, known.content) == (304, b"")


def test_another_name_of_its_author_is_another_card(client, wall, engine):
    one = wall.hang()
    before = card(client, one)
    with transaction(engine) as session:
        session.execute(people.update().values(name="Countess"))
    after = card(client, one)
    assert before.headers["ETag"] != after.headers["ETag"]
    assert before.content != after.content


@pytest.mark.parametrize(
    ("values", "status"),
    [
        ({"sensitive": True}, 404),
        ({"shown_at": None, "hidden_at": now()}, 404),
        ({"shown_at": None, "deleted_at": now()}, 410),
        ({"pictures": 0}, 404),
    ],
)
def test_what_not_everybody_may_see_has_none_even_for_its_author(client, wall, sign_in, values, status):
    one = wall.hang(**values)
    assert card(client, one).status_code == status
    sign_in(client, wall.person())
    assert card(client, one).status_code == status


def test_what_is_taken_back_is_gone_at_once_though_it_was_drawn(client, wall, engine):
    one = wall.hang()
    tag = card(client, one).headers["ETag"]
    with transaction(engine) as session:
        session.execute(creations.update().values(shown_at=None, deleted_at=now()))
    assert card(client, one, headers={"If-None-Match": tag}).status_code == 410


@pytest.mark.parametrize("number", ["0", "999", "x", "9" * 30, "-1"])
def test_a_number_that_is_none_has_no_card(client, number):
    assert card(client, number).status_code == 404


def test_a_lost_file_is_no_fault_of_the_site(client, wall, engine):
    one = wall.hang()
    with transaction(engine) as session:
        session.execute(pictures.update().values(key="ab/" + "0" * 30 + ".webp"))
    assert card(client, one).status_code == 404


def test_drawing_has_a_limit_but_what_is_drawn_already_has_none(client, wall):
    first, second, third = (wall.hang(prompt=words) for words in ("one", "two", "three"))
    assert card(client, first).status_code == 200
    client.app.state.limits = Limits({"preview": "1/hour"})
    assert card(client, second).status_code == 200
    assert card(client, third).status_code == 429
    assert [card(client, first).status_code for _ in range(3)] == [200] * 3


def test_a_card_is_drawn_once_for_many_and_the_oldest_makes_room():
    drawn, mains = [], threading.get_ident()

    def draw(tag):
        drawn.append((tag, threading.get_ident() != mains))
        return tag.encode()

    async def crowd():
        cards = Cards()
        same = await asyncio.gather(*(cards.get("one", lambda: draw("one")) for _ in range(20)))
        assert same == [b"one"] * 20 and drawn == [("one", True)]
        for number in range(MAX_CARDS):
            await cards.get(str(number), lambda number=number: draw(str(number)))
        return "one" in cards, "0" in cards

    assert asyncio.run(crowd()) == (False, True)
