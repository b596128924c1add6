"""What the bot's tests share."""

import pytest
from sqlalchemy import Engine

from bot.poller import Poller
from core.queue import WorkQueue
from tests.support.hearing import listener
from tests.support.sandbox_x import SandboxX


@pytest.fixture
def poller(x: SandboxX, engine: Engine, queue: WorkQueue) -> Poller:
    """A bot that has just begun to listen."""
    poller = listener(x.client(), engine, queue)
    poller.look()
    return poller
