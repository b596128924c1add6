"""Decide which picture a creation begins from: whose it is, how far to go from it, and whether this author may.

the same as its parent   the parent's owner and strength, if the owner still lets others begin from it
a photo of a post        owned by the author of the post that carries it
a picture painted here   if its creation is shown, or their own
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from bot.intent import Intent, ReplyTarget
from core.models import creations
from core.starts import may_begin
from core.x import Post


@dataclass(frozen=True)
class InitImage:
    """The columns of a creation that say what it begins from. Without a start all are empty."""

    start_url: str | None = None
    start_key: str | None = None
    start_owner_id: int | None = None
    strength: float | None = None


def init_image_of(connection: Connection, post: Post, intent: Intent) -> dict[str, Any]:
    """Values of the columns start_url, start_key, start_owner_id, strength and sensitive."""
    parent = _parent(connection, intent.target)
    image = _image(post, intent, parent)
    if not may_begin(connection, image, post.author.id):
        image = InitImage()
    # What is made from a sensitive picture, or from its words, is sensitive, too.
    return vars(image) | {"sensitive": bool(parent and parent.sensitive)}


def _image(post: Post, intent: Intent, parent: Any) -> InitImage:
    if not (intent.init_image_url or intent.init_image_key):
        return InitImage()
    if parent and intent.target and _is_same(intent, intent.target):
        # As it stands now: its owner may have taken it back since the post was judged.
        return InitImage(parent.start_url, parent.start_key, parent.start_owner_id, parent.strength)
    if intent.init_image_url:
        return InitImage(intent.init_image_url, start_owner_id=_photographer(post, intent.init_image_url))
    return InitImage(start_key=intent.init_image_key)


def _is_same(intent: Intent, target: ReplyTarget) -> bool:
    """Whether it begins from what its parent began from."""
    if intent.init_image_url:
        return intent.init_image_url == target.init_image_url
    return intent.init_image_key == target.init_image_key


def _photographer(post: Post, url: str) -> int:
    """The author of the post that carries this photo; whoever asks, if that post did not come along."""
    around = (other for other in (post, post.quoted, post.parent) if other is not None)
    carriers = (other for other in around if any(media.url == url for media in other.media))
    carrier = next(carriers, post)
    return carrier.author.id or post.author.id


def _parent(connection: Connection, target: ReplyTarget | None) -> Any:
    if target is None:
        return None
    return connection.execute(select(creations).where(creations.c.id == target.creation_id)).one_or_none()
