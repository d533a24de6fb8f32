"""Addresses of pages: read strictly, written one way only, and which machines they may lead to.

An address that two readers could read differently is refused: what the gate was asked about has to
be what is fetched.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import quote, urlsplit

from chatterm.address import is_loopback
from chatterm.tools.base import ToolError

IpAddress = IPv4Address | IPv6Address
Reachable = Callable[[IpAddress], bool]

_MOST_CHARS = 4_000
_PORTS = {"http": 80, "https": 443}
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
# What some resolvers take for a number, and so for an address: 2130706433, 0x7f.1, 127.1.
_NUMERIC = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)")
_NOT_ALLOWED = re.compile(r"[\x00-\x1f\x7f-\x9f\\\ud800-\udfff]")

_GLOBAL_UNICAST = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")
_TEREDO = IPv6Network("2001::/32")


@dataclass(frozen=True, slots=True)
class WebAddress:
    """The address of a page.

    Attributes:
        scheme: `http` or `https`.
        host: The host's name as the network writes it (IDNA, lower case, no final dot), or its
            number, without brackets.
        port: The port.
        target: Path and query, in ASCII.
    """

    scheme: str
    host: str
    port: int
    target: str

    @property
    def url(self) -> str:
        """The whole address; the port only where it isn't the usual one."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}{self.target}"

    def may_lead_to(self, other: WebAddress) -> bool:
        """Whether a redirect there stays with the server that the gate was asked about."""
        if other.host != self.host:
            return False
        if (other.scheme, other.port) == (self.scheme, self.port):
            return True
        upgrade = (self.scheme, other.scheme) == ("http", "https")
        return upgrade and (self.port, other.port) == (80, 443)


def read_address(text: str) -> WebAddress:
    """Read an address; its fragment is left out, for it is never sent.

    Raises:
        ToolError: It isn't one of a page, or can be read in more than one way.
    """
    text = text.strip()
    if len(text) > _MOST_CHARS:
        raise ToolError(f"url is longer than {_MOST_CHARS:,} characters")
    if _NOT_ALLOWED.search(text):
        raise ToolError("url holds a backslash or a control character: percent-encode it")
    try:
        parts = urlsplit(text)
        port = parts.port
        host = parts.hostname or ""
    except ValueError as error:
        raise ToolError(f"url isn't one: {str(error).lower()}") from None
    if parts.scheme not in _PORTS:
        raise ToolError("url must begin with http:// or https://")
    if "@" in parts.netloc:
        raise ToolError("url holds a user name or password: leave it out")
    if port == 0:
        raise ToolError("url names port 0, which no server has")
    target = _encoded(parts.path or "/") + (f"?{_encoded(parts.query)}" if parts.query else "")
    return WebAddress(parts.scheme, _host(host), port or _PORTS[parts.scheme], target)


def check_reachable(address: WebAddress, reachable: Reachable) -> None:
    """Refuse a host that needs no lookup to see that it can't be reached.

    Raises:
        ToolError: It is such a host.
    """
    number = number_of(address.host)
    if number is None and is_loopback(address.host):
        number = IPv4Address("127.0.0.1")
    if number is not None and not reachable(number):
        raise ToolError(not_public(address.host, str(number)))


def not_public(host: str, number: str) -> str:
    """What is said of a host that may not be reached."""
    which = host if host == number else f"{host} ({number})"
    return (
        f"{which} isn't a public address: fetch_url doesn't reach this machine or private "
        "networks; a shell command can"
    )


def number_of(host: str) -> IpAddress | None:
    """The address that a host is, when it is one and not a name."""
    try:
        return ip_address(host)
    except ValueError:
        return None


def is_public(address: IpAddress) -> bool:
    """Whether an address is one of the public internet, whatever other address is packed in it."""
    if isinstance(address, IPv4Address):
        special = address.is_multicast or address.is_reserved or address.is_unspecified
        return address.is_global and not special
    if address.ipv4_mapped is not None:
        return is_public(address.ipv4_mapped)
    if address in _NAT64:
        return is_public(IPv4Address(int(address) & 0xFFFFFFFF))
    if address.sixtofour is not None and not is_public(address.sixtofour):
        return False
    # Teredo tunnels to an address hidden in its own; no server is there.
    return address in _GLOBAL_UNICAST and address not in _TEREDO and address.is_global


def _host(host: str) -> str:
    """A host as the network writes it."""
    if ":" in host:
        number = number_of(host)
        if not isinstance(number, IPv6Address) or number.scope_id is not None:
            raise ToolError(f"url: {host!r} isn't an IPv6 address")
        return str(number)
    if not host.isascii():
        import idna

        try:
            host = idna.encode(host, uts46=True).decode("ascii").lower()
        except idna.IDNAError as error:
            raise ToolError(f"url: the host name isn't one: {str(error).lower()}") from None
    host = host.removesuffix(".")
    if not host:
        raise ToolError("url names no host")
    if len(host) > 253 or not _NAME.fullmatch(host):
        raise ToolError(f"url: {host[:100]!r} isn't a host name")
    if _NUMERIC.fullmatch(host) and number_of(host) is None:
        raise ToolError(f"url: {host[:100]!r} isn't an IPv4 address of the usual form, 192.0.2.1")
    return host


def _encoded(text: str) -> str:
    return quote(text, safe=string.punctuation)
