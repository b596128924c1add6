"""The operator lists, resolves and removes reports."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from typer.testing import CliRunner

from core.__main__ import app
from core.cli.reports import MAX_LISTED, remove_reported, render_reports, render_summary, resolve
from core.database import open_database, write_session
from core.errors import ThreadpaintError
from core.migrate import migrate
from core.models import Comment, Report, State, creations
from core.publishing import publish
from tests.support.rows import make_creation, make_person, read_creation

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def report(engine: Engine, creation_id: int, **values: Any) -> int:
    with write_session(engine) as session:
        row = Report(**{"key": f"k{creation_id}", "creation_id": creation_id, "reason": "spam", "at": NOON, **values})
        session.add(row)
        session.flush()
        assert row.id is not None
        return row.id


def make_published(engine: Engine, **values: Any) -> int:
    creation_id = make_creation(
        engine, pictures=1, state=State.REPLIED, painted_at=NOON, next_attempt_at=None, **values
    )
    with write_session(engine) as session:
        publish(session, creations.c.id == creation_id)
    return creation_id


def comment_on(engine: Engine, creation_id: int) -> int:
    person_id = make_person(engine, id=5)
    with write_session(engine) as session:
        comment = Comment(creation_id=creation_id, person_id=person_id, text="buy this")
        session.add(comment)
        session.flush()
        return comment.id or 0


def test_no_reports_means_no_summary_and_an_empty_list(engine: Engine) -> None:
    assert render_summary(engine) is None
    assert list(render_reports(engine, "")) == ["no open reports"]


def test_the_summary_counts_open_reports_with_the_oldest_date(engine: Engine) -> None:
    report_id, other = make_creation(engine), make_creation(engine)
    report(engine, report_id)
    report(engine, other, at=NOON + timedelta(days=1))
    summary = render_summary(engine)
    assert summary == "reports: 2 open, the oldest since 20 Nov 12:00 UTC; see them with: threadpaint reports"


def test_a_report_shows_creation_reporter_and_text(engine: Engine) -> None:
    creation_id = make_creation(engine, prompt="a lighthouse")
    number = report(engine, creation_id, words="look there", person_id=make_person(engine, id=5, username="grace"))
    lines = list(render_reports(engine, "https://paint.example"))
    assert lines[0] == f"{number}: It is advertising or spam – reported by @grace, 20 Nov 12:00 UTC"
    assert lines[1].startswith(f"   https://paint.example/c/{creation_id}, prompted by @")
    assert lines[1].endswith(": a lighthouse")
    assert lines[2] == "   they wrote: look there"


def test_a_report_of_a_comment_shows_its_text(engine: Engine) -> None:
    creation_id = make_creation(engine)
    comment_id = comment_on(engine, creation_id)
    report(engine, creation_id, comment_id=comment_id)
    output = "\n".join(render_reports(engine, ""))
    assert f"/c/{creation_id}#comment-{comment_id}," in output
    assert "the comment: buy this" in output
    assert "a visitor without sign-in" in output


def test_control_characters_in_texts_are_not_printed(engine: Engine) -> None:
    creation_id = make_creation(engine, prompt="a\x1b[2Jcat\r\nfake: line")
    report(engine, creation_id, words="\x1b]0;title\x07 \u202e words\nmore")
    lines = list(render_reports(engine, ""))
    assert len(lines) == 3
    assert all(character.isprintable() for line in lines for character in line)


def test_resolved_reports_are_not_listed(engine: Engine) -> None:
    report_id, other = (report(engine, make_creation(engine)) for _ in range(2))
    for change in (resolve, remove_reported):
        with pytest.raises(ThreadpaintError, match="there is no report 999"):
            change(engine, [report_id, 999])
    assert resolve(engine, [report_id]) == 1
    assert resolve(engine, [report_id]) == 0
    numbers = [line.partition(":")[0] for line in render_reports(engine, "") if not line.startswith(" ")]
    assert numbers == [str(other)]


def test_a_long_list_ends_with_the_number_of_further_reports(engine: Engine) -> None:
    creation_id = make_creation(engine)
    for number in range(MAX_LISTED + 3):
        report(engine, creation_id, key=str(number))
    lines = list(render_reports(engine, ""))
    assert lines[-1] == "and 3 more"
    assert len(lines) == 2 * MAX_LISTED + 1


def test_the_command_has_a_help_text() -> None:
    result = CliRunner().invoke(app, ["reports", "--help"])
    assert result.exit_code == 0
    assert "resolve" in result.output


def test_removing_a_reported_creation_resolves_all_its_reports(engine: Engine) -> None:
    creation_id, other = make_published(engine), make_published(engine)
    comment_id = comment_on(engine, creation_id)
    first, second = report(engine, creation_id), report(engine, creation_id, key="again")
    about_comment, elsewhere = report(engine, creation_id, key="said", comment_id=comment_id), report(engine, other)
    assert remove_reported(engine, [first, second]) == 1
    assert read_creation(engine, creation_id).deleted_at is not None
    assert read_creation(engine, creation_id).published_at is None
    assert read_creation(engine, other).published_at is not None
    assert resolve(engine, [first, second, about_comment]) == 0
    assert resolve(engine, [elsewhere]) == 1
    assert remove_reported(engine, [first, elsewhere]) == 0, "resolved reports change nothing"


def test_removing_a_reported_comment_keeps_the_creation(engine: Engine) -> None:
    creation_id = make_published(engine, comments=1)
    comment_id = comment_on(engine, creation_id)
    number, of_the_picture = report(engine, creation_id, comment_id=comment_id), report(engine, creation_id, key="k2")
    assert remove_reported(engine, [number]) == 1
    row = read_creation(engine, creation_id)
    assert (row.comments, row.published_at is not None) == (0, True)
    assert resolve(engine, [of_the_picture]) == 1


def test_the_operator_removes_by_report_number(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'threadpaint.db'}"
    engine = open_database(database)
    migrate(engine)
    creation_id = make_published(engine)
    number = report(engine, creation_id)
    result = CliRunner().invoke(app, ["reports", "remove", str(number)], env={"DATABASE_URL": database})
    assert result.output == "1 removed\n"
    assert read_creation(engine, creation_id).deleted_at is not None
