"""The composer's form: its fields as typed, what is wrong with them, and the generation parameters they mean.

Fields stay text as typed, so that a rejected form gives them back unchanged.
"""

from collections.abc import Mapping
from typing import Annotated

from fastapi import Depends, Request
from pydantic import AfterValidator, Field
from starlette.datastructures import UploadFile

from core.generation_limits import ASPECT_RATIOS, MAX_IMAGES, MAX_SEED, MAX_STEPS, STRENGTHS
from core.models import Creation
from core.prompt_filter import unsafe_category
from core.reason_codes import message_for
from core.styles import FORMER_NAMES, STYLES
from core.text import clean, mark, tidy
from gallery.queries.remix_parent import Parent
from gallery.services.create_creation import PARENT_INIT_IMAGE, PARENT_PICTURE, GenerationParams
from gallery.services.init_images import MAX_FORM_BYTES, UPLOAD_PREFIX
from gallery.services.text_rules import length_error
from gallery.translations import format_number, gettext
from gallery.web.forms import Checkbox, FormModel, parse_form

# More than any prompt may have, and little enough to render again.
MAX_FIELD_LENGTH = 12_000
# Python converts ten digits at once; a million of them would take minutes.
MAX_DIGITS = 10
NUMBER_RANGES = {"count": (1, MAX_IMAGES), "seed": (0, MAX_SEED), "steps": (1, MAX_STEPS)}
CHOICES: dict[str, Mapping[str, object]] = {
    "style": STYLES,
    "aspect_ratio": dict.fromkeys(ASPECT_RATIOS),
    "strength": STRENGTHS,
}
ERROR_MESSAGES = {
    "prompt": mark("Enter a prompt."),
    "style": mark("Unknown style."),
    "aspect_ratio": mark("Unknown aspect ratio."),
    "strength": mark("Pick one of the options."),
    "number": mark("Enter a whole number from %(minimum)s to %(maximum)s."),
}

FieldText = Annotated[str, AfterValidator(lambda text: text[:MAX_FIELD_LENGTH])]


class ComposerForm(FormModel):
    """What a member typed.

    Attributes:
        aspect_ratio: empty for the backend's own.
        init_image: empty, `own:<name>` for an upload, `picture:<position>` of the parent, or `same` as the parent.
        strength: a name of `STRENGTHS`.
        remix: id of the parent.
        reply_on_x: whether the bot also replies on X.
        more: set if the small composer asks for the whole form.
    """

    prompt: FieldText = ""
    negative_prompt: FieldText = ""
    style: Annotated[FieldText, AfterValidator(lambda name: FORMER_NAMES.get(name, name))] = ""
    aspect_ratio: FieldText = ""
    count: Annotated[FieldText, AfterValidator(lambda text: text or "1")] = "1"
    seed: FieldText = ""
    steps: FieldText = ""
    init_image: FieldText = ""
    strength: FieldText = ""
    remix: FieldText = ""
    idempotency_key: FieldText = ""
    reply_on_x: Checkbox = False
    more: FieldText = ""
    file: UploadFile | None = None

    @property
    def shows_more(self) -> bool:
        """Return whether one of the fields that are folded away is used."""
        return bool(self.negative_prompt or self.seed or self.steps)

    def errors(self, prompt_limit: int) -> dict[str, str]:
        """Return a message for each wrong field."""
        errors = {
            "prompt": _prompt_error(self.prompt, prompt_limit)
            or ("" if tidy(self.prompt) else gettext(ERROR_MESSAGES["prompt"])),
            "negative_prompt": _prompt_error(self.negative_prompt, prompt_limit),
            **{name: self._choice_error(name) for name in CHOICES},
            **{name: self._number_error(name) for name in NUMBER_RANGES},
        }
        return {name: message for name, message in errors.items() if message}

    def params(self) -> GenerationParams:
        """Return the generation parameters. Call it only if there are no errors."""
        return GenerationParams(
            prompt=tidy(self.prompt),
            negative_prompt=tidy(self.negative_prompt),
            style=self.style or None,
            aspect_ratio=self.aspect_ratio or None,
            count=_parse_number(self.count) or 1,
            seed=_parse_number(self.seed),
            steps=_parse_number(self.steps),
            strength=STRENGTHS.get(self.strength) if self.init_image else None,
        )

    def prefilled(self, parent: Parent) -> "ComposerForm":
        """Return the form with the parent's prompt and options, if this one brings none of its own.

        A remix starts from the parent's first picture; the strength of the parent belongs to another start.
        """
        own = {name: value for name, value in self if value and (name, value) != ("count", "1")}
        if own.get("init_image", PARENT_INIT_IMAGE) == PARENT_INIT_IMAGE:
            own["init_image"] = PARENT_INIT_IMAGE if parent.has_init_image else ""
        if not self.init_image and parent.picture_keys:
            own |= {"init_image": f"{PARENT_PICTURE}0", "strength": self.strength}
        return form_from_creation(parent.row).model_copy(update=own)

    def _choice_error(self, name: str) -> str:
        value = getattr(self, name)
        return gettext(ERROR_MESSAGES[name]) if value and value not in CHOICES[name] else ""

    def _number_error(self, name: str) -> str:
        text, (minimum, maximum) = getattr(self, name), NUMBER_RANGES[name]
        if not text.strip() or minimum <= (-1 if (number := _parse_number(text)) is None else number) <= maximum:
            return ""
        return gettext(ERROR_MESSAGES["number"], minimum=format_number(minimum), maximum=format_number(maximum))


class RerunForm(FormModel):
    """The form of the buttons that run a creation again. `count`: pictures, 0 for as many as it had."""

    idempotency_key: str = ""
    count: Annotated[int, Field(ge=0, le=MAX_IMAGES)] = 0


class UploadForm(FormModel):
    """An init image."""

    file: UploadFile | None = None


async def form_from_query(request: Request) -> ComposerForm:
    """Return what a link fills in: `/paint?prompt=...&aspect_ratio=16:9`. A link cannot name an upload."""
    names = ComposerForm.model_fields.keys() - {"idempotency_key", "reply_on_x", "more", "file", "next", "token"}
    values = {name: clean(request.query_params[name]) for name in names if name in request.query_params}
    if values.get("init_image", "").startswith(UPLOAD_PREFIX):
        del values["init_image"]
    return ComposerForm(**values)


def form_from_creation(creation: Creation) -> ComposerForm:
    """Return the form with the parameters of a creation, except its seed and its init image."""
    return ComposerForm(
        prompt=creation.prompt,
        negative_prompt=creation.negative_prompt,
        style=creation.style or "",
        aspect_ratio=creation.aspect_ratio or "",
        count=str(creation.count),
        steps="" if creation.steps is None else str(creation.steps),
        strength=next((name for name, strength in STRENGTHS.items() if strength == creation.strength), ""),
        remix=str(creation.id),
    )


ComposerFormDep = Annotated[ComposerForm, Depends(parse_form(ComposerForm, limit="paint", max_bytes=MAX_FORM_BYTES))]
ComposerQueryDep = Annotated[ComposerForm, Depends(form_from_query)]
RerunFormDep = Annotated[RerunForm, Depends(parse_form(RerunForm, limit="paint"))]
UploadFormDep = Annotated[UploadForm, Depends(parse_form(UploadForm, limit="choose", max_bytes=MAX_FORM_BYTES))]


def _prompt_error(text: str, max_length: int) -> str:
    tidied = tidy(text)
    return length_error(tidied, max_length) or (message_for("unsafe") if unsafe_category(tidied) else "")


def _parse_number(text: str) -> int | None:
    digits = text.strip()
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= MAX_DIGITS else None
