"""Chaos: N mentions of 60 people while a fifth of X's calls fail and a random process is killed every few seconds.

Prints what was lost, answered twice, stuck, or left as a file without a row or a row without a file. Exit status 1 if
anything was.

    python tests/bench/chaos.py [--count 300] [--faults 0.2] [--seed 11] [--database sqlite|postgres] [--seconds 120]
"""

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

from sqlalchemy import Engine, select

from core.database import open_database, reading
from core.models import creations, pictures
from tests.bench.prompts import read_prompts
from tests.support import blows
from tests.support.house import OPEN_HANDED, House, running_house
from tests.support.postgres import running_postgres
from tests.support.servers import wait_until

PEOPLE = 60
BLOWS = (
    blows.kill_poller,
    blows.kill_worker_and_its_job,
    blows.kill_worker_and_its_job,
    blows.kill_pool,
    blows.kill_painter,
    blows.kill_queue,
    blows.kill_queue_keeper,
    blows.kill_gallery,
    blows.kill_x,
    blows.lose_the_queue_and_kill_it,
)
KEYS = ("key", "thumb_key", "thumb_avif_key", "wide_key", "wide_avif_key")


@dataclass
class Outcome:
    """What was found at the end. All but `asked` and `kills` should be empty or 0."""

    asked: int
    kills: int
    lost: list[str]
    twice: list[str]
    stuck: dict[str, int]
    missing_files: list[str]
    orphan_files: list[str]

    @property
    def well(self) -> bool:
        """Whether nothing was lost, doubled, stuck or orphaned."""
        return not (self.lost or self.twice or self.stuck or self.missing_files or self.orphan_files)


def faults(share: float) -> list[dict[str, Any]]:
    """`share` of the calls fail: before X has acted, after it has (the answer is lost), or with nonsense."""
    post = "POST /2/tweets"
    third = share / 3
    return [
        {"kind": "drop", "endpoint": post, "when": "after", "rate": third},
        {"kind": "html_503", "endpoint": post, "when": "after", "rate": third / 2},
        {"kind": "garbage_200", "endpoint": post, "when": "after", "rate": third / 2},
        {"kind": "html_503", "endpoint": post, "rate": third},
        {"kind": "drop", "endpoint": "POST /2/media/upload", "rate": share / 2},
        {"kind": "html_503", "endpoint": "POST /2/media/upload", "rate": share / 2},
        {"kind": "answer", "status": 500, "endpoint": "POST /2/media/metadata", "rate": share},
        {"kind": "html_503", "endpoint": "GET /2/users/:id/mentions", "rate": share / 2},
        {"kind": "empty_200", "endpoint": "GET /2/users/:id/tweets", "rate": share / 2},
        {"kind": "late", "seconds": 5, "rate": share},
        {"kind": "lost", "rate": share / 4},
    ]


def torment(house: House, prompts: list[str], *, seconds: float, share: float, seed: int) -> tuple[list[str], int]:
    """Post the prompts over `seconds` while processes are killed. Returns the ids of the posts, and how many kills."""
    chance, posted, kills = random.Random(seed), [], 0
    began, next_kill = time.monotonic(), 1.0
    for number, prompt in enumerate(prompts):
        text, author = f"@threadpaint {prompt}", f"person_{number % PEOPLE}"
        posted.append(str(wait_until(lambda: house.post(text, author), "X did not come back")))  # noqa: B023
        while time.monotonic() - began < seconds * (number + 1) / len(prompts):
            time.sleep(0.05)
        if time.monotonic() - began > next_kill:
            blow = chance.choice(BLOWS)
            blow(house)
            kills += 1
            if blow in (blows.kill_x, blows.kill_queue_keeper):
                wait_until(lambda: _stand(house, share), "X did not come back")
            next_kill = time.monotonic() - began + chance.uniform(1.5, 5)
    return posted, kills


def _stand(house: House, share: float) -> bool:
    """The sandbox keeps its posts when it is killed, and forgets its faults."""
    house.http.delete(f"{house.sandbox}/sandbox/faults")
    house.control("faults", faults=faults(share))
    return True


def judge(house: House, engine: Engine, posted: list[str], kills: int) -> Outcome:
    """Count after everything had time to settle."""
    answers = house.answers()
    with reading(engine) as connection:
        states: dict[str, int] = {}
        for (state,) in connection.execute(select(creations.c.state).where(creations.c.state != "replied")):
            states[state] = states.get(state, 0) + 1
        named = {key for row in connection.execute(select(*[pictures.c[name] for name in KEYS])) for key in row if key}
    folder = house.data / "pictures"
    files = {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file() and _is_picture(file)}
    return Outcome(
        asked=len(posted),
        kills=kills,
        lost=[post for post in posted if answers.get(post, 0) == 0],
        twice=[post for post in posted if answers.get(post, 0) > 1],
        stuck=states,
        missing_files=sorted(named - files),
        orphan_files=sorted(files - named),
    )


def _is_picture(file: Path) -> bool:
    return file.suffix in (".webp", ".avif") or file.name.startswith(".new-")


@contextmanager
def tormented(folder: Path, database: str) -> Iterator[tuple[House, Engine]]:
    """A demo on the chosen database, ready."""
    with ExitStack() as stack:
        url = stack.enter_context(running_postgres()) if database == "postgres" else ""
        settings = {**blows.QUICK, **OPEN_HANDED, **({"DEMO_DATABASE_URL": url} if url else {})}
        house = stack.enter_context(running_house(folder, **settings))
        house.shorten_windows(15)
        yield house, open_database(url or f"sqlite:///{folder / 'threadpaint.db'}")


def run(folder: Path, prompts: list[str], *, database: str, seconds: float, share: float, seed: int) -> Outcome:
    """The whole of it in `folder`."""
    with tormented(folder, database) as (house, engine):
        wait_until(lambda: len(house.answers()) >= 12, "the samples were not answered")
        _stand(house, share)
        posted, kills = torment(house, prompts, seconds=seconds, share=share, seed=seed)
        wait_until(lambda: _stand(house, share), "X did not come back")
        with suppress(AssertionError):  # what is missing is counted below
            wait_until(lambda: set(posted) <= set(house.answers()), "", within=120 + 2 * len(prompts))
        house.http.delete(f"{house.sandbox}/sandbox/faults")
        with suppress(AssertionError):
            wait_until(lambda: not judge(house, engine, posted, kills).stuck, "", within=120)
        time.sleep(6)  # whatever would answer a second time has had its lease
        return judge(house, engine, posted, kills)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--faults", type=float, default=0.2, help="share of X's calls that fail")
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--seconds", type=float, default=120, help="over which the mentions are posted")
    parser.add_argument("--database", choices=["sqlite", "postgres"], default="sqlite")
    parser.add_argument("--keep", type=Path, help="an empty folder for the demo's data and logs, kept afterwards")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        prompts = read_prompts(None, options.count)
        found = run(
            options.keep or Path(folder),
            prompts,
            database=options.database,
            seconds=options.seconds,
            share=options.faults,
            seed=options.seed,
        )
    print(f"database      {options.database}, seed {options.seed}")
    print(
        f"asked         {found.asked} by {PEOPLE} people, {found.kills} kills, {options.faults:.0%} of the calls fail"
    )
    print(f"lost          {len(found.lost)}   answered twice {len(found.twice)}   not settled {found.stuck or 0}")
    print(f"rows without file {len(found.missing_files)}   files without row {len(found.orphan_files)}")
    return 0 if found.well else 1


if __name__ == "__main__":
    sys.exit(main())
