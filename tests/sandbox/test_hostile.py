"""Texts and bodies nobody means well: they are kept or refused, and never break an answer."""

import json

import httpx
import pytest

ODD = [
    "\ud800",
    "a\udfffb",
    "\x00",
    "a\x00b\x1b[31m",
    "\u202egnp.exe",
    "\u2028\u2029",
    "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A",
    "🏳️‍🌈" * 500,
    "\ufeff",
    "\ufffe\uffff",
    "<script>alert(1)</script>",
    "{{ 7*7 }}{% raw %}",
    "&amp;amp;&lt;",
    "@" * 300,
    "#" * 300,
    "'; DROP TABLE post; --",
    "http://[::1",
    "https://a.b" + "/" * 9000,
    "\r\n\r\nSet-Cookie: a=b",
    "﷽" * 300,
    "%s%n%d",
    "\u0000\u0000",
]


def raw(text):
    """Lone surrogates travel as JSON escapes."""
    return json.dumps({"author": "mira_paints", "text": text, "name": text}).encode("ascii")


def check(play, text):
    body = json.dumps({"author": "mira_paints", "text": text}).encode("ascii")
    answer = play.http.post("/sandbox/posts", content=body, headers={"content-type": "application/json"})
    assert answer.status_code in (201, 422), (text[:60], answer.text)
    answer.json()
    through_x = play.as_person().post(f"{play.url}/2/tweets", data=body.replace(b'"author": "mira_paints", ', b""))
    assert through_x.status_code in (201, 400, 403), (text[:60], through_x.text)
    if answer.status_code == 201:
        post = answer.json()
        for kind in post.get("entities", {}).values():
            assert all(0 <= one["start"] < one["end"] <= len(post["text"]) for one in kind)


@pytest.mark.parametrize("text", ODD, ids=range(len(ODD)))
def test_it_keeps_or_refuses_an_odd_text(play, text):
    check(play, text)
    assert play.http.get("/").status_code == 200
    assert play.get("/2/tweets/search/recent", query="sea OR from:mira_paints").status_code == 200


def test_it_survives_the_naughty_strings(play, material):
    strings = json.loads((material("web-blns") / "blns.json").read_text("utf-8"))
    play.http.post("/sandbox/limits", json={"off": True})
    for text in strings:
        check(play, text)
    assert play.http.get("/").status_code == 200
    assert play.get(f"/2/users/{play.bot.id}/mentions").status_code == 200


@pytest.mark.parametrize("name", ["\ud800", "\x00", "<b>bold</b>", "", "x" * 200, "🎨"])
def test_a_name_may_be_anything_or_nothing(play, name):
    body = json.dumps({"username": "zoe", "name": name}).encode()
    answer = play.http.post("/sandbox/people", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 201
    assert answer.json()["name"]
    assert play.http.get("/avatar/zoe.svg").status_code == 200
    assert "<b>bold" not in play.http.get("/").text


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff",
        b"[" * 100_000,
        b'{"author": NaN}',
        b'{"\\ud800": 1}',
        b"9" * 10_000,
        b'{"author": "a", "text": ' + b"[" * 5000,
    ],
)
def test_a_body_that_is_no_json_is_a_plain_refusal(play, body):
    for path in ("/sandbox/posts", "/sandbox/people"):
        answer = play.http.post(path, content=body, headers={"content-type": "application/json"})
        assert answer.status_code in (400, 422), answer.text
        answer.json()


def test_it_refuses_an_enormous_request_before_reading_it(play):
    answer = play.http.post(
        "/sandbox/posts", content=b"x" * (33 * 1024 * 1024), headers={"content-type": "application/json"}
    )
    assert answer.status_code == 413


@pytest.mark.parametrize(
    "path",
    [
        "/2/users/%00/mentions",
        "/2/users/%ED%A0%80/tweets",
        "/2/tweets/" + "9" * 3000,
        "/2/users/by/username/%F0%9F%98%80",
        "/2//",
        "/2/",
    ],
)
def test_odd_paths_are_plain_refusals(play, path):
    assert play.get(path).status_code in (400, 404)


@pytest.mark.parametrize(
    "query",
    [
        "query=%ED%A0%80",
        "query=%00",
        "max_results=%F0%9F%98%80&query=a",
        "query=a&end_time=9999-12-31T23:59:59Z",
        "query=a&start_time=0001-01-01T00:00:00Z",
        "%ED%A0%80=1",
        "query=a&max_results=٣٣",
    ],
)
def test_odd_queries_are_never_our_error(play, query):
    answer = play.get(f"/2/tweets/search/recent?{query}")
    assert answer.status_code in (200, 400)
    answer.json()


def test_half_characters_in_a_form_are_told_on_the_page(play):
    body = b'--b\r\nContent-Disposition: form-data; name="author"\r\n\r\n\\ud800\r\n--b--\r\n'
    kind = "multipart/form-data; boundary=b; charset=unicode_escape"
    answer = play.http.post("/page/posts", content=body, headers={"content-type": kind})
    assert answer.status_code == 303 and "trouble=" in answer.headers["location"]


def test_a_body_in_chunks_is_not_taken_without_end(play):
    chunks = (b"[" + b" " * 1_000_000 for _ in range(40))
    try:
        answer = play.http.post("/sandbox/posts", content=chunks, headers={"content-type": "application/json"})
    except httpx.TransportError:
        return  # hung up on in the middle of the body
    assert answer.status_code == 413
