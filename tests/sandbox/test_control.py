"""The control API and the state of the world, as tests of bots use them."""

import pytest


def test_it_makes_a_person_once(play):
    first = play.http.post("/sandbox/people", json={"username": "zoe", "name": "Zoé 🎨"})
    again = play.http.post("/sandbox/people", json={"username": "ZOE"})
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"]
    assert first.json()["name"] == "Zoé 🎨"


def test_the_world_begins_with_a_dozen_people_and_an_opening_thread(play):
    people = play.http.get("/sandbox/people").json()["data"]
    assert len(people) == 13
    assert people[0]["username"] == "threadpaint"
    thread = play.http.get("/sandbox/posts").json()["data"]
    assert {post["author"]["username"] for post in thread} == {"threadpaint"}
    assert {post["conversation_id"] for post in thread} == {people[0]["pinned_tweet_id"]}


def test_the_same_seed_makes_the_same_people(play):
    from sandbox.app import create_app
    from sandbox.settings import Settings

    ids = [set(create_app(Settings(seed=seed, data=None), play.clock).state.world.people) for seed in (1, 1, 2)]
    assert ids[0] == ids[1] != ids[2]


def test_a_post_has_everything_x_gives_and_its_author_and_media(play, picture):
    post = play.says(
        "mira_paints", "@threadpaint a sea", media=[picture.base64, {"image": picture.base64, "alt_text": "two"}]
    )
    assert {"id", "text", "author_id", "created_at", "conversation_id", "entities", "edit_history_tweet_ids"} <= set(
        post
    )
    assert post["author"] == {"id": post["author_id"], "name": "Mira Okafor", "username": "mira_paints"}
    assert [media["alt_text"] for media in post["media"]] == ["", "two"]
    assert play.http.get(post["media"][1]["url"]).content == picture.data


def test_an_unknown_author_joins_by_posting(play):
    assert play.says("brand_new", "hello")["author"]["username"] == "brand_new"


def test_it_lists_direct_replies_oldest_first(play):
    root = play.says("mira_paints", "root")
    ids = [play.says("oldtomcat", f"reply {n}", in_reply_to=root["id"])["id"] for n in range(3)]
    play.says("anya_z", "deeper", in_reply_to=ids[0])
    replies = play.http.get(f"/sandbox/posts/{root['id']}/replies").json()
    assert [reply["id"] for reply in replies["data"]] == ids


def test_it_lists_posts_newest_first_and_since(play):
    ids = [play.says("mira_paints", f"post {n}")["id"] for n in range(5)]
    assert [post["id"] for post in play.http.get("/sandbox/posts?limit=2").json()["data"]] == ids[:2:-1]
    assert [post["id"] for post in play.http.get(f"/sandbox/posts?since_id={ids[2]}").json()["data"]] == ids[:2:-1]


def test_it_deletes_anybodys_post(play):
    post = play.says("mira_paints", "oops")
    assert play.http.delete(f"/sandbox/posts/{post['id']}").json() == {"data": {"deleted": True}}
    assert play.http.get(f"/sandbox/posts/{post['id']}").status_code == 404
    assert play.http.delete(f"/sandbox/posts/{post['id']}").status_code == 404


def test_the_state_counts_posts_answers_duplicates_and_calls(play):
    asked = [play.says("mira_paints", f"@threadpaint {n}")["id"] for n in range(3)]
    client = play.client()
    for n, target in enumerate((asked[0], asked[0], asked[0], asked[1])):
        client.create_tweet(text=f"here, {n}", in_reply_to_tweet_id=target)
    play.says("oldtomcat", "not the bot", in_reply_to=asked[2])
    client.get_users_mentions(play.bot.id)
    play.http.get("/2/users/me")
    assert play.answers() == {
        "posts": 3 + 3 + 4 + 1,
        "answers": {asked[0]: 3, asked[1]: 1},
        "duplicates": 2,
        "calls": {
            "POST /2/tweets": {"201": 4},
            "GET /2/users/:id/mentions": {"200": 1},
            "GET /2/users/me": {"401": 1},
        },
        "bill_micro": 4 * 10_000 + 4 * 5_000,
    }


def test_the_samples_are_posted_once(play):
    assert play.http.post("/sandbox/samples").json() == {"data": {"posted": 12}}
    assert play.http.post("/sandbox/samples").json() == {"data": {"posted": 0}}
    assert play.answers()["posts"] == 15
    opening = play.http.get(f"/sandbox/posts/{play.bot.pinned_post_id}/replies").json()["data"]
    assert sum(reply["author"]["username"] != "threadpaint" for reply in opening) == 3


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"author": "mira_paints"},
        {"author": "mira_paints", "text": ""},
        {"author": "mira_paints", "text": " \u0007\n "},
        {"author": "a b", "text": "x"},
        {"author": "x" * 16, "text": "x"},
        {"author": "mira_paints", "text": "x" * 25_001},
        {"author": "mira_paints", "text": 7},
        {"author": "mira_paints", "text": "x", "in_reply_to": "abc"},
        {"author": "mira_paints", "text": "x", "media": ["@@"]},
        {"author": "mira_paints", "text": "x", "media": ["aGVsbG8="]},
        {"author": "mira_paints", "text": "x", "media": ["a"] * 5},
        {"author": "mira_paints", "text": "x", "colour": "red"},
        {"author": None, "text": "x"},
        [],
        "x",
        None,
    ],
)
def test_it_refuses_with_422_and_a_reason(play, body):
    answer = play.http.post("/sandbox/posts", json=body)
    assert answer.status_code == 422
    assert answer.json()["detail"]


def test_a_reply_to_nothing_is_404(play):
    answer = play.http.post("/sandbox/posts", json={"author": "mira_paints", "text": "x", "in_reply_to": "42"})
    assert answer.status_code == 404


def test_a_refused_post_leaves_no_trace(play, picture):
    body = {"author": "mira_paints", "text": "x", "in_reply_to": "42", "media": [picture.base64]}
    play.http.post("/sandbox/posts", json=body)
    assert play.answers()["posts"] == 3
    assert not play.world.media


@pytest.mark.parametrize(
    "path",
    ["/sandbox/posts/abc", "/sandbox/posts/%00", "/sandbox/posts/%ED%A0%80/replies", "/sandbox/posts/" + "9" * 5000],
)
def test_it_finds_nothing_under_odd_ids(play, path):
    assert play.http.get(path).status_code == 404


@pytest.mark.parametrize("since", ["x", "1e9", "9" * 5000])
def test_it_refuses_odd_numbers(play, since):
    assert play.http.get(f"/sandbox/posts?since_id={since}").status_code == 422


def test_it_is_healthy(play):
    assert play.http.get("/healthz").json() == {"status": "ok"}
