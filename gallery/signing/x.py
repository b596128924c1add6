"""Asks X who somebody is: OAuth 2.0 with PKCE. The only file that knows authlib. Knows no page and no row.

    begin()  -> X's page, where they say yes | finish() -> code for token, token for who they are | revoke()

X is asked for `users.read tweet.read` alone: users/me wants both, and nothing is ever posted for anybody. Once we know
who they are nothing needs the token, so there is no `offline.access`: it dies by itself after two hours. Until then it
is kept, sealed, for one purpose: to be revoked when they sign out.
"""

import asyncio
import time
from dataclasses import dataclass, replace
from typing import Any

import httpx2
from authlib.integrations.base_client import MismatchingStateError
from authlib.integrations.starlette_client import OAuth, OAuthError, StarletteIntegration
from fastapi import Request
from starlette.responses import Response

from core.text import clean, display_name
from gallery.settings import GallerySettings

SCOPES = "users.read tweet.read"
# Who has to look for a password, or a telephone, takes a while.
HANDSHAKE_SECONDS = 1800
MOST_HANDSHAKES = 3
TIMEOUT = httpx2.Timeout(8.0)
ALL_IN_ALL_SECONDS = 20.0
LONGEST_TOKEN = 4000
LONGEST_HANDLE, LONGEST_NAME = 50, 200
LARGEST_ID = 2**63 - 1
X_PAGES = "https://x.com"


class XAway(Exception):
    """X does not answer, or wants us to wait: `retry_after` seconds, where it said so."""

    def __init__(self, retry_after: int = 30) -> None:
        super().__init__("X is away")
        self.retry_after = retry_after


class SaidNo(Exception):
    """Whoever was asked said no on X's page."""


class Outdated(Exception):
    """The way back leads from no sign-in that this browser began lately, or X takes its code no more."""


class Strange(Exception):
    """X's answer makes no sense."""


@dataclass(frozen=True, slots=True)
class Tie:
    """Whether they follow the bot. `bot_id`: who was looked at for it, which costs."""

    bot_id: int
    follows: bool


@dataclass(frozen=True, slots=True)
class Somebody:
    """Who X says they are. `tie`: where it was asked for."""

    id: int
    username: str
    name: str
    protected: bool
    tie: Tie | None = None


@dataclass(frozen=True, slots=True)
class Arrival:
    """Somebody who came back from X: who, where they wanted to go, and the token that says so."""

    who: Somebody
    wanted: str
    token: str
    until: float

    @property
    def facts(self) -> dict[str, Any]:
        """What is kept of the token."""
        return {"token": self.token, "until": self.until}


class Handshakes(StarletteIntegration):  # type: ignore[misc]  # authlib has no types
    """What a browser keeps while its owner is at X. Two tabs may be there at once: the newest few are kept, not one.

    The cookie is signed, not encrypted: each browser can read its own verifier, which opens nothing without its code.
    """

    expires_in = HANDSHAKE_SECONDS

    async def set_state_data(self, session: dict[str, Any], state: str, data: dict[str, Any]) -> None:
        """Keep one; the oldest of too many goes."""
        prefix = f"_state_{self.name}_"
        kept = {key: value for key, value in session.items() if key.startswith(prefix) and _is_young(value)}
        newest = sorted(kept.items(), key=lambda pair: float(pair[1]["exp"]))[1 - MOST_HANDSHAKES :]
        session.clear()
        session.update(newest)
        facts = {name: data[name] for name in ("redirect_uri", "code_verifier", "wanted") if name in data}
        session[f"{prefix}{state}"] = {"data": facts, "exp": time.time() + self.expires_in}

    async def get_state_data(self, session: dict[str, Any], state: str) -> dict[str, Any] | None:
        """One that is not too old."""
        value = session.get(f"_state_{self.name}_{state}")
        return value["data"] if value and _is_young(value) else None


class Clients(OAuth):  # type: ignore[misc]
    """authlib, with our handshakes."""

    framework_integration_cls = Handshakes


class XSignIn:
    """X's door for people. Opens no connection before somebody comes. `followed`: the bot's handle, where X is asked
    whether they follow it; else empty."""

    def __init__(self, settings: GallerySettings, *, asks_who_follows: bool = False) -> None:
        self.followed = settings.handle if asks_who_follows else ""
        secret = settings.x_client_secret.get_secret_value()
        method = "client_secret_basic" if secret else "none"
        api = settings.x_api_url.rstrip("/")
        self._revoke_url = f"{api}/2/oauth2/revoke"
        self._x = Clients().register(
            "x",
            client_id=settings.x_client_id,
            client_secret=secret or None,
            authorize_url=f"{settings.x_base or X_PAGES}/i/oauth2/authorize",
            access_token_url=f"{api}/2/oauth2/token",
            api_base_url=f"{api}/2/",
            compliance_fix=_wait_when_told,
            client_kwargs={
                "scope": SCOPES,
                "code_challenge_method": "S256",
                "token_endpoint_auth_method": method,
                "revocation_endpoint_auth_method": method,
                "timeout": TIMEOUT,
            },
        )

    async def begin(self, request: Request, back: str, wanted: str) -> Response:
        """A redirect to X's page. `back`: our address for the way back; `wanted`: the page they came for."""
        made = await self._x.create_authorization_url(back)
        await self._x.save_authorize_data(request, redirect_uri=back, wanted=wanted, **made)
        return Response(status_code=303, headers={"Location": made["url"]})

    async def wanted(self, request: Request) -> str:
        """The page for which the sign-in was begun from which this request comes back; empty where that is unknown."""
        kept = await self._x.framework.get_state_data(request.session, request.query_params.get("state", ""))
        return str((kept or {}).get("wanted", ""))

    async def finish(self, request: Request) -> Arrival:
        """Who came back. Raises SaidNo, Outdated, XAway, Strange."""
        wanted = await self.wanted(request)
        try:
            async with asyncio.timeout(ALL_IN_ALL_SECONDS):
                token = await self._x.authorize_access_token(request)
                return await self._who(token, wanted)
        except MismatchingStateError:
            raise Outdated from None
        except OAuthError as error:
            raise _meant(error) from None
        except (httpx2.HTTPError, TimeoutError):
            raise XAway from None
        except ValueError:
            raise Strange("no JSON object") from None

    async def _who(self, token: Any, wanted: str) -> Arrival:
        access = token.get("access_token") if isinstance(token, dict) else None
        if not isinstance(access, str) or not 0 < len(access) <= LONGEST_TOKEN:
            raise Strange("no token")
        bearer = {"access_token": access, "token_type": "bearer"}
        who = read_somebody(await self._ask("users/me", bearer, "protected"))
        if self.followed:
            bot = await self._ask(f"users/by/username/{self.followed}", bearer, "connection_status")
            who = replace(who, tie=read_tie(bot))
        return Arrival(who, wanted, access, time.time() + _seconds(token.get("expires_in")))

    async def _ask(self, what: str, bearer: dict[str, str], fields: str) -> Any:
        answer = await self._x.get(what, token=bearer, params={"user.fields": fields})
        _wait(answer)
        if answer.status_code != 200:
            raise Strange(f"{what}: {answer.status_code}")
        return answer.json()

    async def revoke(self, token: str) -> None:
        """Tell X that the token is done with. Raises nothing: it dies by itself."""
        try:
            async with asyncio.timeout(ALL_IN_ALL_SECONDS), self._x._get_oauth_client() as client:
                await client.revoke_token(self._revoke_url, token=token, token_type_hint="access_token")  # noqa: S106
        except (httpx2.HTTPError, OAuthError, TimeoutError, ValueError):
            return


def read_somebody(body: Any, asked: str = "users/me") -> Somebody:
    """Who X says they are. Raises Strange. What no database takes is replaced, what is too long for a handle or a
    name is cut: X's handles have 15 letters, its names 50."""
    try:
        user = body["data"]
        number, username = str(user["id"]), clean(str(user["username"]))[:LONGEST_HANDLE]
        name = clean(user["name"])[:LONGEST_NAME] if isinstance(user.get("name"), str) else ""
    except (KeyError, TypeError, AttributeError):
        raise Strange(f"{asked}: no person") from None
    if not (number.isascii() and number.isdigit() and len(number) < 20 and 0 < int(number) <= LARGEST_ID):
        raise Strange(f"{asked}: no id")
    if not username.strip():
        raise Strange(f"{asked}: no handle")
    return Somebody(int(number), username, display_name(name, username), user.get("protected") is True)


def read_tie(body: Any) -> Tie:
    """How they stand to the bot, by the bot as X shows it to them. Raises Strange. Where X tells nothing, nobody is
    kept out for it: so does the bot with who mentions it."""
    bot = read_somebody(body, "the bot's handle")
    told = body["data"].get("connection_status")
    return Tie(bot.id, "following" in told if isinstance(told, list) else True)


def _meant(error: Any) -> Exception:
    """What an error of OAuth means for who waits. A wrong client is the host's to mend."""
    if error.error == "access_denied":
        return SaidNo()
    if error.error in ("invalid_client", "unauthorized_client"):
        return Strange(f"X does not know this client: {error.error}")
    return Outdated()


def _wait_when_told(client: Any) -> None:
    client.register_compliance_hook("access_token_response", _wait)


def _wait(answer: Any) -> Any:
    """Raises XAway where X is busy or broken."""
    if answer.status_code == 429 or answer.status_code >= 500:
        raise XAway(_pause(answer.headers))
    return answer


def _pause(headers: Any) -> int:
    """Seconds until X may be asked again: it names the moment, or the pause."""
    told, until = headers.get("retry-after", ""), headers.get("x-rate-limit-reset", "")
    seconds = 30
    if told.isdecimal():
        seconds = int(told[:6])
    elif until.isdecimal():
        seconds = int(until[:12]) - int(time.time())
    return min(max(seconds, 5), 900)


def _seconds(told: Any) -> float:
    return float(min(max(told, 0), 86_400)) if isinstance(told, int) else 7200.0


def _is_young(value: Any) -> bool:
    return isinstance(value, dict) and float(value.get("exp", 0)) > time.time()
