"""Identify users through X: OAuth 2.0 with PKCE. The only module that uses authlib.

    start() -> X's consent page | finish() -> code for token, token for user | revoke()

The scopes are `users.read tweet.read`: users/me needs both, and nothing is ever posted for a user. Without
`offline.access` a token expires after two hours. It is stored, encrypted, only to be revoked at sign-out.
"""

import asyncio
import ssl
import time
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any

import httpx2
from authlib.integrations.base_client import MismatchingStateError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from authlib.integrations.starlette_client import OAuth, OAuthError, StarletteIntegration
from fastapi import Request
from starlette.responses import Response

from core.text import clean, display_name
from core.x.json_fields import JsonObject, as_object, as_text
from gallery.auth.encryption import StoredToken
from gallery.settings import GallerySettings

SCOPES = "users.read tweet.read"
# Seconds to sign in at X, which may take a password manager or a second factor.
STATE_MAX_AGE = 1800
# One per tab; the cookie has room for no more.
MAX_STATES = 3
TIMEOUT = httpx2.Timeout(8.0)
TOTAL_TIMEOUT_SECONDS = 20.0
MAX_TOKEN_LENGTH = 4000
# X allows 15 and 50 characters.
MAX_HANDLE_LENGTH, MAX_NAME_LENGTH = 50, 200
MAX_URL_LENGTH = 500
MAX_ID = 2**63 - 1
X_WEB_URL = "https://x.com"


class XUnavailable(Exception):
    """X does not answer or limits us. `retry_after`: seconds."""

    def __init__(self, retry_after: int = 30) -> None:
        super().__init__("X is unavailable")
        self.retry_after = retry_after


class AccessDenied(Exception):
    """The user declined on X's consent page."""


class StateExpired(Exception):
    """The callback belongs to no recent sign-in of this browser, or X no longer takes its code."""


class InvalidResponse(Exception):
    """X's response lacks what it must contain."""


@dataclass(frozen=True, slots=True)
class FollowStatus:
    """Return whether the user follows the bot. `bot_id`: the second user that was looked up, which costs."""

    bot_id: int
    follows: bool


@dataclass(frozen=True, slots=True)
class XUser:
    """A user as X identifies them. `follow_status`: None if it was not asked for."""

    id: int
    username: str
    name: str
    protected: bool
    avatar_url: str = ""
    follow_status: FollowStatus | None = None


@dataclass(frozen=True, slots=True)
class OAuthResult:
    """A finished sign-in. `until`: the Unix time at which the access token expires."""

    user: XUser
    next_url: str
    token: str
    until: float

    @property
    def stored_token(self) -> StoredToken:
        """What the database stores of the token, encrypted."""
        return StoredToken(self.token, self.until)


class StateStore(StarletteIntegration):  # type: ignore[misc]  # authlib has no types
    """Keep the states of the newest few sign-ins in the session cookie, because two tabs may sign in at once.

    The cookie is signed, not encrypted: a browser can read its own verifier, which is useless without its code.
    """

    expires_in = STATE_MAX_AGE

    async def set_state_data(self, session: dict[str, Any], state: str, data: dict[str, Any]) -> None:
        """Store one state and drop the oldest beyond MAX_STATES."""
        prefix = f"_state_{self.name}_"
        valid = {key: value for key, value in session.items() if key.startswith(prefix) and _is_valid(value)}
        newest = sorted(valid.items(), key=lambda item: float(item[1]["exp"]))[1 - MAX_STATES :]
        session.clear()
        session.update(newest)
        stored = {name: data[name] for name in ("redirect_uri", "code_verifier", "next_url") if name in data}
        session[f"{prefix}{state}"] = {"data": stored, "exp": time.time() + self.expires_in}

    async def get_state_data(self, session: dict[str, Any], state: str) -> dict[str, Any] | None:
        """Return the data of a state that has not expired."""
        value = session.get(f"_state_{self.name}_{state}")
        return value["data"] if value and _is_valid(value) else None


class StateOAuth(OAuth):  # type: ignore[misc]  # authlib has no types
    """authlib's registry with our state store."""

    framework_integration_cls = StateStore


class XOAuthClient:
    """Sign users in through X. Opens no connection before the first sign-in.

    `followed_handle`: the bot's handle if X is asked whether users follow it; else empty.
    """

    def __init__(self, settings: GallerySettings, *, check_follow: bool = False) -> None:
        self.followed_handle = settings.handle if check_follow else ""
        secret = settings.x_client_secret.get_secret_value()
        method = "client_secret_basic" if secret else "none"
        api = settings.x_api_url.rstrip("/")
        self._revoke_url = f"{api}/2/oauth2/revoke"
        # The registered client below has no public way to revoke.
        self._revocation_client = partial(
            AsyncOAuth2Client,
            settings.x_client_id,
            secret or None,
            revocation_endpoint_auth_method=method,
            timeout=TIMEOUT,
            verify=_certificates(),
        )
        self._x = StateOAuth().register(
            "x",
            client_id=settings.x_client_id,
            client_secret=secret or None,
            authorize_url=f"{settings.x_base or X_WEB_URL}/i/oauth2/authorize",
            access_token_url=f"{api}/2/oauth2/token",
            api_base_url=f"{api}/2/",
            compliance_fix=_check_token_responses,
            client_kwargs={
                "scope": SCOPES,
                "code_challenge_method": "S256",
                "token_endpoint_auth_method": method,
                "timeout": TIMEOUT,
                "verify": _certificates(),
            },
        )

    async def start(self, request: Request, callback_url: str, next_url: str) -> Response:
        """Redirect to X's consent page. `next_url`: the page to show after the sign-in."""
        authorization = await self._x.create_authorization_url(callback_url)
        await self._x.save_authorize_data(request, redirect_uri=callback_url, next_url=next_url, **authorization)
        return Response(status_code=303, headers={"Location": authorization["url"]})

    async def next_url(self, request: Request) -> str:
        """Return the page for which the sign-in of this callback was started; empty if it is unknown."""
        data = await self._x.framework.get_state_data(request.session, request.query_params.get("state", ""))
        return str((data or {}).get("next_url", ""))

    async def finish(self, request: Request) -> OAuthResult:
        """Exchange the code and identify the user.

        Raises AccessDenied, StateExpired, XUnavailable, InvalidResponse.
        """
        next_url = await self.next_url(request)
        try:
            async with asyncio.timeout(TOTAL_TIMEOUT_SECONDS):
                token = await self._x.authorize_access_token(request)
                return await self._identify(as_object(token), next_url)
        except MismatchingStateError:
            raise StateExpired from None
        except OAuthError as error:
            raise _map_oauth_error(error) from None
        except (httpx2.HTTPError, TimeoutError):
            raise XUnavailable from None
        except ValueError:
            raise InvalidResponse("no JSON object") from None

    async def _identify(self, token: JsonObject, next_url: str) -> OAuthResult:
        access = token.get("access_token")
        if not isinstance(access, str) or not 0 < len(access) <= MAX_TOKEN_LENGTH:
            raise InvalidResponse("no token")
        bearer = {"access_token": access, "token_type": "bearer"}
        user = parse_user(await self._get("users/me", bearer, "protected,profile_image_url"))
        if self.followed_handle:
            bot = await self._get(f"users/by/username/{self.followed_handle}", bearer, "connection_status")
            user = replace(user, follow_status=parse_follow_status(bot))
        return OAuthResult(user, next_url, access, time.time() + _lifetime(token.get("expires_in")))

    async def _get(self, path: str, bearer: dict[str, str], fields: str) -> JsonObject:
        response: httpx2.Response = await self._x.get(path, token=bearer, params={"user.fields": fields})
        _ensure_available(response)
        if response.status_code != 200:
            raise InvalidResponse(f"{path}: {response.status_code}")
        return as_object(response.json())

    async def revoke(self, token: str) -> None:
        """Revoke a token at X. Raises nothing: the token expires anyway."""
        try:
            async with asyncio.timeout(TOTAL_TIMEOUT_SECONDS), self._revocation_client() as client:
                await client.revoke_token(self._revoke_url, token=token, token_type_hint="access_token")  # noqa: S106
        except (httpx2.HTTPError, OAuthError, TimeoutError, ValueError):
            return


def parse_user(body: JsonObject, source: str = "users/me") -> XUser:
    """Return the user of a response. Raises InvalidResponse.

    Text that no database takes is replaced, and a handle or name that is too long is cut.
    """
    user = as_object(body.get("data"))
    try:
        number, username = str(user["id"]), clean(str(user["username"]))[:MAX_HANDLE_LENGTH]
    except KeyError:
        raise InvalidResponse(f"{source}: no person") from None
    name = clean(as_text(user.get("name")))[:MAX_NAME_LENGTH]
    if not (number.isascii() and number.isdigit() and len(number) < 20 and 0 < int(number) <= MAX_ID):
        raise InvalidResponse(f"{source}: no id")
    if not username.strip():
        raise InvalidResponse(f"{source}: no handle")
    avatar_url = clean(as_text(user.get("profile_image_url")))[:MAX_URL_LENGTH]
    return XUser(int(number), username, display_name(name, username), user.get("protected") is True, avatar_url)


def parse_follow_status(body: JsonObject) -> FollowStatus:
    """Return whether the user follows the bot, from the bot as X shows it to them. Raises InvalidResponse.

    If X leaves the status out, the user counts as a follower, as in the bot.
    """
    bot = parse_user(body, "the bot's handle")
    status = as_object(body["data"]).get("connection_status")
    return FollowStatus(bot.id, "following" in status if isinstance(status, list) else True)


@cache
def _certificates() -> ssl.SSLContext:
    """Load certificates once per process. authlib makes three clients per sign-in, and each would take 20 ms for it."""
    return httpx2.create_ssl_context()


def _map_oauth_error(error: OAuthError) -> Exception:
    """Return the exception for an OAuth error. Wrong client credentials are the operator's to fix."""
    if error.error == "access_denied":
        return AccessDenied()
    if error.error in ("invalid_client", "unauthorized_client"):
        return InvalidResponse(f"X does not know this client: {error.error}")
    return StateExpired()


def _check_token_responses(client: AsyncOAuth2Client) -> None:
    client.register_compliance_hook("access_token_response", _ensure_available)


def _ensure_available(response: httpx2.Response) -> httpx2.Response:
    """Raise XUnavailable if X is rate limited or broken."""
    if response.status_code == 429 or response.status_code >= 500:
        raise XUnavailable(_parse_retry_after(response.headers))
    return response


def _parse_retry_after(headers: httpx2.Headers) -> int:
    """Return the seconds until X may be asked again, between 5 and 900."""
    retry_after, reset_at = headers.get("retry-after", ""), headers.get("x-rate-limit-reset", "")
    seconds = 30
    if retry_after.isdecimal():
        seconds = int(retry_after[:6])
    elif reset_at.isdecimal():
        seconds = int(reset_at[:12]) - int(time.time())
    return min(max(seconds, 5), 900)


def _lifetime(expires_in: object) -> float:
    return float(min(max(expires_in, 0), 86_400)) if isinstance(expires_in, int) else 7200.0


def _is_valid(value: object) -> bool:
    return isinstance(value, dict) and float(value.get("exp", 0)) > time.time()
