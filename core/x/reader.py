"""Read accounts and posts from X, and record what X charges for them."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

from core.budget import prices
from core.clock import now
from core.x.posts import next_page_token, parse_posts
from core.x.query_fields import OWN_ACCOUNT_FIELDS, OWN_POST_FIELDS, POST_FIELDS, REPLY_SEARCH_FIELDS
from core.x.rate_limit import CREATE_POST
from core.x.session import XSession, reply_item
from core.x.snowflakes import snowflake_from_time
from core.x.transport import translate_errors
from core.x.types import Account, Author, CredentialInfo, LookupResult, Post, PostPages
from core.x.unavailable import parse_unavailable
from core.x.users import parse_account, parse_users

PAGE_SIZE = 100
# X serves the newest 800 mentions.
MAX_PAGES = 8
# X serves the newest 3,200 posts of an account.
MAX_OWN_PAGES = 32
# X allows 7 days; a minute less allows for clock differences and slow calls.
SEARCH_MAX_AGE = timedelta(days=7, minutes=-1)


class XReader(XSession):
    """Reads of one X account."""

    def get_me(self) -> Account:
        """Return the account of the keys."""
        with translate_errors():
            account = parse_account(self._get("/2/users/me", {"user.fields": OWN_ACCOUNT_FIELDS}))
        self._transport.guard.remember_account(
            self._transport.keys_hash, account.author.id, verified=account.author.verified
        )
        self._charge_once_a_day(prices.USER_READ, "user", [(account.author.id, None)])
        return account

    def find_user(self, handle: str) -> Author | None:
        """Return the user who has this handle now; None if X shows none. Costs one user read."""
        with translate_errors():
            body = self._get("/2/users/by", {"usernames": handle, "user.fields": "created_at,protected"})
            users = parse_users(body)
        user = next((user for user in users if user.username.lower() == handle.lower()), None)
        if user is not None:
            self._charge_once_a_day(prices.USER_READ, "user", [(user.id, user.id)])
        return user

    def get_my_id(self) -> int:
        """Return the account's id. Asks X at most once a day."""
        return self._transport.guard.account_id(self._transport.keys_hash) or self.get_me().author.id

    def check_credentials(self) -> CredentialInfo:
        """Return what the keys allow. X reports write access in a response header."""
        account = self.get_me()
        return CredentialInfo(account, self._transport.access_level, (now() - self.x_now()).total_seconds())

    def get_posts(self, ids: Iterable[int]) -> LookupResult:
        """Look up at most 100 posts by id."""
        params = POST_FIELDS | {"ids": ",".join(map(str, ids))}
        with translate_errors():
            body = self._get("/2/tweets", params)
            result = LookupResult(parse_posts(body, strict=True), parse_unavailable(body))
        self._charge_posts(prices.POST_READ, body)
        return result

    def get_mentions(self, my_id: int, *, since_id: int) -> PostPages:
        """Return posts that mention the account, newer than `since_id`, newest first, at most 800."""
        route = f"/2/users/{my_id}/mentions"
        return self._get_pages(route, "pagination_token", item=self._own_read, since_id=since_id)

    def search_recent(self, query: str, *, since_id: int, until_id: int | None = None) -> PostPages:
        """Return recent posts that match, between two ids (both exclusive), newest first, at most 800.

        X shows a post here about 30 s after it was made, and for seven days. It rejects a longer period.
        """
        return self._search_recent(query, since_id, until_id=until_id)

    def get_own_posts(self, my_id: int, *, since_id: int, until_id: int | None = None) -> PostPages:
        """Return the account's posts between two ids (both exclusive), newest first, at most 800."""
        route = f"/2/users/{my_id}/tweets"
        return self._get_pages(route, "pagination_token", item=self._own_read, since_id=since_id, until_id=until_id)

    def get_all_own_posts(self, my_id: int, *, since_id: int) -> PostPages:
        """Return own posts newer than `since_id`, at most 3,200. Raises TryLater if one cannot be parsed."""
        return self._get_pages(
            f"/2/users/{my_id}/tweets",
            "pagination_token",
            item=self._own_read,
            fields=OWN_POST_FIELDS,
            strict=True,
            max_pages=MAX_OWN_PAGES,
            since_id=since_id,
        )

    def find_own_reply(
        self, my_id: int, *, to: int, is_ours: Callable[[Post], bool] = lambda _post: True
    ) -> int | None:
        """Return the id of the account's reply to a post; None if X certainly has none.

        Reads own posts, which X shows at once; if more than 800 came since, it searches, too. A response that cannot be
        parsed whole raises TryLater: it does not prove that there is no reply.

        Args:
            is_ours: chooses among several replies; the first match counts.
        """

        def is_match(post: Post) -> bool:
            return post.in_reply_to_id == to and post.author.id == my_id and is_ours(post)

        reply = self._find_in_own_posts(my_id, to, is_match)
        if reply is None:
            self._transport.guard.release(CREATE_POST)
            return None
        self._charge(reply_item(reply.id, with_link=reply.has_link))
        return reply.id

    def _find_in_own_posts(self, my_id: int, to: int, is_match: Callable[[Post], bool]) -> Post | None:
        fields, route = REPLY_SEARCH_FIELDS, f"/2/users/{my_id}/tweets"
        own = self._get_pages(
            route,
            "pagination_token",
            item=self._own_read,
            fields=fields,
            strict=True,
            until=is_match,
            since_id=to,
        )
        reply = next(filter(is_match, own.posts), None)
        if reply is not None or own.complete:
            return reply
        query = f"from:{my_id} in_reply_to_tweet_id:{to}"
        results = self._search_recent(query, to, fields=fields, strict=True, until=is_match)
        return next(filter(is_match, results.posts), None)

    def _search_recent(self, query: str, since_id: int, **options: Any) -> PostPages:
        """Search from `since_id`, or from the oldest post that X allows. options: those of `_get_pages`."""
        min_id = snowflake_from_time(self.x_now() - SEARCH_MAX_AGE)
        pages = self._get_pages(
            "/2/tweets/search/recent",
            "next_token",
            item=prices.POST_READ,
            query=query,
            since_id=max(since_id, min_id),
            **options,
        )
        return PostPages(pages.posts, complete=pages.complete and since_id >= min_id)

    @property
    def _own_read(self) -> str:
        return prices.OWN_READ if self._owns_app else prices.POST_READ

    def _get_pages(
        self,
        route: str,
        token_name: str,
        *,
        item: str,
        fields: dict[str, str] = POST_FIELDS,
        strict: bool = False,
        until: Callable[[Post], bool] | None = None,
        max_pages: int = MAX_PAGES,
        **params: str | int | None,
    ) -> PostPages:
        """Read all pages, or up to the page with a post that matches `until`."""
        query = fields | {"max_results": str(PAGE_SIZE)}
        query |= {name: str(value) for name, value in params.items() if value}
        posts: list[Post] = []
        for page in range(1, max_pages + 1):
            with translate_errors():
                body = self._get(route, query)
                self._charge_posts(item, body)
                page_posts = parse_posts(body, strict=strict)
                token = next_page_token(body)
            posts += page_posts
            if until and any(map(until, page_posts)):
                return PostPages(posts, complete=False)
            if token is None:
                # At its limit X ends the list without saying that there is more.
                return PostPages(posts, complete=page < max_pages)
            query[token_name] = token
        return PostPages(posts, complete=False)
