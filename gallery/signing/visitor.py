"""Who looks at a page: a member, or a stranger. Asked once per request, and only where there is a cookie."""

import hashlib
import hmac
import secrets
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from fastapi import Request
from sqlalchemy.exc import OperationalError
from starlette.concurrency import run_in_threadpool

from core.clock import now
from gallery import queries
from gallery.house import house_of
from gallery.shown import PersonShown
from gallery.signing import logins

LONGEST_COOKIE = 200


class NotSignedIn(Exception):
    """This is for members; whoever asks may sign in and come back."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Whoever looks. `person` is None for a stranger."""

    person: PersonShown | None = None
    login_id: int | None = None
    unread: int = 0
    shows_sensitive: bool = False
    secret: str = ""

    @property
    def form_token(self) -> str:
        """What a form of theirs has to bring. Never the same twice, so that compressed pages give nothing away."""
        return token_for(self.secret) if self.secret else ""

    def owns(self, person_id: int) -> bool:
        """Whether this is theirs."""
        return self.person is not None and self.person.id == person_id


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody who is signed in."""

    person: PersonShown
    login_id: int
    visitor: Visitor

    @property
    def id(self) -> int:
        """Their id on X."""
        return self.person.id


STRANGER = Visitor()


async def visitor_of(request: Request) -> Visitor:
    """Who looks. Raises OperationalError where the database is away."""
    known = getattr(request.state, "visitor", None)
    if isinstance(known, Visitor):
        return known
    visitor = await _look_up(request)
    request.state.visitor = visitor
    return visitor


async def member_of(request: Request) -> Member:
    """Who looks, where that is a member. Raises NotSignedIn."""
    visitor = await visitor_of(request)
    if visitor.person is None or visitor.login_id is None:
        raise NotSignedIn
    keep_nowhere(request)
    return Member(visitor.person, visitor.login_id, visitor)


def keep_nowhere(request: Request) -> None:
    """The page is for one member's eyes: after they signed out, no step back in the browser shows it again."""
    request.state.kept_nowhere = True


def known_visitor(request: Request) -> Visitor:
    """Who looks, as far as it is known without asking anybody: for pages about errors."""
    known = getattr(request.state, "visitor", None)
    return known if isinstance(known, Visitor) else STRANGER


def cookie_name(public_url: str) -> str:
    """`__Host-` binds a cookie to this host and to https; without https browsers do not take it."""
    return "__Host-login" if public_url.startswith("https:") else "login"


def token_for(secret: str, salt: str = "") -> str:
    """A word that only pages for this login can hold."""
    salt = salt or secrets.token_hex(8)
    return f"{salt}.{hmac.new(secret.encode(), salt.encode(), hashlib.sha256).hexdigest()[:32]}"


def is_token_of(secret: str, token: str) -> bool:
    """Whether a form's word is one for this login."""
    salt = token.partition(".")[0]
    return bool(salt) and hmac.compare_digest(token_for(secret, salt).encode(), token.encode())


async def _look_up(request: Request) -> Visitor:
    house = house_of(request)
    value = request.cookies.get(cookie_name(house.public_url), "")
    if not 0 < len(value) <= LONGEST_COOKIE:
        return STRANGER
    row = await queries.ask(house.engine, partial(logins.find, value=value))
    if row is None:
        return STRANGER
    if now() - row.seen_at > logins.SEEN_EVERY:
        with suppress(OperationalError):
            await run_in_threadpool(logins.touch, house.engine, row.login_id, row.created_at)
    return Visitor(PersonShown(row.id, row.username, row.name), row.login_id, row.unread, row.shows_sensitive, value)
