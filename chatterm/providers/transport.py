"""The way to a provider: HTTP/1.1 over httpx, with every failure as a `ProviderError`.

httpx is loaded when the first request is sent, not with this module: much imports this module
without ever needing the network. What httpx does by default and must not happen here: following a
redirect with the keys in its headers, asking for compressed bodies (a few kilobytes of which may
inflate to any size), using a proxy for this very machine, and building a TLS context that an
`http://` address doesn't need.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import ssl
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import SplitResult, urlsplit

from chatterm import __version__
from chatterm.address import is_loopback, place_of
from chatterm.errors import ErrorKind, Failure, ProviderError
from chatterm.providers.inflating import inflated, inflater
from chatterm.providers.network_failures import network_failures, reason_of, redirected
from chatterm.providers.resolving import keep_lookups_apart
from chatterm.providers.wire import HttpRequest

if TYPE_CHECKING:
    import httpx

KEEP_ALIVE_S = 60.0
_CLOSING_S = 1.0


class Reply:
    """The answer to a request: its head, and its body as it comes.

    Attributes:
        status: The HTTP status.
        headers: The headers, names in lower case.
    """

    def __init__(self, response: httpx.Response, where: str) -> None:
        self.status = response.status_code
        self.headers: Mapping[str, str] = dict(response.headers.items())
        self._response = response
        self._where = where

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """The body in pieces, none of them empty, decompressed where it was compressed unasked.

        Raises:
            ProviderError: The body was cut short (`stream_cut`), or can't be decompressed.
        """
        inflate = inflater(self.headers.get("content-encoding", ""))
        with network_failures(self._where, "reading"):
            # The stream itself: `aiter_raw` adds nothing to it but what it costs.
            async for chunk in cast("AsyncIterable[bytes]", self._response.stream):
                if inflate is None:
                    yield chunk
                else:
                    for piece in inflated(inflate, chunk):
                        yield piece

    async def read(self, limit: int, timeout_s: float) -> bytes:
        """The body's first `limit` bytes, or as many as came in time before it broke off."""
        body = bytearray()
        try:
            async with asyncio.timeout(timeout_s):
                async for chunk in self.chunks():
                    body += chunk
                    if len(body) >= limit:
                        break
        except (TimeoutError, ProviderError):
            pass  # what came says more than that not all of it came
        return bytes(body[:limit])


class Transport:
    """Sends requests; keeps connections alive between them.

    Args:
        proxy: The address of a proxy to use, instead of what the environment names.
        ca_file: A file of certificates to trust, instead of the usual ones.
    """

    def __init__(self, *, proxy: str | None = None, ca_file: str | None = None) -> None:
        self._proxy = proxy
        self._ca_file = ca_file
        self._tls: ssl.SSLContext | None = None
        self._clients: dict[tuple[bool, str | None], httpx.AsyncClient] = {}

    @asynccontextmanager
    async def open(
        self, request: HttpRequest, *, connect_timeout_s: float = 10.0
    ) -> AsyncIterator[Reply]:
        """Send a request; the connection is closed or given back when the context is left.

        Raises:
            ProviderError: No answer came, or one that points elsewhere.
        """
        where = place_of(request.url)
        with network_failures(where, "asking", connect_timeout_s):
            client = self._client_for(request.url)
            timeout = {"connect": connect_timeout_s, "read": None, "write": None, "pool": None}
            message = client.build_request(
                request.method,
                request.url,
                headers=dict(request.headers),
                content=None if request.body is None else body_bytes(request.body),
                extensions={"timeout": timeout},
            )
            response = await client.send(message, stream=True)
        try:
            yield Reply(response, where)
        finally:
            await response.aclose()

    def get_ready(self, url: str) -> None:
        """Load what the first request to an address needs; may be run in any thread."""
        for name in ("httpx", "httpcore", "anyio._backends._asyncio"):  # httpx waits with two
            import_module(name)
        if _parts(url).scheme == "https":
            with suppress(ProviderError):  # the request will say so
                self._tls = self._tls_context()

    async def aclose(self) -> None:
        """Close every connection."""
        clients, self._clients = list(self._clients.values()), {}
        for client in clients:
            await client.aclose()
        if clients:
            await _generators_closed()

    def _client_for(self, url: str) -> httpx.AsyncClient:
        target = _parts(url)
        if target.scheme not in ("http", "https") or not target.hostname:
            raise ProviderError(
                Failure(
                    ErrorKind.BAD_REQUEST,
                    "the provider's address isn't an http:// or https:// one",
                    hint="check base_url",
                )
            )
        proxy = self._proxy or _proxy_from_environment(target.scheme, target.hostname)
        secure = target.scheme == "https"
        client = self._clients.get((secure, proxy))
        if client is None:
            client = self._clients[secure, proxy] = self._new_client(proxy, secure=secure)
        return client

    def _new_client(self, proxy: str | None, *, secure: bool) -> httpx.AsyncClient:
        import httpx

        for name in ("httpx", "httpcore"):
            # Their log lines hold whole addresses, and some servers take the key in the query.
            logging.getLogger(name).setLevel(logging.WARNING)
        keep_lookups_apart(asyncio.get_running_loop())
        by_tls = secure or (proxy or "").startswith("https:")
        # False only where no TLS is spoken at all; `_client_for` keeps https away from it.
        verify: ssl.SSLContext | bool = self._tls_context() if by_tls else False
        return httpx.AsyncClient(
            verify=verify,
            trust_env=False,  # read by us: httpx would use a proxy for this machine too
            proxy=_httpx_proxy(proxy, verify),
            follow_redirects=False,
            event_hooks={"response": [_refuse_redirect]},
            limits=httpx.Limits(keepalive_expiry=KEEP_ALIVE_S),
            headers={"User-Agent": f"chatterm/{__version__}", "Accept-Encoding": "identity"},
        )

    def _tls_context(self) -> ssl.SSLContext:
        if self._tls is not None:
            return self._tls
        file = self._ca_file or os.environ.get("SSL_CERT_FILE") or None
        folder = None if file else os.environ.get("SSL_CERT_DIR") or None
        if not file and not folder:
            import certifi

            file = certifi.where()
        try:
            return ssl.create_default_context(cafile=file, capath=folder)
        except OSError as error:
            raise ProviderError(
                Failure(
                    ErrorKind.TLS,
                    f"can't read the certificates in {file or folder}: {reason_of(error)}",
                    hint="check ca_file, SSL_CERT_FILE and SSL_CERT_DIR",
                )
            ) from error


async def _refuse_redirect(response: httpx.Response) -> None:
    # As a hook it comes before httpx reads where to: from what is no address, it would make an
    # error of the connection, which is tried again.
    if 300 <= response.status_code < 400:
        raise ProviderError(redirected(response, place_of(str(response.request.url))))


def body_bytes(body: Mapping[str, Any]) -> bytes:
    """A request body as JSON in UTF-8; a lone surrogate, which UTF-8 can't hold, as U+FFFD."""
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    try:
        return text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()


async def _generators_closed() -> None:
    """Wait until the generators are closed that bodies leave which weren't read to their end.

    There are several of httpx and httpcore, one in the other; the loop closes each in a task of its
    own once the one around it is gone. The loop shouldn't end before.
    """
    idle = 0
    while idle < 2:  # such a task is made in the turn of the loop after the one that asks for it
        await asyncio.sleep(0)
        closing = [each for each in asyncio.all_tasks() if _closes_generator(each)]
        idle = 0 if closing else idle + 1
        if closing and (await asyncio.wait(closing, timeout=_CLOSING_S))[1]:
            return


def _closes_generator(task: asyncio.Task[Any]) -> bool:
    return type(task.get_coro()).__name__ == "async_generator_athrow"


def _parts(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:  # a half bracket, for one
        return urlsplit("")


def _proxy_from_environment(scheme: str, host: str) -> str | None:
    if is_loopback(host):
        return None
    from urllib.request import getproxies, proxy_bypass

    proxies = getproxies()
    proxy = proxies.get(scheme) or proxies.get("all")
    if not proxy or proxy_bypass(host):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _httpx_proxy(address: str | None, verify: ssl.SSLContext | bool) -> httpx.Proxy | None:
    import httpx

    if address is None:
        return None
    context = verify if isinstance(verify, ssl.SSLContext) else None
    try:
        if address.startswith("socks"):
            import socksio  # type: ignore[import-not-found] # noqa: F401
        return httpx.Proxy(address, ssl_context=context if address.startswith("https:") else None)
    except (ImportError, ValueError, httpx.InvalidURL) as error:
        needs = "socks proxies need the package socksio" if isinstance(error, ImportError) else ""
        raise ProviderError(
            Failure(
                ErrorKind.NETWORK,
                f"the proxy {place_of(address)} can't be used",
                hint=needs or "check proxy, HTTP_PROXY, HTTPS_PROXY and ALL_PROXY",
            )
        ) from error
