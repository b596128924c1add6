"""Upload pictures, post and delete on X, and record what X charges for it."""

import secrets

from core.budget import prices
from core.errors import GiveUp
from core.text import MAX_ALT_TEXT_LENGTH, clean, clip
from core.twittertext.links import find_links
from core.x.call_guard import BillableItem
from core.x.media import UploadedMedia, parse_uploaded_media
from core.x.rate_limit import CREATE_POST, RateLimitHeaders
from core.x.session import XSession, reply_item
from core.x.transport import translate_errors
from core.x.types import Post


class XWriter(XSession):
    """Writes of one X account, and the state of its uploads."""

    def upload_media(self, image: bytes, mime: str) -> UploadedMedia:
        """Upload a picture. Safe to repeat: X drops an unused upload after 24 hours."""
        with translate_errors():
            response = self._transport.request(
                "POST",
                "/2/media/upload",
                data={"media_category": "tweet_image"},
                files={"media": (f"picture.{mime.removeprefix('image/')}", image, mime)},
            )
            media = parse_uploaded_media(response.json())
        self._charge(BillableItem(prices.UPLOAD, f"upload:{media.media_id}"))
        return media

    def get_upload_status(self, media_id: str) -> UploadedMedia:
        """Return whether X has processed an upload."""
        with translate_errors():
            return parse_uploaded_media(self._get("/2/media/upload", {"command": "STATUS", "media_id": media_id}))

    def set_media_metadata(self, media_id: str, *, alt_text: str = "", sensitive: bool = False) -> None:
        """Set a picture's alt text, cut to 1,000 characters, and its warning. Safe to repeat."""
        metadata: dict[str, object] = {}
        if alt_text:
            metadata["alt_text"] = {"text": clip(clean(alt_text), MAX_ALT_TEXT_LENGTH)}
        if sensitive:
            metadata["sensitive_media_warning"] = {"other": True}
        with translate_errors():
            self._transport.request("POST", "/2/media/metadata", json={"id": media_id, "metadata": metadata})
        self._charge(BillableItem(prices.ALT_TEXT, f"describe:{media_id}:{secrets.token_hex(4)}"))

    def reply(self, text: str, *, to: int, media_ids: list[str], made_with_ai: bool = False) -> int:
        """Reply to a post with pictures and return the reply's id.

        Raises:
            OutcomeUnknown: the reply may have been posted. Call `find_own_reply` before another try.
        """
        body: dict[str, object] = {"text": text, "reply": {"in_reply_to_tweet_id": str(to)}}
        if media_ids:
            body["media"] = {"media_ids": media_ids}
        if made_with_ai:
            body["made_with_ai"] = True
        reply_id = self._create_post(body)
        self._charge(reply_item(reply_id, with_link=bool(find_links(text))))
        return reply_id

    def create_post(self, text: str, *, to: int | None = None, with_url: bool = False) -> int:
        """Post in the account's name, below an own post if `to` is given, and return the post's id.

        Raises:
            OutcomeUnknown: the post may exist. Look before another try.
        """
        body: dict[str, object] = {"text": text}
        if to:
            body["reply"] = {"in_reply_to_tweet_id": str(to)}
        post_id = self._create_post(body)
        self._charge(BillableItem(prices.POST_WITH_URL if with_url else prices.POST, f"post:{post_id}"))
        return post_id

    def delete_post(self, post_id: int) -> None:
        """Delete an own post. Safe to repeat: a post that is gone counts as deleted."""
        try:
            with translate_errors():
                response = self._transport.request("DELETE", f"/2/tweets/{post_id}")
                if response.json()["data"]["deleted"] is not True:
                    raise ValueError("X did not confirm the deletion")
        except GiveUp as error:
            if error.code != "x_post_gone":
                raise
            return
        self._charge(BillableItem(prices.DELETE, f"delete:{post_id}:{secrets.token_hex(4)}"))

    def record_found_reply(self, reply: Post, *, alt_texts: bool) -> None:
        """Record the costs of a reply that was found on X, unless the ledger has them.

        Args:
            alt_texts: whether to record the costs of its alt texts, too.
        """
        described = [media.key for media in reply.media if media.alt_text and alt_texts]
        items = [BillableItem(prices.ALT_TEXT, f"described:{reply.id}:{key}"[:100]) for key in described]
        self._charge(reply_item(reply.id, with_link=reply.has_link), *items, at=reply.created_at)

    def ensure_replies_not_suspended(self) -> None:
        """Raise Suspended if X has suspended replies and no probe is due. Makes no call."""
        self._transport.guard.ensure_not_suspended(CREATE_POST)

    def suspend_replies(self, code: str) -> None:
        """Suspend replies after X refused several in a row. One at a time then probes."""
        self._transport.guard.update_from_response(CREATE_POST, RateLimitHeaders(self.x_now()), code)

    def _create_post(self, body: dict[str, object]) -> int:
        with translate_errors(writes=True):
            response = self._transport.request("POST", "/2/tweets", json=body)
            return int(response.json()["data"]["id"])
