"""The verbs this house needs of X. They raise TryLater, OutcomeUnknown, OutOfFunds or GiveUp, never tweepy's own.

What X charges for is written down here, where its answer is read.
"""

import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from core.clock import now
from core.errors import GiveUp
from core.money import prices
from core.pace import ANSWER, Told
from core.pace.toll import Item, NoToll, Toll
from core.settings import XSettings
from core.text import LONGEST_ALT_TEXT, clean, clip
from core.x.copies import Copy, read_copy
from core.x.links import links_in
from core.x.people import read_people
from core.x.posts import Account, Author, Post, next_token, read_account, read_losses, read_page
from core.x.snowflakes import id_at
from core.x.transport import Transport, border

SHAPE = {
    "tweet.fields": "attachments,author_id,conversation_id,created_at,display_text_range,edit_history_tweet_ids,"
    "entities,in_reply_to_user_id,lang,note_tweet,referenced_tweets,reply_settings",
    "user.fields": "connection_status,created_at,description,protected,verified",
    "media.fields": "alt_text,height,type,url,width",
    "expansions": "attachments.media_keys,author_id,referenced_tweets.id,referenced_tweets.id.attachments.media_keys,"
    "referenced_tweets.id.author_id",
}
# For finding our own answer: who wrote what to whom, and whether it holds a link, which has a price of its own.
BARE_SHAPE = {"tweet.fields": "author_id,entities,in_reply_to_user_id,referenced_tweets"}
# For reading our own posts again: besides, what was paid for them.
OWN_SHAPE = {
    "tweet.fields": "attachments,author_id,entities,in_reply_to_user_id,note_tweet,referenced_tweets",
    "media.fields": "alt_text,type",
    "expansions": "attachments.media_keys",
}
MY_FIELDS = "created_at,description,pinned_tweet_id,protected,verified,verified_type"
PAGE = 100
# X serves the newest 800 mentions and no more.
MOST_PAGES = 8
# And the newest 3,200 posts of an account.
MAX_OWN_PAGES = 32
# A minute less than X allows: clocks differ, and calls take their time.
SEARCH_REACH = timedelta(days=7, minutes=-1)


@dataclass(frozen=True)
class Pages:
    """Posts of all pages of one question, newest first. Not `complete`: X has older ones that it did not show."""

    posts: list[Post]
    complete: bool


@dataclass(frozen=True)
class Looked:
    """Posts looked up by id, and what became of the others: `gone`, `protected`, `suspended` or `unknown`."""

    posts: list[Post]
    lost: dict[int, str]


@dataclass(frozen=True)
class Access:
    """What our keys open: whose account, `read` or `read-write`, and how many seconds our clock is ahead of X's."""

    account: Account
    level: str
    skew_seconds: float


class XClient:
    """One account on X. Not shared between threads or processes: it keeps one connection."""

    def __init__(self, transport: Transport, *, owns_app: bool = True) -> None:
        self._x = transport
        self._owns_app = owns_app

    def on_behalf(self, creation_id: int, person_id: int) -> None:
        """From now on, what is paid is paid for this creation of this person."""
        self._x.toll = self._x.toll.on_behalf(creation_id, person_id)

    def me(self) -> Account:
        """The account whose keys we hold."""
        with border():
            account = read_account(self._get("/2/users/me", {"user.fields": MY_FIELDS}))
        self._x.toll.know_account(self._x.keys, account.author.id, verified=account.author.verified)
        self._charge_once_a_day(prices.USER_READ, "user", [(account.author.id, None)])
        return account

    def person_called(self, handle: str) -> Author | None:
        """The person who has this handle now; None if X shows nobody with it. Costs one read of a user."""
        with border():
            body = self._get("/2/users/by", {"usernames": handle, "user.fields": "created_at,protected"})
            found = next((one for one in read_people(body) if one.username.lower() == handle.lower()), None)
        if found is not None:
            self._charge_once_a_day(prices.USER_READ, "user", [(found.id, found.id)])
        return found

    def my_id(self) -> int:
        """The account's id; X is asked for it once a day."""
        return self._x.toll.account_of(self._x.keys) or self.me().author.id

    def access(self) -> Access:
        """What our keys open. X tells in a header whether they may write."""
        account = self.me()
        return Access(account, self._x.access_level, (now() - self.moment()).total_seconds())

    def posts(self, ids: Iterable[int]) -> Looked:
        """Up to 100 posts by their ids, with what X says of those it does not show."""
        wanted = SHAPE | {"ids": ",".join(map(str, ids))}
        with border():
            body = self._get("/2/tweets", wanted)
            looked = Looked(read_page(body, strict=True), read_losses(body))
        self._charge_posts(prices.POST_READ, body)
        return looked

    def mentions(self, my_id: int, *, since_id: int) -> Pages:
        """Posts that mention the account, newer than `since_id`, newest first, at most 800."""
        return self._pages(f"/2/users/{my_id}/mentions", "pagination_token", item=self._own_read, since_id=since_id)

    def search(self, query: str, *, since_id: int, until_id: int | None = None) -> Pages:
        """Recent posts that match, between two ids (both exclusive), newest first, at most 800.

        X shows a post here about 30 s after it was made, and for seven days; asked for more it refuses.
        """
        reach = id_at(self.moment() - SEARCH_REACH)
        span: dict[str, Any] = {"query": query, "since_id": max(since_id, reach), "until_id": until_id}
        pages = self._pages("/2/tweets/search/recent", "next_token", item=prices.POST_READ, **span)
        return Pages(pages.posts, complete=pages.complete and since_id >= reach)

    def own_posts(self, my_id: int, *, since_id: int, until_id: int | None = None) -> Pages:
        """The account's own posts between two ids (both exclusive), newest first, at most 800."""
        span: dict[str, Any] = {"since_id": since_id, "until_id": until_id}
        return self._pages(f"/2/users/{my_id}/tweets", "pagination_token", item=self._own_read, **span)

    def own_posts_since(self, my_id: int, *, since_id: int) -> Pages:
        """All own posts newer than `since_id` that X shows, at most 3,200. One that cannot be read raises."""
        looking: dict[str, Any] = {"shape": OWN_SHAPE, "strict": True, "most_pages": MAX_OWN_PAGES}
        route = f"/2/users/{my_id}/tweets"
        return self._pages(route, "pagination_token", item=self._own_read, since_id=since_id, **looking)

    def charge_found(self, reply: Post, *, alt_texts: bool) -> None:
        """Write down what X charged for a reply that was found, if the ledger does not have it. `alt_texts`: theirs,
        too."""
        described = [media.key for media in reply.media if media.alt_text and alt_texts]
        paid = [Item(prices.ALT_TEXT, f"described:{reply.id}:{key}"[:100]) for key in described]
        self._x.toll.charge([_reply_item(reply.id, with_link=reply.has_link), *paid], reply.created_at)

    def find_answer(self, my_id: int, *, to: int, is_ours: Callable[[Post], bool] = lambda _post: True) -> int | None:
        """The id of the account's own answer to a post, or None if X surely has none.

        Of several the first that `is_ours` says yes to.

        Looks at the account's own posts, which X shows at once; where more than 800 have come since, at search too. An
        answer of X that cannot be read whole raises: it does not say that there is none.
        """

        def is_it(post: Post) -> bool:
            return post.in_reply_to_id == to and post.author.id == my_id and is_ours(post)

        looking: dict[str, Any] = {"shape": BARE_SHAPE, "strict": True, "until": is_it, "since_id": to}
        own = self._pages(f"/2/users/{my_id}/tweets", "pagination_token", item=self._own_read, **looking)
        found = next(filter(is_it, own.posts), None)
        if found is None and not own.complete:
            reach = id_at(self.moment() - SEARCH_REACH)
            looking |= {"query": f"from:{my_id} in_reply_to_tweet_id:{to}", "since_id": max(to, reach)}
            searched = self._pages("/2/tweets/search/recent", "next_token", item=prices.POST_READ, **looking)
            found = next(filter(is_it, searched.posts), None)
        if found is None:
            self._x.toll.undone(ANSWER)
            return None
        self._charge_reply(found.id, with_link=found.has_link)
        return found.id

    def upload(self, image: bytes, mime: str) -> Copy:
        """Upload a picture. Its copy expires after a day. Safe to repeat: an unused one vanishes."""
        with border():
            answer = self._x.request(
                "POST",
                "/2/media/upload",
                data={"media_category": "tweet_image"},
                files={"media": (f"picture.{mime.removeprefix('image/')}", image, mime)},
            )
            copy = read_copy(answer.json())
        self._charge(prices.UPLOAD, f"upload:{copy.media_id}")
        return copy

    def look_at_copy(self, media_id: str) -> Copy:
        """How far X is with a picture that was uploaded."""
        with border():
            return read_copy(self._get("/2/media/upload", {"command": "STATUS", "media_id": media_id}))

    def describe(self, media_id: str, *, alt_text: str = "", sensitive: bool = False) -> None:
        """Describe a picture for those who cannot see it, and warn of it. Words are cut to 1,000. Safe to repeat."""
        metadata: dict[str, Any] = {}
        if alt_text:
            metadata["alt_text"] = {"text": clip(clean(alt_text), LONGEST_ALT_TEXT)}
        if sensitive:
            metadata["sensitive_media_warning"] = {"other": True}
        with border():
            self._x.request("POST", "/2/media/metadata", json={"id": media_id, "metadata": metadata})
        self._charge(prices.ALT_TEXT, f"describe:{media_id}:{secrets.token_hex(4)}")

    def foresee_answer(self) -> None:
        """Raise OutOfFunds if X has suspended replies and nobody may probe now. Calls nobody."""
        self._x.toll.foresee(ANSWER)

    def suspend_answers(self, code: str) -> None:
        """X refuses replies one after the other: none goes but one at a time to probe."""
        self._x.toll.learn(ANSWER, Told(self.moment()), code)

    def answer(self, text: str, *, to: int, media_ids: list[str], made_with_ai: bool = False) -> int:
        """Answer a post with pictures and return the answer's id. Never repeat it after OutcomeUnknown: look first."""
        body: dict[str, Any] = {"text": text, "reply": {"in_reply_to_tweet_id": str(to)}}
        if media_ids:
            body["media"] = {"media_ids": media_ids}
        answer = self._post(body, made_with_ai)
        self._charge_reply(answer, with_link=bool(links_in(text)))
        return answer

    def post(self, text: str, *, to: int | None = None, with_url: bool = False) -> int:
        """Post in our own name, below a post of ours if wanted. Never repeat it after OutcomeUnknown: look first."""
        body: dict[str, Any] = {"text": text} | ({"reply": {"in_reply_to_tweet_id": str(to)}} if to else {})
        posted = self._post(body, made_with_ai=False)
        self._charge(prices.POST_WITH_URL if with_url else prices.POST, f"post:{posted}")
        return posted

    def delete(self, post_id: int) -> None:
        """Take a post of ours away. Safe to repeat: what is gone is gone."""
        try:
            with border():
                answer = self._x.request("DELETE", f"/2/tweets/{post_id}")
                if answer.json()["data"]["deleted"] is not True:
                    raise ValueError("X does not say that it is deleted")
        except GiveUp as error:
            if error.code != "x_post_gone":
                raise
            return
        self._charge(prices.DELETE, f"delete:{post_id}:{secrets.token_hex(4)}")

    def moment(self) -> datetime:
        """The time of day by X's own clock, or by ours before X has answered anything."""
        return self._x.moment()

    @property
    def _own_read(self) -> str:
        return prices.OWN_READ if self._owns_app else prices.POST_READ

    def _pages(
        self,
        route: str,
        token_name: str,
        *,
        item: str,
        shape: dict[str, str] = SHAPE,
        strict: bool = False,
        until: Callable[[Post], bool] | None = None,
        most_pages: int = MOST_PAGES,
        **params: Any,
    ) -> Pages:
        """All pages of one question, or as far as a post that `until` says yes to."""
        wanted = shape | {"max_results": str(PAGE)} | {name: str(it) for name, it in params.items() if it}
        posts: list[Post] = []
        for page in range(1, most_pages + 1):
            with border():
                body = self._get(route, wanted)
                self._charge_posts(item, body)
                read = read_page(body, strict=strict)
                token = next_token(body)
            posts += read
            if until and any(map(until, read)):
                return Pages(posts, complete=False)
            if token is None:
                # X ends a list at its limit without saying that there is more.
                return Pages(posts, complete=page < most_pages)
            wanted[token_name] = token
        return Pages(posts, complete=False)

    def _post(self, body: dict[str, Any], made_with_ai: bool) -> int:
        if made_with_ai:
            body |= {"made_with_ai": True}
        with border(writes=True):
            answer = self._x.request("POST", "/2/tweets", json=body)
            return int(answer.json()["data"]["id"])

    def _get(self, route: str, params: dict[str, str]) -> dict[str, Any]:
        body = self._x.request("GET", route, params=params).json()
        if not isinstance(body, dict):
            raise ValueError("X's answer is no JSON object")
        return body

    # what X charges for

    def _charge(self, item: str, key: str) -> None:
        self._x.toll.charge([Item(item, key)], self.moment())

    def _charge_reply(self, reply_id: int, *, with_link: bool) -> None:
        self._x.toll.charge([_reply_item(reply_id, with_link=with_link)], self.moment())

    def _charge_posts(self, item: str, body: dict[str, Any]) -> None:
        """X charges every post it shows, also one that makes no sense to us."""
        shown = [raw for raw in body.get("data") or [] if isinstance(raw, dict) and raw.get("id")]
        self._charge_once_a_day(item, "post", [(raw["id"], _number(raw.get("author_id"))) for raw in shown])

    def _charge_once_a_day(self, item: str, kind: str, shown: list[tuple[Any, int | None]]) -> None:
        at = self.moment()
        items = [Item(item, f"{at:%Y-%m-%d} {kind}:{number}"[:100], person_id) for number, person_id in shown]
        if items:
            self._x.toll.charge(items, at)


def _reply_item(reply_id: int, *, with_link: bool) -> Item:
    return Item(prices.REPLY_WITH_LINK if with_link else prices.REPLY, f"answer:{reply_id}")


def _number(value: Any) -> int | None:
    text = str(value or "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None


def open_x(settings: XSettings, toll: Toll | None = None) -> XClient:
    """A client of the configured account, paced and priced by `toll`. Connects on first use only."""
    transport = Transport(
        settings.x_api_url,
        timeout=settings.x_timeout_seconds,
        toll=toll or NoToll(),
        consumer_key=settings.x_consumer_key.get_secret_value(),
        consumer_secret=settings.x_consumer_secret.get_secret_value(),
        access_token=settings.x_access_token.get_secret_value(),
        access_token_secret=settings.x_access_token_secret.get_secret_value(),
    )
    return XClient(transport, owns_app=settings.x_owns_app)
