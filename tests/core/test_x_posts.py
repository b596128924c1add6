"""What X hands over becomes our own types, in the old vocabulary, in the new one, and in both at once."""

from datetime import UTC, datetime
from typing import Any

import pytest

from core.x.people import read_account, read_people
from core.x.posts import read_page
from core.x.shapes import Author, Media, Post, Span
from tests.support.x_answers import ADA, ID, answer, raw_post, renamed

PARENT, QUOTED = ID - 2, ID - 1


def one(body: dict[str, Any]) -> Post:
    """The only post of an answer, which reads the same in both vocabularies."""
    [post] = read_page(body, strict=True)
    assert [post] == read_page(renamed(body), strict=True)
    return post


def test_a_bare_post_is_read_with_everything_else_absent() -> None:
    [post] = read_page({"data": [{"id": str(ID), "text": "a fox"}]})
    assert post == Post(ID, ID, Author(0, "", ""), "a fox", post.created_at)


def test_a_post_that_nobody_wrote_is_not_read_strictly() -> None:
    with pytest.raises(ValueError, match="nobody"):
        read_page({"data": [{"id": str(ID), "text": "a fox"}]}, strict=True)


def test_an_author_that_was_not_sent_along_is_known_by_id() -> None:
    assert one({"data": [raw_post()]}).author == Author(7, "", "")


def test_the_author_comes_with_all_that_x_tells() -> None:
    ada = ADA | {
        "protected": True,
        "verified": True,
        "created_at": "2013-12-14T04:35:55.000Z",
        "connection_status": ["following", "followed_by"],
        "description": "paints\0",
    }
    author = one(answer(raw_post(), users=[ada])).author
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
def test_who_follows_us_is_known_only_where_x_says_it(status: Any, follows: bool | None) -> None:
    [person] = read_people({"data": [ADA | {"connection_status": status}]})
    assert person.follows_us is follows


@pytest.mark.parametrize("moment", ["yesterday", 5, "2013-12-14T04:35:55", {}])
def test_a_person_whose_age_makes_no_sense_is_still_a_person(moment: Any) -> None:
    [person] = read_people({"data": [ADA | {"created_at": moment}]})
    assert person == Author(7, "ada", "Ada")


def test_a_handle_or_name_too_long_to_be_one_is_cut() -> None:
    [author] = read_people({"data": [ADA | {"username": "a" * 9000, "name": "b" * 9000}]})
    assert (len(author.username), len(author.name)) == (50, 200)


def test_a_label_of_x_that_its_api_does_not_tell_is_not_guessed() -> None:
    assert read_people({"data": ADA | {"affiliation": {"description": "Automated"}}})[0].automated is None


def test_the_account_comes_with_its_pinned_post() -> None:
    body = {"data": ADA | {"pinned_tweet_id": str(ID), "verified": True, "description": "a bot by @grace"}}
    account = read_account(body)
    assert account == read_account(renamed(body))
    assert (account.pinned_id, account.author.verified, account.author.description) == (ID, True, "a bot by @grace")


def test_who_may_answer_and_the_language_are_read() -> None:
    post = one(answer(raw_post(reply_settings="following", lang="de")))
    assert (post.reply_settings, post.lang) == ("following", "de")
    assert (one(answer(raw_post())).reply_settings, one(answer(raw_post())).lang) == ("everyone", None)


def test_both_spellings_of_one_reply_setting_are_one() -> None:
    assert one(answer(raw_post(reply_settings="mentioned_users"))).reply_settings == "mentionedUsers"


def test_media_are_joined_to_their_post_in_its_order() -> None:
    photo = {"media_key": "3_1", "type": "photo", "url": "https://pbs.example/1.jpg", "width": 4, "height": 3}
    video = {"media_key": "7_2", "type": "video", "preview_image_url": "https://pbs.example/2.jpg"}
    attached = raw_post(attachments={"media_keys": ["7_2", "3_1", "3_404"]})
    post = one(answer(attached, media=[photo | {"alt_text": "a fox"}, video]))
    assert post.media == (
        Media("7_2", "video"),
        Media("3_1", "photo", "https://pbs.example/1.jpg", 4, 3, "a fox"),
    )


def test_the_parent_and_the_quoted_post_come_along_one_level_deep() -> None:
    def refers(parent: int, quoted: int) -> list[dict[str, str]]:
        return [{"type": "replied_to", "id": str(parent)}, {"type": "quoted", "id": str(quoted)}]

    photo = {"media_key": "3_1", "type": "photo", "url": "https://pbs.example/1.jpg"}
    parent = raw_post(
        id=str(PARENT), text="up", referenced_tweets=refers(QUOTED, 5), attachments={"media_keys": ["3_1"]}
    )
    quoted = raw_post(id=str(QUOTED), text="beside", author_id="8")
    child = raw_post(referenced_tweets=refers(PARENT, QUOTED))
    post = one(answer(child, tweets=[parent, quoted], media=[photo]))
    assert (post.in_reply_to_id, post.quoted_id) == (PARENT, QUOTED)
    assert post.parent and post.quoted
    assert (post.parent.text, post.parent.author.username, post.parent.in_reply_to_id) == ("up", "ada", QUOTED)
    assert post.parent.media == (Media("3_1", "photo", "https://pbs.example/1.jpg"),)
    assert (post.parent.parent, post.parent.quoted) == (None, None)
    assert (post.quoted.text, post.quoted.author) == ("beside", Author(8, "", ""))


def test_references_that_were_not_sent_along_are_known_by_id() -> None:
    post = one(answer(raw_post(referenced_tweets=[{"type": "quoted", "id": "5"}])))
    assert (post.quoted_id, post.quoted, post.parent, post.is_repost) == (5, None, None, False)


def test_a_reply_whose_conversation_x_leaves_out_is_in_that_of_what_it_answers() -> None:
    above = [{"type": "replied_to", "id": str(PARENT)}]
    alone = one(answer(raw_post(referenced_tweets=above)))
    told = one(answer(raw_post(referenced_tweets=above), tweets=[raw_post(id=str(PARENT), conversation_id="5")]))
    assert (alone.conversation_id, told.conversation_id) == (PARENT, 5)


@pytest.mark.parametrize("word", ["retweeted", "reposted"])
def test_a_repost_is_known_by_either_word(word: str) -> None:
    assert one(answer(raw_post(referenced_tweets=[{"type": word, "id": "5"}]))).is_repost


def test_a_post_shows_where_its_own_words_begin_and_end() -> None:
    post = one(answer(raw_post(text="@bot a fox https://t.co/x", display_text_range=[5, 10])))
    assert (post.display_start, post.display_end, post.is_long) == (5, 10, False)


SHORT = "@bot a fox … https://t.co/x"
LONG = "@bot a fox by @ada and much more"
MENTION = {"start": 0, "end": 4, "id": "1", "username": "bot"}


def long_post(note: dict[str, Any]) -> dict[str, Any]:
    entities = {"mentions": [MENTION], "urls": [{"start": 13, "end": 27, "url": "https://t.co/x"}]}
    return raw_post(text=SHORT, display_text_range=[5, 27], entities=entities, note_tweet=note)


def test_a_long_post_is_whole_with_its_own_entities() -> None:
    own = {"mentions": [MENTION, {"start": 14, "end": 18, "id": "7", "username": "ada"}]}
    post = one(answer(long_post({"text": LONG, "entities": own})))
    assert (post.text, post.is_long, post.links) == (LONG, True, ())
    assert post.mentions == (Span(0, 4, 1), Span(14, 18, 7))
    assert (post.display_start, post.display_end) == (5, None)


def test_a_long_post_without_entities_keeps_those_that_mark_the_same_words() -> None:
    post = one(answer(long_post({"text": LONG})))
    assert (post.mentions, post.links) == ((Span(0, 4, 1),), ())


def test_a_long_post_without_the_prefix_begins_at_its_beginning() -> None:
    post = one(answer(long_post({"text": "a fox by @bot and much more"})))
    assert (post.display_start, post.mentions) == (0, ())


def test_a_mention_told_by_handle_only_is_of_the_person_sent_along() -> None:
    mentions = [{"start": 0, "end": 4, "username": "ADA", "id": None}, {"start": 5, "end": 9, "username": "bob"}]
    post = one(answer(raw_post(text="@ADA @bob", entities={"mentions": mentions})))
    assert post.mentions == (Span(0, 4, 7), Span(5, 9, None, "bob"))


def test_mentions_of_a_handle_without_ids_are_resolved_here_above_and_in_the_quoted_post() -> None:
    mentions = {"mentions": [{"start": 0, "end": 4, "username": "Bot"}, {"start": 5, "end": 9, "username": "bob"}]}
    above = raw_post(id="5", text="@Bot @bob", entities=mentions)
    below = raw_post(text="@Bot @bob", entities=mentions, referenced_tweets=[{"type": "replied_to", "id": "5"}])
    post = one(answer(below, tweets=[above])).recognizing(1, "BOT")
    assert post.parent is not None
    assert post.mentions == post.parent.mentions == (Span(0, 4, 1, "bot"), Span(5, 9, None, "bob"))


@pytest.mark.parametrize("name", ["", "\u200b", "\u3164 \u2800", "\U000e0061"])
def test_a_name_that_nobody_sees_is_the_handle(name: str) -> None:
    [person] = read_people({"data": [ADA | {"name": name}]})
    assert person.name == "ada"


def test_an_edited_post_keeps_the_id_it_began_with() -> None:
    assert one(answer(raw_post(edit_history_tweet_ids=["5", str(ID)]))).root_id == 5


@pytest.mark.parametrize(
    "history",
    [
        {"edit_history_tweet_ids": [""], "edit_history_post_ids": ["5", str(ID)]},
        {"edit_history_tweet_ids": [], "edit_history_post_ids": ["5"]},
        {"edit_history_tweet_ids": ["5"], "edit_history_post_ids": [""]},
    ],
)
def test_an_answer_in_both_vocabularies_is_read_where_it_says_something(history: dict[str, Any]) -> None:
    [post] = read_page(answer(raw_post(edit_history_tweet_ids=None) | history))
    assert post.root_id == 5


def test_an_answer_may_mix_the_vocabularies() -> None:
    child = raw_post(edit_history_tweet_ids=[""], referenced_posts=[{"type": "replied_to", "id": str(PARENT)}])
    [post] = read_page(answer(child, posts=[raw_post(id=str(PARENT), note_post={"text": "long"})]))
    assert post.root_id == ID
    assert post.parent
    assert (post.parent.id, post.parent.text) == (PARENT, "long")


def test_one_post_may_stand_alone() -> None:
    assert one({"data": raw_post()}).id == ID


def test_an_answer_that_does_not_say_what_it_holds_is_none() -> None:
    for body in ({}, {"data": "posts"}, {"meta": {}}, {"errors": [{"title": "Not Found Error"}]}):
        with pytest.raises(ValueError, match="does not say"):
            read_page(body)
    assert read_page({"meta": {"result_count": 0}}) == []


def test_a_post_that_makes_no_sense_does_not_hide_the_others() -> None:
    body = answer({"id": "x"}, raw_post(), {"text": "no id"}, raw_post(conversation_id="??"))
    assert [post.id for post in read_page(body)] == [ID]
    with pytest.raises(ValueError, match="makes no sense"):
        read_page(body, strict=True)


def test_what_is_sent_along_and_makes_no_sense_hides_nothing() -> None:
    body = answer(raw_post(), users=[{"id": "7"}, 5, ADA], tweets=["x"], media=[{}, None])
    assert one(body).author.username == "ada"
    assert one({"data": [raw_post()], "includes": {"users": 5, "tweets": {}, "media": "x"}}).author.id == 7
