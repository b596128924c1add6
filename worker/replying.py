"""Reply once to the post of a creation, with its pictures or with a text, also after a crash or an outage.

    painted | lease: replying | replyable? does X take replies? | upload, alt text | save them and renew the lease
            | POST the reply | save it with its cost

`replying` is saved before X is called. A job that finds a creation in `replying` does not know how far its predecessor
came. It first looks for our reply on X, and posts only if X surely has none. A missing reply is a pity, a double one is
spam.
"""

from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import Engine

from core.budget.ledger import PendingCosts
from core.clock import now
from core.database import read_connection
from core.errors import CallsSuspended, GiveUp, OutcomeUnknown, Refused, Suspended, TryLater
from core.logs import get_logger
from core.models import State
from core.queue import REPLY
from core.reply_gate import ReplyGate, unchecked_before_id
from core.reply_numbers import may_reply_for
from core.scheduling import Dispatcher
from core.settings import JobSettings
from core.storage import Storage
from core.x import Post, XClient
from worker import refusal_probe
from worker.backoff import next_attempt_at
from worker.database_retry import retry_while_busy
from worker.leases import CreationLease, acquire
from worker.media_upload import MediaUploader
from worker.queries import ReplyTask, find_other_replies, load_reply_task
from worker.reply_policy import NOT_MENTIONED, ReplyPolicy, allows_implicit_mentions
from worker.text_replies import NOTICE_STATES, is_notice_due

log = get_logger(__name__)

ANSWERED = "answered"
GAVE_UP = "x_gave_up"


@dataclass
class ReplyStep:
    """Move a creation from `painted` to `replied`, or report a refusal on X.

    may_have_replied: our reply may be on X already. While it may, the creation stays in `replying`.
    limiter_will_schedule: the rate limiter knows that no reply can go now, so it decides when, and not a pause here.
    return_state: the state to return to if no reply is posted.
    """

    engine: Engine
    x: XClient
    storage: Storage
    dispatcher: Dispatcher
    settings: JobSettings
    policy: ReplyPolicy
    may_have_replied: bool = field(default=False, init=False)
    limiter_will_schedule: bool = field(default=False, init=False)
    return_state: State = field(default=State.PAINTED, init=False)

    def acquire(self, creation_id: int) -> CreationLease | None:
        """Lease a creation that waits for its reply, or whose job died in the middle. Returns None if none is due."""
        sources = (State.PAINTED, State.REFUSED, State.REPLYING)
        lease = acquire(self.engine, creation_id, sources, State.REPLYING, duration=self.settings.lease_seconds)
        self.may_have_replied = lease is not None and lease.taken_over
        return lease

    def run(self, lease: CreationLease) -> None:
        """Reply. Raises TryLater, OutcomeUnknown and GiveUp."""
        task = load_reply_task(self.engine, lease.creation_id)
        self.return_state = State.PAINTED if task.reply_text is None else State.REFUSED
        self.x.attribute_to(task.id, task.person_id)
        reply_post_id = task.reply_post_id  # found on X since the database was restored
        if reply_post_id is None:
            self._gate.ensure_open()
            reply_post_id = self._find_posted(task)
        if reply_post_id is None:
            self._post_reply(lease, task)
        else:
            self._mark_replied(lease, reply_post_id, PendingCosts(self.engine))

    def retry_later(self, lease: CreationLease, error: TryLater) -> None:
        """Schedule another attempt. If our reply may be on X, that attempt starts by looking for it."""
        attempts = lease.attempts if error.counted else lease.attempts - 1
        if attempts >= self.settings.reply_attempts:
            self.fail(lease, GiveUp(GAVE_UP, str(error)))
            return
        moment = lease.now()
        due = moment if self.limiter_will_schedule else next_attempt_at(error, attempts, self.settings, moment)
        if self.may_have_replied:
            due = max(due, moment + timedelta(seconds=self.settings.reply_lookup_delay_seconds))
        target = State.REPLYING if self.may_have_replied else self.return_state
        if lease.release(target, attempts=attempts, next_attempt_at=due, last_error=str(error)):
            log.warning("reply will be retried", creation=lease.creation_id, reason=str(error), attempts=attempts)

    def fail(self, lease: CreationLease, error: TryLater | Refused | GiveUp) -> None:
        """Give up the reply: the pictures are in the gallery only."""
        values = {"reply_status": error.code, "replied_at": lease.now(), "last_error": str(error)}
        if lease.release(self.return_state, next_attempt_at=None, **values):
            log.warning("no reply, gallery only", creation=lease.creation_id, reason=str(error))
            if error.code == NOT_MENTIONED and not allows_implicit_mentions(self.engine, self.policy):
                log.error("X refuses replies to posts that do not mention us; paused for some hours")

    def dispatch_next(self, creation_id: int) -> None:
        """Enqueue the next reply jobs."""
        self.dispatcher.dispatch(REPLY, done=creation_id)

    def _find_posted(self, task: ReplyTask) -> int | None:
        """Return our reply to the post if it may be on X already and is there."""
        is_missed = self._may_be_missed(task)
        if not is_missed and not self.may_have_replied:
            return None
        reply_post_id = self._find_own_reply(task, any_number=is_missed)
        self.may_have_replied = self.may_have_replied and reply_post_id is not None
        return reply_post_id

    def _post_reply(self, lease: CreationLease, task: ReplyTask) -> None:
        """Upload, post, and save the reply with its cost. Does nothing if the lease was lost: another job replies."""
        target_post_id = self._ensure_replyable(task)
        # Before alt text is paid for: X may have suspended replies.
        self.x.ensure_replies_not_suspended()
        media_ids = self._prepare_media(lease, task)
        if media_ids is None:
            log.warning("lease lost before replying", creation=task.id)
            return
        costs = PendingCosts(self.engine)
        with self.x.collect_costs(costs):
            reply_post_id = self._send(lease, task, target_post_id, media_ids)
            self._mark_replied(lease, reply_post_id, costs)

    def _prepare_media(self, lease: CreationLease, task: ReplyTask) -> list[str] | None:
        """Return the media ids for the reply, and renew the lease. Returns None if the lease was lost."""
        if not task.reply_text:
            return self._uploader.ensure_uploaded(task, lease)
        return [] if lease.renew() else None

    def _ensure_replyable(self, task: ReplyTask) -> int:
        """Return the post to reply to. Raises GiveUp if our own rows show that no reply is wanted or possible."""
        if task.deleted_at:
            raise GiveUp("deleted")
        if task.target_post_id is None or task.deleted_on_x_at:
            raise GiveUp("x_post_gone")
        if task.opted_out_at and task.reason_code != "stop":
            raise GiveUp("opted_out")
        if task.banned_at:
            raise GiveUp("banned")
        if task.reason_code in NOTICE_STATES and not is_notice_due(self.engine, task):
            raise GiveUp("not_needed")
        if task.mention_type == "prefix":
            self._ensure_implicit_mention_allowed(task)
        return task.target_post_id

    def _ensure_implicit_mention_allowed(self, task: ReplyTask) -> None:
        """Raise GiveUp if X would refuse. It ignores the reply settings of authors only if they wrote our handle."""
        if task.reply_settings != "everyone":
            raise GiveUp("x_not_allowed")
        if not allows_implicit_mentions(self.engine, self.policy):
            raise GiveUp("x_prefix_only")

    def _find_own_reply(self, task: ReplyTask, *, any_number: bool) -> int | None:
        """Look for our reply on X. Raises TryLater also if X refuses the look-up, which says nothing about the reply.

        A post may have replies of several creations: of the one it asked for, and of those from the gallery.

        any_number: our reply may name another number, given before the database was restored.
        """
        if task.target_post_id is None:
            return None
        others = find_other_replies(self.engine, task.target_post_id, task.id)

        def is_ours(post: Post) -> bool:
            return post.id not in others and (any_number or may_reply_for(task.id, post.text))

        try:
            return self.x.find_own_reply(self.x.get_my_id(), to=task.target_post_id, is_ours=is_ours)
        except GiveUp as error:
            raise TryLater("x_cannot_look", str(error)) from error

    def _send(self, lease: CreationLease, task: ReplyTask, target_post_id: int, media_ids: list[str]) -> int:
        text = task.reply_text or reply_text(task.id, self.policy.gallery_url, remix_of=task.credited_id)
        if task.failed_before_with("x_duplicate"):
            text = f"{text} ({lease.attempts})"  # X has seen this text, but not from this creation
        made_with_ai = bool(media_ids) and self.policy.made_with_ai
        self.may_have_replied = True
        try:
            return self.x.reply(text, to=target_post_id, media_ids=media_ids, made_with_ai=made_with_ai)
        except (TryLater, GiveUp) as error:
            self.may_have_replied = isinstance(error, OutcomeUnknown)
            is_ambiguous = error.code in refusal_probe.AMBIGUOUS_CODES and not isinstance(error, Suspended)
            problem = self._interpret_refusal(error, task) if is_ambiguous else error
            self._learn_from(problem, task)
            if problem is not error:
                raise problem from error
            raise

    def _interpret_refusal(self, error: TryLater | GiveUp, task: ReplyTask) -> TryLater | GiveUp:
        """Return what a refusal means that may concern the post or our account: a pause, one more attempt, or final."""
        refused_before = task.reply_forbidden_at
        others_were_accepted = refusal_probe.was_reply_accepted_since(self.engine, refused_before)
        refusal_probe.record_refusal(self.engine, task.id, self.x.x_now())
        if isinstance(error, TryLater):
            if others_were_accepted:
                return GiveUp(error.code, "X takes replies to others")
            return CallsSuspended(error.code, "it may be this post", after=refusal_probe.SKIP_POST_SECONDS)
        if refusal_probe.is_account_refused(self.engine):
            self.x.suspend_replies(error.code)
            revived = refusal_probe.revive(self.engine, now())
            log.error("X refuses every reply without a reason; replies wait", reason=str(error), revived=revived)
            return CallsSuspended(error.code, "X refuses every reply", after=refusal_probe.SKIP_POST_SECONDS)
        if refused_before is None:
            return TryLater(error.code, "X gave no reason; tried once more", after=refusal_probe.SECOND_ATTEMPT_SECONDS)
        return error

    def _learn_from(self, error: TryLater | GiveUp, task: ReplyTask) -> None:
        blocks_all = isinstance(error, TryLater) and not error.counted
        # An ambiguous refusal pauses this creation, so that the next probe is another post.
        self.limiter_will_schedule = blocks_all and error.code not in refusal_probe.AMBIGUOUS_CODES
        if error.code == "x_media_not_ready":
            self._uploader.invalidate_stale(task.id)

    @property
    def _gate(self) -> ReplyGate:
        return ReplyGate(self.engine, self.dispatcher.rate_limiter)

    def _may_be_missed(self, task: ReplyTask) -> bool:
        """Return whether the post is older than all own posts that X showed after the database was restored."""
        with read_connection(self.engine) as connection:
            return task.target_post_id is not None and task.target_post_id < unchecked_before_id(connection)

    def _mark_replied(self, lease: CreationLease, reply_post_id: int, costs: PendingCosts) -> None:
        """Save the reply and the costs in one transaction. The costs are saved even if the lease was lost."""
        values = {
            "reply_post_id": reply_post_id,
            "reply_status": ANSWERED,
            "reply_forbidden_at": None,
            "replied_at": lease.now(),
            "next_attempt_at": None,
            "last_error": None,
        }
        target = State.REPLIED if self.return_state is State.PAINTED else self.return_state

        def save() -> bool:
            with costs.transaction() as session:
                return lease.release_in(session, target, **values)

        if retry_while_busy(save):
            self._gate.remember_reply(reply_post_id)
            log.info("replied", creation=lease.creation_id, reply=reply_post_id)

    @property
    def _uploader(self) -> MediaUploader:
        return MediaUploader(self.engine, self.x, self.storage, self.policy)


def reply_text(creation_id: int, gallery_url: str = "", *, remix_of: int | None = None) -> str:
    """Return the text of a reply with pictures: its number, what readers can do next, and its page if wanted.

    Each is unique, since X refuses duplicates. It holds no handle, which would cause loops, and no other link. A remix
    names the number of the original, which search finds, but not as "No. 12": that names the picture of a reply.
    """
    credit = "" if remix_of is None else f", a remix of {remix_of}"
    text = f"No. {creation_id}{credit}. Reply “again” for another, or “remix: …” to change it."
    return f"{text} {gallery_url}/c/{creation_id}" if gallery_url else text
