"""Answers one post with the pictures of its creation, once, whatever breaks.

    painted | claim: replying | upload | alt text | prolong | POST the answer | mark replied

`replying` is saved before X is called. A job that finds a creation in `replying` does not know how far the one before
it came: it first looks on X for our answer, and posts only when X surely has none. A missing reply is a pity, a double
one is spam.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import Engine

from core.clock import now
from core.errors import GiveUp, OutcomeUnknown, Refused, TryLater
from core.logs import get_logger
from core.models import State
from core.settings import WorkSettings
from core.storage import Storage
from core.text import alt_text
from core.x import XClient
from worker.claims import Claim, take
from worker.rows import creation_with_author, pictures_of
from worker.schedule import next_try

log = get_logger(__name__)

ANSWERED = "answered"
GAVE_UP = "x_gave_up"
TRIES_FOR_ALT_TEXT = 3


@dataclass
class ReplyStep:
    """How a creation goes from painted to replied."""

    engine: Engine
    x: XClient
    storage: Storage
    settings: WorkSettings
    # Whether an answer may be on X already. While it may, the creation stays in `replying`.
    may_have_answered: bool = field(default=False, init=False)

    def claim(self, creation_id: int) -> Claim | None:
        """Take a painted creation, or one whose job died in the middle; None when there is nothing to do."""
        lease = self.settings.lease_seconds
        fresh = take(self.engine, creation_id, State.PAINTED, State.REPLYING, lease=lease)
        claim = fresh or take(self.engine, creation_id, State.REPLYING, State.REPLYING, lease=lease)
        self.may_have_answered = claim is not None and claim.taken_over
        return claim

    def do(self, claim: Claim) -> None:
        """Answer. Raises TryLater, OutcomeUnknown and GiveUp."""
        creation = creation_with_author(self.engine, claim.creation_id)
        if self.may_have_answered and (found := self._find_answer(creation)):
            self._mark_replied(claim, found)
            return
        self.may_have_answered = False
        media_ids = [self._upload(claim, picture, creation) for picture in pictures_of(self.engine, creation.id)]
        if not claim.prolong():
            log.warning("claim lost before answering", creation=claim.creation_id)
            return
        self._mark_replied(claim, self._answer(creation, media_ids))

    def postpone(self, claim: Claim, error: TryLater) -> None:
        """Wait for another try. Where an answer may be on X, the next try begins with looking for it."""
        attempts = claim.attempts if error.counted else claim.attempts - 1
        if attempts >= self.settings.reply_attempts:
            self.end(claim, GiveUp(GAVE_UP, str(error)))
            return
        due = next_try(error, attempts, self.settings, now())
        if self.may_have_answered:
            due = max(due, now() + timedelta(seconds=self.settings.settle_seconds))
        target = State.REPLYING if self.may_have_answered else State.PAINTED
        if claim.move(target, claim=None, attempts=attempts, next_attempt_at=due, last_error=str(error)):
            log.warning("answer waits", creation=claim.creation_id, reason=str(error), attempts=attempts)

    def end(self, claim: Claim, error: TryLater | Refused | GiveUp) -> None:
        """X said no for good: the picture hangs in the gallery only."""
        values = {"reply_outcome": error.code, "last_error": str(error), "claim": None, "next_attempt_at": None}
        if claim.move(State.PAINTED, **values):
            log.warning("gallery only", creation=claim.creation_id, reason=str(error))

    def _find_answer(self, creation: Any) -> int | None:
        """Look on X for our answer. X refusing to let us look says nothing about it."""
        try:
            return self.x.find_answer(self.x.me().author.id, to=creation.post_id)
        except GiveUp as error:
            raise TryLater("x_cannot_look", str(error)) from error

    def _answer(self, creation: Any, media_ids: list[str]) -> int:
        text = answer_text(creation.id, creation.seed)
        self.may_have_answered = True
        try:
            return self.x.answer(text, to=creation.post_id, media_ids=media_ids)
        except (TryLater, GiveUp) as error:
            self.may_have_answered = isinstance(error, OutcomeUnknown)
            raise

    def _mark_replied(self, claim: Claim, answer: int) -> None:
        values = {"reply_post_id": answer, "reply_outcome": ANSWERED, "replied_at": now(), "next_attempt_at": None}
        if claim.move(State.REPLIED, claim=None, last_error=None, **values):
            log.info("answered", creation=claim.creation_id, answer=answer)

    def _upload(self, claim: Claim, picture: Any, creation: Any) -> str:
        image = self.storage.get(picture.key)
        if image is None:
            raise GiveUp("picture_lost", f"{picture.key} is not in the storage")
        media_id = self.x.upload(image, picture.mime)
        self._describe(claim, media_id, alt_text(creation.prompt, creation.name))
        return media_id

    def _describe(self, claim: Claim, media_id: str, text: str) -> None:
        """Set the alt text. After a few tries an answer without it is better than none."""
        try:
            self.x.set_alt_text(media_id, text)
        except TryLater as error:
            if not error.counted or claim.attempts < TRIES_FOR_ALT_TEXT:
                raise
            log.warning("no alt text", creation=claim.creation_id, reason=str(error))
        except GiveUp as error:
            log.warning("no alt text", creation=claim.creation_id, reason=str(error))


def answer_text(creation_id: int, seed: int) -> str:
    """What the answer says. Never the same twice, since X refuses duplicates; no link, domain or handle, since a
    link costs twenty times as much and a handle makes loops."""
    return f"Painting No. {creation_id}, seed {seed}"
