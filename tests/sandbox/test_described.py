"""Every endpoint's answers, in each vocabulary, against X's own description of its API (2.166 and 2.167)."""

import base64
import json
from types import SimpleNamespace

import pytest
import requests

from sandbox.x.table import ENDPOINTS
from tests.support.described import Description, plain

FILES = {
    "legacy": "openapi_tweet_names.json",
    "mixed": "openapi_tweet_names.json",
    "new": "openapi_post_names_2026-08-22.json",
}
SERVED = {plain(endpoint.name) for endpoint in ENDPOINTS}
USAGE = "GET /2/usage/tweets"
EVERYTHING = {
    *("retweeted", "quoted", "replied_to", "mentions", "urls", "hashtags", "cashtags", "alt_text", "media_keys"),
    *("display_text_range", "edit_controls", "possibly_sensitive", "connection_status", "following", "blocking"),
    *("next_token", "previous_token", "Not Found Error", "Authorization Error", "Forbidden", "CreditsDepleted"),
    *("pending", "in_progress", "succeeded", "associated_metadata", "sensitive_media_warning", "includes"),
}
OLD = {"note_tweet", "referenced_tweets", "edit_history_tweet_ids", "tweets", "retweet_count", "pinned_tweet_id"}
NEW = {"note_post", "referenced_posts", "edit_history_post_ids", "posts", "repost_count", "pinned_post_id"}
_READ = {}


@pytest.fixture(params=list(FILES))
def mode(request):
    return request.param


@pytest.fixture
def described(mode, material):
    """Read once: it is 800 KB."""
    file = material("x-openapi") / FILES[mode]
    if file not in _READ:
        _READ[file] = Description(file)
    return _READ[file]


@pytest.fixture
def full(play, mode, picture):
    """A world with every kind of post and person in it."""
    play.http.post("/sandbox/vocabulary", json={"vocabulary": mode})
    opening = play.bot.pinned_post_id
    words = "@threadpaint #red $TSLA a sea by https://example.com/a?b=c &amp; <tea> 🎨"
    pictured = play.says("mira_paints", words, media=[{"image": picture.base64, "alt_text": "a sea"}])
    reply = play.says("jonas_weber", "@threadpaint and a fox", in_reply_to=opening)
    quote = play.says("anya_z", "@threadpaint like this", quote_of=pictured["id"])
    play.says("oldtomcat", "", repost_of=pictured["id"])
    play.says("noor_h", "@threadpaint " + "long " * 100 + "@mira_paints https://example.org")
    lost = play.says("oldtomcat", "soon gone")
    orphan = play.says("minjun_k", "@threadpaint about that", in_reply_to=lost["id"])
    play.http.delete(f"/sandbox/posts/{lost['id']}")
    fix = play.says("glacierdan", "@threadpaint a fix")
    edited = play.http.post(f"/sandbox/posts/{fix['id']}/edit", json={"text": "@threadpaint a fox"}).json()
    hidden = play.says("leylanur", "@threadpaint only for friends")
    banned = play.says("marcelo_rs", "@threadpaint bad words")
    for username, state in (
        ("leylanur", {"protected": True}),
        ("marcelo_rs", {"suspended": True}),
        ("mira_paints", {"verified": True, "follows": ["threadpaint"], "description": "see example.com @threadpaint"}),
        ("threadpaint", {"follows": ["mira_paints", "anya_z"], "blocks": ["pixelpriya"]}),
    ):
        assert play.http.patch(f"/sandbox/people/{username}", json=state).status_code == 200
    some = [pictured, reply, quote, orphan, fix, edited, hidden, banned]
    app = requests.Session()
    app.headers["authorization"] = "Bearer sandbox-bearer"
    return SimpleNamespace(
        play=play, mode=mode, me=play.as_person(), app=app, ids=[post["id"] for post in some] + ["1", lost["id"]]
    )


class Walk:
    """Calls endpoints, keeps which, and complains about each answer that does not fit."""

    def __init__(self, full, described):
        self.full, self.described = full, described
        self.walked, self.seen, self.wrong = set(), set(), []

    def call(self, endpoint, *, status=200, query=None, session=None, **body):
        method, path = endpoint.split(" ")
        for name, value in (query or {}).items():
            path = path.replace(f":{name}", str(value))
        rest = {name: value for name, value in (query or {}).items() if f":{name}" not in endpoint}
        answer = (session or self.full.me).request(method, self.full.play.url + path, params=rest, **body)
        assert answer.status_code == status, (endpoint, answer.status_code, answer.text[:600])
        self.walked.add(plain(endpoint))
        complaints = self.described.complaints(endpoint, answer.status_code, answer.json())
        self.seen |= names_and_words(answer.json())
        self.wrong += [f"{endpoint} {status}: {complaint}" for complaint in complaints]
        return answer.json()

    def read(self, endpoint, **query):
        """With every field and expansion there is."""
        return self.call(endpoint, query=query | self.described.lists(endpoint))


def walk_reads(walk, full):
    me = full.play.bot.id
    people = [person.id for person in full.play.world.people.values()]
    names = [person.username for person in full.play.world.people.values()]
    walk.read("GET /2/users/me")
    walk.read("GET /2/users", ids=",".join(map(str, [*people, 1])))
    walk.read("GET /2/users/by", usernames=",".join([*names, "nobody_here"]))
    for person in (*people, 1):
        walk.read("GET /2/users/:id", id=person)
    for name in (*names, "nobody_here"):
        walk.read("GET /2/users/by/username/:username", username=name)
    for endpoint in ("GET /2/users/:id/followers", "GET /2/users/:id/following"):
        for person in (*people, 1):
            walk.read(endpoint, id=person)
    mentions = walk.read("GET /2/users/:id/mentions", id=me, max_results=5)
    assert len(mentions["data"]) == 5
    walk.read("GET /2/users/:id/mentions", id=me, max_results=5, pagination_token=mentions["meta"]["next_token"])
    walk.read("GET /2/users/:id/mentions", id=1)
    for person in people:
        walk.read("GET /2/users/:id/tweets", id=person)
    walk.read("GET /2/tweets/search/recent", query="@threadpaint", max_results=10)
    walk.read("GET /2/tweets/search/recent", query="zebra")
    walk.read("GET /2/tweets", ids=",".join(full.ids))
    for post_id in full.ids:
        walk.read("GET /2/tweets/:id", id=post_id)
    walk.call(USAGE, session=full.app, query=walk.described.lists(USAGE))


def walk_writes(walk, full, picture):
    data = base64.b64encode(picture.data).decode()
    category = {"media_category": "tweet_image"}
    media = walk.call("POST /2/media/upload", files={"media": picture.data}, data=category)["data"]["id"]
    walk.call("POST /2/media/upload", json={"media": data} | category)
    full.play.http.post("/sandbox/faults", json={"kind": "media_pending"})
    slow = walk.call("POST /2/media/upload", json={"media": data} | category)["data"]
    assert slow["processing_info"]["state"] == "pending"
    for _ in range(3):
        walk.call("GET /2/media/upload", query={"media_id": slow["id"], "command": "STATUS"})
    said = {"alt_text": {"text": "a sea"}, "sensitive_media_warning": {"adult_content": True}}
    walk.call("POST /2/media/metadata", json={"id": media, "metadata": said})
    size = {"media_type": "image/png", "total_bytes": len(picture.data)} | category
    begun = walk.call("POST /2/media/upload/initialize", json=size)["data"]["id"]
    piece = {"segment_index": 0, "media": data}
    walk.call("POST /2/media/upload/:id/append", query={"id": begun}, json=piece)
    walk.call("POST /2/media/upload/:id/finalize", query={"id": begun})
    body = {"text": "here &  <b>", "media": {"media_ids": [media]}, "reply": {"in_reply_to_tweet_id": full.ids[0]}}
    post = walk.call("POST /2/tweets", status=201, json=body | {"made_with_ai": True})["data"]["id"]
    walk.read("GET /2/tweets/:id", id=post)
    walk.call("DELETE /2/tweets/:id", query={"id": post})
    for hidden in (True, False):
        walk.call("PUT /2/tweets/:id/hidden", query={"id": full.ids[1]}, json={"hidden": hidden})


def walk_errors(walk, full):
    """A refusal of each sort; what is refused by X's rules of posting has tests of its own."""
    post = "POST /2/tweets"
    walk.call(post, status=400, json={"text": "x", "colour": "red"})
    walk.call(post, status=400, json={"text": "x", "media": {"media_ids": ["1"]}})
    walk.call(post, status=403, json={"text": "x", "reply": {"in_reply_to_tweet_id": "1"}})
    walk.call("DELETE /2/tweets/:id", status=404, query={"id": 1})
    walk.call("PUT /2/tweets/:id/hidden", status=403, query={"id": full.ids[0]}, json={"hidden": True})
    walk.call("GET /2/tweets", status=400, query={"ids": "x"})
    walk.call("GET /2/users/me", status=401, session=full.play.http)
    read_only = full.play.as_person("threadpaint", mark="-readonly")
    walk.call(post, status=403, session=read_only, json={"text": "x"})
    for kind, status in (("no_reset", 429), ("usage_cap", 429), ("no_credits", 402), ("unauthorized", 401)):
        full.play.http.post("/sandbox/faults", json={"kind": kind})
        walk.call("GET /2/users/me", status=status)
    full.play.http.post("/sandbox/faults", json={"kind": "status_after", "status": 503})
    walk.call("GET /2/users/me", status=503)


def test_every_answer_of_every_endpoint_fits_the_description(full, described, picture):
    walk = Walk(full, described)
    walk_reads(walk, full)
    walk_writes(walk, full, picture)
    walk_errors(walk, full)
    assert walk.wrong == []
    assert walk.walked == SERVED
    assert {*EVERYTHING, *(NEW if full.mode == "new" else OLD)} - walk.seen == set()


def names_and_words(body):
    """Every name in an answer, and every word, so that a walk through an empty world is noticed."""
    if isinstance(body, dict):
        return set(body).union(*map(names_and_words, body.values()))
    if isinstance(body, list):
        return set().union(*map(names_and_words, body))
    return {body} if isinstance(body, str) else set()


def test_every_endpoint_is_one_of_xs_own(described):
    assert set(described.operations) >= SERVED


def test_the_examination_finds_what_is_wrong(described, mode):
    """An examiner that passes everything would be worth nothing."""
    mentions = "GET /2/users/:id/mentions"
    plural = "posts" if mode == "new" else "tweets"
    wrong = [
        {"data": [{"id": 17, "text": "x"}]},
        {"data": [{"id": "17", "text": "x", "colour": "red"}]},
        {"data": [{"id": "17", "text": "x", "entities": {"urls": [{"start": "0"}]}}]},
        {"includes": {plural: [{"id": "1", "text": 5}]}},
        {"includes": {{"tweets": "posts", "posts": "tweets"}[plural]: [{"id": "1"}]}},
        {"errors": [{"detail": "nothing else"}]},
    ]
    for body in wrong:
        assert described.complaints(mentions, 200, body), json.dumps(body)
    assert described.complaints(mentions, 200, {"data": [{"id": "17", "text": "x"}]}) == []
