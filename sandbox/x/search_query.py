"""Compile a search query of X to a predicate on posts."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from sandbox.model import Post, User

MAX_DEPTH = 20
FindPerson = Callable[[str], User | None]
Predicate = Callable[[Post], bool]

_TOKEN = re.compile(r'\s*(?P<token>[()]|-?"[^"]*"|-?[^\s()"]+|-(?=\())')
_IS = ("reply", "quote", "retweet", "verified")
_HAS = ("images", "media", "links", "mentions", "hashtags", "cashtags")


class InvalidQuery(Exception):
    """The query is invalid. The text is X's error message."""


@dataclass(frozen=True, slots=True)
class _Term:
    """A part of a query. `alone`: allowed without other operators, unlike is: and has:."""

    matches: Predicate
    alone: bool


def compile_query(query: str, find: FindPerson) -> Predicate:
    parser = _Parser(_tokens(query), find)
    term = parser.parse_or(0)
    if parser.tokens:
        raise InvalidQuery(f"no viable alternative at input '{parser.tokens[0]}'")
    if not term.alone:
        raise InvalidQuery("Rule must contain at least one positive, non-stopword clause")
    return term.matches


def _tokens(query: str) -> list[str]:
    tokens, position, query = [], 0, query.strip()
    while position < len(query):
        match = _TOKEN.match(query, position)
        if match is None or match.end() == position:
            raise InvalidQuery(f"token recognition error at: '{query[position : position + 20]}'")
        tokens.append(match["token"])
        position = match.end()
    return tokens


class _Parser:
    """or := and (OR and)*;  and := operand+;  operand := -? ( "(" or ")" | operator | word )."""

    def __init__(self, tokens: list[str], find: FindPerson) -> None:
        self.tokens, self.find = tokens, find

    def parse_or(self, depth: int) -> _Term:
        if depth > MAX_DEPTH:
            raise InvalidQuery("the query is nested too deeply")
        terms = [self._parse_and(depth)]
        while self.tokens and self.tokens[0] == "OR":
            self.tokens.pop(0)
            terms.append(self._parse_and(depth))
        predicates = [term.matches for term in terms]
        return _Term(lambda post: any(matches(post) for matches in predicates), all(term.alone for term in terms))

    def _parse_and(self, depth: int) -> _Term:
        terms: list[_Term] = []
        while self.tokens and self.tokens[0] not in (")", "OR"):
            term = self._parse_operand(depth)
            if term is not None:
                terms.append(term)
        if not terms:
            raise InvalidQuery("missing EOF or an operator at the end of the query")
        predicates = [term.matches for term in terms]
        return _Term(lambda post: all(matches(post) for matches in predicates), any(term.alone for term in terms))

    def _parse_operand(self, depth: int) -> _Term | None:
        if not self.tokens:
            raise InvalidQuery("nothing to negate")
        token = self.tokens.pop(0)
        if token == "AND":  # noqa: S105 a keyword. X has no AND operator, but users write it
            return None
        if token.startswith("-") and len(token) > 1:
            self.tokens.insert(0, token[1:])
            return self._parse_negation(depth)
        if token == "-":  # noqa: S105
            return self._parse_negation(depth)
        if token == "(":  # noqa: S105
            return self._parse_group(depth)
        return self._parse_operator(token)

    def _parse_negation(self, depth: int) -> _Term:
        term = self._parse_operand(depth + 1)
        if term is None:
            raise InvalidQuery("nothing to negate")
        return _Term(lambda post: not term.matches(post), alone=False)

    def _parse_group(self, depth: int) -> _Term:
        term = self.parse_or(depth + 1)
        if not self.tokens or self.tokens.pop(0) != ")":
            raise InvalidQuery("missing ')'")
        return term

    def _parse_operator(self, token: str) -> _Term:
        if token.startswith("@"):
            return self._user_term(token[1:], lambda post, user_id: user_id in post.mentioned_ids())
        if token.startswith("#"):
            return _Term(_has_tag("hashtags", token[1:]), alone=True)
        if token.startswith("$"):
            return _Term(_has_tag("cashtags", token[1:]), alone=True)
        name, colon, value = token.partition(":")
        if colon and not token.startswith('"') and name.isalpha() | ("_" in name):
            return self._parse_named(name, value)
        return _Term(_contains_words(token), alone=True)

    def _parse_named(self, name: str, value: str) -> _Term:
        if name == "from":
            return self._user_term(value, lambda post, user_id: post.author_id == user_id)
        if name == "to":
            return self._user_term(value, lambda post, user_id: post.in_reply_to_user_id == user_id)
        if name == "conversation_id":
            return _Term(lambda post: str(post.conversation_id) == value, alone=True)
        if name == "in_reply_to_tweet_id":
            return _Term(lambda post: str(post.in_reply_to_id) == value, alone=True)
        if name == "lang":
            return _Term(lambda post: post.lang == value.lower(), alone=False)
        if (name == "is" and value in _IS) or (name == "has" and value in _HAS):
            return _Term(_IS_AND_HAS[value], alone=False)
        raise InvalidQuery(
            f"Reference to invalid operator '{name}:{value}'. "
            "Operator is not available in current product or product packaging."
        )

    def _user_term(self, handle: str, matches: Callable[[Post, int], bool]) -> _Term:
        person = self.find(handle.removeprefix("@"))
        if person is None and handle.isdigit():
            return _Term(lambda post: matches(post, int(handle)), alone=True)
        return _Term(lambda post: person is not None and matches(post, person.id), alone=True)


def _has_entity(kind: str) -> Predicate:
    return lambda post: bool(post.entities.get(kind))


_IS_AND_HAS: dict[str, Predicate] = {
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


def _has_tag(kind: str, tag: str) -> Predicate:
    def matches(post: Post) -> bool:
        tags = post.entities.get(kind, []) + (post.note or {}).get("entities", {}).get(kind, [])
        return any(other["tag"].casefold() == tag.casefold() for other in tags)

    return matches


def _contains_words(token: str) -> Predicate:
    """Match whole words in order; in scripts without spaces, any substring."""
    phrase = token.strip('"').casefold().strip()
    if not phrase:
        raise InvalidQuery("an empty phrase")
    normalized = _normalize_spaces(phrase) if phrase.isascii() else ""
    if not normalized:
        return lambda post: phrase in post.said.casefold()
    return lambda post: f" {normalized} " in f" {_normalize_spaces(post.said.casefold())} "


def _normalize_spaces(text: str) -> str:
    return " ".join(re.findall(r"\w+", text))
