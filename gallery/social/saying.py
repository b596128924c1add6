"""Says something under a creation and takes it back: each comment is written together with its count. Knows no HTTP."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Engine, select, update
from sqlmodel import Session

from core.clock import now
from core.counting import lock
from core.database import insert_new, transaction, unlocked
from core.models import Kind, comments, creations, people
from core.notifying import notify
from core.text import tidy
from core.ties import take_back_comment
from core.unsafe import why_unsafe

LONGEST = 1000
MOST_LINES = 12
# The same words from the same person in another tab.
SAME_WORDS = timedelta(minutes=1)


class NotSaid(Exception):
    """A comment that is not taken, with the reason in plain words."""


@dataclass(frozen=True, slots=True)
class Words:
    """What somebody wants to say. `once` names the sending of the form, `parent_id` the comment that is answered."""

    text: str
    once: str
    parent_id: int | None = None


def words_of(typed: str) -> str:
    """What was typed, fit to be shown: no invisible characters, few empty lines. Raises NotSaid."""
    text = _tidied(typed)
    if not text:
        raise NotSaid("There are no words yet.")
    if len(text) > LONGEST:
        raise NotSaid(f"These are {len(text):,} characters; a comment has room for {LONGEST:,}.")
    if why_unsafe(text):
        raise NotSaid("These words do not hang here. Please say it another way.")
    return text


@unlocked
def say(engine: Engine, person_id: int, creation_id: int, words: Words) -> int | None:
    """Write a comment down; sent twice it is one. Returns its id, None where nothing hangs. Raises NotSaid."""
    with transaction(engine) as session:
        author_id = _hold(session, creation_id)
        if author_id is None:
            return None
        _may_speak(session, person_id)
        answered_id = _author_of(session, creation_id, words.parent_id) if words.parent_id is not None else None
        once = _once(person_id, creation_id, words)
        known = _said_already(session, person_id, creation_id, words, once)
        if known is not None:
            return known
        comment_id = _write(session, person_id, creation_id, words, once)
        about = {"actor_id": person_id, "creation_id": creation_id, "comment_id": comment_id}
        _tell(session, about, author_id, answered_id)
        return comment_id


@unlocked
def take_back(engine: Engine, person_id: int, creation_id: int, comment_id: int) -> bool:
    """Take a comment back: its author may, and whose creation it is. Twice is once. Returns whether they may."""
    with transaction(engine) as session:
        lock(session, creations, [creation_id])
        wanted = (
            select(comments.c.person_id, creations.c.person_id.label("host_id"))
            .join_from(comments, creations, creations.c.id == comments.c.creation_id)
            .where(comments.c.id == comment_id, comments.c.creation_id == creation_id)
        )
        row = session.execute(wanted).one_or_none()
        if row is None or person_id not in (row.person_id, row.host_id):
            return False
        take_back_comment(session, creation_id, comment_id)
        return True


def _tidied(typed: str) -> str:
    """Line by line; an empty line parts paragraphs, more of them do not, and after some lines all is one."""
    lines = [tidy(line) for line in typed.replace("\r\n", "\n").replace("\r", "\n").split("\n")]
    kept = [line for at, line in enumerate(lines) if line or (at and lines[at - 1])]
    first, rest = kept[: MOST_LINES - 1], [line for line in kept[MOST_LINES - 1 :] if line]
    return "\n".join([*first, *([" ".join(rest)] if rest else [])]).strip("\n")


def _hold(session: Session, creation_id: int) -> int | None:
    """Whose creation it is, where it hangs. Who comments on it meanwhile waits: the same words are seen as the same."""
    wanted = (
        select(creations.c.person_id)
        .join_from(creations, people, people.c.id == creations.c.person_id)
        .where(creations.c.id == creation_id, creations.c.shown_at.is_not(None), people.c.hidden_at.is_(None))
        .with_for_update(key_share=True, of=creations)
    )
    return session.execute(wanted).scalar_one_or_none()


def _may_speak(session: Session, person_id: int) -> None:
    hidden = select(people.c.id).where(people.c.id == person_id, people.c.hidden_at.is_not(None))
    if session.execute(hidden).first() is not None:
        raise NotSaid("Your account on X is protected, so nothing you say could be shown here.")


def _author_of(session: Session, creation_id: int, comment_id: int | None) -> int:
    wanted = (
        select(comments.c.person_id)
        .join_from(comments, people, people.c.id == comments.c.person_id)
        .where(comments.c.id == comment_id, comments.c.creation_id == creation_id)
        .where(comments.c.deleted_at.is_(None), people.c.hidden_at.is_(None), people.c.banned_at.is_(None))
    )
    author_id = session.execute(wanted).scalar_one_or_none()
    if author_id is None:
        raise NotSaid("The comment that you answer is not there any more.")
    return int(author_id)


def _once(person_id: int, creation_id: int, words: Words) -> str:
    """One sending, by one person, of these words: who goes back in the browser and says something else says more."""
    said = "\0".join((words.once, str(creation_id), str(words.parent_id), words.text))
    return f"{person_id}:{hashlib.sha256(said.encode()).hexdigest()[:32]}"


def _said_already(session: Session, person_id: int, creation_id: int, words: Words, once: str) -> int | None:
    """The comment that this one repeats."""
    lately = (comments.c.created_at > now() - SAME_WORDS, comments.c.deleted_at.is_(None))
    same: Any = (comments.c.creation_id == creation_id, comments.c.text == words.text, *lately)
    parent = comments.c.parent_id.is_not_distinct_from(words.parent_id)
    repeated = select(comments.c.id).where(comments.c.person_id == person_id, *same, parent).limit(1)
    sent = session.execute(select(comments.c.id).where(comments.c.once == once)).scalar_one_or_none()
    return sent if sent is not None else session.execute(repeated).scalar_one_or_none()


def _write(session: Session, person_id: int, creation_id: int, words: Words, once: str) -> int:
    place = {"creation_id": creation_id, "person_id": person_id, "parent_id": words.parent_id}
    if insert_new(session, comments, **place, text=words.text, once=once, created_at=now()):
        _count(session, creation_id, 1)
    return int(session.execute(select(comments.c.id).where(comments.c.once == once)).scalar_one())


def _count(session: Session, creation_id: int, step: int) -> None:
    counted = update(creations).where(creations.c.id == creation_id)
    session.execute(counted.values(comments=creations.c.comments + step))


def _tell(session: Session, about: dict[str, Any], author_id: int, answered_id: int | None) -> None:
    """Whose comment was answered, and whose creation it is: each once."""
    if answered_id is not None:
        notify(session, answered_id, Kind.ANSWERED, key=f"answered:{about['comment_id']}", **about)
    if author_id != answered_id:
        notify(session, author_id, Kind.COMMENTED, key=f"commented:{about['comment_id']}", **about)
