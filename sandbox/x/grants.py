"""OAuth 2.0 grants: who let which app do what, and for how long. Knows tokens and people; knows no HTTP and no page."""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import asdict, dataclass
from typing import Any

from sandbox.model import Person
from sandbox.world import World

CODE_SECONDS = 30
ACCESS_SECONDS = 7200
WRONG_TOKEN = "Value passed for the token was invalid."  # noqa: S105 X's own sentence


class Denied(Exception):
    """OAuth's own kind of error: a code word, and a sentence."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.error, self.description, self.status = error, description, status


@dataclass(frozen=True, slots=True)
class Asked:
    """What an app wants, as it said when it sent somebody to the page."""

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
    """Codes live in memory (30 seconds); tokens are a fact of the world and survive a restart."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._codes: dict[str, tuple[Asked, int, int]] = {}
        kept: dict[str, Any] = world.facts.get("grants", {})
        self._access = {token: _read(body) for token, body in kept.get("access", {}).items()}
        self._refresh = {token: _read(body) for token, body in kept.get("refresh", {}).items()}

    def code(self, asked: Asked, person: Person) -> str:
        code = secrets.token_urlsafe(48)
        self._codes[code] = (asked, person.id, self._now() + CODE_SECONDS * 1000)
        return code

    def by_code(self, code: str, *, client_id: str, redirect_uri: str, verifier: str) -> Tokens:
        """A code works once, also when what comes with it is wrong."""
        asked, person_id, until = self._codes.pop(code, (None, 0, 0))
        if asked is None or until <= self._now() or asked.client_id != client_id:
            raise Denied("invalid_request", "Value passed for the authorization code was invalid.")
        if asked.redirect_uri != redirect_uri:
            raise Denied("invalid_request", "Value passed for the redirect uri did not match the uri of the code.")
        if not _proves(asked, verifier):
            raise Denied("invalid_request", "Value passed for the code verifier did not match the code challenge.")
        return self._issue(person_id, client_id, asked.scopes)

    def by_refresh(self, token: str, *, client_id: str) -> Tokens:
        """The old one dies with its use."""
        grant = self._refresh.get(token)
        if grant is None or grant.client_id != client_id:
            raise Denied("invalid_request", WRONG_TOKEN)
        del self._refresh[token]
        return self._issue(grant.person_id, client_id, grant.scopes)

    def revoke(self, token: str, *, client_id: str) -> bool:
        for kept in (self._access, self._refresh):
            if token in kept and kept[token].client_id == client_id:
                del kept[token]
                self._save()
                return True
        return False

    def person(self, token: str) -> tuple[Person, frozenset[str]] | None:
        """Whose access token this is, and what it opens."""
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
        kept = {"access": self._access, "refresh": self._refresh}
        self._world.save(
            grants={name: {token: asdict(one) for token, one in all_of.items()} for name, all_of in kept.items()}
        )

    def _now(self) -> int:
        return self._world.clock.now_ms()


def _proves(asked: Asked, verifier: str) -> bool:
    said = verifier
    if asked.method == "S256":
        digest = hashlib.sha256(verifier.encode()).digest()
        said = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    return bool(verifier) and secrets.compare_digest(said.encode(), asked.challenge.encode())


def _read(body: dict[str, Any]) -> Grant:
    return Grant(**(body | {"scopes": tuple(body["scopes"])}))
