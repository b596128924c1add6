"""A member's prompts: each once, looked through in any script, painted again by one press."""

import re

import pytest

from core.clock import now
from core.models import State
from gallery.keyset import PAGE_SIZE
from gallery.mine import prompts as reading_prompts
from gallery.mine.prompts import folded, prompts_of


@pytest.fixture
def ada(wall):
    return wall.person("ada")


@pytest.fixture
def token(client, sign_in, ada):
    client.follow_redirects = False
    return sign_in(client, ada)


def words(response):
    return [each.latest.prompt for each in response.context["found"].prompts]


def ask(client, question, **params):
    return words(client.get("/me/prompts", params={"q": question, **params}))


def test_each_prompt_is_there_once_newest_first_with_its_count_and_last_picture(client, wall, token):
    wall.hang(prompt="a fox")
    wall.hang(prompt="a cat")
    painted = wall.hang(prompt="A  fox ")
    wall.creation(prompt="a fox", state=State.REFUSED, code="quota")
    page = client.get("/me/prompts")
    assert words(page) == ["a fox", "a cat"]
    fox = page.context["found"].prompts[0]
    assert fox.times == 3
    assert fox.source.id == painted
    assert fox.picture.thumb_url in page.text
    assert "asked 3 times" in page.text


def test_nobody_elses_prompts_no_commands_and_nothing_deleted(client, wall, token):
    wall.hang(prompt="grace's", person_id=wall.person("grace"))
    wall.creation(prompt="stop it", state=State.REFUSED, code="stop")
    wall.creation(prompt="unspeakable", state=State.REFUSED, code="unsafe")
    wall.hang(prompt="deleted", deleted_at=now(), shown_at=None)
    wall.creation(prompt="", state=State.REFUSED, code="empty")
    page = client.get("/me/prompts")
    assert words(page) == []
    assert "No prompts yet." in page.text


def test_hidden_ones_are_there_with_their_picture(client, wall, token):
    wall.hang(prompt="a fox", hidden_at=now(), shown_at=None)
    assert client.get("/me/prompts").context["found"].prompts[0].picture is not None


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
def test_words_are_found_anywhere_in_any_script_and_case(client, wall, token, question, found):
    for prompt in (
        "a red fox", "НОЧЬ над рекой", "νύχτα", "STRASSE bei Regen", "夜の灯台", "شمس فوق البحر", "100% cotton_wool",
        "🦊 in snow", "back\\slash", "something else",
    ):  # fmt: skip
        wall.hang(prompt=prompt, pictures=0)
    assert ask(client, question) == [found]


def test_signs_of_sql_are_plain(client, wall, token):
    wall.hang(prompt="a fox", pictures=0)
    for question in ("%", "_", "a_fox", "' OR 1=1 --", '"', "*", "fox*"):
        assert ask(client, question) == []
        assert "No prompt with these words." in client.get("/me/prompts", params={"q": question}).text


def test_hostile_and_endless_questions_are_read_up_to_a_limit(client, token):
    for question in ("\0", "<script>alert(1)</script>", "x" * 5000, "\u202e", "a " * 3000):
        page = client.get("/me/prompts", params={"q": question})
        assert page.status_code == 200
        assert "<script>alert" not in page.text


def test_it_goes_on_by_keyset_also_within_what_was_found(client, wall, token):
    for number in range(PAGE_SIZE + 3):
        wall.hang(prompt=f"fox {number}", pictures=0)
        wall.hang(prompt=f"cat {number}", pictures=0)
    first = client.get("/me/prompts", params={"q": "fox"})
    older = re.search(r'href="(/me/prompts\?q=fox&amp;cursor=[^"]+)"', first.text)[1].replace("&amp;", "&")
    second = client.get(older)
    assert words(first) + words(second) == [f"fox {number}" for number in reversed(range(PAGE_SIZE + 3))]
    assert second.context["found"].older is None
    assert client.get("/me/prompts?cursor=nonsense").status_code == 422


def test_a_prompt_asked_again_meanwhile_is_not_there_twice(client, wall, token):
    for number in range(PAGE_SIZE + 2):
        wall.hang(prompt=str(number), pictures=0)
    first = client.get("/me/prompts")
    wall.hang(prompt="0", pictures=0)
    second = client.get("/me/prompts", params={"cursor": first.context["found"].older})
    assert words(second) == ["1"]


def test_no_more_than_a_limit_is_looked_through(wall, engine, ada, monkeypatch):
    for number in range(5):
        wall.hang(prompt=str(number), pictures=0)
    monkeypatch.setattr(reading_prompts, "MOST_READ", 3)
    assert [each.latest.prompt for each in prompts_of(engine, ada, limit=10).prompts] == ["4", "3", "2"]


def test_one_press_paints_it_again(client, wall, token):
    fox = wall.hang(prompt="a fox")
    page = client.get("/me/prompts")
    assert f'form="again" formaction="/c/{fox}/again"' in page.text
    assert f'href="/paint?remix={fox}"' in page.text
    once = re.search(r'name="once" value="([^"]+)"', page.text)[1]
    answers = [client.post(f"/c/{fox}/again", data={"token": token, "once": once}) for _ in range(2)]
    assert answers[0].status_code == 303
    assert answers[0].headers["location"] == answers[1].headers["location"] != f"/c/{fox}"


def test_it_asks_two_or_three_questions_whatever_there_is(client, wall, token, statements):
    wall.hang(prompt="one")
    client.get("/me/prompts")
    statements.clear()
    client.get("/me/prompts")
    few = len(statements)
    for number in range(30):
        wall.hang(prompt=str(number))
    statements.clear()
    client.get("/me/prompts")
    assert len(statements) == few


def test_a_stranger_is_sent_to_sign_in(client):
    client.follow_redirects = False
    assert client.get("/me/prompts").headers["location"] == "/sign-in?next=/me/prompts"


def test_folding_keeps_words_apart():
    assert folded("A\u3000Fox\n in  Snow ") == "a fox in snow"
