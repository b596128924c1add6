"""Test everything that users can say to the bot, with a whole running demo."""

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

from tests.support.demo import NO_LIMITS_AND_BUDGETS, Demo, forked_demo
from tests.support.servers import wait_until

pytestmark = pytest.mark.processes

Json = dict[str, Any]
REPLY_CALL = "POST /2/tweets"
SETTLED = {"replied", "refused", "failed"}
people = count()


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """Start a demo for this file alone, because the last test changes the rules of X."""
    with forked_demo(tmp_path_factory.mktemp("asking"), **NO_LIMITS_AND_BUDGETS, PURGE_INTERVAL_SECONDS="0.5") as demo:
        demo.control("limits", off=True)
        yield demo


@pytest.fixture
def ada() -> str:
    """Return a new user for each test, so that no usage limit carries over."""
    return f"ada_{next(people)}"


def replies(demo: Demo, post_id: str) -> list[Json]:
    answer = demo.http.get(f"{demo.sandbox}/sandbox/posts/{post_id}/replies").raise_for_status()
    return [post for post in answer.json()["data"] if post["author"]["username"] == "threadpaint"]


def answer_to(demo: Demo, post_id: str) -> Json:
    """Return the bot's reply. Fail if there are several."""
    (answer,) = wait_until(lambda: replies(demo, post_id), f"no answer to {post_id}", within=90)
    return dict(answer)


def creation_of(demo: Demo, post_id: str) -> Json:
    """Return the creation of a post from the gallery's API, once its state is final."""
    number = wait_until(lambda: number_of(demo, post_id), f"no creation of {post_id}", within=90)

    def settled() -> Json | None:
        shown = dict(demo.ask(f"/api/creations/{number}").raise_for_status().json())
        return shown if shown["state"] in SETTLED or shown["reply_status"] else None

    return dict(wait_until(settled, f"creation {number} is stuck", within=90))


def number_of(demo: Demo, post_id: str) -> int | None:
    """Return the id of a post's creation. Read from the tables, because the API lists only public creations."""
    row = _row(demo, "SELECT id FROM creation WHERE post_id = ?", post_id)
    return int(row[0]) if row else None


def classification_of(demo: Demo, post_id: str) -> str | None:
    """Return the bot's classification of a post, or None if the bot has not read it yet."""
    row = _row(demo, "SELECT classification FROM post WHERE id = ?", post_id)
    return str(row[0]) if row else None


def _row(demo: Demo, sql: str, value: str) -> Any:
    with closing(sqlite3.connect(f"file:{demo.data / 'threadpaint.db'}?mode=ro", uri=True)) as tables:
        return tables.execute(sql, (int(value),)).fetchone()


def painted(demo: Demo, text: str, author: str, **values: Any) -> tuple[Json, Json]:
    """Post a prompt. Return the bot's reply and the creation."""
    post_id = demo.post(text, author=author, **values)
    answer = answer_to(demo, post_id)
    assert answer["media"], answer["text"]
    return answer, creation_of(demo, post_id)


def seeds(creation: Json) -> list[int]:
    return [int(picture["seed"]) for picture in creation["pictures"]]


def page_of(demo: Demo, creation: Json) -> httpx.Response:
    return demo.http.get(resolve(demo, creation["url"]))


def resolve(demo: Demo, address: str) -> httpx.URL:
    """Resolve an address of the API, which is relative if GALLERY_URL is not set."""
    return httpx.URL(demo.gallery).join(address)


def lightness(demo: Demo, creation: Json) -> float:
    """Return the mean lightness of a picture. A picture with a black init image stays dark."""
    file = demo.http.get(resolve(demo, creation["pictures"][0]["url"])).raise_for_status()
    with Image.open(io.BytesIO(file.content)) as image:
        return ImageStat.Stat(image.convert("L")).mean[0]


def photograph() -> str:
    """Return a black photo in base64."""
    file = io.BytesIO()
    Image.new("RGB", (320, 200)).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def calls(demo: Demo, name: str) -> int:
    return sum(demo.state()["calls"].get(name, {}).values())


def aspect_ratio_of(picture: Json) -> float:
    """Return width divided by height. The GPU service chooses the pixels."""
    return float(picture["width"] / picture["height"])


# -- options


def test_a_prompt_with_options_gets_one_reply_with_four_wide_pictures(demo: Demo, ada: str) -> None:
    words = "@threadpaint a harbour at dawn --ar 16:9 --n 4 --seed 42 --style ink --no people"
    answer, creation = painted(demo, words, ada)
    assert len(answer["media"]) == 4
    assert [media["width"] > media["height"] for media in answer["media"]] == [True] * 4
    assert creation["prompt"] == "a harbour at dawn"
    assert (creation["style"], creation["negative_prompt"]) == ("ink", "people")
    assert [aspect_ratio_of(one) for one in creation["pictures"]] == [pytest.approx(16 / 9, rel=0.05)] * 4
    assert seeds(creation) == [42, 43, 44, 45]


def test_bad_options_are_corrected_or_dropped_and_the_page_says_so(demo: Demo, ada: str) -> None:
    _, creation = painted(demo, "@threadpaint a harbour --chaos 9 --ar 7:5 at dawn", ada)
    assert creation["prompt"] == "a harbour at dawn"
    assert aspect_ratio_of(creation["pictures"][0]) == pytest.approx(4 / 3, rel=0.05)
    assert "“--ar 7:5” is not an available aspect ratio: the nearest is 4:3." in page_of(demo, creation).text


# -- re-runs and remixes


def test_again_under_a_picture_reruns_the_prompt_with_a_new_seed(demo: Demo, ada: str) -> None:
    answer, first = painted(demo, "@threadpaint a fox in the snow --ar 2:3", ada)
    _, second = painted(demo, "again", ada, in_reply_to=answer["id"])
    assert second["prompt"] == "a fox in the snow"
    assert second["parent_id"] == first["id"]
    assert seeds(second) != seeds(first)
    assert aspect_ratio_of(second["pictures"][0]) == pytest.approx(2 / 3, rel=0.05)


def test_another_user_reruns_an_answered_post(demo: Demo, ada: str) -> None:
    answer, first = painted(demo, "@threadpaint a tower of books", ada)
    _, second = painted(demo, "re-run", "bea", in_reply_to=first["post_id"])
    assert (second["prompt"], second["parent_id"]) == ("a tower of books", first["id"])
    assert second["prompted_by"]["username"] == "bea"
    assert [post["id"] for post in replies(demo, str(first["post_id"]))] == [answer["id"]]


def test_remix_adds_words_and_starts_from_the_picture(demo: Demo, ada: str) -> None:
    answer, dark = painted(demo, "@threadpaint a bowl of lemons --seed 1", ada, media=[photograph()])
    _, remixed = painted(demo, "remix: on a table --seed 9", "bea", in_reply_to=answer["id"])
    assert (remixed["prompt"], remixed["parent_id"]) == ("a bowl of lemons, on a table", dark["id"])
    _, plain = painted(demo, "@threadpaint a bowl of lemons, on a table --seed 9", "bea")
    assert lightness(demo, remixed) < lightness(demo, plain) - 10
    assert f"a picture by <bdi>@{ada}</bdi>" in page_of(demo, remixed).text


def test_the_second_one_but_at_night_starts_from_the_second_picture(demo: Demo, ada: str) -> None:
    answer, first = painted(demo, "@threadpaint a lighthouse --n 2", ada)
    _, second = painted(demo, "@threadpaint the second one, but at night", "bea", in_reply_to=answer["id"])
    assert (second["prompt"], second["parent_id"]) == ("a lighthouse, at night", first["id"])
    assert len(second["pictures"]) == 2


def test_a_photo_in_the_post_is_the_init_image(demo: Demo, ada: str) -> None:
    _, creation = painted(demo, "@threadpaint a bowl of lemons --seed 1", ada, media=[photograph()])
    assert lightness(demo, creation) < 80
    assert "the photo in the post" in page_of(demo, creation).text


def test_paint_this_uses_the_text_of_the_parent_post(demo: Demo, ada: str) -> None:
    said = demo.post("an old tram in the fog --ar 3:2", author="oldtomcat")
    _, creation = painted(demo, "@threadpaint paint this", ada, in_reply_to=said)
    assert creation["prompt"] == "an old tram in the fog"
    assert aspect_ratio_of(creation["pictures"][0]) == pytest.approx(3 / 2, rel=0.05)


def test_paint_this_uses_the_text_of_the_quoted_post(demo: Demo, ada: str) -> None:
    said = demo.post("a heron on one leg", author="oldtomcat")
    _, creation = painted(demo, "@threadpaint paint this", ada, quote_of=said)
    assert creation["prompt"] == "a heron on one leg"
    assert creation["prompted_by"]["username"] == ada


# -- text replies


def test_help_gets_one_text_reply(demo: Demo, ada: str) -> None:
    post_id = demo.post("@threadpaint help", author=ada)
    answer = answer_to(demo, post_id)
    assert answer["media"] == []
    assert "Mention me with what you want to see" in answer["text"]
    number = number_of(demo, post_id)
    assert demo.http.get(f"{demo.gallery}/c/{number}").status_code == 404, "help is no creation"
    assert demo.state()["duplicates"] == 0


def test_stop_opts_out_until_start(demo: Demo, ada: str) -> None:
    assert "I'll stop" in answer_to(demo, demo.post("@threadpaint stop", author=ada))["text"]
    ignored = demo.post("@threadpaint a castle", author=ada)
    wait_until(lambda: classification_of(demo, ignored) == "opted_out", "the post was not read")
    assert "Welcome back" in answer_to(demo, demo.post("@threadpaint start", author=ada))["text"]
    painted(demo, "@threadpaint a castle", ada)
    assert replies(demo, ignored) == []


def test_thanks_and_other_talk_create_nothing(demo: Demo, ada: str) -> None:
    answer, _ = painted(demo, "@threadpaint a pear", ada)
    said = [demo.post(words, author=ada, in_reply_to=answer["id"]) for words in ("thanks!", "now with a hat")]
    said.append(demo.post("thank you @threadpaint!", author="bea"))
    for post_id in said:
        assert wait_until(lambda post_id=post_id: classification_of(demo, post_id), "the post was not read") == "talk"
    assert [number_of(demo, post_id) for post_id in said] == [None] * 3


# -- deleting


def test_only_the_requester_can_delete(demo: Demo, ada: str) -> None:
    answer, creation = painted(demo, "@threadpaint a pomegranate", ada)
    picture = creation["pictures"][0]["url"]
    other = demo.post("@threadpaint delete", author="bea", in_reply_to=answer["id"])
    wait_until(lambda: classification_of(demo, other) == "not_yours", "the post was not read")
    assert page_of(demo, creation).status_code == 200
    assert demo.http.get(resolve(demo, picture)).status_code == 200
    demo.post("delete", author=ada, in_reply_to=answer["id"])
    wait_until(lambda: page_of(demo, creation).status_code == 410, "the page is still there")
    assert demo.http.get(resolve(demo, picture)).status_code == 404
    wait_until(lambda: replies(demo, creation["post_id"]) == [], "the reply is still on X")
    key = picture.partition("/pictures/")[2]
    wait_until(lambda: not (demo.data / "pictures" / key).exists(), "the file is still there")


# -- refusals


def test_an_unsafe_prompt_gets_a_reason_and_no_picture(demo: Demo, ada: str) -> None:
    post_id = demo.post("@threadpaint a portrait, nsfw", author=ada)
    creation = creation_of(demo, post_id)
    assert (creation["state"], creation["reason_code"], creation["pictures"]) == ("refused", "unsafe", [])
    answer = answer_to(demo, post_id)
    assert "I can't paint that" in answer["text"]
    assert not answer.get("media")


def test_a_too_long_prompt_is_refused_with_a_reason(demo: Demo, ada: str) -> None:
    post_id = demo.post("@threadpaint " + "very " * 500 + "long", author=ada)
    assert "fewer words" in answer_to(demo, post_id)["text"]
    assert creation_of(demo, post_id)["reason_code"] == "too_long"


# -- unusual posts


def test_a_long_post_is_read_completely(demo: Demo, ada: str) -> None:
    prompt = "a town by the sea, " + "one more narrow house, " * 40 + "and a cat on the last roof"
    _, creation = painted(demo, f"@threadpaint {prompt} --seed 7", ada)
    assert creation["prompt"] == prompt
    assert seeds(creation) == [7]


def test_the_same_prompt_twice_gets_two_pictures_and_two_replies(demo: Demo, ada: str) -> None:
    posts = [demo.post("@threadpaint a red bicycle", author=ada) for _ in range(2)]
    texts = [answer_to(demo, post_id)["text"] for post_id in posts]
    one, other = (creation_of(demo, post_id) for post_id in posts)
    assert texts[0] != texts[1]
    assert one["prompt"] == other["prompt"]
    assert seeds(one) != seeds(other)


def test_an_edit_before_painting_is_painted(demo: Demo, ada: str) -> None:
    (gpu_service,) = demo.processes("-m gpu")
    gpu_service.suspend()
    try:
        before = [demo.post(f"@threadpaint boat number {n}", author=ada) for n in range(3)]
        wait_until(lambda: _states(demo).get("painting") == 3, "the workers are not all busy")
        post_id = demo.post("@threadpaint a cat", author=ada)
        wait_until(lambda: _prompt_of(demo, post_id) == "a cat", "the post was not read")
        edit = demo.http.post(f"{demo.sandbox}/sandbox/posts/{post_id}/edit", json={"text": "@threadpaint a dog"})
        assert edit.status_code == 201, edit.text
        wait_until(lambda: _prompt_of(demo, post_id) == "a dog", "the edit was not read")
    finally:
        gpu_service.resume()
    creation = creation_of(demo, post_id)
    assert (creation["prompt"], creation["state"]) == ("a dog", "replied")
    for other in before:
        answer_to(demo, other)
    assert demo.answers()[post_id] == 1


def _states(demo: Demo) -> Json:
    return dict(demo.http.get(f"{demo.gallery}/healthz").json()["states"])


def _prompt_of(demo: Demo, post_id: str) -> str | None:
    row = _row(demo, "SELECT prompt FROM creation WHERE post_id = ?", post_id)
    return str(row[0]) if row else None


# -- the announcement thread


def announcement(demo: Demo) -> str:
    posts = demo.http.get(f"{demo.sandbox}/sandbox/posts", params={"limit": 1000}).json()["data"]
    return min((str(post["id"]) for post in posts if post["author"]["username"] == "threadpaint"), key=int)


def test_a_reply_to_the_announcement_is_a_prompt_without_the_handle(demo: Demo, ada: str) -> None:
    _, creation = painted(demo, "a garden of paper flowers", ada, in_reply_to=announcement(demo))
    assert creation["prompt"] == "a garden of paper flowers"


def test_refused_implicit_mentions_are_painted_and_soon_cost_no_calls(demo: Demo, ada: str) -> None:
    demo.control("rules", strict_explicit=True)
    try:
        before, thread = calls(demo, REPLY_CALL), announcement(demo)
        outcomes = []
        for number in range(5):
            post_id = demo.post(f"a paper boat, number {number}", author=ada, in_reply_to=thread)
            creation = creation_of(demo, post_id)
            assert (creation["state"], len(creation["pictures"])) == ("painted", 1)
            assert creation["url"] in [one["url"] for one in demo.creations()]
            assert replies(demo, post_id) == []
            outcomes.append(creation["reply_status"])
        assert outcomes == ["x_not_summoned"] * 3 + ["x_prefix_only"] * 2
        assert calls(demo, REPLY_CALL) - before == 3
        painted(demo, "@threadpaint a paper boat, named", ada, in_reply_to=thread)
    finally:
        demo.control("rules", strict_explicit=False)
