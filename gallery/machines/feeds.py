"""Feeds of the walls, in Atom and in JSON Feed 1.1: the same entries in both. Knows no SQL.

An entry's id is a `tag:` address: it stays when the site moves to another path. A sensitive picture comes as words and
a link. What a member alone may see is in no feed.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from html import escape
from typing import Any, Protocol
from urllib.parse import quote, urlencode, urlsplit
from xml.etree import ElementTree  # only written with, never read with

from fastapi import HTTPException, Request
from sqlalchemy import Connection
from starlette.responses import Response

from core.text import clip
from gallery import labels, queries
from gallery.house import House, house_of
from gallery.keyset import EPOCH, After, after_in
from gallery.limits import within_limits
from gallery.machines import found
from gallery.machines.formats import add, answer, moment, xml
from gallery.machines.search import words_in
from gallery.mine import boards
from gallery.previews import PREVIEW_MIME, card_path
from gallery.shown import CreationShown, Page

ENTRIES = 30
TITLE = 120
ATOM, JSON = "application/atom+xml", "application/feed+json"
NAMESPACE = "http://www.w3.org/2005/Atom"


@dataclass(frozen=True, slots=True)
class Feed:
    """What a feed holds. `path`: the page that shows the same; `name`: its place in the ids."""

    title: str
    about: str
    path: str
    name: str
    page: Page

    @property
    def updated(self) -> datetime:
        """When its newest picture was hung."""
        return max((one.shown_at for one in self.page.creations if one.shown_at), default=EPOCH)


def wall(connection: Connection, request: Request, after: After | None) -> Feed:
    """The newest of everybody."""
    page = queries.newest(connection, limit=ENTRIES, after=after)
    return Feed("Threadpaint: new pictures", "The newest pictures on the wall.", "/", "wall", page)


def person(connection: Connection, request: Request, after: After | None) -> Feed | None:
    """The newest of one person."""
    who = queries.person_called(connection, str(request.path_params["handle"]))
    if who is None:
        return None
    page = queries.newest(connection, limit=ENTRIES, after=after, person_id=who.id)
    called = clip(who.called, 60)
    return Feed(f"{called} on Threadpaint", f"Pictures prompted by {called}.", who.path, f"person/{who.id}", page)


def search(connection: Connection, request: Request, after: After | None) -> Feed:
    """What has these words."""
    words = words_in(request)
    page = found.find(connection, words, limit=ENTRIES, after=after).page
    query = urlencode({"q": words})
    about = f"The newest pictures with these words: {words}"
    return Feed(f"Threadpaint: {words or 'search'}", about, f"/search?{query}", f"search?{query}", page)


def board(connection: Connection, request: Request, after: After | None) -> Feed | None:
    """What was put on a board last, where everybody may see it."""
    shown = boards.board_named(connection, str(request.path_params["name"]))
    if shown is None:
        return None
    page = boards.on_board(connection, shown.id, limit=ENTRIES, after=after)
    about = shown.about or f"Pictures that {clip(shown.person.called, 60)} put together."
    return Feed(f"{clip(shown.title, TITLE)} on Threadpaint", about, shown.path, f"board/{shown.id}", page)


class Ask(Protocol):
    """A question for a feed; None where there is nobody and nothing whose it could be."""

    def __call__(self, connection: Connection, request: Request, after: After | None) -> Feed | None: ...


Draw = Callable[[House, Feed, str, str], bytes]


def page_of(ask: Ask, form: str) -> Callable[[Request], Any]:
    """The page of a feed, `form` being `atom` or `json`."""

    async def feed_page(request: Request) -> Response:
        await within_limits(request, "api")
        house, after = house_of(request), after_in(request.query_params)
        feed = await queries.ask(house.engine, partial(ask, request=request, after=after))
        if feed is None:
            raise HTTPException(404)
        here = _with(quote(request.url.path, safe="/@.%"), dict(request.query_params))
        older = _with(quote(request.url.path, safe="/@.%"), {**request.query_params, "cursor": feed.page.older or ""})
        draw, mime = (atom, ATOM) if form == "atom" else (json_feed, JSON)
        body = draw(house, feed, here, older if feed.page.older else "")
        return answer(request, body, f"{mime}; charset=utf-8", changed=feed.updated)

    return feed_page


def _with(path: str, query: dict[str, str]) -> str:
    kept = {name: query[name] for name in ("q", "cursor") if query.get(name)}
    return f"{path}?{urlencode(kept, errors='replace')}" if kept else path


def atom(house: House, feed: Feed, here: str, older: str) -> bytes:
    """As Atom (RFC 4287)."""
    root = ElementTree.Element("feed", {"xmlns": NAMESPACE, "xml:lang": "en"})
    add(root, "id", tag(house, feed.name))
    add(root, "title", feed.title)
    add(root, "subtitle", feed.about)
    add(root, "updated", moment(feed.updated))
    add(root, "link", rel="self", type=ATOM, href=house.address(here))
    add(root, "link", rel="alternate", type="text/html", href=house.address(feed.path))
    if older:
        add(root, "link", rel="next", type=ATOM, href=house.address(older))
    add(root, "icon", house.address("/favicon.svg"))
    add(add(root, "author"), "name", "Threadpaint")
    for creation in feed.page.creations:
        _entry(house, root, creation)
    return xml(root)


def _entry(house: House, root: ElementTree.Element, creation: CreationShown) -> None:
    hung = moment(creation.shown_at or creation.created_at)
    entry = add(root, "entry")
    add(entry, "id", tag(house, f"creation/{creation.id}"))
    add(entry, "title", clip(creation.prompt, TITLE) or "Untitled", type="text")
    add(entry, "updated", hung)
    add(entry, "published", hung)
    add(entry, "link", rel="alternate", type="text/html", href=house.address(creation.path))
    author = add(entry, "author")
    add(author, "name", creation.person.called)
    add(author, "uri", house.address(creation.person.path))
    add(entry, "content", content(house, creation), type="html")
    if preview := card_path(creation):
        add(entry, "link", rel="enclosure", type=PREVIEW_MIME, href=house.address(preview))
    for picture in () if creation.sensitive else creation.pictures:
        add(entry, "link", rel="enclosure", type=picture.mime, href=house.address(picture.url))


def json_feed(house: House, feed: Feed, here: str, older: str) -> bytes:
    """As JSON Feed 1.1 (jsonfeed.org)."""
    body: dict[str, Any] = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": feed.title,
        "description": feed.about,
        "home_page_url": house.address(feed.path),
        "feed_url": house.address(here),
        "icon": house.address("/favicon.svg"),
        "language": "en",
        "items": [_item(house, creation) for creation in feed.page.creations],
    }
    if older:
        body["next_url"] = house.address(older)
    return json.dumps(body, ensure_ascii=False).encode(errors="replace")


def _item(house: House, creation: CreationShown) -> dict[str, Any]:
    item: dict[str, Any] = {
        "id": tag(house, f"creation/{creation.id}"),
        "url": house.address(creation.path),
        "title": clip(creation.prompt, TITLE) or "Untitled",
        "content_html": content(house, creation),
        "date_published": moment(creation.shown_at or creation.created_at),
        "authors": [{"name": creation.person.called, "url": house.address(creation.person.path)}],
    }
    if creation.pictures and not creation.sensitive:
        # Programs draw this one, and many of them read no WebP.
        item["image"] = house.address(card_path(creation))
        item["attachments"] = [
            {"url": house.address(one.url), "mime_type": one.mime, "title": one.alt} for one in creation.pictures
        ]
    return item


def content(house: House, creation: CreationShown) -> str:
    """An entry as HTML, for readers that know nothing of the site: pictures, the whole prompt, where it comes from."""
    parts = []
    for one in () if creation.sensitive else creation.pictures:
        size = f'width="{one.width}" height="{one.height}"'
        parts.append(f'<p><img src="{escape(house.address(one.url))}" alt="{escape(one.alt)}" {size}></p>')
    if creation.sensitive:
        parts.append("<p>Marked as sensitive: the picture is on its page.</p>")
    after = f", after a picture by @{escape(creation.parent.person.username)}" if creation.parent else ""
    by, medium = escape(creation.person.called), escape(labels.medium(creation.model))
    parts.append(f"<p>{escape(creation.prompt)}</p><p>prompted by {by}{after}; painted with {medium}</p>")
    return "".join(parts)


def tag(house: House, name: str) -> str:
    """An id that never changes (RFC 4151). A site without a public address is named `localhost` in it."""
    return f"tag:{urlsplit(house.public_url).hostname or 'localhost'},2026:{name}"
