"""Build the intents that start from a picture of the bot: a re-run, or a remix with an edit."""

from dataclasses import replace

from bot.intent.edits import PictureEdit, parse_edit
from bot.intent.options import Options
from bot.intent.parsed_post import ParsedPost
from bot.intent.types import AGAIN, REMIX, Intent, ReplyTarget
from core.generation_limits import MAX_IMAGES

Correction = tuple[str, str, str]


def parse_rerun_or_remix(target: ReplyTarget, parsed: ParsedPost) -> Intent | None:
    """Parse words in a reply to a picture. Return None if they do not mean the picture."""
    if target.is_text:
        return None
    if not parsed.utterance.text:
        has_options = target.is_bot_reply and parsed.options != Options()
        return rerun(target, parsed) if has_options else None
    edit = parse_edit(parsed.utterance)
    if edit is None or not (target.is_bot_reply or edit.is_unambiguous):
        return None
    if edit.is_rerun and edit.picture_number is None:
        return rerun(target, parsed, count=edit.count)
    return remix(target, edit, parsed)


def rerun(target: ReplyTarget, parsed: ParsedPost, count: int | None = None) -> Intent:
    """Return the same prompt with a new seed."""
    photo = parsed.photo_url
    options = replace(parsed.options, count=parsed.options.count or _clamp_count(count))
    return parsed.intent(
        AGAIN,
        target.prompt,
        options.merged_over(target.options),
        target=target,
        init_image_url=photo or target.init_image_url,
        init_image_key=None if photo else target.init_image_key,
    )


def remix(target: ReplyTarget, edit: PictureEdit, parsed: ParsedPost) -> Intent:
    """Return the edited prompt. Init image: the post's own photo, else the picture that it names, else the first."""
    photo = parsed.photo_url
    index, corrections = _picture_index(edit.picture_number, len(target.picture_keys))
    options = parsed.options.merged_over(target.options)
    negative = ", ".join(part for part in (options.negative, edit.negative) if part) or None
    options = replace(options, negative=negative, corrections=options.corrections + corrections)
    key = target.picture_keys[index] if target.picture_keys and not photo else None
    prompt = edit.added_text if target.deleted else append_text(target.prompt, edit.added_text)
    return parsed.intent(REMIX, prompt, options, target=target, init_image_url=photo, init_image_key=key)


def append_text(prompt: str, text: str) -> str:
    """Append text to a prompt, unless the prompt has it already."""
    is_included = f", {prompt}, ".casefold().find(f", {text}, ".casefold()) >= 0
    return prompt if not text or is_included else f"{prompt}, {text}"


def _picture_index(number: int | None, count: int) -> tuple[int, tuple[Correction, ...]]:
    """Return the index of the picture that is named, and a correction if there are fewer pictures."""
    if number is None or count == 0:
        return 0, ()
    if number > count:
        return count - 1, (("picture", str(number), str(count)),)
    return (count - 1 if number < 0 else number - 1), ()


def _clamp_count(count: int | None) -> int | None:
    return None if count is None else max(1, min(count, MAX_IMAGES))
