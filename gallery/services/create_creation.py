"""Create a creation in the gallery: once per sent form, and only if the usage rules allow it.

    lock the member | sent before? | allowed now? | parent, init image, post to reply to | row

All in one transaction: two tabs with one picture left today create one.
"""

import hashlib
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection, Engine, Select, or_, select
from sqlmodel import Session

from core.clock import now
from core.database import write_session
from core.generation_limits import random_seed
from core.imaging import EXTENSION
from core.init_image_access import allowed_strength
from core.models import Creation, State, creations, people, posts, watched_posts
from core.scheduling.fair_queue import next_rank
from core.storage import Storage
from core.text import mark
from core.upload_store import UploadStore
from core.usage import A_DAY, count_replies_by_conversation, load_usage
from gallery.queries.remix_parent import Parent, find_own_post, find_parent
from gallery.services.composer_policy import ComposerPolicy, Rejected, ensure_may_create
from gallery.services.init_images import UPLOAD_PREFIX
from gallery.translations import gettext

# Double clicks, and connections that broke and are tried again.
REPEAT_WINDOW = timedelta(minutes=2)
INIT_IMAGE_GONE = mark("This picture is gone. Choose it again.")
PARENT_INIT_IMAGE, PARENT_PICTURE = "same", "picture:"


@dataclass(frozen=True)
class GenerationParams:
    """What to generate. None leaves a value to the backend."""

    prompt: str
    negative_prompt: str = ""
    style: str | None = None
    aspect_ratio: str | None = None
    count: int = 1
    seed: int | None = None
    steps: int | None = None
    strength: float | None = None


@dataclass(frozen=True)
class CreateCreation:
    """A request for a creation.

    Attributes:
        params: None for a re-run, which takes the parent's parameters with a new seed.
        init_image: empty, `own:<name>` for an upload, `picture:<position>` of the parent, or `same` as the parent.
        reply_on_x: whether the bot also replies to the member's own post.
        rerun_count: pictures of a re-run; 0 for as many as the parent has.
    """

    person_id: int
    idempotency_key: str
    params: GenerationParams | None = None
    parent_id: int | None = None
    init_image: str = ""
    reply_on_x: bool = False
    rerun_count: int = 0


def create_creation(
    request: CreateCreation, *, engine: Engine, storage: Storage, uploads: UploadStore, policy: ComposerPolicy
) -> int:
    """Create a queued creation. Return its id, or that of the one this request created before. Raises Rejected."""
    upload = _read_upload(request, uploads)
    with write_session(engine) as session:
        connection = session.connection()
        connection.execute(_lock_member(request.person_id))
        existing_id, key = _find_repeat(connection, request.idempotency_key)
        if existing_id is not None:
            return existing_id
        usage = load_usage(connection, [request.person_id], policy.now - A_DAY)[request.person_id]
        ensure_may_create(request.person_id, usage, policy)
        creation = _build_creation(request, key, _load_parent(connection, request))
        if request.reply_on_x:
            creation.reply_to_post_id = _post_to_reply_to(connection, request, policy)
        if upload is not None:
            creation.init_image_url, creation.init_image_key = None, storage.put(upload, EXTENSION)
            creation.init_image_owner_id = request.person_id
        creation_id = _insert(session, creation)
    uploads.delete(request.person_id, request.init_image.removeprefix(UPLOAD_PREFIX))
    return creation_id


def build_idempotency_key(person_id: int, *parts: object) -> str:
    """Return a key for one form of one member: the same content from the same page is the same request."""
    content = "\n".join(str(part) for part in (person_id, *parts))
    return "form:" + hashlib.sha256(content.encode()).hexdigest()[:40]


def _read_upload(request: CreateCreation, uploads: UploadStore) -> bytes | None:
    """Return the upload to start from. It is read before any row is locked."""
    if not request.init_image.startswith(UPLOAD_PREFIX):
        return None
    upload = uploads.get(request.person_id, request.init_image.removeprefix(UPLOAD_PREFIX))
    if upload is None:
        raise Rejected("no_start_picture", gettext(INIT_IMAGE_GONE), field="init_image")
    return upload


def _insert(session: Session, creation: Creation) -> int:
    creation.queue_rank = next_rank(session.connection(), creation.person_id)
    session.add(creation)
    session.flush()
    return int(creation.id or 0)


def _post_to_reply_to(connection: Connection, request: CreateCreation, policy: ComposerPolicy) -> int:
    """Return the member's own post. Raises Rejected if there is none, or its conversation has enough replies."""
    post_id = find_own_post(connection, request.parent_id, request.person_id)
    if post_id is None:
        raise Rejected("x_post_gone", gettext("You have no post left to reply to."), field="reply_on_x")
    conversation = connection.execute(select(posts.c.conversation_id).where(posts.c.id == post_id)).scalar()
    if conversation and not _is_watched(connection, conversation, post_id):
        replies = count_replies_by_conversation(connection, [conversation], policy.now - A_DAY).get(conversation, 0)
        if replies >= policy.rules.conversation_limit:
            message = gettext(
                "The bot has replied often enough in this conversation. You can paint without a reply on X."
            )
            raise Rejected("conversation", message, field="reply_on_x")
    return post_id


def _lock_member(person_id: int) -> Select[tuple[int]]:
    """On PostgreSQL the second of two tabs waits here. SQLite has one writer at a time anyway."""
    return select(people.c.id).where(people.c.id == person_id).with_for_update(key_share=True)


def _find_repeat(connection: Connection, key: str) -> tuple[int | None, str]:
    """Return the creation that this key created within REPEAT_WINDOW, or else the key for a new one.

    A member who sends the same page again later wants another creation.
    """
    stmt = select(creations.c.id, creations.c.created_at)
    while row := connection.execute(stmt.where(creations.c.idempotency_key == key)).first():
        if row.created_at > now() - REPEAT_WINDOW:
            return int(row.id), key
        key = build_idempotency_key(row.id, key)
    return None, key


def _load_parent(connection: Connection, request: CreateCreation) -> Parent | None:
    if request.parent_id is None:
        return None
    parent = find_parent(connection, request.parent_id, request.person_id)
    if parent is None:
        raise Rejected("nothing_there", gettext("The picture you were remixing was removed."), status=404)
    return parent


def _build_creation(request: CreateCreation, key: str, parent: Parent | None) -> Creation:
    params = request.params or _params_of_parent(parent, request.rerun_count)
    init_image_url, init_image_key = _init_image(request, parent)
    return Creation(
        person_id=request.person_id,
        idempotency_key=key,
        parent_id=parent.id if parent else None,
        prompt=params.prompt,
        negative_prompt=params.negative_prompt,
        count=params.count,
        aspect_ratio=params.aspect_ratio,
        style=params.style,
        steps=params.steps,
        seed=random_seed() if params.seed is None else params.seed,
        init_image_url=init_image_url,
        init_image_key=init_image_key,
        init_image_owner_id=_init_image_owner(request, parent),
        strength=_strength(request, parent, params),
        # A remix of a sensitive picture, or of its prompt, is sensitive too.
        sensitive=bool(parent and parent.row.sensitive),
        state=State.QUEUED,
        next_attempt_at=now(),
    )


def _params_of_parent(parent: Parent | None, count: int) -> GenerationParams:
    if parent is None:
        raise Rejected("nothing_there", gettext("There is no picture here to run again."), status=404)
    row = parent.row
    return GenerationParams(
        prompt=row.prompt,
        negative_prompt=row.negative_prompt,
        style=row.style,
        aspect_ratio=row.aspect_ratio,
        count=count or row.count,
        steps=row.steps,
        strength=row.strength,
    )


def _init_image_owner(request: CreateCreation, parent: Parent | None) -> int | None:
    """Return who uploaded the parent's init image, if this creation uses it too."""
    is_same = parent is not None and parent.has_init_image and request.init_image == PARENT_INIT_IMAGE
    return parent.row.init_image_owner_id if parent and is_same else None


def _strength(request: CreateCreation, parent: Parent | None, params: GenerationParams) -> float | None:
    """Return how far the result may go from the init image.

    An upload is shown to no other user, so other members' creations stay at least as far from it as the parent.
    """
    if parent is None or request.init_image != PARENT_INIT_IMAGE:
        return params.strength
    if not parent.has_init_image:
        return None
    return allowed_strength(request.person_id, parent.row.init_image_owner_id, params.strength, parent.row.strength)


def _init_image(request: CreateCreation, parent: Parent | None) -> tuple[str | None, str | None]:
    """Return the URL and the key of the parent's picture or init image to start from."""
    if parent is None or not request.init_image or request.init_image.startswith(UPLOAD_PREFIX):
        return None, None
    if request.init_image == PARENT_INIT_IMAGE:
        if request.params is not None and not parent.has_init_image:
            raise Rejected("no_start_picture", gettext(INIT_IMAGE_GONE), field="init_image")
        return parent.row.init_image_url, parent.row.init_image_key
    position = request.init_image.removeprefix(PARENT_PICTURE)
    is_position = position.isascii() and position.isdigit() and len(position) < 3
    if not (is_position and int(position) < len(parent.picture_keys)):
        raise Rejected("no_start_picture", gettext(INIT_IMAGE_GONE), field="init_image")
    return None, parent.picture_keys[int(position)]


def _is_watched(connection: Connection, conversation: int, post_id: int) -> bool:
    """Return whether the post is a reply to a watched post, where the limit does not apply."""
    replied_to = select(posts.c.in_reply_to_id).where(posts.c.id == post_id).scalar_subquery()
    stmt = select(watched_posts.c.post_id).where(
        or_(watched_posts.c.post_id == conversation, watched_posts.c.post_id == replied_to)
    )
    return connection.execute(stmt.limit(1)).first() is not None
