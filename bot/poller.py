"""Poll X for new posts, decide about them, store them and dispatch the work.

    fetch mentions and search results | skip stored posts | decide | save in one transaction | dispatch

A crash before the commit changes nothing: the next poll reads the same posts. After a crash behind the commit, the
recovery loop dispatches the rows.
"""

import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Engine
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError

from bot import queries, reply_reconciliation, repository
from bot.mention_source import MENTIONS, FetchResult, MentionSource
from bot.policy import TOO_MANY_WAITING, PolicyContext, cap_backfill
from bot.poll_interval import PollBackoff
from bot.triage import Decisions, Triage, load_triage
from core.budget.budget import work_allowance
from core.clock import now
from core.clock_check import check_clock
from core.database import read_connection
from core.database_lease import ProcessLease
from core.errors import CallsSuspended, GiveUp, SettingsError, ThreadpaintError, TryLater
from core.logs import get_logger
from core.outage import DATABASE, DATABASE_WRITES, outages
from core.poll_status import record_poll
from core.queue import PAINT, REPLY
from core.reply_gate import ReplyGate, is_stale
from core.scheduling import Dispatcher
from core.settings import BudgetSettings, PollSettings, UsagePolicySettings
from core.watched_posts import watched_post_ids
from core.x import Account, Post, XClient, snowflake_from_time, time_from_snowflake

log = get_logger(__name__)

POLLING = "polling X"
# How often a standby poller checks whether the active one is gone.
STANDBY_INTERVAL_SECONDS = 3.0
# The bot posts its rules thread in one go: later parts follow within the hour.
THREAD_DURATION = timedelta(hours=1)
# X looks up at most this many posts per call.
MAX_LOOKED_UP = 100
# After this many failed look-ups in a row, a post that X does not show counts as missing.
MAX_FAILED_LOOKUPS = 3


@dataclass
class Poller:
    """Poll on behalf of one account.

    Args:
        watched: ids of the bot's posts whose direct replies are prompts. The pinned thread is added to them.
        expected_handle: the handle that the keys must belong to, if the operator set one.
        lease: held by the one active poller; without it, other pollers are not detected.
    """

    x: XClient
    engine: Engine
    dispatcher: Dispatcher
    settings: PollSettings
    rules: UsagePolicySettings
    money: BudgetSettings
    watched: frozenset[int] = frozenset()
    expected_handle: str = ""
    lease: ProcessLease | None = None
    _account: Account | None = field(default=None, init=False)
    _found_new: bool = field(default=False, init=False)
    _is_reconciled: bool = field(default=False, init=False)
    _failed_lookups: int = field(default=0, init=False)
    _is_standby: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self.source = MentionSource(self.x, self.engine, self.settings)

    def poll_once(self) -> int:
        """Poll X and return the number of new creations. Raise TryLater and GiveUp as X's client does."""
        check_clock(self.engine, self.dispatcher.queue)
        account = self.load_account()
        self._reconcile_replies(account)
        polled_at = now()
        fetched = self.source.fetch_new(account)
        new = repository.filter_new(self.engine, fetched.posts)
        triage = load_triage(self.engine, new, self._policy_context(account))
        decisions = self._decide(triage, new, fetched)
        created = self._save(decisions, fetched.cursors, polled_at)
        self._apply_edits(fetched.posts, account)
        self._found_new = any(decision.store_post for _, decision in decisions)
        self._log_decisions(decisions)
        if decisions:
            self._dispatch()
        return len(created)

    def run_forever(self, stopped: threading.Event) -> None:
        """Poll until stopped, with longer pauses while nothing is new or something fails."""
        backoff = PollBackoff(self.settings)
        with self.lease.release_on_exit() if self.lease else nullcontext():
            while not stopped.is_set():
                stopped.wait(self._poll_safely(backoff))

    def _poll_safely(self, backoff: PollBackoff) -> float:
        """Poll once if this process holds the lease. Return the seconds to wait."""
        try:
            if not self._holds_lease():
                return STANDBY_INTERVAL_SECONDS
            self.poll_once()
            outages.record_success(POLLING)
            record_poll(self.engine)
            return backoff.next_delay(time.monotonic(), found_new=self._found_new)
        except SettingsError:
            raise  # waiting fixes neither foreign keys nor a wrong clock
        except (ThreadpaintError, SQLAlchemyError) as error:
            self._report_failure(error)
            return backoff.delay_after_failure(at_least=error.after if isinstance(error, TryLater) else 0.0)

    def _holds_lease(self) -> bool:
        """Return whether this is the active poller. A standby poller reads nothing, and logs that once."""
        if self.lease is None:
            return True
        if self.lease.acquire():
            if self._is_standby:
                log.warning("the other poller is gone; this one polls")
            self._is_standby = False
            return True
        holder = self.lease.holder()
        if holder and not self._is_standby:
            active = {"host": holder.host, "pid": holder.pid, "since": f"{holder.since:%Y-%m-%d %H:%M:%S} UTC"}
            log.warning("another poller is active; this one stands by", **active)
            self._is_standby = True
        return False

    def _report_failure(self, error: ThreadpaintError | SQLAlchemyError) -> None:
        """Report why polling fails, once per outage and reason. The database reports its own outages."""
        if outages.is_ongoing(DATABASE, DATABASE_WRITES):
            return
        code, reason = getattr(error, "code", None) or "", str(error).partition("\n")[0]
        outages.record_failure(POLLING, reason, kind=code)
        with suppress(SQLAlchemyError):
            record_poll(self.engine, code=code, error=reason)

    def _reconcile_replies(self, account: Account) -> None:
        """Read the bot's own posts on the first poll, and whenever the reply gate asks for it.

        Raises TryLater if that fails and the database may be a restored one: then nothing new is stored.
        """
        gate = ReplyGate(self.engine, self.dispatcher.rate_limiter)
        if repository.read_cursor(self.engine, MENTIONS) is None:
            gate.initialize()
            return
        is_first = not self._is_reconciled
        may_be_restored = gate.is_closed() or self._is_queue_ahead(gate) or (is_first and is_stale(self.engine))
        if not may_be_restored and self._is_reconciled:
            return
        try:
            reply_reconciliation.reconcile(self.x, gate, account.author.id)
            self._is_reconciled = True
        except (TryLater, GiveUp) as error:
            if may_be_restored:
                raise
            log.warning("own posts could not be read; the next poll tries again", reason=str(error))

    def _is_queue_ahead(self, gate: ReplyGate) -> bool:
        """Return whether the queue knows newer replies than the rows. Without a queue no replies are sent anyway."""
        try:
            return gate.close_if_behind()
        except TryLater:
            return False

    def _policy_context(self, account: Account) -> PolicyContext:
        x_now = self.x.x_now()
        return PolicyContext(
            bot_id=account.author.id,
            bot_handle=account.author.username,
            rules=self.rules,
            now=x_now,
            watched=self.watched | watched_post_ids(self.engine),
            prompt_limit=self.settings.prompt_limit,
            max_age=timedelta(hours=self.settings.backfill_max_age_hours),
            budget_reached=work_allowance(self.engine, self.money, x_now).exhausted,
        )

    def _decide(self, triage: Triage, new: list[Post], fetched: FetchResult) -> Decisions:
        looked_up = self._look_up(triage.missing_post_ids(new))
        authors = {post.author.id for post in looked_up.values()}
        triage.silent |= queries.find_opted_out_or_hidden(self.engine, authors)
        decisions = triage.decide_all(new, looked_up)
        return self._cap_backfill(decisions) if fetched.after_downtime else decisions

    def _cap_backfill(self, decisions: Decisions) -> Decisions:
        """Accept at most BACKFILL_LIMIT posts. Posts that were answered before a restore do not count."""
        with read_connection(self.engine) as connection:
            answered_ids = reply_reconciliation.find_already_answered(connection, [post for post, _ in decisions])
        answered = [(post, decision) for post, decision in decisions if post.id in answered_ids]
        others = [(post, decision) for post, decision in decisions if post.id not in answered_ids]
        capped = cap_backfill([decision for _, decision in others], self.settings.backfill_limit)
        decisions = answered + [(post, decision) for (post, _), decision in zip(others, capped, strict=True)]
        _log_downtime(decisions)
        return decisions

    def _look_up(self, post_ids: Sequence[int]) -> dict[int, Post]:
        """Look up posts that are to be painted but that X did not include: most of them are deleted."""
        if not post_ids:
            return {}
        posts: dict[int, Post] = {}
        try:
            for start in range(0, len(post_ids), MAX_LOOKED_UP):
                result = self.x.get_posts(post_ids[start : start + MAX_LOOKED_UP])
                posts |= {post.id: post for post in result.posts}
        except (TryLater, GiveUp) as error:
            self._failed_lookups += 1
            if isinstance(error, TryLater) and self._failed_lookups < MAX_FAILED_LOOKUPS:
                raise
            log.warning("posts to paint could not be looked up", posts=len(post_ids), reason=str(error))
            return posts
        self._failed_lookups = 0
        return posts

    def _apply_edits(self, posts: list[Post], account: Account) -> None:
        """Paint the edited text of posts that are still queued."""
        edited = repository.find_edited(self.engine, posts)
        if not edited:
            return
        triage = load_triage(self.engine, [post for post, _ in edited], self._policy_context(account))
        for post, creation_id in edited:
            decision = triage.decide_edit(post)
            if repository.apply_edit(self.engine, post, creation_id, decision):
                log.info("post edited before painting", post=post.id, creation=creation_id, decision=decision.code)

    def _save(self, decisions: Decisions, cursors: dict[str, int], polled_at: datetime) -> list[int]:
        """Save all in one transaction; if one post makes it fail, save each post in its own."""
        try:
            return repository.save_posts(self.engine, decisions, cursors=cursors, polled_at=polled_at)
        except (IntegrityError, DataError, UnicodeError) as error:
            log.error("saving failed because of one post; saving one by one", error=repr(error)[:300])
        created: list[int] = []
        for post, decision in decisions:
            try:
                created += repository.save_posts(self.engine, [(post, decision)], cursors={}, polled_at=polled_at)
            except (IntegrityError, DataError, UnicodeError) as error:
                log.error("post could not be saved", post=post.id, error=repr(error)[:300])
        repository.save_posts(self.engine, [], cursors=cursors, polled_at=polled_at)
        return created

    def load_account(self) -> Account:
        """Ask X once which account the keys belong to, and which of its posts are the pinned thread."""
        if self._account is None:
            account = self.x.get_me()
            handle = account.author.username
            if self.expected_handle and handle.lower() != self.expected_handle.lower():
                raise SettingsError(f"X_ACCESS_TOKEN belongs to @{handle}, but BOT_HANDLE is @{self.expected_handle}")
            if account.pinned_id:
                self.watched |= self._thread_ids(account.pinned_id, account.author.id)
            self._account = account
            log.info("polling started", account=handle, watched=len(self.watched))
        return self._account

    def _thread_ids(self, root_id: int, my_id: int) -> frozenset[int]:
        """Return the ids of an own post and of the own posts that continue it."""
        until = snowflake_from_time(time_from_snowflake(root_id) + THREAD_DURATION)
        thread = {root_id}
        try:
            own = self.x.get_own_posts(my_id, since_id=root_id, until_id=until).posts
        except (GiveUp, CallsSuspended) as error:
            log.warning("only the first post of the pinned thread is watched", reason=str(error))
            own = []
        for post in reversed(own):
            if post.in_reply_to_id in thread:
                thread.add(post.id)
        return frozenset(thread)

    def _dispatch(self) -> None:
        """Dispatch the next paint and reply jobs."""
        try:
            for step in (PAINT, REPLY):
                self.dispatcher.dispatch(step)
        except TryLater as error:
            log.debug("dispatch skipped, will retry", reason=str(error))

    def _log_decisions(self, decisions: Decisions) -> None:
        for post, decision in decisions:
            # Posts that are not stored come again with each poll.
            write = log.info if decision.store_post else log.debug
            write("post processed", post=post.id, by=post.author.id, decision=decision.code)


def _log_downtime(decisions: Decisions) -> None:
    codes = Counter(decision.code for _, decision in decisions)
    skipped = {code: codes[code] for code in ("too_old", TOO_MANY_WAITING) if codes[code]}
    accepted = sum(decision.is_accepted for _, decision in decisions)
    log.warning(
        "back after downtime", posts=len(decisions), accepted=accepted, skipped=sum(skipped.values()), **skipped
    )
