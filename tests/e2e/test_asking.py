"""An evening of people who ask: all that can be said to the bot, said to the whole running house."""

import base64
import io
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import count
from typing import Any

import httpx
import pytest
from PIL import Image, ImageStat

from tests.support.house import OPEN_HANDED, House, running_house
from tests.support.servers import wait_until

pytestmark = pytest.mark.processes

Json = dict[str, Any]
REPLY_CALL = "POST /2/tweets"
SETTLED = {"replied", "refused", "failed"}
people = count()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with running_house(tmp_path_factory.mktemp("asking"), **OPEN_HANDED, KEEP_SECONDS="0.5") as house:
        house.control("limits", off=True)
        yield house


@pytest.fixture
def ada() -> str:
    """Somebody new for each test: what one did does not count against the next."""
    return f"ada_{next(people)}"


def replies(house: House, post_id: str) -> list[Json]:
    answer = house.http.get(f"{house.sandbox}/sandbox/posts/{post_id}/replies").raise_for_status()
    return [post for post in answer.json()["data"] if post["author"]["username"] == "threadpaint"]


def answer_to(house: House, post_id: str) -> Json:
    """The bot's answer, which is the only one."""
    (answer,) = wait_until(lambda: replies(house, post_id), f"no answer to {post_id}", within=20)
    return dict(answer)


def creation_of(house: House, post_id: str) -> Json:
    """The creation behind a post, as the gallery's JSON has it, once it goes nowhere any more."""
    number = wait_until(lambda: number_of(house, post_id), f"nothing was made of {post_id}", within=20)

    def settled() -> Json | None:
        shown = dict(house.ask(f"/api/creations/{number}").raise_for_status().json())
        return shown if shown["state"] in SETTLED or shown["reply_outcome"] else None

    return dict(wait_until(settled, f"creation {number} is stuck", within=20))


def number_of(house: House, post_id: str) -> int | None:
    """Read from the tables: the gallery lists only what hangs on its wall."""
    row = _row(house, "SELECT id FROM creation WHERE post_id = ?", post_id)
    return int(row[0]) if row else None


def verdict_on(house: House, post_id: str) -> str | None:
    """What the bot thought of a post, once it has read it."""
    row = _row(house, "SELECT verdict FROM post WHERE id = ?", post_id)
    return str(row[0]) if row else None


def _row(house: House, question: str, value: str) -> Any:
    with closing(sqlite3.connect(f"file:{house.data / 'threadpaint.db'}?mode=ro", uri=True)) as tables:
        return tables.execute(question, (int(value),)).fetchone()


def painted(house: House, text: str, author: str, **values: Any) -> tuple[Json, Json]:
    """Somebody asks and gets a picture: the bot's answer, and the creation."""
    post_id = house.post(text, author=author, **values)
    answer = answer_to(house, post_id)
    assert answer["media"], answer["text"]
    return answer, creation_of(house, post_id)


def seeds(creation: Json) -> list[int]:
    return [int(picture["seed"]) for picture in creation["pictures"]]


def page_of(house: House, creation: Json) -> httpx.Response:
    return house.http.get(at_home(house, creation["url"]))


def at_home(house: House, address: str) -> httpx.URL:
    """An address that the API told: whole if the gallery knows its own, else a path."""
    return httpx.URL(house.gallery).join(address)


def lightness(house: House, creation: Json) -> float:
    """Of a picture as a whole: what is begun from a black photograph stays dark."""
    file = house.http.get(at_home(house, creation["pictures"][0]["url"])).raise_for_status()
    with Image.open(io.BytesIO(file.content)) as image:
        return ImageStat.Stat(image.convert("L")).mean[0]


def photograph() -> str:
    """One in the dark."""
    file = io.BytesIO()
    Image.new("RGB", (320, 200)).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def calls(house: House, name: str) -> int:
    return sum(house.state()["calls"].get(name, {}).values())


def shape_of(picture: Json) -> float:
    """Its width by its height: the pixels are the painter's choice."""
    return float(picture["width"] / picture["height"])


# -- options


def test_a_prompt_with_options_is_answered_with_four_wide_pictures_in_one_answer(house: House, ada: str) -> None:
    words = "@threadpaint a harbour at dawn --ar 16:9 --n 4 --seed 42 --style ink --no people"
    answer, creation = painted(house, words, ada)
    assert len(answer["media"]) == 4
    assert [media["width"] > media["height"] for media in answer["media"]] == [True] * 4
    assert creation["prompt"] == "a harbour at dawn"
    assert (creation["style"], creation["negative_prompt"]) == ("ink", "people")
    assert [shape_of(one) for one in creation["pictures"]] == [pytest.approx(16 / 9, rel=0.05)] * 4
    assert seeds(creation) == [42, 43, 44, 45]


def test_bad_options_are_corrected_or_left_out_and_the_page_says_so(house: House, ada: str) -> None:
    _, creation = painted(house, "@threadpaint a harbour --chaos 9 --ar 7:5 at dawn", ada)
    assert creation["prompt"] == "a harbour at dawn"
    assert shape_of(creation["pictures"][0]) == pytest.approx(4 / 3, rel=0.05)
    assert "“--ar 7:5” is not an available aspect ratio: the nearest is 4:3." in page_of(house, creation).text


# -- from pictures to pictures


def test_again_under_the_picture_is_the_same_prompt_with_a_new_seed(house: House, ada: str) -> None:
    answer, first = painted(house, "@threadpaint a fox in the snow --ar 2:3", ada)
    _, second = painted(house, "again", ada, in_reply_to=answer["id"])
    assert second["prompt"] == "a fox in the snow"
    assert second["parent_id"] == first["id"]
    assert seeds(second) != seeds(first)
    assert shape_of(second["pictures"][0]) == pytest.approx(2 / 3, rel=0.05)


def test_somebody_else_runs_again_what_the_bot_answered(house: House, ada: str) -> None:
    answer, first = painted(house, "@threadpaint a tower of books", ada)
    _, second = painted(house, "re-run", "bea", in_reply_to=first["post_id"])
    assert (second["prompt"], second["parent_id"]) == ("a tower of books", first["id"])
    assert second["prompted_by"]["username"] == "bea"
    assert [post["id"] for post in replies(house, str(first["post_id"]))] == [answer["id"]]


def test_remix_adds_words_and_paints_over_the_picture(house: House, ada: str) -> None:
    answer, dark = painted(house, "@threadpaint a bowl of lemons --seed 1", ada, media=[photograph()])
    _, remixed = painted(house, "remix: on a table --seed 9", "bea", in_reply_to=answer["id"])
    assert (remixed["prompt"], remixed["parent_id"]) == ("a bowl of lemons, on a table", dark["id"])
    _, plain = painted(house, "@threadpaint a bowl of lemons, on a table --seed 9", "bea")
    assert lightness(house, remixed) < lightness(house, plain) - 20
    assert f"a picture by <bdi>@{ada}</bdi>" in page_of(house, remixed).text


def test_the_second_one_but_at_night_begins_from_the_second_picture(house: House, ada: str) -> None:
    answer, first = painted(house, "@threadpaint a lighthouse --n 2", ada)
    _, second = painted(house, "@threadpaint the second one, but at night", "bea", in_reply_to=answer["id"])
    assert (second["prompt"], second["parent_id"]) == ("a lighthouse, at night", first["id"])
    assert len(second["pictures"]) == 2


def test_a_photograph_on_the_post_is_painted_from(house: House, ada: str) -> None:
    _, creation = painted(house, "@threadpaint a bowl of lemons --seed 1", ada, media=[photograph()])
    assert lightness(house, creation) < 80
    assert "a picture that came with the post" in page_of(house, creation).text


def test_paint_this_means_the_words_of_the_post_above(house: House, ada: str) -> None:
    said = house.post("an old tram in the fog --ar 3:2", author="oldtomcat")
    _, creation = painted(house, "@threadpaint paint this", ada, in_reply_to=said)
    assert creation["prompt"] == "an old tram in the fog"
    assert shape_of(creation["pictures"][0]) == pytest.approx(3 / 2, rel=0.05)


def test_paint_this_means_the_words_of_the_quoted_post(house: House, ada: str) -> None:
    said = house.post("a heron on one leg", author="oldtomcat")
    _, creation = painted(house, "@threadpaint paint this", ada, quote_of=said)
    assert creation["prompt"] == "a heron on one leg"
    assert creation["prompted_by"]["username"] == ada


# -- words


def test_help_is_answered_in_words_once(house: House, ada: str) -> None:
    post_id = house.post("@threadpaint help", author=ada)
    answer = answer_to(house, post_id)
    assert answer["media"] == []
    assert "Mention me with what you want to see" in answer["text"]
    number = number_of(house, post_id)
    assert house.http.get(f"{house.gallery}/c/{number}").status_code == 404, "help is no creation"
    assert house.state()["duplicates"] == 0


def test_who_says_stop_is_left_alone_until_start(house: House, ada: str) -> None:
    assert "leave you alone" in answer_to(house, house.post("@threadpaint stop", author=ada))["text"]
    unheard = house.post("@threadpaint a castle", author=ada)
    wait_until(lambda: verdict_on(house, unheard) == "opted_out", "the post was not read")
    assert "Welcome back" in answer_to(house, house.post("@threadpaint start", author=ada))["text"]
    painted(house, "@threadpaint a castle", ada)
    assert replies(house, unheard) == []


def test_thanks_and_other_talk_paint_nothing(house: House, ada: str) -> None:
    answer, _ = painted(house, "@threadpaint a pear", ada)
    said = [house.post(words, author=ada, in_reply_to=answer["id"]) for words in ("thanks!", "now with a hat")]
    said.append(house.post("thank you @threadpaint!", author="bea"))
    for post_id in said:
        assert wait_until(lambda post_id=post_id: verdict_on(house, post_id), "the post was not read") == "talk"
    assert [number_of(house, post_id) for post_id in said] == [None] * 3


# -- taking back


def test_delete_is_refused_to_strangers_and_done_for_who_asked(house: House, ada: str) -> None:
    answer, creation = painted(house, "@threadpaint a pomegranate", ada)
    picture = creation["pictures"][0]["url"]
    stranger = house.post("@threadpaint delete", author="bea", in_reply_to=answer["id"])
    wait_until(lambda: verdict_on(house, stranger) == "not_yours", "the post was not read")
    assert page_of(house, creation).status_code == 200
    assert house.http.get(at_home(house, picture)).status_code == 200
    house.post("delete", author=ada, in_reply_to=answer["id"])
    wait_until(lambda: page_of(house, creation).status_code == 410, "the page is still there")
    assert house.http.get(at_home(house, picture)).status_code == 404
    wait_until(lambda: replies(house, creation["post_id"]) == [], "the answer is still on X")
    key = picture.partition("/pictures/")[2]
    wait_until(lambda: not (house.data / "pictures" / key).exists(), "the file is still there")


# -- refusals


def test_an_unsafe_prompt_is_refused_without_a_word_on_x(house: House, ada: str) -> None:
    post_id = house.post("@threadpaint a portrait, nsfw", author=ada)
    creation = creation_of(house, post_id)
    assert (creation["state"], creation["code"], creation["pictures"]) == ("refused", "unsafe", [])
    assert replies(house, post_id) == []


def test_who_writes_too_much_is_told_so(house: House, ada: str) -> None:
    post_id = house.post("@threadpaint " + "very " * 500 + "long", author=ada)
    assert "fewer words" in answer_to(house, post_id)["text"]
    assert creation_of(house, post_id)["code"] == "too_long"


# -- posts as X has them


def test_a_long_post_is_read_to_its_end(house: House, ada: str) -> None:
    prompt = "a town by the sea, " + "one more narrow house, " * 40 + "and a cat on the last roof"
    _, creation = painted(house, f"@threadpaint {prompt} --seed 7", ada)
    assert creation["prompt"] == prompt
    assert seeds(creation) == [7]


def test_the_same_words_twice_are_two_pictures_and_two_answers(house: House, ada: str) -> None:
    posts = [house.post("@threadpaint a red bicycle", author=ada) for _ in range(2)]
    texts = [answer_to(house, post_id)["text"] for post_id in posts]
    one, other = (creation_of(house, post_id) for post_id in posts)
    assert texts[0] != texts[1]
    assert one["prompt"] == other["prompt"]
    assert seeds(one) != seeds(other)


def test_an_edit_before_the_painting_is_what_is_painted(house: House, ada: str) -> None:
    (painter,) = house.processes("-m gpu")
    painter.suspend()
    try:
        before = [house.post(f"@threadpaint boat number {n}", author=ada) for n in range(3)]
        wait_until(lambda: _states(house).get("painting") == 3, "the workers are not all busy")
        post_id = house.post("@threadpaint a cat", author=ada)
        wait_until(lambda: _prompt_of(house, post_id) == "a cat", "the post was not read")
        edit = house.http.post(f"{house.sandbox}/sandbox/posts/{post_id}/edit", json={"text": "@threadpaint a dog"})
        assert edit.status_code == 201, edit.text
        wait_until(lambda: _prompt_of(house, post_id) == "a dog", "the edit was not read")
    finally:
        painter.resume()
    creation = creation_of(house, post_id)
    assert (creation["prompt"], creation["state"]) == ("a dog", "replied")
    for other in before:
        answer_to(house, other)
    assert house.answers()[post_id] == 1


def _states(house: House) -> Json:
    return dict(house.http.get(f"{house.gallery}/healthz").json()["states"])


def _prompt_of(house: House, post_id: str) -> str | None:
    row = _row(house, "SELECT prompt FROM creation WHERE post_id = ?", post_id)
    return str(row[0]) if row else None


# -- the opening thread


def opening(house: House) -> str:
    posts = house.http.get(f"{house.sandbox}/sandbox/posts", params={"limit": 1000}).json()["data"]
    return min((post["id"] for post in posts if post["author"]["username"] == "threadpaint"), key=int)


def test_a_reply_to_the_opening_thread_asks_without_the_handle(house: House, ada: str) -> None:
    _, creation = painted(house, "a garden of paper flowers", ada, in_reply_to=opening(house))
    assert creation["prompt"] == "a garden of paper flowers"


def test_where_x_refuses_who_does_not_name_us_all_is_painted_and_soon_no_call_is_wasted(house: House, ada: str) -> None:
    house.control("rules", strict_explicit=True)
    try:
        before, thread = calls(house, REPLY_CALL), opening(house)
        outcomes = []
        for number in range(5):
            post_id = house.post(f"a paper boat, number {number}", author=ada, in_reply_to=thread)
            creation = creation_of(house, post_id)
            assert (creation["state"], len(creation["pictures"])) == ("painted", 1)
            assert creation["url"] in [one["url"] for one in house.creations()]
            assert replies(house, post_id) == []
            outcomes.append(creation["reply_outcome"])
        assert outcomes == ["x_not_summoned"] * 3 + ["x_prefix_only"] * 2
        assert calls(house, REPLY_CALL) - before == 3
        painted(house, "@threadpaint a paper boat, named", ada, in_reply_to=thread)
    finally:
        house.control("rules", strict_explicit=False)
