"""Getting a page from the public network, and from nowhere else.

A name may lead anywhere, and elsewhere at the next look. So it is looked up once, every address it
has is judged, and the connection is made to one of those, whatever the name stands for meanwhile.
Proxies of the environment are left out: behind one nobody could tell where a request goes.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urljoin, urlsplit, urlunsplit

from chatterm import __version__
from chatterm.tools.base import ToolError

if TYPE_CHECKING:
    import httpx

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Reachable = Callable[[Address], bool]

MOST_BYTES = 5 * 1024 * 1024
"""More of a page isn't read."""
_MOST_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class Target:
    """A URL that may be asked for.

    Attributes:
        url: The URL, its host as the network writes it, without a fragment.
        scheme: `http` or `https`.
        host: The host: in lower case, in ASCII, without brackets.
        port: The port.
    """

    url: str
    scheme: str
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Page:
    """What a server answered.

    Attributes:
        url: Where it came from in the end.
        status: The HTTP status.
        headers: The headers, names in lower case.
        body: The body, or its beginning.
        whole: Whether that is all of it.
        elsewhere: Another host that the server points to; empty where it doesn't.
    """

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes = b""
    whole: bool = True
    elsewhere: str = ""


def target_of(url: str) -> Target:
    """Read a URL.

    Raises:
        ToolError: It isn't one of a web page.
    """
    try:
        parts = urlsplit(url.strip())
        port = parts.port
        host = parts.hostname or ""
    except ValueError as error:
        raise ToolError(f"that is no URL: {error}") from None
    if parts.scheme not in ("http", "https"):
        raise ToolError("only http:// and https:// can be fetched")
    if parts.username is not None or parts.password is not None:
        raise ToolError("a URL with a user name or password isn't fetched")
    host = _ascii(host)
    port = port or {"http": 80, "https": 443}[parts.scheme]
    place = f"[{host}]" if ":" in host else host
    if port != {"http": 80, "https": 443}[parts.scheme]:
        place = f"{place}:{port}"
    plain = SplitResult(parts.scheme, place, parts.path or "/", parts.query, "")
    return Target(urlunsplit(plain), parts.scheme, host, port)


def is_public(address: Address) -> bool:
    """Whether an address is one of the public network, whatever it is wrapped in."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.teredo is not None:
            return False
        inner = address.ipv4_mapped or address.sixtofour
        if address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
        if inner is not None:
            return is_public(inner)
        if address.is_site_local:
            return False
    return address.is_global and not address.is_multicast


async def fetch(url: str, reachable: Reachable = is_public) -> Page:
    """Get a page. Redirects are followed on the same host only.

    Args:
        url: Where it is.
        reachable: Which addresses may be connected to.

    Raises:
        ToolError: It can't be had, or may not be.
    """
    import httpx

    target = target_of(url)
    secure = httpx.create_ssl_context() if target.scheme == "https" else False
    async with httpx.AsyncClient(trust_env=False, verify=secure, timeout=None) as client:  # noqa: S113
        for _ in range(_MOST_REDIRECTS + 1):
            page = await _answer(client, target, reachable)
            location = page.headers.get("location")
            if page.status not in _REDIRECTS or not location:
                return page
            following = target_of(urljoin(target.url, location))
            weaker = target.scheme == "https" and following.scheme == "http"
            if following.host != target.host or weaker:
                return Page(page.url, page.status, page.headers, elsewhere=following.url)
            if following.scheme != target.scheme:
                return await fetch(following.url, reachable)
            target = following
    raise ToolError(f"{target.host} redirects more than {_MOST_REDIRECTS} times")


async def _answer(client: httpx.AsyncClient, target: Target, reachable: Reachable) -> Page:
    import httpx

    problem: Exception | None = None
    for address in await _addresses(target, reachable):
        try:
            return await _answer_from(client, target, address)
        except httpx.ConnectError as error:
            problem = error  # another of its addresses may answer
        except httpx.HTTPError as error:
            problem = error
            break
    reason = " ".join(str(problem).split()) or type(problem).__name__
    raise ToolError(f"{target.host} can't be fetched from: {reason}") from problem


async def _answer_from(client: httpx.AsyncClient, target: Target, address: Address) -> Page:
    import httpx

    parts = urlsplit(target.url)
    literal = f"[{address}]" if address.version == 6 else str(address)
    url = f"{target.scheme}://{literal}:{target.port}{parts.path}"
    url += f"?{parts.query}" if parts.query else ""
    headers = {
        "Host": parts.netloc,
        "User-Agent": f"chatterm/{__version__}",
        "Accept": "text/html, text/*;q=0.9, application/json;q=0.9, image/*;q=0.5, */*;q=0.1",
        "Accept-Encoding": "identity",
    }
    request = httpx.Request("GET", url, headers=headers, extensions={"sni_hostname": target.host})
    response = await client.send(request, stream=True)
    try:
        found = {name.lower(): value for name, value in response.headers.items()}
        if response.status_code in _REDIRECTS:
            return Page(target.url, response.status_code, found)
        if found.get("content-encoding", "identity") not in ("identity", ""):
            raise ToolError(f"{target.host} compresses its answer, though it wasn't asked to")
        body = bytearray()
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > MOST_BYTES:
                break
        return Page(
            target.url,
            response.status_code,
            found,
            bytes(body[:MOST_BYTES]),
            whole=len(body) <= MOST_BYTES,
        )
    finally:
        await response.aclose()


async def _addresses(target: Target, reachable: Reachable) -> list[Address]:
    """The addresses of a host, all of which may be connected to.

    Raises:
        ToolError: It has none, or one that may not be.
    """
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ToolError(f"there is no address of {target.host}: {reason}") from None
    addresses: dict[Address, None] = {}
    for *_, place in found:
        address = ipaddress.ip_address(str(place[0]).partition("%")[0])
        if not reachable(address):
            raise ToolError(f"{target.host} is not on the public network ({address})")
        addresses[address] = None
    return list(addresses)


def _ascii(host: str) -> str:
    """A host as the network writes it.

    Raises:
        ToolError: It can't be one.
    """
    import idna

    host = host.rstrip(".")
    if not host:
        raise ToolError("the URL names no host")
    if host.isascii():
        return host.lower()
    try:
        return idna.encode(host, uts46=True).decode("ascii")
    except idna.IDNAError as error:
        raise ToolError(f"the URL's host can't be looked up: {error}") from None
