"""Injected faults of timelines and search: late, lost and repeated posts."""

from typing import Any

import tweepy

from tests.support.sandbox_world import SandboxWorld


def mention_ids(world: SandboxWorld, **params: Any) -> list[str]:
    body = world.get(f"/2/users/{world.bot.id}/mentions", **params).json()
    return [post["id"] for post in body.get("data", [])]


def search_ids(world: SandboxWorld) -> list[str]:
    return [post["id"] for post in world.get("/2/tweets/search/recent", query="@threadpaint").json().get("data", [])]


def post_mention(world: SandboxWorld, text: str) -> str:
    """Post a mention one second after the last. Return its id."""
    world.clock.advance(1)
    return str(world.post("mira_paints", f"@threadpaint {text}")["id"])


def test_index_delay_hides_new_posts(world: SandboxWorld) -> None:
    world.add_fault(kind="index_delay", seconds=60)
    fresh = post_mention(world, "a fox")
    assert (mention_ids(world), search_ids(world)) == ([], [])
    world.clock.advance(60)
    assert (mention_ids(world), search_ids(world)) == ([fresh], [fresh])


def test_index_delay_hides_own_posts_too(world: SandboxWorld) -> None:
    world.add_fault(kind="index_delay", seconds=60, endpoint="GET /2/users/:id/tweets")
    world.client().create_tweet(text="mine")
    own = world.client().get_users_tweets(world.bot.id, user_auth=True).data
    assert "mine" not in [post.text for post in own or []]


def test_a_lost_mention_is_found_by_search_only(world: SandboxWorld) -> None:
    number = world.add_fault(kind="lost", rate=1)
    fresh = post_mention(world, "a fox")
    world.clock.advance(3600)
    assert mention_ids(world) == []
    assert search_ids(world) == [fresh]
    assert world.get_fault(number)["fired"] == 1


def test_the_same_mentions_are_lost_each_time(world: SandboxWorld) -> None:
    world.add_fault(kind="lost", rate=0.5)
    ids = [post_mention(world, f"fox {n}") for n in range(20)]
    shown = mention_ids(world, max_results=100)
    assert 0 < len(shown) < len(ids)
    assert shown == mention_ids(world, max_results=100)


def test_late_mentions_appear_below_newer_ones(world: SandboxWorld) -> None:
    world.add_fault(kind="late", seconds=3600, rate=0.5)
    ids = [post_mention(world, f"fox {n}") for n in range(20)]
    newest = mention_ids(world, max_results=100)[0]
    late = {post_id for post_id in set(ids) - set(mention_ids(world, max_results=100)) if post_id < newest}
    assert late
    world.clock.advance(3600)
    assert mention_ids(world, max_results=100) == ids[::-1]
    assert not late & set(mention_ids(world, max_results=100, since_id=newest))


def test_duplicates_appear_on_two_pages(world: SandboxWorld) -> None:
    ids = [post_mention(world, f"fox {n}") for n in range(12)]
    world.add_fault(kind="duplicates")
    pages = tweepy.Paginator(world.client().get_users_mentions, world.bot.id, max_results=5, user_auth=True)
    read = [str(post.id) for post in pages.flatten()]
    assert sorted(set(read)) == ids
    assert len(read) > len(ids)


def test_a_frozen_index_hides_new_posts_until_the_fault_is_deleted(world: SandboxWorld) -> None:
    old = post_mention(world, "before")
    world.clock.advance(1)
    number = world.add_fault(kind="freeze")
    new = post_mention(world, "after")
    assert (mention_ids(world), search_ids(world)) == ([old], [old])
    world.http.delete(f"/sandbox/faults/{number}")
    assert mention_ids(world) == [new, old]
