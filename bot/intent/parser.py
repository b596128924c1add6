"""Parse what a post asks of the bot, if anything. Pure.

A post asks for something in three cases; other posts in threads with the bot are talk ("thanks!" paints nothing):

    1. its author wrote the bot's handle, anywhere in the post
    2. it replies to a watched post of the bot, with or without the handle
    3. it is a command (`again`, `remix: ...`, `delete`) in a reply to a picture of the bot, or to a post that the bot
       answered with a picture

X puts the handles of a conversation before every reply. Such a handle is no explicit mention, as the author did not
write it, and only case 3 accepts it. In a reply to another user's post, where users talk to each other, `remix` then
needs its colon, and `delete` counts only from the requester. `stop`, `start` and `help` need an explicit mention or a
direct reply to any post of the bot.

With an explicit mention in a reply to a picture of the bot, everything except commands, thanks and talk edits that
picture. In a reply to the post that the bot answered, only words that clearly mean a picture do ("make it blue").
Elsewhere "paint this as a comic" means the quoted post or the parent, and all other words are a prompt.

On X, a quote of the bot's post counts as a mention. Here it does so only with the handle, because most users who quote
a picture want to show it around. With the handle, the quoted picture is meant.
"""

from bot.intent.commands import NEW, VARY, Command, parse_command, parse_prefixed_command
from bot.intent.edits import PictureEdit, parse_edit
from bot.intent.options import Options, parse_options
from bot.intent.parsed_post import ParsedPost
from bot.intent.prompting import from_remix_command, from_words, parse_prompt
from bot.intent.prompts import extract_prompt, has_explicit_mention
from bot.intent.remixes import parse_rerun_or_remix, remix, rerun
from bot.intent.tokens import Utterance
from bot.intent.types import AGAIN, DELETE, HELP, REMIX, START, STOP, Intent, PostContext, ReplyTarget
from core.x import Post


def parse_intent(post: Post, context: PostContext) -> Intent | None:
    """Return what the post asks for, or None if it is talk."""
    post = post.with_mentions_resolved(context.bot_id, context.bot_handle)
    words, options = parse_options(extract_prompt(post, context.bot_id))
    parsed = ParsedPost(post, context, Utterance(words), options, has_explicit_mention(post, context.bot_id))
    command = parse_prefixed_command(words) or parse_command(parsed.utterance)
    if command and (intent := _from_command(command, parsed)) is not None:
        return intent
    if not (parsed.is_explicit or parsed.replies_to_watched or parsed.answers_question):
        return None
    if parsed.target and parsed.is_explicit and (intent := _from_reply(parsed.target, parsed)) is not None:
        return intent
    return None if parsed.is_under_picture else parse_prompt(parsed)


def _from_reply(target: ReplyTarget, parsed: ParsedPost) -> Intent | None:
    """Return a re-run or remix. A reply without words and options may still bring a photo, which makes it a prompt."""
    is_empty = not parsed.utterance.text and parsed.options == Options()
    if is_empty and target.is_bot_reply and not target.is_text:
        return from_words(parsed, parsed.utterance)
    return parse_rerun_or_remix(target, parsed)


def _from_command(command: Command, parsed: ParsedPost) -> Intent | None:
    """Return the command's intent, or None if it is a prompt or talk at this place."""
    if command.name in (STOP, START, HELP):
        is_meant = parsed.is_explicit or parsed.replies_to_watched
        is_meant = is_meant or (parsed.addresses_bot and not command.is_question)
        return parsed.intent(command.name, options=Options(), target=parsed.target) if is_meant else None
    if not _may_mean_picture(command, parsed):
        return None
    if command.name == DELETE:
        return parsed.intent(DELETE, options=Options(), target=parsed.target)
    if command.name == NEW:
        return from_words(parsed, Utterance(command.text))
    return _about_picture(command, parsed.target, parsed) if parsed.target else _without_picture(command, parsed)


def _about_picture(command: Command, target: ReplyTarget, parsed: ParsedPost) -> Intent:
    if command.name == AGAIN:
        return rerun(target, parsed, count=command.count)
    edit = parse_edit(Utterance(command.text)) if command.text else None
    return remix(target, edit or PictureEdit(command.text), parsed)


def _without_picture(command: Command, parsed: ParsedPost) -> Intent | None:
    """Treat `remix: text` as a prompt. In a thread, "again" means a picture that is unknown here."""
    if command.name == REMIX:
        return from_remix_command(command.text, parsed) if command.is_exact else None
    is_in_thread = bool(parsed.post.in_reply_to_id or parsed.post.quoted_id)
    return parsed.intent(AGAIN) if command.name == AGAIN and is_in_thread else None


def _may_mean_picture(command: Command, parsed: ParsedPost) -> bool:
    """Return whether a command means a picture at this place. Without the handle, users talk to each other."""
    target = parsed.target
    if parsed.is_explicit:
        return True
    if target is None:
        return parsed.replies_to_watched and command.name in (DELETE, REMIX)
    if target.is_bot_reply:
        return command.name != VARY and command.is_unambiguous
    if command.name == DELETE:
        return parsed.post.author.id == target.person_id
    return command.is_exact and command.name in (AGAIN, REMIX)
