"""`/live` against the site as it is served."""

import threading
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, update

from core.clock import now
from core.database import write_session
from core.models import State, creations, people
from gallery.queries.activity import MAX_PUBLISHED
from gallery.services import live_updates
from gallery.services.likes import like
from gallery.services.mutes import mute_person, mute_topic
from gallery.views.pagination import Cursor
from tests.support.event_streams import listening
from tests.support.gallery_data import SETTINGS_WITH_SIGN_IN, GalleryData
from tests.support.gallery_server import Served
from tests.support.servers import wait_until
from tests.support.site_client import Serve, SiteClient


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Poll five times a second, to save time."""
    monkeypatch.setattr(live_updates, "POLL_SECONDS", 0.2)


@pytest.fixture
def client(site: Callable[..., SiteClient]) -> SiteClient:
    return site(gzip=True)


@pytest.fixture
def address(client: SiteClient, serve: Serve) -> str:
    return serve(client)


def since() -> str:
    return f"?since={Cursor(now(), 1)}"


def publish_now(gallery_data: GalleryData, **values: Any) -> Any:
    return gallery_data.publish(published_at=now(), painted_at=now(), **values)


def test_new_creation_is_pushed_to_all_streams(address: str, gallery_data: GalleryData) -> None:
    with listening(address) as one, listening(address) as other:
        for stream in (one, other):
            stream.first("activity")
        time.sleep(0.5)  # the first look takes what hangs already for known
        creation_id = publish_now(gallery_data, prompt="a lighthouse <b>now</b>")
        for stream in (one, other):
            published = stream.first("published")
            assert published["id"] == creation_id
            assert f'<li class="card ratio-150" id="c{creation_id}"' in published["html"]
            assert "a lighthouse &lt;b&gt;now&lt;/b&gt;" in published["html"]


def test_creation_published_between_page_and_stream_is_sent(address: str, gallery_data: GalleryData) -> None:
    creation_id = publish_now(gallery_data)
    with listening(address, since()) as stream:
        assert stream.first("published")["id"] == creation_id


def test_reconnect_sends_missed_creations_up_to_one_page(address: str, gallery_data: GalleryData) -> None:
    ids = [publish_now(gallery_data, prompt=str(number)) for number in range(MAX_PUBLISHED + 3)]
    with listening(address, **{"Last-Event-ID": str(Cursor(now(), 1))}) as stream:
        wait_until(lambda: len(stream.named("published")) == MAX_PUBLISHED, "not all were told")
        assert [published["id"] for published in stream.named("published")] == ids[-MAX_PUBLISHED:]


def test_invalid_last_event_id_is_ignored(address: str, gallery_data: GalleryData) -> None:
    for nonsense in ("x", "%00", "a" * 300):
        with listening(address, **{"Last-Event-ID": nonsense}) as stream:
            assert stream.status == 200


def test_stream_is_neither_buffered_nor_compressed(address: str) -> None:
    with listening(address, **{"Accept-Encoding": "gzip"}) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        assert stream.headers["x-accel-buffering"] == "no"
        assert stream.headers["cache-control"] == "no-store"
        assert "content-encoding" not in stream.headers


def test_activity_lists_painting_and_queued_creations(address: str, gallery_data: GalleryData) -> None:
    gallery_data.creation(prompt="first " * 100, state=State.PAINTING, next_attempt_at=now())
    for number in range(7):
        gallery_data.creation(prompt=f"waiting {number}", next_attempt_at=now())
    with listening(address) as stream:
        html = stream.first("activity")["html"]
        assert "first first" in html
        assert len(html) < 3000
        assert "waiting 2" in html
        assert "+ 4 in the queue" in html


def test_activity_is_pushed_while_others_open_pages(address: str, gallery_data: GalleryData) -> None:
    stop, client = threading.Event(), httpx.Client(trust_env=False, verify=False)

    def browse() -> None:
        while not stop.wait(0.05):
            client.get(f"{address}/")

    browser = threading.Thread(target=browse)
    with listening(address) as stream:
        stream.first("activity")
        time.sleep(0.5)  # the first look is over
        browser.start()
        try:
            for number in range(3):
                gallery_data.creation(prompt=f"activity {number}", next_attempt_at=now())
                event = f"activity {number}"
                wait_until(lambda: event in stream.named("activity")[-1]["html"], "the strip stands still", within=5)  # noqa: B023
        finally:
            stop.set()
            browser.join(10)
            client.close()


def test_activity_omits_hidden_users_and_sensitive_prompts(
    address: str, gallery_data: GalleryData, engine: Engine
) -> None:
    hidden, banned = gallery_data.person("eve", "Eve"), gallery_data.person("mal", "Mal")
    with write_session(engine) as session:
        session.execute(update(people).where(people.c.id == hidden).values(hidden_at=now()))
        session.execute(update(people).where(people.c.id == banned).values(banned_at=now()))
    gallery_data.creation(prompt="by the hidden", person_id=hidden, next_attempt_at=now())
    gallery_data.creation(prompt="by the banned", person_id=banned, next_attempt_at=now())
    gallery_data.creation(prompt="behind a warning", sensitive=True, next_attempt_at=now())
    gallery_data.creation(prompt="taken back", deleted_at=now(), next_attempt_at=now())
    with listening(address) as stream:
        html = stream.first("activity")["html"]
        assert "Nothing in the queue" in html


def test_pushed_sensitive_picture_is_blurred(address: str, gallery_data: GalleryData, engine: Engine) -> None:
    creation_id = publish_now(gallery_data, sensitive=True)
    with listening(address, since()) as stream:
        html = stream.first("published")["html"]
        assert f'href="/c/{creation_id}"' in html
        assert "Marked as sensitive" in html
        assert "/pictures/" not in html
        assert "data:image" not in html


def test_pushed_sensitive_picture_is_visible_to_its_author_only(
    site: Callable[..., TestClient],
    address: str,
    gallery_data: GalleryData,
    sign_in: Callable[[TestClient, int], str],
) -> None:
    logins = []
    for name in ("ada", "grace"):
        client = site()
        sign_in(client, gallery_data.person(name))
        logins.append({"Cookie": f"login={client.cookies['login']}"})
    hers, others = logins
    # The same card for many is drawn once: which of them came first must not matter.
    for first, second in ((hers, others), (others, hers)):
        with listening(address, **first) as one, listening(address, **second) as another:
            another.first("activity")
            time.sleep(0.5)  # what hung before the first look is not told
            publish_now(gallery_data, sensitive=True)
            html = {
                who["Cookie"]: stream.first("published")["html"] for who, stream in ((first, one), (second, another))
            }
        assert "/pictures/" in html[hers["Cookie"]]
        assert "/pictures/" not in html[others["Cookie"]]


def test_pushed_card_has_a_like_button_or_a_link_to_sign_in(
    site: Callable[..., SiteClient],
    serve: Serve,
    gallery_data: GalleryData,
    sign_in: Callable[[TestClient, int], str],
) -> None:
    address, creation_id = serve(site(settings=SETTINGS_WITH_SIGN_IN)), publish_now(gallery_data)
    client = site()
    sign_in(client, gallery_data.person("grace"))
    with listening(address, since(), Cookie=f"login={client.cookies['login']}") as member:
        assert f'formaction="/c/{creation_id}/like"' in member.first("published")["html"]
    with listening(address, since()) as stranger:
        assert f"/sign-in?next=/c/{creation_id}" in stranger.first("published")["html"]


def test_stream_of_one_creation_follows_its_states(address: str, gallery_data: GalleryData, engine: Engine) -> None:
    creation_id = gallery_data.creation(next_attempt_at=now())
    with listening(address, f"?creation={creation_id}") as stream:
        assert stream.first("creation")["state"] == "queued"
        move(engine, creation_id, state=State.PAINTING)
        wait_until(lambda: stream.named("creation")[-1]["state"] == "painting", "not painting")
        assert stream.named("creation")[-1]["ready"] is False
        move(engine, creation_id, state=State.PAINTED, painted_at=now(), published_at=now())
        wait_until(lambda: stream.named("creation")[-1]["ready"], "never ready")
        assert stream.named("published") == []


def test_stream_of_a_refused_creation_gives_the_reason(address: str, gallery_data: GalleryData) -> None:
    creation_id = gallery_data.creation(state=State.REFUSED, reason_code="too_long")
    with listening(address, f"?creation={creation_id}") as stream:
        event = stream.first("creation")
        assert event["ready"] is True
        assert "long" in event["text"]


def test_invisible_creation_has_no_stream(address: str, gallery_data: GalleryData, engine: Engine) -> None:
    hidden = gallery_data.creation(next_attempt_at=now(), hidden_at=now())
    for name in (hidden, 4711, 0, -1, "x", "9" * 30):
        with listening(address, f"?creation={name}") as stream:
            assert stream.status == 204


def test_one_poll_serves_all_streams(address: str, gallery_data: GalleryData, statements: list[str]) -> None:
    streams = [listening(address) for _ in range(8)]
    for stream in streams:
        stream.__enter__().first("activity")
    statements.clear()
    time.sleep(3 * live_updates.POLL_SECONDS)
    asked = len(statements)
    for stream in streams:
        stream.__exit__(None, None, None)
    # Three questions a look: who is painted, who waits, what hangs.
    assert 3 <= asked <= 15


def test_polling_stops_without_streams(
    client: SiteClient, address: str, gallery_data: GalleryData, statements: list[str]
) -> None:
    with listening(address) as stream:
        stream.first("activity")
    wait_until(lambda: client.app.state.live.is_idle, "somebody looks on", within=20)
    statements.clear()
    time.sleep(3 * live_updates.POLL_SECONDS)
    assert statements == []


def test_shutdown_closes_all_streams(site: Callable[..., TestClient], gallery_data: GalleryData) -> None:
    served = Served(site(gzip=True).app)
    with listening(served.address) as stream:
        stream.first("activity")
        served.stop()
        assert not served.thread.is_alive()
        # Who is cut off instead meets a broken connection.
        assert stream.ended.wait(5)
        assert stream.ended_well


def move(engine: Engine, creation_id: int, **values: Any) -> None:
    with write_session(engine) as session:
        session.execute(update(creations).where(creations.c.id == creation_id).values(**values))


def test_members_get_their_number_of_unread_notifications(
    address: str,
    engine: Engine,
    gallery_data: GalleryData,
    client: SiteClient,
    sign_in: Callable[[TestClient, int], str],
    statements: list[str],
) -> None:
    ada, bob = gallery_data.person("ada", member_since=now()), gallery_data.person("bob", member_since=now())
    creation_id = gallery_data.publish(person_id=ada)
    sign_in(client, ada)
    cookie = {"Cookie": f"login={client.cookies['login']}"}
    with listening(address, **cookie) as stream, listening(address) as anonymous:
        assert stream.first("unread") == {"count": 0}
        polls = "FROM notification \nWHERE notification.id >"
        wait_until(lambda: any(polls in statement for statement in statements), "it does not poll")
        like(engine, bob, creation_id)
        wait_until(lambda: stream.named("unread")[-1] == {"count": 1}, "not told")
        assert [count for count in stream.named("unread") if count["count"]] == [{"count": 1}]
        assert anonymous.named("unread") == []


def test_streams_leave_out_what_their_member_mutes(
    address: str, engine: Engine, gallery_data: GalleryData, client: SiteClient, sign_in: Callable[..., str]
) -> None:
    ada, bob = gallery_data.person("ada", member_since=now()), gallery_data.person("bob")
    sign_in(client, ada)
    cookie = {"Cookie": f"login={client.cookies['login']}"}
    with listening(address, since(), **cookie) as stream, listening(address, since()) as anonymous:
        stream.first("activity")
        mute_topic(engine, ada, "spiders")
        mute_person(engine, ada, bob)
        gallery_data.creation(person_id=bob, prompt="bob waits", next_attempt_at=now())
        cleo = gallery_data.person("cleo")
        for prompt, author in (("a spider", cleo), ("by bob", bob), ("a cat", cleo)):
            publish_now(gallery_data, prompt=prompt, person_id=author)
        wait_until(lambda: len(anonymous.named("published")) == 3, "not all were told")
        wait_until(lambda: stream.named("published"), "nothing was told")
        assert ["a cat" in published["html"] for published in stream.named("published")] == [True]
        wait_until(lambda: "bob waits" in anonymous.named("activity")[-1]["html"], "the strip stands still")
        assert not any("bob waits" in event["html"] for event in stream.named("activity"))
