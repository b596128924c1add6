"""Write a feed as Atom and as JSON Feed, with the same entries.

Entries have `tag:` ids, which stay when the site moves to another path. A sensitive picture is left out: the entry has
the prompt and a link. Feeds hold nothing that only members may see.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from html import escape
from urllib.parse import urlsplit
from xml.etree import ElementTree  # only for writing: it is not safe for parsing

from core.text import clip
from gallery.views.creations import CreationView, Page
from gallery.views.formatting import model_label
from gallery.views.pagination import EPOCH
from gallery.views.xml import add_element, format_rfc3339, serialize

ATOM_MIME, JSON_FEED_MIME = "application/atom+xml", "application/feed+json"
NAMESPACE = "http://www.w3.org/2005/Atom"
MAX_TITLE_LENGTH = 120


@dataclass(frozen=True, slots=True)
class Feed:
    """The content of a feed.

    Attributes:
        path: of the page with the same creations.
        name: part of the id of the feed.
        self_path: of the feed itself.
        next_path: of its next page; empty on the last one.
    """

    title: str
    description: str
    path: str
    name: str
    page: Page
    self_path: str
    next_path: str = ""

    @property
    def updated_at(self) -> datetime:
        """Return when its newest creation became public."""
        return max((creation.published_at for creation in self.page.creations if creation.published_at), default=EPOCH)


@dataclass(frozen=True, slots=True)
class FeedWriter:
    """Writes feeds of one site.

    Attributes:
        public_url: of the site; empty for relative addresses.
        card_path: returns the path of a creation's preview card, empty if it has none.
        card_mime: of these cards.
    """

    public_url: str
    card_path: Callable[[CreationView], str]
    card_mime: str

    def atom(self, feed: Feed) -> bytes:
        """Return the feed as Atom (RFC 4287)."""
        root = ElementTree.Element("feed", {"xmlns": NAMESPACE, "xml:lang": "en"})
        add_element(root, "id", self._tag(feed.name))
        add_element(root, "title", feed.title)
        add_element(root, "subtitle", feed.description)
        add_element(root, "updated", format_rfc3339(feed.updated_at))
        add_element(root, "link", rel="self", type=ATOM_MIME, href=self._address(feed.self_path))
        add_element(root, "link", rel="alternate", type="text/html", href=self._address(feed.path))
        if feed.next_path:
            add_element(root, "link", rel="next", type=ATOM_MIME, href=self._address(feed.next_path))
        add_element(root, "icon", self._address("/favicon.svg"))
        add_element(add_element(root, "author"), "name", "Threadpaint")
        for creation in feed.page.creations:
            self._add_entry(root, creation)
        return serialize(root)

    def json_feed(self, feed: Feed) -> bytes:
        """Return the feed as JSON Feed 1.1 (jsonfeed.org)."""
        body: dict[str, object] = {
            "version": "https://jsonfeed.org/version/1.1",
            "title": feed.title,
            "description": feed.description,
            "home_page_url": self._address(feed.path),
            "feed_url": self._address(feed.self_path),
            "icon": self._address("/favicon.svg"),
            "language": "en",
            "items": [self._item(creation) for creation in feed.page.creations],
        }
        if feed.next_path:
            body["next_url"] = self._address(feed.next_path)
        return json.dumps(body, ensure_ascii=False).encode(errors="replace")

    def _add_entry(self, root: ElementTree.Element, creation: CreationView) -> None:
        published_at = format_rfc3339(creation.published_at or creation.created_at)
        entry = add_element(root, "entry")
        add_element(entry, "id", self._tag(f"creation/{creation.id}"))
        add_element(entry, "title", _title(creation), type="text")
        add_element(entry, "updated", published_at)
        add_element(entry, "published", published_at)
        add_element(entry, "link", rel="alternate", type="text/html", href=self._address(creation.path))
        author = add_element(entry, "author")
        add_element(author, "name", creation.person.display_name)
        add_element(author, "uri", self._address(creation.person.path))
        add_element(entry, "content", self.content_html(creation), type="html")
        if card := self.card_path(creation):
            add_element(entry, "link", rel="enclosure", type=self.card_mime, href=self._address(card))
        for picture in () if creation.sensitive else creation.pictures:
            add_element(entry, "link", rel="enclosure", type=picture.mime, href=self._address(picture.url))

    def _item(self, creation: CreationView) -> dict[str, object]:
        item: dict[str, object] = {
            "id": self._tag(f"creation/{creation.id}"),
            "url": self._address(creation.path),
            "title": _title(creation),
            "content_html": self.content_html(creation),
            "date_published": format_rfc3339(creation.published_at or creation.created_at),
            "authors": [{"name": creation.person.display_name, "url": self._address(creation.person.path)}],
        }
        if creation.pictures and not creation.sensitive:
            # Readers show this image, and many of them read no WebP.
            item["image"] = self._address(self.card_path(creation))
            item["attachments"] = [
                {"url": self._address(picture.url), "mime_type": picture.mime, "title": picture.alt}
                for picture in creation.pictures
            ]
        return item

    def content_html(self, creation: CreationView) -> str:
        """Return the pictures, the prompt and the byline as HTML."""
        parts = []
        for picture in () if creation.sensitive else creation.pictures:
            size = f'width="{picture.width}" height="{picture.height}"'
            parts.append(f'<p><img src="{escape(self._address(picture.url))}" alt="{escape(picture.alt)}" {size}></p>')
        if creation.sensitive:
            parts.append("<p>Marked as sensitive: the picture is on its page.</p>")
        remix = f", remix of a picture by @{escape(creation.parent.person.username)}" if creation.parent else ""
        author, model = escape(creation.person.display_name), escape(model_label(creation.model))
        parts.append(f"<p>{escape(creation.prompt)}</p><p>prompted by {author}{remix}; made with {model}</p>")
        return "".join(parts)

    def _tag(self, name: str) -> str:
        """Return a permanent id (RFC 4151)."""
        return f"tag:{urlsplit(self.public_url).hostname or 'localhost'},2026:{name}"

    def _address(self, path: str) -> str:
        return f"{self.public_url}{path}"


def _title(creation: CreationView) -> str:
    return clip(creation.prompt, MAX_TITLE_LENGTH) or "Untitled"
