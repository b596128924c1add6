"""The way in, made once by `create_app`: X's door, the seal for what is kept, the price of a look. Knows no page."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from time import time

from fastapi import Request

from core.money.prices import USER_READ, X_PRICES
from gallery.settings import GallerySettings
from gallery.signing.sealing import Seal
from gallery.signing.x import XSignIn

# One click of "sign out everywhere" asks X this often at most; what is left dies by itself within two hours.
MOST_REVOKED = 20


@dataclass(frozen=True)
class Door:
    """What signing in needs. `price`: micro-dollars of one look at a person on X."""

    x: XSignIn
    seal: Seal
    price: int

    async def revoke(self, sealed: Iterable[str | None]) -> None:
        """Tell X that the tokens of logins that ended are done with, as far as they are still good for anything."""
        kept = [self.seal.open(each) for each in sealed if each]
        tokens = [str(facts["token"]) for facts in kept if facts and facts.get("until", 0) > time()]
        for token in tokens[:MOST_REVOKED]:
            await self.x.revoke(token)


def open_door(
    settings: GallerySettings, prices: Mapping[str, int] = X_PRICES, *, asks_who_follows: bool = False
) -> Door | None:
    """The way in; None where the host has set up none. `asks_who_follows`: one more look at X for each who comes."""
    if not settings.x_client_id:
        return None
    return Door(XSignIn(settings, asks_who_follows=asks_who_follows), Seal(settings.secrets), prices[USER_READ])


def door_of(request: Request) -> Door | None:
    """The way into this site."""
    door: Door | None = request.app.state.door
    return door
