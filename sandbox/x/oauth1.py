"""Verify OAuth 1.0a signatures."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from oauthlib.oauth1 import Client
from oauthlib.oauth1.rfc5849 import signature
from oauthlib.oauth1.rfc5849.utils import parse_authorization_header, unescape

from sandbox.clock import Clock

# A client with a session adapter signs for X, before the adapter replaces the host.
X_BASES = ("https://api.twitter.com", "https://api.x.com", "https://upload.twitter.com", "https://upload.x.com")


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """The signed parts of a request. `path` and `query` are percent-encoded, as sent."""

    method: str
    origin: str
    path: str
    query: str
    form: str = ""


class InvalidSignature(Exception):
    """The signature is invalid. The reason is only logged; the client gets 401."""


class Verifier:
    """Verify signatures, and reject repeated nonces while their timestamps are valid."""

    def __init__(self, clock: Clock, *, consumer: tuple[str, str], skew_seconds: int) -> None:
        self._clock, self._skew = clock, skew_seconds
        self._consumer = consumer
        self._nonces: dict[tuple[str, int, str], None] = {}

    def read(self, header: str) -> dict[str, str]:
        try:
            return {name: unescape(value) for name, value in parse_authorization_header(header)}
        except (ValueError, IndexError) as error:
            raise InvalidSignature("invalid header") from error

    def check(self, header: str, token_secret: str, signed: SignedRequest) -> None:
        """Raise `InvalidSignature` if the signature is invalid."""
        params = self.read(header)
        if not secrets.compare_digest(params.get("oauth_consumer_key", "").encode(), self._consumer[0].encode()):
            raise InvalidSignature("consumer key")
        if params.get("oauth_signature_method") != "HMAC-SHA1" or params.get("oauth_version", "1.0") != "1.0":
            raise InvalidSignature("method or version")
        timestamp = self._stamp(params.get("oauth_timestamp", ""))
        sent = params.get("oauth_signature", "").encode()
        expected = self._signatures(header, token_secret, signed)
        if not any(secrets.compare_digest(sent, item.encode()) for item in expected):
            raise InvalidSignature("signature")
        self._use_nonce(params.get("oauth_token", ""), timestamp, params.get("oauth_nonce", ""))

    def _stamp(self, text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) <= 12):
            raise InvalidSignature("invalid timestamp")
        if abs(int(text) - self._clock.now_ms() / 1000) > self._skew:
            raise InvalidSignature("timestamp too far from now")
        return int(text)

    def _signatures(self, header: str, token_secret: str, signed: SignedRequest) -> Iterable[str]:
        sent = {"Authorization": header}
        try:
            parameters = signature.collect_parameters(uri_query=signed.query, body=signed.form or [], headers=sent)
        except ValueError as error:
            raise InvalidSignature("invalid query") from error
        keys = Client(self._consumer[0], self._consumer[1], resource_owner_secret=token_secret)
        normal = signature.normalize_parameters(parameters)  # type: ignore[arg-type]  # the stubs say dict, the code says pairs
        for base in (*X_BASES, signed.origin):
            uri = _base_string_uri(base + signed.path)
            text = signature.signature_base_string(signed.method, uri, normal)  # type: ignore[arg-type]
            yield signature.sign_hmac_sha1_with_client(text, keys)

    def _use_nonce(self, token: str, timestamp: int, nonce: str) -> None:
        key = (token, timestamp, nonce)
        if not nonce or key in self._nonces:
            raise InvalidSignature("nonce used before")
        self._nonces[key] = None
        self._drop_expired_nonces()

    def _drop_expired_nonces(self) -> None:
        """Drop expired nonces, at most four per call."""
        border = self._clock.now_ms() / 1000 - 2 * self._skew
        for key in list(islice(self._nonces, 4)):
            if key[1] < border:
                del self._nonces[key]


def _base_string_uri(address: str) -> str:
    try:
        return signature.base_string_uri(address)
    except ValueError as error:  # the Host header has no host or an invalid port
        raise InvalidSignature("invalid URL") from error
