"""Turns typed words into X's text: prefix, escapes, t.co links, entities, the cut of long posts. Knows no storage."""

import hashlib
import html
from collections.abc import Callable
from dataclasses import dataclass, field

from sandbox import texts
from sandbox.model import Json, Person
from sandbox.texts import Piece

_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
FindPerson = Callable[[str], Person | None]


@dataclass(frozen=True, slots=True)
class Tail:
    """A link X hangs behind a text by itself: pictures, or the quoted post."""

    url: str
    shown: str
    media_keys: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Written:
    text: str
    entities: Json
    display: list[int]
    note: Json | None


def t_co(*of: object) -> str:
    """The same link under the same post always gets the same short one."""
    number = int.from_bytes(hashlib.sha256(repr(of).encode("utf-8", "replace")).digest()[:8], "big")
    return "https://t.co/" + "".join(_LETTERS[number // 62**place % 62] for place in range(10))


class _Line:
    """A text under construction. Offsets are code points of the escaped text, as X counts them."""

    def __init__(self, find: FindPerson, post_id: int) -> None:
        self.find, self.post_id = find, post_id
        self.text = ""
        self.entities: Json = {}

    def add(self, piece: Piece) -> None:
        if piece.kind == "link":
            self._link(piece)
        elif piece.kind == "mention" and (person := self.find(piece.value)):
            self._mark("mentions", piece.raw, username=person.username, id=str(person.id))
        elif piece.kind in ("hashtag", "cashtag"):
            self._mark(f"{piece.kind}s", piece.raw, tag=piece.value)
        else:
            self.text += html.escape(piece.raw, quote=False)

    def _link(self, piece: Piece) -> None:
        url = t_co(self.post_id, piece.raw)
        self._mark(
            "urls", url, url=url, expanded_url=texts.full_link(piece.raw), display_url=texts.shown_link(piece.raw)
        )

    def _mark(self, kind: str, shown: str, **facts: str) -> None:
        start = len(self.text)
        self.text += html.escape(shown, quote=False)
        self.entities.setdefault(kind, []).append({"start": start, "end": len(self.text), **facts})

    def hang(self, tail: Tail) -> None:
        """One link in the text, but one entity for each picture, all at the same place: X does it so."""
        url = t_co(self.post_id, tail.url)
        self.text += " " if self.text else ""
        start = len(self.text)
        self.text += url
        entity: Json = {"start": start, "end": len(self.text), "url": url}
        entity |= {"expanded_url": tail.url, "display_url": tail.shown or f"pic.x.com/{url[-10:]}"}
        each = [entity | {"media_key": key} for key in tail.media_keys]
        self.entities.setdefault("urls", []).extend(each or [entity])


def write(
    said: str, *, prefix: list[Person], tails: list[Tail], find: FindPerson, post_id: int, self_url: str
) -> Written:
    """The prefix is free; what weighs more than 280 behind it is cut in `text` and stands whole in `note`."""
    body = texts.pieces(said)
    long = texts.weight(body) > texts.MAX_WEIGHT
    shown = texts.cut(body, texts.MAX_WEIGHT - texts.LINK_WEIGHT - 3) if long else body
    line = _begin(prefix, find, post_id)
    start = len(line.text)
    for piece in shown:
        line.add(piece)
    if long:
        line.text += "…"
        line.hang(Tail(self_url, texts.shown_link(self_url)))
    end = len(line.text)
    for tail in tails:
        line.hang(tail)
    display = [start, end if end > start else len(line.text)]
    return Written(line.text, line.entities, display, _note(body, prefix, find, post_id) if long else None)


def _begin(prefix: list[Person], find: FindPerson, post_id: int) -> _Line:
    line = _Line(find, post_id)
    for person in prefix:
        line.add(Piece("mention", f"@{person.username}", person.username))
        line.text += " "
    return line


def _note(body: list[Piece], prefix: list[Person], find: FindPerson, post_id: int) -> Json:
    line = _begin(prefix, find, post_id)
    for piece in body:
        line.add(piece)
    return {"text": line.text} | ({"entities": line.entities} if line.entities else {})
