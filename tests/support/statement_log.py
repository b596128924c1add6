"""Record each distinct statement that the product sends during a run of the tests, with its values and its place.

Test processes and the processes forked by `forked_process.py` write to one folder, named by an environment variable.
Statements of the tests themselves and of migrations are not recorded.
"""

import inspect
import os
import pickle
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, event

FOLDER_VARIABLE = "STATEMENT_LOG"
ROOT = Path(__file__).parent.parent.parent
PRODUCT = ("bot", "cli", "core", "gallery", "worker")
MIGRATIONS = "core/migrations/"
READS_ROWS = ("SELECT", "WITH", "UPDATE", "DELETE")
# Lists of values: IN (?, ?, ?) or IN (%(a_1)s, %(a_2)s).
LIST = re.compile(r"(\?|%\(\w+\)s(?:::\w+)?)(?:, (?:\?|%\(\w+\)s(?:::\w+)?))+")


class Recorded(NamedTuple):
    """A statement in the database's own syntax. `origin`: the function of the product that sent it."""

    dialect: str
    statement: str
    parameters: Any
    origin: str


class StatementLog:
    """The statements that this process has recorded. A fork goes on in a file of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.seen: set[tuple[str, str]] = set()

    def record(
        self, connection: Connection, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool
    ) -> None:
        """Write a statement to the file of this process, unless its like is there or a test sent it."""
        key = connection.dialect.name, _shape(statement)
        if key in self.seen or not statement.startswith(READS_ROWS):
            return
        if origin := _find_origin():
            self.seen.add(key)
            recorded = Recorded(key[0], statement, parameters[0] if many else parameters, origin)
            with (self.folder / str(os.getpid())).open("ab") as file:
                pickle.dump(tuple(recorded), file)


def record_statements(folder: Path) -> None:
    """Record what all engines of this process send from now on."""
    event.listen(Engine, "before_cursor_execute", StatementLog(folder).record)


def read_statements(folder: Path) -> list[Recorded]:
    """Return the distinct statements that all processes recorded."""
    distinct: dict[tuple[str, str], Recorded] = {}
    for path in sorted(folder.iterdir()):
        for recorded in _read(path):
            distinct.setdefault((recorded.dialect, _shape(recorded.statement)), recorded)
    return list(distinct.values())


@lru_cache(maxsize=4096)  # a run of the suite sends a few hundred statements a million times
def _shape(statement: str) -> str:
    """Return the statement with each list of values shortened to one."""
    return LIST.sub(r"\1", statement)


def _read(path: Path) -> Iterator[Recorded]:
    with path.open("rb") as file:
        while True:
            try:
                yield Recorded._make(pickle.load(file))
            except (EOFError, pickle.UnpicklingError):  # the end, or a process was killed while it wrote
                return


def _find_origin() -> str:
    """Return the innermost function of the product that is running; empty if a test called the database itself."""
    frame: FrameType | None = inspect.currentframe()
    while frame := frame.f_back if frame else None:
        name = frame.f_code.co_filename
        path = name.removeprefix(f"{ROOT}/") if name.startswith(f"{ROOT}/") else ""
        package = path.partition("/")[0]
        if package in PRODUCT:
            return "" if path.startswith(MIGRATIONS) else f"{path}:{frame.f_code.co_qualname}"
        if package == "tests" and name != __file__:
            return ""
    return ""
