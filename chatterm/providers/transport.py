"""The way to a provider: HTTP/1.1 over httpx, with every failure as a `ProviderError`.

httpx is loaded when the first request is sent, not with this module: much imports this module
without ever needing the network. What httpx does by default and must not happen here: following a
redirect with the keys in its headers, asking for compressed bodies (a few kilobytes of which may
inflate to any size), using a proxy for this very machine, and building a TLS context that an
`http://` address doesn't need.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import logging
import os
import socket
import ssl
import zlib
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import SplitResult, urlsplit

from chatterm import __version__
from chatterm.errors import ErrorKind, Failure, ProviderError
from chatterm.providers.wire import HttpRequest

if TYPE_CHECKING:
    import httpx

KEEP_ALIVE_S = 60.0
INFLATED_CHUNK = 64 * 1024


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
        inflate = _inflater(self.headers.get("content-encoding", ""))
        with _failures(self._where, "reading"):
            # The stream itself: `aiter_raw` adds nothing to it but what it costs.
            async for chunk in cast("AsyncIterable[bytes]", self._response.stream):
                if inflate is None:
                    yield chunk
                else:
                    for piece in _inflated(inflate, chunk):
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


class Pace:
    """Lets a slow wire gather some bytes between two reads.

    A wake-up costs far more than what it reads, so at hundreds of events a second it pays to
    sleep a little before the next read. Only where reads really have to wait: of a flood, which
    is there already, nothing is held back; nor of the first few reads, nor of a wire so slow that
    nothing would gather.

    Attributes:
        pause: Seconds to sleep before the next read.
    """

    PAUSE_S = 0.02
    WAITED_S = 0.0003  # a read of what is there already takes less
    FULL = 16 * 1024  # bytes without a wait: the sender is faster than we are
    WARM_UP = 4

    def __init__(self) -> None:
        self.pause = 0.0
        self._bytes = 0
        self._waits = 0

    def read(self, seconds: float, size: int) -> None:
        """A read took so long and gave so much."""
        self.pause = 0.0
        self._bytes += size
        if seconds < self.WAITED_S:
            return
        slow = self._bytes < self.FULL and seconds < self.PAUSE_S
        self._bytes = 0
        self._waits = self._waits + 1 if slow else 0
        if self._waits > self.WARM_UP:
            self.pause = self.PAUSE_S


class Transport:
    """Sends requests; keeps connections alive between them.

    Args:
        proxy: The address of a proxy to use, instead of what the environment names.
        ca_file: A file of certificates to trust, instead of the usual ones.
    """

    def __init__(self, *, proxy: str | None = None, ca_file: str | None = None) -> None:
        self._proxy = proxy
        self._ca_file = ca_file
        self._clients: dict[tuple[bool, str | None], httpx.AsyncClient] = {}
        self._lookups_apart = False

    @asynccontextmanager
    async def open(
        self, request: HttpRequest, *, connect_timeout_s: float = 10.0
    ) -> AsyncIterator[Reply]:
        """Send a request; the connection is closed or given back when the context is left.

        Raises:
            ProviderError: No answer came, or one that points elsewhere.
        """
        where = place_of(request.url)
        with _failures(where, "asking", connect_timeout_s):
            self._prepare_lookups(request.url)
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
            if 300 <= response.status_code < 400:
                raise ProviderError(_redirected(response, where))
            yield Reply(response, where)
        finally:
            await response.aclose()

    def _prepare_lookups(self, url: str) -> None:
        """Before the first host that has to be looked up."""
        if self._lookups_apart or is_address(_parts(url).hostname or ""):
            return
        from chatterm.providers.resolving import keep_lookups_apart

        keep_lookups_apart(asyncio.get_running_loop())
        self._lookups_apart = True

    async def aclose(self) -> None:
        """Close every connection."""
        clients, self._clients = list(self._clients.values()), {}
        for client in clients:
            await client.aclose()

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
        by_tls = secure or (proxy or "").startswith("https:")
        # False only where no TLS is spoken at all; `_client_for` keeps https away from it.
        verify: ssl.SSLContext | bool = self._tls_context() if by_tls else False
        return httpx.AsyncClient(
            verify=verify,
            trust_env=False,  # read by us: httpx would use a proxy for this machine too
            proxy=_httpx_proxy(proxy, verify),
            follow_redirects=False,
            limits=httpx.Limits(keepalive_expiry=KEEP_ALIVE_S),
            headers={"User-Agent": f"chatterm/{__version__}", "Accept-Encoding": "identity"},
        )

    def _tls_context(self) -> ssl.SSLContext:
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
                    f"can't read the certificates in {file or folder}: {_reason(error)}",
                    hint="check ca_file, SSL_CERT_FILE and SSL_CERT_DIR",
                )
            ) from error


def body_bytes(body: Mapping[str, Any]) -> bytes:
    """A request body as JSON in UTF-8; a lone surrogate, which UTF-8 can't hold, as U+FFFD."""
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    try:
        return text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()


def _parts(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:  # a half bracket, for one
        return urlsplit("")


def place_of(url: str) -> str:
    """Host and port of an address: all of it that may stand in a message."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return "the provider"
    host = parts.hostname or "the provider"
    if ":" in host:
        host = f"[{host}]"
    return f"{host}:{port}" if port else host


def is_loopback(host: str) -> bool:
    """Whether a host is this machine."""
    host = host.rstrip(".")
    if host == "localhost" or host.endswith(".localhost"):
        return True
    return is_address(host) and ipaddress.ip_address(host).is_loopback


def is_address(host: str) -> bool:
    """Whether a host is an IP address, so that nothing has to be looked up."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


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


# --- what goes wrong --------------------------------------------------------------------------


@contextmanager
def _failures(where: str, doing: str, connect_timeout_s: float = 0) -> Iterator[None]:
    """Turn what httpx raises into a `ProviderError` that names host and port, and no more.

    httpx's own texts are left out: they may quote headers, and with them the key.
    """
    import httpx

    try:
        yield
    except httpx.ConnectTimeout as error:
        text = f"no connection to {where} within {connect_timeout_s:g} s"
        raise _network(ErrorKind.TIMEOUT, text, "check base_url, and the network") from error
    except httpx.ProxyError as error:
        text = f"the proxy on the way to {where} refused the connection"
        raise _network(ErrorKind.NETWORK, text, "check the proxy's address and password") from error
    except httpx.ConnectError as error:
        raise ProviderError(_unconnected(where, error)) from error
    except (httpx.LocalProtocolError, UnicodeEncodeError):
        text = (
            f"the request to {where} can't be sent: a header holds characters that may not be there"
        )
        hint = "look for line breaks and other stray characters in the key and in headers"
        # Not `from error`: that quotes the header, which may be the key's.
        raise ProviderError(Failure(ErrorKind.BAD_REQUEST, text, hint=hint)) from None
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        text = f"the address of {where} isn't one"
        raise ProviderError(Failure(ErrorKind.BAD_REQUEST, text, hint="check base_url")) from error
    except (httpx.HTTPError, httpx.StreamError) as error:
        if doing == "reading":
            text = f"the connection to {where} was cut before the reply was finished"
            hint = "ask again, or ask it to continue"
            raise _network(ErrorKind.STREAM_CUT, text, hint) from error
        text = f"{where} closed the connection without a proper answer"
        raise _network(ErrorKind.NETWORK, text, "ask again; is it an HTTP server?") from error


def _network(kind: ErrorKind, text: str, hint: str) -> ProviderError:
    return ProviderError(Failure(kind, text, retryable=True, hint=hint))


def _unconnected(where: str, error: BaseException) -> Failure:
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return Failure(
                ErrorKind.TLS,
                f"the certificate of {where} isn't trusted: {cause.verify_message}",
                hint="behind a proxy of your own? name its certificate in ca_file or SSL_CERT_FILE",
            )
        if isinstance(cause, ssl.SSLError):
            return Failure(
                ErrorKind.TLS,
                f"no TLS connection to {where}: {(cause.reason or 'handshake failed').lower()}",
                hint="does the server speak https? if not, use an http:// address",
            )
        if isinstance(cause, socket.gaierror):
            host = where.rpartition(":")[0]
            text, hint = f"can't find the host {host}", "check base_url, and the network"
            return Failure(ErrorKind.NETWORK, text, retryable=True, hint=hint)
        if isinstance(cause, ConnectionRefusedError):
            text, hint = f"{where} refused the connection", "is the server running?"
            return Failure(ErrorKind.NETWORK, text, retryable=True, hint=hint)
    reasons = [_reason(c) for c in _causes(error) if isinstance(c, OSError) and c.errno]
    reason = f": {reasons[0]}" if reasons else ""
    hint = "check base_url, and the network"
    text = f"no connection to {where}{reason}"
    return Failure(ErrorKind.NETWORK, text, retryable=True, hint=hint)


def _causes(error: BaseException | None, depth: int = 0) -> Iterator[BaseException]:
    while error is not None and depth < 20:
        depth += 1
        yield error
        if isinstance(error, BaseExceptionGroup):
            for inner in error.exceptions:
                yield from _causes(inner, depth)
        error = error.__cause__ or error.__context__


def _reason(error: OSError) -> str:
    return os.strerror(error.errno).lower() if error.errno else "unreadable"


def _redirected(response: httpx.Response, where: str) -> Failure:
    location = response.headers.get("location", "")
    target = place_of(location) if "://" in location else "another path"
    return Failure(
        ErrorKind.REFUSED,
        f"{where} redirects to {target}; redirects aren't followed, so that no key goes astray",
        response.status_code,
        hint="if that is the right place, set base_url to it",
    )


def _inflated(stream: Any, data: bytes) -> Iterator[bytes]:
    # In pieces of a bounded size: a few kilobytes may inflate to any amount.
    while data and not stream.eof:
        try:
            piece = stream.decompress(data, INFLATED_CHUNK)
        except zlib.error as error:
            raise ProviderError(_compressed("wrongly")) from error
        data = stream.unconsumed_tail
        if piece:
            yield piece


def _inflater(encoding: str) -> Any:
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return None
    if name in ("gzip", "x-gzip", "deflate"):
        return zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)  # gzip or zlib, it finds out
    raise ProviderError(_compressed(f"as {name}"))


def _compressed(how: str) -> Failure:
    return Failure(
        ErrorKind.STREAM_INVALID,
        f"the provider sent a body compressed {how}, which can't be read",
        hint="does a proxy on the way compress answers?",
    )
