"""Fail a run of the suite if the product sent a statement that reads a growing table whole.

Only parallel runs (`make test`, `make test-fast`) are checked: all processes record, and the one that hands out the
tests tries the statements at the end, in about ten seconds.
"""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.statement_check import Finding, find_unbounded
from tests.support.statement_log import FOLDER_VARIABLE, read_statements, record_statements

FINDINGS = pytest.StashKey[list[Finding]]()
FOLDER = pytest.StashKey[tempfile.TemporaryDirectory[str]]()
# What may read a whole table, by the start of its place, and why.
ALLOWED = {
    "core/cli/": "reports for the operator",
    "bot/doctor/": "a report for the operator",
    "bot/moderation.py:_summaries": "lists users for the operator",
    "gallery/routers/sitemap.py": "files of 5,000 addresses, written in a thread and cached",
    "core/notifications.py:prune_old": "deletes 500 rows at a time",
    "worker/post_recheck.py:PostRecheck._drop_unrelated_posts": "reads all posts once after a start",
}


def pytest_configure(config: pytest.Config) -> None:
    """Record the statements of this process, and name the folder to those that it starts."""
    if _hands_out_tests(config):
        config.stash[FOLDER] = folder = tempfile.TemporaryDirectory(prefix="statements-")
        os.environ[FOLDER_VARIABLE] = folder.name
    elif folder_name := os.environ.get(FOLDER_VARIABLE):
        record_statements(Path(folder_name))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Try what was recorded, after the last test."""
    folder = session.config.stash.get(FOLDER, None)
    if folder is None:
        return
    os.environ.pop(FOLDER_VARIABLE)
    session.config.stash[FINDINGS] = findings = list(_find(Path(folder.name)))
    if findings:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    folder.cleanup()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the statements that read too much."""
    if findings := config.stash.get(FINDINGS, []):
        terminalreporter.section("statements that read a growing table whole", red=True)
        for finding in findings:
            terminalreporter.line(f"{finding}\n")


def _hands_out_tests(config: pytest.Config) -> bool:
    return bool(config.getoption("numprocesses", None)) and not hasattr(config, "workerinput")


def _find(folder: Path) -> Iterator[Finding]:
    statements = [recorded for recorded in read_statements(folder) if not recorded.origin.startswith(tuple(ALLOWED))]
    with tempfile.TemporaryDirectory(prefix="statements-") as databases:
        yield from find_unbounded(statements, Path(databases))
