"""The control API for posts, users, samples and the state of the world."""

from typing import Any

import pytest

from sandbox.app import create_app
from sandbox.settings import SandboxSettings
from tests.support.sandbox_world import Picture, SandboxWorld


def test_creating_a_user_twice_returns_the_same_user(world: SandboxWorld) -> None:
    first = world.http.post("/sandbox/people", json={"username": "zoe", "name": "Zoé 🎨"})
    again = world.http.post("/sandbox/people", json={"username": "ZOE"})
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"]
    assert first.json()["name"] == "Zoé 🎨"


def test_a_new_world_has_twelve_users_and_an_opening_thread(world: SandboxWorld) -> None:
    people = world.http.get("/sandbox/people").json()["data"]
    assert len(people) == 13
    assert people[0]["username"] == "threadpaint"
    thread = world.http.get("/sandbox/posts").json()["data"]
    assert {post["author"]["username"] for post in thread} == {"threadpaint"}
    assert {post["conversation_id"] for post in thread} == {people[0]["pinned_tweet_id"]}


def test_the_same_seed_creates_the_same_users(world: SandboxWorld) -> None:

    ids = [set(create_app(SandboxSettings(seed=seed, data=None), world.clock).state.world.people) for seed in (1, 1, 2)]
    assert ids[0] == ids[1] != ids[2]


def test_a_post_has_the_fields_of_x_with_author_and_media(world: SandboxWorld, picture: Picture) -> None:
    post = world.post(
        "mira_paints", "@threadpaint a sea", media=[picture.base64, {"image": picture.base64, "alt_text": "two"}]
    )
    assert {"id", "text", "author_id", "created_at", "conversation_id", "entities", "edit_history_tweet_ids"} <= set(
        post
    )
    assert post["author"] == {"id": post["author_id"], "name": "Mira Okafor", "username": "mira_paints"}
    assert [media["alt_text"] for media in post["media"]] == ["", "two"]
    assert world.http.get(post["media"][1]["url"]).content == picture.data


def test_posting_creates_an_unknown_author(world: SandboxWorld) -> None:
    assert world.post("brand_new", "hello")["author"]["username"] == "brand_new"


def test_direct_replies_are_listed_oldest_first(world: SandboxWorld) -> None:
    root = world.post("mira_paints", "root")
    ids = [world.post("oldtomcat", f"reply {n}", in_reply_to=root["id"])["id"] for n in range(3)]
    world.post("anya_z", "deeper", in_reply_to=ids[0])
    replies = world.http.get(f"/sandbox/posts/{root['id']}/replies").json()
    assert [reply["id"] for reply in replies["data"]] == ids


def test_posts_are_listed_newest_first_after_since_id(world: SandboxWorld) -> None:
    ids = [world.post("mira_paints", f"post {n}")["id"] for n in range(5)]
    assert [post["id"] for post in world.http.get("/sandbox/posts?limit=2").json()["data"]] == ids[:2:-1]
    assert [post["id"] for post in world.http.get(f"/sandbox/posts?since_id={ids[2]}").json()["data"]] == ids[:2:-1]


def test_any_post_can_be_deleted(world: SandboxWorld) -> None:
    post = world.post("mira_paints", "oops")
    assert world.http.delete(f"/sandbox/posts/{post['id']}").json() == {"data": {"deleted": True}}
    assert world.http.get(f"/sandbox/posts/{post['id']}").status_code == 404
    assert world.http.delete(f"/sandbox/posts/{post['id']}").status_code == 404


def test_state_counts_posts_replies_duplicates_and_calls(world: SandboxWorld) -> None:
    posts = [world.post("mira_paints", f"@threadpaint {n}")["id"] for n in range(3)]
    client = world.client()
    for n, target in enumerate((posts[0], posts[0], posts[0], posts[1])):
        client.create_tweet(text=f"here, {n}", in_reply_to_tweet_id=target)
    world.post("oldtomcat", "not the bot", in_reply_to=posts[2])
    client.get_users_mentions(world.bot.id)
    world.http.get("/2/users/me")
    assert world.stats() == {
        "posts": 3 + 3 + 4 + 1,
        "answers": {posts[0]: 3, posts[1]: 1},
        "duplicates": 2,
        "calls": {
            "POST /2/tweets": {"201": 4},
            "GET /2/users/:id/mentions": {"200": 1},
            "GET /2/users/me": {"401": 1},
        },
        "bill_micro": 4 * 10_000 + 4 * 5_000,
    }


def test_the_samples_are_posted_once(world: SandboxWorld) -> None:
    assert world.http.post("/sandbox/samples").json() == {"data": {"posted": 12}}
    assert world.http.post("/sandbox/samples").json() == {"data": {"posted": 0}}
    assert world.stats()["posts"] == 15
    opening = world.http.get(f"/sandbox/posts/{world.bot.pinned_post_id}/replies").json()["data"]
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
        {"author": "mira_paints", "text": "x", "color": "red"},
        {"author": None, "text": "x"},
        [],
        "x",
        None,
    ],
)
def test_invalid_posts_return_422_with_a_reason(world: SandboxWorld, body: Any) -> None:
    response = world.http.post("/sandbox/posts", json=body)
    assert response.status_code == 422
    assert response.json()["detail"]


def test_a_reply_to_a_missing_post_returns_404(world: SandboxWorld) -> None:
    response = world.http.post("/sandbox/posts", json={"author": "mira_paints", "text": "x", "in_reply_to": "42"})
    assert response.status_code == 404


def test_a_rejected_post_stores_nothing(world: SandboxWorld, picture: Picture) -> None:
    body = {"author": "mira_paints", "text": "x", "in_reply_to": "42", "media": [picture.base64]}
    world.http.post("/sandbox/posts", json=body)
    assert world.stats()["posts"] == 3
    assert not world.state.media


@pytest.mark.parametrize(
    "path",
    ["/sandbox/posts/abc", "/sandbox/posts/%00", "/sandbox/posts/%ED%A0%80/replies", "/sandbox/posts/" + "9" * 5000],
)
def test_malformed_ids_return_404(world: SandboxWorld, path: str) -> None:
    assert world.http.get(path).status_code == 404


@pytest.mark.parametrize("since", ["x", "1e9", "9" * 5000])
def test_malformed_since_id_returns_422(world: SandboxWorld, since: str) -> None:
    assert world.http.get(f"/sandbox/posts?since_id={since}").status_code == 422


def test_healthz_returns_ok(world: SandboxWorld) -> None:
    assert world.http.get("/healthz").json() == {"status": "ok"}
