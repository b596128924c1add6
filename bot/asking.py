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

from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.commands import AGAIN, DELETE, OF_PICTURES, REMIX, Command, is_courtesy, means_this, read_command
from bot.options import Options, split_options
from bot.prompts import mentions_explicitly, prompt_of
from core.x import Post

PAINT = "prompt"
# Kinds of wishes that are painted.
PAINTED = frozenset({PAINT, AGAIN, REMIX})
MENTION, PREFIX = "mention", "prefix"


@dataclass(frozen=True)
class Target:
    """The creation that a post stands under. `is_answer`: under the bot's picture, not under the post it answered.

    person_id: who asked for it. start_key: its first picture in the storage, else what it began from.
    """

    creation_id: int
    person_id: int
    is_answer: bool
    prompt: str
    options: Options
    picture_key: str | None = None
    start_url: str | None = None
    start_key: str | None = None
    deleted: bool = False

    def emptied(self) -> "Target":
        """The same once it is deleted: what was said there is not said again."""
        return Target(self.creation_id, self.person_id, self.is_answer, "", Options(), deleted=True)


@dataclass(frozen=True)
class Scene:
    """What is known around a post.

    bot_handle: how X names the bot in mentions that it sends without ids.
    target: the creation that it stands under. looked_up: posts that X did not send along.
    silent: people whose words are not ours to paint (they said stop).
    """

    bot_id: int
    watched: frozenset[int] = frozenset()
    target: Target | None = None
    looked_up: Mapping[int, Post] = field(default_factory=dict)
    silent: frozenset[int] = frozenset()
    bot_handle: str = "threadpaint"


@dataclass(frozen=True)
class Wish:
    """What somebody asks for. `kind`: `prompt`, or the name of a command.

    target: the creation to paint again, to change or to delete. source_id: the post whose words or picture are meant
    but not here.
    """

    kind: str
    summons: str
    prompt: str = ""
    options: Options = field(default_factory=Options)
    target: Target | None = None
    start_url: str | None = None
    start_key: str | None = None
    source_id: int | None = None


def wish_of(post: Post, scene: Scene) -> Wish | None:
    """What the post asks for, or None: it is talk."""
    post = post.recognizing(scene.bot_id, scene.bot_handle)
    written = mentions_explicitly(post, scene.bot_id)
    words, options = split_options(prompt_of(post, scene.bot_id))
    command = read_command(words)
    if command and not _is_given(command, post, scene, written):
        command = None
    asks = command or ((written or post.in_reply_to_id in scene.watched) and not is_courtesy(words))
    if not asks:
        return None
    summons = MENTION if written else PREFIX
    if command and command.name == REMIX:
        return _remix(command, options, post, scene, summons)
    if command and command.name == AGAIN and scene.target:
        return _again(scene.target, options, post, summons)
    if command:
        return Wish(command.name, summons, target=scene.target)
    if means_this(words):
        return _this(options, post, scene, summons)
    return Wish(PAINT, summons, words, options, start_url=_photo_of(post))


def _is_given(command: Command, post: Post, scene: Scene, written: bool) -> bool:
    """Whether the words are a command here, and not a prompt or talk."""
    if command.name not in OF_PICTURES:
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


def _speaks_to_us(post: Post, scene: Scene) -> bool:
    is_ours = post.in_reply_to_person_id == scene.bot_id or post.in_reply_to_id in scene.watched
    return is_ours or bool(scene.target and scene.target.is_answer)


def _again(target: Target, options: Options, post: Post, summons: str) -> Wish:
    """The same, with a new seed."""
    photo = _photo_of(post)
    return Wish(
        AGAIN,
        summons,
        target.prompt,
        options.over(target.options),
        target,
        start_url=photo or target.start_url,
        start_key=None if photo else target.start_key,
    )


def _remix(command: Command, options: Options, post: Post, scene: Scene, summons: str) -> Wish:
    """Other words, begun from a picture: the one that came with the post, else the one it stands under.

    A remix without words keeps those of its picture. Without a picture of ours it is a prompt like any other.
    """
    photo, target = _photo_of(post), scene.target
    if target:
        shape = Options(aspect_ratio=target.options.aspect_ratio)
        chosen = options.over(shape if command.text else target.options)
        key = None if photo else target.picture_key
        return Wish(REMIX, summons, command.text or target.prompt, chosen, target, photo, key)
    source, missing = (None, None) if photo else _source(post, scene)
    photo = photo or (_photo_of(source) if source else None)
    return Wish(PAINT, summons, command.text, options, start_url=photo, source_id=missing)


def _this(options: Options, post: Post, scene: Scene, summons: str) -> Wish:
    """The words, and the picture, of the post that is quoted or answered."""
    source, missing = _source(post, scene)
    if source is None:
        return Wish(PAINT, summons, "", options, source_id=missing)
    words, theirs = split_options(prompt_of(source, scene.bot_id))
    photo = _photo_of(post) or _photo_of(source)
    return Wish(PAINT, summons, words, options.over(theirs), start_url=photo)


def _source(post: Post, scene: Scene) -> tuple[Post | None, int | None]:
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
