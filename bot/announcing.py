"""Posts the rules thread: each part once, whatever breaks, and watches it from then on.

    template | parts | checked: length, links, handles | for each: written down, looked for on X, posted, written down

A part that was written down before may be on X already: then it is looked for among our own posts first. Knows no
terminal.
"""

import hashlib
import html
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import SandboxedEnvironment
from sqlalchemy import Engine, select

from bot.reconciling import OWN
from core.database import transaction
from core.errors import HouseError
from core.models import Announced, announced
from core.money.prices import POST, POST_WITH_URL
from core.watching import watch
from core.x import Post, XClient, id_at
from core.x.links import links_in, mentions_in
from core.x.weighing import MOST, is_valid_length, weight

TEMPLATE = Path(__file__).parent / "announcement.txt"
BETWEEN = "---"
MAX_LOOKED_UP = 100


@dataclass(frozen=True)
class Part:
    """One post of the thread."""

    number: int
    text: str

    @property
    def weight(self) -> int:
        """Length as X counts it."""
        return weight(self.text)

    @property
    def item(self) -> str:
        """What X charges for it: a post with a link costs more than ten without."""
        return POST_WITH_URL if links_in(self.text) else POST

    @property
    def key(self) -> str:
        """The same words at the same place are the same part."""
        return hashlib.sha256(f"{self.number}\n{self.text}".encode()).hexdigest()


def parts_of(template: str, values: Mapping[str, object]) -> list[Part]:
    """The posts of a thread: parts between lines of `---`. Raises HouseError where the template is broken."""
    try:
        text = SandboxedEnvironment(undefined=StrictUndefined).from_string(template).render(**values)
    except TemplateError as error:
        raise HouseError(f"the template cannot be read: {error}") from error
    parts: list[list[str]] = [[]]
    for line in text.splitlines():
        if line.strip() == BETWEEN:
            parts.append([])
        else:
            parts[-1].append(line.rstrip())
    texts = ["\n".join(lines).strip() for lines in parts]
    return [Part(number, said) for number, said in enumerate((said for said in texts if said), start=1)]


def problems_of(parts: list[Part], *, handle: str, with_link: bool) -> Iterator[str]:
    """Why X, or the host's purse, would mind."""
    if not parts:
        yield "the template holds no words"
    for part in parts:
        if not is_valid_length(part.text):
            yield f"part {part.number} weighs {part.weight}, X allows {MOST}"
        if links_in(part.text) and not with_link:
            yield f"part {part.number} holds a link, which costs more than ten posts: take it out, or say --with-link"
        for mention in mentions_in(part.text):
            if mention.handle.lower() != handle.lower():
                yield f"part {part.number} names @{mention.handle}: X minds bots that mention who did not ask"
    for part in parts:
        if part.text in [other.text for other in parts if other.number < part.number]:
            yield f"part {part.number} is said twice, which X refuses"


@dataclass(frozen=True)
class Announcement:
    """A thread on its way to X."""

    x: XClient
    engine: Engine

    def post(self, parts: list[Part]) -> Iterator[tuple[Part, int, bool]]:
        """Each part with its id on X, and whether it was posted just now. Raises as X's client does; run it again."""
        my_id = self.x.me().author.id
        above: int | None = None
        for part in parts:
            found = self._posted_before(part, my_id)
            above_now = found or self._post(part, above)
            watch(self.engine, [above_now])
            yield part, above_now, found is None
            above = above_now

    def _posted_before(self, part: Part, my_id: int) -> int | None:
        """Its id, where an earlier run posted it, whether that run got to know it or not."""
        with transaction(self.engine) as session:
            row = session.get(Announced, part.key)
        if row is None:
            return self._found_after_restore(part)
        if row.post_id is not None and self.x.posts([row.post_id]).lost.get(row.post_id) != "gone":
            return row.post_id
        # Deleted on X since, or posted by a run that ended before it knew.
        own = self.x.own_posts(my_id, since_id=row.since_id)
        found = next((post.id for post in own.posts if _is(post, part) and post.id != row.post_id), None)
        if found is not None:
            self._write(part, found)
        return found

    def _found_after_restore(self, part: Part) -> int | None:
        """Own posts that were found on X after a backup was restored (`bot/reconciling.py`): one may be this part."""
        with transaction(self.engine) as session:
            wanted = select(announced.c.post_id).where(announced.c.key.startswith(OWN))
            ids = [one for one in session.execute(wanted).scalars() if one]
        found: int | None = None
        for start in range(0, len(ids), MAX_LOOKED_UP):
            posts = self.x.posts(ids[start : start + MAX_LOOKED_UP]).posts
            found = found or next((post.id for post in posts if _is(post, part)), None)
        if found is not None:
            self._write(part, found)
        return found

    def _post(self, part: Part, above: int | None) -> int:
        self._write(part, None)
        posted = self.x.post(part.text, to=above, with_url=part.item == POST_WITH_URL)
        self._write(part, posted)
        return posted

    def _write(self, part: Part, posted: int | None) -> None:
        with transaction(self.engine) as session:
            row = session.get(Announced, part.key) or Announced(key=part.key, since_id=id_at(self.x.moment()))
            row.post_id = posted
            session.add(row)


def _is(post: Post, part: Part) -> bool:
    """Whether a post says what a part says. X escapes words and shortens links: these are left out on both sides."""
    said = _without(post.text, [(span.start, span.end) for span in post.links])
    return _folded(html.unescape(said)) == _folded(_without(part.text, links_in(part.text)))


def _without(text: str, spans: list[tuple[int, int]]) -> str:
    for start, end in sorted(spans, reverse=True):
        text = text[:start] + " " + text[end:]
    return text


def _folded(text: str) -> str:
    return " ".join(text.split())
