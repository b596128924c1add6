"""What X refuses to programs: replies without a summons, duplicates, long texts, used pictures. The page is free."""

import pytest
import tweepy

NOT_VISIBLE = "You attempted to reply to a Tweet that is deleted or not visible to you."
RESTRICTED = "The original Tweet author restricted who can reply to this Tweet."
DUPLICATE = "You are not allowed to create a Tweet with duplicate content."
NEW = {
    "detail": "You can only reply to or quote posts where you are mentioned or are the author.",
    "status": 403,
    "title": "Authorization Error",
    "type": "https://api.x.com/2/problems/not-authorized-for-resource",
}
OLD = {
    "detail": "Reply to this conversation is not allowed because you have not been mentioned or otherwise engaged "
    "by the author of the post you are replying to.",
    "status": 403,
    "title": "Forbidden",
    "type": "about:blank",
}


def rules(play, **changes):
    answer = play.http.post("/sandbox/rules", json=changes)
    assert answer.status_code == 200, answer.text
    return answer.json()


def be(play, username, **state):
    answer = play.http.patch(f"/sandbox/people/{username}", json=state)
    assert answer.status_code == 200, answer.text


def reply(play, to, text="here", username="threadpaint", **more):
    return play.client(username).create_tweet(text=text, in_reply_to_tweet_id=to["id"], **more)


def refused(play, to, **more):
    with pytest.raises(tweepy.Forbidden) as caught:
        reply(play, to, **more)
    return caught.value.response.json()


# the summons


def test_a_reply_without_a_summons_is_refused(play):
    assert refused(play, play.says("mira_paints", "a red sea")) == NEW


def test_a_mention_anywhere_in_the_post_is_a_summons(play):
    assert reply(play, play.says("mira_paints", "look, @ThreadPaint, a red sea")).data["id"]
    assert reply(play, play.says("mira_paints", "word " * 100 + "@threadpaint"), text="long").data["id"]


def test_a_quote_of_ones_own_post_is_a_summons(play):
    mine = play.says("threadpaint", "a red sea")
    assert reply(play, play.says("mira_paints", "lovely", quote_of=mine["id"])).data["id"]


def test_one_may_answer_oneself(play):
    mine = play.client().create_tweet(text="one").data
    assert reply(play, mine, text="two").data["id"]


def test_the_automatic_prefix_is_a_summons_unless_mentions_must_be_explicit(play):
    mine = play.says("threadpaint", "reply with a prompt")
    direct = play.says("mira_paints", "a red sea", in_reply_to=mine["id"])
    assert direct["text"].startswith("@threadpaint ")
    assert reply(play, direct).data["id"]
    rules(play, strict_explicit=True)
    assert refused(play, direct, text="again") == NEW
    explicit = play.says("mira_paints", "@threadpaint a red sea", in_reply_to=mine["id"])
    assert reply(play, explicit, text="again").data["id"]


def test_a_long_reply_with_only_the_prefix_is_not_explicit_either(play):
    rules(play, strict_explicit=True)
    mine = play.says("threadpaint", "reply with a prompt")
    assert refused(play, play.says("mira_paints", "word " * 100, in_reply_to=mine["id"])) == NEW
    said = play.says("mira_paints", "word " * 100 + "@threadpaint", in_reply_to=mine["id"])
    assert reply(play, said).data["id"]


def test_a_mention_of_somebody_else_is_no_summons(play):
    assert refused(play, play.says("mira_paints", "@oldtomcat a red sea")) == NEW


def test_a_mention_further_up_the_thread_summons_below_by_the_prefix_only(play):
    root = play.says("mira_paints", "@threadpaint a red sea")
    below = play.says("mira_paints", "a green one, I mean", in_reply_to=root["id"])
    assert reply(play, below).data["id"]
    rules(play, strict_explicit=True)
    assert refused(play, below, text="again") == NEW


def test_the_refusal_has_the_old_wording_on_demand(play):
    rules(play, wording="old")
    assert refused(play, play.says("mira_paints", "a red sea")) == OLD


def test_the_summon_rule_can_be_switched_off(play):
    rules(play, summon="off")
    assert reply(play, play.says("mira_paints", "a red sea")).data["id"]


def test_a_quote_of_somebody_who_did_not_mention_us_is_refused(play):
    post = play.says("mira_paints", "a red sea")
    with pytest.raises(tweepy.Forbidden) as caught:
        play.client().create_tweet(text="look", quote_tweet_id=post["id"])
    assert caught.value.response.json() == NEW
    summons = play.says("mira_paints", "@threadpaint a red sea")
    assert play.client().create_tweet(text="look", quote_tweet_id=summons["id"]).data["id"]


def test_people_on_the_page_answer_whom_they_like(play):
    root = play.says("mira_paints", "a red sea")
    assert play.says("oldtomcat", "nice", in_reply_to=root["id"])
    assert play.says("oldtomcat", "nice", in_reply_to=root["id"])


def test_the_rules_can_be_looked_at_and_changed_one_by_one(play):
    before = {"summon": "on", "wording": "new", "strict_explicit": False, "duplicate_seconds": 86_400}
    assert play.http.get("/sandbox/rules").json() == before
    assert rules(play, wording="old") == before | {"wording": "old"}
    assert play.http.get("/sandbox/rules").json()["wording"] == "old"


@pytest.mark.parametrize("wrong", [{"summon": "maybe"}, {"wording": 3}, {"duplicate_seconds": -1}, {"manners": "good"}])
def test_a_wrong_rule_is_refused_by_name(play, wrong):
    answer = play.http.post("/sandbox/rules", json=wrong)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["where"][-1] == next(iter(wrong))


# who may reply


def settled(play, settings, text="a red sea", author="mira_paints"):
    body = {"text": text} | ({} if settings == "everyone" else {"reply_settings": settings})
    answer = play.as_person(author).post(f"{play.url}/2/tweets", json=body)
    return answer.json()["data"]


@pytest.mark.parametrize("settings", ["mentionedUsers", "following", "subscribers", "verified"])
def test_reply_settings_keep_others_out(play, settings):
    rules(play, summon="off")
    be(play, "threadpaint", verified=False)
    assert refused(play, settled(play, settings))["detail"] == RESTRICTED


@pytest.mark.parametrize("settings", ["everyone", "mentionedUsers", "following", "subscribers", "verified"])
def test_whom_a_post_mentions_may_always_answer(play, settings):
    be(play, "threadpaint", verified=False)
    assert reply(play, settled(play, settings, "@threadpaint a red sea")).data["id"]


def test_following_lets_in_whom_the_author_follows(play):
    rules(play, summon="off")
    be(play, "mira_paints", follows=["threadpaint"])
    assert reply(play, settled(play, "following")).data["id"]


def test_verified_lets_in_the_verified(play):
    rules(play, summon="off")
    assert reply(play, settled(play, "verified")).data["id"]


def test_the_setting_of_the_first_post_holds_for_the_whole_conversation(play):
    root = settled(play, "mentionedUsers")
    below = play.says("mira_paints", "@threadpaint paint this", in_reply_to=root["id"])
    assert refused(play, below)["detail"] == RESTRICTED


# out of sight


@pytest.mark.parametrize("state", [{"suspended": True}, {"protected": True}, {"blocks": ["threadpaint"]}])
def test_a_reply_to_whom_one_can_not_see_is_refused_as_not_visible(play, state):
    post = play.says("mira_paints", "@threadpaint a red sea")
    be(play, "mira_paints", **state)
    assert refused(play, post)["detail"] == NOT_VISIBLE


def test_a_reply_to_a_protected_author_one_follows_is_taken(play):
    post = play.says("mira_paints", "@threadpaint a red sea")
    be(play, "mira_paints", protected=True)
    be(play, "threadpaint", follows=["mira_paints"])
    assert reply(play, post).data["id"]


def test_a_suspended_account_can_do_nothing(play):
    be(play, "threadpaint", suspended=True)
    with pytest.raises(tweepy.Forbidden) as caught:
        play.client().create_tweet(text="hello")
    assert "suspended" in caught.value.response.json()["type"]
    with pytest.raises(tweepy.Forbidden):
        play.client().get_me()


# words


def test_the_same_words_again_are_refused_for_a_day(play):
    play.client().create_tweet(text="hello")
    with pytest.raises(tweepy.Forbidden) as caught:
        play.client().create_tweet(text=" hello ")
    assert caught.value.response.json() == {
        "detail": DUPLICATE,
        "type": "about:blank",
        "title": "Forbidden",
        "status": 403,
    }
    play.http.post("/sandbox/clock", json={"advance": 86_400}).raise_for_status()
    play.http.post("/sandbox/clock", json={"advance": 1}).raise_for_status()
    assert play.client().create_tweet(text="hello").data["id"]


def test_a_picture_does_not_make_the_same_words_new(play, picture):
    play.client().create_tweet(text="hello")
    with pytest.raises(tweepy.Forbidden):
        play.client().create_tweet(text="hello", media_ids=[uploaded(play, picture)])


def test_pictures_without_words_are_no_duplicates(play, picture):
    for _ in range(2):
        assert play.client().create_tweet(media_ids=[uploaded(play, picture)]).data["id"]


def test_somebody_else_may_say_the_same(play):
    play.client().create_tweet(text="hello")
    assert play.client("mira_paints").create_tweet(text="hello").data["id"]


def test_a_retry_after_a_post_that_landed_is_a_duplicate_until_that_is_deleted(play):
    post = play.says("mira_paints", "@threadpaint a red sea")
    landed = reply(play, post).data["id"]
    assert refused(play, post)["detail"] == DUPLICATE
    play.client().delete_tweet(landed)
    assert reply(play, post).data["id"]


def test_the_duplicate_window_is_configurable(play):
    rules(play, duplicate_seconds=0)
    assert [play.client().create_tweet(text="hello").data["id"] for _ in range(2)]


def test_280_is_the_weighted_length_of_the_unverified(play):
    mira = play.client("mira_paints")
    assert mira.create_tweet(text="海" * 140).data["id"]
    with pytest.raises(tweepy.Forbidden):
        mira.create_tweet(text="海" * 140 + "!")
    assert mira.create_tweet(text="https://example.com/" + "x" * 300 + " " + "y" * 256).data["id"]


def test_the_automatic_prefix_is_free(play):
    root = play.says("oldtomcat", "@mira_paints @anya_z @noor_h look")
    answer = reply(play, root, text="x" * 280, username="mira_paints")
    assert answer.data["text"].startswith("@oldtomcat @anya_z @noor_h xxx")


def test_the_verified_may_write_25000(play):
    assert play.client().create_tweet(text="y" * 25_000).data["id"]
    with pytest.raises(tweepy.Forbidden):
        play.client().create_tweet(text="z" * 25_001)


def test_a_second_cashtag_is_refused(play):
    assert play.client().create_tweet(text="$SEA is red").data["id"]
    with pytest.raises(tweepy.Forbidden):
        play.client().create_tweet(text="$SEA and $SKY are red")


# pictures


def uploaded(play, picture, username="threadpaint"):
    answer = play.as_person(username).post(
        f"{play.url}/2/media/upload", data={"media_category": "tweet_image"}, files={"media": picture.data}
    )
    return answer.json()["data"]["id"]


def bad_media(play, ids):
    with pytest.raises(tweepy.BadRequest) as caught:
        play.client().create_tweet(text=f"pictures {ids}", media_ids=ids)
    assert caught.value.response.json()["errors"][0]["message"] == "Your media IDs are invalid."


def test_a_picture_hangs_in_one_post_only(play, picture):
    media = uploaded(play, picture)
    play.client().create_tweet(text="one", media_ids=[media])
    bad_media(play, [media])


def test_somebody_elses_picture_and_none_at_all_are_refused(play, picture):
    bad_media(play, [uploaded(play, picture, "mira_paints")])
    bad_media(play, ["123"])


def test_the_same_picture_twice_in_a_post_is_refused(play, picture):
    media = uploaded(play, picture)
    bad_media(play, [media, media])


def test_a_stale_picture_is_refused(play, picture):
    media = uploaded(play, picture)
    play.http.post("/sandbox/clock", json={"advance": 86_401}).raise_for_status()
    bad_media(play, [media])


def test_a_gif_hangs_alone(play, picture):
    gif = play.world.add_picture(play.bot, b"GIF89a\x02\x00\x02\x00\x80\x00\x00" + b"\0" * 20)
    bad_media(play, [str(gif.id), uploaded(play, picture)])
    assert play.client().create_tweet(text="alone", media_ids=[gif.id]).data["id"]
