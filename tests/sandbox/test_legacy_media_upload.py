"""The upload of API v1.1 with tweepy's API class: gone, with unusable ids, or working."""

import io

import pytest
import tweepy
from tweepy.models import Media

from tests.support.sandbox_world import Picture, SandboxWorld

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr':DeprecationWarning")  # tweepy's own


@pytest.fixture
def api(world: SandboxWorld) -> tweepy.API:
    keys = ("sandbox-consumer-key", "sandbox-consumer-secret", "sandbox-token-threadpaint")
    api = tweepy.API(tweepy.OAuth1UserHandler(*keys, "sandbox-token-secret-threadpaint"))
    adapter = world.adapter()
    for host in ("https://api.twitter.com", "https://upload.twitter.com"):
        api.session.mount(host, adapter)
    return api


def set_mode(world: SandboxWorld, mode: str) -> None:
    assert world.http.post("/sandbox/old-media", json={"mode": mode}).json() == {"mode": mode}


def upload(api: tweepy.API, picture: Picture) -> Media:
    return api.media_upload("sea.png", file=io.BytesIO(picture.data))


def test_legacy_upload_returns_404_by_default(world: SandboxWorld, api: tweepy.API, picture: Picture) -> None:
    with pytest.raises(tweepy.NotFound) as gone:
        upload(api, picture)
    assert gone.value.response.headers["content-type"].startswith("text/html")
    with pytest.raises(tweepy.NotFound):
        api.create_media_metadata("1", "a sea")


def test_legacy_upload_can_return_unusable_ids(world: SandboxWorld, api: tweepy.API, picture: Picture) -> None:
    set_mode(world, "unusable")
    media = upload(api, picture)
    with pytest.raises(tweepy.BadRequest, match="Your media IDs are invalid"):
        world.client().create_tweet(text="a sea", media_ids=[media.media_id])


def test_legacy_upload_can_work(world: SandboxWorld, api: tweepy.API, picture: Picture) -> None:
    set_mode(world, "works")
    media = upload(api, picture)
    assert (media.size, media.image["w"], media.expires_after_secs) == (len(picture.data), 3, 86_400)
    api.create_media_metadata(media.media_id_string, "a sea")
    post = world.client().create_tweet(text="a sea", media_ids=[media.media_id]).data["id"]
    assert world.http.get(f"/sandbox/posts/{post}").json()["media"][0]["alt_text"] == "a sea"


def test_invalid_legacy_uploads_return_the_old_errors(world: SandboxWorld, api: tweepy.API, picture: Picture) -> None:
    set_mode(world, "works")
    with pytest.raises(tweepy.BadRequest, match="324"):
        api.media_upload("sea.png", file=io.BytesIO(b"no picture"))
    with pytest.raises(tweepy.BadRequest, match="324"):
        api.create_media_metadata("1", "a sea")
    assert world.http.post("/1.1/media/upload.json", files={"media": picture.data}).status_code == 401
    assert world.http.post("/sandbox/old-media", json={"mode": "sometimes"}).status_code == 422
