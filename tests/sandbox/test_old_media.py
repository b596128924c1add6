"""The old API's upload with tweepy's own API class: gone, useless, or as it was."""

import io

import pytest
import tweepy

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr':DeprecationWarning")  # tweepy's own


@pytest.fixture
def old(play):
    keys = ("sandbox-consumer-key", "sandbox-consumer-secret", "sandbox-token-threadpaint")
    api = tweepy.API(tweepy.OAuth1UserHandler(*keys, "sandbox-token-secret-threadpaint"))
    adapter = play.adapter()
    for host in ("https://api.twitter.com", "https://upload.twitter.com"):
        api.session.mount(host, adapter)
    return api


def become(play, mode):
    assert play.http.post("/sandbox/old-media", json={"mode": mode}).json() == {"mode": mode}


def upload(old, picture):
    return old.media_upload("sea.png", file=io.BytesIO(picture.data))


def test_it_is_gone_unless_told_otherwise(play, old, picture):
    with pytest.raises(tweepy.NotFound) as gone:
        upload(old, picture)
    assert gone.value.response.headers["content-type"].startswith("text/html")
    with pytest.raises(tweepy.NotFound):
        old.create_media_metadata("1", "a sea")


def test_its_ids_can_be_useless(play, old, picture):
    become(play, "unusable")
    media = upload(old, picture)
    with pytest.raises(tweepy.BadRequest, match="Your media IDs are invalid"):
        play.client().create_tweet(text="a sea", media_ids=[media.media_id])


def test_it_can_work_as_it_did(play, old, picture):
    become(play, "works")
    media = upload(old, picture)
    assert (media.size, media.image["w"], media.expires_after_secs) == (len(picture.data), 3, 86_400)
    old.create_media_metadata(media.media_id_string, "a sea")
    post = play.client().create_tweet(text="a sea", media_ids=[media.media_id]).data["id"]
    assert play.http.get(f"/sandbox/posts/{post}").json()["media"][0]["alt_text"] == "a sea"


def test_nonsense_is_refused_in_the_old_words(play, old, picture):
    become(play, "works")
    with pytest.raises(tweepy.BadRequest, match="324"):
        old.media_upload("sea.png", file=io.BytesIO(b"no picture"))
    with pytest.raises(tweepy.BadRequest, match="324"):
        old.create_media_metadata("1", "a sea")
    assert play.http.post("/1.1/media/upload.json", files={"media": picture.data}).status_code == 401
    assert play.http.post("/sandbox/old-media", json={"mode": "sometimes"}).status_code == 422
