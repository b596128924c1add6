"""Test the life of a new demo: people post, remix, like, comment, follow and collect, once, through kills."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from core.demo.life.__main__ import play
from core.demo.life.actions import Action, Board, Comment, Follow, Like, Post, Remix
from core.demo.life.progress import Progress, begin, load_progress
from core.demo.life.sandbox_x import SandboxX
from core.demo.life.steps import Actor
from tests.support.demo import Demo, forked_demo
from tests.support.servers import wait_until

pytestmark = pytest.mark.processes

ROSE, DUSK, TULIPS = "a rose that nobody picked", "a rose that nobody picked, at dusk", "two tulips beside a rose"
SHORT_SCRIPT: tuple[Action, ...] = (
    Post("rose", "mira_paints", f"@{{bot}} {ROSE} --n 2"),
    Post("dusk", "anya_z", "remix: at dusk", reply_to="rose"),
    Remix("tulips", "oldtomcat", "rose", TULIPS, "4:5", picture=1),
    Like("tulips", ("mira_paints", "noor_h")),
    Comment("first", "mira_paints", "tulips", "Tulips!"),
    Comment("second", "oldtomcat", "tulips", "Two of them.", reply_to="first"),
    Follow("mira_paints", ("oldtomcat",)),
    Board("mira_paints", "Roses", "And friends of roses.", ("rose", "tulips")),
)


@pytest.fixture
def actor_of(demo: Demo, tmp_path: Path) -> Callable[..., Actor]:
    begin(tmp_path)

    def build(*, is_resumed: bool) -> Actor:
        progress = load_progress(tmp_path)
        assert progress is not None
        return Actor(demo.gallery, SandboxX(demo.sandbox, demo.http), progress, "threadpaint", is_resumed=is_resumed)

    return build


def test_people_do_each_step_once_even_if_a_kill_hides_that_they_did(
    demo: Demo, actor_of: Callable[..., Actor]
) -> None:
    actor = actor_of(is_resumed=False)
    play(SHORT_SCRIPT, actor, actor.progress)
    assert actor.progress.done == len(SHORT_SCRIPT)
    for done in range(len(SHORT_SCRIPT)):
        repeated = actor_of(is_resumed=True)
        repeated.members = actor.members
        play(SHORT_SCRIPT[: done + 1], repeated, Progress(repeated.progress.path, done, ids=repeated.progress.ids))
    made = {one["prompt"]: one for one in demo.creations() if one["prompt"] in (ROSE, DUSK, TULIPS)}
    assert sorted(one["prompt"] for one in demo.creations() if one["prompt"] in made) == sorted((ROSE, DUSK, TULIPS))
    assert (made[ROSE]["remixes"], len(made[ROSE]["pictures"])) == (2, 2)
    tulips = made[TULIPS]
    assert (tulips["likes"], tulips["comments"], tulips["parent_id"]) == (2, 2, made[ROSE]["id"])
    (board,) = demo.ask("/api/people/mira_paints/boards").raise_for_status().json()["items"]
    assert (board["title"], board["size"]) == ("Roses", 2)
    actor.sign_out()


def test_a_new_demo_comes_to_life_and_goes_on_after_a_restart(tmp_path: Path) -> None:
    def steps_done() -> int:
        progress = load_progress(tmp_path)
        return progress.done if progress else 0

    with forked_demo(tmp_path, DEMO_EMPTY="0") as demo:
        assert "12 sample prompts posted" in demo.lines
        wait_until(lambda: steps_done() >= 2, "nobody does anything", within=90)
        started = time.monotonic()
        demo.stop()
        assert time.monotonic() - started < 5
    done = steps_done()
    with forked_demo(tmp_path, DEMO_EMPTY="0") as demo:
        assert "0 sample prompts posted" in demo.lines
        wait_until(lambda: steps_done() > done + 1, "they do not go on", within=90)
        prompts = [one["prompt"] for one in demo.creations()]
        assert len(prompts) == len(set(prompts))
        assert demo.state()["duplicates"] == 0
