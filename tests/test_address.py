"""Addresses: which machine they lead to, and what of them is shown."""

import pytest

from chatterm.address import host_of, is_loopback, place_of


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("https://user:pw@api.example/v1?key=k", "api.example:443"),
        ("http://[::1]:8080/x", "[::1]:8080"),
        ("http://host:99999/", "the provider"),
        ("nonsense", "the provider"),
    ],
)
def test_the_place_of_an_address(url, place):
    assert place_of(url) == place


@pytest.mark.parametrize(
    ("url", "host"),
    [("HTTP://A.Example:1/x", "a.example"), ("http://[::1]/", "::1"), ("http://[", ""), (None, "")],
)
def test_the_host_of_an_address(url, host):
    assert host_of(url) == host


@pytest.mark.parametrize(
    "host",
    ["localhost", "LocalHost", "localhost.", "a.localhost", "127.0.0.1", "127.9.9.9", "::1",
     "::ffff:127.0.0.1"],
)  # fmt: skip
def test_this_machine(host):
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host",
    ["localhost.example", "10.0.0.1", "example", "0.0.0.1", "", ".", "127.999.1.1", "127.1",
     "127.0.0.1.example", "::ffff:10.0.0.1", "::2"],
)  # fmt: skip
def test_other_machines(host):
    assert not is_loopback(host)
