"""Create a poller for a sandbox X, and read the rows that it wrote."""

from typing import Any

from sqlalchemy import Engine, select

from bot.poller import Poller
from core.database import read_connection, write_session
from core.models import Creation, State, creations, people, posts
from core.queue import WorkQueue
from core.scheduling import Dispatcher
from core.settings import BudgetSettings, PollSettings, RateLimitSettings, UsagePolicySettings, load
from core.x import XClient
from core.x.rate_limit import XRateLimiter
from tests.support.rows import _picture as picture
from tests.support.sandbox_x import SandboxX

# In most tests one user posts all prompts.
NO_LIMITS = {"user_daily_limit": 10_000, "conversation_limit": 10_000}
# Every poll overlaps.
EAGER = {"poll_seconds": 0.2, "poll_max_seconds": 0.2, "poll_overlap_interval_seconds": 0}


def make_poller(x: XClient, engine: Engine, queue: WorkQueue, **settings: Any) -> Poller:
    """Return a poller with default settings, except for these and the limits."""
    values = (
        NO_LIMITS
        | {"poll_seconds": 0.2, "poll_max_seconds": 0.2, "poll_overlap_interval_seconds": 0, "backfill_limit": 2000}
        | settings
    )
    rules = {name: value for name, value in values.items() if name in UsagePolicySettings.model_fields}
    poll = {name: value for name, value in values.items() if name in PollSettings.model_fields}
    money = {name: value for name, value in values.items() if name in BudgetSettings.model_fields}
    budgets = load(BudgetSettings, **money)
    dispatcher = Dispatcher(engine, queue, XRateLimiter(queue, load(RateLimitSettings)), budgets)
    return Poller(x, engine, dispatcher, load(PollSettings, **poll), load(UsagePolicySettings, **rules), budgets)


def prompts(engine: Engine) -> list[str]:
    """Return the prompts of all creations, oldest first."""
    with read_connection(engine) as connection:
        return list(connection.execute(select(creations.c.prompt).order_by(creations.c.id)).scalars())


def classifications(engine: Engine) -> dict[int, str]:
    """Return the classification of each stored post."""
    with read_connection(engine) as connection:
        return {row.id: row.classification for row in connection.execute(select(posts.c.id, posts.c.classification))}


def creation_of(engine: Engine, post_id: int) -> Any:
    """Return the creation of a post, or None."""
    with read_connection(engine) as connection:
        return connection.execute(select(creations).where(creations.c.post_id == post_id)).one_or_none()


def find_person(engine: Engine, handle: str) -> Any:
    """Return the row of a user."""
    with read_connection(engine) as connection:
        return connection.execute(select(people).where(people.c.handle == handle)).one()


def answer(poller: Poller, engine: Engine, post_id: int) -> int:
    """Paint and reply to the post's creation, as a worker does. Return the reply's id."""
    creation = creation_of(engine, post_id)
    reply_id = poller.x.reply(f"Painting No. {creation.id}", to=post_id, media_ids=[])
    with write_session(engine) as session:
        row = session.get_one(Creation, creation.id)
        row.state, row.reply_post_id, row.next_attempt_at = State.REPLIED, reply_id, None
        row.published_at = row.created_at
        session.add_all([row, picture(creation.id, 0)])
    return reply_id


def fault(x: SandboxX, **values: Any) -> None:
    """Inject a fault into the sandbox."""
    response = x.http.post(f"{x.url}/sandbox/faults", json=values)
    assert response.status_code == 201, response.text


def rename(x: SandboxX, old: str, new: str) -> None:
    """Change a user's handle on X."""
    response = x.http.patch(f"{x.url}/sandbox/people/{old}", json={"username": new})
    assert response.status_code == 200, response.text


def control(x: SandboxX, what: str, **values: Any) -> Any:
    """Call the sandbox's control API."""
    response = x.http.post(f"{x.url}/sandbox/{what}", json=values)
    assert response.is_success, response.text
    return response.json()
