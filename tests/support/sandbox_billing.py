"""Read and change the bill of a sandbox world."""

from typing import Any

import tweepy

from tests.support.sandbox_world import Json, SandboxWorld


def get_bill(world: SandboxWorld, **params: int) -> Json:
    return dict(world.http.get("/sandbox/money", params=params).json())


def set_billing(world: SandboxWorld, **changes: Any) -> Json:
    response = world.http.post("/sandbox/money", json=changes)
    assert response.status_code == 200, response.text
    return dict(response.json())


def charges(world: SandboxWorld) -> list[tuple[str, int, int]]:
    """Return (item, count, micro) of all charges. Check the sums of the bill and of the state."""
    bill = get_bill(world)
    assert bill["total_micro"] == sum(line["micro"] for line in bill["by_item"].values())
    assert world.stats()["bill_micro"] == bill["total_micro"]
    return sorted((item, line["count"], line["micro"]) for item, line in bill["by_item"].items())


def get_own_mentions(world: SandboxWorld, **params: Any) -> tweepy.Response:
    return world.client().get_users_mentions(world.bot.id, user_auth=True, **params)


def create_post(world: SandboxWorld, text: str, to: Json | None = None) -> Json:
    return dict(world.client().create_tweet(text=text, in_reply_to_tweet_id=to["id"] if to else None).data)
