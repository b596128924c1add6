"""`/live`: what happens comes to who looks, as it happens. Against the site as it is served."""

import json
import socket
import threading
import time
from contextlib import contextmanager

import httpx
import pytest
from sqlalchemy import update

from core.clock import now
from core.database import transaction
from core.models import State, creations, people
from gallery.keyset import After
from gallery.walls import hub
from gallery.walls.happening import MOST_AT_ONCE
from tests.gallery.conftest import WITH_DOOR
from tests.support.served_site import Served
from tests.support.servers import wait_until


class Stream:
    """What came over one stream so far."""

    def __init__(self):
        self.events, self.status, self.headers, self.ended = [], None, {}, threading.Event()
        self.socket, self.ended_well = None, False

    def hang_up(self):
        """As a browser does that closes the page."""
        if not self.ended.is_set() and self.socket is not None:
            self.socket.shutdown(socket.SHUT_RDWR)

    def named(self, name):
        return [facts for found, facts in self.events if found == name]

    def first(self, name, within=10):
        return wait_until(lambda: self.named(name), f"no {name}", within=within)[0]


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """The house looks five times a second here, so that nobody waits for it."""
    monkeypatch.setattr(hub, "LOOK_SECONDS", 0.2)


@pytest.fixture
def served(site):
    served = Served(site().app)
    yield served
    served.stop()


@contextmanager
def listening(served, query="", **headers):
    """A stream that is read in a thread until the end of the block."""
    stream = Stream()
    client = httpx.Client(trust_env=False, timeout=20)
    thread = threading.Thread(
        target=_read, daemon=True, args=(client, stream, f"{served.address}/live{query}", headers)
    )
    thread.start()
    wait_until(lambda: stream.status, "no stream")
    try:
        yield stream
    finally:
        stream.hang_up()
        thread.join(10)
        client.close()


def _read(client, stream, url, headers):
    try:
        with client.stream("GET", url, headers=headers) as answer:
            stream.socket = answer.extensions["network_stream"].get_extra_info("socket")
            stream.headers, stream.status = dict(answer.headers), answer.status_code
            name = ""
            for line in answer.iter_lines():
                if line.startswith("event: "):
                    name = line[7:]
                elif line.startswith("data: "):
                    stream.events.append((name, json.loads(line[6:])))
        stream.ended_well = True
    except httpx.HTTPError:
        pass  # hung up, or cut off
    finally:
        stream.ended.set()


def since():
    return f"?since={After(now(), 1)}"


def hang_now(wall, **values):
    return wall.hang(shown_at=now(), painted_at=now(), **values)


def test_a_new_picture_comes_to_all_who_look(served, wall):
    with listening(served) as one, listening(served) as other:
        for stream in (one, other):
            stream.first("painting")
        time.sleep(0.5)  # the first look takes what hangs already for known
        creation_id = hang_now(wall, prompt="a lighthouse <b>now</b>")
        for stream in (one, other):
            hung = stream.first("hung")
            assert hung["id"] == creation_id
            assert f'<li class="card" id="c{creation_id}">' in hung["html"]
            assert "a lighthouse &lt;b&gt;now&lt;/b&gt;" in hung["html"]


def test_what_hung_between_page_and_stream_is_told(served, wall):
    creation_id = hang_now(wall)
    with listening(served, since()) as stream:
        assert stream.first("hung")["id"] == creation_id


def test_who_comes_back_gets_what_they_missed_and_no_more_than_a_page(served, wall):
    ids = [hang_now(wall, prompt=str(number)) for number in range(MOST_AT_ONCE + 3)]
    with listening(served, **{"Last-Event-ID": str(After(now(), 1))}) as stream:
        wait_until(lambda: len(stream.named("hung")) == MOST_AT_ONCE, "not all were told")
        assert [hung["id"] for hung in stream.named("hung")] == ids[-MOST_AT_ONCE:]


def test_nonsense_for_a_last_event_id_is_no_error(served, wall):
    for nonsense in ("x", "%00", "a" * 300):
        with listening(served, **{"Last-Event-ID": nonsense}) as stream:
            assert stream.status == 200


def test_a_proxy_is_told_to_pass_it_on_and_nothing_packs_it(served):
    with listening(served, **{"Accept-Encoding": "gzip"}) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        assert stream.headers["x-accel-buffering"] == "no"
        assert stream.headers["cache-control"] == "no-store"
        assert "content-encoding" not in stream.headers


def test_the_strip_tells_who_is_painted_and_who_waits(served, wall):
    wall.creation(prompt="first " * 100, state=State.PAINTING, next_attempt_at=now())
    for number in range(7):
        wall.creation(prompt=f"waiting {number}", next_attempt_at=now())
    with listening(served) as stream:
        html = stream.first("painting")["html"]
        assert "first first" in html
        assert len(html) < 3000
        assert "waiting 2" in html
        assert "and 4 more wait" in html


def test_who_listens_is_told_of_the_strip_also_while_others_open_pages(served, wall):
    stop, client = threading.Event(), httpx.Client(trust_env=False)

    def browse():
        while not stop.wait(0.05):
            client.get(f"{served.address}/")

    browser = threading.Thread(target=browse)
    with listening(served) as stream:
        stream.first("painting")
        time.sleep(0.5)  # the first look is over
        browser.start()
        try:
            for number in range(3):
                wall.creation(prompt=f"easel {number}", next_attempt_at=now())
                told = f"easel {number}"
                wait_until(lambda: told in stream.named("painting")[-1]["html"], "the strip stands still", within=5)  # noqa: B023
        finally:
            stop.set()
            browser.join(10)
            client.close()


def test_the_strip_names_nobody_who_is_hidden_and_nothing_sensitive(served, wall, engine):
    hidden, banned = wall.person("eve", "Eve"), wall.person("mal", "Mal")
    with transaction(engine) as session:
        session.execute(update(people).where(people.c.id == hidden).values(hidden_at=now()))
        session.execute(update(people).where(people.c.id == banned).values(banned_at=now()))
    wall.creation(prompt="by the hidden", person_id=hidden, next_attempt_at=now())
    wall.creation(prompt="by the banned", person_id=banned, next_attempt_at=now())
    wall.creation(prompt="behind a veil", sensitive=True, next_attempt_at=now())
    wall.creation(prompt="taken back", deleted_at=now(), next_attempt_at=now())
    with listening(served) as stream:
        html = stream.first("painting")["html"]
        assert "The easel is free" in html


def test_a_sensitive_picture_comes_behind_its_veil(served, wall, engine):
    creation_id = hang_now(wall, sensitive=True)
    with listening(served, since()) as stream:
        html = stream.first("hung")["html"]
        assert f'href="/c/{creation_id}"' in html
        assert "Marked as sensitive" in html
        assert "/pictures/" not in html
        assert "data:image" not in html


def test_who_painted_it_sees_it_without_veil_and_nobody_else_does(site, served, wall, sign_in):
    logins = []
    for name in ("ada", "grace"):
        client = site()
        sign_in(client, wall.person(name))
        logins.append({"Cookie": f"login={client.cookies['login']}"})
    hers, others = logins
    # The same card for many is drawn once: which of them came first must not matter.
    for first, second in ((hers, others), (others, hers)):
        with listening(served, **first) as one, listening(served, **second) as another:
            another.first("painting")
            time.sleep(0.5)  # what hung before the first look is not told
            hang_now(wall, sensitive=True)
            html = {who["Cookie"]: stream.first("hung")["html"] for who, stream in ((first, one), (second, another))}
        assert "/pictures/" in html[hers["Cookie"]]
        assert "/pictures/" not in html[others["Cookie"]]


def test_a_members_card_has_a_heart_to_press_and_a_strangers_leads_to_the_sign_in(site, wall, sign_in):
    served, creation_id = Served(site(settings=WITH_DOOR).app), hang_now(wall)
    client = site()
    sign_in(client, wall.person("grace"))
    with listening(served, since(), Cookie=f"login={client.cookies['login']}") as member:
        assert f'formaction="/c/{creation_id}/like"' in member.first("hung")["html"]
    with listening(served, since()) as stranger:
        assert f"/sign-in?next=/c/{creation_id}" in stranger.first("hung")["html"]
    served.stop()


def test_one_creation_is_told_from_the_line_to_the_picture(served, wall, engine):
    creation_id = wall.creation(next_attempt_at=now())
    with listening(served, f"?creation={creation_id}") as stream:
        assert stream.first("creation")["state"] == "queued"
        move(engine, creation_id, state=State.PAINTING)
        wait_until(lambda: stream.named("creation")[-1]["state"] == "painting", "not painting")
        assert stream.named("creation")[-1]["ready"] is False
        move(engine, creation_id, state=State.PAINTED, painted_at=now(), shown_at=now())
        wait_until(lambda: stream.named("creation")[-1]["ready"], "never ready")
        assert stream.named("hung") == []


def test_a_refusal_is_told_in_plain_words(served, wall):
    creation_id = wall.creation(state=State.REFUSED, code="too_long")
    with listening(served, f"?creation={creation_id}") as stream:
        told = stream.first("creation")
        assert told["ready"] is True
        assert "long" in told["words"]


def test_what_nobody_may_see_cannot_be_watched(served, wall, engine):
    hidden = wall.creation(next_attempt_at=now(), hidden_at=now())
    for name in (hidden, 4711, 0, -1, "x", "9" * 30):
        with listening(served, f"?creation={name}") as stream:
            assert stream.status == 204


def test_there_is_room_for_so_many_and_the_next_one_is_sent_away_for_good(served, monkeypatch):
    monkeypatch.setattr(hub, "MOST_LISTENERS", 1)
    with listening(served) as first:
        first.first("painting")
        with listening(served) as second:
            assert second.status == 204


def test_nobody_takes_the_places_of_all(served, site, wall, sign_in, monkeypatch):
    monkeypatch.setattr(hub, "MOST_OF_ONE", 1)
    client = site()
    sign_in(client, wall.person("grace"))
    member = {"Cookie": f"login={client.cookies['login']}"}
    with listening(served) as stranger, listening(served, **member) as grace:
        assert (stranger.status, grace.status) == (200, 200)
        elsewhere = {"X-Forwarded-For": "198.51.100.1"}
        for who, status in (({}, 204), (member, 204), (elsewhere, 200)):
            with listening(served, **who) as one_more:
                assert one_more.status == status


def test_the_database_is_looked_at_once_a_second_however_many_listen(served, wall, statements):
    streams = [listening(served) for _ in range(8)]
    for stream in streams:
        stream.__enter__().first("painting")
    statements.clear()
    time.sleep(3 * hub.LOOK_SECONDS)
    asked = len(statements)
    for stream in streams:
        stream.__exit__(None, None, None)
    # Three questions a look: who is painted, who waits, what hangs.
    assert 3 <= asked <= 15


def test_nobody_looks_when_nobody_listens(served, wall, statements):
    with listening(served) as stream:
        stream.first("painting")
    wait_until(lambda: served.app.state.live.is_at_rest, "somebody looks on", within=20)
    statements.clear()
    time.sleep(3 * hub.LOOK_SECONDS)
    assert statements == []


def test_a_stopping_site_lets_all_go_at_once(site, wall):
    served = Served(site().app)
    with listening(served) as stream:
        stream.first("painting")
        served.stop()
        assert not served.thread.is_alive()
        # Who is cut off instead meets a broken connection.
        assert stream.ended.wait(5)
        assert stream.ended_well


def move(engine, creation_id, **values):
    with transaction(engine) as session:
        session.execute(update(creations).where(creations.c.id == creation_id).values(**values))
