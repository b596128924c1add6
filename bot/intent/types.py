"""What a post asks for, and what is known around it. Plain values; no rule and no word of any language."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from bot.intent.options import Options
from core.x import Post

PAINT = "prompt"
AGAIN, REMIX, DELETE, STOP, START, HELP = "again", "remix", "delete", "stop", "start", "help"
# Actions that end in pictures.
GENERATING_ACTIONS = frozenset({PAINT, AGAIN, REMIX})
# Said to a picture; the other commands are said to the bot.
PICTURE_COMMANDS = frozenset({AGAIN, REMIX, DELETE})
# The author wrote the bot's handle; or only X did, before a reply.
EXPLICIT, IMPLICIT = "mention", "prefix"


@dataclass(frozen=True)
class ReplyTarget:
    """The creation that a post replies to or quotes.

    is_answer: the post replies to the bot's answer, not to the post that was answered.
    person_id: who asked for the creation. picture_keys: its pictures in the storage, in their order.
    init_image_url, init_image_key: what the creation itself began from. is_text: the bot answered in words only.
    is_question: it asked for the words of a prompt.
    private: only its author may go on from it: hidden, held back, refused or failed, or its author is hidden.
    """

    creation_id: int
    person_id: int
    is_answer: bool
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
        """The same after its deletion, or for others if it is private: nothing of it is repeated."""
        redacted = ReplyTarget(self.creation_id, self.person_id, self.is_answer, "", Options(), deleted=True)
        return replace(redacted, is_text=self.is_text)


@dataclass(frozen=True)
class PostContext:
    """What is known around a post.

    bot_handle: how X names the bot in mentions that it sends without ids.
    watched: posts of the bot whose direct replies are prompts. target: the creation that the post replies to.
    looked_up: posts that X did not send along. silent: people whose words are not ours to paint (they said stop).
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

    action: `prompt` or a command. mention_type: `mention` or `prefix`.
    target: the creation to re-run, to remix or to delete.
    init_image_url, init_image_key: the picture to begin from, on the web or in the storage.
    source_post_id: the post whose words or photo are meant, if it has to be looked up first.
    """

    action: str
    mention_type: str
    prompt: str = ""
    options: Options = field(default_factory=Options)
    target: ReplyTarget | None = None
    init_image_url: str | None = None
    init_image_key: str | None = None
    source_post_id: int | None = None
