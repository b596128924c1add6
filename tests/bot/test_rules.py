"""Whom the bot answers: pure rules, each with its code."""

import time
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.intent import Intent, PostContext, ReplyTarget, parse_intent
from bot.intent.options import Options
from bot.rules import Terms, Verdict, after, cap, decide, decide_edit
from core.refusals import SILENT, WORDS
from core.settings import RuleSettings, load
from core.standing import Standing
from core.text_replies import MAX_PER_DAY, may_reply_in_words
from core.x import Author, Post
from core.x.posts import Media
from tests.support.posts import BOT, make_post

OPENING, ANSWER = 500, 600
POST = make_post("@threadpaint a fox")
GOOD = Standing()
TARGET = ReplyTarget(3, 7, True, "a fox", Options())


def terms(**values: Any) -> Terms:
    rules = {name: values.pop(name) for name in list(values) if name in RuleSettings.model_fields}
    made = {"bot_id": BOT, "rules": load(RuleSettings, **rules), "now": POST.created_at, "prompt_limit": 100}
    return Terms(**(made | {"watched": frozenset({OPENING})} | values))


def verdict_of(post: Post, standing: Standing = GOOD, target: ReplyTarget | None = None, **values: Any) -> Verdict:
    wish = parse_intent(post, PostContext(BOT, frozenset({OPENING}), target))
    return decide(post, wish, standing, terms(**values))


def code_of(text: str = "@threadpaint a fox", standing: Standing | None = None, **values: Any) -> str:
    return verdict_of(make_post(text), standing or GOOD, **values).code


def by(**values: Any) -> Post:
    return make_post("@threadpaint a fox", author=Author(7, "ada", "Ada", **values))


def test_a_prompt_is_painted() -> None:
    verdict = verdict_of(POST)
    assert (verdict.code, verdict.asked, verdict.painted, verdict.refused) == ("prompt", True, True, False)
    assert verdict.wish is not None
    assert verdict.wish.prompt == "a fox"


def test_it_does_not_answer_its_own_posts() -> None:
    post = make_post("@threadpaint a fox", author=Author(BOT, "threadpaint", "Threadpaint"))
    assert verdict_of(post) == Verdict("self", kept=False)


def test_a_post_of_which_x_does_not_say_whose_it_is_could_be_its_own() -> None:
    assert verdict_of(make_post("@threadpaint a fox", author=Author(0, "", ""))) == Verdict("unsigned", kept=False)


def test_it_ignores_reposts() -> None:
    assert verdict_of(make_post("RT @bea: @threadpaint a fox", is_repost=True)) == Verdict("repost", kept=False)


def test_thanks_deeper_in_a_thread_is_talk() -> None:
    post = make_post("@threadpaint thanks!", display_start=13, in_reply_to_id=777)
    assert verdict_of(post) == Verdict("talk")


def test_who_said_stop_is_not_heard_and_gets_no_word() -> None:
    verdict = verdict_of(POST, Standing(opted_out=True), tell_on_x="opted_out")
    assert (verdict.code, verdict.kept, verdict.asked, verdict.told) == ("opted_out", True, False, False)


def test_who_said_stop_is_heard_when_saying_start() -> None:
    assert code_of("@threadpaint start", Standing(opted_out=True)) == "start"
    for text in ("@threadpaint help", "@threadpaint stop"):
        assert code_of(text, Standing(opted_out=True)) == "opted_out"


def test_who_said_stop_is_welcomed_back_in_words() -> None:
    verdict = verdict_of(make_post("@threadpaint start"), Standing(opted_out=True))
    assert (verdict.asked, verdict.told) == (True, True)
    assert not verdict_of(make_post("@threadpaint start"), Standing(opted_out=True, told=MAX_PER_DAY)).told
    assert not verdict_of(make_post("@threadpaint start"), Standing(opted_out=True, banned=True)).told


def test_who_said_stop_may_have_a_picture_deleted_without_a_word() -> None:
    verdict = verdict_of(make_post("@threadpaint delete"), Standing(opted_out=True), TARGET)
    assert (verdict.code, verdict.asked, verdict.told) == ("delete", False, False)


def test_who_is_banned_is_not_heard() -> None:
    verdict = verdict_of(POST, Standing(banned=True))
    assert (verdict.code, verdict.asked) == ("banned", False)


def test_an_account_with_the_label_automated_is_not_answered() -> None:
    verdict = verdict_of(by(automated=True))
    assert (verdict.code, verdict.asked) == ("bot", False)
    assert verdict_of(by(automated=False)).painted


def test_an_account_whose_bio_says_bot_is_not_answered_where_it_answers_the_bot() -> None:
    for bio in ("Automated account by Bea.", "A bot run by Bea", "Weather bot by Bea"):
        robot = by(description=bio)
        assert verdict_of(replace(robot, in_reply_to_person_id=BOT)).code == "bot"
        assert verdict_of(robot).painted
    assert verdict_of(replace(by(description="I build bots."), in_reply_to_person_id=BOT)).painted


def test_what_is_older_than_the_host_wants_is_refused_but_stop_is_honoured() -> None:
    late = {"now": POST.created_at + timedelta(hours=49)}
    assert code_of(**late) == "too_old"
    verdict = verdict_of(make_post("@threadpaint stop"), **late)
    assert (verdict.code, verdict.told) == ("stop", False)


def test_a_young_account_is_refused_where_the_host_wants_age() -> None:
    young = by(created_at=POST.created_at - timedelta(days=2))
    assert verdict_of(young, account_min_days=3).code == "young_account"
    assert verdict_of(young, account_min_days=1).painted
    assert verdict_of(by(created_at=None), account_min_days=3).painted


def test_the_follow_gate_is_off_by_default() -> None:
    assert verdict_of(by(follows_us=False)).painted
    assert verdict_of(by(follows_us=False), follow_gate=True).code == "follow_gate"
    assert verdict_of(by(follows_us=True), follow_gate=True).painted
    assert verdict_of(by(follows_us=None), follow_gate=True).painted


def test_a_conversation_gets_no_more_answers_than_the_limit() -> None:
    assert code_of(standing=Standing(in_conversation=2), conversation_limit=2) == "conversation"
    assert code_of(standing=Standing(in_conversation=1), conversation_limit=2) == "prompt"


def test_under_a_watched_post_everybody_may_ask() -> None:
    post = make_post("a fox", in_reply_to_id=OPENING, conversation_id=OPENING)
    assert verdict_of(post, Standing(in_conversation=900), conversation_limit=2).painted


def test_under_a_watched_post_in_somebody_elses_conversation_everybody_may_ask() -> None:
    post = make_post("a fox", in_reply_to_id=OPENING, conversation_id=OPENING - 1)
    assert verdict_of(post, Standing(in_conversation=900), conversation_limit=2).painted


def test_a_person_gets_no_more_than_the_daily_quota() -> None:
    assert code_of(standing=Standing(asked=50)) == "quota"
    assert code_of(standing=Standing(asked=49)) == "prompt"


def test_a_person_pauses_between_two_prompts_where_the_host_wants_it() -> None:
    just_now = Standing(asked=1, last_asked_at=POST.created_at - timedelta(seconds=5))
    assert code_of(standing=just_now) == "prompt"
    assert code_of(standing=just_now, person_cooldown_seconds=6) == "cooldown"
    assert code_of(standing=just_now, person_cooldown_seconds=5) == "prompt"


@pytest.mark.parametrize(
    "text", ["@threadpaint", "@threadpaint https://t.co/x", "@threadpaint \x01\u200b", "@threadpaint --n 2"]
)
def test_a_mention_without_words_is_refused(text: str) -> None:
    verdict = verdict_of(make_post(text))
    assert (verdict.code, verdict.refused) == ("empty", True)


def test_emoji_are_words() -> None:
    assert code_of("@threadpaint 🦊🌲") == "prompt"


def test_what_is_too_long_is_refused_and_its_words_kept() -> None:
    verdict = verdict_of(make_post("@threadpaint " + "fox " * 25 + "x"))
    assert (verdict.code, verdict.refused, verdict.told) == ("too_long", True, True)
    assert verdict.wish is not None
    assert len(verdict.wish.prompt) == 101
    assert code_of("@threadpaint " + "f" * 100) == "prompt"
    assert code_of("@threadpaint a fox --no " + "f" * 101) == "too_long"


def test_what_is_never_painted_is_refused_in_words() -> None:
    verdict = verdict_of(make_post("@threadpaint p0rn"))
    assert (verdict.code, verdict.refused, verdict.told) == ("unsafe", True, True)


def test_a_photo_alone_is_asked_about() -> None:
    photo = Media("3_1", "photo", "https://pbs.example/fox.jpg")
    verdict = decide(POST, Intent("prompt", "mention", init_image_url=photo.url), GOOD, terms())
    assert (verdict.code, verdict.refused, verdict.told) == ("photo_alone", True, True)


@pytest.mark.parametrize("code", ["unsafe", "too_long", "quota", "follow_gate", "nothing_there", "help"])
def test_each_reason_is_told_once_a_day(code: str) -> None:
    rules = load(RuleSettings)
    assert may_reply_in_words(code, Standing(told=1, told_codes=frozenset({"other"})), rules, budget_reached=False)
    assert not may_reply_in_words(code, Standing(told=1, told_codes=frozenset({code})), rules, budget_reached=False)


@pytest.mark.parametrize("code", ["photo_alone", "empty"])
def test_a_question_is_asked_each_time_but_not_without_end(code: str) -> None:
    rules, codes = load(RuleSettings), frozenset({code})
    assert may_reply_in_words(code, Standing(told=MAX_PER_DAY - 1, told_codes=codes), rules, budget_reached=False)
    assert not may_reply_in_words(code, Standing(told=MAX_PER_DAY, told_codes=codes), rules, budget_reached=False)


def test_by_default_only_spam_and_people_who_are_not_to_be_answered_get_no_word() -> None:
    assert load(RuleSettings).told == WORDS.keys() - SILENT
    for code in ("cooldown", "conversation", "bot", "banned", "opted_out", "too_old", "post_gone", "deleted"):
        assert not may_reply_in_words(code, GOOD, load(RuleSettings), budget_reached=False), code


@pytest.mark.parametrize(
    ("value", "told", "silent"),
    [
        ("all", "unsafe", "cooldown"),
        ("all -unsafe, cooldown", "cooldown", "unsafe"),
        ("help,stop", "stop", "unsafe"),
        ("none", "", "help"),
        ("", "", "help"),
    ],
)
def test_the_operator_chooses_what_is_told(value: str, told: str, silent: str) -> None:
    codes = load(RuleSettings, tell_on_x=value).told
    assert (told in codes or not told, silent in codes) == (True, False)


def test_when_the_budget_is_spent_nothing_is_begun_and_nothing_told() -> None:
    assert code_of(budget_reached=True) == "budget"
    assert not verdict_of(make_post("@threadpaint help"), budget_reached=True).told


def test_again_where_there_is_nothing_is_refused() -> None:
    for target in (replace(TARGET, deleted=True), replace(TARGET, prompt="")):
        post = make_post("@threadpaint again", in_reply_to_id=ANSWER)
        assert verdict_of(post, target=target).code == "nothing_there"


def test_only_who_asked_may_delete() -> None:
    mine = make_post("@threadpaint delete", author_id=7)
    verdict = verdict_of(mine, target=TARGET)
    assert (verdict.code, verdict.told, verdict.refused) == ("delete", True, True)
    theirs = verdict_of(make_post("@threadpaint delete", author_id=8), target=TARGET)
    assert (theirs.code, theirs.asked, theirs.told) == ("not_yours", True, True)
    assert verdict_of(mine).code == "nothing_there"


def test_commands_that_are_not_told_leave_no_creation() -> None:
    for text in ("@threadpaint stop", "@threadpaint help"):
        verdict = verdict_of(make_post(text), tell_on_x="too_long")
        assert (verdict.asked, verdict.told) == (False, False)


def test_words_are_not_told_without_end() -> None:
    post = make_post("@threadpaint help")
    assert verdict_of(post, Standing(told=MAX_PER_DAY - 1)).told
    assert not verdict_of(post, Standing(told=MAX_PER_DAY)).told


def test_a_refusal_is_told_only_where_the_host_wants_it() -> None:
    spent = Standing(asked=50)
    assert not verdict_of(POST, spent, tell_on_x="all -quota").told
    assert verdict_of(POST, spent, tell_on_x="quota").told


def test_a_flood_over_the_quota_is_answered_once() -> None:
    standing, told = Standing(asked=50), []
    for _ in range(5):
        verdict = verdict_of(POST, standing)
        told.append(verdict.told)
        standing = after(standing, POST, verdict)
    assert told == [True, False, False, False, False]


def test_several_posts_of_one_look_count_one_by_one() -> None:
    standing = Standing(asked=48)
    codes = []
    for _ in range(3):
        verdict = verdict_of(POST, standing)
        codes.append(verdict.code)
        standing = after(standing, POST, verdict)
    assert codes == ["prompt", "prompt", "quota"]
    stop = verdict_of(make_post("@threadpaint stop"), standing)
    assert after(standing, POST, stop).opted_out


def test_after_an_absence_the_newest_are_taken_up_and_the_rest_is_named() -> None:
    paint = Verdict("prompt", asked=True, wish=Intent("prompt", "mention", "a fox"))
    capped = cap([paint, Verdict("talk"), paint, paint], 2)
    assert [verdict.code for verdict in capped] == ["too_many_waiting", "talk", "prompt", "prompt"]
    assert capped[0].refused
    assert cap([paint], 2) == [paint]


def test_an_edit_is_judged_by_its_words_only() -> None:
    def edit(text: str) -> Verdict:
        wish = parse_intent(make_post(text), PostContext(BOT))
        assert wish is not None
        return decide_edit(make_post(text), wish, GOOD, terms(person_daily_limit=1))

    assert edit("@threadpaint a wolf").code == "prompt"
    assert (edit("@threadpaint").code, edit("@threadpaint").told) == ("empty", True)
    assert edit("@threadpaint stop").code == "stop"
    assert edit("@threadpaint delete").code == "talk"


@pytest.mark.parametrize(
    "words",
    ["!" * 25_000 + "x", "--no " * 5000, "—" * 25_000, "remix" + " " * 25_000 + ":", "again" + "." * 25_000 + "x"],
)
def test_the_longest_post_x_has_is_judged_in_no_time(words: str) -> None:
    began = time.monotonic()
    verdict_of(make_post(f"@threadpaint {words}"))
    assert time.monotonic() - began < 1
