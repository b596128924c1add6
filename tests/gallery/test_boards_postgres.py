"""Boards on a real PostgreSQL: many at the same time, and the pages once."""

from tests.gallery.test_boards import Together, ada, grace, make, prompts, sizes, token  # noqa: F401
from tests.gallery.test_postgres import engine  # noqa: F401


class TestTogetherInPostgres(Together):
    pass


def test_a_board_its_cover_and_its_forms(client, wall, engine, token, make):  # noqa: F811
    one = wall.hang(prompt="a fox")
    path = make(pictures=[one])
    assert prompts(client.get(path)) == ["a fox"]
    assert len(client.get("/me/boards").context["shelf"].boards[0].cover) == 1
    for only in ("", "wall", "waiting", "refused", "hidden"):
        assert client.get("/me", params={"only": only}).status_code == 200
    client.post("/me/creations", data={"token": token, "do": "hide", "ids": one})
    assert prompts(client.get(path)) == []
    client.post(f"{path}/remove", data={"token": token, "ids": one})
    assert sizes(engine) == [(0, 0)]
