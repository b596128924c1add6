"""Post the rules thread, each part exactly once, and watch it from then on.

    template | parts | validate | for each part: record it, look for it on X, post it, record its id

A part that is recorded may be on X already, so the bot's own posts are searched before it is posted again.
"""

import hashlib
import html
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import SandboxedEnvironment
from sqlalchemy import Engine, select

from bot.reply_reconciliation import OWN_POST_PREFIX
from core.budget.prices import POST, POST_WITH_URL
from core.database import write_session
from core.errors import ThreadpaintError
from core.models import AnnouncementPost, announcement_posts
from core.twittertext.length import MAX_POST_LENGTH, is_valid_length, weighted_length
from core.twittertext.links import find_links, find_mentions
from core.watched_posts import watch_posts
from core.x import Post, XClient, snowflake_from_time

TEMPLATE = Path(__file__).parent / "announcement.txt"
SEPARATOR = "---"
# X looks up at most this many posts per call.
MAX_LOOKED_UP = 100


@dataclass(frozen=True)
class ThreadPost:
    """One post of the thread."""

    number: int
    text: str

    @property
    def weighted_length(self) -> int:
        """Return the length as X counts it."""
        return weighted_length(self.text)

    @property
    def item(self) -> str:
        """Return its price item: a post with a link costs more than ten without."""
        return POST_WITH_URL if find_links(self.text) else POST

    @property
    def key(self) -> str:
        """Return its idempotency key, made of number and text."""
        return hashlib.sha256(f"{self.number}\n{self.text}".encode()).hexdigest()


def parse_thread(template: str, values: Mapping[str, object]) -> list[ThreadPost]:
    """Return the posts of a thread, separated by lines of `---`. Raise ThreadpaintError on a broken template."""
    try:
        text = SandboxedEnvironment(undefined=StrictUndefined).from_string(template).render(**values)
    except TemplateError as error:
        raise ThreadpaintError(f"the template cannot be read: {error}") from error
    parts: list[list[str]] = [[]]
    for line in text.splitlines():
        if line.strip() == SEPARATOR:
            parts.append([])
        else:
            parts[-1].append(line.rstrip())
    texts = ["\n".join(lines).strip() for lines in parts]
    return [ThreadPost(number, text) for number, text in enumerate(filter(None, texts), start=1)]


def validate_thread(thread: list[ThreadPost], *, handle: str, with_link: bool) -> Iterator[str]:
    """Yield what X would reject, or what would cost more than expected."""
    if not thread:
        yield "the template is empty"
    for part in thread:
        if not is_valid_length(part.text):
            yield f"part {part.number} is {part.weighted_length} characters long, X allows {MAX_POST_LENGTH}"
        if find_links(part.text) and not with_link:
            yield f"part {part.number} contains a link, which costs more than ten posts: remove it, or pass --with-link"
        for mention in find_mentions(part.text):
            if mention.handle.lower() != handle.lower():
                yield f"part {part.number} mentions @{mention.handle}: X forbids bots to mention users who did not ask"
    for part in thread:
        if part.text in [other.text for other in thread if other.number < part.number]:
            yield f"part {part.number} repeats an earlier part, which X rejects"


@dataclass(frozen=True)
class AnnouncementThread:
    """Publish the thread from one account."""

    x: XClient
    engine: Engine

    def publish(self, thread: list[ThreadPost]) -> Iterator[tuple[ThreadPost, int, bool]]:
        """Yield each part, its id on X, and whether it is new. Raise as X's client does; then run it again."""
        my_id = self.x.get_me().author.id
        previous: int | None = None
        for part in thread:
            existing = self._find_posted(part, my_id)
            post_id = existing or self._post(part, previous)
            watch_posts(self.engine, [post_id])
            yield part, post_id, existing is None
            previous = post_id

    def _find_posted(self, part: ThreadPost, my_id: int) -> int | None:
        """Return the id of a part that an earlier run posted, even if that run ended before it knew the id."""
        with write_session(self.engine) as session:
            row = session.get(AnnouncementPost, part.key)
        if row is None:
            return self._find_after_restore(part)
        if row.post_id is not None and self.x.get_posts([row.post_id]).unavailable.get(row.post_id) != "deleted":
            return row.post_id
        own = self.x.get_own_posts(my_id, since_id=row.since_id)
        post_id = next((post.id for post in own.posts if _is_same(post, part) and post.id != row.post_id), None)
        if post_id is not None:
            self._record(part, post_id)
        return post_id

    def _find_after_restore(self, part: ThreadPost) -> int | None:
        """Return a matching own post that `bot/reply_reconciliation.py` found after a restore."""
        with write_session(self.engine) as session:
            stmt = select(announcement_posts.c.post_id).where(announcement_posts.c.key.startswith(OWN_POST_PREFIX))
            ids = [post_id for post_id in session.execute(stmt).scalars() if post_id]
        match: int | None = None
        for start in range(0, len(ids), MAX_LOOKED_UP):
            posts = self.x.get_posts(ids[start : start + MAX_LOOKED_UP]).posts
            match = match or next((post.id for post in posts if _is_same(post, part)), None)
        if match is not None:
            self._record(part, match)
        return match

    def _post(self, part: ThreadPost, previous: int | None) -> int:
        self._record(part, None)
        post_id = self.x.create_post(part.text, to=previous, with_url=part.item == POST_WITH_URL)
        self._record(part, post_id)
        return post_id

    def _record(self, part: ThreadPost, post_id: int | None) -> None:
        with write_session(self.engine) as session:
            row = session.get(AnnouncementPost, part.key) or AnnouncementPost(
                key=part.key, since_id=snowflake_from_time(self.x.x_now())
            )
            row.post_id = post_id
            session.add(row)


def _is_same(post: Post, part: ThreadPost) -> bool:
    """Return whether a post has the text of a part. X escapes text and shortens links: links are ignored."""
    text = _without_spans(post.text, [(span.start, span.end) for span in post.links])
    return _fold_spaces(html.unescape(text)) == _fold_spaces(_without_spans(part.text, find_links(part.text)))


def _without_spans(text: str, spans: list[tuple[int, int]]) -> str:
    for start, end in sorted(spans, reverse=True):
        text = text[:start] + " " + text[end:]
    return text


def _fold_spaces(text: str) -> str:
    return " ".join(text.split())
