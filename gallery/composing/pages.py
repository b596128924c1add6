"""The composer's pages: the form, what comes of it, one click for the same again, and pictures chosen to start from.

Knows no SQL; what may be painted is decided by `rules.py` and `writing.py`.
"""

from fastapi import HTTPException, Request
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.responses import JSONResponse, Response

from core.clock import now
from core.errors import TryLater
from core.imaging import MIME
from core.money.budget import room_for_work
from gallery.composing import starts
from gallery.composing.rules import NotNow, Terms
from gallery.composing.view import draw_composer
from gallery.composing.wishes import Typed, typed_in, typed_in_address, wish_of
from gallery.composing.writing import Desk, Order, once_of
from gallery.forms import done, form_of, text_of, wants_json
from gallery.house import House, house_of
from gallery.limits import within_limits
from gallery.numbers import number_in
from gallery.signing.visitor import Member, member_of

NO_STORE = {"Cache-Control": "no-store"}
AWAY = "The house cannot reach its pictures just now. Your words are kept here; try again in a moment."


async def composer(request: Request) -> Response:
    """The form: empty, or filled in after another creation or by a link."""
    member = await member_of(request)
    return await draw_composer(request, member, typed_in_address(request.query_params), fresh=True)


async def paint(request: Request) -> Response:
    """Have painted what the form says, or say beside its fields why not."""
    member = await member_of(request)
    form = await form_of(request, "paint", most_bytes=starts.LARGEST_FORM)
    typed = typed_in(form)
    if text_of(form, "more"):
        return await draw_composer(request, member, typed)
    house = house_of(request)
    typed, errors = await _with_file(request, member, form, typed)
    wish, wrong = wish_of(typed, house.workshop.prompt_limit)
    if wish is None or errors:
        return await _refuse(request, member, typed, {**wrong, **errors}, 422)
    parent_id = number_in(typed.remix) or None
    once = once_of(member.id, _nonce(form), typed.once, wish, parent_id, typed.start, typed.on_x)
    order = Order(member.id, once, wish, parent_id, typed.start, typed.on_x)
    return await _order(request, member, form, order, typed)


async def again(request: Request) -> Response:
    """The same words and options once more, with a new seed."""
    member = await member_of(request)
    form = await form_of(request, "paint")
    parent_id = number_in(str(request.path_params["creation_id"]))
    once = once_of(member.id, _nonce(form), text_of(form, "once")[:100], "again", parent_id)
    order = Order(member.id, once, None, parent_id, start="same")
    return await _order(request, member, form, order, Typed(remix=str(parent_id), start="same"))


async def choose(request: Request) -> Response:
    """Take a picture to start from at once, for the script of the composer; without it the file comes with the form."""
    member = await member_of(request)
    form = await form_of(request, "choose", most_bytes=starts.LARGEST_FORM)
    file = starts.file_in(form)
    try:
        if file is None:
            raise NotNow("no_start_picture", starts.WORDS["no_start_picture"], field=starts.FIELD)
        name = await starts.keep(house_of(request).workshop.uploads, member.id, file)
    except NotNow as no:
        return JSONResponse({"errors": {no.field: no.words}}, no.status, NO_STORE)
    return JSONResponse({"start": name, "url": _address_of(name)}, headers=NO_STORE)


async def chosen(request: Request) -> Response:
    """A picture that this member chose, for themselves alone."""
    member = await member_of(request)
    uploads, name = house_of(request).workshop.uploads, str(request.path_params["name"])
    data = await run_in_threadpool(uploads.get, member.id, name)
    if data is None:
        raise HTTPException(404)
    return Response(data, media_type=MIME, headers={"Cache-Control": "private, max-age=3600"})


async def _with_file(request: Request, member: Member, form: FormData, typed: Typed) -> tuple[Typed, dict[str, str]]:
    """What was typed with the file that came along in place of what was chosen before, or why it cannot be taken."""
    file = starts.file_in(form)
    if file is None:
        return typed, {}
    await within_limits(request, "choose")
    try:
        name = await starts.keep(house_of(request).workshop.uploads, member.id, file)
    except NotNow as no:
        return typed, {no.field: no.words}
    return typed.starting(name), {}


async def _order(request: Request, member: Member, form: FormData, order: Order, typed: Typed) -> Response:
    house = house_of(request)
    try:
        creation_id = await run_in_threadpool(_write, house, order)
    except NotNow as no:
        if no.code == "nothing_there":
            raise HTTPException(404) from no
        return await _refuse(request, member, typed, {no.field: no.words}, no.status, code=no.code)
    except TryLater:
        return await _refuse(request, member, typed, {"form": AWAY}, 503, code="storage")
    path = f"/c/{creation_id}"
    # Not before the answer is sent: a queue that is away takes seconds to say so.
    response = done(request, form, path, id=creation_id, url=path)
    response.background = BackgroundTask(house.workshop.tell_the_line)
    return response


def _write(house: House, order: Order) -> int:
    shop, moment = house.workshop, now()
    reached = room_for_work(house.engine, shop.money, moment).reached
    return Desk(house.engine, house.storage, shop.uploads, Terms(shop.rules, moment, reached)).write(order)


async def _refuse(
    request: Request, member: Member, typed: Typed, errors: dict[str, str], status: int, *, code: str = ""
) -> Response:
    if wants_json(request):
        return JSONResponse({"errors": errors}, status, NO_STORE)
    fresh = not typed.prompt and bool(typed.remix)  # one click for the same again brings no words of its own
    return await draw_composer(request, member, typed, fresh=fresh, errors=errors, status=status, code=code)


def _nonce(form: FormData) -> str:
    """What is another one on every page that was drawn: the salt of the form's token."""
    return text_of(form, "token")[:100]


def _address_of(name: str) -> str:
    return f"/paint/start/{name.removeprefix(starts.OWN)}"
