"""Fixtures of the bot's tests."""

import pytest
from sqlalchemy import Engine

from bot.poller import Poller
from core.queue import WorkQueue
from tests.support.poller import make_poller
from tests.support.sandbox_x import SandboxX


@pytest.fixture
def poller(x: SandboxX, engine: Engine, queue: WorkQueue) -> Poller:
    """A bot after its first poll."""
    poller = make_poller(x.client(), engine, queue)
    poller.poll_once()
    return poller
