"""Checks OAuth 1.0a signatures for real (oauthlib does the crypto). Knows keys and clocks, not people or endpoints."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from oauthlib.oauth1 import Client
from oauthlib.oauth1.rfc5849 import signature
from oauthlib.oauth1.rfc5849.utils import parse_authorization_header, unescape

from sandbox.clock import Clock

# Clients that reach us through a session adapter signed for X itself before the address was changed below them.
X_BASES = ("https://api.twitter.com", "https://api.x.com", "https://upload.twitter.com", "https://upload.x.com")


@dataclass(frozen=True, slots=True)
class Signed:
    """What a signature was made over: `path` and `query` as they came, still percent-encoded."""

    method: str
    origin: str
    path: str
    query: str
    form: str = ""


class Unsigned(Exception):
    """The reason is for our log; the client only ever hears 401."""


class Verifier:
    """Remembers nonces as long as their timestamps would be accepted."""

    def __init__(self, clock: Clock, *, consumer: tuple[str, str], skew_seconds: int) -> None:
        self._clock, self._skew = clock, skew_seconds
        self._consumer = consumer
        self._nonces: dict[tuple[str, int, str], None] = {}

    def read(self, header: str) -> dict[str, str]:
        try:
            return {name: unescape(value) for name, value in parse_authorization_header(header)}
        except (ValueError, IndexError) as error:
            raise Unsigned("unreadable header") from error

    def check(self, header: str, token_secret: str, signed: Signed) -> None:
        """Returns, or raises `Unsigned` with the reason."""
        params = self.read(header)
        if not secrets.compare_digest(params.get("oauth_consumer_key", "").encode(), self._consumer[0].encode()):
            raise Unsigned("consumer key")
        if params.get("oauth_signature_method") != "HMAC-SHA1" or params.get("oauth_version", "1.0") != "1.0":
            raise Unsigned("method or version")
        stamp = self._stamp(params.get("oauth_timestamp", ""))
        sent = params.get("oauth_signature", "").encode()
        ours = self._signatures(header, token_secret, signed)
        if not any(secrets.compare_digest(sent, one.encode()) for one in ours):
            raise Unsigned("signature")
        self._use_nonce(params.get("oauth_token", ""), stamp, params.get("oauth_nonce", ""))

    def _stamp(self, text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) <= 12):
            raise Unsigned("timestamp unreadable")
        if abs(int(text) - self._clock.now_ms() / 1000) > self._skew:
            raise Unsigned("timestamp too far from now")
        return int(text)

    def _signatures(self, header: str, token_secret: str, signed: Signed) -> Iterable[str]:
        sent = {"Authorization": header}
        try:
            found = signature.collect_parameters(uri_query=signed.query, body=signed.form or [], headers=sent)
        except ValueError as error:
            raise Unsigned("query unreadable") from error
        keys = Client(self._consumer[0], self._consumer[1], resource_owner_secret=token_secret)
        normal = signature.normalize_parameters(found)  # type: ignore[arg-type]  # the stubs say dict, the code says pairs
        for base in (*X_BASES, signed.origin):
            uri = _base_string_uri(base + signed.path)
            text = signature.signature_base_string(signed.method, uri, normal)  # type: ignore[arg-type]
            yield signature.sign_hmac_sha1_with_client(text, keys)

    def _use_nonce(self, token: str, stamp: int, nonce: str) -> None:
        key = (token, stamp, nonce)
        if not nonce or key in self._nonces:
            raise Unsigned("nonce used before")
        self._nonces[key] = None
        self._forget()

    def _forget(self) -> None:
        """Amortised: a look at the oldest few per call keeps the table as long as the window."""
        border = self._clock.now_ms() / 1000 - 2 * self._skew
        for key in list(islice(self._nonces, 4)):
            if key[1] < border:
                del self._nonces[key]


def _base_string_uri(address: str) -> str:
    try:
        return signature.base_string_uri(address)
    except ValueError as error:  # a Host header without a host, or with a port that is none
        raise Unsigned("address unreadable") from error
