"""Make the AVIF copies of pictures, in a job that waits for all paint and reply jobs.

    painted: due in a few seconds | the recovery loop counts an attempt and enqueues | files stored | named by the row

Pages show WebP until the row names the copies. A job may run twice: files are named by their content. If a job is lost,
its pictures are due again after a lease. Pictures of earlier versions are due, too: newest first, a few per second.
"""

from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from sqlalchemy import Engine, select, update

from core import imaging
from core.clock import now
from core.database import database_now, read_connection, write_session
from core.errors import GiveUp, TryLater
from core.logs import get_logger
from core.models import creations, pictures
from core.publishing import lock_creations
from core.queue import AVIF, WorkQueue
from core.storage import Storage
from worker.orphan_files import is_named

log = get_logger(__name__)

# Jobs in the queue at a time: the pace is so many per round of the recovery loop.
MAX_QUEUED = 8
# A picture whose jobs died so often is the cause itself.
MAX_ATTEMPTS = 5

Values = dict[str, object]


@dataclass(frozen=True)
class _Picture:
    """A picture without AVIF copies. A row id may be used again after a deletion, the key is the picture itself."""

    id: int
    key: str
    width: int
    thumb_width: int
    thumb_avif_key: str | None
    wide_avif_key: str | None
    wide_width: int | None

    @property
    def missing_widths(self) -> list[int]:
        """Widths of the copies to make: for cards, and for large display if that is wider, unless there is one."""
        large = self.wide_width or imaging.fit_width(self.width, imaging.WIDE_WIDTH)
        widths = [] if self.thumb_avif_key else [self.thumb_width]
        return widths if self.wide_avif_key or large <= self.thumb_width else [*widths, large]


def dispatch_avif(engine: Engine, queue: WorkQueue, pause: float) -> int:
    """Enqueue creations whose AVIF copies are due, and return their number. Raises TryLater if the queue is away.

    pause: seconds after which a picture is due again, if its job is lost.
    """
    queued = queue.queued_ids(AVIF)
    slots = MAX_QUEUED - len(queued)
    if slots <= 0 or not imaging.can_encode_avif():
        return 0
    ids = _find_due(engine, slots, queued)
    if ids:
        ids = _count_attempt(engine, ids, pause)
        queue.enqueue(AVIF, ids)
    return len(ids)


def _find_due(engine: Engine, count: int, excluded: set[int]) -> list[int]:
    """Return creations with due pictures, newest first."""
    with read_connection(engine) as connection:
        stmt = (
            select(pictures.c.creation_id)
            .where(pictures.c.avif_due_at <= database_now(connection))
            .order_by(pictures.c.creation_id.desc())
            .distinct()
            .limit(count + len(excluded))
        )
        ids = connection.execute(stmt).scalars().all()
    return [creation_id for creation_id in ids if creation_id not in excluded][:count]


def _count_attempt(engine: Engine, ids: list[int], pause: float) -> list[int]:
    """Set the due pictures of these creations to be due again after the pause, unless their attempts are used up.

    Returns the creations with such pictures: another machine may have dispatched the others meanwhile.
    """
    with write_session(engine) as session:
        moment = database_now(session.connection())
        due = (pictures.c.creation_id.in_(ids), pictures.c.avif_due_at <= moment)
        ended = update(pictures).where(*due, pictures.c.avif_attempts >= MAX_ATTEMPTS).values(avif_due_at=None)
        given_up = session.execute(ended.returning(pictures.c.creation_id)).scalars().all()
        again = {"avif_attempts": pictures.c.avif_attempts + 1, "avif_due_at": moment + timedelta(seconds=pause)}
        counted = session.execute(update(pictures).where(*due).values(**again).returning(pictures.c.creation_id))
        taken = set(counted.scalars())
    if given_up:
        log.error("no AVIF copies: their jobs died again and again", creations=sorted(set(given_up)))
    return [creation_id for creation_id in ids if creation_id in taken]


@dataclass(frozen=True)
class AvifCopies:
    """Makes the AVIF copies of a creation."""

    engine: Engine
    storage: Storage
    pause: float

    def make(self, creation_id: int) -> None:
        """Make the copies that are due. A picture that cannot be encoded stays without, and is not tried again."""
        due = self._load(creation_id)
        if not due:
            return
        try:
            self.storage.check_room()
            made = [(picture, self._store_copies(picture)) for picture in due]
            for key in self._save(creation_id, made):
                self.storage.discard(key, now(), partial(is_named, self.engine))
        except TryLater as error:
            # No picture is to blame: the storage is away, or this machine encodes no AVIF and another one may.
            log.debug("AVIF copies will be retried", creation=creation_id, reason=str(error))
            self._give_attempt_back(due)

    def _load(self, creation_id: int) -> list[_Picture]:
        columns = [pictures.c[name] for name in _Picture.__dataclass_fields__]
        stmt = select(*columns).where(pictures.c.creation_id == creation_id, pictures.c.avif_due_at.is_not(None))
        with read_connection(self.engine) as connection:
            return [_Picture(**row._mapping) for row in connection.execute(stmt)]

    def _store_copies(self, picture: _Picture) -> Values:
        """Store the missing copies. Returns what changes in the picture's row."""
        values: Values = {"avif_due_at": None}
        try:
            copies = imaging.make_avif(self._read(picture), picture.missing_widths)
        except GiveUp as error:
            log.warning("a picture stays without AVIF copies", key=picture.key, reason=str(error))
            return values
        for copy in copies:
            key = self.storage.put(copy.data, imaging.AVIF)
            if copy.width == picture.thumb_width:
                values["thumb_avif_key"] = key
            else:
                values |= {"wide_avif_key": key, "wide_width": copy.width, "wide_height": copy.height}
        return values

    def _read(self, picture: _Picture) -> bytes:
        """Return the file of the picture. Raises GiveUp if it is missing."""
        if (data := self.storage.get(picture.key)) is None:
            raise GiveUp("unreadable", "the file is missing")
        return data

    def _save(self, creation_id: int, made: list[tuple[_Picture, Values]]) -> list[str]:
        """Name the copies in the rows. Returns the copies of pictures that were deleted meanwhile."""
        unnamed: list[str] = []
        with write_session(self.engine) as session:
            lock_creations(session, creations.c.id == creation_id)
            for picture, values in made:
                same = (pictures.c.id == picture.id, pictures.c.key == picture.key)
                stmt = update(pictures).where(*same, pictures.c.creation_id == creation_id).values(**values)
                if session.execute(stmt.returning(pictures.c.id)).first() is None:
                    unnamed += [str(key) for name, key in values.items() if name.endswith("_key")]
        return unnamed

    def _give_attempt_back(self, due: list[_Picture]) -> None:
        with write_session(self.engine) as session:
            again = database_now(session.connection()) + timedelta(seconds=self.pause)
            stmt = update(pictures).where(pictures.c.id.in_([picture.id for picture in due]))
            stmt = stmt.where(pictures.c.avif_due_at.is_not(None))
            session.execute(stmt.values(avif_due_at=again, avif_attempts=pictures.c.avif_attempts - 1))
