"""Chunked uploads: initialize, append, finalize, STATUS."""

import base64

import pytest
from requests import Response

from tests.support.sandbox_world import Picture, SandboxWorld


def initialize(world: SandboxWorld, size: int, kind: str = "image/png", category: str = "tweet_image") -> Response:
    body = {"media_type": kind, "total_bytes": size, "media_category": category}
    return world.as_person().post(f"{world.url}/2/media/upload/initialize", json=body)


def start_upload(world: SandboxWorld, size: int) -> str:
    response = initialize(world, size)
    assert response.status_code == 200, response.text
    return str(response.json()["data"]["id"])


def append(
    world: SandboxWorld, media_id: str, index: str | int, data: bytes, username: str = "threadpaint"
) -> Response:
    url = f"{world.url}/2/media/upload/{media_id}/append"
    return world.as_person(username).post(url, files={"media": data}, data={"segment_index": str(index)})


def finalize(world: SandboxWorld, media_id: str, username: str = "threadpaint") -> Response:
    return world.as_person(username).post(f"{world.url}/2/media/upload/{media_id}/finalize")


def test_segments_in_any_order_become_one_picture(world: SandboxWorld, picture: Picture) -> None:
    media_id = start_upload(world, len(picture.data))
    for index, segment in ((1, picture.data[20:40]), (0, picture.data[:20]), (2, picture.data[40:])):
        assert append(world, media_id, index, segment).status_code == 200
    done = finalize(world, media_id).json()["data"]
    assert (done["id"], done["size"], done["image"]["w"]) == (media_id, len(picture.data), 3)
    post = world.client().create_tweet(text="a sea", media_ids=[media_id]).data["id"]
    shown = world.http.get(f"/sandbox/posts/{post}").json()["media"][0]["url"]
    assert world.http.get(shown).content == picture.data


def test_a_segment_may_be_json_and_may_be_repeated(world: SandboxWorld, picture: Picture) -> None:
    media_id = start_upload(world, len(picture.data))
    body = {"segment_index": 0, "media": base64.b64encode(picture.data).decode()}
    for _ in range(2):
        response = world.as_person().post(f"{world.url}/2/media/upload/{media_id}/append", json=body)
        assert response.json()["data"]["expires_at"] > world.clock.now_ms() / 1000
    assert finalize(world, media_id).status_code == 200


def test_status_of_a_finished_upload_is_succeeded(world: SandboxWorld, picture: Picture) -> None:
    media_id = start_upload(world, len(picture.data))
    append(world, media_id, 0, picture.data)
    finalize(world, media_id)
    params = {"media_id": media_id, "command": "STATUS"}
    response = world.as_person().get(f"{world.url}/2/media/upload", params=params)
    assert response.json()["data"]["processing_info"]["state"] == "succeeded"


def test_missing_or_surplus_bytes_are_rejected(world: SandboxWorld, picture: Picture) -> None:
    short = start_upload(world, len(picture.data))
    append(world, short, 0, picture.data[:-1])
    assert finalize(world, short).status_code == 400
    gap = start_upload(world, len(picture.data))
    append(world, gap, 1, picture.data)
    assert finalize(world, gap).status_code == 400
    assert append(world, start_upload(world, 10), 0, picture.data).status_code == 400


@pytest.mark.parametrize("index", ["-1", "1000", "x", ""])
def test_segment_index_must_be_0_to_999(world: SandboxWorld, picture: Picture, index: str) -> None:
    assert append(world, start_upload(world, len(picture.data)), index, picture.data).status_code == 400


def test_initialize_rejects_too_large_and_unsupported_media(world: SandboxWorld) -> None:
    assert initialize(world, 5 * 1024 * 1024 + 1).status_code == 400
    assert initialize(world, 15 * 1024 * 1024, kind="image/gif", category="tweet_gif").status_code == 200
    assert initialize(world, 10, category="tweet_video", kind="video/mp4").status_code == 400
    assert initialize(world, 10, category="").status_code == 400


def test_an_upload_belongs_to_the_user_who_started_it(world: SandboxWorld, picture: Picture) -> None:
    media_id = start_upload(world, len(picture.data))
    assert append(world, media_id, 0, picture.data, username="oldtomcat").status_code == 404
    assert finalize(world, media_id, username="oldtomcat").status_code == 404
    assert append(world, "1", 0, picture.data).status_code == 404


def test_finalize_rejects_a_file_that_is_no_picture(world: SandboxWorld) -> None:
    media_id = start_upload(world, 9)
    append(world, media_id, 0, b"no pictur")
    assert finalize(world, media_id).status_code == 400
