"""What a post asks of the bot, if anything: the one place that says what counts as asking. Pure.

Three things are asking; all else in threads where the bot once spoke is talk ("thanks!" paints nothing):

    1. the author wrote the bot's handle, anywhere in the post
    2. the post answers a watched post of the bot directly, whether or not the handle is written
    3. the post is a command (`again`, `remix: ...`, `delete`) right under a picture of the bot, or under a post that
       the bot made a picture of

X puts the handles of a conversation before every reply in it. Such a handle is no mention: the author did not write
it. In 3 it is all there needs to be; but under somebody else's post, where people talk to each other, `remix` then
needs its colon, and `delete` counts only from who asked. `stop`, `start` and `help` are said to the bot: with its
handle written, or in a direct answer to any post of its own. Thanks and praise are talk wherever they are said.

A quote of a post of the bot summons it on X. Here it asks only with the handle written: who quotes a picture mostly
shows it around. With it, a command in a quote means the picture that is quoted.
"""

from bot.intent.commands import Command, is_small_talk, read_command, refers_to_parent_post
from bot.intent.options import Options, parse_options
from bot.intent.prompts import extract_prompt, has_explicit_mention
from bot.intent.types import (
    AGAIN,
    DELETE,
    EXPLICIT,
    IMPLICIT,
    PAINT,
    PICTURE_COMMANDS,
    REMIX,
    Intent,
    PostContext,
    ReplyTarget,
)
from core.x import Post


def parse_intent(post: Post, scene: PostContext) -> Intent | None:
    """What the post asks for, or None: it is talk."""
    post = post.recognizing(scene.bot_id, scene.bot_handle)
    written = has_explicit_mention(post, scene.bot_id)
    words, options = parse_options(extract_prompt(post, scene.bot_id))
    command = read_command(words)
    if command and not _is_given(command, post, scene, written):
        command = None
    asks = command or ((written or post.in_reply_to_id in scene.watched) and not is_small_talk(words))
    if not asks:
        return None
    summons = EXPLICIT if written else IMPLICIT
    if command and command.name == REMIX:
        return _remix(command, options, post, scene, summons)
    if command and command.name == AGAIN and scene.target:
        return _again(scene.target, options, post, summons)
    if command:
        return Intent(command.name, summons, target=scene.target)
    if refers_to_parent_post(words):
        return _this(options, post, scene, summons)
    return Intent(PAINT, summons, words, options, init_image_url=_photo_of(post))


def _is_given(command: Command, post: Post, scene: PostContext, written: bool) -> bool:
    """Whether the words are a command here, and not a prompt or talk."""
    if command.name not in PICTURE_COMMANDS:
        return written or _speaks_to_us(post, scene)
    if command.name == AGAIN and not scene.target:
        return False
    if written or (scene.target and scene.target.is_answer):
        return True
    if scene.target is None:
        return post.in_reply_to_id in scene.watched
    if command.name == DELETE:
        return post.author.id == scene.target.person_id
    return command.marked


def _speaks_to_us(post: Post, scene: PostContext) -> bool:
    is_ours = post.in_reply_to_person_id == scene.bot_id or post.in_reply_to_id in scene.watched
    return is_ours or bool(scene.target and scene.target.is_answer)


def _again(target: ReplyTarget, options: Options, post: Post, summons: str) -> Intent:
    """The same, with a new seed."""
    photo = _photo_of(post)
    return Intent(
        AGAIN,
        summons,
        target.prompt,
        options.over(target.options),
        target,
        init_image_url=photo or target.init_image_url,
        init_image_key=None if photo else target.init_image_key,
    )


def _remix(command: Command, options: Options, post: Post, scene: PostContext, summons: str) -> Intent:
    """Other words, begun from a picture: the one that came with the post, else the one it stands under.

    A remix without words keeps those of its picture. Without a picture of ours it is a prompt like any other.
    """
    photo, target = _photo_of(post), scene.target
    if target:
        shape = Options(aspect_ratio=target.options.aspect_ratio)
        chosen = options.over(shape if command.text else target.options)
        key = None if photo else (target.picture_keys or (None,))[0]
        return Intent(REMIX, summons, command.text or target.prompt, chosen, target, photo, key)
    source, missing = (None, None) if photo else _source(post, scene)
    photo = photo or (_photo_of(source) if source else None)
    return Intent(PAINT, summons, command.text, options, init_image_url=photo, source_post_id=missing)


def _this(options: Options, post: Post, scene: PostContext, summons: str) -> Intent:
    """The words, and the picture, of the post that is quoted or answered."""
    source, missing = _source(post, scene)
    if source is None:
        return Intent(PAINT, summons, "", options, source_post_id=missing)
    words, theirs = parse_options(extract_prompt(source, scene.bot_id))
    photo = _photo_of(post) or _photo_of(source)
    return Intent(PAINT, summons, words, options.over(theirs), init_image_url=photo)


def _source(post: Post, scene: PostContext) -> tuple[Post | None, int | None]:
    """The post that is quoted, else answered; or its id where it is not here. Neither, where it is not for painting."""
    wanted = post.quoted_id or post.in_reply_to_id
    if wanted is None or wanted in scene.watched:
        return None, None
    sent = post.quoted if post.quoted_id else post.parent
    source = sent or scene.looked_up.get(wanted)
    if source is None:
        return None, wanted
    author = source.author
    if author.id == scene.bot_id or author.id in scene.silent or author.protected:
        return None, None
    return source, None


def _photo_of(post: Post) -> str | None:
    """The address of the first photograph that hangs on a post."""
    photos = (media.url for media in post.media if media.kind == "photo")
    return next((url for url in photos if url and url.startswith(("https://", "http://"))), None)
