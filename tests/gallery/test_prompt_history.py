"""A member's prompts: each listed once, searched in any script, and re-run with one button."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import Engine

from core.clock import now
from core.models import State
from gallery.queries import prompt_history as reading_prompts
from gallery.queries.prompt_history import fold, search_prompts
from gallery.views.pagination import PAGE_SIZE
from tests.support.gallery_data import GalleryData
from tests.support.pages import find_match, page_context


@pytest.fixture
def ada(gallery_data: GalleryData) -> int:
    return gallery_data.person("ada")


@pytest.fixture
def token(client: TestClient, sign_in: Callable[[TestClient, int], str], ada: int) -> str:
    client.follow_redirects = False
    return sign_in(client, ada)


def words(response: Response) -> Any:
    return [each.latest.prompt for each in page_context(response)["page"].prompts]


def ask(client: TestClient, question: Any, **params: Any) -> Any:
    return words(client.get("/me/prompts", params={"q": question, **params}))


def test_each_prompt_is_listed_once_with_count_and_latest_picture(
    client: TestClient, gallery_data: GalleryData, token: str
) -> None:
    gallery_data.publish(prompt="a fox")
    gallery_data.publish(prompt="a cat")
    painted = gallery_data.publish(prompt="A  fox ")
    gallery_data.creation(prompt="a fox", state=State.REFUSED, reason_code="quota")
    page = client.get("/me/prompts")
    assert words(page) == ["a fox", "a cat"]
    fox = page_context(page)["page"].prompts[0]
    assert fox.times == 3
    assert fox.source.id == painted
    assert fox.picture.thumb_url in page.text
    assert "requested 3 times" in page.text


def test_history_omits_other_users_commands_and_deleted_creations(
    client: TestClient, gallery_data: GalleryData, token: str
) -> None:
    gallery_data.publish(prompt="grace's", person_id=gallery_data.person("grace"))
    gallery_data.creation(prompt="stop it", state=State.REFUSED, reason_code="stop")
    gallery_data.creation(prompt="unspeakable", state=State.REFUSED, reason_code="unsafe")
    gallery_data.publish(prompt="deleted", deleted_at=now(), published_at=None)
    gallery_data.creation(prompt="", state=State.REFUSED, reason_code="empty")
    page = client.get("/me/prompts")
    assert words(page) == []
    assert "No prompts yet." in page.text


def test_hidden_creations_are_listed_with_their_picture(
    client: TestClient, gallery_data: GalleryData, token: str
) -> None:
    gallery_data.publish(prompt="a fox", hidden_at=now(), published_at=None)
    assert page_context(client.get("/me/prompts"))["page"].prompts[0].picture is not None


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("FOX", "a red fox"),
        ("red fo", "a red fox"),
        ("fox red", "a red fox"),
        ("ночь", "НОЧЬ над рекой"),
        ("ΝΎΧΤΑ", "νύχτα"),
        ("straße", "STRASSE bei Regen"),
        ("夜", "夜の灯台"),
        ("شمس", "شمس فوق البحر"),
        ("100%", "100% cotton_wool"),
        ("n_w", "100% cotton_wool"),
        ("🦊", "🦊 in snow"),
        ("ＦＯＸ", "a red fox"),
        ("\\", "back\\slash"),
    ],
)
def test_search_finds_words_in_any_script_and_case(
    client: TestClient, gallery_data: GalleryData, token: str, question: Any, found: Any
) -> None:
    for prompt in (
        "a red fox", "НОЧЬ над рекой", "νύχτα", "STRASSE bei Regen", "夜の灯台", "شمس فوق البحر", "100% cotton_wool",
        "🦊 in snow", "back\\slash", "something else",
    ):  # fmt: skip
        gallery_data.publish(prompt=prompt, pictures=0)
    assert ask(client, question) == [found]


def test_sql_wildcards_are_plain_text(client: TestClient, gallery_data: GalleryData, token: str) -> None:
    gallery_data.publish(prompt="a fox", pictures=0)
    for question in ("%", "_", "a_fox", "' OR 1=1 --", '"', "*", "fox*"):
        assert ask(client, question) == []
        assert "No prompts found." in client.get("/me/prompts", params={"q": question}).text


def test_hostile_and_long_queries_are_cut_off(client: TestClient, token: str) -> None:
    for question in ("\0", "<script>alert(1)</script>", "x" * 5000, "\u202e", "a " * 3000):
        page = client.get("/me/prompts", params={"q": question})
        assert page.status_code == 200
        assert "<script>alert" not in page.text


def test_history_and_search_page_by_cursor(client: TestClient, gallery_data: GalleryData, token: str) -> None:
    for number in range(PAGE_SIZE + 3):
        gallery_data.publish(prompt=f"fox {number}", pictures=0)
        gallery_data.publish(prompt=f"cat {number}", pictures=0)
    first = client.get("/me/prompts", params={"q": "fox"})
    older = find_match(r'href="(/me/prompts\?q=fox&amp;cursor=[^"]+)"', first.text)[1].replace("&amp;", "&")
    second = client.get(older)
    assert words(first) + words(second) == [f"fox {number}" for number in reversed(range(PAGE_SIZE + 3))]
    assert page_context(second)["page"].older is None
    assert client.get("/me/prompts?cursor=nonsense").status_code == 422


def test_prompt_used_again_is_not_repeated_on_the_next_page(
    client: TestClient, gallery_data: GalleryData, token: str
) -> None:
    for number in range(PAGE_SIZE + 2):
        gallery_data.publish(prompt=str(number), pictures=0)
    first = client.get("/me/prompts")
    gallery_data.publish(prompt="0", pictures=0)
    second = client.get("/me/prompts", params={"cursor": page_context(first)["page"].older})
    assert words(second) == ["1"]


def test_number_of_searched_creations_is_limited(
    gallery_data: GalleryData, engine: Engine, ada: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        gallery_data.publish(prompt=str(number), pictures=0)
    monkeypatch.setattr(reading_prompts, "MAX_ROWS", 3)
    assert [each.latest.prompt for each in search_prompts(engine, ada, limit=10).prompts] == ["4", "3", "2"]


def test_re_run_is_one_button(client: TestClient, gallery_data: GalleryData, token: str) -> None:
    fox = gallery_data.publish(prompt="a fox")
    page = client.get("/me/prompts")
    assert f'form="rerun-form" formaction="/c/{fox}/rerun"' in page.text
    assert f'href="/paint?remix={fox}"' in page.text
    once = find_match(r'name="idempotency_key" value="([^"]+)"', page.text)[1]
    answers = [client.post(f"/c/{fox}/rerun", data={"token": token, "idempotency_key": once}) for _ in range(2)]
    assert answers[0].status_code == 303
    assert answers[0].headers["location"] == answers[1].headers["location"] != f"/c/{fox}"


def test_number_of_statements_is_constant(
    client: TestClient, gallery_data: GalleryData, token: str, statements: list[str]
) -> None:
    gallery_data.publish(prompt="one")
    client.get("/me/prompts")
    statements.clear()
    client.get("/me/prompts")
    few = len(statements)
    for number in range(30):
        gallery_data.publish(prompt=str(number))
    statements.clear()
    client.get("/me/prompts")
    assert len(statements) == few


def test_anonymous_user_is_redirected_to_sign_in(client: TestClient) -> None:
    client.follow_redirects = False
    assert client.get("/me/prompts").headers["location"] == "/sign-in?next=/me/prompts"


def test_folding_keeps_word_boundaries() -> None:
    assert fold("A\u3000Fox\n in  Snow ") == "a fox in snow"
