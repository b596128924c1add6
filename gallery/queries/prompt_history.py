"""Search a member's prompts: each once, newest first, with how often it was used and its latest picture.

One pass over the member's own rows along an index reads only ids and prompts. Grouping and search run in Python,
because no SQL function of both databases folds the case of every script. That takes 0.15 to 0.3 s for 50,000 creations
on a busy machine, so callers run it in a thread. At most the newest MAX_ROWS are read.
"""

import unicodedata
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, or_, select

from core.database import read_connection
from core.models import creations
from core.reason_codes import COMMAND_CODES, HIDDEN_PROMPT_CODES
from gallery.queries.my_creations import find_own
from gallery.views.creations import CreationView
from gallery.views.pagination import Cursor
from gallery.views.pictures import PictureView

MAX_ROWS = 50_000
MAX_QUERY_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Prompt:
    """One prompt. `latest`: its newest creation; `source`: the one to re-run or remix, with pictures if any has."""

    latest: CreationView
    source: CreationView
    times: int

    @property
    def picture(self) -> PictureView | None:
        """Return the latest picture of the prompt."""
        return self.source.pictures[0] if self.source.pictures else None


@dataclass(frozen=True, slots=True)
class PromptPage:
    """One page of prompts, where the next one begins, and the number of all prompts."""

    prompts: list[Prompt]
    older: str | None
    total: int


@dataclass(slots=True)
class _Group:
    latest_id: int
    painted_id: int = 0
    times: int = 0


def search_prompts(
    engine: Engine, person_id: int, *, query: str = "", limit: int, after: Cursor | None = None
) -> PromptPage:
    """Return a page of a user's prompts. With `query`, only those that contain all its words, in any case."""
    with read_connection(engine) as connection:
        groups = _group_prompts(connection, person_id, fold(query[:MAX_QUERY_LENGTH]).split())
        remaining = [group for group in groups if after is None or group.latest_id < after.id]
        page = remaining[:limit]
        ids = sorted({used_id for group in page for used_id in (group.latest_id, group.painted_id or group.latest_id)})
        by_id = {creation.id: creation for creation in find_own(connection, person_id, ids)}
    prompts = [_build_prompt(group, by_id) for group in page if group.latest_id in by_id]
    last = prompts[-1].latest if len(remaining) > limit and prompts else None
    return PromptPage(prompts, str(Cursor(last.created_at, last.id)) if last else None, len(groups))


def fold(text: str) -> str:
    """Return one form for upper and lower case, wide and narrow letters, and all spacing."""
    if text.isascii():
        return " ".join(text.lower().split())
    return " ".join(unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()).split())


def _group_prompts(connection: Connection, person_id: int, words: list[str]) -> list[_Group]:
    """Group equal prompts that contain all words, latest first."""
    has_prompt = or_(
        creations.c.reason_code.is_(None), creations.c.reason_code.not_in(sorted(COMMAND_CODES | HIDDEN_PROMPT_CODES))
    )
    stmt = (
        select(creations.c.id, creations.c.prompt, creations.c.painted_at.is_not(None))
        .where(creations.c.person_id == person_id, creations.c.deleted_at.is_(None), has_prompt)
        .order_by(creations.c.created_at.desc(), creations.c.id.desc())
        .limit(MAX_ROWS)
    )
    groups: dict[str, _Group] = {}
    for creation_id, prompt, is_painted in connection.execute(stmt):
        group = groups.setdefault(fold(prompt), _Group(creation_id))
        group.times += 1
        if is_painted and not group.painted_id:
            group.painted_id = creation_id
    matching = (group for key, group in groups.items() if key and all(word in key for word in words))
    return sorted(matching, key=lambda group: -group.latest_id)


def _build_prompt(group: _Group, by_id: dict[int, CreationView]) -> Prompt:
    latest = by_id[group.latest_id]
    return Prompt(latest, by_id.get(group.painted_id, latest), group.times)
