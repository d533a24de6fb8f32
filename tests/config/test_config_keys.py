"""Keys are found in the environment, by a command or in the keyring, and shown nowhere."""

from __future__ import annotations

import logging
import pickle
import sys
import time

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends import fail, null

from chatterm.config import (
    Key,
    ProviderConfig,
    delete_key,
    find_key,
    has_stored_key,
    is_loopback,
    keyring_state,
    redact,
    store_key,
)
from chatterm.config import keys as keys_module
from chatterm.errors import ConfigError, ErrorKind, ExitStatus, ProviderError

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


class BrokenKeyring(FakeKeyring):
    """A keyring as on a headless machine; its words may quote what it was given."""

    def get_password(self, service, username):
        raise OSError(f"no bus for {username}")

    def set_password(self, service, username, password):
        raise ValueError(f"can't keep {password}")


class ForgetfulKeyring(FakeKeyring):
    """A keyring that takes a password and drops it."""

    def set_password(self, service, username, password):
        pass


@pytest.fixture(autouse=True)
def ring():
    before = keyring.get_keyring()
    ring = FakeKeyring()
    keyring.set_keyring(ring)
    yield ring
    keyring.set_keyring(before)


def provider(protocol="chat", base_url="https://api.example.com/v1", **given):
    return ProviderConfig(protocol=protocol, base_url=base_url, **given)


def printing(text: str, status: int = 0):
    return (sys.executable, "-c", f"import sys; sys.stdout.write({text!r}); sys.exit({status})")


def missing(found, environ=None) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        find_key("mine", found, environ or {})
    assert caught.value.failure.kind is ErrorKind.KEY_MISSING
    assert caught.value.exit_status is ExitStatus.CONFIG
    assert KEY not in f"{caught.value.message}{caught.value.hint}"
    return caught.value


# Where keys are found.


def test_the_variable_comes_first_then_the_command_then_the_keyring(ring):
    ring.entries["chatterm", "mine"] = "from-ring"
    everything = provider(api_key_env="MY_KEY", api_key_command=printing("from-command\n"))
    assert find_key("mine", everything, {"MY_KEY": " from-env\n"}).reveal() == "from-env"
    assert find_key("mine", everything, {"MY_KEY": ""}).reveal() == "from-command"
    assert find_key("mine", provider(api_key_env="MY_KEY"), {}).reveal() == "from-ring"


def test_a_key_says_where_it_was_found():
    assert find_key("mine", provider(api_key_env="K"), {"K": KEY}).source == "the variable K"


def test_a_missing_key_names_what_was_looked_at_and_what_to_do():
    error = missing(provider(api_key_env="MY_KEY"))
    assert error.message == (
        "no key for the provider mine: the variable MY_KEY is not set, "
        "and the system keyring has none"
    )
    assert error.hint == "set MY_KEY, or run `chatterm key set mine`"


def test_a_keyring_that_fails_is_named_in_the_same_error():
    keyring.set_keyring(BrokenKeyring())
    assert "the system keyring failed (OSError)" in missing(provider()).message
    keyring.set_keyring(fail.Keyring())
    assert "this machine has no system keyring" in missing(provider()).message


@pytest.mark.parametrize(
    "free",
    [
        provider("local", None),
        provider("demo", None),
        provider("ollama", "http://192.168.1.2:11434"),
        provider("luxx"),
        provider(base_url="http://localhost:8080/v1"),
        provider(auth="none"),
    ],
)
def test_some_providers_need_no_key(free):
    assert find_key("mine", free, {}) is None


def test_a_key_is_used_where_it_is_not_needed_but_configured():
    server = provider(base_url="http://127.0.0.1:8080/v1", api_key_env="K")
    assert find_key("mine", server, {"K": "k"}).reveal() == "k"
    assert find_key("mine", server, {}) is None


def test_the_keyring_is_not_woken_for_a_server_on_this_machine(ring, monkeypatch):
    monkeypatch.setattr(FakeKeyring, "get_password", lambda *_: pytest.fail("asked"))
    assert find_key("mine", provider(base_url="http://127.0.0.1:1/v1"), {}) is None


def test_auth_asks_for_a_key_even_on_this_machine(ring):
    server = provider(base_url="http://127.0.0.1:8080/v1", auth="bearer")
    missing(server)
    ring.entries["chatterm", "mine"] = "k"
    assert find_key("mine", server, {}).reveal() == "k"


def test_with_auth_none_nothing_is_looked_for():
    silent = provider(auth="none", api_key_env="K", api_key_command=("/does/not/exist",))
    assert find_key("mine", silent, {"K": "k"}) is None


@pytest.mark.parametrize(
    "url",
    ["http://localhost", "http://a.localhost:1/x", "http://127.0.0.1", "http://127.9.9.9:80",
     "http://[::1]:8080/v1", "HTTP://LOCALHOST/", "http://localhost.:1",
     "http://[::ffff:127.0.0.1]/"],
)  # fmt: skip
def test_addresses_of_this_machine(url):
    assert is_loopback(url)


@pytest.mark.parametrize(
    "url",
    [None, "", "http://127.0.0.1.evil.example", "http://localhost.evil.example", "http://10.0.0.1",
     "http://127.0.0.1@evil.example", "http://[::2]", "http://[", "http://127.999.1.1"],
)  # fmt: skip
def test_addresses_of_other_machines(url):
    assert not is_loopback(url)


# Commands.


def test_a_command_runs_without_a_shell():
    argv = (sys.executable, "-c", "import sys; print(sys.argv[1])", "$HOME;echo")
    assert find_key("mine", provider(api_key_command=argv), {}).reveal() == "$HOME;echo"


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (printing(KEY, status=3), "failed with exit status 3"),
        (("/does/not/exist",), "can't be run: no such file or directory"),
        (("a\0b",), "can't be run: its words hold a zero byte"),
        ((sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"), "was ended by signal 9"),
        (printing(""), "it is empty"),
        (printing(f"{KEY}\nuser: ada\n"), "it has more than one line"),
        (printing(f"key {KEY}"), "it holds spaces"),
        (
            (sys.executable, "-c", "import sys; sys.stdout.buffer.write(b'\\xff')"),
            "printed something that isn't text",
        ),
    ],
)
def test_a_command_that_fails_is_named_and_its_output_is_not_shown(argv, said, capfd, caplog):
    caplog.set_level(logging.DEBUG)
    error = missing(provider(api_key_command=argv))
    assert said in error.message
    assert "the provider mine" in error.message
    assert KEY not in caplog.text + "".join(capfd.readouterr())
    assert error.__cause__ is None


def test_a_command_is_not_waited_for_for_ever(monkeypatch):
    monkeypatch.setattr(keys_module, "COMMAND_TIMEOUT_S", 0.2)
    began = time.monotonic()
    error = missing(provider(api_key_command=(sys.executable, "-c", "input(); input()")))
    assert "failed with exit status" in error.message  # its input is empty: it doesn't wait for us
    error = missing(provider(api_key_command=("sleep", "20")))
    assert "took longer than 0.2 s" in error.message
    assert time.monotonic() - began < 10


def test_a_command_that_fails_is_not_passed_over_for_the_keyring(ring):
    ring.entries["chatterm", "mine"] = "k"
    missing(provider(api_key_command=printing("", status=1)))


def test_what_is_found_has_to_be_able_to_be_a_key():
    for value in ("a b", "a\nb", "clé", "a\x1bb"):
        error = missing(provider(api_key_env="K"), {"K": value})
        assert value not in error.message


# The keyring.


def test_keys_are_stored_and_deleted(ring):
    store_key("mine", f" {KEY}\n")
    assert ring.entries == {("chatterm", "mine"): KEY}
    assert has_stored_key("mine")
    assert delete_key("mine")
    assert not delete_key("mine")
    assert not has_stored_key("mine")


@pytest.mark.parametrize(
    "ring_class", [BrokenKeyring, ForgetfulKeyring, fail.Keyring, null.Keyring]
)
def test_a_keyring_that_does_not_keep_the_key_is_an_error_that_does_not_quote_it(ring_class):
    keyring.set_keyring(ring_class())
    with pytest.raises(ConfigError, match="was not stored") as caught:
        store_key("mine", KEY)
    assert KEY not in caught.value.message
    assert "environment variable" in caught.value.hint


def test_what_cannot_be_a_key_is_not_stored(ring):
    for value in ("", "a b", "a\nb"):
        with pytest.raises(ConfigError, match="was not stored"):
            store_key("mine", value)
    assert not ring.entries


@pytest.mark.parametrize("ring_class", [BrokenKeyring, fail.Keyring, null.Keyring])
def test_a_failing_keyring_is_a_state(ring_class):
    keyring.set_keyring(ring_class())
    state = keyring_state()
    assert not state.usable
    assert state.reason
    assert not has_stored_key("mine")
    with pytest.raises(ConfigError, match="was not deleted"):
        delete_key("mine")


def test_a_working_keyring_is_a_state():
    assert keyring_state().usable
    assert keyring_state().backend.endswith("FakeKeyring")


# Nothing shows them.


def test_a_key_does_not_show_itself():
    key = Key(KEY, "the variable K")
    assert key.reveal() == KEY
    for shown in (repr(key), str(key), f"{key}", f"{key!r:>5}", f"{[key]}"):
        assert KEY not in shown
    with pytest.raises(TypeError):
        pickle.dumps(key)


def test_secrets_are_redacted_wherever_they_stand():
    secret = "a+b/c=d"
    text = f"x-api-key: {secret}, ?key=a%2Bb%2Fc%3Dd"
    assert redact(text, [Key(secret, "")]) == "x-api-key: [redacted], ?key=[redacted]"


def test_a_secret_inside_another_leaves_nothing_of_it():
    assert redact("abcdef", ["abc", "abcdef"]) == "[redacted]"


@pytest.mark.parametrize(
    "text",
    [KEY, "sk-ant-api03-abcdefghijklmnop", "gsk_abcdefghijklmnopqrst", "AIza" + "x" * 35,
     "xai-abcdefghijklmnopqrst", "Authorization: Bearer abcdefghijklmnop.qrst"],
)  # fmt: skip
def test_what_looks_like_a_key_is_redacted_unasked(text):
    assert redact(text).endswith("[redacted]")


def test_ordinary_text_is_left_alone():
    text = "scikit: sk-learn, task-management-for-everyone, the bearer of this, key-value"
    assert redact(text, [""]) == text
