"""What the host sees of reports."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine
from typer.testing import CliRunner

from core.__main__ import cli
from core.database import open_database, transaction
from core.errors import HouseError
from core.models import Comment, Report, State, creations
from core.reports import LATEST, close, in_one_line, lines, take_down
from core.schema import migrate
from core.visibility import show
from tests.support.rows import make_creation, make_person, read_creation

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def report(engine: Engine, creation_id: int, **values: object) -> int:
    with transaction(engine) as session:
        row = Report(**{"key": f"k{creation_id}", "creation_id": creation_id, "reason": "spam", "at": NOON, **values})
        session.add(row)
        session.flush()
        assert row.id is not None
        return row.id


def hung(engine: Engine, **values: object) -> int:
    creation_id = make_creation(
        engine, pictures=1, state=State.REPLIED, painted_at=NOON, next_attempt_at=None, **values
    )
    with transaction(engine) as session:
        show(session, creations.c.id == creation_id)
    return creation_id


def comment_on(engine: Engine, creation_id: int) -> int:
    person_id = make_person(engine, id=5)
    with transaction(engine) as session:
        comment = Comment(creation_id=creation_id, person_id=person_id, text="buy this")
        session.add(comment)
        session.flush()
        return comment.id or 0


def test_a_house_without_reports_says_nothing_in_its_status_and_so_in_its_list(engine: Engine) -> None:
    assert in_one_line(engine) is None
    assert list(lines(engine, "")) == ["no open reports"]


def test_the_status_counts_the_open_ones_and_says_since_when(engine: Engine) -> None:
    one, other = make_creation(engine), make_creation(engine)
    report(engine, one)
    report(engine, other, at=NOON + timedelta(days=1))
    told = in_one_line(engine)
    assert told == "reports: 2 open, the oldest since 20 Nov 12:00 UTC; see them with: python -m core reports"


def test_each_is_told_with_what_it_is_about_and_who_says_so(engine: Engine) -> None:
    creation_id = make_creation(engine, prompt="a lighthouse")
    number = report(engine, creation_id, words="look there", person_id=make_person(engine, id=5, username="grace"))
    told = list(lines(engine, "https://paint.example"))
    assert told[0] == f"{number}: It is advertising or spam – says @grace, 20 Nov 12:00 UTC"
    assert told[1].startswith(f"   https://paint.example/c/{creation_id}, prompted by @")
    assert told[1].endswith(": a lighthouse")
    assert told[2] == "   in their words: look there"


def test_a_comment_is_told_with_its_words(engine: Engine) -> None:
    creation_id = make_creation(engine)
    comment_id = comment_on(engine, creation_id)
    report(engine, creation_id, comment_id=comment_id)
    told = "\n".join(lines(engine, ""))
    assert f"/c/{creation_id}#comment-{comment_id}," in told
    assert "the comment: buy this" in told
    assert "somebody who was not signed in" in told


def test_words_of_people_do_not_command_the_terminal(engine: Engine) -> None:
    creation_id = make_creation(engine, prompt="a\x1b[2Jcat\r\nfake: line")
    report(engine, creation_id, words="\x1b]0;title\x07 \u202e words\nmore")
    told = list(lines(engine, ""))
    assert len(told) == 3
    assert all(character.isprintable() for line in told for character in line)


def test_what_is_dealt_with_is_listed_no_more(engine: Engine) -> None:
    one, other = (report(engine, make_creation(engine)) for _ in range(2))
    for change in (close, take_down):
        with pytest.raises(HouseError, match="there is no report 999"):
            change(engine, [one, 999])
    assert close(engine, [one]) == 1
    assert close(engine, [one]) == 0
    numbers = [line.partition(":")[0] for line in lines(engine, "") if not line.startswith(" ")]
    assert numbers == [str(other)]


def test_of_very_many_the_oldest_are_listed_and_the_others_counted(engine: Engine) -> None:
    creation_id = make_creation(engine)
    for number in range(LATEST + 3):
        report(engine, creation_id, key=str(number))
    told = list(lines(engine, ""))
    assert told[-1] == "and 3 more"
    assert len(told) == 2 * LATEST + 1


def test_the_command_says_what_it_is_for() -> None:
    told = CliRunner().invoke(cli, ["reports", "--help"])
    assert told.exit_code == 0
    assert "nobody has dealt with yet" in told.output


def test_what_a_report_is_about_goes_and_all_that_say_the_same_are_closed(engine: Engine) -> None:
    creation_id, other = hung(engine), hung(engine)
    comment_id = comment_on(engine, creation_id)
    first, second = report(engine, creation_id), report(engine, creation_id, key="again")
    about_comment, elsewhere = report(engine, creation_id, key="said", comment_id=comment_id), report(engine, other)
    assert take_down(engine, [first, second]) == 1
    assert read_creation(engine, creation_id).deleted_at is not None
    assert read_creation(engine, creation_id).shown_at is None
    assert read_creation(engine, other).shown_at is not None
    assert close(engine, [first, second, about_comment]) == 0
    assert close(engine, [elsewhere]) == 1
    assert take_down(engine, [first, elsewhere]) == 0, "what is dealt with stays as it is"


def test_a_comment_goes_alone_and_is_counted_no_more(engine: Engine) -> None:
    creation_id = hung(engine, comments=1)
    comment_id = comment_on(engine, creation_id)
    number, of_the_picture = report(engine, creation_id, comment_id=comment_id), report(engine, creation_id, key="k2")
    assert take_down(engine, [number]) == 1
    row = read_creation(engine, creation_id)
    assert (row.comments, row.shown_at is not None) == (0, True)
    assert close(engine, [of_the_picture]) == 1


def test_the_host_takes_down_by_the_number_of_a_report(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'threadpaint.db'}"
    engine = open_database(database)
    migrate(engine)
    creation_id = hung(engine)
    number = report(engine, creation_id)
    told = CliRunner().invoke(cli, ["reports", "--take-down", str(number)], env={"DATABASE_URL": database})
    assert told.output == "1 taken down\nno open reports\n"
    assert read_creation(engine, creation_id).deleted_at is not None
