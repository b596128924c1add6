"""X's limits: windows per person (or app) and endpoint, refused above, told in headers; and the day of an account."""

import pytest
import tweepy

TIMELINE = "GET /2/users/:id/mentions"
POST = "POST /2/tweets"


def limit(play, **body):
    answer = play.http.post("/sandbox/limits", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def mentions(play):
    return play.get(f"/2/users/{play.bot.id}/mentions")


def post(play, text, username="threadpaint", **more):
    return play.as_person(username).post(f"{play.url}/2/tweets", json={"text": text, **more})


def later(play, seconds):
    """The world's clock, not the client's: a signature must stay fresh."""
    play.http.post("/sandbox/clock", json={"advance": seconds}).raise_for_status()


def statuses(answers):
    return [answer.status_code for answer in answers]


def test_above_the_limit_a_call_is_refused_as_x_does_it(play):
    limit(play, endpoint=TIMELINE, calls=2, seconds=30)
    assert statuses(mentions(play) for _ in range(3)) == [200, 200, 429]
    refused = mentions(play)
    assert refused.json() == {
        "title": "Too Many Requests",
        "detail": "Too Many Requests",
        "type": "about:blank",
        "status": 429,
    }
    assert refused.headers["x-rate-limit-limit"] == "2"
    assert refused.headers["x-rate-limit-remaining"] == "0"
    assert int(refused.headers["x-rate-limit-reset"]) == play.world.clock.now_ms() // 1000 + 30


def test_tweepy_hears_when_the_window_resets(play):
    limit(play, endpoint=TIMELINE, calls=0, seconds=30)
    with pytest.raises(tweepy.TooManyRequests) as caught:
        play.client().get_users_mentions(play.bot.id)
    assert caught.value.reset_time == play.clock.now_ms() // 1000 + 30


def test_a_refused_call_does_not_count_and_the_window_begins_anew_when_it_is_over(play):
    limit(play, endpoint=TIMELINE, calls=1, seconds=30)
    assert statuses(mentions(play) for _ in range(4)) == [200, 429, 429, 429]
    later(play, 29)
    assert mentions(play).status_code == 429
    later(play, 1)
    assert statuses(mentions(play) for _ in range(2)) == [200, 429]


def test_a_window_begins_with_its_first_call(play):
    limit(play, endpoint=TIMELINE, calls=1, seconds=30)
    later(play, 29)
    assert mentions(play).status_code == 200
    later(play, 29)
    assert mentions(play).status_code == 429


def test_the_app_each_person_and_each_endpoint_has_its_own_window(play):
    limit(play, endpoint=TIMELINE, calls=1, seconds=30)
    assert statuses(mentions(play) for _ in range(2)) == [200, 429]
    assert play.client().get_users_mentions(play.bot.id, user_auth=True).errors == []
    assert play.get(f"/2/users/{play.bot.id}/tweets").status_code == 200


def test_the_limits_the_caps_and_the_rules_are_still_there_after_a_restart(begin, tmp_path):
    play = begin(data=tmp_path)
    limit(play, endpoint=TIMELINE, calls=7, seconds=30, account={"half_hour": 9}, day_headers=True)
    play.http.post("/sandbox/rules", json={"wording": "old"}).raise_for_status()
    before = [play.http.get(path).json() for path in ("/sandbox/limits", "/sandbox/rules")]
    play.world.store.close()
    again = begin(data=tmp_path)
    assert [again.http.get(path).json() for path in ("/sandbox/limits", "/sandbox/rules")] == before
    assert before[0]["limits"][TIMELINE]["app"] == {"calls": 7, "seconds": 30}


def test_who_limits_the_app_or_the_user_alone(play):
    limit(play, endpoint=TIMELINE, calls=0, seconds=30, who="user")
    assert mentions(play).status_code == 200
    with pytest.raises(tweepy.TooManyRequests):
        play.client().get_users_mentions(play.bot.id, user_auth=True)


def test_the_apps_own_limit_of_posts_counts_all_its_people(play):
    limit(play, endpoint=POST, calls=3, seconds=86_400, who="app")
    answers = [post(play, f"post {n}", name) for n, name in enumerate(("mira_paints", "oldtomcat", "anya_z", "noor_h"))]
    assert statuses(answers) == [201, 201, 201, 429]
    assert answers[-1].headers["x-rate-limit-remaining"] == "0"
    assert int(answers[-1].headers["x-rate-limit-reset"]) == pytest.approx(play.clock.now_ms() / 1000 + 86_400, abs=2)


def test_a_hundred_posts_in_a_quarter_of_an_hour_and_no_more(play):
    session = play.as_person()
    answers = [session.post(f"{play.url}/2/tweets", json={"text": f"post {n}"}) for n in range(101)]
    assert statuses(answers) == [201] * 100 + [429]
    assert answers[0].headers["x-rate-limit-limit"] == "100"
    later(play, 900)
    assert post(play, "one more").status_code == 201


def test_refusing_can_be_switched_off_and_on(play):
    limit(play, endpoint=TIMELINE, calls=0)
    limit(play, off=True)
    assert mentions(play).status_code == 200
    assert limit(play, off=False)["off"] is False
    assert mentions(play).status_code == 429


def test_a_reset_brings_back_xs_own_table_and_empty_windows(play):
    limit(play, limits=[{"endpoint": TIMELINE, "calls": 1}, {"endpoint": POST, "calls": 5, "seconds": 60}])
    mentions(play)
    told = limit(play, reset=True)
    assert told["windows"] == []
    assert told["limits"][TIMELINE]["app"] == {"calls": 450, "seconds": 900}
    assert told["limits"][POST]["user"] == {"calls": 100, "seconds": 900}
    assert told["account"] == {"posts": 50, "replies": 200, "verified": 2400, "half_hour": None, "status": 403}


@pytest.mark.parametrize(
    "endpoint, app, user",
    [
        ("GET /2/users/:id/mentions", (450, 900), (300, 900)),
        ("GET /2/tweets/search/recent", (450, 900), (300, 900)),
        ("POST /2/tweets", (10_000, 86_400), (100, 900)),
        ("DELETE /2/tweets/:id", None, (50, 900)),
        ("GET /2/tweets", (3_500, 900), (5_000, 900)),
        ("GET /2/tweets/:id", (450, 900), (900, 900)),
        ("GET /2/users/:id/tweets", (10_000, 900), (900, 900)),
        ("GET /2/users/me", None, (75, 900)),
        ("GET /2/users/:id", (300, 900), (900, 900)),
        ("GET /2/users/:id/followers", (300, 900), (300, 900)),
        ("PUT /2/tweets/:id/hidden", None, (50, 900)),
        ("POST /2/media/upload", (50_000, 86_400), (500, 900)),
        ("GET /2/media/upload", (100_000, 86_400), (1_000, 900)),
        ("POST /2/media/upload/initialize", (180_000, 86_400), (1_875, 900)),
        ("POST /2/media/metadata", (50_000, 86_400), (500, 900)),
        ("GET /2/usage/tweets", (50, 900), (50, 900)),
    ],
)
def test_the_table_of_limits_is_xs_own(play, endpoint, app, user):
    row = play.http.get("/sandbox/limits").json()["limits"][endpoint]
    assert tuple(row["user"].values())[:2] == user
    assert app is None or tuple(row["app"].values())[:2] == app


@pytest.mark.parametrize(
    "wrong, named",
    [
        ({"endpoint": "GET /2/nothing", "calls": 1}, "GET /2/nothing"),
        ({"endpoint": TIMELINE}, "calls"),
        ({"calls": 3}, "endpoint"),
        ({"endpoint": TIMELINE, "calls": -1}, "calls"),
        ({"endpoint": TIMELINE, "calls": 1, "seconds": 0}, "seconds"),
        ({"endpoint": TIMELINE, "calls": 1, "who": "me"}, "who"),
        ({"limits": [{"endpoint": TIMELINE, "calls": "many"}]}, "calls"),
        ({"limits": [{"endpoint": TIMELINE, "calls": 1}, {"endpoint": "x", "calls": 1}]}, "'x'"),
        ({"account": {"posts": None}}, "account.posts"),
        ({"account": {"status": 500}}, "status"),
        ({"speed": 3}, "speed"),
    ],
)
def test_a_wrong_limit_is_refused_by_name_and_changes_nothing(play, wrong, named):
    before = play.http.get("/sandbox/limits").json()
    answer = play.http.post("/sandbox/limits", json=wrong)
    assert answer.status_code == 422
    assert named in answer.text
    assert play.http.get("/sandbox/limits").json() == before


def test_the_windows_can_be_looked_at(play):
    mentions(play)
    (window,) = play.http.get("/sandbox/limits").json()["windows"]
    assert (window["endpoint"], window["who"], window["used"], window["left"]) == (TIMELINE, "sandbox-bearer", 1, 449)


def test_the_24_hour_headers_are_a_switch(play):
    assert not [name for name in post(play, "one").headers if "24hour" in name]
    limit(play, day_headers=True)
    headers = post(play, "two").headers
    assert headers["x-app-limit-24hour-limit"] == "10000"
    assert headers["x-app-limit-24hour-remaining"] == "9998"
    assert headers["x-user-limit-24hour-limit"] == "2400"
    # Three posts of the opening thread, and the two of this test.
    assert headers["x-user-limit-24hour-remaining"] == str(2400 - 5)
    assert int(headers["x-user-limit-24hour-reset"]) == pytest.approx(play.clock.now_ms() / 1000 + 86_400, abs=2)


# what an account may write a day

OVER = {
    "title": "Forbidden",
    "detail": "User is over daily status update limit.",
    "type": "about:blank",
    "status": 403,
}


def caps(play, **account):
    return limit(play, account=account)


def test_an_unverified_account_may_write_so_many_posts_and_so_many_replies_a_day(play):
    root = play.says("oldtomcat", "@mira_paints look")
    caps(play, posts=2, replies=1)
    assert statuses(post(play, f"post {n}", "mira_paints") for n in range(3)) == [201, 201, 403]
    reply = {"reply": {"in_reply_to_tweet_id": root["id"]}}
    answers = [post(play, f"reply {n}", "mira_paints", **reply) for n in range(2)]
    assert statuses(answers) == [201, 403]
    assert answers[1].json() == OVER


def test_a_verified_account_may_write_more_posts_and_replies_together(play):
    assert play.bot.verified
    assert play.bot.automated
    caps(play, posts=0, replies=0, verified=3 + 2)
    assert statuses(post(play, f"post {n}") for n in range(3)) == [201, 201, 403]


def test_the_day_of_an_account_rolls(play):
    caps(play, posts=2)
    post(play, "one", "mira_paints")
    later(play, 3600)
    post(play, "two", "mira_paints")
    later(play, 86_400 - 3600 - 1)
    assert post(play, "three", "mira_paints").status_code == 403
    later(play, 2)
    assert statuses(post(play, f"later {n}", "mira_paints") for n in range(2)) == [201, 403]


def test_posts_from_the_page_and_deleted_ones_count_in_the_accounts_day(play):
    caps(play, posts=2)
    play.http.delete(f"/sandbox/posts/{play.says('mira_paints', 'by hand')['id']}")
    assert statuses(post(play, f"post {n}", "mira_paints") for n in range(2)) == [201, 403]


def test_a_person_on_the_page_is_not_capped(play):
    caps(play, posts=0)
    assert play.says("mira_paints", "by hand")


def test_the_half_hour_slice_is_a_switch(play):
    caps(play, half_hour=2)
    assert statuses(post(play, f"post {n}", "mira_paints") for n in range(3)) == [201, 201, 403]
    later(play, 1801)
    assert post(play, "rested", "mira_paints").status_code == 201


def test_the_cap_may_answer_429_with_calls_left_in_the_window(play):
    caps(play, posts=0, status=429)
    answer = post(play, "one", "mira_paints")
    assert answer.status_code == 429
    assert answer.json()["detail"] == OVER["detail"]
    assert int(answer.headers["x-rate-limit-remaining"]) > 0
