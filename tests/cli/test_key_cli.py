"""`chatterm key`: keys go into the keyring, from a terminal or a pipe, and are never printed."""

from __future__ import annotations

import getpass
import sys
import warnings

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends import fail
from typer.testing import CliRunner

from chatterm.cli import key as key_cli
from chatterm.cli.key import app
from chatterm.errors import ConfigError, UsageError

KEY = "sk-proj-0123456789abcdefghijklmnop"


class FakeKeyring(KeyringBackend):
    """A keyring in memory."""

    priority = 1

    def __init__(self):
        super().__init__()
        self.entries = {}

    def get_password(self, service, username):
        return self.entries.get((service, username))

    def set_password(self, service, username, password):
        self.entries[service, username] = password

    def delete_password(self, service, username):
        del self.entries[service, username]


@pytest.fixture(autouse=True)
def ring(tmp_path, monkeypatch):
    (tmp_path / "config.toml").write_text("[providers.mine]\nprotocol = 'anthropic'")
    monkeypatch.setenv("CHATTERM_CONFIG", str(tmp_path / "config.toml"))
    before = keyring.get_keyring()
    ring = FakeKeyring()
    keyring.set_keyring(ring)
    yield ring
    keyring.set_keyring(before)


def run(*args: str, stdin: str | bytes | None = None) -> str:
    result = CliRunner().invoke(app, args, input=stdin)
    assert KEY not in result.output
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        assert KEY not in str(result.exception)
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stderr


@pytest.mark.parametrize("provider", ["openai", "mine"])
def test_a_piped_key_is_stored(ring, provider):
    said = run("set", provider, stdin=f"{KEY}\n")
    assert said == f"the key for {provider} is in the system keyring\n"
    assert ring.entries == {("chatterm", provider): KEY}


def test_a_key_is_no_argument(ring):
    result = CliRunner().invoke(app, ["set", "openai", KEY])
    assert result.exit_code == 2
    assert not ring.entries


@pytest.mark.parametrize("stdin", ["", "\n", b"\xff", "x" * 20_000])
def test_input_that_is_no_key_is_refused(ring, stdin):
    with pytest.raises(UsageError):
        run("set", "openai", stdin=stdin)
    assert not ring.entries


def test_two_lines_are_not_a_key(ring):
    with pytest.raises(ConfigError, match="it has more than one line"):
        run("set", "openai", stdin=f"{KEY}\nuser: ada\n")


def test_a_provider_nobody_has_is_refused_with_the_nearest(ring):
    with pytest.raises(ConfigError) as caught:
        run("set", "opnai", stdin=KEY)
    assert caught.value.hint == "did you mean openai?"


def test_a_provider_that_takes_no_key(ring):
    with pytest.raises(UsageError, match="the provider demo takes no key"):
        run("set", "demo", stdin=KEY)


def test_a_key_for_a_server_on_this_machine_says_what_it_takes_to_use_it(ring):
    assert "used once providers.lmstudio.auth is set" in run("set", "lmstudio", stdin=KEY)


def test_without_a_keyring_the_error_says_what_to_use_instead(ring):
    keyring.set_keyring(fail.Keyring())
    with pytest.raises(ConfigError) as caught:
        run("set", "openai", stdin=KEY)
    assert "this machine has no system keyring" in caught.value.message
    assert "api_key_command" in caught.value.hint


def test_a_key_is_deleted(ring):
    ring.entries["chatterm", "gone"] = KEY
    assert run("delete", "gone") == "the key for gone is deleted\n"
    assert not ring.entries
    with pytest.raises(ConfigError, match="has no key for 'gone'"):
        run("delete", "gone")


# At a terminal.


@pytest.fixture
def terminal(monkeypatch):
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    return monkeypatch


def test_at_a_terminal_the_key_is_read_without_echo(terminal):
    terminal.setattr(getpass, "getpass", lambda prompt: KEY)
    assert key_cli._read_key("openai") == KEY


def test_a_terminal_that_would_show_the_key_is_refused(terminal):
    def echoing(prompt):
        warnings.warn("can not control echo", getpass.GetPassWarning, stacklevel=1)
        return KEY

    terminal.setattr(getpass, "getpass", echoing)
    with pytest.raises(UsageError, match="would show the key"):
        key_cli._read_key("openai")


def test_nothing_typed_is_no_key(terminal):
    for answer in ("", "  "):
        terminal.setattr(getpass, "getpass", lambda prompt, answer=answer: answer)
        with pytest.raises(UsageError, match="no key was given"):
            key_cli._read_key("openai")

    def closed(prompt):
        raise EOFError

    terminal.setattr(getpass, "getpass", closed)
    with pytest.raises(UsageError, match="no key was given"):
        key_cli._read_key("openai")
