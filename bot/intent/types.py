"""The parsed intent of a post, and the context that parsing needs. Plain values without rules."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from bot.intent.options import Options
from core.x import Post

PAINT = "prompt"
AGAIN, REMIX, DELETE, STOP, START, HELP = "again", "remix", "delete", "stop", "start", "help"
# Actions that create pictures.
GENERATING_ACTIONS = frozenset({PAINT, AGAIN, REMIX})
# Commands about a picture; the other commands are about the bot.
PICTURE_COMMANDS = frozenset({AGAIN, REMIX, DELETE})
# The author wrote the bot's handle, or X put it before the reply.
EXPLICIT, IMPLICIT = "mention", "prefix"


@dataclass(frozen=True)
class ReplyTarget:
    """The creation that a post replies to or quotes.

    is_answer: the post replies to the bot's reply, not to the post that the bot replied to.
    person_id: the user who requested the creation. picture_keys: its pictures in the storage, in order.
    init_image_url, init_image_key: the creation's own init image. is_text: the bot replied in words only.
    is_question: the bot asked for a prompt.
    private: only the author may continue from it: it is hidden, flagged, rejected or failed, or its author is hidden.
    """

    creation_id: int
    person_id: int
    is_bot_reply: bool
    prompt: str
    options: Options
    picture_keys: tuple[str, ...] = ()
    init_image_url: str | None = None
    init_image_key: str | None = None
    deleted: bool = False
    private: bool = False
    is_text: bool = False
    is_question: bool = False

    def redacted(self) -> "ReplyTarget":
        """Return it without its content: after deletion, or for other users if it is private."""
        redacted = ReplyTarget(self.creation_id, self.person_id, self.is_bot_reply, "", Options(), deleted=True)
        return replace(redacted, is_text=self.is_text)


@dataclass(frozen=True)
class PostContext:
    """What is known around a post.

    bot_handle: the bot's handle, for mentions that X sends without ids.
    watched: posts of the bot whose direct replies are prompts. target: the creation that the post replies to.
    looked_up: posts that X did not include. silent: users whose words must not be painted, because they opted out.
    """

    bot_id: int
    watched: frozenset[int] = frozenset()
    target: ReplyTarget | None = None
    looked_up: Mapping[int, Post] = field(default_factory=dict)
    silent: frozenset[int] = frozenset()
    bot_handle: str = "threadpaint"


@dataclass(frozen=True)
class Intent:
    """What a post asks for.

    action: `prompt` or a command. mention_type: `mention` (explicit) or `prefix` (implicit).
    target: the creation to re-run, remix or delete.
    init_image_url, init_image_key: the init image, on the web or in the storage.
    source_post_id: the post whose words or photo are meant, if it must be looked up first.
    """

    action: str
    mention_type: str
    prompt: str = ""
    options: Options = field(default_factory=Options)
    target: ReplyTarget | None = None
    init_image_url: str | None = None
    init_image_key: str | None = None
    source_post_id: int | None = None
