"""Fill a database with a busy year of a gallery: users by Zipf's law, remixes, likes, comments and follows.

Only rows, without files of pictures. Stored counts equal the rows made here.
"""

import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import accumulate, islice
from typing import Any

from sqlalchemy import Engine, Table, select

from core import search_index
from core.database import write_session
from core.models import State, comments, creations, follows, likes, people, pictures, posts
from gallery.web import sessions
from tests.bench.prompts import SCENES, SUBJECTS

BEGIN = datetime(2025, 11, 20, tzinfo=UTC)
YEAR = timedelta(days=365)
FIRST_POST = 1_890_000_000_000_000_000
FIRST_PERSON = 1_000_000
BATCH_SIZE = 5000
FILLED_TABLES = (people, posts, creations, pictures, likes, comments, follows)
SHAPES = ((512, 512), (512, 512), (768, 512), (512, 768))
DETAILS = (
    "soft light", "thick brush strokes", "muted palette", "wide angle", "rule of thirds", "paper grain",
    "a single red thread", "long shadows", "very detailed", "as seen from above", "by candle light", "quiet mood",
)  # fmt: skip
# For searches of a rare word: in as many prompts of any number.
RARE_SUBJECT, RARE_COUNT = "a kangaroo", 30
# Whom the user with the most creations follows; the next one half as many, and so on.
MAX_FOLLOWED = 98
PLACEHOLDER = "data:image/webp;base64," + "UklGRlwAAABXRUJQVlA4IFAAAADQAwCdASoQABAAPzmGulOvKSWisAgB4CcJZQ" * 2


@dataclass(frozen=True)
class Filled:
    """Contents of the database. `logins`: session cookies of different members."""

    creations: int
    people: int
    logins: list[str]

    def moment(self, creation_id: int) -> datetime:
        """Return when a creation was published."""
        return BEGIN + YEAR * creation_id / self.creations

    def handle(self, rank: int) -> str:
        """Return the handle of a user; rank 0 has made the most pictures."""
        return f"person{rank % self.people}"


def fill(engine: Engine, count: int, *, members: int = 100, seed: int = 7) -> Filled:
    """Publish `count` creations in an empty, migrated SQLite database: 10,000 in 2 s, a million in minutes."""
    chance = random.Random(seed)
    filled = Filled(count, max(members, 20, count // 50), [])
    with _indexed_afterwards(engine):
        _fill_tables(engine, chance, filled)
    filled.logins.extend(sessions.create(engine, FIRST_PERSON + n, browser="a bench").value for n in range(members))
    _analyze(engine)
    return filled


def _fill_tables(engine: Engine, chance: random.Random, filled: Filled) -> None:
    count = filled.creations
    by_rank = list(accumulate(1 / (rank + 1) for rank in range(filled.people)))
    authors = [FIRST_PERSON + rank for rank in chance.choices(range(filled.people), cum_weights=by_rank, k=count)]
    parents = [_parent(chance, number) for number in range(1, count + 1)]
    liked = _pairs(chance, filled, by_rank, 2 * count)
    commented = sorted(_random_creation(chance, count) for _ in range(count // 2))
    followed = _followed(chance, filled.people)
    _insert(engine, people, _people(filled, followed))
    _insert(engine, posts, (_post(number, author, filled) for number, author in enumerate(authors, 1)))
    counts: dict[str, Counter[Any]] = {
        "likes": Counter(creation for _, creation in liked),
        "comments": Counter(commented),
        "remixes": Counter(parents),
    }
    _insert(engine, creations, _creations(chance, filled, authors, parents, counts))
    _index_prompts(engine, count)
    _insert(engine, pictures, _pictures(chance, filled))
    _insert(
        engine,
        likes,
        ({"person_id": p, "creation_id": c, "at": filled.moment(c) + timedelta(hours=1)} for p, c in sorted(liked)),
    )
    _insert(engine, comments, _comments(chance, filled, commented))
    _insert(engine, follows, _follows(followed))


@contextmanager
def _indexed_afterwards(engine: Engine) -> Iterator[None]:
    """Create the indexes at the end: to keep them in order while rows are added takes a million rows half an hour."""
    indexes = [index for table in FILLED_TABLES for index in table.indexes]
    with write_session(engine) as session:
        for index in indexes:
            index.drop(session.connection())
    yield
    for index in indexes:
        with write_session(engine) as session:
            index.create(session.connection())


def _insert(engine: Engine, table: Table, rows: Iterable[dict[str, Any]]) -> None:
    rows = iter(rows)
    while some := list(islice(rows, BATCH_SIZE)):
        with write_session(engine) as session:
            session.execute(table.insert(), some)


def _index_prompts(engine: Engine, count: int) -> None:
    """Put all prompts into SQLite's search index, as `core/publishing.py` does."""
    stmt = select(creations.c.id, creations.c.prompt).order_by(creations.c.id)
    for first in range(1, count + 1, BATCH_SIZE):
        with write_session(engine) as session:
            batch = stmt.where(creations.c.id.between(first, first + BATCH_SIZE - 1))
            rows = [{"id": row.id, "words": _words(row.id, row.prompt)} for row in session.execute(batch)]
            session.connection().execute(search_index.ADD["sqlite"], rows)


def _words(creation_id: int, prompt: str) -> str:
    words = " ".join(_words_of_part(part) for part in prompt.split(", "))
    return f"{words} {search_index.SLICE_MARK}{creation_id // search_index.SLICE_ROWS}"


@cache  # a prompt is put together from few parts
def _words_of_part(part: str) -> str:
    return " ".join(search_index.tokenize(part))


def _analyze(engine: Engine) -> None:
    """Collect statistics for the query planner, as a database that grew day by day has them."""
    with engine.connect() as connection:
        connection.exec_driver_sql("ANALYZE")
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("COMMIT")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")


def _random_creation(chance: random.Random, count: int) -> int:
    """Return a random creation id; a few are far more popular than the rest."""
    return min(count, 1 + int(count * chance.random() ** 3))


def _parent(chance: random.Random, number: int) -> int | None:
    return chance.randrange(max(1, number - 500), number) if number > 1 and chance.random() < 0.2 else None


def _pairs(chance: random.Random, filled: Filled, by_rank: Sequence[float], count: int) -> set[tuple[int, int]]:
    ranks = chance.choices(range(filled.people), cum_weights=by_rank, k=count)
    return {(FIRST_PERSON + rank, _random_creation(chance, filled.creations)) for rank in ranks}


def _followed(chance: random.Random, people: int) -> set[tuple[int, int]]:
    """Return pairs of a follower and a rank. As many users follow as many others, however many users there are."""
    pairs: set[tuple[int, int]] = set()
    for rank in range(people):
        chosen: set[int] = set()
        while len(chosen) < min(people // 2, 2 + MAX_FOLLOWED // (rank + 1)):
            chosen.add(_random_creation(chance, people))
        pairs.update((FIRST_PERSON + rank, other) for other in chosen)
    return pairs


def _people(filled: Filled, followed: set[tuple[int, int]]) -> Iterable[dict[str, Any]]:
    follows_of = Counter(follower for follower, _ in followed)
    followers_of = Counter(FIRST_PERSON + rank - 1 for _, rank in followed)
    for rank in range(filled.people):
        own = FIRST_PERSON + rank
        handle = filled.handle(rank)
        yield {
            "id": own, "username": handle, "handle": handle, "name": f"Person {rank} 🦊" if rank % 7 == 0 else handle,
            "first_seen_at": BEGIN, "member_since": BEGIN, "show_sensitive": False,
            "follower_count": followers_of[own], "following_count": follows_of[own],
        }  # fmt: skip


def _follows(followed: set[tuple[int, int]]) -> Iterable[dict[str, Any]]:
    for follower, rank in sorted(followed):
        yield {"follower_id": follower, "followed_id": FIRST_PERSON + rank - 1, "at": BEGIN}


def _post(number: int, author: int, filled: Filled) -> dict[str, Any]:
    moment = filled.moment(number)
    post_id = FIRST_POST + number
    return {
        "id": post_id, "root_id": post_id, "author_id": author, "text": "a post", "reply_settings": "everyone",
        "classification": "prompt", "mention_type": "mention", "created_at": moment, "read_at": moment,
        "last_checked_on_x_at": moment,
    }  # fmt: skip


def _creations(
    chance: random.Random,
    filled: Filled,
    authors: Sequence[int],
    parents: Sequence[int | None],
    counts: dict[str, Counter[Any]],
) -> Iterable[dict[str, Any]]:
    for number, (author, parent) in enumerate(zip(authors, parents, strict=True), 1):
        moment = filled.moment(number)
        words = [chance.choice(SUBJECTS), chance.choice(SCENES), *chance.sample(DETAILS, chance.randrange(7))]
        words += [RARE_SUBJECT] if number % max(1, filled.creations // RARE_COUNT) == 0 else []
        yield {
            "id": number, "post_id": FIRST_POST + number, "person_id": author, "parent_id": parent,
            "prompt": ", ".join(words), "negative_prompt": "", "count": _count(number), "seed": number,
            "queue_rank": number,
            "state": State.REPLIED.value, "attempts": 0, "model": "sdxl-lightning", "painting_seconds": 1.2,
            "steps_used": 4, "guidance": 0.0, "reply_status": "answered", "created_at": moment,
            "painted_at": moment, "published_at": moment, "sensitive": number % 97 == 0,
            **{name: counted[number] for name, counted in counts.items()},
        }  # fmt: skip


def _count(number: int) -> int:
    """Return the number of pictures of a creation, mostly one."""
    return (1, 1, 1, 2, 1, 4, 1, 3)[number % 8]


def _pictures(chance: random.Random, filled: Filled) -> Iterable[dict[str, Any]]:
    for creation_id in range(1, filled.creations + 1):
        width, height = chance.choice(SHAPES)
        for position in range(_count(creation_id)):
            number = creation_id * 4 + position
            key = f"{number % 256:02x}/{number:030x}"
            yield {
                "creation_id": creation_id, "position": position, "seed": creation_id + position, "width": width,
                "height": height, "mime": "image/webp", "size": 60_000, "key": f"{key}.webp",
                "thumb_key": f"{key[:-1]}a.webp", "thumb_avif_key": f"{key[:-1]}b.avif", "thumb_width": 480,
                "thumb_height": 480 * height // width, "placeholder": PLACEHOLDER, "flagged": False,
                "created_at": filled.moment(creation_id),
            }  # fmt: skip


def _comments(chance: random.Random, filled: Filled, commented: Sequence[int]) -> Iterable[dict[str, Any]]:
    for number, creation_id in enumerate(commented, 1):
        answers = number > 1 and commented[number - 2] == creation_id and number % 3 == 0
        yield {
            "id": number, "creation_id": creation_id, "person_id": FIRST_PERSON + chance.randrange(filled.people),
            "parent_id": number - 1 if answers else None, "text": f"I like {chance.choice(DETAILS)} here.",
            "created_at": filled.moment(creation_id) + timedelta(hours=2),
        }  # fmt: skip
