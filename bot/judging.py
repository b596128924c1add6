"""Judges the posts of one look, oldest first: what each asks for, and what becomes of it.

    new posts | what they stand under, how their authors stand | wish | verdict | the next one, knowing this one

Several posts of one person in one look count against each other, as if they had come one by one. Reads rows and
writes none.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from sqlalchemy import Engine

from bot import memory, rules
from bot.intent import DELETE, Intent, PostContext, ReplyTarget, parse_intent
from bot.intent.prompts import has_explicit_mention
from bot.rules import Terms, Verdict
from core.clock import now
from core.database import reading
from core.logs import get_logger
from core.standing import A_DAY, Standing, answers_in, standings
from core.x import Post

log = get_logger(__name__)

UNEXPECTED = "unexpected"
Judged = list[tuple[Post, Verdict]]


@dataclass
class Judge:
    """What is known around the posts of one look. Made anew for each."""

    terms: Terms
    targets: Mapping[int, ReplyTarget]
    silent: frozenset[int]
    standings: dict[int, Standing]
    answers: dict[int, int]

    def missing(self, posts: Sequence[Post]) -> list[int]:
        """Posts that are asked to be painted but did not come along: to be looked up."""
        wanted: set[int] = set()
        for post in filter(self._is_heard, posts):
            with suppress(Exception):  # told by `judge`
                wish = self._wish(post, {})
                wanted |= {wish.source_post_id} if wish and wish.source_post_id else set()
        return sorted(wanted)

    def judge(self, posts: Sequence[Post], looked_up: Mapping[int, Post]) -> Judged:
        """A verdict on each. A bug of ours on one post is that post's reason, and the others go their way."""
        return [(post, self._verdict(post, looked_up)) for post in posts]

    def judge_edit(self, post: Post) -> Verdict:
        """The verdict on the new words of a post that was taken up already."""
        try:
            wish = self._wish(post, {})
            # Words of another post that did not come along were looked up the first time; they stay.
            is_clear = wish is not None and wish.source_post_id is None
            if wish is None or not is_clear:
                return Verdict(rules.TALK)
            return rules.decide_edit(post, wish, self._standing(post), self.terms)
        except Exception:
            log.exception("an edit could not be judged", post=post.id)
            return Verdict(UNEXPECTED)

    def _verdict(self, post: Post, looked_up: Mapping[int, Post]) -> Verdict:
        try:
            wish = self._wish(post, looked_up)
            standing = replace(self._standing(post), in_conversation=self.answers.get(post.conversation_id or 0, 0))
            verdict = rules.decide(post, wish, standing, self.terms)
        except Exception:
            log.exception("a post could not be judged", post=post.id)
            return Verdict(UNEXPECTED, asked=True)
        self._take_in(post, verdict)
        return verdict

    def _take_in(self, post: Post, verdict: Verdict) -> None:
        self.standings[post.author.id] = rules.after(self._standing(post), post, verdict)
        if verdict.code == DELETE and verdict.wish and verdict.wish.target:
            gone = verdict.wish.target.creation_id
            self.targets = {key: t.redacted() if t.creation_id == gone else t for key, t in self.targets.items()}
        if post.conversation_id and (verdict.painted or verdict.told):
            self.answers[post.conversation_id] = self.answers.get(post.conversation_id, 0) + 1

    def _standing(self, post: Post) -> Standing:
        return self.standings.get(post.author.id) or Standing()

    def _is_heard(self, post: Post) -> bool:
        """Whether it is worth money to know what they mean."""
        standing = self._standing(post)
        is_new = post.created_at >= self.terms.now - self.terms.oldest
        return is_new and not (standing.opted_out or standing.banned or rules.whose(post, self.terms.bot_id))

    def _seen_by(self, post: Post) -> ReplyTarget | None:
        """The creation that a post stands under, as far as its author may go on from it."""
        target = self._target(post)
        if target and target.private and target.person_id != post.author.id:
            return target.redacted()
        return target

    def _target(self, post: Post) -> ReplyTarget | None:
        """The creation that a post stands under; of a quote that names us, the one that is quoted."""
        under = self._behind(post.in_reply_to_id, post.parent)
        known = post.recognizing(self.terms.bot_id, self.terms.bot_handle)
        if under is None and has_explicit_mention(known, self.terms.bot_id):
            return self._behind(post.quoted_id, post.quoted)
        return under

    def _behind(self, post_id: int | None, post: Post | None) -> ReplyTarget | None:
        """The creation behind a post, in whichever of its versions it is answered or quoted."""
        return self.targets.get(post_id or 0) or self.targets.get(post.root_id if post else 0)

    def _wish(self, post: Post, looked_up: Mapping[int, Post]) -> Intent | None:
        scene = PostContext(
            bot_id=self.terms.bot_id,
            watched=self.terms.watched,
            target=self._seen_by(post),
            looked_up=looked_up,
            bot_handle=self.terms.bot_handle,
            silent=self.silent | {one for one, standing in self.standings.items() if standing.opted_out},
        )
        return parse_intent(post, scene)


def _stands_under(post: Post) -> set[int]:
    others = {other.root_id for other in (post.parent, post.quoted) if other}
    return others | {other for other in (post.in_reply_to_id, post.quoted_id) if other}


def open_judge(engine: Engine, posts: Sequence[Post], terms: Terms) -> Judge:
    """A judge who knows what the house knows around these posts."""
    since = now() - A_DAY
    others = {other.author.id for post in posts for other in (post.parent, post.quoted) if other}
    with reading(engine) as connection:
        known = standings(connection, {post.author.id for post in posts}, since)
        spoken = answers_in(connection, {post.conversation_id for post in posts if post.conversation_id}, since)
    return Judge(
        terms,
        targets=memory.targets(engine, {other for post in posts for other in _stands_under(post)}),
        silent=memory.silent_people(engine, others),
        standings=known,
        answers=spoken,
    )
