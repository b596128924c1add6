"""Make and check the CSRF tokens of forms."""

import hashlib
import hmac
import secrets


def csrf_token(secret: str, salt: str = "") -> str:
    """Return a token that only pages of this session can hold: a salt and its HMAC."""
    salt = salt or secrets.token_hex(8)
    return f"{salt}.{hmac.new(secret.encode(), salt.encode(), hashlib.sha256).hexdigest()[:32]}"


def is_csrf_token(secret: str, token: str) -> bool:
    """Return whether a form's token belongs to this session."""
    salt = token.partition(".")[0]
    return bool(salt) and hmac.compare_digest(csrf_token(secret, salt).encode(), token.encode())
