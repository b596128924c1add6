"""The verbs this house needs of X. They raise TryLater, OutcomeUnknown, OutOfFunds or GiveUp, never tweepy's own."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from core.settings import XSettings
from core.text import LONGEST_ALT_TEXT, clean, clip
from core.x.posts import Account, Post, next_token, read_account, read_page
from core.x.snowflakes import id_at
from core.x.transport import Transport, border

POST_FIELDS = (
    "author_id,conversation_id,created_at,display_text_range,entities,"
    "in_reply_to_user_id,note_tweet,referenced_tweets,edit_history_tweet_ids"
)
PAGE = 100
# X serves the newest 800 mentions and no more.
MOST_PAGES = 8
# A minute less than X allows: clocks differ, and calls take their time.
SEARCH_REACH = timedelta(days=7, minutes=-1)


@dataclass(frozen=True)
class Pages:
    """Posts of all pages of one question, newest first. Not `complete`: X has older ones that it did not show."""

    posts: list[Post]
    complete: bool


class XClient:
    """One account on X. Not shared between threads or processes: it keeps one connection."""

    def __init__(self, transport: Transport) -> None:
        self._x = transport

    def me(self) -> Account:
        """The account whose keys we hold."""
        with border():
            return read_account(self._get("/2/users/me", {"user.fields": "pinned_tweet_id"}))

    def mentions(self, my_id: int, *, since_id: int) -> Pages:
        """Posts that mention the account, newer than `since_id`, newest first, at most 800."""
        return self._pages(f"/2/users/{my_id}/mentions", "pagination_token", since_id=since_id)

    def search(self, query: str, *, since_id: int, until_id: int | None = None, strict: bool = False) -> Pages:
        """Recent posts that match, between two ids (both exclusive), newest first, at most 800.

        X shows a post here about 30 s after it was made, and for seven days; asked for more it refuses.
        """
        reach = id_at(self.moment() - SEARCH_REACH)
        span = {"query": query, "since_id": max(since_id, reach), "until_id": until_id}
        pages = self._pages("/2/tweets/search/recent", "next_token", strict=strict, **span)
        return Pages(pages.posts, complete=pages.complete and since_id >= reach)

    def own_posts(self, my_id: int, *, since_id: int, until_id: int | None = None, strict: bool = False) -> Pages:
        """The account's own posts between two ids (both exclusive), newest first, at most 800."""
        span = {"since_id": since_id, "until_id": until_id}
        return self._pages(f"/2/users/{my_id}/tweets", "pagination_token", strict=strict, **span)

    def find_answer(self, my_id: int, *, to: int) -> int | None:
        """The id of the account's own answer to a post, or None if X surely has none.

        Looks at the account's own posts, which X shows at once; where more than 800 have come since, at search too. An
        answer of X that cannot be read whole raises: it does not say that there is none.
        """
        query = f"from:{my_id} in_reply_to_tweet_id:{to}"
        own = self.own_posts(my_id, since_id=to, strict=True)
        if (found := _answer_in(own, my_id, to)) is not None or own.complete:
            return found
        searched = self.search(query, since_id=to, strict=True)
        return _answer_in(searched, my_id, to)

    def upload(self, image: bytes, mime: str) -> str:
        """Upload a picture and return its media id. It expires after a day. Safe to repeat: an unused one vanishes."""
        with border():
            answer = self._x.request(
                "POST",
                "/2/media/upload",
                data={"media_category": "tweet_image"},
                files={"media": (f"picture.{mime.removeprefix('image/')}", image, mime)},
            )
            return str(answer.json()["data"]["id"])

    def set_alt_text(self, media_id: str, text: str) -> None:
        """Describe a picture for those who cannot see it. Cut to X's 1,000 characters. Safe to repeat."""
        with border():
            body = {"id": media_id, "metadata": {"alt_text": {"text": clip(clean(text), LONGEST_ALT_TEXT)}}}
            self._x.request("POST", "/2/media/metadata", json=body)

    def answer(self, text: str, *, to: int, media_ids: list[str]) -> int:
        """Answer a post with pictures and return the answer's id. Never repeat it after OutcomeUnknown: look first."""
        with border(writes=True):
            body = self._x.create_tweet(text=text, media_ids=media_ids or None, in_reply_to_tweet_id=str(to))
            return int(body["data"]["id"])

    def moment(self) -> datetime:
        """The time of day by X's own clock, or by ours before X has answered anything."""
        return self._x.moment()

    def _pages(self, route: str, token_name: str, *, strict: bool = False, **params: Any) -> Pages:
        wanted = {"max_results": PAGE, "tweet.fields": POST_FIELDS, "expansions": "author_id", **params}
        wanted = {name: str(value) for name, value in wanted.items() if value is not None}
        posts: list[Post] = []
        for page in range(1, MOST_PAGES + 1):
            with border():
                body = self._get(route, wanted)
                posts += read_page(body, strict=strict)
                token = next_token(body)
            if token is None:
                # X ends a list at its limit without saying that there is more.
                return Pages(posts, complete=page < MOST_PAGES)
            wanted[token_name] = token
        return Pages(posts, complete=False)

    def _get(self, route: str, params: dict[str, str]) -> dict[str, Any]:
        body = self._x.request("GET", route, params=params).json()
        if not isinstance(body, dict):
            raise ValueError("X's answer is no JSON object")
        return body


def _answer_in(pages: Pages, my_id: int, to: int) -> int | None:
    return next((post.id for post in pages.posts if post.in_reply_to_id == to and post.author.id == my_id), None)


def open_x(settings: XSettings) -> XClient:
    """A client of the configured account. Connects on first use only."""
    return XClient(
        Transport(
            settings.x_api_url,
            timeout=settings.x_timeout_seconds,
            consumer_key=settings.x_consumer_key.get_secret_value(),
            consumer_secret=settings.x_consumer_secret.get_secret_value(),
            access_token=settings.x_access_token.get_secret_value(),
            access_token_secret=settings.x_access_token_secret.get_secret_value(),
        )
    )
