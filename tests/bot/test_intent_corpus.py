"""Sentences that people say, each with what they mean by it: `intent_corpus.txt`."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bot.intent import Intent, PostContext, ReplyTarget, parse_intent
from bot.intent.options import Options
from core.x import Post
from core.x.posts import Media
from tests.support.posts import BOT, make_post

CORPUS = Path(__file__).with_name("intent_corpus.txt")
ADA, BEA, CARL = 7, 8, 9
OPENING, ANSWER, ASKED = 500, 600, 601
KEYS = ("first", "second", "third", "fourth")
TARGET = ReplyTarget(3, ADA, True, "a fox", Options(count=4, aspect_ratio="16:9"), KEYS)
WINDMILL = make_post("a lonely windmill", author_id=CARL)
PHOTO = make_post("", author_id=CARL, media=(Media("3_1", "photo", "https://pbs.example/windmill.jpg"),))


@dataclass(frozen=True)
class Labelled:
    """A sentence, where it is said, and what is meant."""

    place: str
    language: str
    said: str
    action: str
    words: str | None
    picture: int | None


def labelled() -> Iterator[Labelled]:
    place = language = ""
    for line in CORPUS.read_text(encoding="utf-8").splitlines():
        if found := re.fullmatch(r"\[(\S+) (\w\w)\]", line):
            place, language = found[1], found[2]
        elif line and not line.startswith("#"):
            meant, _, sentences = line.partition(" <- ")
            action, words, picture = re.fullmatch(r"(\w+)(?: [+=](.+?))?(?: @(\d))?", meant).groups()  # type: ignore[union-attr]
            for said in sentences.split(" | "):
                yield Labelled(place, language, said.strip(), action, words, int(picture) if picture else None)


SENTENCES = list(labelled())


def under(target_is_answer: bool, **values: Any) -> Callable[[str], tuple[Post, PostContext]]:
    """Says something under the bot's picture, or under Ada's post that was answered."""
    target = TARGET if target_is_answer else ReplyTarget(3, ADA, False, "a fox", TARGET.options, KEYS)
    where = (ANSWER, BOT) if target_is_answer else (ASKED, ADA)

    def say(text: str) -> tuple[Post, PostContext]:
        prefix = "@ada @threadpaint "
        post = make_post(
            prefix + text, display_start=len(prefix), in_reply_to_id=where[0], in_reply_to_person_id=where[1], **values
        )
        return post, PostContext(BOT, frozenset({OPENING}), target)

    return say


def named(say: Callable[[str], tuple[Post, PostContext]]) -> Callable[[str], tuple[Post, PostContext]]:
    """The same with the handle written."""
    return lambda text: say(f"@threadpaint {text}")


def reply(parent: Post) -> Callable[[str], tuple[Post, PostContext]]:
    return lambda text: (
        make_post(f"@threadpaint {text}", in_reply_to_id=parent.id, parent=parent),
        PostContext(BOT),
    )


# Where something is said. Unnamed: the handle is not written. Ada asked for the picture; Bea is somebody else.
PLACES: dict[str, Callable[[str], tuple[Post, PostContext]]] = {
    "picture": named(under(True)),
    "picture-unnamed": under(True),
    "picture-stranger-unnamed": under(True, author_id=BEA),
    "asked": named(under(False, author_id=BEA)),
    "asked-unnamed": under(False, author_id=BEA),
    "asked-owner-unnamed": under(False),
    "reply": reply(WINDMILL),
    "photo": reply(PHOTO),
    "top": lambda text: (make_post(f"@threadpaint {text}"), PostContext(BOT)),
    "opening": lambda text: (make_post(text, in_reply_to_id=OPENING), PostContext(BOT, frozenset({OPENING}))),
}


def understood(one: Labelled) -> Intent | None:
    post, context = PLACES[one.place](one.said)
    return parse_intent(post, context)


def test_the_corpus_is_large_and_in_seven_languages() -> None:
    assert len(SENTENCES) >= 400
    assert {"en", "de", "fr", "es", "pt", "it", "ja"} <= {one.language for one in SENTENCES}
    assert len({(one.place, one.said) for one in SENTENCES}) == len(SENTENCES)


@pytest.mark.parametrize("one", SENTENCES, ids=lambda one: f"{one.place}-{one.language}-{one.said}")
def test_a_sentence_means_what_people_mean_by_it(one: Labelled) -> None:
    intent = understood(one)
    assert (intent.action if intent else "talk") == one.action
    if intent is None or one.action not in ("prompt", "again", "remix"):
        return
    if one.action == "prompt":
        assert intent.prompt == one.words
        assert (intent.target, intent.init_image_url) == (None, PHOTO.media[0].url if one.place == "photo" else None)
    elif intent.target:
        assert intent.prompt == (f"a fox, {one.words}" if one.words else "a fox")
        assert intent.init_image_key == (KEYS[(one.picture or 1) - 1] if one.action == "remix" else None)
