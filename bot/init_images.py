"""Decide which init image a creation starts from, who owns it, and whether this author may use it.

the parent's init image   the parent's owner and strength, if that owner still allows it
a photo of a post         owned by the author of the post that contains it
a picture painted here    if its creation is public, or the author's own
"""

from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, Row, select

from bot.intent import Intent, ReplyTarget
from core.init_image_access import may_use_init_image
from core.models import creations
from core.x import Post


@dataclass(frozen=True)
class InitImage:
    """The columns of a creation that name its init image. All are empty without one."""

    init_image_url: str | None = None
    init_image_key: str | None = None
    init_image_owner_id: int | None = None
    strength: float | None = None


def init_image_of(connection: Connection, post: Post, intent: Intent) -> dict[str, Any]:
    """Return the columns init_image_url, init_image_key, init_image_owner_id, strength and sensitive."""
    parent = _parent(connection, intent.target)
    image = _init_image(post, intent, parent)
    if not may_use_init_image(connection, image, post.author.id):
        image = InitImage()
    # A creation made from a sensitive picture or its prompt is sensitive, too.
    return asdict(image) | {"sensitive": bool(parent and parent.sensitive)}


def _init_image(post: Post, intent: Intent, parent: Row[Any] | None) -> InitImage:
    if not (intent.init_image_url or intent.init_image_key):
        return InitImage()
    if parent and intent.target and _is_parents_image(intent, intent.target):
        # Read the row, not the target: the owner may have deleted the image since the decision.
        return InitImage(parent.init_image_url, parent.init_image_key, parent.init_image_owner_id, parent.strength)
    if intent.init_image_url:
        return InitImage(intent.init_image_url, init_image_owner_id=_photo_owner_id(post, intent.init_image_url))
    return InitImage(init_image_key=intent.init_image_key)


def _is_parents_image(intent: Intent, target: ReplyTarget) -> bool:
    if intent.init_image_url:
        return intent.init_image_url == target.init_image_url
    return intent.init_image_key == target.init_image_key


def _photo_owner_id(post: Post, url: str) -> int:
    """Return the author of the post that contains this photo, or this post's author if X did not include that post."""
    related = (other for other in (post, post.quoted, post.parent) if other is not None)
    containing = (other for other in related if any(media.url == url for media in other.media))
    return next(containing, post).author.id or post.author.id


def _parent(connection: Connection, target: ReplyTarget | None) -> Row[Any] | None:
    if target is None:
        return None
    return connection.execute(select(creations).where(creations.c.id == target.creation_id)).one_or_none()
