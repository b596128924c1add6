"""Reads a search query of X into a yes-or-no question about a post. Knows the operators, not where posts come from."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from sandbox.model import Person, Post

MAX_DEPTH = 20
FindPerson = Callable[[str], Person | None]
Ask = Callable[[Post], bool]

_TOKEN = re.compile(r'\s*(?P<token>[()]|-?"[^"]*"|-?[^\s()"]+|-(?=\())')
_KINDS = ("reply", "quote", "retweet", "verified")
_HAS = ("images", "media", "links", "mentions", "hashtags", "cashtags")


class Unreadable(Exception):
    """The text says what X would say about the query."""


@dataclass(frozen=True, slots=True)
class _Term:
    """`alone`: whether it may stand without another operator (keywords and names may, is: and has: may not)."""

    ask: Ask
    alone: bool


def read(query: str, find: FindPerson) -> Ask:
    reader = _Reader(_tokens(query), find)
    term = reader.either(0)
    if reader.tokens:
        raise Unreadable(f"no viable alternative at input '{reader.tokens[0]}'")
    if not term.alone:
        raise Unreadable("Rule must contain at least one positive, non-stopword clause")
    return term.ask


def _tokens(query: str) -> list[str]:
    tokens, at, query = [], 0, query.strip()
    while at < len(query):
        match = _TOKEN.match(query, at)
        if match is None or match.end() == at:
            raise Unreadable(f"token recognition error at: '{query[at : at + 20]}'")
        tokens.append(match["token"])
        at = match.end()
    return tokens


class _Reader:
    """either := both (OR both)*;  both := one+;  one := -? ( "(" either ")" | operator | word )."""

    def __init__(self, tokens: list[str], find: FindPerson) -> None:
        self.tokens, self.find = tokens, find

    def either(self, depth: int) -> _Term:
        if depth > MAX_DEPTH:
            raise Unreadable("the query is nested too deeply")
        terms = [self._both(depth)]
        while self.tokens and self.tokens[0] == "OR":
            self.tokens.pop(0)
            terms.append(self._both(depth))
        asks = [term.ask for term in terms]
        return _Term(lambda post: any(ask(post) for ask in asks), all(term.alone for term in terms))

    def _both(self, depth: int) -> _Term:
        terms: list[_Term] = []
        while self.tokens and self.tokens[0] not in (")", "OR"):
            term = self._one(depth)
            if term is not None:
                terms.append(term)
        if not terms:
            raise Unreadable("missing EOF or an operator at the end of the query")
        asks = [term.ask for term in terms]
        return _Term(lambda post: all(ask(post) for ask in asks), any(term.alone for term in terms))

    def _one(self, depth: int) -> _Term | None:
        if not self.tokens:
            raise Unreadable("nothing to negate")
        token = self.tokens.pop(0)
        if token == "AND":  # noqa: S105 a word of the query; X forbids it as a word of its own, people write it all the same
            return None
        if token.startswith("-") and len(token) > 1:
            self.tokens.insert(0, token[1:])
            return self._not(depth)
        if token == "-":  # noqa: S105
            return self._not(depth)
        if token == "(":  # noqa: S105
            return self._group(depth)
        return self._operator(token)

    def _not(self, depth: int) -> _Term:
        term = self._one(depth + 1)
        if term is None:
            raise Unreadable("nothing to negate")
        return _Term(lambda post: not term.ask(post), alone=False)

    def _group(self, depth: int) -> _Term:
        term = self.either(depth + 1)
        if not self.tokens or self.tokens.pop(0) != ")":
            raise Unreadable("missing ')'")
        return term

    def _operator(self, token: str) -> _Term:
        if token.startswith("@"):
            return self._person(token[1:], lambda post, who: who in post.mentioned_ids())
        if token.startswith("#"):
            return _Term(_tagged("hashtags", token[1:]), alone=True)
        if token.startswith("$"):
            return _Term(_tagged("cashtags", token[1:]), alone=True)
        name, colon, value = token.partition(":")
        if colon and not token.startswith('"') and name.isalpha() | ("_" in name):
            return self._named(name, value)
        return _Term(_words(token), alone=True)

    def _named(self, name: str, value: str) -> _Term:
        if name == "from":
            return self._person(value, lambda post, who: post.author_id == who)
        if name == "to":
            return self._person(value, lambda post, who: post.in_reply_to_user_id == who)
        if name == "conversation_id":
            return _Term(lambda post: str(post.conversation_id) == value, alone=True)
        if name == "in_reply_to_tweet_id":
            return _Term(lambda post: str(post.in_reply_to_id) == value, alone=True)
        if name == "lang":
            return _Term(lambda post: post.lang == value.lower(), alone=False)
        if (name == "is" and value in _KINDS) or (name == "has" and value in _HAS):
            return _Term(_IS_AND_HAS[value], alone=False)
        raise Unreadable(
            f"Reference to invalid operator '{name}:{value}'. "
            "Operator is not available in current product or product packaging."
        )

    def _person(self, handle: str, ask: Callable[[Post, int], bool]) -> _Term:
        person = self.find(handle.removeprefix("@"))
        if person is None and handle.isdigit():
            return _Term(lambda post: ask(post, int(handle)), alone=True)
        return _Term(lambda post: person is not None and ask(post, person.id), alone=True)


def _has_entity(kind: str) -> Ask:
    return lambda post: bool(post.entities.get(kind))


_IS_AND_HAS: dict[str, Ask] = {
    "reply": lambda post: post.in_reply_to_id is not None,
    "quote": lambda post: post.quote_of_id is not None,
    "retweet": lambda post: post.repost_of_id is not None,
    "verified": lambda post: False,
    "images": lambda post: bool(post.media_ids),
    "media": lambda post: bool(post.media_ids),
    "links": _has_entity("urls"),
    "mentions": _has_entity("mentions"),
    "hashtags": _has_entity("hashtags"),
    "cashtags": _has_entity("cashtags"),
}


def _tagged(kind: str, tag: str) -> Ask:
    def ask(post: Post) -> bool:
        tags = post.entities.get(kind, []) + (post.note or {}).get("entities", {}).get(kind, [])
        return any(found["tag"].casefold() == tag.casefold() for found in tags)

    return ask


def _words(token: str) -> Ask:
    """Whole words, in order; scripts without spaces are searched inside."""
    wanted = token.strip('"').casefold().strip()
    if not wanted:
        raise Unreadable("an empty phrase")
    spaced = _spaced(wanted) if wanted.isascii() else ""
    if not spaced:
        return lambda post: wanted in post.said.casefold()
    return lambda post: f" {spaced} " in f" {_spaced(post.said.casefold())} "


def _spaced(text: str) -> str:
    return " ".join(re.findall(r"\w+", text))
