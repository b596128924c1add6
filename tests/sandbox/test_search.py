"""Recent search: its time window, operators and errors."""

import pytest

from sandbox.clock import min_id_at
from tests.support.sandbox_world import SandboxWorld, StartWorld

POSTS = {
    "sea": ("mira_paints", "@threadpaint a stormy sea, oil painting #art"),
    "cats": ("oldtomcat", "Two cats & a moon $CAT https://example.com/cats"),
    "boat": ("sakura_iro", "海の上の船"),
    "season": ("anya_z", "the season of seashells"),
}


@pytest.fixture
def ids(world: SandboxWorld) -> dict[str, str]:
    """Ids of the posts by their names."""
    ids = {name: str(world.post(author, text)["id"]) for name, (author, text) in POSTS.items()}
    ids["reply"] = world.post("threadpaint", "Here it is", in_reply_to=ids["sea"])["id"]
    ids["quote"] = world.post("oldtomcat", "look", quote_of=ids["sea"])["id"]
    world.post("anya_z", repost_of=ids["sea"])
    return ids


@pytest.mark.parametrize(
    "query, names",
    [
        ("sea", ["sea"]),
        ("SEA", ["sea"]),
        ('"stormy sea"', ["sea"]),
        ('"sea stormy"', []),
        ("海", ["boat"]),
        ("#ART", ["sea"]),
        ("$cat", ["cats"]),
        ("@threadpaint", ["sea"]),
        ("@mira_paints", ["reply"]),
        ("@threadpaint -is:retweet", ["sea"]),
        ("from:oldtomcat", ["cats", "quote"]),
        ("from:nobody_here", []),
        ("to:mira_paints", ["reply"]),
        ("from:threadpaint conversation_id:{sea}", ["reply"]),
        ("in_reply_to_tweet_id:{sea}", ["reply"]),
        ("from:oldtomcat is:quote", ["quote"]),
        ("to:mira_paints is:reply", ["reply"]),
        ("from:oldtomcat has:links -is:quote", ["cats"]),
        ("from:sakura_iro lang:ja", ["boat"]),
        ("sea OR cats", ["sea", "cats"]),
        ("(sea OR cats) -oil", ["cats"]),
        ("(sea OR cats) -(oil OR moon)", []),
        ("cats moon", ["cats"]),
        ("from:anya_z is:retweet", None),
    ],
)
def test_operators_select_posts(world: SandboxWorld, ids: dict[str, str], query: str, names: list[str] | None) -> None:
    body = world.get("/2/tweets/search/recent", query=query.format(**ids), max_results=100).json()
    found = [post["id"] for post in body.get("data", [])]
    if names is None:
        assert len(found) == 1
    else:
        assert found == sorted((ids[name] for name in names), key=int, reverse=True)


@pytest.mark.parametrize(
    "query",
    [
        "",
        "   ",
        "(sea",
        "sea)",
        "sea OR",
        "is:reply",
        "-sea",
        "shape:round",
        "has:money sea",
        '"',
        '""',
        "-",
        "(" * 60 + "a" + ")" * 60,
        "x" * 513,
    ],
)
def test_invalid_queries_are_rejected(world: SandboxWorld, query: str) -> None:
    response = world.get("/2/tweets/search/recent", query=query)
    assert response.status_code == 400
    assert response.json()["errors"][0]["parameters"] == {"query": [query]}


@pytest.mark.parametrize("size", [9, 101, 0, -1, "ten"])
def test_max_results_must_be_10_to_100(world: SandboxWorld, size: int | str) -> None:
    response = world.get("/2/tweets/search/recent", query="sea", max_results=size)
    assert response.status_code == 400
    assert response.json()["errors"][0]["parameters"] == {"max_results": [str(size)]}


def test_posts_are_found_after_the_search_lag(start_world: StartWorld) -> None:
    world = start_world(search_lag_seconds=30)
    world.post("mira_paints", "@threadpaint a red kite")
    assert world.get("/2/tweets/search/recent", query="kite").json()["meta"]["result_count"] == 0
    world.clock.advance(31)
    assert world.get("/2/tweets/search/recent", query="kite").json()["meta"]["result_count"] == 1


def test_search_reaches_back_seven_days(world: SandboxWorld) -> None:
    world.post("mira_paints", "an old kite")
    world.clock.advance(7 * 86_400 - 60)
    assert world.get("/2/tweets/search/recent", query="kite").json()["meta"]["result_count"] == 1
    world.clock.advance(120)
    assert world.get("/2/tweets/search/recent", query="kite").json() == {"meta": {"result_count": 0}}


def test_a_too_old_since_id_returns_the_message_of_x(world: SandboxWorld) -> None:
    response = world.get("/2/tweets/search/recent", query="sea", since_id=1)
    smallest = min_id_at(world.clock.now_ms() - 7 * 86_400_000)
    text = response.json()["errors"][0]["message"]
    assert response.status_code == 400
    assert text.startswith("'since_id' must be a tweet id created after ")
    assert text.endswith(f"Please use a 'since_id' that is larger than {smallest}")


def test_since_id_and_start_time_exclude_each_other(world: SandboxWorld) -> None:
    post = world.post("mira_paints", "sea")
    response = world.get("/2/tweets/search/recent", query="sea", since_id=post["id"], start_time=post["created_at"])
    assert response.status_code == 400


def test_results_are_paginated_with_next_token(world: SandboxWorld) -> None:
    ids = [world.post("mira_paints", f"kite {n}")["id"] for n in range(25)]
    found: list[str] = []
    next_token = None
    while next_token is not None or not found:
        token: dict[str, str] = {"next_token": next_token} if next_token else {}
        body = world.get("/2/tweets/search/recent", query="kite", max_results=10, **token).json()
        found += [post["id"] for post in body["data"]]
        next_token = body["meta"].get("next_token")
    assert found == ids[::-1]


def test_hostile_texts_are_searched_quickly(world: SandboxWorld) -> None:
    for text in ("a." * 12_000, "#" + "1" * 24_000, "http://a.co/" + ")" * 24_000, "@a" * 12_000, "(" * 24_000):
        world.post("mira_paints", text)
    response = world.get("/2/tweets/search/recent", query="kite OR " + "(" * 10 + "sea" + ")" * 10)
    assert response.elapsed.total_seconds() < 1
