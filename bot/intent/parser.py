"""What a post asks of the bot, if anything. Pure.

Three things ask; everything else in threads where the bot once spoke is talk ("thanks!" paints nothing):

    1. the author wrote the bot's handle, anywhere in the post
    2. the post replies to a watched post of the bot, whether or not the handle is written
    3. the post is a command (`again`, `remix: ...`, `delete`) right under a picture of the bot, or under a post that
       the bot made a picture of

X puts the handles of a conversation before every reply in it. Such a handle is no mention: the author did not write
it. In 3 it is all there needs to be; but under somebody else's post, where people talk to each other, `remix` then
needs its colon, and `delete` counts only from who asked. `stop`, `start` and `help` are said to the bot: with its
handle written, or in a direct reply to any post of its own.

With the handle written under a picture of the bot, everything that is no command, thanks or talk changes that picture.
Under a post that the bot made a picture of, only words that clearly mean a picture do ("make it blue"). Elsewhere
"paint this as a comic" means the post that is quoted or answered, and all other words are a prompt.

A quote of a post of the bot summons it on X. Here it asks only with the handle written: people who quote a picture
mostly show it around. With it, the picture that is quoted is meant.
"""

from dataclasses import dataclass, replace

from bot.intent.changes import Change, read_change
from bot.intent.commands import NEW, VARY, Command, is_greeting, is_small_talk, read_command, read_marked
from bot.intent.options import Options, parse_options
from bot.intent.prompts import extract_prompt, has_explicit_mention
from bot.intent.requests import Reference, points_at_photo, read_reference, strip_request
from bot.intent.types import (
    AGAIN,
    DELETE,
    EXPLICIT,
    HELP,
    IMPLICIT,
    PAINT,
    REMIX,
    START,
    STOP,
    Intent,
    PostContext,
    ReplyTarget,
)
from bot.intent.words import Utterance
from core.x import Post

# What is painted of a photo without any words.
ANY_PAINTING = "a painting"
MAX_OPENING_WORDS = 12


@dataclass(frozen=True)
class _Asked:
    """A post, taken apart: its words without options, and what is around it."""

    post: Post
    context: PostContext
    said: Utterance
    options: Options
    is_explicit: bool

    @property
    def target(self) -> ReplyTarget | None:
        return self.context.target

    @property
    def replies_to_watched(self) -> bool:
        return self.post.in_reply_to_id in self.context.watched

    @property
    def speaks_to_bot(self) -> bool:
        """Whether the bot is spoken to: by its handle, or by a reply to its own post."""
        is_reply = self.post.in_reply_to_person_id == self.context.bot_id or self.replies_to_watched
        return self.is_explicit or is_reply or bool(self.target and self.target.is_answer)

    @property
    def answers_question(self) -> bool:
        """Whether the bot asked this person what to paint."""
        target = self.target
        return bool(target and target.is_answer and target.is_question and target.person_id == self.post.author.id)

    def intent(self, action: str, prompt: str = "", options: Options | None = None, **values: object) -> Intent:
        mention_type = EXPLICIT if self.is_explicit else IMPLICIT
        return Intent(action, mention_type, prompt, self.options if options is None else options, **values)  # type: ignore[arg-type]


def parse_intent(post: Post, context: PostContext) -> Intent | None:
    """What the post asks for, or None: it is talk."""
    post = post.recognizing(context.bot_id, context.bot_handle)
    words, options = parse_options(extract_prompt(post, context.bot_id))
    asked = _Asked(post, context, Utterance(words), options, has_explicit_mention(post, context.bot_id))
    command = read_marked(words) or read_command(asked.said)
    if command and (intent := _commanded(command, asked)) is not None:
        return intent
    if not (asked.is_explicit or asked.replies_to_watched or asked.answers_question):
        return None
    if asked.target and asked.is_explicit and (intent := _changed(asked.target, asked)) is not None:
        return intent
    return None if _is_under_picture(asked) else _prompted(asked)


def _is_under_picture(asked: _Asked) -> bool:
    return bool(asked.is_explicit and asked.target and asked.target.is_answer and not asked.target.is_text)


def _commanded(command: Command, asked: _Asked) -> Intent | None:
    """The command, if it is one here, and not a prompt or talk."""
    if command.name in (STOP, START, HELP):
        is_heard = asked.is_explicit or asked.replies_to_watched or (asked.speaks_to_bot and not command.is_question)
        return asked.intent(command.name, options=Options(), target=asked.target) if is_heard else None
    if not _may_be_about_picture(command, asked):
        return None
    if command.name == DELETE:
        return asked.intent(DELETE, options=Options(), target=asked.target)
    if command.name == NEW:
        return _painted(asked, Utterance(command.text))
    return _of_picture(command, asked.target, asked) if asked.target else _of_no_picture(command, asked)


def _of_picture(command: Command, target: ReplyTarget, asked: _Asked) -> Intent:
    if command.name == AGAIN:
        return _again(target, asked, count=command.count)
    change = read_change(Utterance(command.text)) if command.text else None
    return _remix(target, change or Change(command.text), asked)


def _of_no_picture(command: Command, asked: _Asked) -> Intent | None:
    """Without a picture `remix: words` is a prompt. In a thread "again" means one that is not here."""
    if command.name == REMIX:
        return _remix_of_post(command, asked) if command.is_plain else None
    is_in_thread = bool(asked.post.in_reply_to_id or asked.post.quoted_id)
    return asked.intent(AGAIN) if command.name == AGAIN and is_in_thread else None


def _may_be_about_picture(command: Command, asked: _Asked) -> bool:
    """Whether a command is said where it means a picture. Without the handle, people talk to each other."""
    target = asked.target
    if asked.is_explicit:
        return True
    if target is None:
        return asked.replies_to_watched and command.name in (DELETE, REMIX)
    if target.is_answer:
        return command.name != VARY and command.is_clear
    if command.name == DELETE:
        return asked.post.author.id == target.person_id
    return command.is_plain and command.name in (AGAIN, REMIX)


def _changed(target: ReplyTarget, asked: _Asked) -> Intent | None:
    """A change of the picture that the post replies to. None if it is not meant."""
    if target.is_text:
        return None
    if not asked.said.text:
        if not target.is_answer:
            return None
        return _again(target, asked) if asked.options != Options() else _painted(asked, asked.said)
    change = read_change(asked.said)
    if change is None or not (target.is_answer or change.is_clear):
        return None
    if change.is_again and change.picture is None:
        return _again(target, asked, count=change.count)
    return _remix(target, change, asked)


def _again(target: ReplyTarget, asked: _Asked, count: int | None = None) -> Intent:
    """The same, with a new seed."""
    photo = _photo_of(asked.post)
    options = replace(asked.options, count=asked.options.count or _at_most_four(count))
    return asked.intent(
        AGAIN,
        target.prompt,
        options.over(target.options),
        target=target,
        init_image_url=photo or target.init_image_url,
        init_image_key=None if photo else target.init_image_key,
    )


def _remix(target: ReplyTarget, change: Change, asked: _Asked) -> Intent:
    """Its words with some added, begun from the picture: the one that came with the post, else the one that is named,
    else the first."""
    photo = _photo_of(asked.post)
    position, note = _position(change.picture, len(target.picture_keys))
    options = asked.options.over(target.options)
    negative = ", ".join(part for part in (options.negative, change.left_out) if part) or None
    options = replace(options, negative=negative, corrections=options.corrections + note)
    key = target.picture_keys[position] if target.picture_keys and not photo else None
    prompt = change.added if target.deleted else with_words(target.prompt, change.added)
    return asked.intent(REMIX, prompt, options, target=target, init_image_url=photo, init_image_key=key)


def with_words(prompt: str, added: str) -> str:
    """A prompt with words added; said twice they are added once."""
    is_there = f", {prompt}, ".casefold().find(f", {added}, ".casefold()) >= 0
    return prompt if not added or is_there else f"{prompt}, {added}"


def _position(picture: int | None, count: int) -> tuple[int, tuple[tuple[str, str, str], ...]]:
    """The place of the picture that is named, from 0, and a note if there are not so many."""
    if picture is None or count == 0:
        return 0, ()
    if picture > count:
        return count - 1, (("picture", str(picture), str(count)),)
    return (count - 1 if picture < 0 else picture - 1), ()


def _at_most_four(count: int | None) -> int | None:
    return None if count is None else max(1, min(count, 4))


def _prompted(asked: _Asked) -> Intent | None:
    """A prompt, or what another post says or shows; help for who says hello; None for thanks."""
    said = asked.said
    if is_greeting(said):
        return asked.intent(HELP, options=Options())
    if is_small_talk(said) or (said.words and is_small_talk(strip_request(said))):
        return None
    said = _without_opening_talk(said)
    reference = read_reference(said)
    if reference is not None and (intent := _of_other_post(reference, asked)) is not None:
        return intent
    return _painted(asked, said)


def _without_opening_talk(said: Utterance) -> Utterance:
    """ "Wow, paint this!" without what is said before."""
    for at in range(1, min(len(said.words), MAX_OPENING_WORDS)):
        if said.ends_clause(at) and (is_small_talk(said.before(at)) or is_greeting(said.before(at))):
            rest = said.after(at)
            return rest if read_reference(rest) is not None or strip_request(rest) != rest else said
    return said


def _painted(asked: _Asked, said: Utterance) -> Intent:
    """The words, begun from the photo that came with the post, or from the one that was brought without words."""
    photo, key, target = _photo_of(asked.post), None, None
    if not photo and asked.target and asked.answers_question:
        target = asked.target
        photo, key = target.init_image_url, target.init_image_key
    prompt, missing = strip_request(said), None
    if not (photo or key) and points_at_photo(prompt):
        source, missing = _source(asked.post, asked.context)
        photo = _photo_of(source) if source else None
    return asked.intent(
        PAINT, prompt.text, target=target, init_image_url=photo, init_image_key=key, source_post_id=missing
    )


def _of_other_post(reference: Reference, asked: _Asked) -> Intent | None:
    """The words, and the picture, of the post that is quoted or answered, with the change added.

    None if there is nothing that it could mean, and the words may be a prompt as they stand.
    """
    own, target = _photo_of(asked.post), asked.target
    if target and asked.answers_question and not asked.post.quoted_id:
        any_painting = ANY_PAINTING if target.init_image_url or target.init_image_key else ""
        return _painted(asked, Utterance(reference.change or any_painting))
    if own and asked.said.text:
        return asked.intent(PAINT, reference.change or _described(asked.post), init_image_url=own)
    source, missing = _source(asked.post, asked.context)
    if source is None:
        if reference.is_vague and missing is None:
            return None
        words = asked.said.text if reference.is_vague else ""
        return asked.intent(PAINT, words, init_image_url=own, source_post_id=missing)
    words, theirs = parse_options(extract_prompt(source, asked.context.bot_id))
    photo = own or _photo_of(source)
    words = strip_request(Utterance(words)).text or (_described(source) if photo and not reference.change else "")
    prompt = with_words(words, reference.change) if words else reference.change
    if not words and not photo:
        prompt = ""
    return asked.intent(PAINT, prompt, asked.options.over(theirs), init_image_url=photo)


def _described(post: Post) -> str:
    """What a post without words shows, as its author described it."""
    described = (media.alt_text for media in post.media if media.kind == "photo" and media.alt_text)
    return next(described, ANY_PAINTING)


def _remix_of_post(command: Command, asked: _Asked) -> Intent:
    """`remix: words` without a picture of ours: the words, begun from the picture at hand."""
    photo = _photo_of(asked.post)
    source, missing = (None, None) if photo else _source(asked.post, asked.context)
    photo = photo or (_photo_of(source) if source else None)
    return asked.intent(PAINT, command.text, init_image_url=photo, source_post_id=missing)


def _source(post: Post, context: PostContext) -> tuple[Post | None, int | None]:
    """The post that is quoted, else answered; or its id if X did not send it along; neither if it may not be
    painted."""
    post_id = post.quoted_id or post.in_reply_to_id
    if post_id is None or post_id in context.watched:
        return None, None
    sent = post.quoted if post.quoted_id else post.parent
    source = sent or context.looked_up.get(post_id)
    if source is None:
        return None, post_id
    author = source.author
    if author.id == context.bot_id or author.id in context.silent or author.protected:
        return None, None
    return source, None


def _photo_of(post: Post) -> str | None:
    """The address of the first photograph of a post."""
    photos = (media.url for media in post.media if media.kind == "photo")
    return next((url for url in photos if url and url.startswith(("https://", "http://"))), None)
