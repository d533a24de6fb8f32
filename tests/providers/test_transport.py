"""The way to a provider: connections, proxies, certificates, and what is said without them."""

import asyncio
import contextlib
import datetime as dt
import gzip
import ipaddress
import logging
import ssl
import subprocess
import sys
import zlib

import pytest

from chatterm.errors import ErrorKind, ProviderError
from chatterm.providers.inflating import INFLATED_CHUNK
from chatterm.providers.transport import Transport, body_bytes
from chatterm.providers.wire import HttpRequest
from faultserver import Answer, Cut, FaultServer, Stall, drip, split, unused_port

PROXY_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE")


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch):
    for name in PROXY_VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)


@pytest.fixture
def server():
    with FaultServer() as running:
        yield running


async def fetch(url, transport=None, *, headers=None, body=None, **options):
    """Status, headers and body of an answer; the transport is closed after it unless given."""
    own = transport or Transport()
    request = HttpRequest("POST" if body is not None else "GET", url, headers or {}, body)
    try:
        async with own.open(request, **options) as reply:
            return reply.status, reply.headers, b"".join([c async for c in reply.chunks()])
    finally:
        if transport is None:
            await own.aclose()


async def failure_at(url, transport=None, **options):
    with pytest.raises(ProviderError) as raised:
        await fetch(url, transport, **options)
    return raised.value.failure


# --- requests and answers ---------------------------------------------------------------------


async def test_an_answer_comes_whole(server):
    server.script(Answer(split(b"0123456789", 3), 418, {"X-Thing": "a"}))
    status, headers, body = await fetch(f"{server.url}/p?q=1", headers={"X-Mine": "b"})
    assert (status, headers["x-thing"], body) == (418, "a", b"0123456789")
    (request,) = server.requests
    assert (request.method, request.path, request.body) == ("GET", "/p?q=1", b"")
    assert request.headers["x-mine"] == "b"
    assert request.headers["accept-encoding"] == "identity"


async def test_a_body_is_sent_as_json(server):
    server.script(Answer(b"ok"))
    await fetch(server.url, body={"text": "é🙂"}, headers={"Content-Type": "application/json"})
    assert server.requests[0].body == '{"text":"é🙂"}'.encode()


def test_half_a_surrogate_pair_does_not_keep_a_body_from_being_sent():
    assert body_bytes({"t": "a\ud83d"}) == '{"t":"a\ufffd"}'.encode()
    assert body_bytes({"t": "\ud83d\ude42"}) == '{"t":"🙂"}'.encode()


async def test_connections_are_kept_alive_and_used_again(server):
    server.script(Answer(b"ok"))
    transport = Transport()
    for _ in range(3):
        await fetch(server.url, transport)
    await transport.aclose()
    assert server.connections == 1
    assert [r.connection for r in server.requests] == [0, 0, 0]


async def test_a_closed_transport_opens_again(server):
    server.script(Answer(b"ok"))
    transport = Transport()
    await fetch(server.url, transport)
    await transport.aclose()
    assert (await fetch(server.url, transport))[2] == b"ok"
    await transport.aclose()


async def test_leaving_early_closes_the_connection(server):
    server.script(Answer([b"first", Stall()]))
    transport = Transport()
    async with (
        transport.open(HttpRequest("GET", server.url)) as reply,
        contextlib.aclosing(reply.chunks()) as chunks,
    ):
        assert await anext(chunks) == b"first"
    assert await asyncio.to_thread(server.requests[0].left.wait, 5)
    await transport.aclose()


@pytest.mark.parametrize("before", [[], [Stall()]])
async def test_cancelling_closes_the_connection(server, before):
    server.script(Answer([b"first", Stall()], before=before))
    task = asyncio.create_task(fetch(server.url))
    await asyncio.to_thread(server.wait_for_requests, 1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asyncio.to_thread(server.requests[0].left.wait, 5)


async def test_a_reading_with_a_limit_takes_what_came(server):
    transport = Transport()
    for body, wanted in (
        ([b"x" * 100], b"x" * 10),
        ([b"abc", Stall()], b"abc"),
        ([b"abc", Cut()], b"abc"),
        (drip(b"ab" * 500, 0.01), None),
    ):
        server.script(Answer(body))
        async with transport.open(HttpRequest("GET", server.url)) as reply:
            got = await reply.read(10, timeout_s=0.05)
        assert got == wanted if wanted else 0 < len(got) <= 10
    await transport.aclose()


# --- compressed bodies ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [("gzip", gzip.compress(b"hello" * 99)), ("deflate", zlib.compress(b"hello" * 99))],
    ids=["gzip", "deflate"],
)
async def test_a_compressed_body_is_inflated_though_nobody_asked(server, encoding, packed):
    server.script(Answer(split(packed, 5), headers={"Content-Encoding": encoding}))
    assert (await fetch(server.url))[2] == b"hello" * 99


async def test_a_bomb_comes_in_small_pieces(server):
    bomb = gzip.compress(bytes(64 * 1024 * 1024))
    assert len(bomb) < 80_000
    server.script(Answer(bomb, headers={"Content-Encoding": "gzip"}, framing="length"))
    transport = Transport()
    async with transport.open(HttpRequest("GET", server.url)) as reply:
        sizes = [len(chunk) async for chunk in reply.chunks()]
    await transport.aclose()
    assert sum(sizes) == 64 * 1024 * 1024
    assert max(sizes) <= INFLATED_CHUNK


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip"])
async def test_what_cannot_be_inflated_is_an_error(server, encoding):
    server.script(Answer(b"?", headers={"Content-Encoding": encoding}))
    failure = await failure_at(server.url)
    assert failure.kind is ErrorKind.STREAM_INVALID
    assert encoding in failure.message


async def test_a_body_compressed_wrongly_is_an_error(server):
    server.script(Answer(b"not gzip at all", headers={"Content-Encoding": "gzip"}))
    assert (await failure_at(server.url)).kind is ErrorKind.STREAM_INVALID


# --- what goes wrong --------------------------------------------------------------------------


async def test_nobody_listens():
    port = unused_port()
    failure = await failure_at(f"http://127.0.0.1:{port}/v1?key=hidden")
    assert failure.kind is ErrorKind.NETWORK
    assert failure.retryable
    assert failure.message == f"127.0.0.1:{port} refused the connection"
    assert failure.hint == "is the server running?"


async def test_no_such_host(monkeypatch):
    failure = await failure_at("http://no-such-host.invalid/v1")
    assert failure.kind is ErrorKind.NETWORK
    assert "no-such-host.invalid" in failure.message


async def test_a_connection_that_takes_too_long():
    # A listener whose queue is full answers nothing.
    import socket

    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, contextlib.ExitStack() as held:
        address = full.getsockname()
        for _ in range(4):
            waiting = held.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(address)
        failure = await failure_at(f"http://127.0.0.1:{address[1]}", connect_timeout_s=0.1)
    assert failure.kind is ErrorKind.TIMEOUT
    assert "0.1 s" in failure.message


@pytest.mark.parametrize("framing", ["chunked", "length"])
async def test_a_cut_body(server, framing):
    headers = {"Content-Length": "99"} if framing == "length" else {}
    server.script(Answer([b"some", Cut()], headers=headers, framing=framing))
    failure = await failure_at(server.url)
    assert failure.kind is ErrorKind.STREAM_CUT
    assert f"127.0.0.1:{server.port}" in failure.message


@pytest.mark.parametrize(
    "answer", [Answer(before=[Cut()]), Answer(b"SSH-2.0-OpenSSH\r\n", raw=True)]
)
async def test_no_proper_answer(server, answer):
    server.script(answer)
    failure = await failure_at(server.url)
    assert failure.kind is ErrorKind.NETWORK
    assert failure.retryable


@pytest.mark.parametrize("url", ["ftp://host/x", "nonsense", "http://", "http://[::1", "http:// /"])
async def test_an_address_that_is_none(url):
    failure = await failure_at(url)
    assert failure.kind in (ErrorKind.BAD_REQUEST, ErrorKind.NETWORK)


@pytest.mark.parametrize("place", ["http://[::1", "http://a b/", "//", "\x7f"])
async def test_a_redirect_to_what_is_no_address_is_a_redirect(server, place):
    server.script(Answer(status=307, headers={"Location": place}))
    failure = await failure_at(server.url)
    assert failure.kind is ErrorKind.REFUSED
    assert "redirects to" in failure.message
    assert not failure.retryable


async def test_a_redirect_is_a_failure_that_names_the_host(server):
    with FaultServer() as other:
        for status in (301, 302, 307, 308):
            server.script(Answer(b"", status, {"Location": f"{other.url}/in?token=t"}))
            failure = await failure_at(server.url, headers={"X-Api-Key": "k-1234567"})
            assert f"127.0.0.1:{other.port}" in failure.message
            assert "token" not in failure.message
            assert failure.status == status
            assert not failure.retryable
        assert other.connections == 0
    server.script(Answer(b"", 302, {"Location": "/login"}))
    assert "another path" in (await failure_at(server.url)).message


async def test_no_key_and_no_query_in_messages_or_logs(server, caplog):
    server.script(Answer(b"ok"))
    with caplog.at_level(logging.DEBUG):
        await fetch(f"{server.url}/?key=hidden-key", headers={"X-Api-Key": "hidden-key"})
        bad = await failure_at(server.url, headers={"X-Api-Key": "hidden-key\n"})
    assert bad.kind is ErrorKind.BAD_REQUEST
    assert "hidden-key" not in caplog.text + bad.message


# --- proxies ----------------------------------------------------------------------------------


async def test_a_proxy_of_the_environment_is_used(server, monkeypatch):
    monkeypatch.setenv("http_proxy", f"127.0.0.1:{server.port}")
    server.script(Answer(b"by proxy"))
    assert (await fetch("http://example.invalid/v1"))[2] == b"by proxy"
    assert server.requests[0].path == "http://example.invalid/v1"


async def test_a_proxy_is_never_used_for_this_machine(server, monkeypatch):
    server.script(Answer(b"direct"))
    with FaultServer() as proxy:
        for name in ("http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        assert (await fetch(server.url))[2] == b"direct"
        assert (await fetch(f"http://localhost:{server.port}"))[2] == b"direct"
        assert proxy.connections == 0


async def test_no_proxy_names_hosts_to_reach_directly(monkeypatch):
    with FaultServer() as proxy:
        monkeypatch.setenv("all_proxy", proxy.url)
        monkeypatch.setenv("no_proxy", "example.invalid")
        assert (await failure_at("http://example.invalid")).kind is ErrorKind.NETWORK
        assert proxy.connections == 0


async def test_a_configured_proxy_wins(server, monkeypatch):
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{unused_port()}")
    server.script(Answer(b"by proxy"))
    transport = Transport(proxy=server.url)
    assert (await fetch("http://example.invalid", transport))[2] == b"by proxy"
    await transport.aclose()


async def test_a_proxy_that_refuses(server):
    server.script(Answer(b"", 407, framing="length"))
    transport = Transport(proxy=f"http://user:secret-word@127.0.0.1:{server.port}")
    failure = await failure_at("https://example.invalid", transport)
    await transport.aclose()
    assert failure.kind is ErrorKind.NETWORK
    assert "proxy" in failure.message
    assert "secret-word" not in failure.message + failure.hint


@pytest.mark.parametrize("address", ["gopher://user:secret-word@host:1", "socks9://host:1"])
async def test_a_proxy_of_an_unknown_kind(address):
    failure = await failure_at("http://example.invalid", Transport(proxy=address))
    assert "proxy host:1" in failure.message
    assert "secret-word" not in failure.message


# --- TLS --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A key and a certificate for 127.0.0.1 in one file."""
    x509 = pytest.importorskip("cryptography.x509")
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "tests")])
    now = dt.datetime.now(dt.UTC)
    host = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([host]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "both.pem"
    pem = serialization.Encoding.PEM
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + signed.public_bytes(pem))
    return str(file)


@pytest.fixture
def tls_server(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with FaultServer(tls=context) as running:
        running.script(Answer(b"over tls"))
        yield running


async def test_an_unknown_certificate_is_not_trusted(tls_server):
    failure = await failure_at(tls_server.url)
    assert failure.kind is ErrorKind.TLS
    assert f"127.0.0.1:{tls_server.port}" in failure.message
    assert "ca_file" in failure.hint
    assert not failure.retryable
    assert not tls_server.requests


async def test_a_configured_certificate_is_trusted(tls_server, certificate):
    transport = Transport(ca_file=certificate)
    assert (await fetch(tls_server.url, transport))[2] == b"over tls"
    await transport.aclose()


async def test_ssl_cert_file_is_honoured(tls_server, certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", certificate)
    assert (await fetch(tls_server.url))[2] == b"over tls"


async def test_one_transport_keeps_http_and_https_apart(tls_server, server):
    server.script(Answer(b"plain"))
    transport = Transport()
    assert (await fetch(server.url, transport))[2] == b"plain"
    assert (await failure_at(tls_server.url, transport)).kind is ErrorKind.TLS
    await transport.aclose()


async def test_https_to_a_server_that_speaks_http(server):
    server.script(Answer(b"plain"))
    failure = await failure_at(f"https://127.0.0.1:{server.port}")
    assert failure.kind is ErrorKind.TLS
    assert "http://" in failure.hint


async def test_a_missing_certificate_file_is_named(tmp_path):
    failure = await failure_at("https://127.0.0.1:1", Transport(ca_file=str(tmp_path / "none.pem")))
    assert failure.kind is ErrorKind.TLS
    assert "none.pem" in failure.message


async def test_what_is_loaded_beforehand_is_used(tls_server, certificate, monkeypatch):
    transport = Transport(ca_file=certificate)
    transport.get_ready(tls_server.url)
    monkeypatch.delattr(ssl, "create_default_context")
    assert (await fetch(tls_server.url, transport))[2] == b"over tls"
    await transport.aclose()


async def test_getting_ready_leaves_errors_to_the_request(tmp_path):
    transport = Transport(ca_file=str(tmp_path / "none.pem"))
    transport.get_ready("https://127.0.0.1:1")
    assert (await failure_at("https://127.0.0.1:1", transport)).kind is ErrorKind.TLS


async def test_http_reads_no_certificates(server, monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("certificates were read")

    monkeypatch.setattr(ssl, "create_default_context", refuse)
    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", refuse)
    server.script(Answer(b"ok"))
    assert (await fetch(server.url))[2] == b"ok"


# --- pieces -----------------------------------------------------------------------------------


def test_importing_does_not_load_httpx():
    code = "import sys, chatterm.providers.http; sys.exit('httpx' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
