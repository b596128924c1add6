"""Parsing of posts and users with old field names, new ones and both."""

from datetime import UTC, datetime
from typing import Any

import pytest

from core.x.posts import parse_posts
from core.x.types import Author, Media, Post, TextSpan
from core.x.users import parse_account, parse_users
from tests.support.x_responses import ADA, ID, answer, raw_post, renamed

PARENT, QUOTED = ID - 2, ID - 1


def parse_one(body: dict[str, Any]) -> Post:
    """Return the only post of a response. It must be the same with old and new field names."""
    [post] = parse_posts(body, strict=True)
    assert [post] == parse_posts(renamed(body), strict=True)
    return post


def test_a_minimal_post_is_parsed() -> None:
    [post] = parse_posts({"data": [{"id": str(ID), "text": "a fox"}]})
    assert post == Post(ID, ID, Author(0, "", ""), "a fox", post.created_at)


def test_a_post_without_author_is_rejected_if_strict() -> None:
    with pytest.raises(ValueError, match="no author"):
        parse_posts({"data": [{"id": str(ID), "text": "a fox"}]}, strict=True)


def test_a_missing_author_has_an_id_only() -> None:
    assert parse_one({"data": [raw_post()]}).author == Author(7, "", "")


def test_all_fields_of_an_author_are_parsed() -> None:
    ada = ADA | {
        "protected": True,
        "verified": True,
        "created_at": "2013-12-14T04:35:55.000Z",
        "connection_status": ["following", "followed_by"],
        "description": "paints\0",
    }
    author = parse_one(answer(raw_post(), users=[ada])).author
    assert author == Author(
        7,
        "ada",
        "Ada",
        protected=True,
        verified=True,
        created_at=datetime(2013, 12, 14, 4, 35, 55, tzinfo=UTC),
        follows_us=True,
        description="paints\ufffd",
    )


@pytest.mark.parametrize(
    ("status", "follows"), [([], False), (["following"], False), (None, None), ("followed_by", None)]
)
def test_follows_us_is_none_if_x_omits_it(status: Any, follows: bool | None) -> None:
    [person] = parse_users({"data": [ADA | {"connection_status": status}]})
    assert person.follows_us is follows


@pytest.mark.parametrize("moment", ["yesterday", 5, "2013-12-14T04:35:55", {}])
def test_a_user_with_an_invalid_creation_time_is_parsed(moment: Any) -> None:
    [person] = parse_users({"data": [ADA | {"created_at": moment}]})
    assert person == Author(7, "ada", "Ada")


def test_overlong_handles_and_names_are_cut() -> None:
    [author] = parse_users({"data": [ADA | {"username": "a" * 9000, "name": "b" * 9000}]})
    assert (len(author.username), len(author.name)) == (50, 200)


def test_automated_label_is_never_guessed() -> None:
    assert parse_users({"data": ADA | {"affiliation": {"description": "Automated"}}})[0].automated is None


def test_account_has_its_pinned_post() -> None:
    body = {"data": ADA | {"pinned_tweet_id": str(ID), "verified": True, "description": "a bot by @grace"}}
    account = parse_account(body)
    assert account == parse_account(renamed(body))
    assert (account.pinned_id, account.author.verified, account.author.description) == (ID, True, "a bot by @grace")


def test_reply_settings_and_language_are_parsed() -> None:
    post = parse_one(answer(raw_post(reply_settings="following", lang="de")))
    assert (post.reply_settings, post.lang) == ("following", "de")
    assert (parse_one(answer(raw_post())).reply_settings, parse_one(answer(raw_post())).lang) == ("everyone", None)


def test_both_spellings_of_a_reply_setting_are_equal() -> None:
    assert parse_one(answer(raw_post(reply_settings="mentioned_users"))).reply_settings == "mentionedUsers"


def test_media_are_joined_in_the_order_of_the_post() -> None:
    photo = {"media_key": "3_1", "type": "photo", "url": "https://pbs.example/1.jpg", "width": 4, "height": 3}
    video = {"media_key": "7_2", "type": "video", "preview_image_url": "https://pbs.example/2.jpg"}
    attached = raw_post(attachments={"media_keys": ["7_2", "3_1", "3_404"]})
    post = parse_one(answer(attached, media=[photo | {"alt_text": "a fox"}, video]))
    assert post.media == (
        Media("7_2", "video"),
        Media("3_1", "photo", "https://pbs.example/1.jpg", 4, 3, "a fox"),
    )


def test_parent_and_quoted_post_are_joined_one_level_deep() -> None:
    def refers(parent: int, quoted: int) -> list[dict[str, str]]:
        return [{"type": "replied_to", "id": str(parent)}, {"type": "quoted", "id": str(quoted)}]

    photo = {"media_key": "3_1", "type": "photo", "url": "https://pbs.example/1.jpg"}
    parent = raw_post(
        id=str(PARENT), text="up", referenced_tweets=refers(QUOTED, 5), attachments={"media_keys": ["3_1"]}
    )
    quoted = raw_post(id=str(QUOTED), text="beside", author_id="8")
    child = raw_post(referenced_tweets=refers(PARENT, QUOTED))
    post = parse_one(answer(child, tweets=[parent, quoted], media=[photo]))
    assert (post.in_reply_to_id, post.quoted_id) == (PARENT, QUOTED)
    assert post.parent and post.quoted
    assert (post.parent.text, post.parent.author.username, post.parent.in_reply_to_id) == ("up", "ada", QUOTED)
    assert post.parent.media == (Media("3_1", "photo", "https://pbs.example/1.jpg"),)
    assert (post.parent.parent, post.parent.quoted) == (None, None)
    assert (post.quoted.text, post.quoted.author) == ("beside", Author(8, "", ""))


def test_missing_references_have_an_id_only() -> None:
    post = parse_one(answer(raw_post(referenced_tweets=[{"type": "quoted", "id": "5"}])))
    assert (post.quoted_id, post.quoted, post.parent, post.is_repost) == (5, None, None, False)


def test_a_reply_without_conversation_takes_that_of_its_parent() -> None:
    above = [{"type": "replied_to", "id": str(PARENT)}]
    alone = parse_one(answer(raw_post(referenced_tweets=above)))
    with_conversation = parse_one(
        answer(raw_post(referenced_tweets=above), tweets=[raw_post(id=str(PARENT), conversation_id="5")])
    )
    assert (alone.conversation_id, with_conversation.conversation_id) == (PARENT, 5)


@pytest.mark.parametrize("word", ["retweeted", "reposted"])
def test_a_repost_is_detected_by_either_name(word: str) -> None:
    assert parse_one(answer(raw_post(referenced_tweets=[{"type": word, "id": "5"}]))).is_repost


def test_display_range_is_parsed() -> None:
    post = parse_one(answer(raw_post(text="@bot a fox https://t.co/x", display_text_range=[5, 10])))
    assert (post.display_start, post.display_end, post.is_long) == (5, 10, False)


SHORT = "@bot a fox … https://t.co/x"
LONG = "@bot a fox by @ada and much more"
MENTION = {"start": 0, "end": 4, "id": "1", "username": "bot"}


def long_post(note: dict[str, Any]) -> dict[str, Any]:
    entities = {"mentions": [MENTION], "urls": [{"start": 13, "end": 27, "url": "https://t.co/x"}]}
    return raw_post(text=SHORT, display_text_range=[5, 27], entities=entities, note_tweet=note)


def test_a_long_post_has_its_whole_text_and_entities() -> None:
    own = {"mentions": [MENTION, {"start": 14, "end": 18, "id": "7", "username": "ada"}]}
    post = parse_one(answer(long_post({"text": LONG, "entities": own})))
    assert (post.text, post.is_long, post.links) == (LONG, True, ())
    assert post.mentions == (TextSpan(0, 4, 1), TextSpan(14, 18, 7))
    assert (post.display_start, post.display_end) == (5, None)


def test_a_long_post_without_entities_uses_those_of_the_short_text() -> None:
    post = parse_one(answer(long_post({"text": LONG})))
    assert (post.mentions, post.links) == ((TextSpan(0, 4, 1),), ())


def test_a_long_post_without_the_handles_starts_at_zero() -> None:
    post = parse_one(answer(long_post({"text": "a fox by @bot and much more"})))
    assert (post.display_start, post.mentions) == (0, ())


def test_a_mention_without_id_is_matched_by_handle() -> None:
    mentions = [{"start": 0, "end": 4, "username": "ADA", "id": None}, {"start": 5, "end": 9, "username": "bob"}]
    post = parse_one(answer(raw_post(text="@ADA @bob", entities={"mentions": mentions})))
    assert post.mentions == (TextSpan(0, 4, 7), TextSpan(5, 9, None, "bob"))


def test_mentions_are_resolved_in_post_parent_and_quote() -> None:
    mentions = {"mentions": [{"start": 0, "end": 4, "username": "Bot"}, {"start": 5, "end": 9, "username": "bob"}]}
    above = raw_post(id="5", text="@Bot @bob", entities=mentions)
    below = raw_post(text="@Bot @bob", entities=mentions, referenced_tweets=[{"type": "replied_to", "id": "5"}])
    post = parse_one(answer(below, tweets=[above])).with_mentions_resolved(1, "BOT")
    assert post.parent is not None
    assert post.mentions == post.parent.mentions == (TextSpan(0, 4, 1, "bot"), TextSpan(5, 9, None, "bob"))


@pytest.mark.parametrize("name", ["", "\u200b", "\u3164 \u2800", "\U000e0061"])
def test_an_invisible_name_becomes_the_handle(name: str) -> None:
    [person] = parse_users({"data": [ADA | {"name": name}]})
    assert person.name == "ada"


def test_an_edited_post_has_the_id_of_its_first_version() -> None:
    assert parse_one(answer(raw_post(edit_history_tweet_ids=["5", str(ID)]))).root_id == 5


@pytest.mark.parametrize(
    "history",
    [
        {"edit_history_tweet_ids": [""], "edit_history_post_ids": ["5", str(ID)]},
        {"edit_history_tweet_ids": [], "edit_history_post_ids": ["5"]},
        {"edit_history_tweet_ids": ["5"], "edit_history_post_ids": [""]},
    ],
)
def test_old_and_new_field_names_are_both_read(history: dict[str, Any]) -> None:
    [post] = parse_posts(answer(raw_post(edit_history_tweet_ids=None) | history))
    assert post.root_id == 5


def test_old_and_new_field_names_may_be_mixed() -> None:
    child = raw_post(edit_history_tweet_ids=[""], referenced_posts=[{"type": "replied_to", "id": str(PARENT)}])
    [post] = parse_posts(answer(child, posts=[raw_post(id=str(PARENT), note_post={"text": "long"})]))
    assert post.root_id == ID
    assert post.parent
    assert (post.parent.id, post.parent.text) == (PARENT, "long")


def test_a_response_with_a_single_post_is_parsed() -> None:
    assert parse_one({"data": raw_post()}).id == ID


def test_a_response_without_data_or_count_raises() -> None:
    bodies: list[dict[str, Any]] = [{}, {"data": "posts"}, {"meta": {}}, {"errors": [{"title": "Not Found Error"}]}]
    for body in bodies:
        with pytest.raises(ValueError, match="has no data"):
            parse_posts(body)
    assert parse_posts({"meta": {"result_count": 0}}) == []


def test_an_invalid_post_does_not_hide_the_others() -> None:
    body = answer({"id": "x"}, raw_post(), {"text": "no id"}, raw_post(conversation_id="??"))
    assert [post.id for post in parse_posts(body)] == [ID]
    with pytest.raises(ValueError, match="is invalid"):
        parse_posts(body, strict=True)


def test_invalid_includes_hide_nothing() -> None:
    body = answer(raw_post(), users=[{"id": "7"}, 5, ADA], tweets=["x"], media=[{}, None])
    assert parse_one(body).author.username == "ada"
    assert parse_one({"data": [raw_post()], "includes": {"users": 5, "tweets": {}, "media": "x"}}).author.id == 7
