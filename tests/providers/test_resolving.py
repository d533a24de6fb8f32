"""A lookup that hangs holds nothing up."""

import asyncio
import socket
import threading

import pytest

from chatterm.errors import ErrorKind, ProviderError
from chatterm.providers.resolving import keep_lookups_apart
from chatterm.providers.transport import Transport
from chatterm.providers.wire import HttpRequest


@pytest.fixture
def hanging(monkeypatch):
    """Lookups wait until the test is over."""
    over = threading.Event()

    def look_up(*_args, **_options):
        over.wait(20)
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    yield over
    over.set()


@pytest.mark.parametrize(
    ("url", "proxy"),
    [("http://nowhere.invalid", None), ("http://10.0.0.1", "http://nowhere.invalid:3128")],
)
def test_neither_the_loop_nor_the_caller_waits_for_it(hanging, url, proxy):
    async def ask():
        transport = Transport(proxy=proxy)
        async with transport.open(HttpRequest("GET", url), connect_timeout_s=0.1):
            pass

    with pytest.raises(ProviderError) as raised:
        asyncio.run(ask())
    assert raised.value.failure.kind is ErrorKind.TIMEOUT
    assert not hanging.is_set()
    assert [t.daemon for t in threading.enumerate() if t.name == "chatterm lookup"] == [True]


def test_a_lookup_gives_what_the_system_gives(monkeypatch):
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.1", 80))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **options: [found, args, options])

    async def look_up():
        loop = asyncio.get_running_loop()
        keep_lookups_apart(loop)
        return await loop.getaddrinfo("a.example", 80, type=socket.SOCK_STREAM)

    assert asyncio.run(look_up()) == [found, ("a.example", 80), {"type": socket.SOCK_STREAM}]


def test_a_lookup_that_fails_fails_as_the_system_says(monkeypatch):
    def look_up(*_args, **_options):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)

    async def ask():
        async with Transport().open(HttpRequest("GET", "http://nowhere.invalid")):
            pass

    with pytest.raises(ProviderError) as raised:
        asyncio.run(ask())
    assert raised.value.failure.message == "can't find the host nowhere.invalid"
