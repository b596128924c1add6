"""Issue, refresh and revoke OAuth 2.0 tokens."""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import asdict, dataclass

from sandbox.model import Json, User
from sandbox.world import World

CODE_SECONDS = 30
ACCESS_SECONDS = 7200
WRONG_TOKEN = "Value passed for the token was invalid."  # noqa: S105 X's message


class OAuthError(Exception):
    """An OAuth error: a code, a description and the HTTP status."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.error, self.description, self.status = error, description, status


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """A validated authorization request."""

    client_id: str
    redirect_uri: str
    scopes: tuple[str, ...]
    challenge: str
    method: str


@dataclass(frozen=True, slots=True)
class Grant:
    person_id: int
    client_id: str
    scopes: tuple[str, ...]
    until_ms: int


@dataclass(frozen=True, slots=True)
class Tokens:
    access: str
    refresh: str | None
    scopes: tuple[str, ...]


class Grants:
    """Codes are in memory, for 30 seconds; tokens are stored and survive a restart."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._codes: dict[str, tuple[AuthorizationRequest, int, int]] = {}
        stored: Json = world.facts.get("grants", {})
        self._access = {token: _parse_grant(body) for token, body in stored.get("access", {}).items()}
        self._refresh = {token: _parse_grant(body) for token, body in stored.get("refresh", {}).items()}

    def code(self, auth_request: AuthorizationRequest, person: User) -> str:
        code = secrets.token_urlsafe(48)
        self._codes[code] = (auth_request, person.id, self._now() + CODE_SECONDS * 1000)
        return code

    def exchange_code(self, code: str, *, client_id: str, redirect_uri: str, verifier: str) -> Tokens:
        """Exchange a code for tokens. A code works once, even if the exchange fails."""
        auth_request, person_id, until_ms = self._codes.pop(code, (None, 0, 0))
        if auth_request is None or until_ms <= self._now() or auth_request.client_id != client_id:
            raise OAuthError("invalid_request", "Value passed for the authorization code was invalid.")
        if auth_request.redirect_uri != redirect_uri:
            raise OAuthError("invalid_request", "Value passed for the redirect uri did not match the uri of the code.")
        if not _matches_challenge(auth_request, verifier):
            raise OAuthError("invalid_request", "Value passed for the code verifier did not match the code challenge.")
        return self._issue(person_id, client_id, auth_request.scopes)

    def refresh(self, token: str, *, client_id: str) -> Tokens:
        """Exchange a refresh token for new tokens. It works once."""
        grant = self._refresh.get(token)
        if grant is None or grant.client_id != client_id:
            raise OAuthError("invalid_request", WRONG_TOKEN)
        del self._refresh[token]
        return self._issue(grant.person_id, client_id, grant.scopes)

    def revoke(self, token: str, *, client_id: str) -> bool:
        for stored in (self._access, self._refresh):
            if token in stored and stored[token].client_id == client_id:
                del stored[token]
                self._save()
                return True
        return False

    def find_person(self, token: str) -> tuple[User, frozenset[str]] | None:
        """Return the person and the scopes of a valid access token, else None."""
        grant = self._access.get(token)
        person = self._world.people.get(grant.person_id) if grant else None
        if grant is None or person is None or grant.until_ms <= self._now():
            return None
        return person, frozenset(grant.scopes)

    def _issue(self, person_id: int, client_id: str, scopes: tuple[str, ...]) -> Tokens:
        tokens = Tokens(
            secrets.token_urlsafe(64), secrets.token_urlsafe(64) if "offline.access" in scopes else None, scopes
        )
        self._access[tokens.access] = Grant(person_id, client_id, scopes, self._now() + ACCESS_SECONDS * 1000)
        if tokens.refresh:
            self._refresh[tokens.refresh] = Grant(person_id, client_id, scopes, 0)
        self._save()
        return tokens

    def _save(self) -> None:
        now = self._now()
        self._access = {token: grant for token, grant in self._access.items() if grant.until_ms > now}
        stored = {"access": self._access, "refresh": self._refresh}
        self._world.save(
            grants={name: {token: asdict(item) for token, item in all_of.items()} for name, all_of in stored.items()}
        )

    def _now(self) -> int:
        return self._world.clock.now_ms()


def _matches_challenge(auth_request: AuthorizationRequest, verifier: str) -> bool:
    challenge = verifier
    if auth_request.method == "S256":
        digest = hashlib.sha256(verifier.encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    return bool(verifier) and secrets.compare_digest(challenge.encode(), auth_request.challenge.encode())


def _parse_grant(body: Json) -> Grant:
    return Grant(**(body | {"scopes": tuple(body["scopes"])}))
