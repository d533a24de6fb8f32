"""Fetching pages: what comes back, what is never reached, and where it ends."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import ssl
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path

import pytest

from chatterm.permissions.verdicts import FetchAccess
from chatterm.steps import Outcome
from chatterm.tools import fetch_url, pages
from chatterm.tools.arguments import check_arguments
from chatterm.tools.base import CallContext, ToolError, ToolResult, Workbench
from chatterm.tools.fetch_url import FetchUrl
from chatterm.tools.web_address import is_public
from faultserver import Answer, Cut, FaultServer, Received, Stall, unused_port

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40
BENCH = Workbench(None, Path("/"), lambda _data: "")


def loopback(address) -> bool:
    return address.is_loopback


async def names(host: str, port: int) -> list[str]:
    """Every name is this machine."""
    return ["127.0.0.1"]


def answer(body=b"", kind: str = "text/plain", **options) -> Answer:
    headers = {"Content-Type": kind} | options.pop("headers", {})
    return Answer(body, headers=headers, **options)


def redirect(location: str, status: int = 302) -> Answer:
    return answer(status=status, headers={"Location": location})


async def run(
    url: str,
    tool: FetchUrl | None = None,
    timeout_s: float = 30,
    room: int = 30_000,
    cancelled: asyncio.Event | None = None,
) -> ToolResult:
    tool = tool or FetchUrl(loopback, names)
    context = CallContext(BENCH, timeout_s, room, lambda _text: None, cancelled=cancelled)
    return await tool.run({"url": url}, context)


async def failure(url: str, tool: FetchUrl | None = None, **options) -> ToolError:
    with pytest.raises(ToolError) as caught:
        await run(url, tool, **options)
    return caught.value


def text_of(result: ToolResult) -> str:
    return result.content.partition("\n\n")[2]


# --- what comes back ----------------------------------------------------------------------------


async def test_a_page_comes_as_text_with_whole_links(server: FaultServer) -> None:
    page = (
        b"<html><head><title>Tea</title><script>var x = 'no';</script></head><body>"
        b"<h2>Green</h2><p>Steep <b>briefly</b>, see <a href='/how?a=1#x'>how</a>."
        b"<ul><li>one<li>two</ul><style>p{}</style><img alt='a cup' src='data:x'>"
        b"<a href='javascript:steal()'>click</a>"
    )
    server.script(answer(page, "text/html; charset=utf-8"))
    result = await run(f"{server.url}/tea")
    first = result.content.splitlines()[0]
    assert first == f"[{server.url}/tea · status 200 · text/html]"
    text = text_of(result)
    assert text.startswith("# Tea\n\n## Green")
    assert f"Steep **briefly**, see [how]({server.url}/how?a=1#x)." in text
    assert "- one\n- two" in text
    assert "a cup" in text
    assert "click" in text
    for absent in ("var x", "p{}", "javascript", "data:x"):
        assert absent not in text
    assert (result.outcome, result.truncated) == (Outcome.DONE, False)


@pytest.mark.parametrize("kind", ["application/json", "application/ld+json", "text/csv"])
async def test_other_text_comes_as_it_is(server: FaultServer, kind: str) -> None:
    server.script(answer(b'{"a": "<b>"}', kind))
    assert text_of(await run(server.url)) == '{"a": "<b>"}'


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("gr\u00fcn".encode("latin-1"), "text/plain; charset=ISO-8859-1"),
        ("gr\u00fcn".encode("utf-16"), "text/plain"),
        ("\ufeffgr\u00fcn".encode(), "text/plain; charset=latin-1"),
        ("gr\u00fcn".encode(), "text/plain; charset=no-such-charset"),
        ("gr\u00fcn".encode(), "text/plain; charset=hex"),
        (b"<meta charset='windows-1252'>gr\xfcn", "text/html"),
        (b"<html><p>gr&uuml;n", ""),
    ],
)
async def test_charsets_are_told_apart(server: FaultServer, body: bytes, kind: str) -> None:
    server.script(answer(body, kind))
    assert text_of(await run(server.url)) == "gr\u00fcn"


async def test_bytes_that_are_no_text_are_replaced(server: FaultServer) -> None:
    server.script(answer(b"a\xffb", "text/plain; charset=utf-8"))
    assert text_of(await run(server.url)) == "a\ufffdb"


async def test_an_image_is_attached(server: FaultServer) -> None:
    server.script(answer(PNG, "image/jpeg"))
    result = await run(f"{server.url}/a/cup%20of.png?size=1")
    (attached,) = result.attachments
    assert (attached.name, attached.media_type) == ("cup of.png", "image/png")
    assert attached.data == PNG
    assert attached.sha256 == hashlib.sha256(PNG).hexdigest()


async def test_what_only_says_it_is_an_image_fails(server: FaultServer) -> None:
    server.script(answer(b"<html>", "image/png"))
    assert "isn't an image" in (await failure(server.url)).message


@pytest.mark.parametrize(("kind", "body"), [("application/zip", b"PK"), ("", b"\x7fELF\0")])
async def test_binary_content_fails(server: FaultServer, kind: str, body: bytes) -> None:
    server.script(answer(body, kind))
    assert "isn't read" in (await failure(server.url)).message


async def test_a_failed_status_comes_with_the_beginning_of_the_text(server: FaultServer) -> None:
    server.script(answer(b"<h1>Not here</h1>" + b"x" * 9000, "text/html", status=404))
    result = await run(server.url)
    assert result.outcome is Outcome.FAILED
    assert "status 404" in result.content
    assert "# Not here" in result.content
    assert len(result.content) < 2300
    server.script(answer(b"PK", "application/zip", status=500))
    assert "status 500" in (await run(server.url)).content


async def test_nothing_of_ours_is_sent_but_the_request(server: FaultServer) -> None:
    server.script(answer(b"ok"))
    port = server.port
    await run(f"http://tea.example:{port}/a b/\u00fc?q=\u00fc#secret")
    (request,) = server.requests
    assert request.path == "/a%20b/%C3%BC?q=%C3%BC"
    assert request.headers["host"] == f"tea.example:{port}"
    assert request.headers["accept-encoding"] == "identity"
    assert not {"cookie", "authorization", "referer"} & set(request.headers)


async def test_proxies_of_the_environment_are_not_used(
    server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{unused_port()}")
    server.script(answer(b"direct"))
    assert text_of(await run(f"http://tea.example:{server.port}/")) == "direct"


# --- bounds -------------------------------------------------------------------------------------


async def test_text_is_cut_to_the_room_there_is(server: FaultServer) -> None:
    server.script(answer("\u00fc".encode() * 1000))
    result = await run(server.url, room=101)
    assert result.truncated
    assert "[only the first 101 bytes" in result.content
    assert text_of(result) == "\u00fc" * 50
    server.script(answer(b"<p>" + b"word " * 1000, "text/html"))
    result = await run(server.url, room=100)
    assert result.truncated
    assert len(text_of(result)) == 100


async def test_a_body_too_long_is_read_to_the_limit_only(
    server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch_url, "MOST_BYTES", 1000)
    server.script(answer([b"y" * 4000, Stall()]))
    result = await run(server.url)
    assert result.truncated
    assert text_of(result) == "y" * 1000
    server.script(answer([PNG * 100, Stall()], "image/png"))
    assert "larger than 1,000 bytes" in (await failure(server.url)).message


async def test_a_body_compressed_unasked_is_inflated_to_the_limit_only(
    server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch_url, "MOST_BYTES", 10_000)
    headers = {"Content-Encoding": "gzip"}
    server.script(answer(gzip.compress(b"small"), headers=headers))
    assert text_of(await run(server.url)) == "small"
    server.script(answer(gzip.compress(b"0" * 5_000_000), headers=headers))
    result = await run(server.url)
    assert (len(text_of(result)), result.truncated) == (10_000, True)
    server.script(answer(b"?", headers={"Content-Encoding": "br"}))
    assert "compressed" in (await failure(server.url)).message


async def test_a_slow_body_times_out(server: FaultServer) -> None:
    server.script(answer([b"begun", Stall()]))
    error = await failure(server.url, timeout_s=0.3)
    assert error.outcome is Outcome.TIMED_OUT
    assert "0.3 s" in error.message
    assert await asyncio.to_thread(server.requests[0].left.wait, 5)


async def test_cancelling_closes_the_connection(server: FaultServer) -> None:
    server.script(answer([b"begun", Stall()]))
    task = asyncio.create_task(run(server.url))
    await asyncio.to_thread(server.wait_for_requests, 1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asyncio.to_thread(server.requests[0].left.wait, 5)


async def test_a_call_that_is_to_stop_stops(server: FaultServer) -> None:
    server.script(answer([b"begun", Stall()]))
    stop = asyncio.Event()
    task = asyncio.create_task(failure(server.url, cancelled=stop))
    await asyncio.to_thread(server.wait_for_requests, 1)
    stop.set()
    assert (await task).outcome is Outcome.CANCELLED
    assert await asyncio.to_thread(server.requests[0].left.wait, 5)


@pytest.mark.parametrize("tag", ["<div>", "<b>", "<ul><li>", "<blockquote>", "<a href=x><p>"])
async def test_deep_nesting_keeps_its_text(server: FaultServer, tag: str) -> None:
    server.script(answer((tag * 100_000 + "at the bottom").encode(), "text/html"))
    assert "at the bottom" in (await run(server.url, room=200_000)).content


async def test_a_page_that_takes_too_long_to_read_fails(
    server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "_TRANSFORM_S", 0)
    server.script(answer(b"<p>text", "text/html"))
    assert "too long to read" in (await failure(server.url)).message


@pytest.mark.parametrize(
    "page",
    [
        "<p>never closed" * 3_000,
        "<table><tr><td>a<td>b<tr><td>c",
        "</div></p>text</x><y z='",
        "<a href='http://[half'>text</a><base href='http://[half'>",
        "<!doctype html><!-- text",
    ],
)
async def test_broken_html_is_read(server: FaultServer, page: str) -> None:
    server.script(answer(page.encode(), "text/html"))
    assert (await run(server.url)).outcome is Outcome.DONE


# --- redirects ----------------------------------------------------------------------------------


def by_path(answers: dict[str, Answer]) -> Callable[[Received], Answer]:
    return lambda received: answers[received.path]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_within_the_host_is_followed(server: FaultServer, status: int) -> None:
    server.script(by_path({"/a": redirect("b?c", status), "/b?c": answer(b"there")}))
    result = await run(f"{server.url}/a")
    assert result.content.startswith(f"[{server.url}/b?c ·")
    assert text_of(result) == "there"


async def test_a_redirect_to_another_host_is_told_and_not_followed(server: FaultServer) -> None:
    port = server.port
    server.script(redirect(f"http://other.example:{port}/x#y"))
    result = await run(f"http://tea.example:{port}/")
    assert f"redirects to http://other.example:{port}/x (another host)" in result.content
    assert "call fetch_url with that address" in result.content
    assert len(server.requests) == 1


async def test_a_redirect_to_another_port_is_not_followed(server: FaultServer) -> None:
    server.script(redirect(f"http://127.0.0.1:{unused_port()}/"))
    assert "another port" in (await run(server.url)).content


@pytest.mark.parametrize(
    "location",
    [
        "http://10.0.0.1/",
        "http://[::1]/",
        "file:///etc/passwd",
        "http://u:p@127.0.0.1/",
        "http://[x",
    ],
)
async def test_a_redirect_to_what_is_not_fetched_is_refused(
    server: FaultServer, location: str
) -> None:
    server.script(redirect(location))
    tool = FetchUrl(lambda address: str(address) == "127.0.0.1", names)
    assert "redirects to an address that isn't fetched" in (await failure(server.url, tool)).message


async def test_redirects_in_a_circle_end(server: FaultServer) -> None:
    server.script(redirect("/again"))
    assert "more than 5 times" in (await failure(server.url)).message
    assert len(server.requests) == 6


# --- what is never reached ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/",
        "http://localhost:{port}/",
        "http://2130706433:{port}/",
        "http://0x7f.1:{port}/",
        "http://0x7f000001:{port}/",
        "http://127.1:{port}/",
        "http://0177.0.0.1:{port}/",
        "http://127.0.0.1.:{port}/",
        "http://\uff11\uff12\uff17.0.0.1:{port}/",
        "http://0.0.0.0:{port}/",
        "http://[::1]:{port}/",
        "http://[::]:{port}/",
        "http://[::ffff:127.0.0.1]:{port}/",
        "http://[::127.0.0.1]:{port}/",
        "http://[64:ff9b::7f00:1]:{port}/",
        "http://[2002:7f00:1::]:{port}/",
        "http://169.254.169.254/",
    ],
)
async def test_this_machine_and_its_network_are_refused_unasked(
    server: FaultServer, url: str
) -> None:
    tool = FetchUrl()
    url = url.format(port=server.port)
    with pytest.raises(ToolError):
        tool.access({"url": url}, BENCH)
    await failure(url, tool)
    assert server.connections == 0


@pytest.mark.parametrize("addresses", [["127.0.0.1"], ["93.184.215.14", "10.0.0.1"], ["fe80::1%1"]])
async def test_a_name_that_leads_to_a_private_address_is_refused(
    server: FaultServer, addresses: list[str]
) -> None:
    async def resolve(host: str, port: int) -> list[str]:
        return addresses

    error = await failure(f"http://tea.example:{server.port}/", FetchUrl(resolve=resolve))
    assert "tea.example" in error.message
    assert "isn't a public address" in error.message
    assert server.connections == 0


async def test_a_name_is_looked_up_once_and_the_answer_is_what_is_connected_to(
    server: FaultServer,
) -> None:
    looked_up = []

    async def resolve(host: str, port: int) -> list[str]:
        looked_up.append((host, port))
        return ["127.0.0.1"] if len(looked_up) == 1 else ["10.0.0.1"]

    server.script(answer(b"ok"))
    await run(f"http://tea.example:{server.port}/", FetchUrl(loopback, resolve))
    assert looked_up == [("tea.example", server.port)]


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.215.14", True),
        ("2606:4700::1111", True),
        ("64:ff9b::5db8:d70e", True),
        ("::ffff:93.184.215.14", True),
        *((text, False) for text in ("10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1")),
        *((text, False) for text in ("224.0.0.1", "255.255.255.255", "240.0.0.1", "192.0.2.1")),
        *((text, False) for text in ("fc00::1", "fe80::1", "fec0::1", "ff02::1", "2001:db8::1")),
        *((text, False) for text in ("64:ff9b::a00:1", "2002:a00:1::1", "::ffff:10.0.0.1")),
        *((text, False) for text in ("2001:0:7f00:1::", "64:ff9b:1::1", "::a00:1")),
    ],
)
def test_public_addresses_are_told_apart(address: str, public: bool) -> None:
    assert is_public(ip_address(address)) is public


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "must begin with http"),
        ("ftp://a.example/", "must begin with http"),
        ("file:///etc/passwd", "must begin with http"),
        ("http:///x", "no host"),
        ("http://user:pass@a.example/", "user name"),
        ("http://good.example\\@a.example/", "backslash"),
        ("http://a.example/\x1b[2J", "control character"),
        ("http://a.example:0/", "port 0"),
        ("http://a.example:99999/", "isn't one"),
        ("http://a b.example/", "isn't a host name"),
        ("http://a%2eexample/", "isn't a host name"),
        ("http://[fe80::1%25eth0]/", "isn't"),
        ("http://a.example/" + "x" * 5000, "longer"),
    ],
)
def test_what_is_no_address_of_a_page_fails_unasked(url: str, words: str) -> None:
    with pytest.raises(ToolError) as caught:
        FetchUrl().access({"url": url}, BENCH)
    assert words in caught.value.message


# --- what people and the gate see ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "whole", "host"),
    [
        ("HTTPS://Tea.Example", "https://tea.example/", "tea.example"),
        ("https://tea.example.:443/a?b#c", "https://tea.example/a?b", "tea.example"),
        ("http://tea.example:8080/", "http://tea.example:8080/", "tea.example"),
        ("https://b\u00fccher.example/\u00fc", "https://xn--bcher-kva.example/%C3%BC", None),
        ("https://[2606:4700:0:0::1111]/", "https://[2606:4700::1111]/", "2606:4700::1111"),
    ],
)
def test_the_gate_is_asked_about_the_host(url: str, whole: str, host: str | None) -> None:
    tool = FetchUrl()
    assert tool.access({"url": url}, BENCH) == (
        FetchAccess(whole, host or "xn--bcher-kva.example"),
    )
    assert tool.summary({"url": url}) == f"fetch {whole}"


def test_a_summary_works_on_what_is_there() -> None:
    tool = FetchUrl()
    assert tool.summary({}) == "fetch"
    assert tool.summary({"url": "htt"}) == "fetch htt"
    assert tool.summary({"url": "http://a\nb"}) == "fetch http://a b"
    assert len(tool.summary({"url": "https://a.example/" + "x" * 3000})) == 200


def test_arguments_are_checked() -> None:
    assert not check_arguments(FetchUrl(), {"url": "https://tea.example/"})
    assert check_arguments(FetchUrl(), {})
    assert FetchUrl().independent


# --- what goes wrong on the way -----------------------------------------------------------------


async def test_failures_of_the_network_are_named(server: FaultServer) -> None:
    message = (await failure(f"http://tea.example:{unused_port()}/")).message
    assert message == "tea.example refused the connection"
    server.script(answer([b"half", Cut()]))
    assert "tea.example" in (await failure(f"http://tea.example:{server.port}/")).message
    server.script(Answer(b"no http at all\r\n\r\n", raw=True))
    assert "no proper HTTP answer" in (await failure(server.url)).message


async def test_a_name_that_nobody_knows_is_named() -> None:
    async def resolve(host: str, port: int) -> list[str]:
        raise OSError

    message = (await failure("http://tea.example/", FetchUrl(resolve=resolve))).message
    assert message == "can't find the host tea.example: is the name right?"


@pytest.fixture
def tls_server(tmp_path: Path):
    """A server that speaks TLS as tea.example, and the names that clients asked it for."""
    import datetime as dt

    x509 = pytest.importorskip("cryptography.x509")
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "tea.example")])
    now = dt.datetime.now(dt.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("tea.example")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = tmp_path / "both.pem"
    file.write_bytes(private + signed.public_bytes(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    asked: list[str | None] = []
    context.sni_callback = lambda _socket, host, _context: asked.append(host)
    with FaultServer(tls=context) as running:
        running.script(answer(b"over tls"))
        yield running, file, asked


async def test_tls_is_spoken_with_the_name(tls_server, monkeypatch: pytest.MonkeyPatch) -> None:
    server, file, asked = tls_server
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    url = f"https://tea.example:{server.port}/"
    assert text_of(await run(url)) == "over tls"
    assert asked == ["tea.example"]
    other = await failure(f"https://other.example:{server.port}/")
    assert "the certificate of other.example isn't trusted" in other.message


async def test_an_unknown_certificate_is_not_trusted(tls_server) -> None:
    server, _file, _asked = tls_server
    error = await failure(f"https://tea.example:{server.port}/")
    assert "the certificate of tea.example isn't trusted" in error.message
    assert not server.requests
