"""What people say on the sandbox X, and what becomes of it in the house: commands, refusals, words that are told."""

import base64
import io
from datetime import timedelta

import pytest
from PIL import Image
from sqlalchemy import Engine, select, update

from bot import bans
from bot.poller import Poller
from core.clock import now
from core.database import reading, transaction
from core.errors import HouseError
from core.models import creations, cursors, notifications, people, posts
from core.queue import PAINT, WorkQueue
from core.text_replies import MAX_PER_DAY
from tests.support.hearing import answer, control, creation_of, listener, person_called, prompts, rename, verdicts
from tests.support.sandbox_x import SandboxX, answers
from tests.support.servers import wait_until


def a_photo() -> str:
    file = io.BytesIO()
    Image.new("RGB", (64, 64), "teal").save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


@pytest.fixture
def asked(poller: Poller, x: SandboxX) -> int:
    """Ada asked for a fox."""
    post_id = x.post("@threadpaint a fox --ar 16:9 --style ink", author="ada")
    poller.look()
    return post_id


@pytest.fixture
def answered(poller: Poller, engine: Engine, asked: int) -> int:
    """The bot's answer to her."""
    return answer(poller, engine, asked)


def test_options_of_a_message_reach_the_creation(poller: Poller, x: SandboxX, engine: Engine) -> None:
    post_id = x.post("a fox @threadpaint --n 2 --ar 9:16 --seed 7 --steps 12 --style oil --no people, cars")
    poller.look()
    row = creation_of(engine, post_id)
    assert (row.prompt, row._mapping["count"], row.seed, row.steps) == ("a fox", 2, 7, 12)
    assert (row.aspect_ratio, row.style, row.negative_prompt) == ("9:16", "oil", "people, cars")


def test_again_under_a_picture_paints_the_same_words_with_another_seed(
    poller: Poller, x: SandboxX, engine: Engine, asked: int, answered: int
) -> None:
    again = x.post("Again!", author="bea", in_reply_to=str(answered))
    assert poller.look() == 1
    old, new = creation_of(engine, asked), creation_of(engine, again)
    assert (new.prompt, new.parent_id, new.aspect_ratio, new.style) == ("a fox", old.id, "16:9", "ink")
    assert new.seed != old.seed
    assert verdicts(engine)[again] == "again"


def test_again_under_somebody_elses_post_that_was_answered_paints_it_too(
    poller: Poller, x: SandboxX, engine: Engine, asked: int, answered: int
) -> None:
    again = x.post("rerun --n 3", author="bea", in_reply_to=str(asked))
    assert poller.look() == 1
    assert creation_of(engine, again)._mapping["count"] == 3


def test_remix_begins_from_the_picture_above(
    poller: Poller, x: SandboxX, engine: Engine, asked: int, answered: int
) -> None:
    remix = x.post("remix: a blue fox", author="bea", in_reply_to=str(answered))
    assert poller.look() == 1
    row = creation_of(engine, remix)
    assert (row.prompt, row.parent_id) == ("a fox, a blue fox", creation_of(engine, asked).id)
    assert row.start_key.endswith(".webp")


def test_a_command_in_a_quote_that_names_the_bot_means_the_picture_that_is_quoted(
    poller: Poller, x: SandboxX, engine: Engine, asked: int, answered: int
) -> None:
    remix = x.post("@threadpaint remix: a blue fox", author="bea", quote_of=str(answered))
    x.post("remix: a green fox", author="bea", quote_of=str(answered))
    assert poller.look() == 1
    assert creation_of(engine, remix).parent_id == creation_of(engine, asked).id


def test_thanks_under_a_picture_paint_nothing(poller: Poller, x: SandboxX, engine: Engine, answered: int) -> None:
    for words in ("thanks!", "wow", "ok", "love it", "stop by my studio", "again and again I look at it"):
        x.post(words, author="bea", in_reply_to=str(answered))
    assert poller.look() == 0
    assert sorted(set(verdicts(engine).values())) == ["prompt", "talk"]


def test_later_replies_that_carry_our_handle_in_the_prefix_only_are_talk(
    poller: Poller, x: SandboxX, engine: Engine, answered: int
) -> None:
    first = x.post("what a fox, how did you do that", author="bea", in_reply_to=str(answered))
    x.post("no idea, stop asking", author="ada", in_reply_to=str(first))
    x.post("again", author="carl", in_reply_to=str(first))
    assert poller.look() == 0
    assert list(verdicts(engine).values()).count("talk") == 3


def test_a_picture_attached_to_the_post_is_what_it_begins_from(poller: Poller, x: SandboxX, engine: Engine) -> None:
    post_id = x.post("@threadpaint as an oil painting", media=[a_photo()])
    poller.look()
    row = creation_of(engine, post_id)
    assert row.start_url.startswith("http")
    assert row.prompt == "as an oil painting"


def test_paint_this_takes_words_and_picture_of_the_post_above(poller: Poller, x: SandboxX, engine: Engine) -> None:
    above = x.post("a lighthouse in fog &amp; rain", author="bea", media=[a_photo()])
    asked = x.post("@threadpaint paint this --n 2", author="ada", in_reply_to=str(above))
    assert poller.look() == 1
    row = creation_of(engine, asked)
    assert row.prompt.startswith("a lighthouse in fog")
    assert row.start_url.startswith("http")
    assert row._mapping["count"] == 2


def test_draw_this_takes_the_words_of_the_quoted_post(poller: Poller, x: SandboxX, engine: Engine) -> None:
    quoted = x.post("a boat full of cats", author="bea")
    asked = x.post("@threadpaint draw this", author="ada", quote_of=str(quoted))
    assert poller.look() == 1
    assert creation_of(engine, asked).prompt == "a boat full of cats"


def test_a_mention_alone_under_the_bots_own_post_is_empty(
    poller: Poller, x: SandboxX, engine: Engine, answered: int
) -> None:
    x.post("@threadpaint", author="bea", in_reply_to=str(answered))
    assert poller.look() == 0
    assert "empty" in verdicts(engine).values()


def test_a_repost_of_a_mention_is_ignored_and_a_quote_without_a_mention_is_talk(
    poller: Poller, x: SandboxX, engine: Engine, asked: int, answered: int
) -> None:
    x.post("", author="bea", repost_of=str(asked))
    x.post("look what it made", author="bea", quote_of=str(answered))
    assert poller.look() == 0
    assert prompts(engine) == ["a fox"]


def test_its_own_answer_that_mentions_itself_is_not_heard(
    poller: Poller, x: SandboxX, engine: Engine, asked: int
) -> None:
    poller.x.answer("@threadpaint painted this", to=asked, media_ids=[])
    assert poller.look() == 0
    assert prompts(engine) == ["a fox"]


def test_delete_by_who_asked_takes_it_from_sight_at_once(
    poller: Poller, x: SandboxX, engine: Engine, asked: int, answered: int
) -> None:
    post_id = x.post("delete", author="ada", in_reply_to=str(answered))
    assert poller.look() == 0
    row = creation_of(engine, asked)
    assert row.deleted_at is not None
    assert row.shown_at is None
    told = creation_of(engine, post_id)
    assert (told.state, told.code, told.prompt) == ("refused", "delete", "")
    assert f"No. {told.id}" in told.says


def test_delete_by_somebody_else_changes_nothing(
    poller: Poller, x: SandboxX, engine: Engine, asked: int, answered: int
) -> None:
    post_id = x.post("delete", author="bea", in_reply_to=str(answered))
    poller.look()
    assert creation_of(engine, asked).deleted_at is None
    assert creation_of(engine, post_id).code == "not_yours"
    assert creation_of(engine, post_id).says.startswith("Only the person who asked")


def test_delete_before_it_is_painted_ends_it(poller: Poller, x: SandboxX, engine: Engine, asked: int) -> None:
    x.post("@threadpaint delete", author="ada", in_reply_to=str(asked))
    poller.look()
    row = creation_of(engine, asked)
    assert (row.state, row.code, row.next_attempt_at) == ("refused", "deleted", None)


def test_stop_is_honoured_at_once_and_start_ends_it(poller: Poller, x: SandboxX, engine: Engine, asked: int) -> None:
    stop = x.post("@threadpaint stop", author="ada")
    ignored = x.post("@threadpaint a hen", author="ada")
    assert poller.look() == 0
    assert person_called(engine, "ada").opted_out_at is not None
    row = creation_of(engine, asked)
    assert (row.state, row.code, row.next_attempt_at) == ("refused", "opted_out", None)
    assert "leave you alone" in creation_of(engine, stop).says
    assert verdicts(engine)[ignored] == "opted_out"
    assert creation_of(engine, ignored) is None
    x.post("@threadpaint start", author="ada")
    x.post("@threadpaint an owl", author="ada")
    assert poller.look() == 1
    assert person_called(engine, "ada").opted_out_at is None


def test_words_of_who_said_stop_are_not_painted_for_others(poller: Poller, x: SandboxX, engine: Engine) -> None:
    theirs = x.post("my poem about the sea", author="ada")
    x.post("@threadpaint stop", author="ada")
    asked = x.post("@threadpaint paint this", author="bea", in_reply_to=str(theirs))
    assert poller.look() == 0
    assert creation_of(engine, asked).code == "empty"


def test_help_is_told_once_a_day(poller: Poller, x: SandboxX, engine: Engine) -> None:
    asked = [x.post(f"@threadpaint help{'!' * number}", author="ada") for number in range(3)]
    poller.look()
    asked += [x.post("@threadpaint help please", author="ada")]
    poller.look()
    told = [row for row in (creation_of(engine, post_id) for post_id in asked) if row]
    assert [row.post_id for row in told if row.says] == asked[:1]
    assert told[0].next_attempt_at is not None


def test_the_handle_alone_is_asked_about_each_time_and_not_without_end(
    poller: Poller, x: SandboxX, engine: Engine
) -> None:
    asked = [x.post(f"@threadpaint {'.' * number}", author="ada") for number in range(MAX_PER_DAY + 2)]
    poller.look()
    says = [row.says for row in (creation_of(engine, post_id) for post_id in asked) if row and row.says]
    assert len(says) == len(set(says)) == MAX_PER_DAY


def test_several_posts_of_one_person_in_one_look_count_against_the_quota_in_order(
    x: SandboxX, engine: Engine, queue: WorkQueue
) -> None:
    poller = listener(x.client(), engine, queue, person_daily_limit=2)
    poller.look()
    asked = [x.post(f"@threadpaint fox {number}", author="ada") for number in range(3)]
    x.post("@threadpaint a hen", author="bea")
    assert poller.look() == 3
    asked.append(x.post("@threadpaint fox 3", author="ada"))
    assert poller.look() == 0
    assert [verdicts(engine)[one] for one in asked] == ["prompt", "prompt", "quota", "quota"]


def test_a_conversation_gets_no_more_answers_than_the_limit(x: SandboxX, engine: Engine, queue: WorkQueue) -> None:
    poller = listener(x.client(), engine, queue, conversation_limit=2)
    poller.look()
    root = x.post("let us talk", author="ada")
    asked = [x.post(f"@threadpaint fox {n}", author=f"p{n}", in_reply_to=str(root)) for n in range(3)]
    opening = min(poller.watched)
    under = [x.post(f"hen {n}", author=f"p{n}", in_reply_to=str(opening)) for n in range(3)]
    assert poller.look() == 5
    assert [verdicts(engine)[one] for one in asked] == ["prompt", "prompt", "conversation"]
    assert {verdicts(engine)[one] for one in under} == {"prompt"}


def test_a_member_is_told_in_the_gallery_what_is_not_painted_and_others_are_not(
    poller: Poller, x: SandboxX, engine: Engine, asked: int
) -> None:
    with transaction(engine) as session:
        session.execute(update(people).where(people.c.handle == "ada").values(member_since=now()))
    for author in ("ada", "bea"):
        x.post("@threadpaint " + "a fox " * 400, author=author)
    x.post("@threadpaint help", author="ada")
    poller.look()
    with reading(engine) as connection:
        told = connection.execute(
            select(notifications.c.kind, creations.c.code, people.c.handle)
            .join_from(notifications, creations, creations.c.id == notifications.c.creation_id)
            .join(people, people.c.id == notifications.c.person_id)
        ).all()
    assert [tuple(row) for row in told] == [("refused", "too_long", "ada")]


def test_who_asks_often_takes_one_turn_after_the_other(poller: Poller, x: SandboxX, engine: Engine) -> None:
    for number in range(3):
        x.post(f"@threadpaint fox {number}", author="ada")
    x.post("@threadpaint hen", author="bea")
    poller.look()
    with reading(engine) as connection:
        rows = connection.execute(select(creations.c.prompt).order_by(creations.c.turn, creations.c.id)).scalars()
        assert list(rows) == ["fox 0", "hen", "fox 1", "fox 2"]


def test_when_the_budget_is_spent_new_prompts_are_refused(x: SandboxX, engine: Engine, queue: WorkQueue) -> None:
    poller = listener(x.client(), engine, queue, budget_day_usd=0.001)
    poller.look()
    x.post("@threadpaint a fox")
    from core.money.ledger import Cost, write_costs

    write_costs(engine, [Cost("x", "reply", 10_000)], at=poller.x.moment())
    assert poller.look() == 0
    assert list(verdicts(engine).values()) == ["budget"]


def test_a_host_bans_and_unbans(poller: Poller, x: SandboxX, engine: Engine, queue: WorkQueue, asked: int) -> None:
    bans.ban(engine, "@Ada")
    assert creation_of(engine, asked).code == "banned"
    x.post("@threadpaint a hen", author="ada")
    assert poller.look() == 0
    bans.unban(engine, "ada")
    x.post("@threadpaint an owl", author="ada")
    assert poller.look() == 1
    with pytest.raises(HouseError, match="nobody here is called @zoe"):
        bans.ban(engine, "zoe")


def test_a_handle_that_was_taken_over_on_x_is_heard_with_its_new_owner(
    poller: Poller, x: SandboxX, engine: Engine, asked: int
) -> None:
    old = person_called(engine, "ada").id
    rename(x, "ada", "lovelace")
    x.post("@threadpaint an owl", author="ada")  # an account of this handle joins, another one than before
    poller.look()
    new = person_called(engine, "ada").id
    assert new != old
    assert person_called(engine, str(old)).former_handle == "ada"
    x.post("@threadpaint a hen", author="lovelace")
    poller.look()
    assert person_called(engine, "lovelace").id == old


def test_an_edit_is_the_same_post_and_its_new_words_are_painted(
    poller: Poller, x: SandboxX, engine: Engine, asked: int
) -> None:
    control(x, f"posts/{asked}/edit", text="@threadpaint a wolf --n 2")
    assert poller.look() == 0
    row = creation_of(engine, asked)
    assert (row.prompt, row._mapping["count"], row.state) == ("a wolf", 2, "queued")
    assert prompts(engine) == ["a wolf"]
    seed = row.seed
    poller.look()
    assert creation_of(engine, asked).seed == seed


def test_an_edit_of_what_is_painted_already_changes_nothing(
    poller: Poller, x: SandboxX, engine: Engine, asked: int
) -> None:
    with transaction(engine) as session:
        session.execute(update(creations).values(state="painted"))
    control(x, f"posts/{asked}/edit", text="@threadpaint a wolf")
    assert poller.look() == 0
    assert prompts(engine) == ["a fox"]


def test_an_edit_to_nothing_ends_it(poller: Poller, x: SandboxX, engine: Engine, asked: int) -> None:
    control(x, f"posts/{asked}/edit", text="@threadpaint")
    poller.look()
    row = creation_of(engine, asked)
    assert (row.state, row.code) == ("refused", "empty")
    assert row.says.startswith("What should I paint?")
    assert row.next_attempt_at is not None


def test_after_an_absence_the_newest_are_taken_up_and_the_rest_is_refused_by_name(
    poller: Poller, x: SandboxX, engine: Engine, queue: WorkQueue
) -> None:
    for number in range(5):
        x.post(f"@threadpaint fox {number}")
    with transaction(engine) as session:
        session.execute(update(cursors).values(polled_at=now() - timedelta(hours=1)))
    late = listener(x.client(), engine, queue, backfill_limit=2)
    assert late.look() == 2
    assert list(verdicts(engine).values()).count("too_many_waiting") == 3
    with reading(engine) as connection:
        taken = connection.execute(select(creations.c.prompt).where(creations.c.state == "queued")).scalars()
        assert sorted(taken) == ["fox 3", "fox 4"]
    assert len(queue.waiting(PAINT)) == 2


def test_what_is_too_old_after_an_absence_is_not_painted(poller: Poller, x: SandboxX, engine: Engine) -> None:
    old = x.post("@threadpaint a fox")
    control(x, "clock", advance=49 * 3600)
    new = x.post("@threadpaint a hen")
    with transaction(engine) as session:
        session.execute(update(cursors).values(polled_at=now() - timedelta(hours=49)))
    poller.x.me()  # X's clock is heard with any answer
    assert poller.look() == 1
    assert (verdicts(engine)[old], verdicts(engine)[new]) == ("too_old", "prompt")


def test_what_kind_of_summons_a_post_is_and_who_may_answer_it_are_kept(
    poller: Poller, x: SandboxX, engine: Engine
) -> None:
    under = x.post("a boat", author="bea", in_reply_to=str(min(poller.watched)))
    named = x.post("@threadpaint a fox")
    poller.look()
    with reading(engine) as connection:
        rows = {row.id: row for row in connection.execute(select(posts))}
    assert (rows[under].summons, rows[named].summons) == ("prefix", "mention")
    assert rows[named].reply_settings == "everyone"


def test_a_post_that_did_not_come_along_is_looked_up_and_a_failing_look_up_stops_nobody_for_long(
    poller: Poller, x: SandboxX, engine: Engine
) -> None:
    gone = x.post("a secret", author="bea")
    asked = x.post("@threadpaint paint this", author="ada", in_reply_to=str(gone))
    x.http.delete(f"{x.url}/sandbox/posts/{gone}")
    x.spoil("GET", "/2/tweets", answers(503), answers(503), answers(503))
    x.post("@threadpaint a hen", author="bea")
    heard: list[int] = []

    def look() -> bool:
        try:
            heard.append(poller.look())
        except HouseError:
            return False
        return True

    wait_until(look, "it did not go on")
    assert heard == [1]
    assert creation_of(engine, asked).code == "empty"
