"""The bill: what X charges for, once a day for the same thing, and how it stops serving. All in micro-dollars."""

import time

import pytest
import tweepy

from sandbox.app import create_app
from sandbox.clock import HandClock
from sandbox.money import Item
from sandbox.settings import Settings

DEPLETED = (402, "CreditsDepleted")


def bill(play, **params):
    return play.http.get("/sandbox/money", params=params).json()


def terms(play, **changes):
    answer = play.http.post("/sandbox/money", json=changes)
    assert answer.status_code == 200, answer.text
    return answer.json()


def spent(play):
    """(item, count, micro) since the beginning; nothing else may have been charged."""
    told = bill(play)
    assert told["total_micro"] == sum(line["micro"] for line in told["by_item"].values())
    assert play.answers()["bill_micro"] == told["total_micro"]
    return sorted((item, line["count"], line["micro"]) for item, line in told["by_item"].items())


def own_mentions(play, **more):
    return play.client().get_users_mentions(play.bot.id, user_auth=True, **more)


# reading


def test_reading_ones_own_mentions_is_cheap_and_each_post_counts(play):
    for n in range(3):
        play.says("mira_paints", f"@threadpaint {n}")
    own_mentions(play)
    assert spent(play) == [("own_read", 3, 3_000)]


@pytest.mark.parametrize(
    "read",
    [
        lambda play, _: play.client().get_users_mentions(play.bot.id),
        lambda play, _: play.client("mira_paints").get_users_mentions(play.bot.id, user_auth=True),
        lambda play, _: play.client().search_recent_tweets("@threadpaint", user_auth=True),
        lambda play, post: play.client().get_tweet(post["id"], user_auth=True),
        lambda play, post: play.client().get_tweets([post["id"]], user_auth=True),
        lambda play, post: play.client().get_users_tweets(post["author_id"], user_auth=True),
    ],
    ids=["the app's token", "somebody else's token", "search", "one", "by ids", "somebody else's posts"],
)
def test_other_reads_cost_the_full_price(play, read):
    read(play, play.says("mira_paints", "@threadpaint a red sea"))
    assert spent(play) == [("post_read", 1, 5_000)]


def test_ones_own_posts_are_owned_reads(play):
    play.client().get_users_tweets(play.bot.id, user_auth=True)
    assert spent(play) == [("own_read", 3, 3_000)]


def test_people_cost_a_user_read_each_oneself_included(play):
    play.client().get_me()
    assert spent(play) == [("user_read", 1, 10_000)]
    play.client().get_users(usernames=["mira_paints", "oldtomcat", "nobody"])
    assert spent(play) == [("user_read", 3, 30_000)]


def test_the_same_thing_is_charged_once_a_day_whatever_was_called(play):
    post = play.says("mira_paints", "@threadpaint a red sea")
    own_mentions(play)
    own_mentions(play)
    play.client().get_tweet(post["id"])
    play.client().search_recent_tweets("@threadpaint")
    play.client().get_me()
    play.client().get_user(username="threadpaint")
    assert spent(play) == [("own_read", 1, 1_000), ("user_read", 1, 10_000)]


def test_the_first_read_of_the_day_sets_the_price(play):
    post = play.says("mira_paints", "@threadpaint a red sea")
    play.client().get_tweet(post["id"])
    own_mentions(play)
    assert spent(play) == [("post_read", 1, 5_000)]


@pytest.fixture
def before_midnight(begin, monkeypatch):
    play = begin()
    now = play.world.clock.now_ms() // 1000
    play.http.post("/sandbox/clock", json={"advance": 86_400 - now % 86_400 - 60}).raise_for_status()
    return play


def test_a_new_utc_day_of_the_world_charges_again(before_midnight):
    play = before_midnight
    play.says("mira_paints", "@threadpaint a red sea")
    own_mentions(play)
    play.http.post("/sandbox/clock", json={"advance": 59}).raise_for_status()
    own_mentions(play)
    assert spent(play) == [("own_read", 1, 1_000)]
    play.http.post("/sandbox/clock", json={"advance": 2}).raise_for_status()
    own_mentions(play)
    assert spent(play) == [("own_read", 2, 2_000)]
    assert [day["own_read"]["micro"] for day in bill(play)["by_day"].values()] == [1_000, 1_000]


def test_errors_and_empty_polls_are_free(play):
    own_mentions(play)
    play.client().get_tweets([7, 8], user_auth=True)
    play.client().get_user(username="nobody")
    with pytest.raises(tweepy.BadRequest):
        own_mentions(play, max_results=4)
    play.http.get("/2/users/me")
    assert spent(play) == []


def test_partial_errors_beside_data_are_free(play):
    post = play.says("mira_paints", "a red sea")
    play.client().get_tweets([post["id"], 7])
    assert spent(play) == [("post_read", 1, 5_000)]


@pytest.mark.parametrize("billed", [False, True])
def test_includes_are_billed_only_when_switched_on(play, billed):
    terms(play, bill_includes=billed)
    root = play.says("oldtomcat", "a red sea")
    play.says("mira_paints", "@threadpaint paint this", in_reply_to=root["id"])
    own_mentions(play, expansions=["author_id", "referenced_tweets.id"])
    included = [("post_read", 1, 5_000), ("user_read", 1, 10_000)] if billed else []
    assert spent(play) == [("own_read", 1, 1_000), *included]


def test_a_page_that_repeats_posts_charges_them_once(play):
    for n in range(8):
        play.says("mira_paints", f"@threadpaint {n}")
    newest = own_mentions(play, max_results=5)
    own_mentions(play, max_results=5, pagination_token=newest.meta["next_token"])
    own_mentions(play, max_results=8)
    assert spent(play) == [("own_read", 8, 8_000)]


# writing


def posted(play, text, to=None):
    return play.client().create_tweet(text=text, in_reply_to_tweet_id=to["id"] if to else None).data


def test_a_post_a_reply_to_oneself_and_a_summoned_reply(play):
    first = posted(play, "one")
    assert spent(play) == [("post", 1, 15_000)]
    posted(play, "two", to=first)
    assert spent(play) == [("post", 2, 30_000)]
    posted(play, "here", to=play.says("mira_paints", "@threadpaint a red sea"))
    assert spent(play) == [("post", 2, 30_000), ("reply", 1, 10_000)]


# `.here` is an ending of domains: a forgotten space costs nineteen cents.
@pytest.mark.parametrize(
    "text", ["see https://example.com/x", "see example.com", "a sea.Here it is", "これはexample.jpです"]
)
def test_a_link_makes_an_own_post_dear_a_bare_domain_included(play, text):
    own = posted(play, text)
    posted(play, f"{text} again", to=own)
    assert spent(play) == [("post_with_url", 2, 400_000)]


@pytest.mark.parametrize("text", ["see https://example.com/x", "see example.com"])
def test_a_link_in_a_summoned_reply_costs_what_xs_pages_say_or_what_the_control_says(play, text):
    posted(play, text, to=play.says("mira_paints", "@threadpaint a red sea"))
    assert spent(play) == [("summoned_link", 1, 10_000)]
    terms(play, prices={"summoned_link": 200_000})
    posted(play, f"{text} again", to=play.says("mira_paints", "@threadpaint a blue sea"))
    assert spent(play) == [("summoned_link", 2, 210_000)]


@pytest.mark.parametrize("text", ["a sea.There it is", "version 2.5 of it", "mail me@example.com", "e.g. a sea", "..."])
def test_words_with_dots_that_are_no_domain_cost_no_more(play, text):
    posted(play, text, to=play.says("mira_paints", "@threadpaint a red sea"))
    assert spent(play) == [("reply", 1, 10_000)]


def test_a_picture_does_not_make_a_post_dear_and_its_upload_is_free(play, picture):
    media = upload(play, picture)
    play.client().create_tweet(text="a sea", media_ids=[media])
    assert spent(play) == [("post", 1, 15_000)]


def upload(play, picture):
    answer = play.as_person().post(
        f"{play.url}/2/media/upload", data={"media_category": "tweet_image"}, files={"media": picture.data}
    )
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]["id"]


def test_alt_text_delete_and_hide_are_charged_each_time(play, picture):
    body = {"id": upload(play, picture), "metadata": {"alt_text": {"text": "a sea"}}}
    assert play.as_person().post(f"{play.url}/2/media/metadata", json=body).status_code == 200
    assert spent(play) == [("alt_text", 1, 5_000)]
    mine = play.says("threadpaint", "oops")["id"]
    rude = play.says("oldtomcat", "rude", in_reply_to=mine)["id"]
    play.client().hide_reply(rude)
    play.client().delete_tweet(mine)
    play.client().delete_tweet(mine)
    assert spent(play) == [("alt_text", 1, 5_000), ("delete", 2, 20_000), ("hide", 1, 5_000)]


def test_refused_writes_are_free(play):
    with pytest.raises(tweepy.Forbidden):
        posted(play, "here", to=play.says("mira_paints", "a red sea"))
    with pytest.raises(tweepy.BadRequest):
        play.client().create_tweet(media_ids=["1"])
    assert spent(play) == []


def test_a_post_whose_answer_was_lost_on_the_way_is_charged(play):
    fault = {"endpoint": "POST /2/tweets", "kind": "drop", "when": "after", "times": 1}
    answer = play.http.post("/sandbox/faults", json=fault)
    assert answer.status_code in (200, 201), answer.text
    with pytest.raises(Exception, match=r"(?i)connection"):
        posted(play, "one")
    assert spent(play) == [("post", 1, 15_000)]


# credits and caps


def refusal(call):
    with pytest.raises(tweepy.HTTPException) as caught:
        call()
    return caught.value.response


def test_without_credits_every_call_that_costs_is_refused(play, picture):
    media = upload(play, picture)
    post = play.says("mira_paints", "@threadpaint a red sea")
    terms(play, credits_micro=0)
    client = play.client()
    calls = [
        lambda: own_mentions(play),
        lambda: client.search_recent_tweets("sea"),
        client.get_me,
        lambda: client.get_tweet(post["id"]),
        lambda: client.create_tweet(text="one"),
        lambda: client.delete_tweet(post["id"]),
        lambda: client.hide_reply(post["id"]),
    ]
    for call in calls:
        answer = refusal(call)
        assert (answer.status_code, answer.json()["title"]) == DEPLETED
    described = play.as_person().post(f"{play.url}/2/media/metadata", json={"id": media})
    assert described.status_code == 402
    assert set(described.json()) == {"title", "detail", "type"}
    assert described.json()["type"].endswith("/problems/credits")
    assert len(described.content) == 185
    assert spent(play) == []


def test_credits_run_out_and_can_be_bought(play):
    assert bill(play)["credits_micro"] is None
    assert terms(play, credits_micro=16_000)["credits_micro"] == 16_000
    posted(play, "one")
    assert bill(play)["credits_micro"] == 1_000
    posted(play, "two")
    assert bill(play)["credits_micro"] == -14_000
    assert refusal(lambda: posted(play, "three")).status_code == 402
    terms(play, credits_micro=1)
    assert posted(play, "three")
    assert terms(play, credits_micro=None)["credits_micro"] is None


def test_the_spending_limit_stops_like_empty_credits(play):
    terms(play, spending_limit_micro=20_000)
    posted(play, "one")
    posted(play, "two")
    assert refusal(lambda: posted(play, "three")).json()["title"] == "CreditsDepleted"
    play.http.post("/sandbox/clock", json={"advance": 32 * 86_400}).raise_for_status()
    assert posted(play, "three")


def test_the_monthly_cap_of_post_reads_is_a_429_with_calls_left_in_the_window(play):
    terms(play, monthly_post_reads=2)
    for n in range(2):
        play.says("mira_paints", f"@threadpaint {n}")
    own_mentions(play)
    answer = refusal(lambda: own_mentions(play))
    assert answer.status_code == 429
    assert answer.json()["title"] == "UsageCapExceeded"
    assert int(answer.headers["x-rate-limit-remaining"]) > 0
    assert play.client().get_me().data
    assert posted(play, "writing goes on")
    play.http.post("/sandbox/clock", json={"advance": 32 * 86_400}).raise_for_status()
    assert own_mentions(play).data


def test_prices_can_be_changed_one_by_one(play):
    told = terms(play, prices={"reply": 15_000})
    assert (told["prices"]["reply"], told["prices"]["post"]) == (15_000, 15_000)
    posted(play, "here", to=play.says("mira_paints", "@threadpaint a red sea"))
    assert spent(play) == [("reply", 1, 15_000)]


@pytest.mark.parametrize(
    "wrong, named",
    [({"credits_micro": -1}, "credits_micro"), ({"prices": {"tea": 1}}, "tea"), ({"prices": {"post": -1}}, "post")],
)
def test_wrong_terms_are_refused_by_name(play, wrong, named):
    answer = play.http.post("/sandbox/money", json=wrong)
    assert answer.status_code == 422
    assert named in answer.text


def test_the_rows_say_when_what_and_by_whom(play):
    post = play.says("mira_paints", "@threadpaint a red sea")
    own_mentions(play)
    assert "rows" not in bill(play)
    (row,) = bill(play, rows=1)["rows"]
    assert row["what"] == f"post {post['id']}"
    assert (row["item"], row["micro"], row["by"]) == ("own_read", 1_000, "threadpaint")
    assert row["endpoint"] == "GET /2/users/:id/mentions"
    assert row["at"].startswith(row["day"])


def test_the_bill_survives_a_restart_and_still_charges_once_a_day(stage, tmp_path):
    clock = HandClock(round(time.time() * 1000))
    world = create_app(Settings(data=tmp_path), clock).state
    till = world.gate.till
    world.world.save(money={"credits_micro": 50_000})
    till.charge([Item("post_read", "post 1"), Item("post", "post 2")], endpoint="x", by=None)
    world.world.store.close()
    again = create_app(Settings(data=tmp_path), clock).state
    again.gate.till.charge([Item("post_read", "post 1"), Item("post_read", "post 3")], endpoint="x", by=None)
    assert again.gate.till.total_micro == 5_000 + 15_000 + 5_000
    assert again.gate.till.credits_micro == 25_000
    assert [row["id"] for row in again.world.store.charges()] == [1, 2, 3]
    again.world.store.close()


def test_the_usage_tells_the_posts_read_today(play):
    for n in range(2):
        play.says("mira_paints", f"@threadpaint {n}")
    own_mentions(play)
    play.client().get_me()
    fields = "daily_project_usage,daily_client_app_usage,project_cap,project_id,project_usage,cap_reset_day"
    data = play.get("/2/usage/tweets", days=3, **{"usage.fields": fields}).json()["data"]
    days = data["daily_project_usage"]["usage"]
    assert [day["usage"] for day in days] == [2, 0, 0]
    assert (data["project_usage"], data["project_cap"], data["project_id"]) == (2, 3_000_000, "1")
    assert data["daily_client_app_usage"][0]["usage"] == days
    assert play.get("/2/usage/tweets", days=91).status_code == 400
    assert play.get("/2/usage/tweets", **{"usage.fields": "colour"}).status_code == 400
