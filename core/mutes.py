"""What a member does not want to see: people, and topics.

A topic is what one would type into the search: `red fox` mutes every prompt that has both words, in any order, in any
case and any script, as whole words. `style:ink` mutes a style.

    mutes = load_mutes(connection, 17)
    mutes.hides(creation.person.id, creation.prompt, creation.style)

Lists are short and matched when rows are read: no statement of a feed depends on them.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property

from sqlalchemy import BigInteger, Connection, bindparam, select

from core.models import mutes
from core.search_index import parse_query, tokenize
from core.styles import FORMER_NAMES, STYLES

MAX_MUTES = 200
STYLE_PREFIX = "style:"
MUTES_STMT = select(mutes.c.person_id, mutes.c.muted_person_id, mutes.c.topic).where(
    mutes.c.person_id.in_(bindparam("ids", expanding=True, type_=BigInteger))
)


@dataclass(frozen=True)
class Mutes:
    """The people and topics that one member mutes. False if there are none."""

    owner_id: int = 0
    people: frozenset[int] = frozenset()
    topics: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.people or self.topics)

    def hides(self, person_id: int, text: str, style: str | None = None) -> bool:
        """Return whether the member does not want to see this text of this person. Their own is never hidden."""
        if not self or person_id == self.owner_id:
            return False
        return person_id in self.people or style in self._styles or self.hides_text(text)

    def hides_text(self, text: str) -> bool:
        """Return whether a topic is in the text."""
        if not self._terms:
            return False
        words = tokenize(text)
        known = frozenset(words)
        return any(all(_contains(words, known, term) for term in terms) for terms in self._terms)

    @cached_property
    def _styles(self) -> frozenset[str | None]:
        return frozenset(style for topic in self.topics if (style := style_of(topic)))

    @cached_property
    def _terms(self) -> list[list[list[str]]]:
        parsed = (parse_query(topic) for topic in self.topics if not style_of(topic))
        return [terms for terms in parsed if terms]


NO_MUTES = Mutes()


def load_mutes(connection: Connection, person_id: int) -> Mutes:
    """Return what a member mutes."""
    return load_mutes_of(connection, [person_id]).get(person_id, NO_MUTES)


def load_mutes_of(connection: Connection, person_ids: Collection[int]) -> dict[int, Mutes]:
    """Return what these members mute, without those who mute nothing."""
    people: defaultdict[int, set[int]] = defaultdict(set)
    topics: defaultdict[int, list[str]] = defaultdict(list)
    for row in connection.execute(MUTES_STMT, {"ids": sorted(person_ids)}):
        if row.muted_person_id is not None:
            people[row.person_id].add(row.muted_person_id)
        elif row.topic:
            topics[row.person_id].append(row.topic)
    owners = people.keys() | topics.keys()
    return {owner: Mutes(owner, frozenset(people[owner]), tuple(topics[owner])) for owner in owners}


def style_of(topic: str) -> str:
    """Return the style that a topic names as `style:ink`; empty if it names none."""
    if not topic.lower().startswith(STYLE_PREFIX):
        return ""
    name = topic[len(STYLE_PREFIX) :].strip().lower()
    name = FORMER_NAMES.get(name, name)
    return name if name in STYLES else ""


def normalize_topic(typed: str) -> str:
    """Return the form in which a topic is stored, the same for variants of it; empty if it has no word."""
    if style := style_of(typed.strip()):
        return f"{STYLE_PREFIX}{style}"
    return " ".join(typed.split()).casefold() if parse_query(typed) else ""


def _contains(words: Sequence[str], known: frozenset[str], term: Sequence[str]) -> bool:
    """Return whether the words of a term follow each other in the text."""
    if not known.issuperset(term):
        return False
    length = len(term)
    return length == 1 or any(words[at : at + length] == term for at in range(len(words) - length + 1))
