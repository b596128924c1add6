"""Download images that X's responses name: over https, from X's hosts only, in bounded time and size.

A response of X may be forged or wrong, so no address in it may lead into the instance's own network. A name is resolved
once, its addresses are checked, and the connection goes to one of those (no DNS rebinding). The certificate is checked
against the name. Redirects are not followed.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address

import httpx

from core.errors import Refused, TryLater

X_HOSTS = frozenset({"pbs.twimg.com"})
MAX_BYTES = 10 * 1024 * 1024
# For all of it: name, connection, headers and body.
TIMEOUT_SECONDS = 15.0
# Not compressed: a few bytes could unpack to more than memory holds.
HEADERS = {"Accept-Encoding": "identity"}
GONE = frozenset({400, 401, 403, 404, 410})

Resolve = Callable[[str, int], Awaitable[list[str]]]


async def public_addresses(host: str, port: int) -> list[str]:
    """Return the addresses of a host. Raises Refused if one of them is not public, OSError if there is none."""
    entries = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [str(entry[4][0]) for entry in entries]
    if not all(map(is_public, addresses)):
        raise Refused("no_start_picture", "its address leads into a private network")
    return addresses


def is_public(address: str) -> bool:
    """Return whether an IP address is on the public internet: not private, loopback, link-local or multicast."""
    ip = ip_address(address.partition("%")[0])
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    return ip.is_global and not ip.is_multicast


@dataclass(frozen=True)
class MediaDownloader:
    """Downloads images of X.

    hosts: names (with a port if it is not 443) that serve over https. origin: address of a stand-in for X, like the
    sandbox, which serves its images itself; it may be anywhere. deadline: seconds for one image. max_bytes: its size.
    """

    hosts: frozenset[str] = X_HOSTS
    origin: str = ""
    deadline: float = TIMEOUT_SECONDS
    max_bytes: int = MAX_BYTES
    resolve: Resolve = public_addresses
    tls: ssl.SSLContext | None = field(default=None, repr=False)

    def fetch(self, address: str) -> bytes:
        """Return the file at an address. Raises Refused for other hosts, TryLater for what may be there soon."""
        try:
            return asyncio.run(self._within_deadline(httpx.URL(address)))
        except TimeoutError as error:
            raise TryLater("start_picture", "it did not end in time") from error
        except (httpx.HTTPError, OSError) as error:
            raise TryLater("start_picture", type(error).__name__) from error
        except (httpx.InvalidURL, ValueError) as error:
            raise Refused("no_start_picture", "its address is invalid") from error

    async def _within_deadline(self, url: httpx.URL) -> bytes:
        async with asyncio.timeout(self.deadline):
            if self._is_of_origin(url):
                return await self._download(url, url.host)
            if url.scheme != "https" or url.userinfo or url.netloc.decode() not in self.hosts:
                raise Refused("no_start_picture", "its address is not on a host of X")
            return await self._from_one_of(url, await self.resolve(url.host, url.port or 443))

    def _is_of_origin(self, url: httpx.URL) -> bool:
        if not self.origin:
            return False
        origin = httpx.URL(self.origin)
        return (url.scheme, url.netloc, url.userinfo) == (origin.scheme, origin.netloc, b"")

    async def _from_one_of(self, url: httpx.URL, addresses: list[str]) -> bytes:
        for address in addresses[:-1]:
            try:
                return await self._download(url, address)
            except httpx.ConnectError:
                continue  # a machine without IPv6, for example
        return await self._download(url, addresses[-1])

    async def _download(self, url: httpx.URL, address: str) -> bytes:
        """Download from one address of the host."""
        headers = HEADERS | {"Host": url.netloc.decode()}
        target, extensions = url.copy_with(host=address), {"sni_hostname": url.host}
        async with (
            httpx.AsyncClient(trust_env=False, timeout=self.deadline, verify=self.tls or True) as client,
            client.stream("GET", target, headers=headers, extensions=extensions, follow_redirects=False) as response,
        ):
            if response.status_code in GONE:
                raise Refused("no_start_picture", f"status {response.status_code}")
            if response.status_code != 200:
                raise TryLater("start_picture", f"status {response.status_code}")
            return await _read_body(response, self.max_bytes)


async def _read_body(response: httpx.Response, max_bytes: int) -> bytes:
    content = bytearray()
    async for chunk in response.aiter_raw():
        content += chunk
        if len(content) > max_bytes:
            raise Refused("no_start_picture", "it is too large")
    return bytes(content)
