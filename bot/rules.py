"""Decides what a post is to us, from plain values: a prompt, talk, or a prompt we refuse. Asks nobody, writes nothing.

Two things are asking: an explicit @mention of the bot, and a direct reply to its opening thread. Everything else in
threads where the bot once spoke is talk ("thanks!" paints nothing).
"""

from dataclasses import dataclass

from bot.prompts import mentions_explicitly, prompt_of
from core.x import Post

PROMPT = "prompt"
TALK = "talk"


@dataclass(frozen=True)
class Verdict:
    """What to do with a post. `code` is `prompt`, the code of a refusal, or why it is no matter of ours.

    kept: whether the post is written down at all.
    asked: whether it becomes a creation, painted or refused.
    """

    code: str
    kept: bool = True
    asked: bool = False
    prompt: str = ""

    @property
    def refused(self) -> bool:
        """Whether the creation ends before it begins."""
        return self.asked and self.code != PROMPT


def decide(post: Post, *, bot_id: int, watched: frozenset[int], prompt_limit: int) -> Verdict:
    """The verdict on one post. `watched`: ids of the bot's posts whose direct replies are prompts."""
    if post.author.id == bot_id:
        return Verdict("self", kept=False)
    if post.is_repost:
        return Verdict("repost", kept=False)
    if not mentions_explicitly(post, bot_id) and post.in_reply_to_id not in watched:
        return Verdict(TALK)
    return _read(prompt_of(post, bot_id), prompt_limit)


def _read(prompt: str, limit: int) -> Verdict:
    if not prompt:
        return Verdict("empty", asked=True)
    if len(prompt) > limit:
        return Verdict("too_long", asked=True, prompt=prompt)
    return Verdict(PROMPT, asked=True, prompt=prompt)
