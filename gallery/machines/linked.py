"""Linked data of a creation (schema.org ImageObject): who prompted it, and that a machine painted it. Knows no page.

https://developers.google.com/search/docs/appearance/structured-data/image-license-metadata
https://cv.iptc.org/newscodes/digitalsourcetype/
"""

from typing import Any

from markupsafe import Markup

from core.text import clip
from gallery import labels
from gallery.machines.formats import json_in_page
from gallery.shown import CreationShown, PictureShown

SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"


def linked_data(creation: CreationShown, public_url: str) -> Markup:
    """A script element with data, which no browser runs; empty where there is nothing to show to everybody."""
    if not creation.hangs or creation.sensitive or not creation.pictures:
        return Markup("")
    pictures = [_picture(creation, one, public_url) for one in creation.pictures]
    data = {"@context": "https://schema.org", **(pictures[0] if len(pictures) == 1 else {"@graph": pictures})}
    # Escaped within: see json_in_page.
    return Markup(f'<script type="application/ld+json">{json_in_page(data)}</script>')  # noqa: S704


def source_type(creation: CreationShown) -> str:
    """How it came to be, in the words of the IPTC. What started from a picture is a composite of it."""
    if creation.is_sketch:
        kind = "algorithmicMedia"
    elif creation.start_key or creation.start_url:
        kind = "compositeWithTrainedAlgorithmicMedia"
    else:
        kind = "trainedAlgorithmicMedia"
    return SOURCE_TYPES + kind


def _picture(creation: CreationShown, picture: PictureShown, public_url: str) -> dict[str, Any]:
    author = creation.person
    page = public_url + creation.path
    told: dict[str, Any] = {
        "@type": "ImageObject",
        "name": clip(creation.prompt, 110) or "Untitled",
        "description": picture.alt,
        "contentUrl": public_url + picture.url,
        "thumbnailUrl": public_url + picture.thumb_url,
        "url": page,
        "mainEntityOfPage": page,
        "width": picture.width,
        "height": picture.height,
        "encodingFormat": picture.mime,
        "creator": {"@type": "Person", "name": author.called, "url": public_url + author.path},
        "creditText": f"prompted by {clip(author.called, 80)}, painted with {labels.medium(creation.model)}",
        "digitalSourceType": source_type(creation),
        "dateCreated": labels.iso(creation.painted_at or creation.created_at),
        "interactionStatistic": [
            _count("LikeAction", creation.likes),
            _count("CommentAction", creation.comments),
        ],
    }
    if creation.parent:
        told["isBasedOn"] = public_url + creation.parent.path
    return told


def _count(action: str, number: int) -> dict[str, Any]:
    return {
        "@type": "InteractionCounter",
        "interactionType": f"https://schema.org/{action}",
        "userInteractionCount": number,
    }
