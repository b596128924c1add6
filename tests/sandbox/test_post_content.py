"""X's rules for texts and pictures of API clients: duplicates, lengths, cashtags, media ids."""

import pytest
import tweepy

from tests.support.sandbox_world import Picture, SandboxWorld

DUPLICATE = "You are not allowed to create a Tweet with duplicate content."


def test_a_duplicate_text_is_rejected_for_a_day(world: SandboxWorld) -> None:
    world.client().create_tweet(text="hello")
    with pytest.raises(tweepy.Forbidden) as caught:
        world.client().create_tweet(text=" hello ")
    assert caught.value.response.json() == {
        "detail": DUPLICATE,
        "type": "about:blank",
        "title": "Forbidden",
        "status": 403,
    }
    world.advance_clock(86_400 + 1)
    assert world.client().create_tweet(text="hello").data["id"]


def test_a_duplicate_text_with_a_picture_is_rejected(world: SandboxWorld, picture: Picture) -> None:
    world.client().create_tweet(text="hello")
    with pytest.raises(tweepy.Forbidden):
        world.client().create_tweet(text="hello", media_ids=[world.upload(picture)])


def test_pictures_without_text_are_no_duplicates(world: SandboxWorld, picture: Picture) -> None:
    for _ in range(2):
        assert world.client().create_tweet(media_ids=[world.upload(picture)]).data["id"]


def test_another_user_may_post_the_same_text(world: SandboxWorld) -> None:
    world.client().create_tweet(text="hello")
    assert world.client("mira_paints").create_tweet(text="hello").data["id"]


def test_a_repeated_reply_is_a_duplicate_until_the_first_is_deleted(world: SandboxWorld) -> None:
    post = world.post("mira_paints", "@threadpaint a red sea")
    first = world.reply(post).data["id"]
    with pytest.raises(tweepy.Forbidden, match=DUPLICATE):
        world.reply(post)
    world.client().delete_tweet(first)
    assert world.reply(post).data["id"]


def test_the_duplicate_window_is_configurable(world: SandboxWorld) -> None:
    world.set_rules(duplicate_seconds=0)
    assert [world.client().create_tweet(text="hello").data["id"] for _ in range(2)]


def test_unverified_users_may_write_a_weighted_length_of_280(world: SandboxWorld) -> None:
    mira = world.client("mira_paints")
    assert mira.create_tweet(text="海" * 140).data["id"]
    with pytest.raises(tweepy.Forbidden):
        mira.create_tweet(text="海" * 140 + "!")
    assert mira.create_tweet(text="https://example.com/" + "x" * 300 + " " + "y" * 256).data["id"]


def test_added_handles_do_not_count_towards_the_length(world: SandboxWorld) -> None:
    root = world.post("oldtomcat", "@mira_paints @anya_z @noor_h look")
    response = world.reply(root, text="x" * 280, username="mira_paints")
    assert response.data["text"].startswith("@oldtomcat @anya_z @noor_h xxx")


def test_verified_users_may_write_25000_characters(world: SandboxWorld) -> None:
    assert world.client().create_tweet(text="y" * 25_000).data["id"]
    with pytest.raises(tweepy.Forbidden):
        world.client().create_tweet(text="z" * 25_001)


def test_a_second_cashtag_is_rejected(world: SandboxWorld) -> None:
    assert world.client().create_tweet(text="$SEA is red").data["id"]
    with pytest.raises(tweepy.Forbidden):
        world.client().create_tweet(text="$SEA and $SKY are red")


# pictures


def assert_rejected(world: SandboxWorld, ids: list[str]) -> None:
    with pytest.raises(tweepy.BadRequest) as caught:
        world.client().create_tweet(text=f"pictures {ids}", media_ids=ids)
    assert caught.value.response.json()["errors"][0]["message"] == "Your media IDs are invalid."


def test_a_picture_can_be_posted_once(world: SandboxWorld, picture: Picture) -> None:
    media = world.upload(picture)
    world.client().create_tweet(text="one", media_ids=[media])
    assert_rejected(world, [media])


def test_pictures_of_others_and_unknown_ids_are_rejected(world: SandboxWorld, picture: Picture) -> None:
    assert_rejected(world, [world.upload(picture, "mira_paints")])
    assert_rejected(world, ["123"])


def test_the_same_picture_twice_in_a_post_is_rejected(world: SandboxWorld, picture: Picture) -> None:
    media = world.upload(picture)
    assert_rejected(world, [media, media])


def test_a_day_old_picture_is_rejected(world: SandboxWorld, picture: Picture) -> None:
    media = world.upload(picture)
    world.advance_clock(86_401)
    assert_rejected(world, [media])


def test_a_gif_is_posted_alone(world: SandboxWorld, picture: Picture) -> None:
    gif = world.state.add_media(world.bot, b"GIF89a\x02\x00\x02\x00\x80\x00\x00" + b"\0" * 20)
    assert_rejected(world, [str(gif.id), world.upload(picture)])
    assert world.client().create_tweet(text="alone", media_ids=[gif.id]).data["id"]
