"""Build the responses of the API from read models."""

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from operator import attrgetter
from urllib.parse import quote, urlencode

from fastapi import Request, Response
from pydantic_core import to_json

from core.scheduling.eta import Eta
from gallery.queries.boards import BoardView
from gallery.queries.comments import CommentView
from gallery.queries.profiles import Profile
from gallery.translations import current_language
from gallery.views.api_schemas import (
    BoardJson,
    CommentJson,
    CreationJson,
    EtaJson,
    Links,
    PersonJson,
    PictureJson,
    ProfileJson,
    PromptTokensJson,
)
from gallery.views.creations import CreationView, Page, UserView
from gallery.views.formatting import format_iso
from gallery.views.pictures import PictureView
from gallery.web.context import AppContext, get_context

# All values of a creation but its list of pictures, as one tuple.
_values = attrgetter(*(field.name for field in fields(CreationView) if field.name != "pictures"))


def person_json(user: UserView) -> PersonJson:
    """Return an account."""
    return PersonJson(id=str(user.id), username=user.username, name=user.display_name)


def profile_json(context: AppContext, profile: Profile, max_creations: int) -> ProfileJson:
    """Return an account with its totals. `max_creations`: how many are counted at most."""
    user = profile.person
    own = context.address(f"/api/people/{user.path.removeprefix('/@')}")
    return ProfileJson(
        **person_json(user),
        url=context.address(user.path),
        creations=profile.creations if profile.creations <= max_creations else None,
        likes=profile.likes,
        followers=profile.followers,
        following=profile.follows,
        first_seen_at=_iso(user.first_seen_at),
        links={
            "self": own,
            "creations": f"{own}/creations",
            "boards": f"{own}/boards",
            "atom": context.address(f"{user.path}/feed.atom"),
        },
    )


def creation_json(context: AppContext, creation: CreationView) -> CreationJson:
    """Return a creation with its pictures."""
    return CreationJson(
        id=creation.id,
        state=creation.state,
        reason_code=creation.reason_code,
        reason=creation.reason,
        prompt=creation.prompt,
        negative_prompt=creation.negative_prompt,
        aspect_ratio=creation.aspect_ratio,
        steps=creation.steps,
        style=creation.style,
        prompted_by=person_json(creation.person),
        post_id=str(creation.post_id) if creation.post_id is not None else None,
        parent_id=creation.parent_id,
        model=creation.model,
        seed=str(creation.seed),
        painting_seconds=creation.painting_seconds,
        steps_used=creation.steps_used,
        guidance=creation.guidance,
        prompt_tokens=_prompt_tokens(creation),
        ignored_options=creation.ignored_options,
        sensitive=creation.sensitive,
        likes=creation.likes,
        comments=creation.comments,
        remixes=creation.remixes,
        created_at=format_iso(creation.created_at),
        painted_at=_iso(creation.painted_at),
        published_at=_iso(creation.published_at),
        url=context.address(creation.path),
        reply_status=creation.reply_status,
        pictures=[_picture_json(context, picture) for picture in creation.pictures],
        links=_creation_links(context, creation),
    )


def creations_response(request: Request, page: Page, headers: Mapping[str, str] | None = None) -> Response:
    """Return a `CreationsJson`, put together from the cached JSON of its creations."""
    context = get_context(request)
    items = b",".join(_creation_bytes(context, creation) for creation in page.creations)
    after, links = to_json(page.older), to_json(page_links(request, page.older))
    body = b'{"items":[%b],"next":%b,"links":%b}' % (items, after, links)
    return Response(body, media_type="application/json", headers=headers)


def page_links(request: Request, next_cursor: str | None) -> Links:
    """Return links under the site's own public URL: never under the Host that a client claims."""
    query = [(name, value) for name, value in request.query_params.multi_items() if name != "cursor"]
    cursor = request.query_params.get("cursor")
    own_query = [*query, ("cursor", cursor)] if cursor else query
    next_link = _address(request, [*query, ("cursor", next_cursor)]) if next_cursor else None
    return Links(self=_address(request, own_query), next=next_link)


def board_json(context: AppContext, board: BoardView) -> BoardJson:
    """Return a board."""
    own = context.address(f"/api/boards/{board.name}")
    return BoardJson(
        name=board.name,
        title=board.title,
        about=board.about,
        size=board.size,
        owner=person_json(board.person),
        url=context.address(board.path),
        changed_at=format_iso(board.changed_at),
        links={"self": own, "creations": f"{own}/creations", "atom": context.address(f"{board.path}/feed.atom")},
    )


def comment_json(comment: CommentView) -> CommentJson:
    """Return a comment."""
    return CommentJson(
        id=comment.id,
        parent_id=comment.parent_id,
        author=person_json(comment.person) if comment.person else None,
        text=comment.text,
        created_at=format_iso(comment.at),
    )


def eta_json(eta: Eta) -> EtaJson:
    """Return an estimated wait."""
    seconds = None if eta.seconds is None else round(eta.seconds, 1)
    return EtaJson(position=eta.ahead, seconds=seconds, reason=eta.reason)


def _creation_bytes(context: AppContext, creation: CreationView) -> bytes:
    key, values = (creation.id, current_language()), (_values(creation), *creation.pictures)
    return context.json_cache.get(key, values, lambda: to_json(creation_json(context, creation)))


def _address(request: Request, query: list[tuple[str, str]]) -> str:
    path = quote(request.url.path, safe="/@.")
    return get_context(request).address(f"{path}?{urlencode(query, errors='replace')}" if query else path)


def _creation_links(context: AppContext, creation: CreationView) -> dict[str, str]:
    own = f"/api/creations/{creation.id}"
    paths = {"self": own, "comments": f"{own}/comments", "remixes": f"{own}/remixes"}
    paths["person"] = f"/api/people/{creation.person.path.removeprefix('/@')}"
    if creation.parent:
        paths["parent"] = f"/api/creations/{creation.parent.id}"
    return {name: context.address(path) for name, path in paths.items()}


def _prompt_tokens(creation: CreationView) -> PromptTokensJson | None:
    if creation.prompt_tokens_used is None or creation.prompt_tokens_total is None:
        return None
    return PromptTokensJson(used=creation.prompt_tokens_used, total=creation.prompt_tokens_total)


def _picture_json(context: AppContext, picture: PictureView) -> PictureJson:
    return PictureJson(
        url=context.address(picture.url),
        thumb_url=context.address(picture.thumb_url),
        width=picture.width,
        height=picture.height,
        seed=str(picture.seed),
        mime=picture.mime,
        placeholder=picture.placeholder_uri,
        alt=picture.alt,
    )


def _iso(moment: datetime | None) -> str | None:
    return format_iso(moment) if moment else None
