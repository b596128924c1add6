"""Uploads in several pieces: initialize, append, finalize, STATUS."""

import base64

import pytest


def start(play, size, *, kind="image/png", category="tweet_image", username="threadpaint"):
    body = {"media_type": kind, "total_bytes": size, "media_category": category}
    return play.as_person(username).post(f"{play.url}/2/media/upload/initialize", json=body)


def begun(play, size, **more):
    answer = start(play, size, **more)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]["id"]


def append(play, media_id, index, data, username="threadpaint"):
    url = f"{play.url}/2/media/upload/{media_id}/append"
    return play.as_person(username).post(url, files={"media": data}, data={"segment_index": str(index)})


def finalize(play, media_id, username="threadpaint"):
    return play.as_person(username).post(f"{play.url}/2/media/upload/{media_id}/finalize")


def test_pieces_become_one_picture_whatever_their_order(play, picture):
    media_id = begun(play, len(picture.data))
    for index, piece in ((1, picture.data[20:40]), (0, picture.data[:20]), (2, picture.data[40:])):
        assert append(play, media_id, index, piece).status_code == 200
    done = finalize(play, media_id).json()["data"]
    assert (done["id"], done["size"], done["image"]["w"]) == (media_id, len(picture.data), 3)
    post = play.client().create_tweet(text="a sea", media_ids=[media_id]).data["id"]
    shown = play.http.get(f"/sandbox/posts/{post}").json()["media"][0]["url"]
    assert play.http.get(shown).content == picture.data


def test_a_piece_may_come_as_json_and_may_come_again(play, picture):
    media_id = begun(play, len(picture.data))
    body = {"segment_index": 0, "media": base64.b64encode(picture.data).decode()}
    for _ in range(2):
        answer = play.as_person().post(f"{play.url}/2/media/upload/{media_id}/append", json=body)
        assert answer.json()["data"]["expires_at"] > play.clock.now_ms() / 1000
    assert finalize(play, media_id).status_code == 200


def test_status_of_a_finished_picture_says_so(play, picture):
    media_id = begun(play, len(picture.data))
    append(play, media_id, 0, picture.data)
    finalize(play, media_id)
    asked = play.as_person().get(f"{play.url}/2/media/upload", params={"media_id": media_id, "command": "STATUS"})
    assert asked.json()["data"]["processing_info"]["state"] == "succeeded"


def test_missing_or_surplus_bytes_are_refused(play, picture):
    short = begun(play, len(picture.data))
    append(play, short, 0, picture.data[:-1])
    assert finalize(play, short).status_code == 400
    gap = begun(play, len(picture.data))
    append(play, gap, 1, picture.data)
    assert finalize(play, gap).status_code == 400
    assert append(play, begun(play, 10), 0, picture.data).status_code == 400


@pytest.mark.parametrize("index", ["-1", "1000", "x", ""])
def test_a_segment_has_a_number_up_to_999(play, picture, index):
    assert append(play, begun(play, len(picture.data)), index, picture.data).status_code == 400


def test_what_is_too_large_or_not_played_is_refused_at_once(play):
    assert start(play, 5 * 1024 * 1024 + 1).status_code == 400
    assert start(play, 15 * 1024 * 1024, kind="image/gif", category="tweet_gif").status_code == 200
    assert start(play, 10, category="tweet_video", kind="video/mp4").status_code == 400
    assert start(play, 10, category="").status_code == 400


def test_an_upload_belongs_to_who_began_it(play, picture):
    media_id = begun(play, len(picture.data))
    assert append(play, media_id, 0, picture.data, username="oldtomcat").status_code == 404
    assert finalize(play, media_id, username="oldtomcat").status_code == 404
    assert append(play, "1", 0, picture.data).status_code == 404


def test_what_is_no_picture_is_found_out_at_the_end(play):
    media_id = begun(play, 9)
    append(play, media_id, 0, b"no pictur")
    assert finalize(play, media_id).status_code == 400
