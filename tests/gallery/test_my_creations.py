"""A member's own creations: their states, and actions on one or many."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import Engine, select, update

from core.budget.budget import Allowance
from core.clock import now
from core.database import write_session
from core.models import State, creations
from core.publishing import publish
from core.scheduling.eta import Capacity
from core.x.rate_limit import RateWindow
from gallery.views import status_badges
from gallery.views.pagination import PAGE_SIZE
from tests.support.gallery_data import GalleryData
from tests.support.pages import page_context, template_name

QUIET = Capacity(
    RateWindow(100, 900, 100, 900),
    workers=1,
    painting_seconds=None,
    allowance=Allowance(None),
    reserve_price=1,
    at=now(),
)


@pytest.fixture
def ada(gallery_data: GalleryData) -> int:
    return gallery_data.person("ada")


@pytest.fixture
def token(client: TestClient, sign_in: Callable[[TestClient, int], str], ada: int) -> str:
    client.follow_redirects = False
    return sign_in(client, ada)


def row(engine: Engine, creation_id: int) -> Any:
    with engine.connect() as connection:
        return connection.execute(select(creations).where(creations.c.id == creation_id)).one()


def prompts(response: Response) -> Any:
    return [one.prompt for one in page_context(response)["page"].creations]


def stands(response: Response, creation_id: int) -> Any:
    stand = page_context(response)["badges"][creation_id]
    return stand.words, stand.detail


def do(client: TestClient, token: str, what: Any, *ids: Any, **fields: Any) -> Any:
    return client.post("/me/creations", data={"token": token, "do": what, "ids": [str(one) for one in ids], **fields})


def test_anonymous_user_is_redirected_to_sign_in(client: TestClient) -> None:
    client.follow_redirects = False
    answer = client.get("/me?only=hidden")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/sign-in?next=/me%3Fonly%3Dhidden"


def test_page_without_creations_explains_how_to_ask(client: TestClient, token: str) -> None:
    page = client.get("/me")
    assert "You haven’t made anything yet." in page.text
    assert 'href="/paint"' in page.text
    assert "50 of 50 left today" in page.text
    assert page.headers["cache-control"] == "private, no-store"


def test_page_lists_all_own_creations_newest_first(client: TestClient, gallery_data: GalleryData, token: str) -> None:
    gallery_data.publish(prompt="public")
    gallery_data.creation(prompt="waits", next_attempt_at=now())
    gallery_data.creation(prompt="refused", state=State.REFUSED, reason_code="quota")
    gallery_data.publish(prompt="hidden", hidden_at=now(), published_at=None)
    gallery_data.publish(prompt="deleted", deleted_at=now(), published_at=None)
    gallery_data.creation(prompt="a command", state=State.REFUSED, reason_code="stop")
    gallery_data.publish(prompt="grace's", person_id=gallery_data.person("grace"))
    assert prompts(client.get("/me")) == ["hidden", "refused", "waits", "public"]


@pytest.mark.parametrize(
    ("only", "found"),
    [("public", ["public"]), ("waiting", ["painted now", "waits"]), ("refused", ["no"]), ("hidden", ["hidden"])],
)
def test_a_filter_shows_one_kind(client: TestClient, gallery_data: Any, token: str, only: Any, found: Any) -> None:
    gallery_data.publish(prompt="public")
    gallery_data.creation(prompt="waits", next_attempt_at=now())
    gallery_data.creation(prompt="painted now", state=State.PAINTING, next_attempt_at=now())
    gallery_data.creation(prompt="no", state=State.FAILED, reason_code="gpu_failed")
    gallery_data.publish(prompt="hidden", hidden_at=now(), published_at=None)
    assert prompts(client.get("/me", params={"only": only})) == found


def test_the_former_name_of_a_filter_redirects(client: TestClient, token: str) -> None:
    response = client.get("/me?only=wall&count=2")
    assert (response.status_code, response.headers["location"]) == (308, "/me?only=public&count=2")


def test_an_unknown_filter_is_rejected(client: TestClient, token: str) -> None:
    assert client.get("/me?only=%00").status_code == 422


@pytest.mark.parametrize("only", ["", "public", "refused"])
def test_page_pages_by_cursor_without_gaps_or_repeats(
    client: TestClient, gallery_data: Any, token: str, only: Any
) -> None:
    for number in range(PAGE_SIZE + 2):
        if only == "refused":
            gallery_data.creation(prompt=str(number), state=State.REFUSED, reason_code="quota")
        else:
            gallery_data.publish(prompt=str(number), pictures=0)
    first = client.get("/me", params={"only": only})
    older = page_context(first)["page"].older
    second = client.get("/me", params={"only": only, "cursor": older})
    assert prompts(first) + prompts(second) == [str(number) for number in reversed(range(PAGE_SIZE + 2))]
    assert f"cursor={older}" in first.text
    assert page_context(second)["page"].older is None


def test_each_state_has_its_badge(client: TestClient, gallery_data: GalleryData, token: str) -> None:
    published = gallery_data.publish()
    only_here = gallery_data.publish(reply_status="x_post_gone")
    made_here = gallery_data.publish(reply_status=None, state=State.PAINTED)
    refused = gallery_data.creation(state=State.REFUSED, reason_code="too_long")
    failed = gallery_data.creation(state=State.FAILED, reason_code="gpu_failed")
    painting = gallery_data.creation(state=State.PAINTING)
    hidden = gallery_data.publish(hidden_at=now(), published_at=None)
    held = gallery_data.publish(published_at=None)
    page = client.get("/me")
    assert stands(page, published) == ("Public", "Replied on X.")
    assert stands(page, only_here)[1].startswith("Not posted on X: The post was deleted")
    assert stands(page, made_here) == ("Public", "")
    assert stands(page, refused)[0] == "Not painted"
    assert "The prompt is too long" in stands(page, refused)[1]
    assert stands(page, failed)[0] == "Could not be painted"
    assert stands(page, painting) == ("Painting now", "")
    assert stands(page, hidden) == ("Hidden", "Only you can see this.")
    assert stands(page, held)[0] == "Not public"


def test_queued_creation_shows_its_position(
    gallery_data: GalleryData, site: Callable[..., TestClient], sign_in: Callable[[TestClient, int], str], ada: int
) -> None:
    before = gallery_data.creation(next_attempt_at=now(), queue_rank=1, person_id=gallery_data.person("grace"))
    waits = gallery_data.creation(next_attempt_at=now(), queue_rank=2)
    assert before != waits
    client = site(load_capacity=lambda: QUIET)
    sign_in(client, ada)
    assert stands(client.get("/me"), waits)[1].startswith("In the queue: 1 ahead of you")


def test_quota_counts_creations_from_x_and_gallery(client: TestClient, gallery_data: GalleryData, token: str) -> None:
    for age in (1, 2, 30):
        gallery_data.publish(created_at=now() - timedelta(hours=age))
    # The post's own time is X's; what is counted is when it came to the house.
    assert page_context(client.get("/me"))["left"] == 48


def test_hiding_unpublishes_and_unhiding_restores_the_feed_position(
    client: TestClient, gallery_data: GalleryData, engine: Engine, token: str
) -> None:
    one, two = gallery_data.publish(prompt="one"), gallery_data.publish(prompt="two")
    place = row(engine, one).published_at
    answer = do(client, token, "hide", one, two, next="/me?only=public")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/me?only=public&done=hide&count=2"
    assert "2 pictures hidden. Only you can see them." in client.get(answer.headers["location"]).text
    assert row(engine, one).published_at is None
    assert client.get("/api/creations").json()["items"] == []
    assert "count=1" in do(client, token, "unhide", one).headers["location"]
    assert row(engine, one).published_at == place
    assert row(engine, two).published_at is None


def test_repeated_action_changes_nothing(
    client: TestClient, gallery_data: GalleryData, engine: Engine, token: str
) -> None:
    one = gallery_data.publish()
    for what in ("hide", "unhide", "sensitive", "unsensitive"):
        assert "count=1" in do(client, token, what, one).headers["location"]
        before = row(engine, one)
        again = do(client, token, what, one)
        assert "count=0" in again.headers["location"]
        assert row(engine, one) == before
        assert "No changes." in client.get(again.headers["location"]).text


def test_creation_hidden_in_queue_is_not_published_when_painted(
    client: TestClient, gallery_data: GalleryData, engine: Engine, token: str
) -> None:
    waits = gallery_data.creation(next_attempt_at=now())
    do(client, token, "hide", waits)
    with write_session(engine) as session:
        session.execute(
            update(creations).where(creations.c.id == waits).values(state=State.PAINTED.value, painted_at=now())
        )
    gallery_data.picture(waits)
    with write_session(engine) as session:
        assert publish(session, creations.c.id == waits) == []
    assert "It was painted" not in client.get("/me").text
    assert "count=1" in do(client, token, "unhide", waits).headers["location"]
    assert row(engine, waits).published_at is not None


def test_unhiding_does_not_publish_flagged_creation(
    client: TestClient, gallery_data: GalleryData, engine: Engine, token: str
) -> None:
    held = gallery_data.publish(pictures=0, hidden_at=now(), published_at=None)
    gallery_data.picture(held, flagged=True)
    do(client, token, "unhide", held)
    assert row(engine, held).published_at is None


def test_deleting_needs_confirmation_and_lists_the_creations(
    client: TestClient, gallery_data: GalleryData, engine: Engine, token: str
) -> None:
    one = gallery_data.publish(prompt="a fox", reply_post_id=5)
    page = do(client, token, "delete", one, next=f"/c/{one}")
    assert template_name(page) == "delete.html"
    assert row(engine, one).deleted_at is None
    assert "reply on X is deleted too" in page.text
    answer = do(client, token, "delete", one, confirmed="yes", next=f"/c/{one}")
    assert answer.headers["location"] == "/me?done=delete&count=1"
    assert row(engine, one).deleted_at is not None
    assert row(engine, one).published_at is None
    assert client.get(f"/c/{one}").status_code == 410
    assert prompts(client.get("/me")) == []


def test_queued_and_painting_creations_can_be_deleted(
    client: TestClient, gallery_data: GalleryData, engine: Engine, token: str
) -> None:
    waits = gallery_data.creation(next_attempt_at=now())
    painting = gallery_data.creation(state=State.PAINTING, next_attempt_at=now(), lease_token="a job")
    do(client, token, "delete", waits, painting, confirmed="yes")
    assert row(engine, waits).state == State.REFUSED
    assert row(engine, waits).next_attempt_at is None
    assert row(engine, painting).deleted_at is not None


def test_deleting_what_another_tab_deleted_is_no_error(
    client: TestClient, gallery_data: GalleryData, engine: Engine, token: str
) -> None:
    one = gallery_data.publish()
    do(client, token, "delete", one, confirmed="yes")
    for confirmed in ("", "yes"):
        answer = do(client, token, "delete", one, confirmed=confirmed)
        assert answer.headers["location"] == "/me?done=delete&count=0"


@pytest.mark.parametrize("what", ["hide", "unhide", "sensitive", "delete"])
@pytest.mark.parametrize("confirmed", ["", "yes"])
def test_selection_with_a_creation_of_another_user_is_rejected(
    client: TestClient, gallery_data: GalleryData, engine: Engine, token: str, what: Any, confirmed: Any
) -> None:
    own, other = gallery_data.publish(), gallery_data.publish(person_id=gallery_data.person("grace"))
    before = row(engine, own), row(engine, other)
    assert do(client, token, what, own, other, confirmed=confirmed).status_code == 403
    assert (row(engine, own), row(engine, other)) == before


def test_invalid_ids_are_rejected(client: TestClient, gallery_data: GalleryData, token: str) -> None:
    for number in ("0", "-1", "x", "9" * 5000, str(2**63 - 1), "\0", "1;2"):
        assert do(client, token, "hide", number).status_code == 403
    assert do(client, token, "hide", *range(1, 102)).status_code == 422
    assert do(client, token, "rename", gallery_data.publish()).status_code == 422


def test_empty_selection_shows_hint(client: TestClient, token: str) -> None:
    answer = do(client, token, "hide")
    assert "Select pictures first." in client.get(answer.headers["location"]).text


def test_forms_require_the_csrf_token(
    client: TestClient, gallery_data: GalleryData, engine: Engine, token: str
) -> None:
    one = gallery_data.publish()
    for wrong in ("", "x.y"):
        assert do(client, wrong, "hide", one).status_code == 403
    assert row(engine, one).hidden_at is None


def test_json_client_gets_the_message(client: TestClient, gallery_data: GalleryData, token: str) -> None:
    form = {"token": token, "do": "hide", "ids": [str(gallery_data.publish())]}
    answer = client.post("/me/creations", data=form, headers={"Accept": "application/json"})
    assert answer.json() == {"done": "hide", "count": 1, "words": "1 picture hidden. Only you can see it."}


def test_redirect_stays_on_this_site(client: TestClient, gallery_data: GalleryData, token: str) -> None:
    for wanted in ("https://evil.example", "//evil.example", "/\\evil.example"):
        assert (
            do(client, token, "hide", gallery_data.publish(), next=wanted).headers["location"].startswith("/me?done=")
        )


def test_hidden_creations_are_visible_to_their_owner_only(
    client: TestClient,
    site: Callable[..., TestClient],
    gallery_data: GalleryData,
    engine: Engine,
    token: str,
    sign_in: Callable[[TestClient, int], str],
) -> None:
    one = gallery_data.publish(prompt="a secret fox")
    do(client, token, "hide", one)
    picture = page_context(client.get("/me"))["page"].creations[0].pictures[0].thumb_url
    assert client.get(picture).status_code == 200
    other = site()
    sign_in(other, gallery_data.person("grace"))
    assert other.get(f"/c/{one}").status_code == 404
    assert other.get(picture).status_code == 404
    assert "secret" not in other.get("/@ada").text


def test_unsafe_prompts_are_hidden_here_too(client: TestClient, gallery_data: GalleryData, token: str) -> None:
    gallery_data.creation(prompt="unspeakable", state=State.REFUSED, reason_code="unsafe")
    assert "unspeakable" not in client.get("/me").text


def test_number_of_statements_does_not_grow_with_the_creations(
    client: TestClient, gallery_data: GalleryData, token: str, statements: list[str]
) -> None:
    gallery_data.publish()
    client.get("/me")
    statements.clear()
    client.get("/me")
    few = len(statements)
    for _ in range(10):
        gallery_data.publish()
    statements.clear()
    client.get("/me")
    assert len(statements) == few


@pytest.mark.parametrize("do_what", list(status_badges.DONE_MESSAGES))
def test_messages_have_singular_and_plural(do_what: Any) -> None:
    assert status_badges.summarize(do_what, 1).startswith("1 picture ")
    assert status_badges.summarize(do_what, 2).startswith("2 pictures ")
