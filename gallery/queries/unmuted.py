"""Leave out of a page what the current user mutes.

Rows are filtered after they were read, so statements and cursors stay as they are: the next page begins after the last
row that was read, shown or not.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from core.mutes import Mutes
from gallery.queries.activity import Activity
from gallery.views.creations import CreationView, Page

# A page with fewer pictures than this share reads on, as many times at most: no page costs more than that.
MIN_SHARE, MAX_READS = 0.5, 5


async def load_unmuted(
    load: Callable[[str | None], Awaitable[Page]], mutes: Mutes, *, cursor: str | None, limit: int
) -> Page:
    """Return a page without what is muted. `load` returns the page of `limit` creations after a cursor."""
    page = await load(cursor)
    if not mutes:
        return page
    shown = without_muted(page.creations, mutes)
    for _ in range(MAX_READS - 1):
        if page.older is None or len(shown) >= MIN_SHARE * limit:
            break
        page = await load(page.older)
        shown += without_muted(page.creations, mutes)
    return Page(shown, page.older)


def without_muted(creations: Sequence[CreationView], mutes: Mutes) -> list[CreationView]:
    """Return the creations that are not muted."""
    return [one for one in creations if not mutes.hides(one.person.id, one.prompt, one.style)]


def unmuted_activity(activity: Activity, mutes: Mutes) -> Activity:
    """Return the activity without prompts that are muted."""
    shown = tuple(one for one in activity.creations if not mutes.hides(one.person.id, one.prompt))
    return activity if len(shown) == len(activity.creations) else replace(activity, creations=shown)
