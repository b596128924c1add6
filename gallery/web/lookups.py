"""Dependencies that load what a path names, or answer 404."""

from typing import Annotated

from fastapi import Depends, HTTPException

from gallery.queries import creations
from gallery.queries.profiles import Profile, find_profile
from gallery.queries.run_query import run_query
from gallery.views.creations import CreationView, UserView
from gallery.web.dependencies import CreationId, CurrentUserDep, EngineDep


async def get_creation_or_404(creation_id: CreationId, engine: EngineDep) -> CreationView:
    """Return a public creation. Raises HTTPException: 404, or 410 if it was deleted."""
    creation = await run_query(engine, creations.find_creation, creation_id=creation_id)
    if creation is None or not (creation.published_at or creation.deleted_at):
        raise HTTPException(404)
    if creation.deleted_at:
        raise HTTPException(410)
    return creation


async def get_visible_creation_or_404(creation_id: CreationId, user: CurrentUserDep, engine: EngineDep) -> CreationView:
    """Return a creation in any state that the current user may see. Raises HTTPException: 404, or 410 if deleted."""
    viewer_id = user.person.id if user.person else None
    creation = await run_query(engine, creations.find_creation, creation_id, viewer_id=viewer_id)
    if creation is None:
        raise HTTPException(404)
    if creation.deleted_at:
        raise HTTPException(410)
    return creation


async def get_user_or_404(handle: str, engine: EngineDep) -> UserView:
    """Return the user with this handle. Raises HTTPException 404."""
    user = await run_query(engine, creations.find_user_by_handle, handle=handle)
    if user is None:
        raise HTTPException(404)
    return user


async def get_profile_or_404(handle: str, engine: EngineDep) -> Profile:
    """Return the user with this handle and their totals. Raises HTTPException 404."""
    profile = await run_query(engine, find_profile, handle=handle)
    if profile is None:
        raise HTTPException(404)
    return profile


VisibleCreationDep = Annotated[CreationView, Depends(get_visible_creation_or_404)]
PublicCreationDep = Annotated[CreationView, Depends(get_creation_or_404)]
UserDep = Annotated[UserView, Depends(get_user_or_404)]
ProfileDep = Annotated[Profile, Depends(get_profile_or_404)]
