"""Test commands, rejections and text replies from the sandbox X to the rows."""

import base64
import io
from datetime import timedelta

import pytest
from PIL import Image
from sqlalchemy import Engine, select, update

from bot import moderation
from bot.poller import Poller
from core.clock import now
from core.database import read_connection, write_session
from core.errors import ThreadpaintError
from core.models import creations, cursors, notifications, people, posts
from core.queue import PAINT, WorkQueue
from core.text_replies import MAX_PER_DAY
from tests.support.poller import (
    answer,
    classifications,
    control,
    creation_of,
    find_person,
    make_poller,
    prompts,
    rename,
)
from tests.support.sandbox_x import SandboxX, answers
from tests.support.servers import wait_until


def a_photo() -> str:
    file = io.BytesIO()
    Image.new("RGB", (64, 64), "teal").save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


@pytest.fixture
def asked(poller: Poller, x: SandboxX) -> int:
    """Ada's prompt for a fox."""
    post_id = x.post("@threadpaint a fox --ar 16:9 --style ink", author="ada")
    poller.poll_once()
    return post_id


@pytest.fixture
def answered(poller: Poller, engine: Engine, asked: int) -> int:
    """The bot's reply to Ada."""
    return answer(poller, engine, asked)


def test_options_are_stored(poller: Poller, x: SandboxX, engine: Engine) -> None:
    post_id = x.post("a fox @threadpaint --n 2 --ar 9:16 --seed 7 --steps 12 --style oil --no people, cars")
    poller.poll_once()
    row = creation_of(engine, post_id)
    assert (row.prompt, row._mapping["count"], row.seed, row.steps) == ("a fox", 2, 7, 12)
    assert (row.aspect_ratio, row.style, row.negative_prompt) == ("9:16", "oil", "people, cars")


def test_again_under_a_picture_reruns_the_prompt(
    poller: Poller, x: SandboxX, engine: Engine, asked: int, answered: int
) -> None:
    again = x.post("Again!", author="bea", in_reply_to=str(answered))
    assert poller.poll_once() == 1
    old, new = creation_of(engine, asked), creation_of(engine, again)
    assert (new.prompt, new.parent_id, new.aspect_ratio, new.style) == ("a fox", old.id, "16:9", "ink")
    assert new.seed != old.seed
    assert classifications(engine)[again] == "again"


def test_again_under_another_users_answered_post_reruns_it(
    poller: Poller, x: SandboxX, engine: Engine, asked: int, answered: int
) -> None:
    again = x.post("rerun --n 3", author="bea", in_reply_to=str(asked))
    assert poller.poll_once() == 1
    assert creation_of(engine, again)._mapping["count"] == 3


def test_remix_stores_the_parent_picture_as_init_image(
    poller: Poller, x: SandboxX, engine: Engine, asked: int, answered: int
) -> None:
    remix = x.post("remix: a blue fox", author="bea", in_reply_to=str(answered))
    assert poller.poll_once() == 1
    row = creation_of(engine, remix)
    assert (row.prompt, row.parent_id) == ("a fox, a blue fox", creation_of(engine, asked).id)
    assert row.init_image_key.endswith(".webp")


def test_command_in_a_quote_with_the_handle_means_the_quoted_picture(
    poller: Poller, x: SandboxX, engine: Engine, asked: int, answered: int
) -> None:
    remix = x.post("@threadpaint remix: a blue fox", author="bea", quote_of=str(answered))
    x.post("remix: a green fox", author="bea", quote_of=str(answered))
    assert poller.poll_once() == 1
    assert creation_of(engine, remix).parent_id == creation_of(engine, asked).id


def test_thanks_under_a_picture_create_nothing(poller: Poller, x: SandboxX, engine: Engine, answered: int) -> None:
    for words in ("thanks!", "wow", "ok", "love it", "stop by my studio", "again and again I look at it"):
        x.post(words, author="bea", in_reply_to=str(answered))
    assert poller.poll_once() == 0
    assert sorted(set(classifications(engine).values())) == ["prompt", "talk"]


def test_implicit_mentions_in_later_replies_are_talk(
    poller: Poller, x: SandboxX, engine: Engine, answered: int
) -> None:
    first = x.post("what a fox, how did you do that", author="bea", in_reply_to=str(answered))
    x.post("no idea, stop asking", author="ada", in_reply_to=str(first))
    x.post("again", author="carl", in_reply_to=str(first))
    assert poller.poll_once() == 0
    assert list(classifications(engine).values()).count("talk") == 3


def test_attached_photo_is_stored_as_init_image(poller: Poller, x: SandboxX, engine: Engine) -> None:
    post_id = x.post("@threadpaint as an oil painting", media=[a_photo()])
    poller.poll_once()
    row = creation_of(engine, post_id)
    assert row.init_image_url.startswith("http")
    assert row.prompt == "as an oil painting"


def test_paint_this_uses_text_and_photo_of_the_parent(poller: Poller, x: SandboxX, engine: Engine) -> None:
    above = x.post("a lighthouse in fog &amp; rain", author="bea", media=[a_photo()])
    asked = x.post("@threadpaint paint this --n 2", author="ada", in_reply_to=str(above))
    assert poller.poll_once() == 1
    row = creation_of(engine, asked)
    assert row.prompt.startswith("a lighthouse in fog")
    assert row.init_image_url.startswith("http")
    assert row._mapping["count"] == 2


def test_draw_this_uses_the_quoted_post(poller: Poller, x: SandboxX, engine: Engine) -> None:
    quoted = x.post("a boat full of cats", author="bea")
    asked = x.post("@threadpaint draw this", author="ada", quote_of=str(quoted))
    assert poller.poll_once() == 1
    assert creation_of(engine, asked).prompt == "a boat full of cats"


def test_mention_alone_under_the_bots_post_is_empty(poller: Poller, x: SandboxX, engine: Engine, answered: int) -> None:
    x.post("@threadpaint", author="bea", in_reply_to=str(answered))
    assert poller.poll_once() == 0
    assert "empty" in classifications(engine).values()


def test_repost_is_ignored_and_quote_without_mention_is_talk(
    poller: Poller, x: SandboxX, engine: Engine, asked: int, answered: int
) -> None:
    x.post("", author="bea", repost_of=str(asked))
    x.post("look what it made", author="bea", quote_of=str(answered))
    assert poller.poll_once() == 0
    assert prompts(engine) == ["a fox"]


def test_own_reply_that_mentions_the_bot_is_ignored(poller: Poller, x: SandboxX, engine: Engine, asked: int) -> None:
    poller.x.reply("@threadpaint painted this", to=asked, media_ids=[])
    assert poller.poll_once() == 0
    assert prompts(engine) == ["a fox"]


def test_delete_by_the_requester_hides_at_once(
    poller: Poller, x: SandboxX, engine: Engine, asked: int, answered: int
) -> None:
    post_id = x.post("delete", author="ada", in_reply_to=str(answered))
    assert poller.poll_once() == 0
    row = creation_of(engine, asked)
    assert row.deleted_at is not None
    assert row.published_at is None
    command = creation_of(engine, post_id)
    assert (command.state, command.reason_code, command.prompt) == ("refused", "delete", "")
    assert f"No. {command.id}" in command.reply_text


def test_delete_by_another_user_changes_nothing(
    poller: Poller, x: SandboxX, engine: Engine, asked: int, answered: int
) -> None:
    post_id = x.post("delete", author="bea", in_reply_to=str(answered))
    poller.poll_once()
    assert creation_of(engine, asked).deleted_at is None
    assert creation_of(engine, post_id).reason_code == "not_yours"
    assert creation_of(engine, post_id).reply_text.startswith("Only the person who asked")


def test_delete_before_painting_cancels(poller: Poller, x: SandboxX, engine: Engine, asked: int) -> None:
    x.post("@threadpaint delete", author="ada", in_reply_to=str(asked))
    poller.poll_once()
    row = creation_of(engine, asked)
    assert (row.state, row.reason_code, row.next_attempt_at) == ("refused", "deleted", None)


def test_stop_opts_out_and_start_opts_in(poller: Poller, x: SandboxX, engine: Engine, asked: int) -> None:
    stop = x.post("@threadpaint stop", author="ada")
    ignored = x.post("@threadpaint a hen", author="ada")
    assert poller.poll_once() == 0
    assert find_person(engine, "ada").opted_out_at is not None
    row = creation_of(engine, asked)
    assert (row.state, row.reason_code, row.next_attempt_at) == ("refused", "opted_out", None)
    assert "I'll stop" in creation_of(engine, stop).reply_text
    assert classifications(engine)[ignored] == "opted_out"
    assert creation_of(engine, ignored) is None
    x.post("@threadpaint start", author="ada")
    x.post("@threadpaint an owl", author="ada")
    assert poller.poll_once() == 1
    assert find_person(engine, "ada").opted_out_at is None


def test_posts_of_opted_out_users_are_not_painted_for_others(poller: Poller, x: SandboxX, engine: Engine) -> None:
    theirs = x.post("my poem about the sea", author="ada")
    x.post("@threadpaint stop", author="ada")
    asked = x.post("@threadpaint paint this", author="bea", in_reply_to=str(theirs))
    assert poller.poll_once() == 0
    assert creation_of(engine, asked).reason_code == "empty"


def test_help_is_sent_once_a_day(poller: Poller, x: SandboxX, engine: Engine) -> None:
    asked = [x.post(f"@threadpaint help{'!' * number}", author="ada") for number in range(3)]
    poller.poll_once()
    asked += [x.post("@threadpaint help please", author="ada")]
    poller.poll_once()
    rows = [row for row in (creation_of(engine, post_id) for post_id in asked) if row]
    assert [row.post_id for row in rows if row.reply_text] == asked[:1]
    assert rows[0].next_attempt_at is not None


def test_empty_prompts_get_a_question_up_to_the_daily_limit(poller: Poller, x: SandboxX, engine: Engine) -> None:
    asked = [x.post(f"@threadpaint {'.' * number}", author="ada") for number in range(MAX_PER_DAY + 2)]
    poller.poll_once()
    says = [row.reply_text for row in (creation_of(engine, post_id) for post_id in asked) if row and row.reply_text]
    assert len(says) == len(set(says)) == MAX_PER_DAY


def test_posts_of_one_user_in_one_poll_count_in_order(x: SandboxX, engine: Engine, queue: WorkQueue) -> None:
    poller = make_poller(x.client(), engine, queue, user_daily_limit=2)
    poller.poll_once()
    asked = [x.post(f"@threadpaint fox {number}", author="ada") for number in range(3)]
    x.post("@threadpaint a hen", author="bea")
    assert poller.poll_once() == 3
    asked.append(x.post("@threadpaint fox 3", author="ada"))
    assert poller.poll_once() == 0
    assert [classifications(engine)[one] for one in asked] == ["prompt", "prompt", "quota", "quota"]


def test_conversation_limit_is_enforced(x: SandboxX, engine: Engine, queue: WorkQueue) -> None:
    poller = make_poller(x.client(), engine, queue, conversation_limit=2)
    poller.poll_once()
    root = x.post("let us talk", author="ada")
    asked = [x.post(f"@threadpaint fox {n}", author=f"p{n}", in_reply_to=str(root)) for n in range(3)]
    opening = min(poller.watched)
    under = [x.post(f"hen {n}", author=f"p{n}", in_reply_to=str(opening)) for n in range(3)]
    assert poller.poll_once() == 5
    assert [classifications(engine)[one] for one in asked] == ["prompt", "prompt", "conversation"]
    assert {classifications(engine)[one] for one in under} == {"prompt"}


def test_rejection_notifies_members_only(poller: Poller, x: SandboxX, engine: Engine, asked: int) -> None:
    with write_session(engine) as session:
        session.execute(update(people).where(people.c.handle == "ada").values(member_since=now()))
    for author in ("ada", "bea"):
        x.post("@threadpaint " + "a fox " * 400, author=author)
    x.post("@threadpaint help", author="ada")
    poller.poll_once()
    with read_connection(engine) as connection:
        rows = connection.execute(
            select(notifications.c.kind, creations.c.reason_code, people.c.handle)
            .join_from(notifications, creations, creations.c.id == notifications.c.creation_id)
            .join(people, people.c.id == notifications.c.person_id)
        ).all()
    assert [tuple(row) for row in rows] == [("refused", "too_long", "ada")]


def test_frequent_user_gets_increasing_queue_ranks(poller: Poller, x: SandboxX, engine: Engine) -> None:
    for number in range(3):
        x.post(f"@threadpaint fox {number}", author="ada")
    x.post("@threadpaint hen", author="bea")
    poller.poll_once()
    with read_connection(engine) as connection:
        rows = connection.execute(select(creations.c.prompt).order_by(creations.c.queue_rank, creations.c.id)).scalars()
        assert list(rows) == ["fox 0", "hen", "fox 1", "fox 2"]


def test_exhausted_budget_rejects_new_prompts(x: SandboxX, engine: Engine, queue: WorkQueue) -> None:
    poller = make_poller(x.client(), engine, queue, daily_budget_usd=0.001)
    poller.poll_once()
    x.post("@threadpaint a fox")
    from core.budget.ledger import LedgerEntry, write_costs

    write_costs(engine, [LedgerEntry("x", "reply", 10_000)], at=poller.x.x_now())
    assert poller.poll_once() == 0
    assert list(classifications(engine).values()) == ["budget"]


def test_ban_and_unban_take_effect(poller: Poller, x: SandboxX, engine: Engine, queue: WorkQueue, asked: int) -> None:
    moderation.ban(engine, "@Ada")
    assert creation_of(engine, asked).reason_code == "banned"
    x.post("@threadpaint a hen", author="ada")
    assert poller.poll_once() == 0
    moderation.unban(engine, "ada")
    x.post("@threadpaint an owl", author="ada")
    assert poller.poll_once() == 1
    with pytest.raises(ThreadpaintError, match="no user @zoe in this instance"):
        moderation.ban(engine, "zoe")


def test_handle_taken_over_on_x_belongs_to_its_new_owner(
    poller: Poller, x: SandboxX, engine: Engine, asked: int
) -> None:
    old = find_person(engine, "ada").id
    rename(x, "ada", "lovelace")
    x.post("@threadpaint an owl", author="ada")  # another account with this handle joins
    poller.poll_once()
    new = find_person(engine, "ada").id
    assert new != old
    assert find_person(engine, str(old)).former_handle == "ada"
    x.post("@threadpaint a hen", author="lovelace")
    poller.poll_once()
    assert find_person(engine, "lovelace").id == old


def test_edited_text_of_a_queued_post_is_painted(poller: Poller, x: SandboxX, engine: Engine, asked: int) -> None:
    control(x, f"posts/{asked}/edit", text="@threadpaint a wolf --n 2")
    assert poller.poll_once() == 0
    row = creation_of(engine, asked)
    assert (row.prompt, row._mapping["count"], row.state) == ("a wolf", 2, "queued")
    assert prompts(engine) == ["a wolf"]
    seed = row.seed
    poller.poll_once()
    assert creation_of(engine, asked).seed == seed


def test_edit_after_painting_changes_nothing(poller: Poller, x: SandboxX, engine: Engine, asked: int) -> None:
    with write_session(engine) as session:
        session.execute(update(creations).values(state="painted"))
    control(x, f"posts/{asked}/edit", text="@threadpaint a wolf")
    assert poller.poll_once() == 0
    assert prompts(engine) == ["a fox"]


def test_edit_to_an_empty_prompt_rejects(poller: Poller, x: SandboxX, engine: Engine, asked: int) -> None:
    control(x, f"posts/{asked}/edit", text="@threadpaint")
    poller.poll_once()
    row = creation_of(engine, asked)
    assert (row.state, row.reason_code) == ("refused", "empty")
    assert row.reply_text.startswith("What should I paint?")
    assert row.next_attempt_at is not None


def test_backfill_accepts_the_newest_and_rejects_the_others(
    poller: Poller, x: SandboxX, engine: Engine, queue: WorkQueue
) -> None:
    for number in range(5):
        x.post(f"@threadpaint fox {number}")
    with write_session(engine) as session:
        session.execute(update(cursors).values(polled_at=now() - timedelta(hours=1)))
    late = make_poller(x.client(), engine, queue, backfill_limit=2)
    assert late.poll_once() == 2
    assert list(classifications(engine).values()).count("too_many_waiting") == 3
    with read_connection(engine) as connection:
        taken = connection.execute(select(creations.c.prompt).where(creations.c.state == "queued")).scalars()
        assert sorted(taken) == ["fox 3", "fox 4"]
    assert len(queue.queued_ids(PAINT)) == 2


def test_too_old_posts_are_not_painted_after_downtime(poller: Poller, x: SandboxX, engine: Engine) -> None:
    old = x.post("@threadpaint a fox")
    control(x, "clock", advance=49 * 3600)
    new = x.post("@threadpaint a hen")
    with write_session(engine) as session:
        session.execute(update(cursors).values(polled_at=now() - timedelta(hours=49)))
    poller.x.get_me()  # each response carries X's clock
    assert poller.poll_once() == 1
    assert (classifications(engine)[old], classifications(engine)[new]) == ("too_old", "prompt")


def test_mention_type_and_reply_settings_are_stored(poller: Poller, x: SandboxX, engine: Engine) -> None:
    under = x.post("a boat", author="bea", in_reply_to=str(min(poller.watched)))
    named = x.post("@threadpaint a fox")
    poller.poll_once()
    with read_connection(engine) as connection:
        rows = {row.id: row for row in connection.execute(select(posts))}
    assert (rows[under].mention_type, rows[named].mention_type) == ("prefix", "mention")
    assert rows[named].reply_settings == "everyone"


def test_missing_post_is_looked_up_and_a_failing_look_up_does_not_block(
    poller: Poller, x: SandboxX, engine: Engine
) -> None:
    gone = x.post("a secret", author="bea")
    asked = x.post("@threadpaint paint this", author="ada", in_reply_to=str(gone))
    x.http.delete(f"{x.url}/sandbox/posts/{gone}")
    x.spoil("GET", "/2/tweets", answers(503), answers(503), answers(503))
    x.post("@threadpaint a hen", author="bea")
    created: list[int] = []

    def poll() -> bool:
        try:
            created.append(poller.poll_once())
        except ThreadpaintError:
            return False
        return True

    wait_until(poll, "polling does not continue")
    assert created == [1]
    assert creation_of(engine, asked).reason_code == "empty"
