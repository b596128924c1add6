"""Injected faults of uploads: pending, failed and lagging media."""

import pytest
import tweepy

from tests.support.sandbox_world import Json, Picture, SandboxWorld


def upload(world: SandboxWorld, picture: Picture) -> Json:
    response = world.as_person().post(
        f"{world.url}/2/media/upload", files={"media": picture.data}, data={"media_category": "tweet_image"}
    )
    assert response.status_code == 200, response.text
    return dict(response.json()["data"])


def processing_state(world: SandboxWorld, media_id: str) -> str:
    params = {"media_id": media_id, "command": "STATUS"}
    response = world.as_person().get(f"{world.url}/2/media/upload", params=params)
    return str(response.json()["data"]["processing_info"]["state"])


def test_pending_media_succeeds_after_status_calls(world: SandboxWorld, picture: Picture) -> None:
    world.add_fault(kind="media_pending", check_after_secs=2)
    media = upload(world, picture)
    assert media["processing_info"]["state"] == "pending"
    assert media["processing_info"]["check_after_secs"] == 2
    with pytest.raises(tweepy.BadRequest, match="Your media IDs are invalid"):
        world.client().create_tweet(text="too early", media_ids=[media["id"]])
    assert [processing_state(world, media["id"]) for _ in range(3)] == ["in_progress", "succeeded", "succeeded"]
    world.client().create_tweet(text="now", media_ids=[media["id"]])


def test_failed_media_cannot_be_posted(world: SandboxWorld, picture: Picture) -> None:
    world.add_fault(kind="media_failed")
    media = upload(world, picture)
    assert [processing_state(world, media["id"]) for _ in range(3)] == ["in_progress", "failed", "failed"]
    with pytest.raises(tweepy.BadRequest):
        world.client().create_tweet(text="never", media_ids=[media["id"]])


def test_a_lagging_media_id_is_invalid_until_the_delay_ends(world: SandboxWorld, picture: Picture) -> None:
    world.add_fault(kind="media_lag", seconds=3)
    media = upload(world, picture)
    assert "processing_info" not in media
    with pytest.raises(tweepy.BadRequest, match="Your media IDs are invalid"):
        world.client().create_tweet(text="too early", media_ids=[media["id"]])
    world.clock.advance(3)
    world.client().create_tweet(text="now", media_ids=[media["id"]])
