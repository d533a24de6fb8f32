"""What goes wrong on the way to a provider, in words: of httpx's exceptions, a `Failure` each."""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from chatterm.address import place_of
from chatterm.errors import ErrorKind, Failure, ProviderError

if TYPE_CHECKING:
    import httpx


@contextmanager
def network_failures(where: str, doing: str, connect_timeout_s: float = 0) -> Iterator[None]:
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
    reasons = [reason_of(c) for c in _causes(error) if isinstance(c, OSError) and c.errno]
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


def reason_of(error: OSError) -> str:
    """What the system says about an error, in a few words."""
    return os.strerror(error.errno).lower() if error.errno else "unreadable"


def redirected(response: httpx.Response, where: str) -> Failure:
    """The failure that a redirect is."""
    location = response.headers.get("location", "")
    target = place_of(location) if "://" in location else "another path"
    return Failure(
        ErrorKind.REFUSED,
        f"{where} redirects to {target}; redirects aren't followed, so that no key goes astray",
        response.status_code,
        hint="if that is the right place, set base_url to it",
    )
