"""Hostile texts and bodies are stored or rejected, and never break a response."""

import json
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
import requests

from tests.support.sandbox_world import SandboxWorld

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


def assert_stored_or_rejected(world: SandboxWorld, session: requests.Session, text: str) -> None:
    """Post a text through the control API and through X's API. Lone surrogates are sent as JSON escapes."""
    body = json.dumps({"author": "mira_paints", "text": text}).encode("ascii")
    response = world.http.post("/sandbox/posts", content=body, headers={"content-type": "application/json"})
    assert response.status_code in (201, 422), (text[:60], response.text)
    response.json()
    through_x = session.post(f"{world.url}/2/tweets", data=body.replace(b'"author": "mira_paints", ', b""))
    assert through_x.status_code in (201, 400, 403), (text[:60], through_x.text)
    if response.status_code == 201:
        post = response.json()
        for kind in post.get("entities", {}).values():
            assert all(0 <= entity["start"] < entity["end"] <= len(post["text"]) for entity in kind)


@pytest.mark.parametrize("text", ODD, ids=range(len(ODD)))
def test_odd_texts_are_stored_or_rejected(world: SandboxWorld, text: str) -> None:
    assert_stored_or_rejected(world, world.as_person(), text)
    assert world.http.get("/").status_code == 200
    assert world.get("/2/tweets/search/recent", query="sea OR from:mira_paints").status_code == 200


def test_naughty_strings_are_stored_or_rejected(world: SandboxWorld, material: Callable[[str], Path]) -> None:
    strings = json.loads((material("web-blns") / "blns.json").read_text("utf-8"))
    world.http.post("/sandbox/limits", json={"off": True})
    for text in strings:
        assert_stored_or_rejected(world, world.as_person(), text)
    assert world.http.get("/").status_code == 200
    assert world.get(f"/2/users/{world.bot.id}/mentions").status_code == 200


@pytest.mark.parametrize("name", ["\ud800", "\x00", "<b>bold</b>", "", "x" * 200, "🎨"])
def test_any_display_name_is_accepted_and_escaped(world: SandboxWorld, name: str) -> None:
    body = json.dumps({"username": "zoe", "name": name}).encode()
    response = world.http.post("/sandbox/people", content=body, headers={"content-type": "application/json"})
    assert response.status_code == 201
    assert response.json()["name"]
    assert world.http.get("/avatar/zoe.svg").status_code == 200
    assert "<b>bold" not in world.http.get("/").text


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
def test_a_body_that_is_no_json_is_rejected(world: SandboxWorld, body: bytes) -> None:
    for path in ("/sandbox/posts", "/sandbox/people"):
        response = world.http.post(path, content=body, headers={"content-type": "application/json"})
        assert response.status_code in (400, 422), response.text
        response.json()


def test_an_oversized_content_length_returns_413(world: SandboxWorld) -> None:
    response = world.http.post(
        "/sandbox/posts", content=b"x" * (33 * 1024 * 1024), headers={"content-type": "application/json"}
    )
    assert response.status_code == 413


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
def test_odd_paths_return_400_or_404(world: SandboxWorld, path: str) -> None:
    assert world.get(path).status_code in (400, 404)


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
def test_odd_queries_cause_no_server_error(world: SandboxWorld, query: str) -> None:
    response = world.get(f"/2/tweets/search/recent?{query}")
    assert response.status_code in (200, 400)
    response.json()


def test_lone_surrogates_in_a_form_show_an_error(world: SandboxWorld) -> None:
    body = b'--b\r\nContent-Disposition: form-data; name="author"\r\n\r\n\\ud800\r\n--b--\r\n'
    kind = "multipart/form-data; boundary=b; charset=unicode_escape"
    response = world.http.post("/page/posts", content=body, headers={"content-type": kind})
    assert response.status_code == 303 and "error=" in response.headers["location"]


def test_an_oversized_chunked_body_is_rejected(world: SandboxWorld) -> None:
    chunks = (b"[" + b" " * 1_000_000 for _ in range(40))
    try:
        response = world.http.post("/sandbox/posts", content=chunks, headers={"content-type": "application/json"})
    except httpx.TransportError:
        return  # the server closed the connection in the middle of the body
    assert response.status_code == 413
