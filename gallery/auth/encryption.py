"""Encrypt access tokens for the database, and derive the key that signs the OAuth state cookie.

GALLERY_SECRET_KEY can be rotated: the newest secret encrypts, every listed one decrypts.
"""

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from cryptography.fernet import Fernet, InvalidToken, MultiFernet


@dataclass(frozen=True, slots=True)
class StoredToken:
    """An access token. `until`: the Unix time at which it expires."""

    token: str
    until: float


class TokenCipher:
    """Encrypt access tokens. `secrets`: the newest first, at least one."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._fernet = MultiFernet([Fernet(base64.urlsafe_b64encode(_derive("tokens", secret))) for secret in secrets])
        self.signing_key = _derive("handshake", secrets[0]).hex()

    def encrypt(self, token: StoredToken) -> str:
        """Return the token, readable only with the secret."""
        return self._fernet.encrypt(json.dumps(asdict(token)).encode()).decode()

    def decrypt(self, encrypted: str) -> StoredToken | None:
        """Return the token, or None if no secret decrypts it. Little is lost: a token lives for two hours."""
        try:
            fields = json.loads(self._fernet.decrypt(encrypted.encode()))
            return StoredToken(str(fields["token"]), float(fields["until"]))
        except (InvalidToken, ValueError, TypeError, KeyError):
            return None


def _derive(purpose: str, secret: str) -> bytes:
    # The purposes are part of stored data: another word makes it unreadable.
    return hashlib.sha256(f"threadpaint {purpose}:{secret}".encode()).digest()
