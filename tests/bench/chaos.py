"""Post N mentions of 60 users while a fifth of X's calls fail and a random process is killed every few seconds.

Prints lost and doubled replies, stuck creations, files without a row and rows without a file. Exits with 1 if there are
any.

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

from sqlalchemy import Engine, func, select

from core.database import open_database, read_connection
from core.models import creations, pictures
from tests.bench.prompts import read_prompts
from tests.support import process_kills
from tests.support.demo import NO_LIMITS_AND_BUDGETS, Demo, running_demo
from tests.support.postgres import running_postgres
from tests.support.servers import wait_until

PEOPLE = 60
DAMAGES = (
    process_kills.kill_poller,
    process_kills.kill_workers,
    process_kills.kill_workers,
    process_kills.kill_pool,
    process_kills.kill_gpu_service,
    process_kills.kill_queue,
    process_kills.kill_queue_server,
    process_kills.kill_gallery,
    process_kills.kill_x,
    process_kills.delete_queue_data_and_kill_it,
)
KEYS = ("key", "thumb_key", "thumb_avif_key", "wide_key", "wide_avif_key")


@dataclass
class Outcome:
    """Counts at the end. All but `posted` and `kills` should be empty or 0."""

    posted: int
    kills: int
    lost: list[str]
    twice: list[str]
    stuck: dict[str, int]
    missing_files: list[str]
    orphan_files: list[str]

    @property
    def is_good(self) -> bool:
        """Return whether nothing was lost, doubled, stuck or orphaned."""
        return not (self.lost or self.twice or self.stuck or self.missing_files or self.orphan_files)


def faults(share: float) -> list[dict[str, Any]]:
    """Return faults of `share` of the calls: before or after they take effect, or with an invalid response."""
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


def post_and_kill(demo: Demo, prompts: list[str], *, seconds: float, share: float, seed: int) -> tuple[list[str], int]:
    """Post the prompts over `seconds` while killing processes. Return the ids of the posts, and the number of kills."""
    chance, posted, kills = random.Random(seed), [], 0
    started, next_kill = time.monotonic(), 1.0
    for number, prompt in enumerate(prompts):
        text, author = f"@threadpaint {prompt}", f"person_{number % PEOPLE}"
        posted.append(str(wait_until(lambda: demo.post(text, author), "the sandbox did not come back")))  # noqa: B023
        while time.monotonic() - started < seconds * (number + 1) / len(prompts):
            time.sleep(0.05)
        if time.monotonic() - started > next_kill:
            damage = chance.choice(DAMAGES)
            damage(demo)
            kills += 1
            if damage in (process_kills.kill_x, process_kills.kill_queue_server):
                wait_until(lambda: _inject_faults(demo, share), "the sandbox did not come back")
            next_kill = time.monotonic() - started + chance.uniform(1.5, 5)
    return posted, kills


def _inject_faults(demo: Demo, share: float) -> bool:
    """Inject the faults, again after a kill of the sandbox: it restores its posts, but not its faults."""
    demo.http.delete(f"{demo.sandbox}/sandbox/faults")
    demo.control("faults", faults=faults(share))
    return True


def judge(demo: Demo, engine: Engine, posted: list[str], kills: int) -> Outcome:
    """Count the results once all work had time to finish."""
    answers = demo.answers()
    with read_connection(engine) as connection:
        states: dict[str, int] = {}
        for (state,) in connection.execute(select(creations.c.state).where(creations.c.state != "replied")):
            states[state] = states.get(state, 0) + 1
        is_due = pictures.c.avif_due_at.is_not(None)
        if due := connection.execute(select(func.count()).select_from(pictures).where(is_due)).scalar_one():
            states["without AVIF"] = due
        named = {key for row in connection.execute(select(*[pictures.c[name] for name in KEYS])) for key in row if key}
    folder = demo.data / "pictures"
    files = {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file() and _is_picture(file)}
    return Outcome(
        posted=len(posted),
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
def fragile_demo(folder: Path, database: str) -> Iterator[tuple[Demo, Engine]]:
    """Yield a demo on the chosen database."""
    with ExitStack() as stack:
        url = stack.enter_context(running_postgres()) if database == "postgres" else ""
        settings = {**process_kills.QUICK, **NO_LIMITS_AND_BUDGETS, **({"DEMO_DATABASE_URL": url} if url else {})}
        demo = stack.enter_context(running_demo(folder, **settings))
        demo.shorten_windows(15)
        yield demo, open_database(url or f"sqlite:///{folder / 'threadpaint.db'}")


def run(folder: Path, prompts: list[str], *, database: str, seconds: float, share: float, seed: int) -> Outcome:
    """Run the whole test in `folder`."""
    with fragile_demo(folder, database) as (demo, engine):
        demo.post_samples()
        _inject_faults(demo, share)
        posted, kills = post_and_kill(demo, prompts, seconds=seconds, share=share, seed=seed)
        wait_until(lambda: _inject_faults(demo, share), "the sandbox did not come back")
        with suppress(AssertionError):  # missing replies are counted below
            wait_until(lambda: set(posted) <= set(demo.answers()), "", within=120 + 2 * len(prompts))
        demo.http.delete(f"{demo.sandbox}/sandbox/faults")
        with suppress(AssertionError):
            wait_until(lambda: not judge(demo, engine, posted, kills).stuck, "", within=120)
        time.sleep(6)  # a lease that would cause a second reply has expired by now
        return judge(demo, engine, posted, kills)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--faults", type=float, default=0.2, help="share of X's calls that fail")
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--seconds", type=float, default=120, help="over which the mentions are posted")
    parser.add_argument("--database", choices=["sqlite", "postgres"], default="sqlite")
    parser.add_argument("--keep", type=Path, help="an empty folder for data and logs, not deleted afterwards")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        prompts = read_prompts(None, options.count)
        outcome = run(
            options.keep or Path(folder),
            prompts,
            database=options.database,
            seconds=options.seconds,
            share=options.faults,
            seed=options.seed,
        )
    print(f"database      {options.database}, seed {options.seed}")
    print(
        f"posted        {outcome.posted} by {PEOPLE} users, {outcome.kills} kills, {options.faults:.0%} of calls fail"
    )
    print(f"lost          {len(outcome.lost)}   answered twice {len(outcome.twice)}   not settled {outcome.stuck or 0}")
    print(f"rows without file {len(outcome.missing_files)}   files without row {len(outcome.orphan_files)}")
    return 0 if outcome.is_good else 1


if __name__ == "__main__":
    sys.exit(main())
