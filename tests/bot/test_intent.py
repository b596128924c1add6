"""What counts as asking, and what is asked for. All else is talk."""

from dataclasses import replace
from typing import Any

import pytest

from bot.intent import Intent, PostContext, ReplyTarget, parse_intent
from bot.intent.options import Options
from core.x import Author, Post, Span
from core.x.posts import Media
from tests.support.posts import BOT, make_post

OPENING, ANSWER, ASKED = 500, 600, 601
ADA, BEA = 7, 8
TARGET = ReplyTarget(
    3, ADA, True, "a fox", Options(count=1, aspect_ratio="16:9", style="ink"), picture_keys=("ab/cd.webp",)
)
HANDLES = "@ada @threadpaint "


def wish(text: str, scene: PostContext | None = None, **values: Any) -> Intent | None:
    return parse_intent(make_post(text, **values), scene or PostContext(BOT, frozenset({OPENING})))


def under_the_answer(words: str, **values: Any) -> Intent | None:
    """Said right under the bot's picture; X put the handle there."""
    given = {"in_reply_to_id": ANSWER, "in_reply_to_person_id": BOT, "display_start": len(HANDLES)} | values
    return wish(HANDLES + words, PostContext(BOT, frozenset({OPENING}), TARGET), **given)


def under_the_asked(words: str, **values: Any) -> Intent | None:
    """Said right under somebody's post that the bot answered."""
    given = {"in_reply_to_id": ASKED, "in_reply_to_person_id": ADA, "display_start": len(HANDLES)} | values
    scene = PostContext(BOT, frozenset({OPENING}), replace(TARGET, is_answer=False))
    return wish(HANDLES + words, scene, author_id=BEA, **given)


def photo(url: str = "https://pbs.example/fox.jpg", kind: str = "photo") -> Media:
    return Media("3_1", kind, url)


def test_an_explicit_mention_anywhere_asks() -> None:
    for text in ("@threadpaint a fox", "a fox @threadpaint", "@bea look: @threadpaint a fox"):
        found = wish(text)
        assert found is not None
        assert (found.action, found.mention_type) == ("prompt", "mention")


def test_a_mention_without_an_id_asks_by_its_handle() -> None:
    without_id = (Span(0, 12, None, "threadpaint"),)
    for scene in (PostContext(BOT), PostContext(BOT, bot_handle="ThreadPaint")):
        found = wish("@threadpaint a fox", scene, mentions=without_id)
        assert found is not None
        assert (found.action, found.prompt, found.mention_type) == ("prompt", "a fox", "mention")
    assert wish("@threadpaint a fox", PostContext(BOT, bot_handle="other"), mentions=without_id) is None


def test_a_direct_reply_to_a_watched_post_asks_even_with_the_handle_in_the_prefix_only() -> None:
    found = wish("@threadpaint a fox", display_start=13, in_reply_to_id=OPENING)
    assert found is not None
    assert (found.action, found.prompt, found.mention_type) == ("prompt", "a fox", "prefix")


def test_a_reply_to_a_watched_post_whose_author_took_the_handle_away_asks() -> None:
    found = wish("a fox", in_reply_to_id=OPENING)
    assert found is not None
    assert found.prompt == "a fox"


@pytest.mark.parametrize("words", ["thanks!", "wow", "again and again", "ok", "a blue one next time", "lol stop"])
def test_other_replies_where_the_bot_once_spoke_are_talk(words: str) -> None:
    assert under_the_answer(words) is None
    assert under_the_asked(words) is None


def test_thanks_are_talk_even_with_the_handle_written_and_under_a_watched_post() -> None:
    assert wish("thanks @threadpaint!") is None
    assert wish("Wow 🤩", in_reply_to_id=OPENING) is None


def test_a_quote_without_a_mention_is_talk() -> None:
    assert wish("look what it made", quoted_id=ANSWER) is None


def test_a_repost_like_text_of_somebody_else_is_not_more_than_its_words() -> None:
    assert wish("nobody named here") is None


def test_again_under_a_picture_is_the_same_prompt_with_another_seed() -> None:
    found = under_the_answer("again")
    assert found is not None
    assert (found.action, found.prompt, found.options.seed, found.target) == ("again", "a fox", None, TARGET)
    assert found.options.aspect_ratio == "16:9"
    assert found.options.style == "ink"


def test_again_takes_options() -> None:
    found = under_the_answer("again --ar 1:1 --seed 5")
    assert found is not None
    assert (found.options.aspect_ratio, found.options.seed, found.options.style) == ("1:1", 5, "ink")


def test_again_works_under_somebody_elses_post_that_the_bot_answered() -> None:
    found = under_the_asked("Re-run!")
    assert found is not None
    assert (found.action, found.prompt) == ("again", "a fox")


def test_again_without_a_picture_is_a_prompt() -> None:
    found = wish("@threadpaint again")
    assert found is not None
    assert (found.action, found.prompt) == ("prompt", "again")


def test_remix_begins_from_the_picture_it_stands_under() -> None:
    for found in (under_the_answer("remix: a blue fox"), under_the_answer("remix a blue fox")):
        assert found is not None
        assert (found.action, found.prompt, found.init_image_key) == ("remix", "a blue fox", "ab/cd.webp")
        assert found.options == Options(aspect_ratio="16:9")


def test_remix_without_words_keeps_those_of_its_picture() -> None:
    found = under_the_answer("remix --style oil")
    assert found is not None
    assert (found.prompt, found.init_image_key, found.options.style) == ("a fox", "ab/cd.webp", "oil")


def test_under_somebody_elses_post_remix_needs_its_colon_or_the_handle() -> None:
    assert under_the_asked("remix culture is dead") is None
    assert under_the_asked("remix: a blue fox") is not None
    assert under_the_asked("@threadpaint remix a blue fox") is not None


def test_remix_of_nothing_is_a_prompt_that_begins_from_the_picture_at_hand() -> None:
    parent = make_post("look at my fox", author_id=BEA, media=(photo(),))
    found = wish("@threadpaint remix: in winter", in_reply_to_id=parent.id, parent=parent)
    assert found is not None
    assert (found.action, found.prompt, found.init_image_url) == ("prompt", "in winter", "https://pbs.example/fox.jpg")


def test_a_photo_that_hangs_on_the_post_is_what_it_begins_from() -> None:
    found = wish("@threadpaint as an oil painting", media=(photo(kind="video"), photo()))
    assert found is not None
    assert found.init_image_url == "https://pbs.example/fox.jpg"


@pytest.mark.parametrize(
    "media", [photo("ftp://x/fox.jpg"), photo("javascript:x"), photo(kind="video"), Media("3_2", "photo")]
)
def test_what_is_no_photo_of_x_is_not_begun_from(media: Media) -> None:
    found = wish("@threadpaint a fox", media=(media,))
    assert found is not None
    assert found.init_image_url is None


def test_delete_is_said_to_a_picture() -> None:
    found = under_the_answer("delete")
    assert found is not None
    assert (found.action, found.target) == ("delete", TARGET)


def test_delete_said_by_others_under_somebodys_post_is_talk() -> None:
    assert under_the_asked("delete this") is None
    own = under_the_asked("delete", author=Author(ADA, "ada", "Ada"))
    assert own is not None
    assert own.action == "delete"


@pytest.mark.parametrize("name", ["stop", "start", "help"])
def test_stop_start_and_help_are_said_to_the_bot(name: str) -> None:
    for found in (wish(f"@threadpaint {name}"), under_the_answer(name), wish(name, in_reply_to_id=OPENING)):
        assert found is not None
        assert found.action == name


def test_a_strangers_stop_deep_in_a_thread_is_talk() -> None:
    assert under_the_asked("stop") is None
    assert wish("@ada @threadpaint stop", display_start=18, in_reply_to_id=9, in_reply_to_person_id=ADA) is None


def other(text: str, **values: Any) -> Post:
    return make_post(text, author_id=BEA, **values)


@pytest.mark.parametrize("words", ["paint this", "", "this!", "Draw this --n 2"])
def test_paint_this_takes_the_words_of_the_post_above(words: str) -> None:
    above = other("@carl a lighthouse &amp; fog https://t.co/x --ar 3:2", media=(photo(),))
    found = wish(f"@threadpaint {words}", in_reply_to_id=above.id, parent=above)
    assert found is not None
    assert (found.action, found.prompt, found.options.aspect_ratio) == ("prompt", "a lighthouse & fog", "3:2")
    assert found.init_image_url == "https://pbs.example/fox.jpg"


def test_paint_this_takes_the_quoted_post_before_the_one_above() -> None:
    above, quoted = other("not this"), other("a lighthouse")
    found = wish("@threadpaint paint this", in_reply_to_id=above.id, parent=above, quoted_id=quoted.id, quoted=quoted)
    assert found is not None
    assert found.prompt == "a lighthouse"


def test_a_post_that_x_did_not_send_along_is_asked_for_and_then_read() -> None:
    missing = other("a lighthouse")
    post = make_post("@threadpaint paint this", in_reply_to_id=missing.id)
    first = parse_intent(post, PostContext(BOT))
    assert first is not None
    assert first.source_post_id == missing.id
    second = parse_intent(post, PostContext(BOT, looked_up={missing.id: missing}))
    assert second is not None
    assert (second.prompt, second.source_post_id) == ("a lighthouse", None)


def test_words_of_the_bot_or_of_who_hides_or_said_stop_are_not_painted() -> None:
    of_bot = make_post("Painting No. 1", author_id=BOT)
    hidden = make_post("a secret", author=Author(9, "carl", "Carl", protected=True))
    stopped = make_post("a fox", author_id=10)
    for source in (of_bot, hidden, stopped):
        scene = PostContext(BOT, silent=frozenset({10}))
        found = wish("@threadpaint paint this", scene, in_reply_to_id=source.id, parent=source)
        assert found is not None
        assert (found.prompt, found.source_post_id) == ("", None)


def test_a_mention_alone_without_any_post_around_asks_for_nothing() -> None:
    found = wish("@threadpaint")
    assert found is not None
    assert (found.action, found.prompt, found.source_post_id) == ("prompt", "", None)


def test_emoji_before_the_handle_do_not_shift_what_is_cut() -> None:
    found = wish("🦊🦊 @threadpaint &lt;3 two foxes 👩‍🚀")
    assert found is not None
    assert found.prompt == "🦊🦊 <3 two foxes 👩‍🚀"
