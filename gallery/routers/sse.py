"""`/live`: server-sent events of the newest feed, or with `?creation=17` of one creation.

    published {id, html}            a creation became public: the <li> of its card
    activity  {html}                what is being painted and queued: the inside of the activity strip
    unread    {count}               the member's number of unread notifications, up to 100
    creation  {state, text, ready}  its state; after `ready` the page reloads and closes the stream

`?since=<cursor>` names the newest creation on the page. A browser that reconnects sends Last-Event-ID itself.
If there are too many streams, this one ends after its first events, and the browser reconnects later. A creation that
the user cannot see gets 204, after which browsers do not reconnect.
"""

from fastapi import Request
from sqlalchemy import Engine
from starlette.responses import Response, StreamingResponse

from gallery.queries import creations
from gallery.queries.run_query import run_query
from gallery.services.live_updates import LiveHub
from gallery.services.subscribers import Subscriber
from gallery.views.pagination import decode_cursor, parse_id
from gallery.web.dependencies import CurrentUserDep, EngineDep
from gallery.web.pages import page_router
from gallery.web.rate_limits import client_key
from gallery.web.users import CurrentUser

router = page_router()
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
MAX_CURSOR_LENGTH = 100


@router.get("/live")
async def events(
    request: Request, user: CurrentUserDep, engine: EngineDep, creation: str = "", since: str = ""
) -> Response:
    """Stream events to one open page."""
    hub, client = get_live_hub(request), await client_key(request)
    creation_id = parse_id(creation)
    if creation and not await _is_visible(engine, creation_id, user):
        return Response(status_code=204, headers={"Cache-Control": "no-store"})
    subscriber = _subscriber(user, request.headers.get("last-event-id") or since, creation_id, client)
    return StreamingResponse(hub.subscribe(subscriber), media_type="text/event-stream", headers=HEADERS)


def get_live_hub(request: Request) -> LiveHub:
    """Return the hub of this process."""
    hub: LiveHub = request.app.state.live
    return hub


def _subscriber(user: CurrentUser, last_event_id: str, creation_id: int, client: str) -> Subscriber:
    cursor = decode_cursor(last_event_id) if len(last_event_id) <= MAX_CURSOR_LENGTH else None
    return Subscriber(user, cursor.published_at if cursor else None, creation_id or None, client)


async def _is_visible(engine: Engine, creation_id: int, user: CurrentUser) -> bool:
    viewer_id = user.person.id if user.person else None
    return await run_query(engine, creations.find_creation, creation_id, viewer_id=viewer_id) is not None
