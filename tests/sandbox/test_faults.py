"""Faults on demand: each kind as a client meets it, where it plays and how often it did."""

import json
import time

import pytest
import requests
import tweepy

MENTIONS = "GET /2/users/:id/mentions"
POSTS = "POST /2/tweets"


def spoil(play, **fault):
    answer = play.http.post("/sandbox/faults", json=fault)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def fault(play, number):
    return next(one for one in play.http.get("/sandbox/faults").json()["data"] if one["id"] == number)


def own_texts(play):
    return [post.said for post in play.world.existing(play.world.shelf.by_author[play.bot.id])]


def raw(client, **options):
    """The last answer's whole self: tweepy's own exceptions hide what they can not read."""
    client.return_type = requests.Response
    return client.get_me(**options)


def test_an_answer_is_given_instead_of_the_deed(play):
    spoil(play, kind="answer", endpoint=POSTS, status=503, body={"title": "Service Unavailable"}, headers={"x-a": "b"})
    with pytest.raises(tweepy.TwitterServerError) as error:
        play.client().create_tweet(text="hello")
    assert error.value.response.headers["x-a"] == "b"
    assert "hello" not in own_texts(play)
    play.client().create_tweet(text="hello")
    assert own_texts(play).count("hello") == 1


@pytest.mark.parametrize("body", ["\ud800", {"text": "\ud800"}, ["a"], 17, True])
@pytest.mark.parametrize("status", [200, 204, 304, 404, 599])
def test_any_body_and_status_can_be_answered(play, body, status):
    # json escapes a lone surrogate, so that it travels; httpx would refuse it
    spoiled = json.dumps({"kind": "answer", "status": status, "body": body})
    headers = {"content-type": "application/json"}
    assert play.http.post("/sandbox/faults", content=spoiled, headers=headers).status_code == 201
    assert play.get(f"/2/users/{play.bot.id}").status_code == status
    assert play.http.get("/sandbox/faults").status_code == 200


def test_an_html_503_is_a_page(play):
    spoil(play, kind="html_503")
    with pytest.raises(tweepy.TwitterServerError) as error:
        play.client().get_me()
    assert error.value.response.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize("kind", ["empty_200", "garbage_200"])
def test_an_empty_or_broken_200_is_raw_json_trouble_in_tweepy(play, kind):
    spoil(play, kind=kind, endpoint="GET /2/users/me")
    with pytest.raises(requests.exceptions.JSONDecodeError):
        play.client().get_me()


def test_a_list_as_error_body_falls_out_of_tweepys_constructor(play):
    spoil(play, kind="list_body")
    with pytest.raises(AttributeError):
        play.client().get_me()


def test_a_line_that_drops_before_the_commit_leaves_nothing_behind(play):
    spoil(play, kind="drop", endpoint=POSTS, when="before")
    with pytest.raises(requests.exceptions.ConnectionError):
        play.client().create_tweet(text="lost on the way there")
    assert "lost on the way there" not in own_texts(play)


def test_a_line_that_drops_after_the_commit_leaves_the_post_behind(play):
    spoil(play, kind="drop", endpoint=POSTS, when="after")
    with pytest.raises(requests.exceptions.ConnectionError):
        play.client().create_tweet(text="lost on the way back")
    assert own_texts(play).count("lost on the way back") == 1
    assert play.answers()["calls"][POSTS] == {"dropped": 1}


def test_status_after_does_it_and_says_it_failed(play):
    spoil(play, kind="status_after", endpoint=POSTS, status=500)
    with pytest.raises(tweepy.TwitterServerError):
        play.client().create_tweet(text="done all the same")
    assert own_texts(play).count("done all the same") == 1


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_slow_call_takes_its_time_and_then_works(play, when):
    spoil(play, kind="slow", seconds=0.2, when=when)
    begun = time.monotonic()
    assert play.client().get_me().data.username == "threadpaint"
    assert time.monotonic() - begun >= 0.2


def test_a_429_without_a_reset(play):
    spoil(play, kind="no_reset")
    with pytest.raises(tweepy.TooManyRequests) as error:
        play.client().get_me()
    headers = error.value.response.headers
    assert "x-rate-limit-reset" not in headers
    assert headers["x-rate-limit-remaining"] == "0"


def test_a_429_whose_reset_is_over(play):
    spoil(play, kind="reset_past")
    with pytest.raises(tweepy.TooManyRequests) as error:
        play.client().get_me()
    assert int(error.value.response.headers["x-rate-limit-reset"]) < play.clock.now_ms() / 1000


def test_a_usage_cap_is_a_429_with_a_window_that_has_plenty_left(play):
    spoil(play, kind="usage_cap")
    with pytest.raises(tweepy.TooManyRequests) as error:
        play.client().get_me()
    assert error.value.response.json()["title"] == "UsageCapExceeded"
    assert int(error.value.response.headers["x-rate-limit-remaining"]) > 0


def test_no_credits_is_a_402(play):
    spoil(play, kind="no_credits")
    with pytest.raises(tweepy.HTTPException) as error:
        play.client().get_me()
    assert error.value.response.status_code == 402
    assert error.value.response.json()["title"] == "CreditsDepleted"


def test_an_outage_can_look_like_a_401(play):
    spoil(play, kind="unauthorized")
    with pytest.raises(tweepy.Unauthorized):
        play.client().get_me()
    assert play.client().get_me().data.username == "threadpaint"


# where and how often


def statuses(play, count):
    return [play.get(f"/2/users/{play.bot.id}").status_code for _ in range(count)]


def test_a_fault_plays_once_unless_told_otherwise(play):
    number = spoil(play, kind="html_503")
    assert statuses(play, 3) == [503, 200, 200]
    assert (fault(play, number)["seen"], fault(play, number)["fired"]) == (3, 1)


@pytest.mark.parametrize(
    ("turns", "expected"),
    [
        ({"times": 2}, [503, 503, 200, 200, 200, 200]),
        ({"calls": [2, 5]}, [200, 503, 200, 200, 503, 200]),
        ({"every": 3}, [200, 200, 503, 200, 200, 503]),
        ({"every": 2, "times": 1}, [200, 503, 200, 200, 200, 200]),
        ({"rate": 1}, [503] * 6),
        ({"rate": 0}, [200] * 6),
    ],
)
def test_a_fault_plays_at_the_calls_it_was_set_for(play, turns, expected):
    spoil(play, kind="html_503", endpoint="GET /2/users/:id", **turns)
    assert statuses(play, 6) == expected


def test_a_rate_falls_the_same_way_in_each_run_of_one_seed(begin):
    def run(seed):
        play = begin(seed=seed)
        spoil(play, kind="html_503", rate=0.5)
        return statuses(play, 20)

    first = run(7)
    assert first == run(7)
    assert set(first) == {200, 503}
    assert first != run(8)


def test_a_fault_plays_at_its_endpoint_only(play):
    spoil(play, kind="html_503", endpoint=MENTIONS, rate=1)
    assert statuses(play, 1) == [200]
    assert play.get(f"/2/users/{play.bot.id}/mentions").status_code == 503


def test_faults_are_listed_deleted_one_by_one_and_all_together(play):
    numbers = [spoil(play, kind="html_503", rate=1) for _ in range(3)]
    play.http.delete(f"/sandbox/faults/{numbers[0]}")
    assert [one["id"] for one in play.http.get("/sandbox/faults").json()["data"]] == numbers[1:]
    assert play.http.delete("/sandbox/faults").json() == {"data": {"deleted": 2}}
    assert statuses(play, 1) == [200]
    assert play.http.delete(f"/sandbox/faults/{numbers[0]}").status_code == 404


def test_several_faults_are_set_at_once_or_none(play):
    good, bad = {"kind": "html_503"}, {"kind": "html_503", "endpoint": "GET /2/nowhere"}
    assert play.http.post("/sandbox/faults", json={"faults": [good, bad]}).status_code == 422
    assert play.http.get("/sandbox/faults").json()["data"] == []
    assert play.http.post("/sandbox/faults", json={"faults": [good, good]}).status_code == 201
    assert statuses(play, 3) == [503, 503, 200]


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"kind": "earthquake"}, "kind"),
        ({"kind": "answer"}, "needs status"),
        ({"kind": "slow"}, "needs seconds"),
        ({"kind": "drop", "seconds": 3}, "seconds"),
        ({"kind": "html_503", "rate": 2}, "rate"),
        ({"kind": "html_503", "calls": [0]}, "calls"),
        ({"kind": "lost", "times": 3}, "times"),
        ({"kind": "lost", "endpoint": POSTS}, "endpoint"),
        ({"kind": "html_503", "endpoint": "GET /2/nowhere"}, "endpoint"),
        ({"kind": "html_503", "colour": "red"}, "colour"),
        ({"kind": "answer", "status": 200, "headers": {"x": "a\r\nb: c"}}, "headers"),
        ({"kind": "answer", "status": 200, "headers": {"x y": "a"}}, "headers"),
        ({"kind": "answer", "status": 99}, "status"),
        ({"faults": [{"kind": "earthquake"}]}, "kind"),
        ({"faults": 3}, "faults"),
        ({}, "kind"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused_by_name(play, wrong, named):
    answer = play.http.post("/sandbox/faults", json=wrong)
    assert answer.status_code == 422
    assert named in answer.json()["detail"]


# media


def upload(play, picture):
    answer = play.as_person().post(
        f"{play.url}/2/media/upload", files={"media": picture.data}, data={"media_category": "tweet_image"}
    )
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def status_of(play, media_id):
    asked = play.as_person().get(f"{play.url}/2/media/upload", params={"media_id": media_id, "command": "STATUS"})
    return asked.json()["data"]["processing_info"]


def test_pending_media_becomes_ready_by_asking(play, picture):
    spoil(play, kind="media_pending", check_after_secs=2)
    media = upload(play, picture)
    assert media["processing_info"]["state"] == "pending"
    assert media["processing_info"]["check_after_secs"] == 2
    with pytest.raises(tweepy.BadRequest, match="Your media IDs are invalid"):
        play.client().create_tweet(text="too early", media_ids=[media["id"]])
    assert [status_of(play, media["id"])["state"] for _ in range(3)] == ["in_progress", "succeeded", "succeeded"]
    play.client().create_tweet(text="now", media_ids=[media["id"]])


def test_media_can_fail_and_stays_unusable(play, picture):
    spoil(play, kind="media_failed")
    media = upload(play, picture)
    assert [status_of(play, media["id"])["state"] for _ in range(3)] == ["in_progress", "failed", "failed"]
    with pytest.raises(tweepy.BadRequest):
        play.client().create_tweet(text="never", media_ids=[media["id"]])


def test_a_lagging_media_id_is_invalid_for_a_while(play, picture):
    spoil(play, kind="media_lag", seconds=3)
    media = upload(play, picture)
    assert "processing_info" not in media
    with pytest.raises(tweepy.BadRequest, match="Your media IDs are invalid"):
        play.client().create_tweet(text="too early", media_ids=[media["id"]])
    play.clock.advance(3)
    play.client().create_tweet(text="now", media_ids=[media["id"]])


# the index


def seen(play, **params):
    answer = play.get(f"/2/users/{play.bot.id}/mentions", **params).json()
    return [post["id"] for post in answer.get("data", [])]


def found(play):
    return [post["id"] for post in play.get("/2/tweets/search/recent", query="@threadpaint").json().get("data", [])]


def mention(play, words):
    play.clock.advance(1)
    return play.says("mira_paints", f"@threadpaint {words}")["id"]


def test_the_index_can_lag(play):
    spoil(play, kind="index_delay", seconds=60)
    fresh = mention(play, "a fox")
    assert (seen(play), found(play)) == ([], [])
    play.clock.advance(60)
    assert (seen(play), found(play)) == ([fresh], [fresh])


def test_a_lagging_index_hides_ones_own_posts_too(play):
    spoil(play, kind="index_delay", seconds=60, endpoint="GET /2/users/:id/tweets")
    play.client().create_tweet(text="mine")
    own = play.client().get_users_tweets(play.bot.id, user_auth=True).data
    assert "mine" not in [post.text for post in own or []]


def test_a_lost_mention_never_shows_though_search_has_it(play):
    number = spoil(play, kind="lost", rate=1)
    fresh = mention(play, "a fox")
    play.clock.advance(3600)
    assert seen(play) == []
    assert found(play) == [fresh]
    assert fault(play, number)["fired"] == 1


def test_the_same_mentions_are_lost_each_time(play):
    spoil(play, kind="lost", rate=0.5)
    everything = [mention(play, f"fox {n}") for n in range(20)]
    shown = seen(play, max_results=100)
    assert 0 < len(shown) < len(everything)
    assert shown == seen(play, max_results=100)


def test_late_mentions_appear_behind_newer_ones(play):
    spoil(play, kind="late", seconds=3600, rate=0.5)
    everything = [mention(play, f"fox {n}") for n in range(20)]
    newest = seen(play, max_results=100)[0]
    late = {post_id for post_id in set(everything) - set(seen(play, max_results=100)) if post_id < newest}
    assert late
    play.clock.advance(3600)
    assert seen(play, max_results=100) == everything[::-1]
    assert not late & set(seen(play, max_results=100, since_id=newest))


def test_duplicates_stand_on_two_pages(play):
    everything = [mention(play, f"fox {n}") for n in range(12)]
    spoil(play, kind="duplicates")
    pages = list(
        tweepy.Paginator(play.client().get_users_mentions, play.bot.id, max_results=5, user_auth=True).flatten()
    )
    ids = [str(post.id) for post in pages]
    assert sorted(set(ids)) == everything
    assert len(ids) > len(everything)


def test_a_frozen_index_shows_nothing_new_until_it_thaws(play):
    old = mention(play, "before")
    play.clock.advance(1)
    number = spoil(play, kind="freeze")
    new = mention(play, "after")
    assert (seen(play), found(play)) == ([old], [old])
    play.http.delete(f"/sandbox/faults/{number}")
    assert seen(play) == [new, old]
