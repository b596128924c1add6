"""A gallery creation can also reply on X: once, under its author's post, beside the first reply."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Engine

from core.clock import now
from core.database import write_session
from core.deletion import soft_delete_creations
from core.models import Creation, State, people, posts
from core.queue import WorkQueue
from core.reply_numbers import parse_numbers
from core.settings import UsagePolicySettings, load
from core.storage import FolderStorage
from core.upload_store import UploadStore
from gallery.services.composer_policy import ComposerPolicy, Rejected
from gallery.services.create_creation import CreateCreation, GenerationParams, create_creation
from tests.support.in_process_bot import InProcessBot
from tests.support.sandbox_x import SandboxX, answers, lost_call, lost_response

# `test_replying.py` runs on both databases.
pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
POST = ("POST", "/2/tweets")


class GallerySetup:
    """Ada got a reply on X, and continues in the gallery."""

    def __init__(self, bot: InProcessBot) -> None:
        self.bot, self.engine = bot, bot.engine
        bot.poll_once()
        self.post_id = bot.x.post("@threadpaint a red fox")
        bot.round()
        self.first = bot.creation(1)
        assert (self.first.state, self.first.post_id) == (State.REPLIED, self.post_id)

    def create(
        self, *, reply_on_x: bool = True, key: str = "create:1", rules: UsagePolicySettings | None = None
    ) -> int:
        params = GenerationParams("a blue fox")
        return create_creation(
            CreateCreation(self.first.person_id, key, params, self.first.id, reply_on_x=reply_on_x),
            engine=self.engine,
            storage=self.bot.storage,
            uploads=UploadStore(self.bot.storage.folder),
            policy=ComposerPolicy(rules or load(UsagePolicySettings), now()),
        )

    def work(self, creation_id: int) -> Creation:
        self.bot.advance_clock(61)
        self.bot.dispatch_and_work()
        return self.bot.creation(creation_id)

    def numbers(self) -> list[int]:
        """Return the creations whose replies are under the post, oldest first."""
        texts = [str(answer["text"]) for answer in self.bot.x.replies(self.post_id)]
        return [number for text in texts for number in parse_numbers(text)]

    def change(self, table: Any, **values: Any) -> None:
        with write_session(self.engine) as session:
            session.execute(table.update().values(**values))


@pytest.fixture
def setup(engine: Engine, x: SandboxX, queue: WorkQueue, storage: FolderStorage, gpu_url: str) -> GallerySetup:
    return GallerySetup(InProcessBot(engine, x, queue, storage, gpu_url))


def test_a_gallery_creation_is_replied_to_under_the_post_beside_the_first_reply(setup: GallerySetup) -> None:
    child = setup.work(setup.create())
    assert (child.state, child.reply_status, child.post_id) == (State.REPLIED, "answered", None)
    assert setup.numbers() == [1, child.id]
    assert child.reply_post_id != setup.first.reply_post_id


def test_a_gallery_creation_gets_no_reply_unless_asked_for(setup: GallerySetup) -> None:
    child = setup.work(setup.create(reply_on_x=False))
    assert (child.state, child.next_attempt_at) == (State.PAINTED, None)
    assert child.published_at is not None
    assert setup.numbers() == [1]


@pytest.mark.parametrize("fault", [lost_response, lost_call, answers(503, b"<html>down")])
def test_after_an_unclear_outcome_a_creation_finds_only_its_own_reply(setup: GallerySetup, fault: Any) -> None:
    child_id = setup.create()
    setup.bot.x.spoil(*POST, fault)
    setup.work(child_id)
    assert not setup.bot.x.injector.faults[POST], "the fault was met"
    child = setup.work(child_id)
    assert child.state == State.REPLIED
    assert setup.numbers() == [1, child_id]
    assert child.reply_post_id not in {None, setup.first.reply_post_id}


def test_two_creations_with_lost_replies_each_find_their_own(setup: GallerySetup) -> None:
    both = [setup.create(key="create:1"), setup.create(key="create:2")]
    setup.bot.x.spoil(*POST, lost_response, lost_call)
    setup.work(both[0])
    for _ in range(3):
        setup.work(both[0])
    found = [setup.bot.creation(one) for one in both]
    assert [row.state for row in found] == [State.REPLIED] * 2
    assert len({row.reply_post_id for row in found}) == 2
    assert sorted(setup.numbers()) == [1, *both]


def test_a_deleted_post_leaves_the_picture_in_the_gallery_only(setup: GallerySetup) -> None:
    child_id = setup.create()
    setup.bot.x.http.delete(f"{setup.bot.x.url}/sandbox/posts/{setup.post_id}")
    child = setup.work(child_id)
    assert (child.state, child.reply_status, child.next_attempt_at) == (State.PAINTED, "x_post_gone", None)
    assert child.published_at is not None


def test_a_post_known_to_be_deleted_costs_no_call(setup: GallerySetup) -> None:
    child_id = setup.create()
    setup.change(posts, deleted_on_x_at=now())
    calls = setup.bot.x.state()["calls"].get("POST /2/tweets")
    assert setup.work(child_id).reply_status == "x_post_gone"
    assert setup.bot.x.state()["calls"].get("POST /2/tweets") == calls


def test_a_user_who_says_stop_gets_no_picture_and_no_reply(setup: GallerySetup) -> None:
    child_id = setup.create()
    setup.change(people, opted_out_at=now())
    child = setup.work(child_id)
    assert (child.state, child.reason_code) == (State.REFUSED, "opted_out")
    assert setup.numbers() == [1]


def test_deleting_a_creation_deletes_its_reply_and_no_other(setup: GallerySetup) -> None:
    child = setup.work(setup.create())
    with write_session(setup.engine) as session:
        soft_delete_creations(session, [int(child.id or 0)], "deleted")
    setup.bot.purge()
    assert setup.numbers() == [1]
    assert setup.bot.creation(1).published_at is not None
    assert setup.bot.creation(int(child.id or 0)).purged_at is not None


def test_gallery_replies_count_towards_the_conversation_limit(setup: GallerySetup) -> None:
    setup.create()
    with pytest.raises(Rejected, match="conversation"):
        setup.create(key="create:9", rules=load(UsagePolicySettings, conversation_limit=2))


def test_gallery_replies_count_for_posts_of_the_conversation(setup: GallerySetup) -> None:
    setup.work(setup.create())
    bot = replace(setup.bot, rules=load(UsagePolicySettings, conversation_limit=2))
    bot.x.post("@threadpaint a green fox", in_reply_to=str(setup.post_id))
    bot.poll_once()
    newest = bot.creation(3)
    assert (newest.state, newest.reason_code) == (State.REFUSED, "conversation")
