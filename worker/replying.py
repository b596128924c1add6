"""Answers one post with the pictures of its creation, or in words, once, whatever breaks.

    painted | claim: replying | may it be answered? does X take replies? | upload, alt text | prolong | POST the answer
            | mark replied

`replying` is saved before X is called. A job that finds a creation in `replying` does not know how far the one before
it came: it first looks on X for our answer, and posts only when X surely has none. A missing reply is a pity, a double
one is spam.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import Engine

from core.clock import now
from core.database import reading
from core.errors import GiveUp, OutcomeUnknown, OutOfFunds, Refused, Suspended, TryLater
from core.line import Line
from core.logs import get_logger
from core.models import State
from core.queue import REPLY
from core.reply_gate import ReplyGate, replies_missed_before
from core.reply_numbers import may_be_of
from core.settings import WorkSettings
from core.storage import Storage
from core.x import Post, XClient
from worker import doubts
from worker.claims import Claim, take
from worker.manners import NOT_SUMMONED, Manners, answers_prefixed
from worker.patience import patiently
from worker.rows import creation_with_post, other_answers_to
from worker.schedule import next_try
from worker.text_replies import NOTICES, is_notice_due
from worker.uploading import Uploader

log = get_logger(__name__)

ANSWERED = "answered"
GAVE_UP = "x_gave_up"


@dataclass
class ReplyStep:
    """How a creation goes from painted to replied, and how a refusal is told."""

    engine: Engine
    x: XClient
    storage: Storage
    line: Line
    settings: WorkSettings
    manners: Manners
    # Whether an answer may be on X already. While it may, the creation stays in `replying`.
    may_have_answered: bool = field(default=False, init=False)
    # Whether the pace knows that no answer goes now: then the line decides when, not a pause of our own.
    pace_knows: bool = field(default=False, init=False)
    home: State = field(default=State.PAINTED, init=False)

    def claim(self, creation_id: int) -> Claim | None:
        """Take a creation that waits for its answer, or one whose job died in the middle; None for nothing to do."""
        lease = self.settings.lease_seconds
        for source in (State.PAINTED, State.REFUSED, State.REPLYING):
            claim = take(self.engine, creation_id, source, State.REPLYING, lease=lease)
            if claim:
                self.may_have_answered = claim.taken_over
                return claim
        return None

    def do(self, claim: Claim) -> None:
        """Answer. Raises TryLater, OutcomeUnknown and GiveUp."""
        creation = creation_with_post(self.engine, claim.creation_id)
        self.home = State.PAINTED if creation.says is None else State.REFUSED
        self.x.on_behalf(creation.id, creation.person_id)
        if creation.reply_post_id is not None:
            self._mark_replied(claim, creation.reply_post_id)  # found on X since the database was restored
            return
        self._gate.pass_through()
        is_missed = self._may_be_missed(creation)
        if (is_missed or self.may_have_answered) and (
            found := self._find_answer(creation, whatever_it_names=is_missed)
        ):
            self._mark_replied(claim, found)
            return
        self.may_have_answered = False
        self._may_it_be_answered(creation)
        # While X has suspended replies, no alt text is paid for one that will be refused.
        self.x.foresee_answer()
        media_ids = [] if creation.says else self._uploader().bring(creation, claim.attempts)
        if not claim.prolong():
            log.warning("claim lost before answering", creation=claim.creation_id)
            return
        self._mark_replied(claim, self._answer(claim, creation, media_ids))

    def postpone(self, claim: Claim, error: TryLater) -> None:
        """Wait for another try. Where an answer may be on X, the next try begins with looking for it."""
        attempts = claim.attempts if error.counted else claim.attempts - 1
        if attempts >= self.settings.reply_attempts:
            self.end(claim, GiveUp(GAVE_UP, str(error)))
            return
        moment = claim.now()
        due = moment if self.pace_knows else next_try(error, attempts, self.settings, moment)
        if self.may_have_answered:
            due = max(due, moment + timedelta(seconds=self.settings.settle_seconds))
        target = State.REPLYING if self.may_have_answered else self.home
        if claim.move(target, claim=None, attempts=attempts, next_attempt_at=due, last_error=str(error)):
            log.warning("answer waits", creation=claim.creation_id, reason=str(error), attempts=attempts)

    def end(self, claim: Claim, error: TryLater | Refused | GiveUp) -> None:
        """X said no for good: the picture hangs in the gallery only."""
        values = {
            "reply_outcome": error.code,
            "replied_at": claim.now(),
            "last_error": str(error),
            "next_attempt_at": None,
        }
        if claim.move(self.home, claim=None, **values):
            log.warning("gallery only", creation=claim.creation_id, reason=str(error))
            if error.code == NOT_SUMMONED and not answers_prefixed(self.engine, self.manners):
                log.error("X refuses to let us answer who does not name us; left alone for some hours")

    def finished(self) -> None:
        """Whoever is next in line may go."""
        self.line.call_up(REPLY)

    def _may_it_be_answered(self, creation: Any) -> None:
        """What we know ourselves costs no call. Raises GiveUp."""
        if creation.deleted_at:
            raise GiveUp("deleted")
        if creation.to_post_id is None or creation.gone_at:
            raise GiveUp("x_post_gone")
        if creation.opted_out_at and creation.code != "stop":
            raise GiveUp("opted_out")
        if creation.banned_at:
            raise GiveUp("banned")
        if creation.code in NOTICES and not is_notice_due(self.engine, creation):
            raise GiveUp("not_needed")
        if creation.summons != "prefix":
            return  # who wrote our handle may be answered, whoever else may reply there
        if creation.reply_settings != "everyone":
            raise GiveUp("x_not_allowed")
        if not answers_prefixed(self.engine, self.manners):
            raise GiveUp("x_prefix_only")

    def _find_answer(self, creation: Any, *, whatever_it_names: bool = False) -> int | None:
        """Look on X for our answer. X refusing to let us look says nothing about it.

        Under one post may stand answers of several creations: the one that asked, and those from the gallery.

        Args:
            whatever_it_names: it may have had another number, before the database was restored.
        """
        others = other_answers_to(self.engine, creation.to_post_id, creation.id)

        def is_ours(post: Post) -> bool:
            return post.id not in others and (whatever_it_names or may_be_of(creation.id, post.text))

        try:
            return self.x.find_answer(self.x.my_id(), to=creation.to_post_id, is_ours=is_ours)
        except GiveUp as error:
            raise TryLater("x_cannot_look", str(error)) from error

    def _answer(self, claim: Claim, creation: Any, media_ids: list[str]) -> int:
        text = creation.says or reply_text(creation.id, self.manners.link_home)
        if (creation.last_error or "").startswith("x_duplicate"):
            text = f"{text} ({claim.attempts})"  # X has seen these words, yet surely not from this creation
        self.may_have_answered = True
        try:
            return self.x.answer(
                text,
                to=creation.to_post_id,
                media_ids=media_ids,
                made_with_ai=bool(media_ids) and self.manners.made_with_ai,
            )
        except (TryLater, GiveUp) as error:
            self.may_have_answered = isinstance(error, OutcomeUnknown)
            is_doubtful = error.code in doubts.MAY_BE_THE_POST and not isinstance(error, Suspended)
            problem = self._judge(error, creation) if is_doubtful else error
            self._learn_from(problem, creation)
            if problem is not error:
                raise problem from error
            raise

    def _judge(self, error: TryLater | GiveUp, creation: Any) -> TryLater | GiveUp:
        """What a refusal is that may be about the post or about us: a pause, one more try, or final."""
        refused_before = creation.reply_forbidden_at
        others_were_taken = doubts.was_taken_since(self.engine, refused_before)
        doubts.note_refusal(self.engine, creation.id, self.x.moment())
        if isinstance(error, TryLater):
            if others_were_taken:
                return GiveUp(error.code, "X takes replies to others")
            return OutOfFunds(error.code, "it may be this post", after=doubts.STEPS_ASIDE_FOR)
        if doubts.means_us(self.engine):
            self.x.suspend_answers(error.code)
            revived = doubts.revive(self.engine, now())
            log.error("X refuses every reply without a reason; they wait", reason=str(error), revived=revived)
            return OutOfFunds(error.code, "X refuses every reply", after=doubts.STEPS_ASIDE_FOR)
        if refused_before is None:
            return TryLater(error.code, "X gave no reason; tried once more", after=doubts.ONCE_MORE_AFTER)
        return error

    def _learn_from(self, error: TryLater | GiveUp, creation: Any) -> None:
        waits_for_all = isinstance(error, TryLater) and not error.counted
        # Steps aside if it may be its own fault, lest the next probe be the same post.
        self.pace_knows = waits_for_all and error.code not in doubts.MAY_BE_THE_POST
        if error.code == "x_media_not_ready":
            self._uploader().doubt(creation.id)

    @property
    def _gate(self) -> ReplyGate:
        return ReplyGate(self.engine, self.line.pace)

    def _may_be_missed(self, creation: Any) -> bool:
        """Whether its post is older than all own posts that X showed after the database was restored."""
        with reading(self.engine) as connection:
            return creation.to_post_id is not None and creation.to_post_id < replies_missed_before(connection)

    def _mark_replied(self, claim: Claim, answer: int) -> None:
        values = {
            "reply_post_id": answer,
            "reply_outcome": ANSWERED,
            "reply_forbidden_at": None,
            "replied_at": claim.now(),
            "next_attempt_at": None,
        }
        target = State.REPLIED if self.home is State.PAINTED else self.home
        if patiently(lambda: claim.move(target, claim=None, last_error=None, **values)):
            self._gate.note_reply(answer)
            log.info("answered", creation=claim.creation_id, answer=answer)

    def _uploader(self) -> Uploader:
        return Uploader(self.engine, self.x, self.storage, self.manners)


def reply_text(creation_id: int, link_home: str = "") -> str:
    """Return what a reply with pictures says: its number, what its reader may do next, and its page if wanted.

    Never the same twice, since X refuses duplicates. No handle, which would make loops; no other link or domain.
    """
    words = f"No. {creation_id}. Reply “again” for another, or “remix: …” to change it."
    return f"{words} {link_home}/c/{creation_id}" if link_home else words
