"""Forms and content of the web page. `test_web_pages_in_browser.py` opens it in a browser."""

import asyncio
import re

import pytest
from httpx import Response

from sandbox.change_notifier import ChangeNotifier
from tests.support.sandbox_billing import set_billing
from tests.support.sandbox_world import Picture, SandboxWorld


def submit(world: SandboxWorld, path: str = "/page/posts", **fields: str) -> Response:
    return world.http.post(path, data=fields)


def test_a_form_creates_a_post_and_redirects(world: SandboxWorld) -> None:
    response = submit(world, author="mira_paints", text="@threadpaint a sea")
    assert response.status_code == 303
    assert response.headers["location"].startswith("/#p-")
    assert "a sea" in world.http.get("/").text


def test_the_last_author_is_selected_again(world: SandboxWorld) -> None:
    submit(world, author="oldtomcat", text="hi")
    assert 'value="oldtomcat" selected' in world.http.get("/").text


def test_a_form_creates_a_reply(world: SandboxWorld) -> None:
    root = world.post("mira_paints", "root")
    submit(world, author="oldtomcat", text="a reply", in_reply_to=root["id"])
    reply = world.http.get(f"/sandbox/posts/{root['id']}/replies").json()["data"][0]
    assert reply["text"] == "@mira_paints a reply"


def test_a_form_uploads_a_photo(world: SandboxWorld, picture: Picture) -> None:
    files = {"photo": ("cat.png", picture.data, "image/png")}
    response = world.http.post("/page/posts", data={"author": "anya_z", "text": "@threadpaint a cat"}, files=files)
    assert response.status_code == 303
    (media,) = world.http.get("/sandbox/posts?limit=1").json()["data"][0]["media"]
    assert media["type"] == "photo"


def test_a_form_without_a_photo_creates_a_text_post(world: SandboxWorld) -> None:
    files = {"photo": ("", b"", "application/octet-stream")}  # what browsers send then
    world.http.post("/page/posts", data={"author": "anya_z", "text": "@threadpaint a cat"}, files=files)
    newest = world.http.get("/sandbox/posts?limit=1").json()["data"][0]
    assert (newest["text"], newest["media"]) == ("@threadpaint a cat", [])


@pytest.mark.parametrize("data", [b"no picture", b"\x89PNG\r\n\x1a\n" + bytes(6_000_000)])
def test_a_bad_or_too_large_picture_shows_an_error(world: SandboxWorld, data: bytes) -> None:
    files = {"photo": ("cat.png", data, "image/png")}
    response = world.http.post("/page/posts", data={"author": "anya_z", "text": "@threadpaint a cat"}, files=files)
    assert "error=The+media+is" in response.headers["location"]


def test_invalid_posts_show_an_error(world: SandboxWorld) -> None:
    for fields in ({"author": "nobody", "text": "x"}, {"author": "mira_paints", "text": " "}):
        target = submit(world, **fields).headers["location"]
        assert 'role="alert"' in world.http.get(target).text


def test_a_new_user_is_created_and_selected(world: SandboxWorld) -> None:
    assert submit(world, "/page/people", username="@zoe", name="Zoé").status_code == 303
    assert 'value="zoe" selected' in world.http.get("/").text
    assert "error" in submit(world, "/page/people", username="a b").headers["location"]


def test_only_the_author_can_delete_a_post(world: SandboxWorld) -> None:
    post = world.post("mira_paints", "mine")
    assert "error" in submit(world, f"/page/posts/{post['id']}/delete", author="oldtomcat").headers["location"]
    submit(world, f"/page/posts/{post['id']}/delete", author="mira_paints")
    assert world.http.get(f"/sandbox/posts/{post['id']}").status_code == 404


def test_texts_and_names_are_escaped(world: SandboxWorld, picture: Picture) -> None:
    evil = '<img src=x onerror=alert(1)> "quoted" javascript:alert(1)'
    world.http.post("/sandbox/people", json={"username": "evil", "name": evil[:50]})
    world.post("evil", evil, media=[{"image": picture.base64, "alt_text": evil}])
    page = world.http.get("/").text
    assert "<img src=x" not in page
    assert "&lt;img src=x" in page


def test_the_policy_allows_own_scripts_only(world: SandboxWorld) -> None:
    response = world.http.get("/")
    policy = response.headers["content-security-policy"]
    assert "unsafe" not in policy and "default-src 'none'" in policy
    assert " style=" not in response.text and " onclick=" not in response.text
    assert response.headers["x-content-type-options"] == "nosniff"


def test_added_handles_and_media_links_are_left_out(world: SandboxWorld, picture: Picture) -> None:
    root = world.post("mira_paints", "@threadpaint R&D at sea")
    world.post("threadpaint", "Here.", in_reply_to=root["id"], media=[{"image": picture.base64, "alt_text": "R&D"}])
    page = world.http.get(f"/page/posts/{root['id']}").text
    assert "R&amp;D at sea" in page and "&amp;amp;" not in page
    assert "t.co" not in page and "pic.x.com" not in page
    assert 'alt="R&amp;D"' in page


def test_a_thread_without_its_first_post_is_shown(world: SandboxWorld) -> None:
    root = world.post("mira_paints", "root")
    world.post("oldtomcat", "orphan", in_reply_to=root["id"])
    world.http.delete(f"/sandbox/posts/{root['id']}")
    assert "orphan" in world.http.get("/").text


def test_older_threads_are_on_the_next_page(world: SandboxWorld) -> None:
    for n in range(35):
        world.post("mira_paints", f"thread number {n}.")
    first = world.http.get("/").text
    assert "number 34." in first and "number 0." not in first
    older = first.split('href="/?before=')[1].split('"')[0]
    second = world.http.get(f"/?before={older}").text
    assert "number 0." in second and "number 34." not in second


def test_a_change_wakes_all_waiters() -> None:
    async def wait() -> None:
        changes = ChangeNotifier()
        waiting = asyncio.create_task(changes.wait_after(0, 5))
        await asyncio.sleep(0)
        changes.notify()
        assert await waiting == 1
        assert await changes.wait_after(0, 5) == 1
        assert await changes.wait_after(1, 0.01) == 1

    asyncio.run(wait())


def test_an_open_page_gets_an_event_for_a_new_post(world: SandboxWorld) -> None:
    with world.http.stream("GET", "/page/events") as events:
        lines = events.iter_lines()
        assert "hello" in next(lines)
        world.post("mira_paints", "ring")
        assert any("change" in line for _, line in zip(range(12), lines, strict=False))


def test_posts_have_the_paths_of_x(world: SandboxWorld) -> None:
    post = world.post("mira_paints", "a harbour at dawn")
    response = world.http.get(f"/i/status/{post['id']}", follow_redirects=True)
    assert (response.status_code, "a harbour at dawn" in response.text) == (200, True)


def test_profiles_have_the_paths_of_x(world: SandboxWorld) -> None:
    world.post("mira_paints", "a harbour at dawn")
    world.post("oldtomcat", "something else")
    page = world.http.get("/Mira_Paints").text
    assert "a harbour at dawn" in page
    assert "something else" not in page
    assert world.http.get("/nobody_here").headers["location"].startswith("/?error=")


def test_a_link_to_a_missing_post_redirects_with_an_error(world: SandboxWorld) -> None:
    response = world.http.get("/i/status/17", follow_redirects=True)
    assert response.status_code == 200 and "No post has the id 17." in response.text


def test_every_page_has_one_h1(world: SandboxWorld) -> None:
    post = world.post("mira_paints", "hello")
    for path in ("/", f"/?before={post['id']}", f"/page/posts/{post['id']}", "/mira_paints"):
        assert world.http.get(path).text.count("<h1") == 1, path


def test_the_meter_shows_clock_bill_credits_and_rejected_calls(world: SandboxWorld) -> None:
    world.http.post("/sandbox/clock", json={"scale": 60}).raise_for_status()
    set_billing(world, credits_micro=2_000_000)
    world.http.post("/sandbox/limits", json={"endpoint": "GET /2/users/me", "calls": 0}).raise_for_status()
    world.client().create_tweet(text="hello")
    world.as_person().get(f"{world.url}/2/users/me")
    for path in ("/", "/page/threads"):
        meter = " ".join(world.http.get(path).text.partition('class="meter"')[2].split())
        assert "UTC</span> × 60 · X would charge $0.015 · credits $1.985 · 1 call over the limit" in meter


def test_the_meter_shows_for_how_long_the_bot_cannot_post(world: SandboxWorld) -> None:
    limit = {"endpoint": "POST /2/tweets", "calls": 1, "seconds": 900}
    world.http.post("/sandbox/limits", json=limit).raise_for_status()
    assert "takes no more posts" not in world.http.get("/").text
    world.client().create_tweet(text="hello")
    assert "X takes no more posts of @threadpaint for 15 min" in world.http.get("/").text
    world.http.post("/sandbox/clock", json={"advance": 900}).raise_for_status()
    assert "takes no more posts" not in world.http.get("/").text


def test_the_page_offers_examples_that_fill_in_the_text(world: SandboxWorld) -> None:
    links = re.findall(r'href="(/intent/post[^"]+)"', world.http.get("/").text)
    assert "@threadpaint a red lighthouse in a storm</textarea>" in world.http.get(links[0]).text


@pytest.mark.parametrize("path", ["/intent/post", "/intent/tweet"])
def test_a_compose_link_fills_in_the_text(world: SandboxWorld, path: str) -> None:
    page = world.http.get(path, params={"text": "@threadpaint <b>a fox</b>", "url": "http://127.0.0.1:8000/c/7"})
    assert page.status_code == 200
    assert "@threadpaint &lt;b&gt;a fox&lt;/b&gt; http://127.0.0.1:8000/c/7</textarea>" in page.text
    longest = world.http.get(path, params={"text": "x" * 40_000}).text
    assert "x" * 25_000 in longest
    assert "x" * 25_001 not in longest
