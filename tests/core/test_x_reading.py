"""The bot's own client reads a faithful X over the wire, whatever words X uses today."""

import base64
import io

import pytest
from PIL import Image

from core.x import Post
from core.x.shapes import PHOTO
from core.x.weighing import MOST, fits, harmless, weight
from tests.support.sandbox_x import SandboxX


@pytest.fixture(params=["legacy", "new", "mixed"])
def spoken(request: pytest.FixtureRequest, x: SandboxX) -> SandboxX:
    """A world that speaks one of X's vocabularies."""
    answer = x.http.post(f"{x.url}/sandbox/vocabulary", json={"vocabulary": request.param})
    assert answer.status_code == 200, answer.text
    return x


def picture() -> dict[str, str]:
    data = io.BytesIO()
    Image.new("RGB", (8, 6)).save(data, "PNG")
    return {"image": base64.b64encode(data.getvalue()).decode(), "alt_text": "a dark field"}


def read(world: SandboxX, post_id: int) -> Post:
    [post] = world.client().posts([post_id]).posts
    return post


def test_a_reply_comes_with_its_parent_and_the_parent_s_picture(spoken: SandboxX) -> None:
    parent = spoken.post("a field", "bob", media=[picture()])
    post = read(spoken, spoken.post("@threadpaint paint this", in_reply_to=str(parent)))
    assert post.parent
    assert (post.in_reply_to_id, post.parent.id, post.parent.author.username) == (parent, parent, "bob")
    [media] = post.parent.media
    assert (media.kind, media.width, media.height, media.alt_text) == (PHOTO, 8, 6, "a dark field")
    assert media.url
    assert spoken.http.get(media.url).headers["content-type"] == "image/png"


def test_a_quote_comes_with_what_it_quotes(spoken: SandboxX) -> None:
    quoted = spoken.post("a field of stars", "bob")
    post = read(spoken, spoken.post("@threadpaint this", quote_of=str(quoted)))
    assert post.quoted
    assert (post.quoted_id, post.quoted.text, post.parent) == (quoted, "a field of stars", None)


def test_a_long_reply_is_whole_and_begins_behind_its_prefix(spoken: SandboxX) -> None:
    opening = spoken.post("say what to paint", "bob")
    words = "a fox in the snow, " * 20 + "by @threadpaint"
    post = read(spoken, spoken.post(words, in_reply_to=str(opening)))
    assert post.is_long
    assert post.text[post.display_start :] == words
    assert [post.text[m.start : m.end] for m in post.mentions] == ["@bob", "@threadpaint"]
    assert post.mentions[0].end <= post.display_start < post.mentions[1].start


def test_an_edited_post_is_the_same_post(spoken: SandboxX) -> None:
    first = spoken.post("@threadpaint a fix")
    edited = spoken.http.post(f"{spoken.url}/sandbox/posts/{first}/edit", json={"text": "@threadpaint a fox"}).json()
    post = read(spoken, int(edited["id"]))
    assert (post.root_id, post.text) == (first, "@threadpaint a fox")


def test_the_author_comes_with_what_rules_need(spoken: SandboxX) -> None:
    author = read(spoken, spoken.post("@threadpaint a fox")).author
    assert (author.username, author.protected, author.automated) == ("ada", False, None)
    assert author.created_at is not None
    assert author.follows_us is not None


def test_a_deleted_post_is_told_to_be_gone(spoken: SandboxX) -> None:
    gone, there = spoken.post("@threadpaint a fox"), spoken.post("@threadpaint a hen")
    spoken.http.delete(f"{spoken.url}/sandbox/posts/{gone}")
    looked = spoken.client().posts([gone, there])
    assert ([post.id for post in looked.posts], looked.lost) == ([there], {gone: "gone"})
    looked = spoken.client().posts([gone])
    assert (looked.posts, looked.lost) == ([], {gone: "gone"})


def test_posts_of_people_who_hid_or_were_suspended_are_told_apart(spoken: SandboxX) -> None:
    hidden, suspended = spoken.post("@threadpaint a fox", "bob"), spoken.post("@threadpaint a hen", "carol")
    for username, change in (("bob", {"protected": True}), ("carol", {"suspended": True})):
        assert spoken.http.patch(f"{spoken.url}/sandbox/people/{username}", json=change).status_code == 200
    lost = spoken.client().posts([hidden, suspended]).lost
    assert lost[hidden] == "protected"
    assert lost[suspended] == "suspended"


def test_x_takes_the_longest_text_we_make(x: SandboxX) -> None:
    text = fits(harmless("a 🦊 for @bob on foo.com, " * 40))
    assert MOST - 20 < weight(text) <= MOST
    to = x.post("@threadpaint a fox")
    answer = x.client().answer(text, to=to, media_ids=[])
    [reply] = x.replies(to)
    assert (int(reply["id"]), reply.get("note_tweet")) == (answer, None)
    assert not reply.get("entities", {}).get("urls")
