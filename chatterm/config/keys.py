"""API keys: where they are found, kept and hidden.

A key comes from an environment variable, from a command's output or from the system keyring, never
from the configuration file. It travels as a `Key`, which shows itself nowhere; only the code that
puts it into a request calls `reveal`. The keyring is imported when it is asked, and everything it
can do wrong ends as a `KeyringState` or a named error.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, NoReturn

from chatterm.address import host_of
from chatterm.address import is_loopback as is_this_machine
from chatterm.config.schema import ProviderConfig
from chatterm.errors import ConfigError, ErrorKind, Failure, ProviderError
from chatterm.redaction import REDACTED, Redactor

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    T = TypeVar("T")

KEYRING_SERVICE = "chatterm"
COMMAND_TIMEOUT_S = 30.0

_OPTIONAL = frozenset({"ollama", "lightspeed", "luxx"})  # servers that often run without keys
_NEVER = frozenset({"local", "demo", "replay"})

# The beginnings that providers give their keys, and a token after "Bearer". Long enough tails that
# "sk-learn" or "key-value" in a text stay readable.
_KEY_SHAPED = (
    r"\b(?:sk|pk|rk|gsk|xai|pplx|csk|tgp|hf|ghp|gho|github_pat|glpat|nvapi|r8)[-_][\w-]{16,}"
    r"|\bAIza[\w-]{30,}"
    r"|(?<=\bBearer )[\w.~+/=-]{16,}"
)


class Need(Enum):
    """Whether a provider is asked with a key."""

    NEVER = "no key is looked for"
    OPTIONAL = "a key is used when there is one"
    REQUIRED = "without a key nothing is sent"


class Key:
    """An API key that doesn't show itself: not in `repr`, `str`, a log line or a pickle.

    Attributes:
        source: Where it was found, for the user: a variable, a command or the keyring.
    """

    __slots__ = ("_value", "source")

    def __init__(self, value: str, source: str) -> None:
        self._value = value
        self.source = source

    def reveal(self) -> str:
        """The key itself. Only for the header of a request."""
        return self._value

    def __repr__(self) -> str:
        return f"Key({REDACTED}, source={self.source!r})"

    __str__ = __repr__

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key is not pickled")


@dataclass(frozen=True, slots=True)
class KeyringState:
    """Whether the system keyring can be used.

    Attributes:
        usable: Whether it answered.
        backend: The name of what answers, or an empty string.
        reason: Why it isn't usable, or an empty string.
    """

    usable: bool
    backend: str = ""
    reason: str = ""


def need_of(provider: ProviderConfig) -> Need:
    """Whether this provider needs a key. One on this machine doesn't, unless `auth` asks for it."""
    if provider.protocol in _NEVER or provider.auth == "none":
        return Need.NEVER
    if provider.auth is not None:
        return Need.REQUIRED
    if provider.protocol in _OPTIONAL or is_loopback(provider.base_url):
        return Need.OPTIONAL
    return Need.REQUIRED


def is_loopback(url: str | None) -> bool:
    """Whether a URL leads to this machine."""
    return is_this_machine(host_of(url))


def find_key(name: str, provider: ProviderConfig, environ: Mapping[str, str]) -> Key | None:
    """Find the key for a provider: in its variable, by its command, in the keyring, in this order.

    May block for as long as the command or the keyring takes (the command at most 30 seconds), so
    the caller keeps it off an event loop.

    Args:
        name: The user's name of the provider.
        provider: Its settings.
        environ: The environment variables.

    Returns:
        The key, or None where none is needed and none is configured.

    Raises:
        ProviderError: Of kind `key_missing`: there is none, or what was found isn't one.
    """
    need = need_of(provider)
    if need is Need.NEVER:
        return None
    variable = provider.api_key_env
    if variable and (value := environ.get(variable, "").strip()):
        return _checked(value, name, f"the variable {variable}")
    if provider.api_key_command:
        return _checked(_run(name, provider.api_key_command), name, "api_key_command")
    # A keyring may ask to be unlocked: not for a server on this machine that wants no key.
    if need is Need.OPTIONAL and is_loopback(provider.base_url):
        return None
    stored, state = _stored_key(name)
    if stored:
        return _checked(stored.strip(), name, "the system keyring")
    if need is Need.OPTIONAL:
        return None
    looked = [f"the variable {variable} is not set"] if variable else []
    looked.append("the system keyring has none" if state.usable else state.reason)
    raise _missing(
        f"no key for the provider {name}: {', and '.join(looked)}",
        _advice(name, variable, keyring=state.usable),
    )


def _advice(name: str, variable: str | None, *, keyring: bool) -> str:
    """What to do about a missing key, on this machine."""
    if keyring:
        return (f"set {variable}, or " if variable else "") + f"run `chatterm key set {name}`"
    if variable:
        return f"set {variable}"
    return f'set api_key_env or api_key_command in providers.{name}, or auth = "none"'


def has_stored_key(name: str) -> bool:
    """Whether the system keyring holds a key for this provider; a failing keyring holds none."""
    return bool(_stored_key(name)[0])


def store_key(name: str, value: str) -> None:
    """Keep a provider's key in the system keyring.

    Raises:
        ConfigError: The value can't be a key, or the keyring can't keep it.
    """
    value = value.strip()
    if (problem := why_no_key(value)) is not None:
        raise ConfigError(f"the key for {name} was not stored: it {problem}")

    def write() -> str | None:
        import keyring

        keyring.set_password(KEYRING_SERVICE, name, value)
        return keyring.get_password(KEYRING_SERVICE, name)

    # It is read back because some backends take a password and drop it.
    kept, state = _ask_keyring(write)
    if kept != value:
        reason = state.reason or "the system keyring did not keep it"
        raise ConfigError(f"the key for {name} was not stored: {reason}", hint=WITHOUT_KEYRING)


def delete_key(name: str) -> bool:
    """Remove a provider's key from the system keyring.

    Returns:
        Whether there was one.

    Raises:
        ConfigError: The keyring can't be used.
    """

    def remove() -> bool:
        import keyring

        if keyring.get_password(KEYRING_SERVICE, name) is None:
            return False
        keyring.delete_password(KEYRING_SERVICE, name)
        return True

    removed, state = _ask_keyring(remove)
    if removed is None:
        raise ConfigError(f"the key for {name} was not deleted: {state.reason}")
    return removed


def keyring_state() -> KeyringState:
    """Ask the system keyring for a key that doesn't exist, and say how that went."""
    return _stored_key("chatterm-probe")[1]


def looks_like_key(text: str) -> bool:
    """Whether a text holds something that has the form of a provider's key."""
    return re.search(_KEY_SHAPED, text) is not None


def redact(text: str, secrets: Iterable[Key | str] = ()) -> str:
    """Replace secrets, and whatever has the form of a key, by `[redacted]`.

    Args:
        text: A log line or an error message.
        secrets: The keys in use, found in every spelling that a `Redactor` knows.
    """
    plain = (s.reveal() if isinstance(s, Key) else s for s in secrets)
    return re.sub(_KEY_SHAPED, REDACTED, Redactor(plain)(text))


WITHOUT_KEYRING = "put the key into an environment variable, or name a command in api_key_command"


def _missing(message: str, hint: str) -> ProviderError:
    return ProviderError(Failure(ErrorKind.KEY_MISSING, message, hint=hint))


def why_no_key(value: str) -> str | None:
    """Why a text can't be a key, as what follows "it"; None where it can."""
    if not value:
        return "is empty"
    if "\n" in value or "\r" in value:
        return "has more than one line"
    if not (value.isascii() and value.isprintable()) or " " in value:
        return "holds spaces, control or non-ASCII characters"
    return None


def _checked(value: str, name: str, source: str) -> Key:
    # A line break in a header would be an error further down that quotes the key.
    if (problem := why_no_key(value)) is not None:
        raise _missing(
            f"what {source} gives as the key for the provider {name} isn't one: it {problem}",
            "a key is one line without spaces",
        )
    return Key(value, source)


def _run(name: str, argv: tuple[str, ...]) -> str:
    """What an api_key_command prints. Neither it nor its stderr is shown: both may tell the key."""
    import subprocess

    where = f"the api_key_command of the provider {name} ({argv[0]!a})"
    hint = "run it in a shell to see what it says"
    try:
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=COMMAND_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        # From None, here and below: the cause would carry the output.
        raise _missing(f"{where} took longer than {COMMAND_TIMEOUT_S:g} s", hint) from None
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or "its words hold a zero byte").lower()
        raise _missing(f"{where} can't be run: {reason}", hint) from None
    if done.returncode < 0:
        raise _missing(f"{where} was ended by signal {-done.returncode}", hint)
    if done.returncode:
        raise _missing(f"{where} failed with exit status {done.returncode}", hint)
    try:
        return done.stdout.decode().strip()
    except UnicodeDecodeError:
        raise _missing(f"{where} printed something that isn't text", hint) from None


def _stored_key(name: str) -> tuple[str | None, KeyringState]:
    def read() -> str | None:
        import keyring

        return keyring.get_password(KEYRING_SERVICE, name)

    return _ask_keyring(read)


def _ask_keyring(question: Callable[[], T]) -> tuple[T | None, KeyringState]:
    """Put a question to the keyring, if there is one; headless machines have a failing one."""
    backend = ""
    try:
        import keyring

        current = keyring.get_keyring()
        backend = f"{type(current).__module__}.{type(current).__qualname__}"
        if backend.startswith(("keyring.backends.fail.", "keyring.backends.null.")):
            return None, KeyringState(usable=False, reason="this machine has no system keyring")
        return question(), KeyringState(usable=True, backend=backend)
    except Exception as error:  # noqa: BLE001 - backends are foreign code and raise what they like
        # Only the type: a backend's message may quote what it was given.
        reason = f"the system keyring failed ({type(error).__name__})"
        return None, KeyringState(usable=False, backend=backend, reason=reason)
