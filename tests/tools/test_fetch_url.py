"""The tool that fetches pages: the public network only, one host a call, bounded."""

from __future__ import annotations

import asyncio
import hashlib
import ipaddress
import socket
from pathlib import Path
from typing import Any

import pytest

from chatterm.permissions.verdicts import FetchAccess
from chatterm.steps import Outcome
from chatterm.tools.base import CallContext, ToolError, ToolResult, Workbench
from chatterm.tools.fetch_url import FetchUrl
from chatterm.tools.fetching import MOST_BYTES, is_public
from faultserver import Answer, FaultServer, Pause, Stall

PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)
ANYWHERE = FetchUrl(lambda _address: True)


def bench(tmp_path: Path) -> Workbench:
    return Workbench(tmp_path, tmp_path, lambda data: hashlib.sha256(data).hexdigest())


def fetch(
    tmp_path: Path, url: str, tool: FetchUrl = ANYWHERE, *, room: int = 30_000, seconds: float = 10
) -> ToolResult:
    context = CallContext(bench(tmp_path), seconds, room, lambda _text: None)
    return asyncio.run(tool.run({"url": url}, context))


def answer(body: Any, kind: str = "text/html", **more: Any) -> Answer:
    return Answer(body, headers={"Content-Type": kind, **more.pop("headers", {})}, **more)


# --- what comes back ----------------------------------------------------------------------------


def test_a_page_comes_as_what_a_reader_sees(server: FaultServer, tmp_path: Path) -> None:
    page = (
        "<html><head><title>A  title</title><style>p{}</style></head><body>"
        "<script>alert(1)</script><h1>Hello</h1><p>One <b>two</b> <a href='/x'>three</a></p>"
        "<ul><li>a</li><li>b</li></ul><noscript>no</noscript><iframe src='x'></iframe>"
        "</body></html>"
    )
    server.script(answer(page.encode()))
    result = fetch(tmp_path, f"{server.url}/page?q=1#part")
    head, _, text = result.content.partition("\n\n")
    assert head == f"{server.url}/page?q=1 · 200 · text/html"
    assert text == "# A title\n\n# Hello\n\nOne **two** [three](/x)\n\n- a\n- b"
    (request,) = server.requests
    assert request.path == "/page?q=1"
    assert request.headers["host"] == server.url.removeprefix("http://")
    assert request.headers["accept-encoding"] == "identity"
    assert "cookie" not in request.headers


@pytest.mark.parametrize(
    ("kind", "body", "text"),
    [
        ("application/json", b'{"a": 1}', '{"a": 1}'),
        ("text/plain; charset=latin-1", b"caf\xe9", "café"),
        ("text/plain", "naïve".encode(), "naïve"),
        ("text/plain", b"caf\xe9", "caf\ufffd"),
        ("text/plain; charset=base64", b"cafe", "cafe"),
        ("text/plain; charset=nonsense", b"x", "x"),
        ("text/plain", b"\xff\xfea\0", "a"),
        ("application/xml", b"<a/>", "<a/>"),
        ("", b"<!doctype html><p>x", "x"),
        ("text/html", b"<meta charset=latin-1><p>caf\xe9", "café"),
        ("text/html", b"", "(no text)"),
    ],
)
def test_text_by_its_type_and_charset(
    server: FaultServer, tmp_path: Path, kind: str, body: bytes, text: str
) -> None:
    server.script(answer(body, kind))
    assert fetch(tmp_path, server.url).content.endswith(f"\n\n{text}")


def test_a_picture_comes_as_a_picture(server: FaultServer, tmp_path: Path) -> None:
    server.script(answer(PNG, "application/octet-stream"))
    result = fetch(tmp_path, f"{server.url}/a/b.png")
    (image,) = result.attachments
    assert (image.name, image.media_type, image.data) == ("b.png", "image/png", PNG)


def test_what_has_no_text_fails(server: FaultServer, tmp_path: Path) -> None:
    server.script(answer(b"PK\x03\x04\0\0", "application/zip"))
    with pytest.raises(ToolError, match="application/zip, which has no text"):
        fetch(tmp_path, server.url)


def test_an_error_of_the_server_is_a_failed_result(server: FaultServer, tmp_path: Path) -> None:
    server.script(answer(b"<p>not here", status=404))
    result = fetch(tmp_path, server.url)
    assert result.outcome is Outcome.FAILED
    assert "· 404 ·" in result.content
    assert "not here" in result.content


def test_what_is_long_is_cut_and_says_so(server: FaultServer, tmp_path: Path) -> None:
    server.script(answer("é".encode() * 50_000, "text/plain"))
    result = fetch(tmp_path, server.url, room=2000)
    assert result.truncated
    assert "cut after 1,700 of 100,000 bytes" in result.content
    assert len(result.content.encode()) < 2000
    server.script(answer(b"x" * (MOST_BYTES + 10), "text/plain"))
    assert "larger than what is read" in fetch(tmp_path, server.url).content


def test_tags_without_end_are_read_in_bounded_time(server: FaultServer, tmp_path: Path) -> None:
    server.script(answer(b"<div>" * 50_000 + b"deep"))
    assert fetch(tmp_path, server.url, seconds=60).content.endswith("deep")


# --- where it may go ----------------------------------------------------------------------------


def test_a_redirect_on_the_same_host_is_followed(server: FaultServer, tmp_path: Path) -> None:
    moved = Answer(b"", status=302, headers={"Location": "/there"})
    server.script(moved, answer(b"<p>here"))
    result = fetch(tmp_path, server.url)
    assert result.content.startswith(f"{server.url}/there · 200")


def test_a_redirect_to_another_host_is_told_and_not_followed(
    server: FaultServer, tmp_path: Path
) -> None:
    server.script(Answer(b"", status=301, headers={"Location": "http://10.0.0.1/secret"}))
    result = fetch(tmp_path, server.url)
    assert "redirects to another place: http://10.0.0.1/secret" in result.content
    assert len(server.requests) == 1


def test_redirects_end(server: FaultServer, tmp_path: Path) -> None:
    server.script(Answer(b"", status=302, headers={"Location": "/again"}))
    with pytest.raises(ToolError, match="redirects more than 5 times"):
        fetch(tmp_path, server.url)


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "localhost", "2130706433", "0x7f.1", "0177.0.0.1", "127.1", "0.0.0.0"),
        *("[::1]", "[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[::]"),
        *("10.0.0.1", "192.168.1.1", "172.16.0.1", "169.254.169.254", "100.64.0.1", "224.0.0.1"),
        *("[fe80::1]", "[fc00::1]", "[fec0::1]", "255.255.255.255", "127.0.0.1."),
    ],
)
def test_only_the_public_network_is_reached(server: FaultServer, tmp_path: Path, host: str) -> None:
    port = server.url.rpartition(":")[2]
    with pytest.raises(ToolError, match=r"not on the public network|no address of"):
        fetch(tmp_path, f"http://{host}:{port}/", FetchUrl())
    assert server.requests == []


def test_one_private_address_of_a_name_is_enough(
    server: FaultServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lookup(*_: object, **__: object) -> list[Any]:
        return [(2, 1, 6, "", (ip, 80)) for ip in ("93.184.215.14", "127.0.0.1")]

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", lookup)
    with pytest.raises(ToolError, match=r"not on the public network \(127\.0\.0\.1\)"):
        fetch(tmp_path, "http://example.org/", FetchUrl())


def test_the_connection_goes_to_the_address_that_was_judged(
    server: FaultServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = int(server.url.rpartition(":")[2])
    looked_up: list[object] = []

    async def lookup(_loop: object, host: str, *_: object, **__: object) -> list[Any]:
        looked_up.append(host)
        # A second look would lead nowhere.
        return [(2, 1, 6, "", ("127.0.0.1", port))] if len(looked_up) == 1 else []

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", lookup)
    server.script(answer(b"<p>x"))
    fetch(tmp_path, f"http://page.example:{port}/")
    assert looked_up[0] == "page.example"
    assert server.requests[0].headers["host"] == f"page.example:{port}"


@pytest.mark.parametrize("address", ["1.1.1.1", "2606:4700::1111"])
def test_public_addresses(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("file:///etc/passwd", "only http"),
        ("ftp://x/", "only http"),
        ("javascript:alert(1)", "only http"),
        ("http://user:pw@example.org/", "user name"),
        ("http://", "names no host"),
        ("http://[::1", "no URL"),
        ("http://x:99999/", "no URL"),
        ("", "only http"),
    ],
)
def test_what_is_no_page_is_refused_unasked(tmp_path: Path, url: str, said: str) -> None:
    with pytest.raises(ToolError, match=said):
        ANYWHERE.access({"url": url}, bench(tmp_path))


def test_the_question_names_the_host_as_the_network_writes_it(tmp_path: Path) -> None:
    url = "HTTPS://Bücher.Example:443/a?b#c"
    plain = "https://xn--bcher-kva.example/a?b"
    found = ANYWHERE.access({"url": url}, bench(tmp_path))
    assert found == (FetchAccess(plain, "xn--bcher-kva.example"),)
    assert ANYWHERE.summary({"url": url}) == f"fetch {plain}"
    assert ANYWHERE.summary({}) == "fetch"


# --- when it goes wrong -------------------------------------------------------------------------


def test_a_slow_server_is_given_up(server: FaultServer, tmp_path: Path) -> None:
    server.script(answer([b"<p>", Stall()]))
    with pytest.raises(ToolError, match="didn't answer whole within") as caught:
        fetch(tmp_path, server.url, seconds=0.3)
    assert caught.value.outcome is Outcome.TIMED_OUT
    assert server.requests[0].left.wait(5)


def test_cancelling_closes_the_connection(server: FaultServer, tmp_path: Path) -> None:
    server.script(answer([b"<p>", Stall()]))

    async def cancelled() -> None:
        context = CallContext(bench(tmp_path), 60, 1000, lambda _text: None)
        running = asyncio.create_task(ANYWHERE.run({"url": server.url}, context))
        await asyncio.to_thread(server.wait_for_requests, 1)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(cancelled())
    assert server.requests[0].left.wait(5)


def test_nobody_there(tmp_path: Path) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
        with pytest.raises(ToolError, match=r"127\.0\.0\.1 can't be fetched from"):
            fetch(tmp_path, f"http://127.0.0.1:{port}/")


def test_compression_that_nobody_asked_for(server: FaultServer, tmp_path: Path) -> None:
    server.script(answer(b"\x1f\x8b", headers={"Content-Encoding": "gzip"}))
    with pytest.raises(ToolError, match="compresses its answer"):
        fetch(tmp_path, server.url)


def test_proxies_of_the_environment_are_left_out(
    server: FaultServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    server.script(answer([b"<p>", Pause(0.01), b"x"]))
    assert fetch(tmp_path, server.url).content.endswith("x")
