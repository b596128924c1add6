"""Test what a post asks for. Everything else is talk."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.intent import Intent, PostContext, ReplyTarget, parse_intent
from bot.intent.options import Options
from core.x import Author, Post, TextSpan
from core.x.types import Media
from tests.support.x_posts import BOT, make_post

OPENING, ANSWER, ASKED = 500, 600, 601
ADA, BEA = 7, 8
TARGET = ReplyTarget(
    3, ADA, True, "a fox", Options(count=1, aspect_ratio="16:9", style="ink"), picture_keys=("ab/cd.webp",)
)
HANDLES = "@ada @threadpaint "


def parse(text: str, context: PostContext | None = None, **values: Any) -> Intent | None:
    return parse_intent(make_post(text, **values), context or PostContext(BOT, frozenset({OPENING})))


def reply_to_picture(words: str, **values: Any) -> Intent | None:
    """Parse a reply to the bot's picture with an implicit mention."""
    defaults = {"in_reply_to_id": ANSWER, "in_reply_to_person_id": BOT, "display_start": len(HANDLES)} | values
    return parse(HANDLES + words, PostContext(BOT, frozenset({OPENING}), TARGET), **defaults)


def reply_to_request(words: str, **values: Any) -> Intent | None:
    """Parse a reply of another user to the post that the bot answered."""
    defaults = {"in_reply_to_id": ASKED, "in_reply_to_person_id": ADA, "display_start": len(HANDLES)} | values
    context = PostContext(BOT, frozenset({OPENING}), replace(TARGET, is_bot_reply=False))
    return parse(HANDLES + words, context, author_id=BEA, **defaults)


def photo(url: str = "https://pbs.example/fox.jpg", kind: str = "photo") -> Media:
    return Media("3_1", kind, url)


def test_explicit_mention_anywhere_is_a_prompt() -> None:
    for text in ("@threadpaint a fox", "a fox @threadpaint", "@bea look: @threadpaint a fox"):
        intent = parse(text)
        assert intent is not None
        assert (intent.action, intent.mention_type) == ("prompt", "mention")


def test_mention_without_id_counts_by_its_handle() -> None:
    without_id = (TextSpan(0, 12, None, "threadpaint"),)
    for context in (PostContext(BOT), PostContext(BOT, bot_handle="ThreadPaint")):
        intent = parse("@threadpaint a fox", context, mentions=without_id)
        assert intent is not None
        assert (intent.action, intent.prompt, intent.mention_type) == ("prompt", "a fox", "mention")
    assert parse("@threadpaint a fox", PostContext(BOT, bot_handle="other"), mentions=without_id) is None


def test_reply_to_a_watched_post_is_a_prompt_with_an_implicit_mention() -> None:
    intent = parse("@threadpaint a fox", display_start=13, in_reply_to_id=OPENING)
    assert intent is not None
    assert (intent.action, intent.prompt, intent.mention_type) == ("prompt", "a fox", "prefix")


def test_reply_to_a_watched_post_is_a_prompt_without_any_mention() -> None:
    intent = parse("a fox", in_reply_to_id=OPENING)
    assert intent is not None
    assert intent.prompt == "a fox"


@pytest.mark.parametrize("words", ["thanks!", "wow", "again and again", "ok", "a blue one next time", "lol stop"])
def test_other_replies_in_threads_with_the_bot_are_talk(words: str) -> None:
    assert reply_to_picture(words) is None
    assert reply_to_request(words) is None


def test_thanks_are_talk_even_with_an_explicit_mention() -> None:
    assert parse("thanks @threadpaint!") is None
    assert parse("Wow 🤩", in_reply_to_id=OPENING) is None


def test_quote_without_mention_is_talk() -> None:
    assert parse("look what it made", quoted_id=ANSWER) is None


def test_text_that_looks_like_a_repost_is_only_text() -> None:
    assert parse("nobody named here") is None


def test_again_under_a_picture_reruns_the_prompt() -> None:
    intent = reply_to_picture("again")
    assert intent is not None
    assert (intent.action, intent.prompt, intent.options.seed, intent.target) == ("again", "a fox", None, TARGET)
    assert intent.options.aspect_ratio == "16:9"
    assert intent.options.style == "ink"


def test_again_accepts_options() -> None:
    intent = reply_to_picture("again --ar 1:1 --seed 5")
    assert intent is not None
    assert (intent.options.aspect_ratio, intent.options.seed, intent.options.style) == ("1:1", 5, "ink")


def test_again_works_under_another_users_answered_post() -> None:
    intent = reply_to_request("Re-run!")
    assert intent is not None
    assert (intent.action, intent.prompt) == ("again", "a fox")


def test_again_without_a_picture_is_a_prompt() -> None:
    intent = parse("@threadpaint again")
    assert intent is not None
    assert (intent.action, intent.prompt) == ("prompt", "again")


def test_remix_uses_the_parent_picture_as_init_image() -> None:
    for intent in (reply_to_picture("remix: a blue fox"), reply_to_picture("remix a blue fox")):
        assert intent is not None
        assert (intent.action, intent.prompt, intent.init_image_key) == ("remix", "a fox, a blue fox", "ab/cd.webp")
        assert intent.options == TARGET.options


def test_remix_without_text_reuses_the_prompt() -> None:
    intent = reply_to_picture("remix --style oil")
    assert intent is not None
    assert (intent.prompt, intent.init_image_key, intent.options.style) == ("a fox", "ab/cd.webp", "oil")


def test_remix_under_another_users_post_needs_colon_or_handle() -> None:
    assert reply_to_request("remix culture is dead") is None
    assert reply_to_request("remix: a blue fox") is not None
    assert reply_to_request("@threadpaint remix a blue fox") is not None


def test_remix_without_a_picture_is_a_prompt_with_the_photo_as_init_image() -> None:
    parent = make_post("look at my fox", author_id=BEA, media=(photo(),))
    intent = parse("@threadpaint remix: in winter", in_reply_to_id=parent.id, parent=parent)
    assert intent is not None
    assert (intent.action, intent.prompt, intent.init_image_url) == (
        "prompt",
        "in winter",
        "https://pbs.example/fox.jpg",
    )


def test_attached_photo_is_the_init_image() -> None:
    intent = parse("@threadpaint as an oil painting", media=(photo(kind="video"), photo()))
    assert intent is not None
    assert intent.init_image_url == "https://pbs.example/fox.jpg"


@pytest.mark.parametrize(
    "media", [photo("ftp://x/fox.jpg"), photo("javascript:x"), photo(kind="video"), Media("3_2", "photo")]
)
def test_other_media_are_no_init_image(media: Media) -> None:
    intent = parse("@threadpaint a fox", media=(media,))
    assert intent is not None
    assert intent.init_image_url is None


def test_delete_needs_a_picture() -> None:
    intent = reply_to_picture("delete")
    assert intent is not None
    assert (intent.action, intent.target) == ("delete", TARGET)


def test_delete_by_another_user_is_talk() -> None:
    assert reply_to_request("delete this") is None
    own = reply_to_request("delete", author=Author(ADA, "ada", "Ada"))
    assert own is not None
    assert own.action == "delete"


@pytest.mark.parametrize("name", ["stop", "start", "help"])
def test_stop_start_and_help_need_to_address_the_bot(name: str) -> None:
    for intent in (parse(f"@threadpaint {name}"), reply_to_picture(name), parse(name, in_reply_to_id=OPENING)):
        assert intent is not None
        assert intent.action == name


def test_stop_deep_in_a_thread_is_talk() -> None:
    assert reply_to_request("stop") is None
    assert parse("@ada @threadpaint stop", display_start=18, in_reply_to_id=9, in_reply_to_person_id=ADA) is None


def other(text: str, **values: Any) -> Post:
    return make_post(text, author_id=BEA, **values)


@pytest.mark.parametrize("words", ["paint this", "", "this!", "Draw this --n 2"])
def test_paint_this_uses_the_parent_post(words: str) -> None:
    above = other("@carl a lighthouse &amp; fog https://t.co/x --ar 3:2", media=(photo(),))
    intent = parse(f"@threadpaint {words}", in_reply_to_id=above.id, parent=above)
    assert intent is not None
    assert (intent.action, intent.prompt, intent.options.aspect_ratio) == ("prompt", "a lighthouse & fog", "3:2")
    assert intent.init_image_url == "https://pbs.example/fox.jpg"


def test_paint_this_prefers_the_quoted_post() -> None:
    above, quoted = other("not this"), other("a lighthouse")
    intent = parse("@threadpaint paint this", in_reply_to_id=above.id, parent=above, quoted_id=quoted.id, quoted=quoted)
    assert intent is not None
    assert intent.prompt == "a lighthouse"


def test_missing_parent_post_is_looked_up() -> None:
    missing_post_ids = other("a lighthouse")
    post = make_post("@threadpaint paint this", in_reply_to_id=missing_post_ids.id)
    first = parse_intent(post, PostContext(BOT))
    assert first is not None
    assert first.source_post_id == missing_post_ids.id
    second = parse_intent(post, PostContext(BOT, looked_up={missing_post_ids.id: missing_post_ids}))
    assert second is not None
    assert (second.prompt, second.source_post_id) == ("a lighthouse", None)


def test_posts_of_bot_protected_and_opted_out_users_are_not_painted() -> None:
    of_bot = make_post("Painting No. 1", author_id=BOT)
    hidden = make_post("a secret", author=Author(9, "carl", "Carl", protected=True))
    stopped = make_post("a fox", author_id=10)
    for source in (of_bot, hidden, stopped):
        context = PostContext(BOT, silent=frozenset({10}))
        intent = parse("@threadpaint paint this", context, in_reply_to_id=source.id, parent=source)
        assert intent is not None
        assert (intent.prompt, intent.source_post_id) == ("", None)


def test_mention_alone_has_an_empty_prompt() -> None:
    intent = parse("@threadpaint")
    assert intent is not None
    assert (intent.action, intent.prompt, intent.source_post_id) == ("prompt", "", None)


def test_emoji_before_the_handle_do_not_shift_offsets() -> None:
    intent = parse("🦊🦊 @threadpaint &lt;3 two foxes 👩‍🚀")
    assert intent is not None
    assert intent.prompt == "🦊🦊 <3 two foxes 👩‍🚀"


def with_handle(words: str, target: ReplyTarget = TARGET, **values: Any) -> Intent:
    """Parse a reply to the bot's picture with an explicit mention."""
    intent = parse(f"@threadpaint {words}", PostContext(BOT, target=target), in_reply_to_id=ANSWER, **values)
    assert intent is not None
    return intent


def test_edit_keeps_the_options_except_the_seed() -> None:
    target = replace(TARGET, options=replace(TARGET.options, count=4, negative="people"))
    intent = with_handle("make it blue --ar 1:1", target)
    assert intent.options == Options(count=4, aspect_ratio="1:1", style="ink", negative="people")
    assert intent.options.seed is None


def test_removals_are_added_to_the_negative_prompt() -> None:
    target = replace(TARGET, options=Options(negative="people"))
    intent = with_handle("remove the hat", target)
    assert (intent.prompt, intent.options.negative) == ("a fox, without the hat", "people, the hat")


def test_text_in_the_prompt_is_not_appended_again() -> None:
    target = replace(TARGET, prompt="a fox, blue")
    assert with_handle("make it blue", target).prompt == "a fox, blue"
    assert with_handle("now at night", target).prompt == "a fox, blue, at night"


def test_too_large_picture_number_means_the_last_picture() -> None:
    target = replace(TARGET, picture_keys=("one", "two"))
    intent = with_handle("the fourth one, but at night", target)
    assert (intent.init_image_key, intent.options.corrections) == ("two", (("picture", "4", "2"),))
    assert with_handle("the last one", target).init_image_key == "two"


def test_edit_without_picture_changes_only_the_prompt() -> None:
    intent = with_handle("make it blue", replace(TARGET, picture_keys=()))
    assert (intent.prompt, intent.init_image_key, intent.target) == (
        "a fox, blue",
        None,
        replace(TARGET, picture_keys=()),
    )


def test_photo_of_an_edit_is_the_init_image() -> None:
    intent = with_handle("make it look like this", media=(photo(),))
    assert (intent.init_image_url, intent.init_image_key) == ("https://pbs.example/fox.jpg", None)


def test_deleted_creation_is_not_repeated() -> None:
    for words, own in (("make it blue", "blue"), ("the second one", ""), ("again", ""), ("variations", "")):
        intent = with_handle(words, TARGET.redacted())
        assert (intent.prompt, intent.init_image_key, intent.target and intent.target.deleted) == (own, None, True)


def test_options_alone_rerun_with_these_options() -> None:
    intent = with_handle("--ar 1:1 --n 2")
    assert (intent.action, intent.prompt, intent.options.aspect_ratio, intent.options.count) == (
        "again",
        "a fox",
        "1:1",
        2,
    )


def test_handle_alone_under_a_picture_is_an_empty_prompt() -> None:
    intent = with_handle("")
    assert (intent.action, intent.prompt, intent.target) == ("prompt", "", None)


def test_two_more_means_two_and_never_more_than_four() -> None:
    assert with_handle("two more please").options.count == 2
    assert with_handle("10 more!").options.count == 4
    assert with_handle("two more --n 3").options.count == 3


def test_reply_to_a_text_reply_is_a_new_prompt() -> None:
    for target in (replace(TARGET, is_text=True), replace(TARGET, is_text=True).redacted()):
        intent = with_handle("a red house", target)
        assert (intent.action, intent.prompt, intent.target) == ("prompt", "a red house", None)


def test_answer_to_the_bots_question_needs_no_handle_and_reuses_the_photo() -> None:
    question = ReplyTarget(3, ADA, True, "", Options(), (), "https://pbs.example/a.jpg", is_text=True, is_question=True)
    values = {"in_reply_to_id": ANSWER, "in_reply_to_person_id": BOT, "display_start": len(HANDLES)}
    for words, prompt in (
        ("as a comic", "as a comic"),
        ("paint it as a comic", "as a comic"),
        ("a red fox", "a red fox"),
    ):
        intent = parse(HANDLES + words, PostContext(BOT, target=question), **values)
        assert intent is not None
        assert (intent.action, intent.prompt, intent.init_image_url) == ("prompt", prompt, "https://pbs.example/a.jpg")
    assert parse(f"{HANDLES}as a comic", PostContext(BOT, target=question), author_id=BEA, **values) is None


def test_quote_with_the_handle_means_the_quoted_picture() -> None:
    intent = parse("@threadpaint the second one but at night", PostContext(BOT, target=TARGET), quoted_id=ANSWER)
    assert intent is not None
    assert (intent.action, intent.prompt, intent.target) == ("remix", "a fox, at night", TARGET)


def test_this_cat_means_the_parents_photo() -> None:
    above = other("look!", media=(photo(),))
    intent = parse("@threadpaint draw this cat as a pirate", in_reply_to_id=above.id, parent=above)
    assert intent is not None
    assert (intent.prompt, intent.init_image_url) == ("this cat as a pirate", "https://pbs.example/fox.jpg")


def test_photo_without_text_uses_its_alt_text() -> None:
    described = Media("3_1", "photo", "https://pbs.example/fox.jpg", alt_text="a fox asleep")
    above = make_post("", author_id=BEA, media=(described,))
    intent = parse("@threadpaint paint this", in_reply_to_id=above.id, parent=above)
    assert intent is not None
    assert (intent.prompt, intent.init_image_url) == ("a fox asleep", "https://pbs.example/fox.jpg")


def test_again_in_a_thread_without_a_picture_has_no_target() -> None:
    above = other("nice weather")
    intent = parse("@threadpaint again", in_reply_to_id=above.id, parent=above)
    assert intent is not None
    assert (intent.action, intent.target) == ("again", None)


@pytest.mark.parametrize(
    "text",
    [".@threadpaint stop", '"@threadpaint stop"', "stop @threadpaint!", "(@threadpaint stop)", "@threadpaint: stop."],
)
def test_punctuation_around_the_handle_does_not_hide_a_command(text: str) -> None:
    intent = parse(text)
    assert intent is not None
    assert intent.action == "stop"


@given(st.text(max_size=80))
def test_parsing_never_raises(words: str) -> None:
    for target in (None, TARGET, TARGET.redacted()):
        parse(f"@threadpaint {words}", PostContext(BOT, target=target), in_reply_to_id=ANSWER)


def test_longest_post_is_parsed_quickly() -> None:
    for words in ("again " * 4000, "a " * 12000, "stop, " * 4000, "返信" * 6000):
        parse(f"@threadpaint {words}", PostContext(BOT, target=TARGET), in_reply_to_id=ANSWER)
