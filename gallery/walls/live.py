"""`/live`: Server-Sent Events. Of the wall, or with `?creation=17` of one creation. Knows no SQL.

    hung      {id, html}              a creation came to hang: the <li> of its card
    painting  {html}                  who is painted and who waits: the inside of the strip
    creation  {state, words, ready}   how it stands; `ready`: it waits no more, the page may be fetched anew and the
                                      stream closed (the site itself never ends it for that)

The page names the newest it shows by `?since=<cursor>`; a browser that lost the stream sends Last-Event-ID itself.
204 where nobody more can listen: browsers do not come back then, and the page is as good as without.
"""

from functools import partial

from fastapi import Request
from starlette.responses import Response, StreamingResponse

from gallery import queries
from gallery.house import house_of
from gallery.keyset import read_cursor
from gallery.limits import who_asks
from gallery.signing.visitor import visitor_of
from gallery.walls.hub import Hub, Listener

HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
LONGEST_CURSOR = 100


async def events(request: Request) -> Response:
    """The stream of events for whoever looks."""
    hub, visitor = hub_of(request), await visitor_of(request)
    creation_id = None
    if wanted := request.query_params.get("creation"):
        creation_id = await _watchable(request, wanted)
    who = await who_asks(request)
    if not hub.has_room_for(who) or creation_id == 0:
        return Response(status_code=204, headers={"Cache-Control": "no-store"})
    last = request.headers.get("last-event-id") or request.query_params.get("since", "")
    since = read_cursor(last) if len(last) <= LONGEST_CURSOR else None
    listener = Listener(visitor, since.shown_at if since else None, creation_id, who)
    return StreamingResponse(hub.listen(listener), media_type="text/event-stream", headers=HEADERS)


def hub_of(request: Request) -> Hub:
    """The one of this process who looks for all."""
    hub: Hub = request.app.state.live
    return hub


async def _watchable(request: Request, wanted: str) -> int:
    """The id of a creation that the visitor may see; 0 for none."""
    if not (wanted.isascii() and wanted.isdigit() and len(wanted) < 20):
        return 0
    person = (await visitor_of(request)).person
    question = partial(queries.one_creation, creation_id=int(wanted), viewer_id=person.id if person else None)
    return int(wanted) if await queries.ask(house_of(request).engine, question) else 0
