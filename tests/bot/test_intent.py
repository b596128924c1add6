"""What counts as asking, and what is asked for. All else is talk."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
        assert (found.action, found.prompt, found.init_image_key) == ("remix", "a fox, a blue fox", "ab/cd.webp")
        assert found.options == TARGET.options


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


def with_handle(words: str, target: ReplyTarget = TARGET, **values: Any) -> Intent:
    """Said right under the bot's picture, with the handle."""
    found = wish(f"@threadpaint {words}", PostContext(BOT, target=target), in_reply_to_id=ANSWER, **values)
    assert found is not None
    return found


def test_a_change_keeps_what_was_chosen_for_the_picture_but_its_seed() -> None:
    target = replace(TARGET, options=replace(TARGET.options, count=4, negative="people"))
    found = with_handle("make it blue --ar 1:1", target)
    assert found.options == Options(count=4, aspect_ratio="1:1", style="ink", negative="people")
    assert found.options.seed is None


def test_what_is_to_go_is_named_to_the_model_beside_what_was_left_out_before() -> None:
    target = replace(TARGET, options=Options(negative="people"))
    found = with_handle("remove the hat", target)
    assert (found.prompt, found.options.negative) == ("a fox, without the hat", "people, the hat")


def test_words_that_are_there_are_not_added_again() -> None:
    target = replace(TARGET, prompt="a fox, blue")
    assert with_handle("make it blue", target).prompt == "a fox, blue"
    assert with_handle("now at night", target).prompt == "a fox, blue, at night"


def test_a_picture_that_is_not_there_is_the_last_one_and_the_label_says_so() -> None:
    target = replace(TARGET, picture_keys=("one", "two"))
    found = with_handle("the fourth one, but at night", target)
    assert (found.init_image_key, found.options.corrections) == ("two", (("picture", "4", "2"),))
    assert with_handle("the last one", target).init_image_key == "two"


def test_a_picture_still_to_come_or_lost_is_changed_by_its_words_alone() -> None:
    found = with_handle("make it blue", replace(TARGET, picture_keys=()))
    assert (found.prompt, found.init_image_key, found.target) == ("a fox, blue", None, replace(TARGET, picture_keys=()))


def test_a_photo_that_comes_with_a_change_is_what_it_begins_from() -> None:
    found = with_handle("make it look like this", media=(photo(),))
    assert (found.init_image_url, found.init_image_key) == ("https://pbs.example/fox.jpg", None)


def test_of_a_deleted_picture_nothing_is_repeated() -> None:
    for words, own in (("make it blue", "blue"), ("the second one", ""), ("again", ""), ("variations", "")):
        found = with_handle(words, TARGET.redacted())
        assert (found.prompt, found.init_image_key, found.target and found.target.deleted) == (own, None, True)


def test_options_alone_ask_for_the_same_with_these_options() -> None:
    found = with_handle("--ar 1:1 --n 2")
    assert (found.action, found.prompt, found.options.aspect_ratio, found.options.count) == ("again", "a fox", "1:1", 2)


def test_the_handle_alone_under_a_picture_asks_for_words() -> None:
    found = with_handle("")
    assert (found.action, found.prompt, found.target) == ("prompt", "", None)


def test_two_more_are_two_and_never_more_than_four() -> None:
    assert with_handle("two more please").options.count == 2
    assert with_handle("10 more!").options.count == 4
    assert with_handle("two more --n 3").options.count == 3


def test_words_under_an_answer_in_words_are_a_prompt_of_their_own() -> None:
    for target in (replace(TARGET, is_text=True), replace(TARGET, is_text=True).redacted()):
        found = with_handle("a red house", target)
        assert (found.action, found.prompt, found.target) == ("prompt", "a red house", None)


def test_the_answer_to_the_bots_question_needs_no_handle_and_keeps_the_photo() -> None:
    question = ReplyTarget(3, ADA, True, "", Options(), (), "https://pbs.example/a.jpg", is_text=True, is_question=True)
    values = {"in_reply_to_id": ANSWER, "in_reply_to_person_id": BOT, "display_start": len(HANDLES)}
    for words, prompt in (
        ("as a comic", "as a comic"),
        ("paint it as a comic", "as a comic"),
        ("a red fox", "a red fox"),
    ):
        found = wish(HANDLES + words, PostContext(BOT, target=question), **values)
        assert found is not None
        assert (found.action, found.prompt, found.init_image_url) == ("prompt", prompt, "https://pbs.example/a.jpg")
    assert wish(f"{HANDLES}as a comic", PostContext(BOT, target=question), author_id=BEA, **values) is None


def test_a_quote_with_the_handle_means_the_picture_that_is_quoted() -> None:
    found = wish("@threadpaint the second one but at night", PostContext(BOT, target=TARGET), quoted_id=ANSWER)
    assert found is not None
    assert (found.action, found.prompt, found.target) == ("remix", "a fox, at night", TARGET)


def test_this_cat_is_the_one_on_the_photo_above() -> None:
    above = other("look!", media=(photo(),))
    found = wish("@threadpaint draw this cat as a pirate", in_reply_to_id=above.id, parent=above)
    assert found is not None
    assert (found.prompt, found.init_image_url) == ("this cat as a pirate", "https://pbs.example/fox.jpg")


def test_a_photo_without_words_is_painted_by_its_description() -> None:
    described = Media("3_1", "photo", "https://pbs.example/fox.jpg", alt_text="a fox asleep")
    above = make_post("", author_id=BEA, media=(described,))
    found = wish("@threadpaint paint this", in_reply_to_id=above.id, parent=above)
    assert found is not None
    assert (found.prompt, found.init_image_url) == ("a fox asleep", "https://pbs.example/fox.jpg")


def test_again_in_a_thread_without_a_picture_is_told_that_there_is_none() -> None:
    above = other("nice weather")
    found = wish("@threadpaint again", in_reply_to_id=above.id, parent=above)
    assert found is not None
    assert (found.action, found.target) == ("again", None)


@pytest.mark.parametrize(
    "text",
    [".@threadpaint stop", '"@threadpaint stop"', "stop @threadpaint!", "(@threadpaint stop)", "@threadpaint: stop."],
)
def test_signs_around_the_handle_do_not_hide_a_command(text: str) -> None:
    found = wish(text)
    assert found is not None
    assert found.action == "stop"


@given(st.text(max_size=80))
def test_no_words_make_it_fail(words: str) -> None:
    for target in (None, TARGET, TARGET.redacted()):
        wish(f"@threadpaint {words}", PostContext(BOT, target=target), in_reply_to_id=ANSWER)


def test_the_longest_post_is_read_in_a_moment() -> None:
    for words in ("again " * 4000, "a " * 12000, "stop, " * 4000, "返信" * 6000):
        wish(f"@threadpaint {words}", PostContext(BOT, target=TARGET), in_reply_to_id=ANSWER)
