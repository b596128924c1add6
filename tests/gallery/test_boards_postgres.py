"""Boards on PostgreSQL: concurrent changes, and the pages."""

# ruff: noqa: F811 fixtures are imported
from collections.abc import Callable
from typing import Any

from fastapi.testclient import TestClient
from sqlalchemy import Engine

from tests.gallery.test_boards import Together, ada, grace, make, prompts, sizes, token  # noqa: F401
from tests.gallery.test_postgres import engine  # noqa: F401
from tests.support.gallery_data import GalleryData
from tests.support.pages import page_context


class TestTogetherInPostgres(Together):
    pass


def test_board_with_its_cover_and_forms(
    client: TestClient, gallery_data: GalleryData, engine: Engine, token: str, make: Callable[..., Any]
) -> None:
    one = gallery_data.publish(prompt="a fox")
    path = make(pictures=[one])
    assert prompts(client.get(path)) == ["a fox"]
    assert len(page_context(client.get("/me/boards"))["page"].boards[0].cover) == 1
    for only in ("", "public", "waiting", "refused", "hidden"):
        assert client.get("/me", params={"only": only}).status_code == 200
    client.post("/me/creations", data={"token": token, "do": "hide", "ids": one})
    assert prompts(client.get(path)) == []
    client.post(f"{path}/remove", data={"token": token, "ids": one})
    assert sizes(engine) == [(0, 0)]
