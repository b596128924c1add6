"""Build the intents with a new prompt: from the post's own words, or from another post and its photo."""

from bot.intent.commands import is_greeting, is_small_talk
from bot.intent.options import Options, parse_options
from bot.intent.parsed_post import ParsedPost, photo_url
from bot.intent.polite_requests import Reference, parse_reference, points_at_photo, strip_request
from bot.intent.prompts import extract_prompt
from bot.intent.remixes import append_text
from bot.intent.tokens import Utterance
from bot.intent.types import HELP, PAINT, Intent
from core.x import Post

# The prompt for a photo without any words.
DEFAULT_PROMPT = "a painting"
MAX_OPENING_WORDS = 12


def parse_prompt(parsed: ParsedPost) -> Intent | None:
    """Return the intent of a prompt or of a reference to another post, help for a greeting, or None for small talk."""
    utterance = parsed.utterance
    if is_greeting(utterance):
        return parsed.intent(HELP, options=Options())
    if is_small_talk(utterance) or (utterance.words and is_small_talk(strip_request(utterance))):
        return None
    utterance = _strip_opening_talk(utterance)
    reference = parse_reference(utterance)
    if reference is not None and (intent := _from_reference(reference, parsed)) is not None:
        return intent
    return from_words(parsed, utterance)


def from_words(parsed: ParsedPost, utterance: Utterance) -> Intent:
    """Return the words as prompt. Init image: the post's photo, or one that the author sent without words before."""
    photo, key, target = parsed.photo_url, None, None
    if not photo and parsed.target and parsed.answers_question:
        target = parsed.target
        photo, key = target.init_image_url, target.init_image_key
    prompt, missing_id = strip_request(utterance), None
    if not (photo or key) and points_at_photo(prompt):
        source, missing_id = parsed.find_source()
        photo = photo_url(source) if source else None
    return parsed.intent(
        PAINT, prompt.text, target=target, init_image_url=photo, init_image_key=key, source_post_id=missing_id
    )


def from_remix_command(text: str, parsed: ParsedPost) -> Intent:
    """Return `remix: text` outside of replies to a picture: the text, with the photo at hand as init image."""
    photo = parsed.photo_url
    source, missing_id = (None, None) if photo else parsed.find_source()
    photo = photo or (photo_url(source) if source else None)
    return parsed.intent(PAINT, text, init_image_url=photo, source_post_id=missing_id)


def _from_reference(reference: Reference, parsed: ParsedPost) -> Intent | None:
    """Return words and photo of the post that is quoted or replied to, with the edit appended.

    None: the reference points at nothing, and the words may be a prompt as they stand.
    """
    own_photo, target = parsed.photo_url, parsed.target
    if target and parsed.answers_question and not parsed.post.quoted_id:
        default = DEFAULT_PROMPT if target.init_image_url or target.init_image_key else ""
        return from_words(parsed, Utterance(reference.edit_text or default))
    if own_photo and parsed.utterance.text:
        return parsed.intent(PAINT, reference.edit_text or _alt_text(parsed.post), init_image_url=own_photo)
    source, missing_id = parsed.find_source()
    if source is not None:
        return _from_source(source, reference, parsed)
    if reference.is_ambiguous and missing_id is None:
        return None
    words = parsed.utterance.text if reference.is_ambiguous else ""
    return parsed.intent(PAINT, words, init_image_url=own_photo, source_post_id=missing_id)


def _from_source(source: Post, reference: Reference, parsed: ParsedPost) -> Intent:
    words, source_options = parse_options(extract_prompt(source, parsed.context.bot_id))
    photo = parsed.photo_url or photo_url(source)
    words = strip_request(Utterance(words)).text or (_alt_text(source) if photo and not reference.edit_text else "")
    prompt = append_text(words, reference.edit_text) if words else reference.edit_text
    if not words and not photo:
        prompt = ""
    return parsed.intent(PAINT, prompt, parsed.options.merged_over(source_options), init_image_url=photo)


def _strip_opening_talk(utterance: Utterance) -> Utterance:
    """Remove talk before a request: "Wow, paint this!"."""
    for at in range(1, min(len(utterance.words), MAX_OPENING_WORDS)):
        opening = utterance.before(at)
        if utterance.ends_clause(at) and (is_small_talk(opening) or is_greeting(opening)):
            rest = utterance.after(at)
            return rest if parse_reference(rest) is not None or strip_request(rest) != rest else utterance
    return utterance


def _alt_text(post: Post) -> str:
    """Return the alt text of a post's photo, as its author wrote it."""
    texts = (media.alt_text for media in post.media if media.kind == "photo" and media.alt_text)
    return next(texts, DEFAULT_PROMPT)
