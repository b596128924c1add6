"""Render the composer: the form, its choices and errors, the parent of a remix, and hints beside the button."""

from dataclasses import dataclass, replace
from urllib.parse import quote

from fastapi import HTTPException, Request
from sqlalchemy import Connection
from starlette.responses import Response

from core.generation_limits import ASPECT_RATIOS, MAX_IMAGES, MAX_STEPS
from core.styles import STYLES
from core.text import mark
from gallery.queries.remix_parent import Parent, find_own_post, find_parent
from gallery.queries.run_query import run_query
from gallery.routers.composer_form import ComposerForm
from gallery.services.composer_hints import ComposerHints, describe_wait, load_hints
from gallery.services.init_images import UPLOAD_PREFIX
from gallery.translations import gettext
from gallery.views.pagination import parse_id
from gallery.web.context import AppContext, CreationConfig
from gallery.web.pages import render_page
from gallery.web.users import Member

UPLOADS_PATH = "/uploads"
# What a link can fill in, and a draft too.
DRAFT_FIELDS = (
    "prompt",
    "negative_prompt",
    "style",
    "aspect_ratio",
    "count",
    "seed",
    "steps",
    "init_image",
    "strength",
)
# The longer side of an aspect ratio's outline, in the units of its SVG.
OUTLINE_SIDE = 20


class FieldErrors(dict[str, str]):
    """A message for each wrong field, and an empty one for all others."""

    def __missing__(self, _name: str) -> str:
        return ""


@dataclass(frozen=True)
class AspectRatioChoice:
    """An aspect ratio with the sides of its outline. An empty name is the backend's own."""

    name: str
    width: int
    height: int


@dataclass(frozen=True)
class InitImageChoice:
    """An init image to choose. `url`: a small copy, empty if it is not shown."""

    value: str
    words: str
    url: str = ""


@dataclass(frozen=True)
class ComposerContext:
    """What the page shows beside the form."""

    parent: Parent | None
    hints: ComposerHints
    can_reply_on_x: bool


@dataclass(frozen=True, slots=True)
class FieldLabel:
    """A field's name in the list of errors, and the id of the element that the list links to."""

    label: str
    target: str


@dataclass(frozen=True, slots=True)
class Tweak:
    """A change of the prompt by one click: the label of its button, and the words that it adds."""

    label: str
    words: str


FIELD_LABELS = {
    "prompt": FieldLabel(mark("Prompt"), "paint-prompt"),
    "init_image": FieldLabel(mark("Start image"), "init_image-field"),
    "strength": FieldLabel(mark("How different"), "strength-field"),
    "aspect_ratio": FieldLabel(mark("Aspect ratio"), "aspect_ratio-field"),
    "count": FieldLabel(mark("Pictures"), "count-field"),
    "style": FieldLabel(mark("Style"), "style-field"),
    "negative_prompt": FieldLabel(mark("Leave out"), "negative_prompt"),
    "seed": FieldLabel(mark("Seed"), "seed"),
    "steps": FieldLabel(mark("Steps"), "steps"),
    "reply_on_x": FieldLabel(mark("Reply on X"), "reply_on_x-error"),
}
STYLE_LABELS = {
    "photo": mark("Photo"),
    "cinema": mark("Cinema"),
    "oil": mark("Oil"),
    "watercolor": mark("Watercolor"),
    "ink": mark("Ink"),
    "pencil": mark("Pencil"),
    "woodcut": mark("Woodcut"),
    "poster": mark("Poster"),
    "comic": mark("Comic"),
    "anime": mark("Anime"),
    "pixel": mark("Pixel art"),
    "clay": mark("Clay"),
    "lowpoly": mark("Low poly"),
    "isometric": mark("Isometric"),
}
# What one click adds to the words of a remix, and takes away again.
TWEAKS = (
    Tweak(mark("Lighter"), "bright soft light"),
    Tweak(mark("At night"), "at night"),
    Tweak(mark("In the snow"), "in the snow"),
    Tweak(mark("In the rain"), "in the rain"),
    Tweak(mark("Closer"), "close-up"),
    Tweak(mark("From above"), "seen from above"),
)


async def render_composer(
    request: Request,
    context: AppContext,
    member: Member,
    form: ComposerForm,
    *,
    prefill: bool = False,
    errors: dict[str, str] | None = None,
    status: int = 200,
    code: str = "",
) -> Response:
    """Render the page. `prefill` fills in the parameters of the parent. Raises HTTPException 404 if it is missing.

    Values of a link come before those of a draft, and a form with a prompt before all of it (`filled`).
    """
    config = context.creation_config
    around = await run_query(context.engine, _load_context, member.id, parse_id(form.remix), config)
    if prefill and form.remix and around.parent is None:
        raise HTTPException(404)
    filled = ["prompt"] if errors else [name for name in DRAFT_FIELDS if getattr(form, name) not in {"", "1"}]
    if prefill and around.parent:
        form = form.prefilled(around.parent)
    wait = describe_wait(await context.eta_cache.for_new_creation(member.id))
    return await render_page(
        request,
        "paint.html",
        status=status,
        form=form,
        errors=FieldErrors(errors or {}),
        code=code,
        filled=filled,
        tweaks=TWEAKS if around.parent else (),
        parent=around.parent,
        init_images=_init_image_choices(form, around.parent, member),
        can_reply_on_x=around.can_reply_on_x,
        hints=replace(around.hints, wait=wait),
        limit=config.prompt_limit,
        **CHOICES,
    )


def upload_url(name: str) -> str:
    """Return the address of an uploaded init image, which only its owner may open."""
    return f"{UPLOADS_PATH}/{quote(name.removeprefix(UPLOAD_PREFIX))}"


def _load_context(connection: Connection, member_id: int, parent_id: int, config: CreationConfig) -> ComposerContext:
    parent = find_parent(connection, parent_id, member_id)
    own_post = find_own_post(connection, parent.id, member_id) if parent else None
    hints = load_hints(connection, member_id, config.rules)
    return ComposerContext(parent, hints, own_post is not None)


def _init_image_choices(form: ComposerForm, parent: Parent | None, member: Member) -> list[InitImageChoice]:
    """Return the init images to choose from; the first is none."""
    choices = [InitImageChoice("", gettext("Text only"))]
    if form.init_image.startswith(UPLOAD_PREFIX):
        choices.append(InitImageChoice(form.init_image, gettext("Your upload"), upload_url(form.init_image)))
    if parent is None:
        return choices
    is_blurred = parent.row.sensitive and not member.user.show_sensitive and parent.row.person_id != member.id
    for position, thumb_key in enumerate(parent.thumb_keys):
        words = gettext("Picture %(number)s", number=position + 1) if parent.thumb_keys[1:] else gettext("This picture")
        url = "" if is_blurred else f"/pictures/{quote(thumb_key)}"
        choices.append(InitImageChoice(f"picture:{position}", words, url))
    if parent.has_init_image:
        is_foreign = parent.row.init_image_owner_id not in (None, member.id)
        words = gettext(
            mark("Its original start image, no closer to it") if is_foreign else mark("Its original start image")
        )
        choices.append(InitImageChoice("same", words))
    return choices


def _aspect_ratio_choice(name: str) -> AspectRatioChoice:
    width, height = (int(side) for side in name.split(":"))
    scale = OUTLINE_SIDE / max(width, height)
    return AspectRatioChoice(name, round(scale * width), round(scale * height))


ASPECT_RATIO_CHOICES = (
    AspectRatioChoice("", OUTLINE_SIDE, OUTLINE_SIDE),
    *(_aspect_ratio_choice(name) for name in ASPECT_RATIOS),
)
# What the form offers to everybody.
CHOICES = {
    "aspect_ratios": ASPECT_RATIO_CHOICES,
    "styles": STYLES,
    "style_labels": STYLE_LABELS,
    "max_count": MAX_IMAGES,
    "max_steps": MAX_STEPS,
    "fields": FIELD_LABELS,
}
