"""The page, by its forms and its words; a browser looks at it elsewhere."""

import asyncio

import pytest

from sandbox.bell import Bell


def form(play, path="/page/posts", **fields):
    return play.http.post(path, data=fields)


def test_it_posts_from_a_plain_form_and_comes_back(play):
    answer = form(play, author="mira_paints", text="@threadpaint a sea")
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/#p-")
    assert "a sea" in play.http.get("/").text


def test_it_remembers_who_one_was(play):
    form(play, author="oldtomcat", text="hi")
    assert 'value="oldtomcat" selected' in play.http.get("/").text


def test_it_replies_from_a_plain_form(play):
    root = play.says("mira_paints", "root")
    form(play, author="oldtomcat", text="a reply", in_reply_to=root["id"])
    reply = play.http.get(f"/sandbox/posts/{root['id']}/replies").json()["data"][0]
    assert reply["text"] == "@mira_paints a reply"


def test_it_hangs_a_photograph_from_a_plain_form(play, picture):
    files = {"photo": ("cat.png", picture.data, "image/png")}
    answer = play.http.post("/page/posts", data={"author": "anya_z", "text": "@threadpaint a cat"}, files=files)
    assert answer.status_code == 303
    (media,) = play.http.get("/sandbox/posts?limit=1").json()["data"][0]["media"]
    assert media["type"] == "photo"


def test_a_form_with_no_photograph_chosen_is_a_post_of_words(play):
    files = {"photo": ("", b"", "application/octet-stream")}  # what browsers send then
    play.http.post("/page/posts", data={"author": "anya_z", "text": "@threadpaint a cat"}, files=files)
    newest = play.http.get("/sandbox/posts?limit=1").json()["data"][0]
    assert (newest["text"], newest["media"]) == ("@threadpaint a cat", [])


@pytest.mark.parametrize("data", [b"no picture", b"\x89PNG\r\n\x1a\n" + bytes(6_000_000)])
def test_what_is_no_picture_or_too_large_is_told(play, data):
    files = {"photo": ("cat.png", data, "image/png")}
    answer = play.http.post("/page/posts", data={"author": "anya_z", "text": "@threadpaint a cat"}, files=files)
    assert "trouble=The+media+is" in answer.headers["location"]


def test_it_says_what_went_wrong(play):
    for fields in ({"author": "nobody", "text": "x"}, {"author": "mira_paints", "text": " "}):
        target = form(play, **fields).headers["location"]
        assert 'role="alert"' in play.http.get(target).text


def test_a_new_person_joins_and_is_picked(play):
    assert form(play, "/page/people", username="@zoe", name="Zoé").status_code == 303
    assert 'value="zoe" selected' in play.http.get("/").text
    assert "trouble" in form(play, "/page/people", username="a b").headers["location"]


def test_only_the_author_deletes(play):
    post = play.says("mira_paints", "mine")
    assert "trouble" in form(play, f"/page/posts/{post['id']}/delete", author="oldtomcat").headers["location"]
    form(play, f"/page/posts/{post['id']}/delete", author="mira_paints")
    assert play.http.get(f"/sandbox/posts/{post['id']}").status_code == 404


def test_it_escapes_whatever_people_say(play, picture):
    evil = '<img src=x onerror=alert(1)> "quoted" javascript:alert(1)'
    play.http.post("/sandbox/people", json={"username": "evil", "name": evil[:50]})
    play.says("evil", evil, media=[{"image": picture.base64, "alt_text": evil}])
    page = play.http.get("/").text
    assert "<img src=x" not in page
    assert "&lt;img src=x" in page


def test_it_allows_no_script_but_its_own(play):
    answer = play.http.get("/")
    policy = answer.headers["content-security-policy"]
    assert "unsafe" not in policy and "default-src 'none'" in policy
    assert " style=" not in answer.text and " onclick=" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_it_shows_a_text_without_prefix_and_picture_links(play, picture):
    root = play.says("mira_paints", "@threadpaint R&D at sea")
    play.says("threadpaint", "Here.", in_reply_to=root["id"], media=[{"image": picture.base64, "alt_text": "R&D"}])
    page = play.http.get(f"/page/posts/{root['id']}").text
    assert "R&amp;D at sea" in page and "&amp;amp;" not in page
    assert "t.co" not in page and "pic.x.com" not in page
    assert 'alt="R&amp;D"' in page


def test_it_shows_a_thread_whose_beginning_was_deleted(play):
    root = play.says("mira_paints", "root")
    play.says("oldtomcat", "orphan", in_reply_to=root["id"])
    play.http.delete(f"/sandbox/posts/{root['id']}")
    assert "orphan" in play.http.get("/").text


def test_older_threads_stand_on_the_next_page(play):
    for n in range(35):
        play.says("mira_paints", f"thread number {n}.")
    first = play.http.get("/").text
    assert "number 34." in first and "number 0." not in first
    older = first.split('href="/?before=')[1].split('"')[0]
    second = play.http.get(f"/?before={older}").text
    assert "number 0." in second and "number 34." not in second


def test_the_bell_wakes_whoever_waits():
    async def scene():
        bell = Bell()
        waiting = asyncio.create_task(bell.after(0, 5))
        await asyncio.sleep(0)
        bell.ring()
        assert await waiting == 1
        assert await bell.after(0, 5) == 1
        assert await bell.after(1, 0.01) == 1

    asyncio.run(scene())


def test_an_open_page_hears_of_a_new_post(play):
    with play.http.stream("GET", "/page/bell") as events:
        lines = events.iter_lines()
        assert "hello" in next(lines)
        play.says("mira_paints", "ring")
        assert any("change" in line for _, line in zip(range(12), lines, strict=False))


def test_a_post_stands_at_the_address_x_has_for_posts(play):
    post = play.says("mira_paints", "a harbour at dawn")
    answer = play.http.get(f"/i/status/{post['id']}", follow_redirects=True)
    assert (answer.status_code, "a harbour at dawn" in answer.text) == (200, True)


def test_a_person_stands_at_the_address_x_has_for_people(play):
    play.says("mira_paints", "a harbour at dawn")
    play.says("oldtomcat", "something else")
    page = play.http.get("/Mira_Paints").text
    assert "a harbour at dawn" in page
    assert "something else" not in page
    assert play.http.get("/nobody_here").headers["location"].startswith("/?trouble=")


def test_a_link_to_a_deleted_post_leads_to_the_timeline_with_a_word(play):
    answer = play.http.get("/i/status/17", follow_redirects=True)
    assert answer.status_code == 200 and "There is no post 17." in answer.text


def test_every_page_has_one_heading_of_the_first_rank(play):
    post = play.says("mira_paints", "hello")
    for path in ("/", f"/?before={post['id']}", f"/page/posts/{post['id']}", "/mira_paints"):
        assert play.http.get(path).text.count("<h1") == 1, path


def test_a_corner_tells_the_clock_the_bill_the_credits_and_the_refused_calls(play):
    play.http.post("/sandbox/clock", json={"scale": 60}).raise_for_status()
    play.http.post("/sandbox/money", json={"credits_micro": 2_000_000}).raise_for_status()
    play.http.post("/sandbox/limits", json={"endpoint": "GET /2/users/me", "calls": 0}).raise_for_status()
    play.client().create_tweet(text="hello")
    play.as_person().get(f"{play.url}/2/users/me")
    for path in ("/", "/page/threads"):
        meter = " ".join(play.http.get(path).text.partition('class="meter"')[2].split())
        assert "UTC</span> × 60 · bill $0.015 · credits $1.985 · 1 calls over the limit" in meter


@pytest.mark.parametrize("path", ["/intent/post", "/intent/tweet"])
def test_a_link_to_xs_composer_brings_the_words_along(play, path):
    page = play.http.get(path, params={"text": "@threadpaint <b>a fox</b>", "url": "http://127.0.0.1:8000/c/7"})
    assert page.status_code == 200
    assert "@threadpaint &lt;b&gt;a fox&lt;/b&gt; http://127.0.0.1:8000/c/7</textarea>" in page.text
    longest = play.http.get(path, params={"text": "x" * 40_000}).text
    assert "x" * 25_000 in longest
    assert "x" * 25_001 not in longest
