"""A member's settings: the bot, sensitive pictures, sessions, data export and account deletion."""

import json
from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from typing import Any
from zipfile import ZipFile

import pytest
from sqlalchemy import Engine, Table, event, select
from sqlalchemy.exc import OperationalError

from core.clock import now
from core.database import write_session
from core.errors import SettingsError
from core.models import (
    Board,
    BoardItem,
    LedgerRow,
    Report,
    State,
    creations,
    likes,
    login_sessions,
    people,
    pictures,
)
from core.settings import load
from core.storage import FolderStorage
from core.upload_store import UploadStore
from gallery.queries import data_export
from gallery.services import comments, follows
from gallery.services import likes as like_service
from gallery.settings import GallerySettings
from gallery.web import sessions as signing
from tests.support.gallery_data import GalleryData
from tests.support.pages import page_context
from tests.support.site_client import SiteClient

HERE = "/me/settings"


@pytest.fixture
def ada(gallery_data: GalleryData) -> int:
    return gallery_data.person("ada")


@pytest.fixture
def member(client: SiteClient, sign_in: Callable[[SiteClient, int], str], ada: int) -> Any:
    """A client of Ada. `token` is the CSRF token of her forms."""
    client.token = sign_in(client, ada)
    client.follow_redirects = False
    return client


def row(engine: Engine, table: Table, number: int) -> Any:
    with engine.connect() as connection:
        return connection.execute(select(table).where(table.c.id == number)).one()


def write(engine: Engine, *rows: Any) -> None:
    with write_session(engine) as session:
        for each in rows:
            session.add(each)
            session.flush()


def test_anonymous_user_is_redirected_to_sign_in_and_back(client: SiteClient) -> None:
    for path in (HERE, f"{HERE}/delete", "/me/data.json", "/me/data.zip"):
        answer = client.get(path, follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (303, f"/sign-in?next={path}")


@pytest.mark.parametrize("form", ["bot", "sensitive", "browsers", "delete"])
def test_settings_require_the_csrf_token(member: Any, engine: Engine, ada: int, form: Any) -> None:
    given = {"do": "stop", "show": "yes", "login": "all", "handle": "ada"}
    before = row(engine, people, ada)
    assert member.post(f"{HERE}/{form}", data=given).status_code == 403
    evil = {"Origin": "https://evil.example"}
    assert member.post(f"{HERE}/{form}", data={**given, "token": member.token}, headers=evil).status_code == 403
    assert row(engine, people, ada) == before
    assert member.get(HERE).status_code == 200


def test_opting_out_equals_the_stop_command(member: Any, engine: Engine, ada: int, gallery_data: GalleryData) -> None:
    waiting = gallery_data.creation(person_id=ada, next_attempt_at=now())
    answer = member.post(f"{HERE}/bot", data={"do": "stop", "token": member.token})
    assert answer.headers["location"].startswith(HERE)
    assert row(engine, people, ada).opted_out_at is not None
    ended = row(engine, creations, waiting)
    assert (ended.state, ended.reason_code, ended.next_attempt_at) == (State.REFUSED.value, "opted_out", None)
    page = member.get(answer.headers["location"])
    assert "no longer replies to you" in page.text
    assert "Start again" in page.text


def test_opting_out_twice_keeps_the_first_date_and_opting_in_clears_it(member: Any, engine: Engine, ada: int) -> None:
    for _ in range(2):
        member.post(f"{HERE}/bot", data={"do": "stop", "token": member.token})
        said = row(engine, people, ada).opted_out_at
    member.post(f"{HERE}/bot", data={"do": "stop", "token": member.token})
    assert row(engine, people, ada).opted_out_at == said
    member.post(f"{HERE}/bot", data={"do": "start", "token": member.token})
    assert row(engine, people, ada).opted_out_at is None


def test_setting_blurs_or_shows_sensitive_pictures(member: Any, engine: Engine, ada: int) -> None:
    member.post(f"{HERE}/sensitive", data={"show": "yes", "token": member.token})
    assert page_context(member.get(HERE))["current_user"].show_sensitive
    member.post(f"{HERE}/sensitive", data={"show": "no", "token": member.token})
    assert not row(engine, people, ada).show_sensitive


def test_json_client_gets_the_new_setting(member: Any) -> None:
    wanted = {"Accept": "application/json"}
    answer = member.post(f"{HERE}/sensitive", data={"show": "yes", "token": member.token}, headers=wanted)
    assert answer.json() == {"shows_sensitive": True}


# browsers


def test_signing_out_one_browser_keeps_the_others(member: Any, engine: Engine, ada: int) -> None:
    other = signing.create(engine, ada, browser="Firefox on Linux")
    assert "Firefox on Linux" in member.get(HERE).text
    member.post(f"{HERE}/browsers", data={"login": str(other.session_id), "token": member.token})
    assert [each.browser for each in page_context(member.get(HERE))["settings"].browsers] == ["a test"]


def test_session_of_another_user_cannot_be_signed_out(member: Any, engine: Engine, gallery_data: GalleryData) -> None:
    theirs = signing.create(engine, gallery_data.person("grace"))
    for login in (str(theirs.session_id), "0", "-1", "9" * 40, "x", ""):
        assert member.post(f"{HERE}/browsers", data={"login": login, "token": member.token}).status_code == 303
    assert row(engine, login_sessions, theirs.session_id)


def test_signing_out_the_current_browser_redirects_to_the_feed(member: Any) -> None:
    this = page_context(member.get(HERE))["this_session"]
    answer = member.post(f"{HERE}/browsers", data={"login": str(this), "token": member.token})
    assert answer.headers["location"] == "/"
    assert member.get(HERE).status_code == 303


def test_signing_out_everywhere_ends_only_this_members_sessions(
    member: Any, engine: Engine, ada: int, gallery_data: GalleryData
) -> None:
    signing.create(engine, ada)
    theirs = signing.create(engine, gallery_data.person("grace"))
    member.post(f"{HERE}/browsers", data={"login": "all", "token": member.token})
    with engine.connect() as connection:
        assert list(connection.execute(select(login_sessions.c.id)).scalars()) == [theirs.session_id]


def test_unused_session_expires(member: Any, engine: Engine) -> None:
    with write_session(engine) as session:
        session.execute(login_sessions.update().values(expires_at=now() - timedelta(seconds=1)))
    assert member.get(HERE).status_code == 303


def test_use_prolongs_a_session(member: Any, engine: Engine) -> None:
    soon = now() + timedelta(days=1)
    with write_session(engine) as session:
        session.execute(login_sessions.update().values(expires_at=soon, seen_at=now() - timedelta(days=59)))
    member.get(HERE)
    with engine.connect() as connection:
        assert connection.execute(select(login_sessions.c.expires_at)).scalar_one() > soon + timedelta(days=50)


def test_session_ends_after_ninety_days_of_use(
    site: Callable[..., SiteClient],
    gallery_data: GalleryData,
    engine: Engine,
    sign_in: Callable[[SiteClient, int], str],
) -> None:
    client = site()
    sign_in(client, gallery_data.person("ada"))
    begun = now() - timedelta(days=89, hours=12)
    with write_session(engine) as session:
        session.execute(login_sessions.update().values(created_at=begun, seen_at=now() - timedelta(days=1)))
    assert client.get("/me").status_code == 200
    with engine.connect() as connection:
        assert connection.execute(select(login_sessions.c.expires_at)).scalar_one() == begun + timedelta(days=90)
    with write_session(engine) as session:
        session.execute(
            login_sessions.update().values(created_at=now() - timedelta(days=91), seen_at=now() - timedelta(days=1))
        )
    client.get("/")
    assert page_context(client.get("/"))["current_user"].person is None


def test_number_of_sessions_is_limited(engine: Engine, ada: int) -> None:
    for _ in range(signing.MAX_SESSIONS + 5):
        newest = signing.create(engine, ada)
    with engine.connect() as connection:
        session_ids = list(connection.execute(select(login_sessions.c.id)).scalars())
    assert len(session_ids) == signing.MAX_SESSIONS
    assert newest.session_id in session_ids


# one's data


def fill(engine: Engine, gallery_data: GalleryData, ada: int) -> Any:
    """Create rows of every kind, by Ada and by others."""
    grace = gallery_data.person("grace")
    hers, theirs = (
        gallery_data.publish(person_id=ada, prompt='a "fox" \u202e\U0001f98a'),
        gallery_data.publish(person_id=grace),
    )
    like_service.like(engine, ada, theirs)
    comments.add_comment(engine, ada, theirs, comments.NewComment("so blue", "1"))
    comments.add_comment(engine, grace, hers, comments.NewComment("not hers", "2"))
    follows.follow(engine, ada, grace)
    follows.follow(engine, grace, ada)
    write(
        engine,
        Board(id=1, person_id=ada, name="b", title="Blue", size=1),
        BoardItem(board_id=1, creation_id=theirs),
        Report(key="r", creation_id=theirs, person_id=ada, reason="spam", words="look"),
        LedgerRow(key="k", day="2026-11-20", item="user_read", micro_usd=10, person_id=ada),
    )
    return hers


def test_export_has_all_own_data_and_none_of_others(
    member: Any, engine: Engine, gallery_data: GalleryData, ada: int
) -> None:
    hers = fill(engine, gallery_data, ada)
    answer = member.get("/me/data.json")
    assert "attachment" in answer.headers["content-disposition"]
    assert "no-store" in answer.headers["cache-control"]
    data = json.loads(answer.text)
    for name in ("account", "posts", "creations", "likes", "comments", "follows", "followers", "boards"):
        assert len(data[name]) == 1, name
    for name in ("reports", "browsers", "costs"):
        assert len(data[name]) == 1, name
    assert [each["kind"] for each in data["notifications"]] == ["commented", "followed"]
    assert data["account"][0]["id"] == str(ada)
    assert data["creations"][0]["id"] == hers
    assert data["creations"][0]["prompt"] == 'a "fox" \u202e\U0001f98a'
    assert data["creations"][0]["pictures"][0]["address"].startswith("/pictures/")
    assert data["boards"][0]["creations"][0]["id"]
    assert "not hers" not in answer.text


def test_zip_export_has_the_pictures_under_the_names_in_its_json(
    member: Any, gallery_data: GalleryData, ada: int, engine: Engine
) -> None:
    _hers, gone, held = (gallery_data.publish(person_id=ada, pictures=2) for _ in range(3))
    gallery_data.publish(person_id=gallery_data.person("bob"))
    with write_session(engine) as session:
        session.execute(creations.update().where(creations.c.id == gone).values(deleted_at=now(), published_at=None))
        session.execute(creations.update().where(creations.c.id == held).values(published_at=None))
        session.execute(pictures.update().where(pictures.c.creation_id == held).values(flagged=True))
    answer = member.get("/me/data.zip")
    assert "attachment" in answer.headers["content-disposition"]
    taken = ZipFile(BytesIO(answer.content))
    assert taken.testzip() is None
    picture_data = json.loads(taken.read("data.json"))["creations"][0]["pictures"]
    assert taken.namelist() == ["data.json", *(picture["file"] for picture in picture_data)]
    for picture in picture_data:
        assert taken.read(picture["file"]) == member.get(picture["address"]).content


def test_export_omits_pictures_without_a_file(
    member: Any, gallery_data: GalleryData, ada: int, storage: FolderStorage
) -> None:
    gallery_data.publish(person_id=ada)
    for file in storage.folder.rglob("*.*"):
        file.unlink()
    assert ZipFile(BytesIO(member.get("/me/data.zip").content)).namelist() == ["data.json"]


def test_export_contains_no_secrets(member: Any, engine: Engine) -> None:
    with write_session(engine) as session:
        session.execute(login_sessions.update().values(tokens="sealed-words"))
        digest = session.execute(select(login_sessions.c.digest)).scalar_one()
    text = member.get("/me/data.json").text
    assert digest not in text
    assert "sealed-words" not in text


def test_large_account_is_exported_in_batches(
    member: Any, engine: Engine, gallery_data: GalleryData, ada: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data_export, "BATCH_SIZE", 7)
    for number in range(23):
        gallery_data.creation(person_id=ada, prompt=str(number))
    data = json.loads(member.get("/me/data.json").text)
    assert [each["prompt"] for each in data["creations"]] == [str(number) for number in range(23)]
    assert len(data["posts"]) == 23


def test_export_is_rate_limited(member: Any) -> None:
    answers = [member.get("/me/data.json").status_code for _ in range(7)]
    assert answers == [200] * 6 + [429]


# leaving


def test_deleting_the_account_requires_the_handle_and_keeps_the_input(member: Any, engine: Engine, ada: int) -> None:
    for typed in ("", "grace", "ad", "<b>ada"):
        page = member.post(f"{HERE}/delete", data={"handle": typed, "token": member.token})
        assert page.status_code == 422
        assert "Type @ada to confirm." in page.text
    assert "&lt;b&gt;ada" in page.text
    assert row(engine, people, ada).username == "ada"


def test_deleting_the_account_deletes_unused_uploads(
    member: Any, ada: int, gallery_data: GalleryData, storage: FolderStorage
) -> None:
    uploads = UploadStore(storage.folder)
    hers, other_members = uploads.save(ada, b"hers"), uploads.save(gallery_data.person("grace"), b"another's")
    member.post(f"{HERE}/delete", data={"handle": "ada", "token": member.token})
    assert uploads.get(ada, hers) is None
    assert uploads.get(gallery_data.person("grace"), other_members) == b"another's"


@pytest.mark.parametrize("typed", ["ada", "@ada", " @ADA "])
def test_deleted_account_is_erased_at_once(
    member: Any, engine: Engine, gallery_data: GalleryData, ada: Any, typed: Any
) -> None:
    hers = fill(engine, gallery_data, ada)
    page = member.post(f"{HERE}/delete", data={"handle": typed, "token": member.token})
    assert page.status_code == 200
    assert "Your data is deleted." in page.text
    assert page_context(page)["current_user"].person is None
    assert 'login=""; HttpOnly; Max-Age=0' in page.headers["set-cookie"]
    assert member.get(f"/c/{hers}").status_code == 410
    assert member.get("/@ada").status_code == 404
    assert "so blue" not in member.get("/c/2").text
    assert row(engine, people, gallery_data.person("grace")).follower_count == 0
    theirs = row(engine, creations, 2)
    assert (theirs.likes, theirs.comments) == (0, 0)
    with engine.connect() as connection:
        assert connection.execute(select(likes)).all() == []


def test_failed_account_deletion_changes_nothing(
    member: Any, engine: Engine, ada: int, gallery_data: GalleryData
) -> None:
    hers = gallery_data.publish(person_id=ada)

    def away(_connection: Any, _cursor: Any, statement: Any, *_rest: Any) -> None:
        if statement.startswith("UPDATE person"):
            raise OperationalError(statement, {}, Exception("database is locked"))

    event.listen(engine, "before_cursor_execute", away)
    page = member.post(f"{HERE}/delete", data={"handle": "ada", "token": member.token})
    event.remove(engine, "before_cursor_execute", away)
    assert page.status_code == 503
    assert member.get(HERE).status_code == 200
    assert row(engine, creations, hers).deleted_at is None


def test_deleting_the_account_twice_redirects_to_sign_in(member: Any) -> None:
    first = member.post(f"{HERE}/delete", data={"handle": "ada", "token": member.token})
    assert first.status_code == 200
    again = member.post(f"{HERE}/delete", data={"handle": "ada", "token": member.token})
    assert (again.status_code, again.headers["location"]) == (303, "/sign-in?next=/")


# settings of the host


def test_oauth_client_without_secret_key_is_a_settings_error() -> None:
    with pytest.raises(SettingsError, match=r"GALLERY_SECRET_KEY is missing.*openssl rand -hex 32"):
        load(GallerySettings, _env_file=None, x_client_id="abc")


@pytest.mark.parametrize("secret", ["short", "long " * 10 + ",short"])
def test_short_secret_key_is_rejected(secret: Any) -> None:
    with pytest.raises(SettingsError, match=r"GALLERY_SECRET_KEY is wrong.*32 characters"):
        load(GallerySettings, _env_file=None, x_client_id="abc", gallery_secret_key=secret)


def test_printed_settings_hide_secrets() -> None:
    settings = GallerySettings(_env_file=None, x_client_id="a", x_client_secret="s3cret", gallery_secret_key="g" * 40)
    assert "s3cret" not in repr(settings)
    assert "g" * 40 not in repr(settings)
