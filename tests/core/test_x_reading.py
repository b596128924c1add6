"""The X client reads posts from the sandbox, with every version of field names."""

import base64
import io

import pytest
from PIL import Image

from core.twittertext.length import MAX_POST_LENGTH, strip_entities, truncate, weighted_length
from core.x import Post
from core.x.types import PHOTO
from tests.support.sandbox_x import SandboxX


@pytest.fixture(params=["legacy", "new", "mixed"])
def sandbox(request: pytest.FixtureRequest, x: SandboxX) -> SandboxX:
    """A sandbox with one of X's sets of field names."""
    answer = x.http.post(f"{x.url}/sandbox/vocabulary", json={"vocabulary": request.param})
    assert answer.status_code == 200, answer.text
    return x


def picture() -> dict[str, str]:
    data = io.BytesIO()
    Image.new("RGB", (8, 6)).save(data, "PNG")
    return {"image": base64.b64encode(data.getvalue()).decode(), "alt_text": "a dark field"}


def read(world: SandboxX, post_id: int) -> Post:
    [post] = world.client().get_posts([post_id]).posts
    return post


def test_a_reply_has_its_parent_with_picture(sandbox: SandboxX) -> None:
    parent = sandbox.post("a field", "bob", media=[picture()])
    post = read(sandbox, sandbox.post("@threadpaint paint this", in_reply_to=str(parent)))
    assert post.parent
    assert (post.in_reply_to_id, post.parent.id, post.parent.author.username) == (parent, parent, "bob")
    [media] = post.parent.media
    assert (media.kind, media.width, media.height, media.alt_text) == (PHOTO, 8, 6, "a dark field")
    assert media.url
    assert sandbox.http.get(media.url).headers["content-type"] == "image/png"


def test_a_quote_has_the_quoted_post(sandbox: SandboxX) -> None:
    quoted = sandbox.post("a field of stars", "bob")
    post = read(sandbox, sandbox.post("@threadpaint this", quote_of=str(quoted)))
    assert post.quoted
    assert (post.quoted_id, post.quoted.text, post.parent) == (quoted, "a field of stars", None)


def test_a_long_reply_is_whole_and_starts_after_its_handles(sandbox: SandboxX) -> None:
    opening = sandbox.post("say what to paint", "bob")
    words = "a fox in the snow, " * 20 + "by @threadpaint"
    post = read(sandbox, sandbox.post(words, in_reply_to=str(opening)))
    assert post.is_long
    assert post.text[post.display_start :] == words
    assert [post.text[m.start : m.end] for m in post.mentions] == ["@bob", "@threadpaint"]
    assert post.mentions[0].end <= post.display_start < post.mentions[1].start


def test_an_edited_post_keeps_its_root_id(sandbox: SandboxX) -> None:
    first = sandbox.post("@threadpaint a fix")
    edited = sandbox.http.post(f"{sandbox.url}/sandbox/posts/{first}/edit", json={"text": "@threadpaint a fox"}).json()
    post = read(sandbox, int(edited["id"]))
    assert (post.root_id, post.text) == (first, "@threadpaint a fox")


def test_an_author_has_the_fields_of_the_policy(sandbox: SandboxX) -> None:
    author = read(sandbox, sandbox.post("@threadpaint a fox")).author
    assert (author.username, author.protected, author.automated) == ("ada", False, None)
    assert author.created_at is not None
    assert author.follows_us is not None


def test_a_deleted_post_is_reported_as_deleted(sandbox: SandboxX) -> None:
    gone, there = sandbox.post("@threadpaint a fox"), sandbox.post("@threadpaint a hen")
    sandbox.http.delete(f"{sandbox.url}/sandbox/posts/{gone}")
    looked = sandbox.client().get_posts([gone, there])
    assert ([post.id for post in looked.posts], looked.unavailable) == ([there], {gone: "deleted"})
    looked = sandbox.client().get_posts([gone])
    assert (looked.posts, looked.unavailable) == ([], {gone: "deleted"})


def test_protected_and_suspended_authors_are_distinguished(sandbox: SandboxX) -> None:
    hidden, suspended = sandbox.post("@threadpaint a fox", "bob"), sandbox.post("@threadpaint a hen", "carol")
    for username, change in (("bob", {"protected": True}), ("carol", {"suspended": True})):
        assert sandbox.http.patch(f"{sandbox.url}/sandbox/people/{username}", json=change).status_code == 200
    lost = sandbox.client().get_posts([hidden, suspended]).unavailable
    assert lost[hidden] == "protected"
    assert lost[suspended] == "suspended"


def test_x_accepts_a_truncated_text(x: SandboxX) -> None:
    text = truncate(strip_entities("a 🦊 for @bob on foo.com, " * 40))
    assert MAX_POST_LENGTH - 20 < weighted_length(text) <= MAX_POST_LENGTH
    to = x.post("@threadpaint a fox")
    answer = x.client().reply(text, to=to, media_ids=[])
    [reply] = x.replies(to)
    assert (int(reply["id"]), reply.get("note_tweet")) == (answer, None)
    assert not reply.get("entities", {}).get("urls")
