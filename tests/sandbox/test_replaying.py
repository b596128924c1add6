"""A run can be repeated: two worlds of one seed and one clock, given the same calls, answer the same."""

import time

import pytest
import tweepy

BEARER = {"authorization": "Bearer sandbox-bearer"}
EVERYTHING = {
    "tweet.fields": "author_id,created_at,entities,conversation_id,referenced_tweets,attachments,public_metrics",
    "user.fields": "created_at,public_metrics,description",
    "expansions": "author_id,attachments.media_keys,referenced_tweets.id",
    "media.fields": "url,alt_text",
}


def a_day(play, picture):
    """Everything that has ids, chances or times in it. Returns all that was answered."""
    told = []

    def note(answer):
        told.append((answer.status_code, answer.text))
        return answer

    def control(path, **body):
        return note(play.http.post(f"/sandbox/{path}", json=body))

    def read(path, **params):
        return note(play.http.get(path, params=EVERYTHING | params, headers=BEARER))

    control("faults", kind="lost", endpoint="GET /2/users/:id/mentions", rate=0.3)
    control("faults", kind="answer", status=503, endpoint="GET /2/tweets/search/recent", rate=0.5)
    control("people", username="zoe", name="Zoé")
    asked = [control("posts", author=f"p{n % 3}", text=f"@threadpaint sea {n} x.com").json()["id"] for n in range(20)]
    control(f"posts/{asked[0]}/edit", text="@threadpaint a lake")
    play.clock.advance(3)
    session = play.as_person()
    media = note(
        session.post(f"{play.url}/2/media/upload", data={"media_category": "tweet_image"}, files=picture)
    ).json()
    body = {"text": "Painting", "media": {"media_ids": [media["data"]["id"]]}}
    for post_id in asked[:3]:
        note(session.post(f"{play.url}/2/tweets", json=body | {"reply": {"in_reply_to_tweet_id": post_id}}))
    control("clock", advance=60)
    page = read(f"/2/users/{play.bot.id}/mentions", max_results=5).json()
    read(f"/2/users/{play.bot.id}/mentions", max_results=5, pagination_token=page["meta"]["next_token"])
    for _ in range(6):
        read("/2/tweets/search/recent", query="sea")
    read(f"/2/users/{play.bot.id}/tweets")
    for path in ("state", "people", "posts", "faults", "limits", "money?rows=1", "clock", "calls"):
        note(play.http.get(f"/sandbox/{path}"))
    return told


def test_the_same_calls_in_two_worlds_of_one_seed_get_the_same_ids_and_bodies(begin, picture):
    files, at_ms = {"media": ("boat.png", picture.data, "image/png")}, round(time.time() * 1000)
    first, second, other = (a_day(begin(seed=seed, at_ms=at_ms), files) for seed in (7, 7, 8))
    assert first == second
    assert [status for status, _ in first].count(503) in range(1, 6)
    assert other != first


def test_every_call_is_in_the_journal_with_what_its_signature_was_worth(play):
    play.client().get_me()
    play.get("/2/tweets/search/recent", query="sea")
    with pytest.raises(tweepy.Unauthorized):
        play.client(secret="wrong").get_me()
    newest = play.http.get("/sandbox/calls", params={"limit": 3}).json()["data"]
    assert [(one["heard"], one["by"], one["signature"]) for one in newest] == [
        ("401", None, "signature"),
        ("200", "the app", None),
        ("200", "threadpaint", "good"),
    ]
    assert newest[0]["endpoint"] == "GET /2/users/me"
    assert newest[0]["at"].endswith("Z")


def test_the_journal_keeps_a_thousand_calls(play):
    journal = play.app.state.gate.journal
    for number in range(1100):
        journal.open("", str(number))
    told = play.http.get("/sandbox/calls", params={"limit": 5000}).json()["data"]
    assert (len(told), told[0]["endpoint"]) == (1000, "1099")
    assert play.http.get("/sandbox/calls", params={"limit": -1}).json() == {"data": []}
