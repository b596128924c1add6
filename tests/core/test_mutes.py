"""Topics match what the search would find: whole words, in any case, order and script."""

import pytest

from core.mutes import NO_MUTES, Mutes, normalize_topic

ME, OTHER = 1, 2


@pytest.mark.parametrize(
    ("topic", "prompt", "is_hidden"),
    [
        ("fox", "A FOX in the snow", True),
        ("fox", "two foxes", True),
        ("fox", "foxglove on a hill", False),
        ("red fox", "a fox with a red scarf", True),
        ("red fox", "a red cat", False),
        ("sci-fi", "sci-fi city", True),
        ("sci-fi", "fi and sci", False),
        ("füchse", "FÜCHSE im Wald", True),
        ("猫", "黒い猫", True),
        ("黒い猫", "猫が黒い", False),
        ("кот", "Чёрный КОТ", True),
        ("قطة", "قطّة سوداء", True),
        ("🦊", "a 🦊 at night", True),
        ("style:ink", "ink and paper", False),
        ("style:nothing", "style: nothing", True),
    ],
)
def test_topic_is_read_as_a_search(topic: str, prompt: str, *, is_hidden: bool) -> None:
    assert Mutes(ME, topics=(topic,)).hides(OTHER, prompt) is is_hidden


def test_style_person_and_own_creations() -> None:
    mutes = Mutes(ME, frozenset({OTHER, ME}), ("style:watercolor", "fox"))
    assert mutes.hides(OTHER, "a house")
    assert mutes.hides(3, "a house", "watercolor")
    assert not mutes.hides(3, "a house", "ink")
    assert not mutes.hides(ME, "a fox", "watercolor")
    assert not NO_MUTES and not NO_MUTES.hides(OTHER, "a fox")


@pytest.mark.parametrize(
    ("typed", "stored"),
    [("  Red   FOX ", "red fox"), ("Style: Ink", "style:ink"), ("style:watercolour", "style:watercolor"), ("…", "")],
)
def test_topics_are_stored_in_one_form(typed: str, stored: str) -> None:
    assert normalize_topic(typed) == stored
