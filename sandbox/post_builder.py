"""Build a post's text as X does: leading mentions, escapes, t.co links, entities, and the short form of a long post."""

import hashlib
import html
from collections.abc import Callable
from dataclasses import dataclass, field

from core.twittertext.length import LINK_LENGTH, MAX_POST_LENGTH, weighted_length
from sandbox import text_parser
from sandbox.model import Json, User
from sandbox.text_parser import Piece

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
FindPerson = Callable[[str], User | None]


@dataclass(frozen=True, slots=True)
class AppendedLink:
    """A link that X appends to a text: to its media, or to the quoted post."""

    url: str
    shown: str
    media_keys: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class BuiltText:
    text: str
    entities: Json
    display: list[int]
    note: Json | None


def short_link(*parts: object) -> str:
    """Return a short link, always the same for the same arguments."""
    number = int.from_bytes(hashlib.sha256(repr(parts).encode("utf-8", "replace")).digest()[:8], "big")
    return "https://t.co/" + "".join(_BASE62[number // 62**place % 62] for place in range(10))


class _TextBuilder:
    """Collect text and entities. Offsets are code points of the escaped text, as X counts them."""

    def __init__(self, find: FindPerson, post_id: int) -> None:
        self.find, self.post_id = find, post_id
        self.text = ""
        self.entities: Json = {}

    def add(self, piece: Piece) -> None:
        if piece.kind == "link":
            self._link(piece)
        elif piece.kind == "mention" and (person := self.find(piece.value)):
            self._append_entity("mentions", piece.raw, username=person.username, id=str(person.id))
        elif piece.kind in ("hashtag", "cashtag"):
            self._append_entity(f"{piece.kind}s", piece.raw, tag=piece.value)
        else:
            self.text += html.escape(piece.raw, quote=False)

    def _link(self, piece: Piece) -> None:
        url = short_link(self.post_id, piece.raw)
        self._append_entity(
            "urls",
            url,
            url=url,
            expanded_url=text_parser.expanded_url(piece.raw),
            display_url=text_parser.display_url(piece.raw),
        )

    def _append_entity(self, kind: str, shown: str, **facts: str) -> None:
        start = len(self.text)
        self.text += html.escape(shown, quote=False)
        self.entities.setdefault(kind, []).append({"start": start, "end": len(self.text), **facts})

    def append_link(self, link: AppendedLink) -> None:
        """Append one link, with one entity per image at the same offsets, as X does."""
        url = short_link(self.post_id, link.url)
        self.text += " " if self.text else ""
        start = len(self.text)
        self.text += url
        entity: Json = {"start": start, "end": len(self.text), "url": url}
        entity |= {"expanded_url": link.url, "display_url": link.shown or f"pic.x.com/{url[-10:]}"}
        entities_per_image = [entity | {"media_key": key} for key in link.media_keys]
        self.entities.setdefault("urls", []).extend(entities_per_image or [entity])


def build_text(
    typed_text: str, *, prefix: list[User], links: list[AppendedLink], find: FindPerson, post_id: int, self_url: str
) -> BuiltText:
    """Build the text. If it is longer than 280 behind the prefix, cut it in `text` and return it whole in `note`."""
    body = text_parser.parse_pieces(typed_text)
    long = weighted_length(typed_text) > MAX_POST_LENGTH
    shown = text_parser.cut(body, MAX_POST_LENGTH - LINK_LENGTH - 3) if long else body
    builder = _start_with_mentions(prefix, find, post_id)
    start = len(builder.text)
    for piece in shown:
        builder.add(piece)
    if long:
        builder.text += "…"
        builder.append_link(AppendedLink(self_url, text_parser.display_url(self_url)))
    end = len(builder.text)
    for link in links:
        builder.append_link(link)
    display = [start, end if end > start else len(builder.text)]
    return BuiltText(builder.text, builder.entities, display, _note(body, prefix, find, post_id) if long else None)


def _start_with_mentions(prefix: list[User], find: FindPerson, post_id: int) -> _TextBuilder:
    builder = _TextBuilder(find, post_id)
    for person in prefix:
        builder.add(Piece("mention", f"@{person.username}", person.username))
        builder.text += " "
    return builder


def _note(body: list[Piece], prefix: list[User], find: FindPerson, post_id: int) -> Json:
    builder = _start_with_mentions(prefix, find, post_id)
    for piece in body:
        builder.add(piece)
    return {"text": builder.text} | ({"entities": builder.entities} if builder.entities else {})
