"""Keys made of the gallery's secret: what is kept in the database is sealed, cookies of the handshake are signed.

The secret can be changed: the newest seals, all of them open. Knows no X and no database.
"""

import base64
import hashlib
import json
from collections.abc import Sequence
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet


class Seal:
    """Seals small facts. `secrets`: the newest first, at least one."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._fernet = MultiFernet([Fernet(base64.urlsafe_b64encode(_key("tokens", each))) for each in secrets])
        self.signing_key = _key("handshake", secrets[0]).hex()

    def close(self, facts: dict[str, Any]) -> str:
        """The facts, readable only with the secret."""
        return self._fernet.encrypt(json.dumps(facts).encode()).decode()

    def open(self, sealed: str) -> dict[str, Any] | None:
        """What was sealed; None for what no secret opens: it is lost, and was of use for two hours anyway."""
        try:
            facts = json.loads(self._fernet.decrypt(sealed.encode()))
        except (InvalidToken, ValueError):
            return None
        return facts if isinstance(facts, dict) else None


def _key(purpose: str, secret: str) -> bytes:
    return hashlib.sha256(f"threadpaint {purpose}:{secret}".encode()).digest()
