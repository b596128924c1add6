"""A post taken apart: its words, its options, its photo, and the post that it refers to."""

from dataclasses import dataclass

from bot.intent.options import Options
from bot.intent.tokens import Utterance
from bot.intent.types import EXPLICIT, IMPLICIT, Intent, PostContext, ReplyTarget
from core.x import Post


@dataclass(frozen=True)
class ParsedPost:
    """A post with its words without options, and its context."""

    post: Post
    context: PostContext
    utterance: Utterance
    options: Options
    is_explicit: bool

    @property
    def target(self) -> ReplyTarget | None:
        """Return the creation that the post replies to."""
        return self.context.target

    @property
    def photo_url(self) -> str | None:
        """Return the address of the post's first photo."""
        return photo_url(self.post)

    @property
    def replies_to_watched(self) -> bool:
        """Return whether it replies to a watched post of the bot."""
        return self.post.in_reply_to_id in self.context.watched

    @property
    def addresses_bot(self) -> bool:
        """Return whether it addresses the bot: by its handle, or by a reply to its own post."""
        is_reply = self.post.in_reply_to_person_id == self.context.bot_id or self.replies_to_watched
        return self.is_explicit or is_reply or bool(self.target and self.target.is_bot_reply)

    @property
    def answers_question(self) -> bool:
        """Return whether the bot asked this author what to paint."""
        target = self.target
        return bool(target and target.is_bot_reply and target.is_question and target.person_id == self.post.author.id)

    @property
    def is_under_picture(self) -> bool:
        """Return whether it mentions the bot in a reply to one of the bot's pictures."""
        return bool(self.is_explicit and self.target and self.target.is_bot_reply and not self.target.is_text)

    def intent(
        self,
        action: str,
        prompt: str = "",
        options: Options | None = None,
        *,
        target: ReplyTarget | None = None,
        init_image_url: str | None = None,
        init_image_key: str | None = None,
        source_post_id: int | None = None,
    ) -> Intent:
        """Return an intent of this post. Its own options are the default."""
        return Intent(
            action,
            EXPLICIT if self.is_explicit else IMPLICIT,
            prompt,
            self.options if options is None else options,
            target,
            init_image_url,
            init_image_key,
            source_post_id,
        )

    def find_source(self) -> tuple[Post | None, int | None]:
        """Return the quoted post, else the parent; its id if X did not include it; neither if it must not be used."""
        post_id = self.post.quoted_id or self.post.in_reply_to_id
        if post_id is None or post_id in self.context.watched:
            return None, None
        included = self.post.quoted if self.post.quoted_id else self.post.parent
        source = included or self.context.looked_up.get(post_id)
        if source is None:
            return None, post_id
        author = source.author
        if author.id == self.context.bot_id or author.id in self.context.silent or author.protected:
            return None, None
        return source, None


def photo_url(post: Post) -> str | None:
    """Return the address of the first photo of a post."""
    photos = (media.url for media in post.media if media.kind == "photo")
    return next((url for url in photos if url and url.startswith(("https://", "http://"))), None)
