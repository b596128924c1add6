"""Recent search: its window, its operators, its refusals."""

import pytest

from sandbox.clock import first_id_at

SCENE = {
    "sea": ("mira_paints", "@threadpaint a stormy sea, oil painting #art"),
    "cats": ("oldtomcat", "Two cats & a moon $CAT https://example.com/cats"),
    "boat": ("sakura_iro", "海の上の船"),
    "season": ("anya_z", "the season of seashells"),
}


@pytest.fixture
def scene(play):
    said = {name: play.says(author, text)["id"] for name, (author, text) in SCENE.items()}
    said["reply"] = play.says("threadpaint", "Here it is", in_reply_to=said["sea"])["id"]
    said["quote"] = play.says("oldtomcat", "look", quote_of=said["sea"])["id"]
    play.says("anya_z", repost_of=said["sea"])
    return said


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
def test_it_finds(play, scene, query, names):
    body = play.get("/2/tweets/search/recent", query=query.format(**scene), max_results=100).json()
    found = [post["id"] for post in body.get("data", [])]
    if names is None:
        assert len(found) == 1
    else:
        assert found == sorted((scene[name] for name in names), key=int, reverse=True)


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
def test_it_refuses_a_query_it_cannot_read(play, query):
    answer = play.get("/2/tweets/search/recent", query=query)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["parameters"] == {"query": [query]}


@pytest.mark.parametrize("size", [9, 101, 0, -1, "ten"])
def test_it_serves_ten_to_a_hundred_at_once(play, size):
    answer = play.get("/2/tweets/search/recent", query="sea", max_results=size)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["parameters"] == {"max_results": [str(size)]}


def test_it_does_not_see_the_last_half_minute(begin):
    play = begin(search_lag_seconds=30)
    play.says("mira_paints", "@threadpaint a red kite")
    assert play.get("/2/tweets/search/recent", query="kite").json()["meta"]["result_count"] == 0
    play.clock.advance(31)
    assert play.get("/2/tweets/search/recent", query="kite").json()["meta"]["result_count"] == 1


def test_it_sees_seven_days_back_and_no_more(play):
    play.says("mira_paints", "an old kite")
    play.clock.advance(7 * 86_400 - 60)
    assert play.get("/2/tweets/search/recent", query="kite").json()["meta"]["result_count"] == 1
    play.clock.advance(120)
    assert play.get("/2/tweets/search/recent", query="kite").json() == {"meta": {"result_count": 0}}


def test_it_refuses_a_since_id_that_is_too_old_with_the_words_of_x(play):
    answer = play.get("/2/tweets/search/recent", query="sea", since_id=1)
    smallest = first_id_at(play.clock.now_ms() - 7 * 86_400_000)
    text = answer.json()["errors"][0]["message"]
    assert answer.status_code == 400
    assert text.startswith("'since_id' must be a tweet id created after ")
    assert text.endswith(f"Please use a 'since_id' that is larger than {smallest}")


def test_it_refuses_since_id_together_with_start_time(play):
    post = play.says("mira_paints", "sea")
    answer = play.get("/2/tweets/search/recent", query="sea", since_id=post["id"], start_time=post["created_at"])
    assert answer.status_code == 400


def test_it_pages_with_next_token(play):
    ids = [play.says("mira_paints", f"kite {n}")["id"] for n in range(25)]
    found, token = [], {}
    while token is not None:
        body = play.get("/2/tweets/search/recent", query="kite", max_results=10, **token).json()
        found += [post["id"] for post in body["data"]]
        token = {"next_token": body["meta"]["next_token"]} if "next_token" in body["meta"] else None
    assert found == ids[::-1]


def test_it_does_not_slow_down_on_hostile_texts(play):
    for text in ("a." * 12_000, "#" + "1" * 24_000, "http://a.co/" + ")" * 24_000, "@a" * 12_000, "(" * 24_000):
        play.says("mira_paints", text)
    assert (
        play.get("/2/tweets/search/recent", query="kite OR " + "(" * 10 + "sea" + ")" * 10).elapsed.total_seconds() < 1
    )
