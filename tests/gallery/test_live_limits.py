"""Many streams: how many there are, what those get for which there is no room, and that none delays others."""

import asyncio
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, update

from core.budget.budget import Allowance
from core.clock import now
from core.database import write_session
from core.models import State, creations
from core.scheduling.eta import Capacity
from core.x.rate_limit import RateWindow
from gallery.queries import eta_cache
from gallery.queries.activity import MAX_PUBLISHED
from gallery.server import MAX_CONNECTIONS, RESERVED_FILES
from gallery.services import live_updates, subscribers
from gallery.services.subscribers import BATCH_SIZE, END, MAX_UNSENT, Subscriber, push_in_batches
from gallery.views.pagination import Cursor
from gallery.web.users import CurrentUser
from tests.support.child_processes import ROOT
from tests.support.event_streams import Stream, listening
from tests.support.gallery_data import GalleryData
from tests.support.raw_connections import connected
from tests.support.servers import wait_until
from tests.support.site_client import Serve, SiteClient

IDLE_CAPACITY = Capacity(RateWindow(100, 900, 100, 900), 1, None, Allowance(None), 1, now())


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Poll five times a second, to save time."""
    monkeypatch.setattr(live_updates, "POLL_SECONDS", 0.2)


@pytest.fixture
def address(client: SiteClient, serve: Serve) -> str:
    return serve(client)


@contextmanager
def full_site(client: SiteClient, address: str) -> Iterator[Stream]:
    """A site that has room for no more than the stream that this yields."""
    client.app.state.live.max_subscribers = 1
    with listening(address) as first:
        first.first("activity")
        yield first


def since() -> str:
    return f"?since={Cursor(now(), 1)}"


def publish_now(gallery_data: GalleryData, **values: Any) -> Any:
    return gallery_data.publish(published_at=now(), painted_at=now(), **values)


def test_one_stream_too_many_ends_and_comes_back_later(
    client: SiteClient, address: str, gallery_data: GalleryData
) -> None:
    query, creation_id = since(), publish_now(gallery_data)
    with full_site(client, address), listening(address, query) as second:
        assert second.ended.wait(10)
        assert second.ended_well
        assert second.status == 200, "browsers do not reconnect after 204"
        assert 15_000 <= second.retry <= 30_000
        assert second.first("activity")
        assert second.first("published")["id"] == creation_id, "until there is room, it polls"


def test_one_stream_of_a_creation_too_many_gets_its_state(
    client: SiteClient, address: str, gallery_data: GalleryData
) -> None:
    creation_id = gallery_data.creation(state=State.PAINTING, next_attempt_at=now())
    with full_site(client, address), listening(address, f"?creation={creation_id}") as second:
        assert second.ended.wait(10)
        assert second.named("creation") == [{"state": "painting", "text": "Painting now.", "ready": False}]


def test_a_stream_that_ends_leaves_its_place_to_another(client: SiteClient, address: str) -> None:
    with full_site(client, address):
        pass
    wait_until(lambda: client.app.state.live.is_idle, "the first stream did not end")
    with full_site(client, address) as next_one:
        assert not next_one.ended.is_set()


def test_streams_are_limited_per_client(
    address: str,
    site: Callable[..., TestClient],
    gallery_data: GalleryData,
    sign_in: Callable[[TestClient, int], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(live_updates, "MAX_PER_CLIENT", 1)
    client = site()
    sign_in(client, gallery_data.person("grace"))
    member = {"Cookie": f"login={client.cookies['login']}"}
    with listening(address) as stranger, listening(address, **member) as grace:
        for stream in (stranger, grace):
            stream.first("activity")
        for who in ({}, member):
            with listening(address, **who) as one_more:
                assert one_more.ended.wait(10)
        with listening(address, **{"X-Forwarded-For": "198.51.100.1"}) as elsewhere:
            elsewhere.first("activity")
            publish_now(gallery_data)
            elsewhere.first("published")
        assert not stranger.ended.is_set() and not grace.ended.is_set()


def test_a_reader_that_stands_still_delays_nobody(address: str, gallery_data: GalleryData) -> None:
    port = int(address.rpartition(":")[2])
    with connected(port, buffer=1024) as stuck, listening(address, since()) as reader:
        stuck.sendall(b"GET /live HTTP/1.1\r\nHost: x\r\n\r\n")
        reader.first("activity")
        published: list[int] = []
        # More than the server and the kernel hold for a reader.
        while len(published) < 2 * MAX_UNSENT:
            published += [publish_now(gallery_data, prompt="a fox " * 300) for _ in range(MAX_PUBLISHED)]
            count = len(published)
            wait_until(lambda: len(reader.named("published")) == count, "some did not arrive")  # noqa: B023
        assert [event["id"] for event in reader.named("published")] == published


def test_many_watched_creations_move_up(
    site: Callable[..., SiteClient],
    serve: Serve,
    gallery_data: GalleryData,
    engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """They are polled in batches: each page gets the position of its own creation."""
    monkeypatch.setattr(live_updates, "BATCH_SIZE", 2)
    monkeypatch.setattr(eta_cache, "CACHE_SECONDS", 0.0)
    ids = [gallery_data.creation(queue_rank=rank, next_attempt_at=now()) for rank in range(6)]
    address = serve(site(load_capacity=lambda: IDLE_CAPACITY))
    with ExitStack() as stack:
        streams = [stack.enter_context(listening(address, f"?creation={each}")) for each in ids[1:]]
        for ahead, stream in enumerate(streams, 1):
            wait_for_text(stream, f"In the queue: {ahead} ahead of you.")
        with write_session(engine) as session:
            done = {"state": State.FAILED.value, "next_attempt_at": None}
            session.execute(update(creations).where(creations.c.id == ids[0]).values(**done))
        for ahead, stream in enumerate(streams):
            wait_for_text(stream, f"In the queue: {ahead} ahead of you." if ahead else "Next in the queue.")


def wait_for_text(stream: Stream, text: str) -> None:
    wait_until(lambda: stream.named("creation") and stream.named("creation")[-1]["text"] == text, text)


@pytest.fixture
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscribers, "BATCH_PAUSE_SECONDS", 0)


def test_the_event_loop_has_its_turn_after_each_batch(no_pause: None) -> None:
    async def push_and_watch() -> list[int]:
        streams = [Subscriber(CurrentUser()) for _ in range(3 * BATCH_SIZE + 1)]
        pushing, seen = asyncio.create_task(push_in_batches(streams, lambda _: b"event")), [0]
        while not pushing.done():
            await asyncio.sleep(0)
            seen.append(sum(stream.unsent.qsize() for stream in streams))
        return seen

    seen = asyncio.run(push_and_watch())
    assert seen[-1] == 3 * BATCH_SIZE + 1
    assert max(after - before for before, after in pairwise(seen)) <= BATCH_SIZE


def test_a_full_queue_ends_the_stream() -> None:
    stream = Subscriber(CurrentUser())
    for number in range(MAX_UNSENT + 1):
        stream.push(b"%d" % number)
    assert stream.unsent.get_nowait() == END
    assert stream.unsent.empty()


SET_LIMITS = """
import resource
from gallery.server import raise_open_files_limit
for limits in ((200, resource.getrlimit(resource.RLIMIT_NOFILE)[1]), (200, 1024), (200, 200)):
    resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    print(raise_open_files_limit(), resource.getrlimit(resource.RLIMIT_NOFILE)[0])
"""


@pytest.mark.processes
def test_open_files_are_raised_for_the_connections() -> None:
    command = [sys.executable, "-c", SET_LIMITS]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    as_needed = f"{MAX_CONNECTIONS} {MAX_CONNECTIONS + RESERVED_FILES}"
    assert result.stdout.splitlines() == [as_needed, f"{1024 - RESERVED_FILES} 1024", "100 200"], result.stderr
