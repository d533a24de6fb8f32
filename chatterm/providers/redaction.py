"""Keeping an endpoint's secrets out of everything that is shown, logged or captured."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote, urlsplit

from chatterm.providers.wire import Endpoint, HttpRequest

MIN_SECRET = 4
REDACTED = "[redacted]"

# What people give local servers for a key: taking these out would only garble messages.
_NO_SECRETS = frozenset(
    {
        *("none", "null", "empty", "dummy", "test", "fake", "local", "nokey", "no-key"),
        *("not-needed", "ollama", "llama", "llama.cpp", "lm-studio", "vllm"),
    }
)
# Names of headers and fields that hold secrets; `x-ratelimit-remaining-tokens` and the like don't.
_SECRET_NAME = re.compile(r"auth|key|token(?!s\b)|secret|cookie|password|credential", re.IGNORECASE)
# A secret that a text breaks off in the middle of is taken out from this many characters on.
_TELLING = 6


class Redactor:
    """Takes an endpoint's secrets out of whatever is shown, logged or captured.

    Secret are the key, the values of configured headers and request fields that are named like
    secrets, and a password in the address. A secret that a shortened text ends in the middle of is
    taken out too.

    Attributes:
        secrets: The secrets in every spelling they may be met in, the longest first.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        found = {endpoint.key or "", _password(endpoint.base_url)}
        for name, value in endpoint.headers.items():
            if _SECRET_NAME.search(name):
                found |= {value, value.rpartition(" ")[2]}
        found |= set(_secret_fields(endpoint.body))
        found |= {quote(secret, safe="") for secret in found}
        found |= {json.dumps(secret)[1:-1] for secret in found}
        kept = (s for s in found if len(s) >= MIN_SECRET and s.lower() not in _NO_SECRETS)
        self.secrets = tuple(sorted(kept, key=len, reverse=True))

    def __call__(self, text: str) -> str:
        """The text without the secrets."""
        for secret in self.secrets:
            text = text.replace(secret, REDACTED)
            text = _without_broken_off(text, secret)
        return text

    def headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """The headers without the secrets, whatever they are."""
        return {
            name: REDACTED if _SECRET_NAME.search(name) else self(value)
            for name, value in headers.items()
        }

    def request(self, request: HttpRequest) -> HttpRequest:
        """The request without the secrets in its address and headers."""
        return replace(request, url=self(request.url), headers=self.headers(request.headers))


def _without_broken_off(text: str, secret: str) -> str:
    """The text without a beginning of the secret before an ellipsis or at the end."""
    for match in reversed(list(re.finditer("…|\\Z", text))):
        place = match.start()
        for size in range(min(len(secret) - 1, place), _TELLING - 1, -1):
            if text.endswith(secret[:size], 0, place):
                text = text[: place - size] + REDACTED + text[place:]
                break
    return text


def _secret_fields(value: Any, name: str = "") -> Iterator[str]:
    """The values of secret-named fields in a JSON value, at any depth."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _secret_fields(inner, str(key))
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _secret_fields(inner, name)
    elif isinstance(value, str) and _SECRET_NAME.search(name):
        yield value


def _password(url: str) -> str:
    try:
        return urlsplit(url).password or ""
    except ValueError:
        return ""
