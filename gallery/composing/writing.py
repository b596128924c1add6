"""Writes a wish of the gallery down as a creation that waits: once, and only where the rules allow it.

    lock the member | known already? | may they ask now? | parent, start picture, post to answer | row

All in one transaction, so that two tabs with one picture left for today get one picture. Knows no form and no page.
"""

import hashlib
from dataclasses import dataclass, field, replace
from datetime import timedelta

from sqlalchemy import Connection, Engine, Select, or_, select
from sqlmodel import Session

from core.clock import now
from core.database import transaction
from core.imaging import EXTENSION
from core.line.turns import next_turn
from core.models import Creation, State, creations, people, posts, watched
from core.standing import A_DAY, Standing, answers_in, standings
from core.starts import strength_for
from core.storage import Storage
from core.uploads import Uploads
from core.wishes import any_seed
from gallery.composing.parents import Parent, find_parent, own_post_behind
from gallery.composing.rules import NotNow, Terms, check
from gallery.composing.starts import OWN
from gallery.composing.wishes import Wish

# Double clicks, impatience, a connection that breaks and is tried again.
TWICE_WITHIN = timedelta(minutes=2)
CHOOSE_AGAIN = "This picture is not here any more. Choose it again."


@dataclass(frozen=True)
class Order:
    """A wish with all around it. `wish` None: the same as the parent, with a new seed. once: names this sending of
    this form. start: as in `Typed`."""

    person_id: int
    once: str
    wish: Wish | None = None
    parent_id: int | None = None
    start: str = ""
    on_x: bool = False


@dataclass(frozen=True)
class Desk:
    """Where orders are written down."""

    engine: Engine
    storage: Storage
    uploads: Uploads
    terms: Terms = field(repr=False)

    def write(self, order: Order) -> int:
        """Write it down. Returns the creation's id; of one that is written already, that one's. Raises NotNow."""
        start = self._chosen(order)
        with transaction(self.engine) as session:
            connection = session.connection()
            connection.execute(_locked(order.person_id))
            known, once = _known(connection, order.once)
            if known is not None:
                return known
            order = replace(order, once=once)
            check(order.person_id, self._standing(connection, order.person_id), self.terms)
            creation_id = self._write(session, order, start)
        self.uploads.forget(order.person_id, order.start.removeprefix(OWN))
        return creation_id

    def _standing(self, connection: Connection, person_id: int) -> Standing:
        return standings(connection, [person_id], self.terms.now - A_DAY)[person_id]

    def _chosen(self, order: Order) -> bytes | None:
        """The upload that is meant, read before anybody is made to wait for us."""
        if not order.start.startswith(OWN):
            return None
        kept = self.uploads.get(order.person_id, order.start.removeprefix(OWN))
        if kept is None:
            raise NotNow("no_start_picture", CHOOSE_AGAIN, field="start")
        return kept

    def _write(self, session: Session, order: Order, start: bytes | None) -> int:
        connection = session.connection()
        parent = _parent(connection, order)
        creation = _made_of(order, parent)
        if order.on_x:
            creation.answers_post_id = self._post_to_answer(connection, order)
        if start is not None:
            creation.start_url, creation.start_key = None, self.storage.put(start, EXTENSION)
            creation.start_owner_id = order.person_id
        creation.turn = next_turn(connection, order.person_id)
        session.add(creation)
        session.flush()
        return int(creation.id or 0)

    def _post_to_answer(self, connection: Connection, order: Order) -> int:
        post_id = own_post_behind(connection, order.parent_id, order.person_id)
        if post_id is None:
            raise NotNow("x_post_gone", "There is no post of yours to answer any more.", field="on_x")
        conversation = connection.execute(select(posts.c.conversation_id).where(posts.c.id == post_id)).scalar()
        limit = self.terms.rules.conversation_limit
        if conversation and not _is_watched(connection, conversation, post_id):
            spoken = answers_in(connection, [conversation], self.terms.now - A_DAY).get(conversation, 0)
            if spoken >= limit:
                words = "The bot has answered often enough in this conversation. It can be painted without an answer."
                raise NotNow("conversation", words, field="on_x")
        return post_id


def once_of(person_id: int, *parts: object) -> str:
    """Names one sending of one form by one member: the same words of the same page again are the same wish."""
    told = "\n".join(str(part) for part in (person_id, *parts))
    return "wish:" + hashlib.sha256(told.encode()).hexdigest()[:40]


def _locked(person_id: int) -> Select[tuple[int]]:
    """On PostgreSQL the second of two tabs waits here; SQLite has one writer at a time anyway."""
    return select(people.c.id).where(people.c.id == person_id).with_for_update(key_share=True)


def _known(connection: Connection, once: str) -> tuple[int | None, str]:
    """The creation that this sending made a moment ago; else the name under which it is written.

    Who comes back to the same page later and sends it once more means another one.
    """
    of_it = select(creations.c.id, creations.c.created_at)
    while row := connection.execute(of_it.where(creations.c.once == once)).first():
        if row.created_at > now() - TWICE_WITHIN:
            return int(row.id), once
        once = once_of(row.id, once)
    return None, once


def _parent(connection: Connection, order: Order) -> Parent | None:
    if order.parent_id is None:
        return None
    parent = find_parent(connection, order.parent_id, order.person_id)
    if parent is None:
        raise NotNow("nothing_there", "The picture you went on from does not hang here any more.", status=404)
    return parent


def _made_of(order: Order, parent: Parent | None) -> Creation:
    wish = order.wish or _same_wish(parent)
    start_url, start_key = _start(order, parent)
    return Creation(
        person_id=order.person_id,
        once=order.once,
        parent_id=parent.id if parent else None,
        prompt=wish.prompt,
        negative_prompt=wish.negative,
        count=wish.count,
        aspect_ratio=wish.shape,
        style=wish.style,
        steps=wish.steps,
        seed=any_seed() if wish.seed is None else wish.seed,
        start_url=start_url,
        start_key=start_key,
        start_owner_id=_owner(order, parent),
        strength=_strength(order, parent, wish),
        # What is made of a sensitive picture, or of its words, hangs behind a veil, too.
        sensitive=bool(parent and parent.row.sensitive),
        state=State.QUEUED,
        next_attempt_at=now(),
    )


def _same_wish(parent: Parent | None) -> Wish:
    if parent is None:
        raise NotNow("nothing_there", "There is no picture here that could be painted again.", status=404)
    row = parent.row
    return Wish(row.prompt, row.negative_prompt, row.style, row.aspect_ratio, row.count, None, row.steps, row.strength)


def _owner(order: Order, parent: Parent | None) -> int | None:
    """Who brought the picture along from which the parent began, if this begins from it, too."""
    return parent.row.start_owner_id if parent and parent.has_start and order.start == "same" else None


def _strength(order: Order, parent: Parent | None, wish: Wish) -> float | None:
    """How far it goes from its start. A picture that somebody brought along is shown to nobody: others come no nearer
    to it than the creation they go on from."""
    if parent is None or order.start != "same":
        return wish.strength
    if not parent.has_start:
        return None
    return strength_for(order.person_id, parent.row.start_owner_id, wish.strength, parent.row.strength)


def _start(order: Order, parent: Parent | None) -> tuple[str | None, str | None]:
    """Address and key of the picture that it starts from."""
    if parent is None or not order.start or order.start.startswith(OWN):
        return None, None
    if order.start == "same":
        if order.wish is not None and not parent.has_start:
            raise NotNow("no_start_picture", CHOOSE_AGAIN, field="start")
        return parent.row.start_url, parent.row.start_key
    position = order.start.removeprefix("picture:")
    if not (position.isascii() and position.isdigit() and len(position) < 3 and int(position) < len(parent.keys)):
        raise NotNow("no_start_picture", CHOOSE_AGAIN, field="start")
    return None, parent.keys[int(position)]


def _is_watched(connection: Connection, conversation: int, post_id: int) -> bool:
    """Under a watched post everybody asks: that is what it is for."""
    above = select(posts.c.in_reply_to_id).where(posts.c.id == post_id).scalar_subquery()
    wanted = select(watched.c.post_id).where(or_(watched.c.post_id == conversation, watched.c.post_id == above))
    return connection.execute(wanted.limit(1)).first() is not None
