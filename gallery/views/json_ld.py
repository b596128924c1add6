"""Describe a creation as JSON-LD (schema.org ImageObject): its author, and that an algorithm made it.

https://developers.google.com/search/docs/appearance/structured-data/image-license-metadata
https://cv.iptc.org/newscodes/digitalsourcetype/
"""

import json

from markupsafe import Markup

from core.text import clip
from gallery.views.creations import CreationView
from gallery.views.formatting import format_iso, model_label
from gallery.views.pictures import PictureView

SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
# Escaped, so that no prompt can end the script element or start a comment in it. JSON reads them the same.
ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def linked_data(creation: CreationView, public_url: str) -> Markup:
    """Return a script element with the data; empty if the creation is not public, or sensitive."""
    if not creation.is_public or creation.sensitive or not creation.pictures:
        return Markup("")
    pictures = [_image_object(creation, picture, public_url) for picture in creation.pictures]
    data = {"@context": "https://schema.org", **(pictures[0] if len(pictures) == 1 else {"@graph": pictures})}
    # `script_json` escapes it.
    return Markup(f'<script type="application/ld+json">{script_json(data)}</script>')  # noqa: S704


def script_json(value: object) -> str:
    """Return JSON that is safe inside a script element."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return "".join(ESCAPES.get(character, character) for character in text)


def digital_source_type(creation: CreationView) -> str:
    """Return the IPTC term for how it was made. With an init image it is a composite."""
    if creation.is_sketch:
        term = "algorithmicMedia"
    elif creation.init_image_key or creation.init_image_url:
        term = "compositeWithTrainedAlgorithmicMedia"
    else:
        term = "trainedAlgorithmicMedia"
    return SOURCE_TYPES + term


def _image_object(creation: CreationView, picture: PictureView, public_url: str) -> dict[str, object]:
    author = creation.person
    page = public_url + creation.path
    data: dict[str, object] = {
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
        "creator": {"@type": "Person", "name": author.display_name, "url": public_url + author.path},
        "creditText": f"prompted by {clip(author.display_name, 80)}, made with {model_label(creation.model)}",
        "digitalSourceType": digital_source_type(creation),
        "dateCreated": format_iso(creation.painted_at or creation.created_at),
        "interactionStatistic": [
            _counter("LikeAction", creation.likes),
            _counter("CommentAction", creation.comments),
        ],
    }
    if creation.parent:
        data["isBasedOn"] = public_url + creation.parent.path
    return data


def _counter(action: str, number: int) -> dict[str, object]:
    return {
        "@type": "InteractionCounter",
        "interactionType": f"https://schema.org/{action}",
        "userInteractionCount": number,
    }
