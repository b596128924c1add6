"""The bill in micro-dollars: X's prices, one charge per item and day, and the control API."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
import tweepy

from sandbox.app import create_app
from sandbox.billing import PricedItem
from sandbox.clock import ManualClock
from sandbox.settings import SandboxSettings
from tests.support.sandbox_billing import charges, create_post, get_bill, get_own_mentions, set_billing
from tests.support.sandbox_world import Json, Picture, SandboxWorld, WorldServer

Read = Callable[[SandboxWorld, Json], tweepy.Response]
FULL_PRICE_READS: list[Read] = [
    lambda world, _: world.client().get_users_mentions(world.bot.id),
    lambda world, _: world.client("mira_paints").get_users_mentions(world.bot.id, user_auth=True),
    lambda world, _: world.client().search_recent_tweets("@threadpaint", user_auth=True),
    lambda world, post: world.client().get_tweet(post["id"], user_auth=True),
    lambda world, post: world.client().get_tweets([post["id"]], user_auth=True),
    lambda world, post: world.client().get_users_tweets(post["author_id"], user_auth=True),
]
READ_IDS = ["app-only token", "another user's token", "search", "one post", "several posts", "another user's posts"]


# reading


def test_own_mentions_cost_an_owned_read_per_post(world: SandboxWorld) -> None:
    for n in range(3):
        world.post("mira_paints", f"@threadpaint {n}")
    get_own_mentions(world)
    assert charges(world) == [("own_read", 3, 3_000)]


@pytest.mark.parametrize("read", FULL_PRICE_READS, ids=READ_IDS)
def test_other_reads_cost_the_full_price(world: SandboxWorld, read: Read) -> None:
    read(world, world.post("mira_paints", "@threadpaint a red sea"))
    assert charges(world) == [("post_read", 1, 5_000)]


def test_own_posts_cost_an_owned_read_each(world: SandboxWorld) -> None:
    world.client().get_users_tweets(world.bot.id, user_auth=True)
    assert charges(world) == [("own_read", 3, 3_000)]


def test_each_user_costs_a_user_read(world: SandboxWorld) -> None:
    world.client().get_me()
    assert charges(world) == [("user_read", 1, 10_000)]
    world.client().get_users(usernames=["mira_paints", "oldtomcat", "nobody"])
    assert charges(world) == [("user_read", 3, 30_000)]


def test_an_item_is_charged_once_a_day_across_endpoints(world: SandboxWorld) -> None:
    post = world.post("mira_paints", "@threadpaint a red sea")
    get_own_mentions(world)
    get_own_mentions(world)
    world.client().get_tweet(post["id"])
    world.client().search_recent_tweets("@threadpaint")
    world.client().get_me()
    world.client().get_user(username="threadpaint")
    assert charges(world) == [("own_read", 1, 1_000), ("user_read", 1, 10_000)]


def test_the_first_read_of_the_day_sets_the_price(world: SandboxWorld) -> None:
    post = world.post("mira_paints", "@threadpaint a red sea")
    world.client().get_tweet(post["id"])
    get_own_mentions(world)
    assert charges(world) == [("post_read", 1, 5_000)]


@pytest.fixture
def before_midnight(world: SandboxWorld) -> SandboxWorld:
    """A world whose clock is one minute before the end of a UTC day."""
    world.advance_clock(86_400 - world.state.clock.now_ms() // 1000 % 86_400 - 60)
    return world


def test_reads_are_charged_again_on_the_next_utc_day(before_midnight: SandboxWorld) -> None:
    world = before_midnight
    world.post("mira_paints", "@threadpaint a red sea")
    get_own_mentions(world)
    world.advance_clock(59)
    get_own_mentions(world)
    assert charges(world) == [("own_read", 1, 1_000)]
    world.advance_clock(2)
    get_own_mentions(world)
    assert charges(world) == [("own_read", 2, 2_000)]
    assert [day["own_read"]["micro"] for day in get_bill(world)["by_day"].values()] == [1_000, 1_000]


def test_errors_and_empty_polls_are_free(world: SandboxWorld) -> None:
    get_own_mentions(world)
    world.client().get_tweets([7, 8], user_auth=True)
    world.client().get_user(username="nobody")
    with pytest.raises(tweepy.BadRequest):
        get_own_mentions(world, max_results=4)
    world.http.get("/2/users/me")
    assert charges(world) == []


def test_partial_errors_beside_data_are_free(world: SandboxWorld) -> None:
    post = world.post("mira_paints", "a red sea")
    world.client().get_tweets([post["id"], 7])
    assert charges(world) == [("post_read", 1, 5_000)]


@pytest.mark.parametrize("billed", [False, True])
def test_includes_are_free_unless_bill_includes_is_set(world: SandboxWorld, billed: bool) -> None:
    set_billing(world, bill_includes=billed)
    root = world.post("oldtomcat", "a red sea")
    world.post("mira_paints", "@threadpaint paint this", in_reply_to=root["id"])
    get_own_mentions(world, expansions=["author_id", "referenced_tweets.id"])
    included = [("post_read", 1, 5_000), ("user_read", 1, 10_000)] if billed else []
    assert charges(world) == [("own_read", 1, 1_000), *included]


def test_posts_on_two_pages_are_charged_once(world: SandboxWorld) -> None:
    for n in range(8):
        world.post("mira_paints", f"@threadpaint {n}")
    newest = get_own_mentions(world, max_results=5)
    get_own_mentions(world, max_results=5, pagination_token=newest.meta["next_token"])
    get_own_mentions(world, max_results=8)
    assert charges(world) == [("own_read", 8, 8_000)]


# writing


def test_posts_self_replies_and_summoned_replies_have_their_prices(world: SandboxWorld) -> None:
    first = create_post(world, "one")
    assert charges(world) == [("post", 1, 15_000)]
    create_post(world, "two", to=first)
    assert charges(world) == [("post", 2, 30_000)]
    create_post(world, "here", to=world.post("mira_paints", "@threadpaint a red sea"))
    assert charges(world) == [("post", 2, 30_000), ("reply", 1, 10_000)]


# `.here` is a top-level domain: a missing space costs nineteen cents.
@pytest.mark.parametrize(
    "text", ["see https://example.com/x", "see example.com", "a sea.Here it is", "これはexample.jpです"]
)
def test_links_and_bare_domains_cost_the_price_of_links(world: SandboxWorld, text: str) -> None:
    own = create_post(world, text)
    create_post(world, f"{text} again", to=own)
    assert charges(world) == [("post_with_url", 2, 400_000)]


@pytest.mark.parametrize("text", ["see https://example.com/x", "see example.com"])
def test_a_link_in_a_summoned_reply_has_a_configurable_price(world: SandboxWorld, text: str) -> None:
    create_post(world, text, to=world.post("mira_paints", "@threadpaint a red sea"))
    assert charges(world) == [("summoned_link", 1, 10_000)]
    set_billing(world, prices={"summoned_link": 200_000})
    create_post(world, f"{text} again", to=world.post("mira_paints", "@threadpaint a blue sea"))
    assert charges(world) == [("summoned_link", 2, 210_000)]


@pytest.mark.parametrize("text", ["a sea.There it is", "version 2.5 of it", "mail me@example.com", "e.g. a sea", "..."])
def test_text_with_dots_but_no_domain_costs_no_more(world: SandboxWorld, text: str) -> None:
    create_post(world, text, to=world.post("mira_paints", "@threadpaint a red sea"))
    assert charges(world) == [("reply", 1, 10_000)]


def test_uploads_are_free_and_media_do_not_change_the_price(world: SandboxWorld, picture: Picture) -> None:
    world.client().create_tweet(text="a sea", media_ids=[world.upload(picture)])
    assert charges(world) == [("post", 1, 15_000)]


def test_alt_text_delete_and_hide_are_charged_per_call(world: SandboxWorld, picture: Picture) -> None:
    body = {"id": world.upload(picture), "metadata": {"alt_text": {"text": "a sea"}}}
    assert world.as_person().post(f"{world.url}/2/media/metadata", json=body).status_code == 200
    assert charges(world) == [("alt_text", 1, 5_000)]
    mine = world.post("threadpaint", "oops")["id"]
    rude = world.post("oldtomcat", "rude", in_reply_to=mine)["id"]
    world.client().hide_reply(rude)
    world.client().delete_tweet(mine)
    world.client().delete_tweet(mine)
    assert charges(world) == [("alt_text", 1, 5_000), ("delete", 2, 20_000), ("hide", 1, 5_000)]


def test_rejected_writes_are_free(world: SandboxWorld) -> None:
    with pytest.raises(tweepy.Forbidden):
        create_post(world, "here", to=world.post("mira_paints", "a red sea"))
    with pytest.raises(tweepy.BadRequest):
        world.client().create_tweet(media_ids=["1"])
    assert charges(world) == []


def test_a_post_with_a_lost_response_is_charged(world: SandboxWorld) -> None:
    fault = {"endpoint": "POST /2/tweets", "kind": "drop", "when": "after", "times": 1}
    response = world.http.post("/sandbox/faults", json=fault)
    assert response.status_code in (200, 201), response.text
    with pytest.raises(Exception, match=r"(?i)connection"):
        create_post(world, "one")
    assert charges(world) == [("post", 1, 15_000)]


# the control API


def test_prices_can_be_changed_one_by_one(world: SandboxWorld) -> None:
    result = set_billing(world, prices={"reply": 15_000})
    assert (result["prices"]["reply"], result["prices"]["post"]) == (15_000, 15_000)
    create_post(world, "here", to=world.post("mira_paints", "@threadpaint a red sea"))
    assert charges(world) == [("reply", 1, 15_000)]


@pytest.mark.parametrize(
    "wrong, named",
    [({"credits_micro": -1}, "credits_micro"), ({"prices": {"tea": 1}}, "tea"), ({"prices": {"post": -1}}, "post")],
)
def test_invalid_prices_are_named_in_the_error(world: SandboxWorld, wrong: Json, named: str) -> None:
    response = world.http.post("/sandbox/money", json=wrong)
    assert response.status_code == 422
    assert named in response.text


def test_each_row_has_time_item_and_account(world: SandboxWorld) -> None:
    post = world.post("mira_paints", "@threadpaint a red sea")
    get_own_mentions(world)
    assert "rows" not in get_bill(world)
    (row,) = get_bill(world, rows=1)["rows"]
    assert row["what"] == f"post {post['id']}"
    assert (row["item"], row["micro"], row["by"]) == ("own_read", 1_000, "threadpaint")
    assert row["endpoint"] == "GET /2/users/:id/mentions"
    assert row["at"].startswith(row["day"])


def test_the_bill_survives_a_restart(server: WorldServer, tmp_path: Path) -> None:
    clock = ManualClock(round(time.time() * 1000))
    first = create_app(SandboxSettings(data=tmp_path), clock).state
    billing = first.dispatcher.billing
    first.world.save(money={"credits_micro": 50_000})
    billing.charge([PricedItem("post_read", "post 1"), PricedItem("post", "post 2")], endpoint="x", by=None)
    first.world.store.close()
    again = create_app(SandboxSettings(data=tmp_path), clock).state
    again.dispatcher.billing.charge(
        [PricedItem("post_read", "post 1"), PricedItem("post_read", "post 3")], endpoint="x", by=None
    )
    assert again.dispatcher.billing.total_micro == 5_000 + 15_000 + 5_000
    assert again.dispatcher.billing.credits_micro == 25_000
    assert [row["id"] for row in again.world.store.charges()] == [1, 2, 3]
    again.world.store.close()


def test_usage_counts_the_posts_read_today(world: SandboxWorld) -> None:
    for n in range(2):
        world.post("mira_paints", f"@threadpaint {n}")
    get_own_mentions(world)
    world.client().get_me()
    fields = "daily_project_usage,daily_client_app_usage,project_cap,project_id,project_usage,cap_reset_day"
    data = world.get("/2/usage/tweets", days=3, **{"usage.fields": fields}).json()["data"]
    days = data["daily_project_usage"]["usage"]
    assert [day["usage"] for day in days] == [2, 0, 0]
    assert (data["project_usage"], data["project_cap"], data["project_id"]) == (2, 3_000_000, "1")
    assert data["daily_client_app_usage"][0]["usage"] == days
    assert world.get("/2/usage/tweets", days=91).status_code == 400
    assert world.get("/2/usage/tweets", **{"usage.fields": "color"}).status_code == 400
