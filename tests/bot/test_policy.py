"""Test the policy and its reason codes."""

import time
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.intent import Intent, PostContext, ReplyTarget, parse_intent
from bot.intent.options import Options
from bot.policy import Decision, PolicyContext, cap_backfill, decide, decide_edit, update_usage
from core.reason_codes import MESSAGES, SILENT_BY_DEFAULT
from core.settings import UsagePolicySettings, load
from core.text_replies import MAX_PER_DAY, may_send_text_reply
from core.usage import UserUsage
from core.x import Author, Post
from core.x.types import Media
from tests.support.x_posts import BOT, make_post

OPENING, ANSWER = 500, 600
POST = make_post("@threadpaint a fox")
GOOD = UserUsage()
TARGET = ReplyTarget(3, 7, True, "a fox", Options())


def policy_context(**values: Any) -> PolicyContext:
    rules = {name: values.pop(name) for name in list(values) if name in UsagePolicySettings.model_fields}
    defaults: dict[str, Any] = {
        "bot_id": BOT,
        "rules": load(UsagePolicySettings, **rules),
        "now": POST.created_at,
        "prompt_limit": 100,
    }
    return PolicyContext(**(defaults | {"watched": frozenset({OPENING})} | values))


def decision_of(post: Post, usage: UserUsage = GOOD, target: ReplyTarget | None = None, **values: Any) -> Decision:
    intent = parse_intent(post, PostContext(BOT, frozenset({OPENING}), target))
    return decide(post, intent, usage, policy_context(**values))


def code_of(text: str = "@threadpaint a fox", usage: UserUsage | None = None, **values: Any) -> str:
    return decision_of(make_post(text), usage or GOOD, **values).code


def by(**values: Any) -> Post:
    return make_post("@threadpaint a fox", author=Author(7, "ada", "Ada", **values))


def test_prompt_is_accepted() -> None:
    decision = decision_of(POST)
    assert (decision.code, decision.create_creation, decision.is_accepted, decision.is_rejected) == (
        "prompt",
        True,
        True,
        False,
    )
    assert decision.intent is not None
    assert decision.intent.prompt == "a fox"


def test_own_posts_are_ignored() -> None:
    post = make_post("@threadpaint a fox", author=Author(BOT, "threadpaint", "Threadpaint"))
    assert decision_of(post) == Decision("self", store_post=False)


def test_post_without_author_is_ignored() -> None:
    assert decision_of(make_post("@threadpaint a fox", author=Author(0, "", ""))) == Decision(
        "unsigned", store_post=False
    )


def test_reposts_are_ignored() -> None:
    assert decision_of(make_post("RT @bea: @threadpaint a fox", is_repost=True)) == Decision("repost", store_post=False)


def test_thanks_deep_in_a_thread_are_talk() -> None:
    post = make_post("@threadpaint thanks!", display_start=13, in_reply_to_id=777)
    assert decision_of(post) == Decision("talk")


def test_opted_out_user_is_ignored() -> None:
    decision = decision_of(POST, UserUsage(opted_out=True), reply_with_text_for="opted_out")
    assert (decision.code, decision.store_post, decision.create_creation, decision.reply_with_text) == (
        "opted_out",
        True,
        False,
        False,
    )


def test_opted_out_user_can_start_again() -> None:
    assert code_of("@threadpaint start", UserUsage(opted_out=True)) == "start"
    for text in ("@threadpaint help", "@threadpaint stop"):
        assert code_of(text, UserUsage(opted_out=True)) == "opted_out"


def test_start_after_stop_gets_a_text_reply() -> None:
    decision = decision_of(make_post("@threadpaint start"), UserUsage(opted_out=True))
    assert (decision.create_creation, decision.reply_with_text) == (True, True)
    assert not decision_of(
        make_post("@threadpaint start"), UserUsage(opted_out=True, text_replies=MAX_PER_DAY)
    ).reply_with_text
    assert not decision_of(make_post("@threadpaint start"), UserUsage(opted_out=True, banned=True)).reply_with_text


def test_opted_out_user_can_delete_silently() -> None:
    decision = decision_of(make_post("@threadpaint delete"), UserUsage(opted_out=True), TARGET)
    assert (decision.code, decision.create_creation, decision.reply_with_text) == ("delete", False, False)


def test_banned_user_is_ignored() -> None:
    decision = decision_of(POST, UserUsage(banned=True))
    assert (decision.code, decision.create_creation) == ("banned", False)


def test_account_labeled_automated_is_ignored() -> None:
    decision = decision_of(by(automated=True))
    assert (decision.code, decision.create_creation) == ("bot", False)
    assert decision_of(by(automated=False)).is_accepted


def test_account_with_a_bot_bio_is_ignored_in_replies_to_the_bot() -> None:
    for bio in ("Automated account by Bea.", "A bot run by Bea", "Weather bot by Bea"):
        robot = by(description=bio)
        assert decision_of(replace(robot, in_reply_to_person_id=BOT)).code == "bot"
        assert decision_of(robot).is_accepted
    assert decision_of(replace(by(description="I build bots."), in_reply_to_person_id=BOT)).is_accepted


def test_too_old_prompt_is_rejected_but_stop_is_honored() -> None:
    late = POST.created_at + timedelta(hours=49)
    assert code_of(now=late) == "too_old"
    decision = decision_of(make_post("@threadpaint stop"), now=late)
    assert (decision.code, decision.reply_with_text) == ("stop", False)


def test_young_account_is_rejected_if_configured() -> None:
    young = by(created_at=POST.created_at - timedelta(days=2))
    assert decision_of(young, min_account_age_days=3).code == "young_account"
    assert decision_of(young, min_account_age_days=1).is_accepted
    assert decision_of(by(created_at=None), min_account_age_days=3).is_accepted


def test_follow_gate_is_off_by_default() -> None:
    assert decision_of(by(follows_us=False)).is_accepted
    assert decision_of(by(follows_us=False), require_follow=True).code == "follow_gate"
    assert decision_of(by(follows_us=True), require_follow=True).is_accepted
    assert decision_of(by(follows_us=None), require_follow=True).is_accepted


def test_conversation_limit_is_enforced() -> None:
    assert code_of(usage=UserUsage(replies_in_conversation=2), conversation_limit=2) == "conversation"
    assert code_of(usage=UserUsage(replies_in_conversation=1), conversation_limit=2) == "prompt"


def test_watched_post_has_no_conversation_limit() -> None:
    post = make_post("a fox", in_reply_to_id=OPENING, conversation_id=OPENING)
    assert decision_of(post, UserUsage(replies_in_conversation=900), conversation_limit=2).is_accepted


def test_watched_post_in_another_conversation_has_no_limit() -> None:
    post = make_post("a fox", in_reply_to_id=OPENING, conversation_id=OPENING - 1)
    assert decision_of(post, UserUsage(replies_in_conversation=900), conversation_limit=2).is_accepted


def test_daily_quota_is_enforced() -> None:
    assert code_of(usage=UserUsage(creations=50)) == "quota"
    assert code_of(usage=UserUsage(creations=49)) == "prompt"


def test_cooldown_is_enforced_if_configured() -> None:
    just_now = UserUsage(creations=1, last_requested_at=POST.created_at - timedelta(seconds=5))
    assert code_of(usage=just_now) == "prompt"
    assert code_of(usage=just_now, user_cooldown_seconds=6) == "cooldown"
    assert code_of(usage=just_now, user_cooldown_seconds=5) == "prompt"


@pytest.mark.parametrize(
    "text", ["@threadpaint", "@threadpaint https://t.co/x", "@threadpaint \x01\u200b", "@threadpaint --n 2"]
)
def test_empty_prompt_is_rejected(text: str) -> None:
    decision = decision_of(make_post(text))
    assert (decision.code, decision.is_rejected) == ("empty", True)


def test_emoji_are_a_prompt() -> None:
    assert code_of("@threadpaint 🦊🌲") == "prompt"


def test_too_long_prompt_is_rejected_and_stored() -> None:
    decision = decision_of(make_post("@threadpaint " + "fox " * 25 + "x"))
    assert (decision.code, decision.is_rejected, decision.reply_with_text) == ("too_long", True, True)
    assert decision.intent is not None
    assert len(decision.intent.prompt) == 101
    assert code_of("@threadpaint " + "f" * 100) == "prompt"
    assert code_of("@threadpaint a fox --no " + "f" * 101) == "too_long"


def test_unsafe_prompt_is_rejected_with_a_text_reply() -> None:
    decision = decision_of(make_post("@threadpaint p0rn"))
    assert (decision.code, decision.is_rejected, decision.reply_with_text) == ("unsafe", True, True)


def test_photo_alone_gets_a_question() -> None:
    photo = Media("3_1", "photo", "https://pbs.example/fox.jpg")
    decision = decide(POST, Intent("prompt", "mention", init_image_url=photo.url), GOOD, policy_context())
    assert (decision.code, decision.is_rejected, decision.reply_with_text) == ("photo_alone", True, True)


@pytest.mark.parametrize("code", ["unsafe", "too_long", "quota", "follow_gate", "nothing_there", "help"])
def test_each_reason_is_sent_once_a_day(code: str) -> None:
    rules = load(UsagePolicySettings)
    assert may_send_text_reply(
        code, UserUsage(text_replies=1, text_reply_codes=frozenset({"other"})), rules, budget_reached=False
    )
    assert not may_send_text_reply(
        code, UserUsage(text_replies=1, text_reply_codes=frozenset({code})), rules, budget_reached=False
    )


@pytest.mark.parametrize("code", ["photo_alone", "empty"])
def test_questions_repeat_up_to_the_daily_limit(code: str) -> None:
    rules, codes = load(UsagePolicySettings), frozenset({code})
    assert may_send_text_reply(
        code, UserUsage(text_replies=MAX_PER_DAY - 1, text_reply_codes=codes), rules, budget_reached=False
    )
    assert not may_send_text_reply(
        code, UserUsage(text_replies=MAX_PER_DAY, text_reply_codes=codes), rules, budget_reached=False
    )


def test_default_reasons_without_text_reply() -> None:
    assert load(UsagePolicySettings).text_reply_codes == MESSAGES.keys() - SILENT_BY_DEFAULT
    for code in ("cooldown", "conversation", "bot", "banned", "opted_out", "too_old", "post_gone", "deleted"):
        assert not may_send_text_reply(code, GOOD, load(UsagePolicySettings), budget_reached=False), code


@pytest.mark.parametrize(
    ("value", "sent", "silent"),
    [
        ("all", "unsafe", "cooldown"),
        ("all -unsafe, cooldown", "cooldown", "unsafe"),
        ("help,stop", "stop", "unsafe"),
        ("none", "", "help"),
        ("", "", "help"),
    ],
)
def test_operator_chooses_reasons_with_text_reply(value: str, sent: str, silent: str) -> None:
    codes = load(UsagePolicySettings, reply_with_text_for=value).text_reply_codes
    assert (sent in codes or not sent, silent in codes) == (True, False)


def test_exhausted_budget_rejects_silently() -> None:
    assert code_of(budget_reached=True) == "budget"
    assert not decision_of(make_post("@threadpaint help"), budget_reached=True).reply_with_text


def test_again_without_a_creation_is_rejected() -> None:
    for target in (replace(TARGET, deleted=True), replace(TARGET, prompt="")):
        post = make_post("@threadpaint again", in_reply_to_id=ANSWER)
        assert decision_of(post, target=target).code == "nothing_there"


def test_only_the_requester_may_delete() -> None:
    mine = make_post("@threadpaint delete", author_id=7)
    decision = decision_of(mine, target=TARGET)
    assert (decision.code, decision.reply_with_text, decision.is_rejected) == ("delete", True, True)
    theirs = decision_of(make_post("@threadpaint delete", author_id=8), target=TARGET)
    assert (theirs.code, theirs.create_creation, theirs.reply_with_text) == ("not_yours", True, True)
    assert decision_of(mine).code == "nothing_there"


def test_silent_commands_create_no_creation() -> None:
    for text in ("@threadpaint stop", "@threadpaint help"):
        decision = decision_of(make_post(text), reply_with_text_for="too_long")
        assert (decision.create_creation, decision.reply_with_text) == (False, False)


def test_text_replies_have_a_daily_limit() -> None:
    post = make_post("@threadpaint help")
    assert decision_of(post, UserUsage(text_replies=MAX_PER_DAY - 1)).reply_with_text
    assert not decision_of(post, UserUsage(text_replies=MAX_PER_DAY)).reply_with_text


def test_rejection_is_sent_only_if_configured() -> None:
    spent = UserUsage(creations=50)
    assert not decision_of(POST, spent, reply_with_text_for="all -quota").reply_with_text
    assert decision_of(POST, spent, reply_with_text_for="quota").reply_with_text


def test_posts_over_the_quota_get_one_text_reply() -> None:
    usage, sent = UserUsage(creations=50), []
    for _ in range(5):
        decision = decision_of(POST, usage)
        sent.append(decision.reply_with_text)
        usage = update_usage(usage, POST, decision)
    assert sent == [True, False, False, False, False]


def test_posts_of_one_poll_count_one_by_one() -> None:
    usage = UserUsage(creations=48)
    codes = []
    for _ in range(3):
        decision = decision_of(POST, usage)
        codes.append(decision.code)
        usage = update_usage(usage, POST, decision)
    assert codes == ["prompt", "prompt", "quota"]
    stop = decision_of(make_post("@threadpaint stop"), usage)
    assert update_usage(usage, POST, stop).opted_out


def test_backfill_accepts_the_newest_posts_only() -> None:
    paint = Decision("prompt", create_creation=True, intent=Intent("prompt", "mention", "a fox"))
    capped = cap_backfill([paint, Decision("talk"), paint, paint], 2)
    assert [decision.code for decision in capped] == ["too_many_waiting", "talk", "prompt", "prompt"]
    assert capped[0].is_rejected
    assert cap_backfill([paint], 2) == [paint]


def test_edit_is_decided_by_its_text_only() -> None:
    def edit(text: str) -> Decision:
        intent = parse_intent(make_post(text), PostContext(BOT))
        assert intent is not None
        return decide_edit(make_post(text), intent, GOOD, policy_context(user_daily_limit=1))

    assert edit("@threadpaint a wolf").code == "prompt"
    assert (edit("@threadpaint").code, edit("@threadpaint").reply_with_text) == ("empty", True)
    assert edit("@threadpaint stop").code == "stop"
    assert edit("@threadpaint delete").code == "talk"


@pytest.mark.parametrize(
    "words",
    ["!" * 25_000 + "x", "--no " * 5000, "—" * 25_000, "remix" + " " * 25_000 + ":", "again" + "." * 25_000 + "x"],
)
def test_longest_post_is_decided_quickly(words: str) -> None:
    began = time.monotonic()
    decision_of(make_post(f"@threadpaint {words}"))
    assert time.monotonic() - began < 1
