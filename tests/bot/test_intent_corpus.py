"""Test the labeled sentences of `intent_corpus.txt`."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bot.intent import Intent, PostContext, ReplyTarget, parse_intent
from bot.intent.options import Options
from core.x import Post
from core.x.types import Media
from tests.support.x_posts import BOT, make_post

CORPUS = Path(__file__).with_name("intent_corpus.txt")
ADA, BEA, CARL = 7, 8, 9
OPENING, ANSWER, ASKED = 500, 600, 601
KEYS = ("first", "second", "third", "fourth")
TARGET = ReplyTarget(3, ADA, True, "a fox", Options(count=4, aspect_ratio="16:9"), KEYS)
WINDMILL = make_post("a lonely windmill", author_id=CARL)
PHOTO = make_post("", author_id=CARL, media=(Media("3_1", "photo", "https://pbs.example/windmill.jpg"),))


@dataclass(frozen=True)
class LabeledSentence:
    """A sentence, its place, and its meaning."""

    place: str
    language: str
    text: str
    action: str
    words: str | None
    picture: int | None


def read_corpus() -> Iterator[LabeledSentence]:
    place = language = ""
    for line in CORPUS.read_text(encoding="utf-8").splitlines():
        if header := re.fullmatch(r"\[(\S+) (\w\w)\]", line):
            place, language = header[1], header[2]
        elif line and not line.startswith("#"):
            label, _, sentences = line.partition(" <- ")
            action, words, picture = re.fullmatch(r"(\w+)(?: [+=](.+?))?(?: @(\d))?", label).groups()  # type: ignore[union-attr]
            for text in sentences.split(" | "):
                yield LabeledSentence(place, language, text.strip(), action, words, int(picture) if picture else None)


SENTENCES = list(read_corpus())


def reply_to(to_bot: bool, **values: Any) -> Callable[[str], tuple[Post, PostContext]]:
    """Return a maker of replies to the bot's picture, or to Ada's post that the bot answered."""
    target = TARGET if to_bot else ReplyTarget(3, ADA, False, "a fox", TARGET.options, KEYS)
    parent_ids = (ANSWER, BOT) if to_bot else (ASKED, ADA)

    def say(text: str) -> tuple[Post, PostContext]:
        prefix = "@ada @threadpaint "
        post = make_post(
            prefix + text,
            display_start=len(prefix),
            in_reply_to_id=parent_ids[0],
            in_reply_to_person_id=parent_ids[1],
            **values,
        )
        return post, PostContext(BOT, frozenset({OPENING}), target)

    return say


def with_mention(say: Callable[[str], tuple[Post, PostContext]]) -> Callable[[str], tuple[Post, PostContext]]:
    """Add an explicit mention."""
    return lambda text: say(f"@threadpaint {text}")


def reply(parent: Post) -> Callable[[str], tuple[Post, PostContext]]:
    return lambda text: (
        make_post(f"@threadpaint {text}", in_reply_to_id=parent.id, parent=parent),
        PostContext(BOT),
    )


# Places of a sentence. Unnamed: without an explicit mention. Ada requested the picture; Bea is another user.
PLACES: dict[str, Callable[[str], tuple[Post, PostContext]]] = {
    "picture": with_mention(reply_to(True)),
    "picture-unnamed": reply_to(True),
    "picture-stranger-unnamed": reply_to(True, author_id=BEA),
    "asked": with_mention(reply_to(False, author_id=BEA)),
    "asked-unnamed": reply_to(False, author_id=BEA),
    "asked-owner-unnamed": reply_to(False),
    "reply": reply(WINDMILL),
    "photo": reply(PHOTO),
    "top": lambda text: (make_post(f"@threadpaint {text}"), PostContext(BOT)),
    "opening": lambda text: (make_post(text, in_reply_to_id=OPENING), PostContext(BOT, frozenset({OPENING}))),
}


def parse(sentence: LabeledSentence) -> Intent | None:
    post, context = PLACES[sentence.place](sentence.text)
    return parse_intent(post, context)


def test_corpus_is_large_and_in_seven_languages() -> None:
    assert len(SENTENCES) >= 400
    assert {"en", "de", "fr", "es", "pt", "it", "ja"} <= {sentence.language for sentence in SENTENCES}
    assert len({(sentence.place, sentence.text) for sentence in SENTENCES}) == len(SENTENCES)


@pytest.mark.parametrize(
    "sentence", SENTENCES, ids=lambda sentence: f"{sentence.place}-{sentence.language}-{sentence.text}"
)
def test_sentence_has_the_labeled_intent(sentence: LabeledSentence) -> None:
    intent = parse(sentence)
    assert (intent.action if intent else "talk") == sentence.action
    if intent is None or sentence.action not in ("prompt", "again", "remix"):
        return
    if sentence.action == "prompt":
        assert intent.prompt == sentence.words
        assert (intent.target, intent.init_image_url) == (
            None,
            PHOTO.media[0].url if sentence.place == "photo" else None,
        )
    elif intent.target:
        assert intent.prompt == (f"a fox, {sentence.words}" if sentence.words else "a fox")
        assert intent.init_image_key == (KEYS[(sentence.picture or 1) - 1] if sentence.action == "remix" else None)
