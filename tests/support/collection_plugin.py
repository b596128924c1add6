"""How the tests are collected: fast, each PostgreSQL test marked, and for parallel runs the longest files first."""

import gc
from collections import defaultdict
from collections.abc import Generator

import pytest

# Seconds of a usual test with one of these marks, and without. A file that ends late keeps one process busy alone.
SECONDS = {"processes": 2.0, "browser": 2.0, "slow": 4.0, "postgres": 0.2}
PLAIN_SECONDS = 0.06


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Keep the garbage collector away from what lasts for the whole run: modules and the list of tests.

    It looked at these million objects again and again, which took half of the time of the collection.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()
        gc.set_threshold(20_000)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what needs PostgreSQL. In the processes of a parallel run, sort the files."""
    for item in items:
        if _needs_postgres(item):
            item.add_marker("postgres")
    if hasattr(config, "workerinput"):
        seconds = defaultdict[str, float](float)
        for item in items:
            seconds[_file_of(item)] += _expected_seconds(item)
        items.sort(key=lambda item: (-seconds[_file_of(item)], _file_of(item)))


def _needs_postgres(item: pytest.Item) -> bool:
    call = getattr(item, "callspec", None)
    return "postgres_url" in getattr(item, "fixturenames", ()) or (
        call is not None and "postgres" in call.params.values()
    )


def _file_of(item: pytest.Item) -> str:
    return item.nodeid.partition("::")[0]


def _expected_seconds(item: pytest.Item) -> float:
    return max([PLAIN_SECONDS, *(SECONDS.get(mark.name, 0.0) for mark in item.iter_markers())])
