"""Test that the script of the demo's life fits together, and that X's limits leave room for visitors."""

from collections import Counter

from core.demo.life.actions import OPENING, Action, Board, Comment, Follow, Like, Post, Remix
from core.demo.life.script import PEOPLE, SCRIPT
from core.prompt_filter import unsafe_category
from gpu.sketch.prompt_parser import parse_prompt
from sandbox.samples import SAMPLES
from sandbox.seed_data import USERS

# Of compositions without a scene, on purpose.
ABSTRACT = {"bach", "turquoise", "jazz", "variations", "polyphony", "hope"}


def creations() -> dict[str, Post | Remix]:
    return {action.name: action for action in SCRIPT if isinstance(action, Post | Remix)}


def members() -> set[str]:
    """Return the users who sign in."""
    handles: set[str] = set()
    for action in SCRIPT:
        if isinstance(action, Remix | Comment | Board | Follow):
            handles.add(action.author)
        elif isinstance(action, Like):
            handles.update(action.by)
    return handles


def names_used_by(action: Action) -> list[str]:
    match action:
        case Post():
            return [action.reply_to] if action.reply_to and action.reply_to != OPENING else []
        case Remix() | Like() | Comment():
            return [action.of]
        case Board():
            return list(action.creations)
        case Follow():
            return []


def test_with_the_samples_there_are_sixty_creations_of_a_dozen_people() -> None:
    assert len(creations()) + len(SAMPLES) == 60
    assert {handle for handle, _name, _bio in USERS} == set(PEOPLE) == {action.author for action in SAMPLES}
    assert max(Counter(action.author for action in creations().values()).values()) <= 8


def test_each_step_refers_to_earlier_steps() -> None:
    known = {f"first:{handle}" for handle in PEOPLE}
    comments: dict[str, str] = {}
    for action in SCRIPT:
        assert set(names_used_by(action)) <= known
        if isinstance(action, Comment):
            assert not action.reply_to or comments[action.reply_to] == action.of
            comments[action.name] = action.of
        elif isinstance(action, Post | Remix):
            assert action.name not in known
            known.add(action.name)


def test_the_sketch_engine_can_paint_the_prompts() -> None:
    for name, action in creations().items():
        prompt = action.prompt if isinstance(action, Remix) else action.text
        is_command = isinstance(action, Post) and action.reply_to not in ("", OPENING)
        assert is_command or bool(parse_prompt(prompt).nouns) == (name not in ABSTRACT), prompt
        assert unsafe_category(prompt) is None


def test_life_uses_less_than_half_of_each_limit() -> None:
    posts = [action for action in SCRIPT if isinstance(action, Post)]
    assert len(posts) + len(SAMPLES) <= 40, "X allows 100 replies in a quarter of an hour"
    assert len(members()) <= 8, "an address may sign in 20 times in ten minutes"


def test_nobody_likes_or_follows_themselves() -> None:
    authors = {name: action.author for name, action in creations().items()}
    for action in SCRIPT:
        if isinstance(action, Like):
            assert authors.get(action.of, action.of.removeprefix("first:")) not in action.by
        elif isinstance(action, Follow):
            assert action.author not in action.handles
