"""Two things are asking: an explicit mention, and a direct reply to the opening thread. The rest is talk."""

from bot.rules import Verdict, decide
from core.x import Author, Post
from tests.support.posts import BOT, make_post

OPENING = 500


def verdict_of(post: Post, limit: int = 100) -> Verdict:
    return decide(post, bot_id=BOT, watched=frozenset({OPENING}), prompt_limit=limit)


def test_it_takes_an_explicit_mention_as_a_prompt() -> None:
    verdict = verdict_of(make_post("@threadpaint a fox"))
    assert (verdict.code, verdict.asked, verdict.prompt, verdict.refused) == ("prompt", True, "a fox", False)


def test_it_takes_a_direct_reply_to_the_opening_thread_as_a_prompt() -> None:
    post = make_post("@threadpaint a fox", display_start=13, in_reply_to_id=OPENING)
    assert verdict_of(post).code == "prompt"


def test_it_takes_a_reply_to_the_opening_thread_without_any_handle_as_a_prompt() -> None:
    assert verdict_of(make_post("a fox", in_reply_to_id=OPENING)).prompt == "a fox"


def test_it_takes_thanks_deeper_in_a_thread_as_talk() -> None:
    post = make_post("@threadpaint thanks!", display_start=13, in_reply_to_id=777)
    assert verdict_of(post) == Verdict("talk")


def test_it_does_not_answer_its_own_posts() -> None:
    post = make_post("@threadpaint a fox", author=Author(BOT, "threadpaint", "Threadpaint"))
    assert verdict_of(post) == Verdict("self", kept=False)


def test_it_ignores_reposts() -> None:
    assert verdict_of(make_post("RT @bea: @threadpaint a fox", is_repost=True)) == Verdict("repost", kept=False)


def test_it_refuses_a_mention_without_words() -> None:
    for text in ("@threadpaint", "@threadpaint https://t.co/x", "@threadpaint \x01\u200b"):
        verdict = verdict_of(make_post(text))
        assert (verdict.code, verdict.refused) == ("empty", True)


def test_it_paints_emoji() -> None:
    assert verdict_of(make_post("@threadpaint 🦊🌲")).code == "prompt"


def test_it_refuses_what_is_too_long_and_keeps_the_words() -> None:
    verdict = verdict_of(make_post("@threadpaint " + "fox " * 25 + "x"))
    assert (verdict.code, verdict.refused, len(verdict.prompt)) == ("too_long", True, 101)


def test_it_takes_the_longest_allowed_prompt() -> None:
    assert verdict_of(make_post("@threadpaint " + "f" * 100)).code == "prompt"
