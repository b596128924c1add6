"""Listens: one look at X reads what is new, writes it down, and asks for the painting.

    mentions, search | sieve out the known | judge | write down (one transaction) | call up

A crash before the commit changes nothing: the next look reads the same. A crash after it calls nobody up: the
sweep finds the rows. Knows nothing of how posts are judged or painted.
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

from bot import memory, notebook, reconciling
from bot.ears import MENTIONS, Ears, Heard
from bot.judging import Judge, Judged, open_judge
from bot.resting import Rest
from bot.rules import TOO_MANY_WAITING, Terms, cap
from core.clock import now
from core.clock_check import check_clock
from core.database import reading
from core.errors import GiveUp, HouseError, OutOfFunds, SettingsError, TryLater
from core.lease import Lease
from core.line import Line
from core.logs import get_logger
from core.money.budget import room_for_work
from core.outage import DATABASE, DATABASE_WRITES, outages
from core.polling import note_look
from core.queue import PAINT, REPLY
from core.reply_gate import ReplyGate, is_stale
from core.settings import MoneySettings, PollSettings, RuleSettings
from core.watching import watched_posts
from core.x import Account, Post, XClient, id_at, time_of

log = get_logger(__name__)

LISTENING = "listening to X"
# How often a second poller looks whether the first one is gone.
WAIT_SECONDS = 3.0
# The bot's opening thread is posted in one go: its later parts follow within the hour.
THREAD_WITHIN = timedelta(hours=1)
MAX_LOOKED_UP = 100
# So often a look waits for X to look posts up; then what cannot be seen is taken as not there.
PATIENCE = 3


@dataclass
class Poller:
    """One account's listener.

    Args:
        watched: ids of the bot's posts whose direct replies are prompts, given by the host. Its pinned thread is added.
        called: the handle that the keys must be of, where the host names one.
        lease: what one poller at a time holds; without it nobody asks whether there is another.
    """

    x: XClient
    engine: Engine
    line: Line
    settings: PollSettings
    rules: RuleSettings
    money: MoneySettings
    watched: frozenset[int] = frozenset()
    called: str = ""
    lease: Lease | None = None
    _account: Account | None = field(default=None, init=False)
    _heard_news: bool = field(default=False, init=False)
    _own_posts_read: bool = field(default=False, init=False)
    _lookups_failed: int = field(default=0, init=False)
    _waits: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self.ears = Ears(self.x, self.engine, self.settings)

    def look(self) -> int:
        """One look at X. Returns the number of new creations. Raises TryLater and GiveUp as X's client does."""
        check_clock(self.engine, self.line.queue)
        account = self._know_myself()
        self._read_own_posts(account)
        began = now()
        heard = self.ears.hear(account)
        new = notebook.unknown(self.engine, heard.posts)
        judge = open_judge(self.engine, new, self._terms(account))
        judged = self._judge(judge, new, heard)
        created = self._write(judged, heard.read, began)
        self._follow_edits(heard.posts, account)
        self._heard_news = any(verdict.kept for _, verdict in judged)
        self._tell(judged)
        if judged:
            self._call_up()
        return len(created)

    def listen(self, stopped: threading.Event) -> None:
        """Look again and again until stopped, whatever is away or broken meanwhile; rest longer while it is."""
        rest = Rest(self.settings)
        with self.lease.kept() if self.lease else nullcontext():
            while not stopped.is_set():
                stopped.wait(self._one_look(rest))

    def _one_look(self, rest: Rest) -> float:
        """Look once, if no other poller does. Returns the seconds to rest."""
        try:
            if not self._is_the_only_one():
                return WAIT_SECONDS
            self.look()
            outages.works(LISTENING)
            note_look(self.engine)
            return rest.after_look(time.monotonic(), news=self._heard_news)
        except SettingsError:
            raise  # no rest makes the keys of somebody else ours, or sets a clock
        except (HouseError, SQLAlchemyError) as error:
            self._report(error)
            return rest.after_failure(at_least=error.after if isinstance(error, TryLater) else 0.0)

    def _is_the_only_one(self) -> bool:
        """Whether the lease is ours. Who waits for it reads nothing, and says so once."""
        if self.lease is None:
            return True
        if self.lease.acquire():
            if self._waits:
                log.warning("the other poller is gone; this one listens")
            self._waits = False
            return True
        holder = self.lease.holder()
        if holder and not self._waits:
            who = {"host": holder.host, "pid": holder.pid, "since": f"{holder.since:%Y-%m-%d %H:%M:%S} UTC"}
            log.warning("another poller listens; this one waits until it is gone", **who)
            self._waits = True
        return False

    def _report(self, error: HouseError | SQLAlchemyError) -> None:
        """Report what keeps us from listening, once per outage and reason. The database reports its own outage."""
        if outages.ongoing(DATABASE, DATABASE_WRITES):
            return
        code, reason = getattr(error, "code", None) or "", str(error).partition("\n")[0]
        outages.failed(LISTENING, reason, kind=code)
        with suppress(SQLAlchemyError):
            note_look(self.engine, code=code, error=reason)

    def _read_own_posts(self, account: Account) -> None:
        """At the first look after a start, and if replies wait for it: what was answered and is not known here.

        Raises TryLater if that cannot be found out and the database may be an old one: then nothing new is written.
        """
        gate = ReplyGate(self.engine, self.line.pace)
        if notebook.read_cursor(self.engine, MENTIONS) is None:
            gate.begin()
            return
        is_first = not self._own_posts_read
        doubtful = gate.is_closed() or self._is_behind(gate) or (is_first and is_stale(self.engine))
        if not doubtful and self._own_posts_read:
            return
        try:
            reconciling.reconcile(self.x, gate, account.author.id)
            self._own_posts_read = True
        except (TryLater, GiveUp) as error:
            if doubtful:
                raise
            log.warning("own posts could not be read; tried again with the next look", reason=str(error))

    def _is_behind(self, gate: ReplyGate) -> bool:
        """Whether the queue knows more than the rows. If the queue is away, nobody replies anyway."""
        try:
            return gate.close_if_behind()
        except TryLater:
            return False

    def _terms(self, account: Account) -> Terms:
        moment = self.x.moment()
        return Terms(
            bot_id=account.author.id,
            bot_handle=account.author.username,
            rules=self.rules,
            now=moment,
            watched=self.watched | watched_posts(self.engine),
            prompt_limit=self.settings.prompt_limit,
            oldest=timedelta(hours=self.settings.oldest_hours),
            budget_reached=room_for_work(self.engine, self.money, moment).reached,
        )

    def _judge(self, judge: Judge, new: list[Post], heard: Heard) -> Judged:
        looked_up = self._look_up(judge.missing(new))
        judge.silent |= memory.silent_people(self.engine, {post.author.id for post in looked_up.values()})
        judged = judge.judge(new, looked_up)
        if not heard.absent:
            return judged
        with reading(self.engine) as connection:
            before = reconciling.answered_before(connection, new)
        # What is answered already takes nobody's place.
        answered = [(post, verdict) for post, verdict in judged if post.id in before]
        others = [(post, verdict) for post, verdict in judged if post.id not in before]
        capped = cap([verdict for _, verdict in others], self.settings.backfill_limit)
        judged = answered + [(post, verdict) for (post, _), verdict in zip(others, capped, strict=True)]
        self._report_absence(judged)
        return judged

    def _look_up(self, post_ids: Sequence[int]) -> dict[int, Post]:
        """Posts that are asked to be painted and that X did not send along: mostly they are gone."""
        if not post_ids:
            return {}
        found: dict[int, Post] = {}
        try:
            for start in range(0, len(post_ids), MAX_LOOKED_UP):
                looked = self.x.posts(post_ids[start : start + MAX_LOOKED_UP])
                found |= {post.id: post for post in looked.posts}
        except (TryLater, GiveUp) as error:
            self._lookups_failed += 1
            if isinstance(error, TryLater) and self._lookups_failed < PATIENCE:
                raise
            log.warning("posts that are asked to be painted cannot be seen", posts=len(post_ids), reason=str(error))
            return found
        self._lookups_failed = 0
        return found

    def _follow_edits(self, heard: list[Post], account: Account) -> None:
        """Who edits a post before it is painted gets the new words painted."""
        edited = notebook.edited(self.engine, heard)
        if not edited:
            return
        judge = open_judge(self.engine, [post for post, _ in edited], self._terms(account))
        for post, creation_id in edited:
            verdict = judge.judge_edit(post)
            if notebook.rewrite(self.engine, post, creation_id, verdict):
                log.info("edited before it was painted", post=post.id, creation=creation_id, verdict=verdict.code)

    def _write(self, judged: Judged, read: dict[str, int], began: datetime) -> list[int]:
        """Write all in one transaction; where one post spoils that, each in its own, lest it stop the rest."""
        try:
            return notebook.write_down(self.engine, judged, read=read, polled_at=began)
        except (IntegrityError, DataError, UnicodeError) as error:
            log.error("a post spoils the rest; written one by one", error=repr(error)[:300])
        created: list[int] = []
        for one in judged:
            try:
                created += notebook.write_down(self.engine, [one], read={}, polled_at=began)
            except (IntegrityError, DataError, UnicodeError) as error:
                log.error("a post cannot be written down", post=one[0].id, error=repr(error)[:300])
        notebook.write_down(self.engine, [], read=read, polled_at=began)
        return created

    def _know_myself(self) -> Account:
        """Ask X once who we are and which of our posts are the opening thread."""
        if self._account is None:
            account = self.x.me()
            if self.called and account.author.username.lower() != self.called.lower():
                found = account.author.username
                raise SettingsError(f"X_ACCESS_TOKEN is of @{found}, but BOT_HANDLE says @{self.called}")
            if account.pinned_id:
                self.watched |= self._thread_of(account.pinned_id, account.author.id)
            self._account = account
            log.info("listening", account=account.author.username, watched=len(self.watched))
        return self._account

    def _thread_of(self, root: int, my_id: int) -> frozenset[int]:
        """Ids of a post of ours and of our own continuations of it."""
        until = id_at(time_of(root) + THREAD_WITHIN)
        thread = {root}
        try:
            own = self.x.own_posts(my_id, since_id=root, until_id=until).posts
        except (GiveUp, OutOfFunds) as error:
            log.warning("of the pinned thread only its first post is watched", reason=str(error))
            own = []
        for post in reversed(own):
            if post.in_reply_to_id in thread:
                thread.add(post.id)
        return frozenset(thread)

    def _call_up(self) -> None:
        """Whoever is first in line is painted for, and told what is to be told."""
        try:
            for step in (PAINT, REPLY):
                self.line.call_up(step)
        except TryLater as error:
            log.debug("nobody called up; the sweep will", reason=str(error))

    def _tell(self, judged: Judged) -> None:
        for post, verdict in judged:
            tell = log.info if verdict.kept else log.debug  # what is not kept is heard again and again
            tell("heard", post=post.id, by=post.author.id, verdict=verdict.code)

    def _report_absence(self, judged: Judged) -> None:
        codes = Counter(verdict.code for _, verdict in judged)
        left = {code: codes[code] for code in ("too_old", TOO_MANY_WAITING) if codes[code]}
        taken = sum(verdict.painted for _, verdict in judged)
        log.warning(
            "back after an absence", heard=len(judged), taken_up=taken, left_unanswered=sum(left.values()), **left
        )
