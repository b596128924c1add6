"""The prompts of a member: each once, newest first, with how often it was asked and its last picture. Knows no HTTP.

One pass over a member's own prompts along an index, and nothing else of those rows; grouping and looking for words are
done here, because no SQL function of both databases knows upper and lower case of every script. It is done in a thread
(measured: 0.15 to 0.3 s for 50,000 creations on a busy machine); no more than the newest MOST_READ are looked through.
"""

import unicodedata
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, or_, select

from core.database import reading
from core.models import creations
from core.refusals import NO_CREATION, UNSHOWN
from gallery.keyset import After
from gallery.mine.own import own_by_ids
from gallery.shown import CreationShown, PictureShown

MOST_READ = 50_000
LONGEST_QUESTION = 200


@dataclass(frozen=True, slots=True)
class Prompt:
    """One prompt. `latest`: asked last; `source`: the one to paint again or to remix, which has pictures if any has."""

    latest: CreationShown
    source: CreationShown
    times: int

    @property
    def picture(self) -> PictureShown | None:
        """The last picture that was painted of it."""
        return self.source.pictures[0] if self.source.pictures else None


@dataclass(frozen=True, slots=True)
class Prompts:
    """One page of prompts, where the next one begins, and how many there are in all."""

    prompts: list[Prompt]
    older: str | None
    total: int


@dataclass(slots=True)
class _Group:
    latest: int
    painted: int = 0
    times: int = 0


def prompts_of(engine: Engine, person_id: int, *, asked: str = "", limit: int, after: After | None = None) -> Prompts:
    """A page of somebody's prompts. `asked`: words that a prompt has anywhere in it, in whatever case."""
    with reading(engine) as connection:
        groups = _groups(connection, person_id, folded(asked[:LONGEST_QUESTION]).split())
        rest = [group for group in groups if after is None or group.latest < after.id]
        page = rest[:limit]
        wanted = sorted({one for group in page for one in (group.latest, group.painted or group.latest)})
        by_id = {one.id: one for one in own_by_ids(connection, person_id, wanted)}
    found = [_prompt(group, by_id) for group in page if group.latest in by_id]
    last = found[-1].latest if len(rest) > limit and found else None
    return Prompts(found, str(After(last.created_at, last.id)) if last else None, len(groups))


def folded(text: str) -> str:
    """One form for upper and lower case, wide and narrow letters, and however it is spaced."""
    if text.isascii():
        return " ".join(text.lower().split())
    return " ".join(unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()).split())


def _groups(connection: Connection, person_id: int, words: list[str]) -> list[_Group]:
    """Equal prompts together, those asked last first."""
    shown = or_(creations.c.code.is_(None), creations.c.code.not_in(sorted(NO_CREATION | UNSHOWN)))
    wanted = (
        select(creations.c.id, creations.c.prompt, creations.c.painted_at.is_not(None))
        .where(creations.c.person_id == person_id, creations.c.deleted_at.is_(None), shown)
        .order_by(creations.c.created_at.desc(), creations.c.id.desc())
        .limit(MOST_READ)
    )
    groups: dict[str, _Group] = {}
    for creation_id, prompt, painted in connection.execute(wanted):
        group = groups.get(key := folded(prompt))
        if group is None:
            group = groups[key] = _Group(creation_id)
        group.times += 1
        if painted and not group.painted:
            group.painted = creation_id
    found = (group for key, group in groups.items() if key and all(word in key for word in words))
    return sorted(found, key=lambda group: -group.latest)


def _prompt(group: _Group, by_id: dict[int, CreationShown]) -> Prompt:
    latest = by_id[group.latest]
    return Prompt(latest, by_id.get(group.painted, latest), group.times)
