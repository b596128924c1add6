"""Configure sign-in with X: the OAuth client, the token cipher and the price of a user look-up."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from time import time
from typing import Annotated

from fastapi import Depends, Request

from core.budget.prices import USER_READ, X_PRICES
from core.media_download import MediaDownloader
from gallery.auth.avatars import create_downloader
from gallery.auth.encryption import TokenCipher
from gallery.auth.x_oauth import XOAuthClient
from gallery.settings import GallerySettings

# "Sign out everywhere" revokes at most this many tokens at X; the others expire within two hours.
MAX_REVOKED = 20


@dataclass(frozen=True)
class OAuthConfig:
    """What sign-in needs. `price`: micro-dollars of one user look-up on X. `media`: downloads avatars."""

    client: XOAuthClient
    cipher: TokenCipher
    price: int
    media: MediaDownloader

    async def revoke(self, encrypted_tokens: Iterable[str | None]) -> None:
        """Revoke the tokens of ended sessions at X, except those that have expired."""
        stored = [self.cipher.decrypt(encrypted) for encrypted in encrypted_tokens if encrypted]
        tokens = [token.token for token in stored if token and token.until > time()]
        for token in tokens[:MAX_REVOKED]:
            await self.client.revoke(token)


def create_oauth_config(
    settings: GallerySettings, prices: Mapping[str, int] = X_PRICES, *, check_follow: bool = False
) -> OAuthConfig | None:
    """Return the configuration, or None if the operator set up no sign-in.

    `check_follow`: also ask X whether the user follows the bot, which costs a second look-up.
    """
    if not settings.x_client_id:
        return None
    client = XOAuthClient(settings, check_follow=check_follow)
    media = create_downloader(settings.x_api_url)
    return OAuthConfig(client, TokenCipher(settings.secrets), prices[USER_READ], media)


async def get_oauth(request: Request) -> OAuthConfig | None:
    """Return the configuration of this site's sign-in; None if it has none."""
    oauth: OAuthConfig | None = request.app.state.oauth
    return oauth


OAuthDep = Annotated[OAuthConfig | None, Depends(get_oauth)]
