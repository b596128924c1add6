"""The read model of one picture: the addresses of its files, its alt texts and its shape."""

import re
from typing import NamedTuple
from urllib.parse import quote

from core.text import alt_text

CARD_ALT = 200
# Pixels. A picture up to this width serves large frames itself, without a `wide` copy.
MAX_WIDTH_WITHOUT_COPY = 1100
is_url_safe = re.compile(r"[\w./-]+", re.ASCII).fullmatch


class PictureView(NamedTuple):
    """One picture with the keys of its files; sizes in pixels.

    A named tuple: pages build dozens of them, and it is several times cheaper than a dataclass.
    """

    seed: int
    width: int
    height: int
    mime: str
    thumb_width: int
    thumb_height: int
    wide_width: int
    wide_height: int
    stored_placeholder: str
    key: str
    thumb_key: str
    # None if that copy does not exist: AVIF is made after the reply; `wide` only of pictures larger than their thumb.
    thumb_avif_key: str | None
    wide_key: str | None
    wide_avif_key: str | None
    # Of the creation: both are part of the alt text.
    prompt: str
    author: str

    @property
    def url(self) -> str:
        """Return the address of the picture."""
        return file_address(self.key)

    @property
    def thumb_url(self) -> str:
        """Return the address of the small copy."""
        return file_address(self.thumb_key)

    @property
    def thumb_avif_url(self) -> str:
        """Return the address of the small copy in AVIF."""
        return file_address(self.thumb_avif_key)

    @property
    def wide_url(self) -> str:
        """Return the address of the copy for large frames."""
        return file_address(self.wide_key)

    @property
    def wide_avif_url(self) -> str:
        """Return the address of the copy for large frames in AVIF."""
        return file_address(self.wide_avif_key)

    @property
    def has_thumb(self) -> bool:
        """Return whether the small copy is another file than the picture itself."""
        return self.thumb_key != self.key

    @property
    def wide_source(self) -> str:
        """Return the `srcset` entry for large frames: the wide copy, or the picture itself if it is small."""
        if self.wide_key:
            return f"{self.wide_url} {self.wide_width or self.width}w"
        return f"{self.url} {self.width}w" if self.has_thumb and self.width <= MAX_WIDTH_WITHOUT_COPY else ""

    @property
    def webp_sources(self) -> str:
        """Return all WebP files as a `srcset`."""
        small = f"{self.thumb_url} {self.thumb_width}w" if self.has_thumb else ""
        wide = self.wide_source if self.wide_key else ""
        return ", ".join(source for source in (small, wide, f"{self.url} {self.width}w") if source)

    @property
    def avif_sources(self) -> str:
        """Return the AVIF copies as a `srcset`; empty without a small one."""
        if not self.thumb_avif_key:
            return ""
        # Of earlier pictures the large one may still be missing.
        wide = f"{self.wide_avif_url} {self.wide_width}w" if self.wide_avif_key else self.wide_source
        small = f"{self.thumb_avif_url} {self.thumb_width}w"
        return f"{small}, {wide}" if wide else small

    @property
    def is_wider_than_avif(self) -> bool:
        """Return whether the largest AVIF copy has fewer pixels than the picture itself."""
        return bool(self.wide_avif_key) and self.wide_width < self.width

    @property
    def placeholder_uri(self) -> str:
        """Return the tiny copy that shows until the picture is loaded; empty if it is no image as a data URI."""
        return self.stored_placeholder if self.stored_placeholder.startswith("data:image/") else ""

    @property
    def alt(self) -> str:
        """Return the alternative text."""
        return alt_text(self.prompt, self.author)

    @property
    def short_alt(self) -> str:
        """Return the shorter alternative text of cards."""
        return alt_text(self.prompt, self.author, CARD_ALT)

    @property
    def ratio_class(self) -> str:
        """Return `ratio-150` for 3:2, in steps of 5 from 40 to 250: a class of feed.css."""
        return f"ratio-{self._ratio_percent}"

    @property
    def card_sizes(self) -> str:
        """Return the `sizes` of a card: its row is up to 19rem high, on smaller screens up to 15rem or 12rem."""
        ratio = self._ratio_percent / 100
        return f"(min-width: 100rem) {19 * ratio:.0f}rem, (min-width: 40rem) {15 * ratio:.0f}rem, {12 * ratio:.0f}rem"

    @property
    def _ratio_percent(self) -> int:
        return min(250, max(40, 5 * round(20 * self.width / max(1, self.height))))

    @property
    def orientation(self) -> str:
        """Return `tall`, `even` or `wide`: CSS makes tall pictures narrower, so rows have about one height."""
        if self.height > 1.2 * self.width:
            return "tall"
        return "even" if self.height > 0.8 * self.width else "wide"


def file_address(key: str | None) -> str:
    """Return the address of a stored file; empty without a key."""
    if not key:
        return ""
    return f"/pictures/{key}" if is_url_safe(key) else f"/pictures/{quote(key)}"
