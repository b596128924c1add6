"""A bot that listens to a sandbox X, and what it has written down."""

from typing import Any

from sqlalchemy import Engine, select

from bot.poller import Poller
from core.database import reading, transaction
from core.line import Line
from core.models import Creation, State, creations, people, posts
from core.pace import Pace
from core.queue import WorkQueue
from core.settings import MoneySettings, PaceSettings, PollSettings, RuleSettings, load
from core.x import XClient
from tests.support.rows import _picture as picture
from tests.support.sandbox_x import SandboxX

# One person asks for all in most tests.
NO_LIMITS = {"person_daily_limit": 10_000, "conversation_limit": 10_000}
# Every look reaches back.
EAGER = {"poll_seconds": 0.2, "poll_idle_seconds": 0.2, "poll_overlap_every_seconds": 0}


def listener(x: XClient, engine: Engine, queue: WorkQueue, **settings: Any) -> Poller:
    """A bot with usual manners, apart from the settings given."""
    given = (
        NO_LIMITS
        | {"poll_seconds": 0.2, "poll_idle_seconds": 0.2, "poll_overlap_every_seconds": 0, "backfill_limit": 2000}
        | settings
    )
    rules = {name: value for name, value in given.items() if name in RuleSettings.model_fields}
    poll = {name: value for name, value in given.items() if name in PollSettings.model_fields}
    money = {name: value for name, value in given.items() if name in MoneySettings.model_fields}
    budgets = load(MoneySettings, **money)
    line = Line(engine, queue, Pace(queue, load(PaceSettings)), budgets)
    return Poller(x, engine, line, load(PollSettings, **poll), load(RuleSettings, **rules), budgets)


def prompts(engine: Engine) -> list[str]:
    """Of all creations, in the order in which they were written down."""
    with reading(engine) as connection:
        return list(connection.execute(select(creations.c.prompt).order_by(creations.c.id)).scalars())


def verdicts(engine: Engine) -> dict[int, str]:
    """What became of each post that was kept."""
    with reading(engine) as connection:
        return {row.id: row.verdict for row in connection.execute(select(posts.c.id, posts.c.verdict))}


def creation_of(engine: Engine, post_id: int) -> Any:
    """The creation of a post, or None."""
    with reading(engine) as connection:
        return connection.execute(select(creations).where(creations.c.post_id == post_id)).one_or_none()


def person_called(engine: Engine, handle: str) -> Any:
    """The row of a person."""
    with reading(engine) as connection:
        return connection.execute(select(people).where(people.c.handle == handle)).one()


def answer(poller: Poller, engine: Engine, post_id: int) -> int:
    """As if a worker had painted the post's creation and answered it; returns the answer's id."""
    creation = creation_of(engine, post_id)
    answer_id = poller.x.answer(f"Painting No. {creation.id}", to=post_id, media_ids=[])
    with transaction(engine) as session:
        row = session.get_one(Creation, creation.id)
        row.state, row.reply_post_id, row.next_attempt_at = State.REPLIED, answer_id, None
        row.shown_at = row.created_at
        session.add_all([row, picture(creation.id, 0)])
    return answer_id


def fault(x: SandboxX, **values: Any) -> None:
    """Something goes wrong on X from now on."""
    told = x.http.post(f"{x.url}/sandbox/faults", json=values)
    assert told.status_code == 201, told.text


def rename(x: SandboxX, old: str, new: str) -> None:
    """Somebody changes their handle on X."""
    told = x.http.patch(f"{x.url}/sandbox/people/{old}", json={"username": new})
    assert told.status_code == 200, told.text


def control(x: SandboxX, what: str, **values: Any) -> Any:
    """A call of the sandbox's control."""
    told = x.http.post(f"{x.url}/sandbox/{what}", json=values)
    assert told.is_success, told.text
    return told.json()
