"""The way to a page: every name is looked up, checked and connected to in one step.

The connection goes to the very number that was checked, so a name that answers differently the
second time (DNS rebinding) gains nothing; TLS and the `Host` header still use the name. For the
same reason no proxy is used, not even one that the environment names: a proxy looks names up
itself, and reaches its own network. Loading this module loads httpcore.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

import httpcore

from chatterm.tools.base import ToolError
from chatterm.tools.web_address import Reachable, not_public, number_of

LookUp = Callable[[str, int], Awaitable[Sequence[str]]]

_CONNECT_S = 10.0  # for one of the addresses of a host
_MOST_ADDRESSES = 4


async def look_up(host: str, port: int) -> Sequence[str]:
    """The addresses of a host, as the system finds them.

    Raises:
        OSError: It finds none.
    """
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(address[0]) for *_, address in found))


class CheckedNetwork(httpcore.AsyncNetworkBackend):
    """Connects to hosts all of whose addresses may be reached.

    Args:
        resolve: Looks a host up.
        reachable: Whether an address may be reached.
    """

    def __init__(self, resolve: LookUp, reachable: Reachable) -> None:
        self._resolve = resolve
        self._reachable = reachable
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first address of a host that answers.

        Raises:
            ToolError: One of its addresses may not be reached; none is connected to.
            httpcore.ConnectError: No connection.
        """
        failure: Exception = httpcore.ConnectError(f"no address of {host}")
        for number in (await self._addresses(host, port))[:_MOST_ADDRESSES]:
            try:
                return await self._inner.connect_tcp(
                    number, port, timeout, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Never: pages aren't behind sockets of this machine."""
        raise httpcore.ConnectError("no sockets of this machine")

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)

    async def _addresses(self, host: str, port: int) -> Sequence[str]:
        if number_of(host) is not None:
            found: Sequence[str] = (host,)
        else:
            try:
                found = await self._resolve(host, port)
            except (OSError, UnicodeError) as error:
                raise ToolError(f"can't find the host {host}: is the name right?") from error
        for text in found:
            number = number_of(text)
            if number is None or not self._reachable(number):
                raise ToolError(not_public(host, text))
        return found


def new_pool(network: CheckedNetwork, trust: ssl.SSLContext | None) -> httpcore.AsyncConnectionPool:
    """Connections of one call; they are closed with it."""
    # Its log lines hold whole addresses, which may hold secrets.
    logging.getLogger("httpcore").setLevel(logging.WARNING)
    return httpcore.AsyncConnectionPool(
        ssl_context=trust, network_backend=network, max_keepalive_connections=0
    )


def timeouts() -> dict[str, float | None]:
    """Limits of a request, for httpcore: the call has a limit as a whole."""
    return {"connect": _CONNECT_S, "read": None, "write": None, "pool": None}


def trusted() -> ssl.SSLContext:
    """What certificates are checked with. Reads files.

    Raises:
        ToolError: The file that SSL_CERT_FILE or SSL_CERT_DIR names can't be read.
    """
    file = os.environ.get("SSL_CERT_FILE") or None
    folder = None if file else os.environ.get("SSL_CERT_DIR") or None
    if not file and not folder:
        import certifi

        file = certifi.where()
    try:
        return ssl.create_default_context(cafile=file, capath=folder)
    except OSError as error:
        raise ToolError(
            f"can't read the certificates in {file or folder}: check SSL_CERT_FILE and SSL_CERT_DIR"
        ) from error


def problem(error: Exception, where: str) -> str:
    """What went wrong on the way to a host, in words."""
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"the certificate of {where} isn't trusted: {cause.verify_message}"
        if isinstance(cause, ssl.SSLError):
            reason = (cause.reason or "handshake failed").lower().replace("_", " ")
            return f"no TLS connection to {where}: {reason}"
        if isinstance(cause, ConnectionRefusedError):
            return f"{where} refused the connection"
    if isinstance(error, httpcore.ConnectTimeout):
        return f"no connection to {where} within {_CONNECT_S:g} s"
    if isinstance(error, httpcore.ConnectError):
        numbers = [c.errno for c in _causes(error) if isinstance(c, OSError) and c.errno]
        reason = f": {os.strerror(numbers[0]).lower()}" if numbers else ""
        return f"no connection to {where}{reason}"
    if isinstance(error, httpcore.ProtocolError):
        return f"{where} gave no proper HTTP answer"
    return f"the connection to {where} was cut before the answer was finished"


def _causes(error: BaseException | None) -> Iterable[BaseException]:
    waiting = [error]
    for _ in range(20):
        current = waiting.pop(0) if waiting else None
        if current is None:
            return
        yield current
        waiting.append(current.__cause__ or current.__context__)
        if isinstance(current, BaseExceptionGroup):
            waiting[:0] = current.exceptions
