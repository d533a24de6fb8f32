"""Keeping secrets out of everything that is shown, logged or captured.

What is secret is gathered once, from the names that headers and fields have (`secrets_in`) and from
passwords in addresses; a `Redactor` then takes it out of texts, JSON and bytes. Texts have to pass
it before they are shortened: half a key is no longer found.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

REDACTED = "[redacted]"
MIN_SECRET = 4  # characters; taking out anything shorter would leave nothing of a text

# Rather too much than too little, but for what counts tokens (`x-ratelimit-remaining-tokens`,
# `max_tokens`) and for keys that open nothing.
_TELLING_NAMES = (
    r"auth(?!ors?(?![a-z]))|(?<!cache[_-])(?<!idempotency-)key(?!word|board)|token(?!s|i[sz])"
    r"|secret|passw|passphrase|credential|cookie|session$|signature|(?<![a-z])(sig|jwt)(?![a-z])"
    r"|^mcp-headers$"
)
# What people give local servers for a key: taking these out would only garble messages.
_NO_SECRETS = frozenset(
    {
        *("none", "null", "empty", "dummy", "test", "fake", "local", "nokey", "no-key"),
        *("not-needed", "ollama", "llama", "llama.cpp", "lm-studio", "vllm"),
        *("true", "false", "basic", "bearer"),
    }
)
_USER = r"(?<=://)[^/?#@]*(?=@)"
_TELLING_SIZE = 6  # from so many characters on, the beginning of a secret gives it away


def is_secret_name(name: str) -> bool:
    """Whether a header, field or query parameter of this name holds a secret."""
    return re.search(_TELLING_NAMES, name, re.IGNORECASE) is not None


def secrets_in(value: Any, name: str = "") -> Iterator[str]:
    """The values of secret-named fields in a JSON value, or of secret-named headers, at any depth.

    Of two words, such as `Bearer abc`, it is the second too.
    """
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from secrets_in(inner, name if is_secret_name(name) else str(key))
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from secrets_in(inner, name)
    elif isinstance(value, str) and is_secret_name(name):
        yield value
        _, _, second = value.partition(" ")
        if second and " " not in second:
            yield second


def password_in(url: str | None) -> str:
    """The password in an address, with or without a scheme; an empty string when there is none."""
    from urllib.parse import unquote, urlsplit

    address = url or ""
    try:
        parts = urlsplit(address if "://" in address else f"//{address}")
        return unquote(parts.password or "")
    except ValueError:
        return ""


def without_user(text: str) -> str:
    """The text with the user and password of the addresses in it redacted."""
    return re.sub(_USER, REDACTED, text)


class Redactor:
    """Takes secrets out of texts, JSON and bytes.

    Args:
        secrets: What must not be shown. Those shorter than `MIN_SECRET`, and what people give
            local servers for a key, are left alone.

    Attributes:
        longest: The length in bytes of the longest spelling of a secret.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        kept = {s for s in secrets if len(s) >= MIN_SECRET and s.lower() not in _NO_SECRETS}
        spellings = {spelling for secret in kept for spelling in _spellings(secret)}
        # The longest first: one secret may be the beginning of another.
        self._texts = sorted(spellings, key=len, reverse=True)
        self._bytes = [text.encode("utf-8", "surrogatepass") for text in self._texts]
        self.longest = max(map(len, self._bytes), default=1)

    def __call__(self, text: str) -> str:
        """The text without the secrets."""
        for secret in self._texts:
            text = text.replace(secret, REDACTED)
        return text

    def finds(self, text: str) -> bool:
        """Whether there is a secret in the text."""
        return any(secret in text for secret in self._texts)

    def value(self, value: Any) -> Any:
        """A JSON value without the secrets, names of fields included."""
        match value:
            case str():
                return self(value)
            case Mapping():
                return {self.value(key): self.value(item) for key, item in value.items()}
            case list() | tuple():
                return [self.value(item) for item in value]
            case _:
                return value

    def partial(self, text: str) -> str:
        """A text that was cut off somewhere, without the secrets and the one it broke off in."""
        text = self(text)
        for secret in self._texts:
            for size in range(min(len(secret) - 1, len(text)), _TELLING_SIZE - 1, -1):
                if text.endswith(secret[:size]):
                    return text[:-size] + REDACTED
        return text

    def masked(self, data: bytes) -> bytes:
        """Bytes with every secret in them overwritten with as many asterisks."""
        for secret in self._bytes:
            data = data.replace(secret, b"*" * len(secret))
        return data

    def headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Headers without the secrets, and without what is secret by its name."""
        return {
            name: REDACTED if is_secret_name(name) else self(value)
            for name, value in headers.items()
        }

    def url(self, url: str) -> str:
        """An address without the secrets, its user, and what its query names as secret."""
        address, mark, rest = without_user(url).partition("?")
        query, hash_mark, fragment = rest.partition("#")
        pairs = [_plain_pair(pair) for pair in query.split("&")]
        return self(f"{address}{mark}{'&'.join(pairs)}{hash_mark}{fragment}")


def _spellings(secret: str) -> tuple[str, ...]:
    """As it is, in a query and in JSON."""
    import json
    from urllib.parse import quote, quote_plus

    queries = (
        escape(secret, safe, errors="surrogatepass")
        for escape in (quote, quote_plus)
        for safe in ("", "/")
    )
    escaped = json.dumps(secret)[1:-1]
    return (secret, *queries, escaped, escaped.replace("/", "\\/"))


def _plain_pair(pair: str) -> str:
    from urllib.parse import unquote_plus

    name, equals, _ = pair.partition("=")
    secret = equals and is_secret_name(unquote_plus(name))
    return f"{name}={REDACTED}" if secret else pair
