"""A member's settings: the bot, sensitive pictures, browsers, one's data, and leaving."""

import json
from datetime import timedelta
from io import BytesIO
from zipfile import ZipFile

import pytest
from sqlalchemy import event, select
from sqlalchemy.exc import OperationalError

from core.clock import now
from core.database import transaction
from core.errors import SettingsError
from core.models import (
    Board,
    Collected,
    LedgerRow,
    Report,
    State,
    creations,
    likings,
    logins,
    people,
    pictures,
)
from core.settings import load
from core.uploads import Uploads
from gallery.mine import data_rows
from gallery.settings import GallerySettings
from gallery.signing import logins as signing
from gallery.social import follows, likes, saying

HERE = "/me/settings"


@pytest.fixture
def ada(wall):
    return wall.person("ada")


@pytest.fixture
def member(client, sign_in, ada):
    """Ada's browser; `token` is the one of her forms."""
    client.token = sign_in(client, ada)
    client.follow_redirects = False
    return client


def row(engine, table, number):
    with engine.connect() as connection:
        return connection.execute(select(table).where(table.c.id == number)).one()


def write(engine, *rows):
    with transaction(engine) as session:
        for each in rows:
            session.add(each)
            session.flush()


def test_strangers_are_sent_to_the_sign_in_and_back(client):
    for path in (HERE, f"{HERE}/delete", "/me/data.json", "/me/data.zip"):
        answer = client.get(path, follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (303, f"/sign-in?next={path}")


@pytest.mark.parametrize("form", ["bot", "sensitive", "browsers", "delete"])
def test_no_setting_changes_without_the_pages_own_token(member, engine, ada, form):
    given = {"do": "stop", "show": "yes", "login": "all", "handle": "ada"}
    before = row(engine, people, ada)
    assert member.post(f"{HERE}/{form}", data=given).status_code == 403
    evil = {"Origin": "https://evil.example"}
    assert member.post(f"{HERE}/{form}", data={**given, "token": member.token}, headers=evil).status_code == 403
    assert row(engine, people, ada) == before
    assert member.get(HERE).status_code == 200


def test_opting_out_does_what_stop_does(member, engine, ada, wall):
    waiting = wall.creation(person_id=ada, next_attempt_at=now())
    answer = member.post(f"{HERE}/bot", data={"do": "stop", "token": member.token})
    assert answer.headers["location"].startswith(HERE)
    assert row(engine, people, ada).opted_out_at is not None
    ended = row(engine, creations, waiting)
    assert (ended.state, ended.code, ended.next_attempt_at) == (State.REFUSED.value, "opted_out", None)
    page = member.get(answer.headers["location"])
    assert "leaves you alone" in page.text
    assert "Start again" in page.text


def test_opting_out_twice_keeps_the_first_day_and_in_again_forgets_it(member, engine, ada):
    for _ in range(2):
        member.post(f"{HERE}/bot", data={"do": "stop", "token": member.token})
        said = row(engine, people, ada).opted_out_at
    member.post(f"{HERE}/bot", data={"do": "stop", "token": member.token})
    assert row(engine, people, ada).opted_out_at == said
    member.post(f"{HERE}/bot", data={"do": "start", "token": member.token})
    assert row(engine, people, ada).opted_out_at is None


def test_sensitive_pictures_with_a_veil_or_without(member, engine, ada):
    member.post(f"{HERE}/sensitive", data={"show": "yes", "token": member.token})
    assert member.get(HERE).context["visitor"].shows_sensitive
    member.post(f"{HERE}/sensitive", data={"show": "no", "token": member.token})
    assert not row(engine, people, ada).shows_sensitive


def test_a_script_gets_facts_in_place_of_a_page(member):
    wanted = {"Accept": "application/json"}
    answer = member.post(f"{HERE}/sensitive", data={"show": "yes", "token": member.token}, headers=wanted)
    assert answer.json() == {"shows_sensitive": True}


# browsers


def test_one_browser_is_signed_out_and_the_others_stay(member, engine, ada):
    other = signing.begin(engine, ada, browser="Firefox on Linux")
    assert "Firefox on Linux" in member.get(HERE).text
    member.post(f"{HERE}/browsers", data={"login": str(other.login_id), "token": member.token})
    assert [each.browser for each in member.get(HERE).context["settled"].browsers] == ["a test"]


def test_nobody_signs_out_somebody_elses_browser(member, engine, wall):
    theirs = signing.begin(engine, wall.person("grace"))
    for login in (str(theirs.login_id), "0", "-1", "9" * 40, "x", ""):
        assert member.post(f"{HERE}/browsers", data={"login": login, "token": member.token}).status_code == 303
    assert row(engine, logins, theirs.login_id)


def test_signing_out_this_browser_leads_to_the_wall(member):
    this = member.get(HERE).context["this_login"]
    answer = member.post(f"{HERE}/browsers", data={"login": str(this), "token": member.token})
    assert answer.headers["location"] == "/"
    assert member.get(HERE).status_code == 303


def test_signing_out_everywhere_ends_every_login_of_this_member_alone(member, engine, ada, wall):
    signing.begin(engine, ada)
    theirs = signing.begin(engine, wall.person("grace"))
    member.post(f"{HERE}/browsers", data={"login": "all", "token": member.token})
    with engine.connect() as connection:
        assert list(connection.execute(select(logins.c.id)).scalars()) == [theirs.login_id]


def test_a_login_that_was_not_used_for_long_counts_no_more(member, engine):
    with transaction(engine) as session:
        session.execute(logins.update().values(expires_at=now() - timedelta(seconds=1)))
    assert member.get(HERE).status_code == 303


def test_a_login_lasts_longer_when_it_is_used(member, engine):
    soon = now() + timedelta(days=1)
    with transaction(engine) as session:
        session.execute(logins.update().values(expires_at=soon, seen_at=now() - timedelta(days=59)))
    member.get(HERE)
    with engine.connect() as connection:
        assert connection.execute(select(logins.c.expires_at)).scalar_one() > soon + timedelta(days=50)


def test_a_login_ends_after_ninety_days_however_often_it_is_used(site, wall, engine, sign_in):
    client = site()
    sign_in(client, wall.person("ada"))
    begun = now() - timedelta(days=89, hours=12)
    with transaction(engine) as session:
        session.execute(logins.update().values(created_at=begun, seen_at=now() - timedelta(days=1)))
    assert client.get("/me").status_code == 200
    with engine.connect() as connection:
        assert connection.execute(select(logins.c.expires_at)).scalar_one() == begun + timedelta(days=90)
    with transaction(engine) as session:
        session.execute(
            logins.update().values(created_at=now() - timedelta(days=91), seen_at=now() - timedelta(days=1))
        )
    client.get("/")
    assert client.get("/").context["visitor"].person is None


def test_no_more_browsers_are_kept_than_anybody_has(engine, ada):
    for _ in range(signing.MOST_BROWSERS + 5):
        newest = signing.begin(engine, ada)
    with engine.connect() as connection:
        kept = list(connection.execute(select(logins.c.id)).scalars())
    assert len(kept) == signing.MOST_BROWSERS
    assert newest.login_id in kept


# one's data


def fill(engine, wall, ada):
    """Something of everything, of Ada and of others."""
    grace = wall.person("grace")
    hers, theirs = wall.hang(person_id=ada, prompt='a "fox" \u202e\U0001f98a'), wall.hang(person_id=grace)
    likes.like(engine, ada, theirs)
    saying.say(engine, ada, theirs, saying.Words("so blue", once="1"))
    saying.say(engine, grace, hers, saying.Words("not hers", once="2"))
    follows.follow(engine, ada, grace)
    follows.follow(engine, grace, ada)
    write(
        engine,
        Board(id=1, person_id=ada, name="b", title="Blue", size=1),
        Collected(board_id=1, creation_id=theirs),
        Report(key="r", creation_id=theirs, person_id=ada, reason="spam", words="look"),
        LedgerRow(key="k", day="2026-11-20", item="user_read", micro_usd=10, person_id=ada),
    )
    return hers


def test_the_file_holds_everything_of_oneself_and_nothing_of_others(member, engine, wall, ada):
    hers = fill(engine, wall, ada)
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


def test_with_the_words_come_the_pictures_by_the_names_that_the_words_tell(member, wall, ada, engine):
    _hers, gone, held = (wall.hang(person_id=ada, pictures=2) for _ in range(3))
    wall.hang(person_id=wall.person("bob"))
    with transaction(engine) as session:
        session.execute(creations.update().where(creations.c.id == gone).values(deleted_at=now(), shown_at=None))
        session.execute(creations.update().where(creations.c.id == held).values(shown_at=None))
        session.execute(pictures.update().where(pictures.c.creation_id == held).values(flagged=True))
    answer = member.get("/me/data.zip")
    assert "attachment" in answer.headers["content-disposition"]
    taken = ZipFile(BytesIO(answer.content))
    assert taken.testzip() is None
    told = json.loads(taken.read("data.json"))["creations"][0]["pictures"]
    assert taken.namelist() == ["data.json", *(each["file"] for each in told)]
    for each in told:
        assert taken.read(each["file"]) == member.get(each["address"]).content


def test_a_picture_whose_file_went_meanwhile_is_left_out(member, wall, ada, storage):
    wall.hang(person_id=ada)
    for file in storage.folder.rglob("*.*"):
        file.unlink()
    assert ZipFile(BytesIO(member.get("/me/data.zip").content)).namelist() == ["data.json"]


def test_the_file_holds_no_secret(member, engine):
    with transaction(engine) as session:
        session.execute(logins.update().values(tokens="sealed-words"))
        digest = session.execute(select(logins.c.digest)).scalar_one()
    text = member.get("/me/data.json").text
    assert digest not in text
    assert "sealed-words" not in text


def test_a_large_account_is_read_in_steps_and_misses_nothing(member, engine, wall, ada, monkeypatch):
    monkeypatch.setattr(data_rows, "AT_ONCE", 7)
    for number in range(23):
        wall.creation(person_id=ada, prompt=str(number))
    data = json.loads(member.get("/me/data.json").text)
    assert [each["prompt"] for each in data["creations"]] == [str(number) for number in range(23)]
    assert len(data["posts"]) == 23


def test_the_file_is_not_made_again_and_again(member):
    answers = [member.get("/me/data.json").status_code for _ in range(7)]
    assert answers == [200] * 6 + [429]


# leaving


def test_leaving_asks_for_ones_handle_and_keeps_what_was_typed(member, engine, ada):
    for typed in ("", "grace", "ad", "<b>ada"):
        page = member.post(f"{HERE}/delete", data={"handle": typed, "token": member.token})
        assert page.status_code == 422
        assert "Type @ada to go on." in page.text
    assert "&lt;b&gt;ada" in page.text
    assert row(engine, people, ada).username == "ada"


def test_who_leaves_takes_the_pictures_along_that_were_chosen_and_not_used(member, ada, wall, storage):
    uploads = Uploads(storage.folder)
    hers, anothers = uploads.keep(ada, b"hers"), uploads.keep(wall.person("grace"), b"another's")
    member.post(f"{HERE}/delete", data={"handle": "ada", "token": member.token})
    assert uploads.get(ada, hers) is None
    assert uploads.get(wall.person("grace"), anothers) == b"another's"


@pytest.mark.parametrize("typed", ["ada", "@ada", " @ADA "])
def test_who_leaves_is_gone_at_once(member, engine, wall, ada, typed):
    hers = fill(engine, wall, ada)
    page = member.post(f"{HERE}/delete", data={"handle": typed, "token": member.token})
    assert page.status_code == 200
    assert "Your data is deleted." in page.text
    assert page.context["visitor"].person is None
    assert 'login=""; HttpOnly; Max-Age=0' in page.headers["set-cookie"]
    assert member.get(f"/c/{hers}").status_code == 410
    assert member.get("/@ada").status_code == 404
    assert "so blue" not in member.get("/c/2").text
    assert row(engine, people, wall.person("grace")).followers == 0
    theirs = row(engine, creations, 2)
    assert (theirs.likes, theirs.comments) == (0, 0)
    with engine.connect() as connection:
        assert connection.execute(select(likings)).all() == []


def test_who_cannot_leave_just_now_is_still_signed_in_and_has_lost_nothing(member, engine, ada, wall):
    hers = wall.hang(person_id=ada)

    def away(_connection, _cursor, statement, *_rest):
        if statement.startswith("UPDATE person"):
            raise OperationalError(statement, {}, Exception("database is locked"))

    event.listen(engine, "before_cursor_execute", away)
    page = member.post(f"{HERE}/delete", data={"handle": "ada", "token": member.token})
    event.remove(engine, "before_cursor_execute", away)
    assert page.status_code == 503
    assert member.get(HERE).status_code == 200
    assert row(engine, creations, hers).deleted_at is None


def test_leaving_twice_asks_to_sign_in(member):
    first = member.post(f"{HERE}/delete", data={"handle": "ada", "token": member.token})
    assert first.status_code == 200
    again = member.post(f"{HERE}/delete", data={"handle": "ada", "token": member.token})
    assert (again.status_code, again.headers["location"]) == (303, "/sign-in?next=/")


# settings of the host


def test_a_client_without_a_secret_stops_the_start_and_says_what_is_missing():
    with pytest.raises(SettingsError, match=r"GALLERY_SECRET is missing.*openssl rand -hex 32"):
        load(GallerySettings, _env_file=None, x_client_id="abc")


@pytest.mark.parametrize("secret", ["short", "long " * 10 + ",short"])
def test_a_short_secret_is_refused(secret):
    with pytest.raises(SettingsError, match=r"GALLERY_SECRET is wrong.*32 characters"):
        load(GallerySettings, _env_file=None, x_client_id="abc", gallery_secret=secret)


def test_secrets_do_not_show_in_what_is_printed():
    settings = GallerySettings(_env_file=None, x_client_id="a", x_client_secret="s3cret", gallery_secret="g" * 40)
    assert "s3cret" not in repr(settings)
    assert "g" * 40 not in repr(settings)
