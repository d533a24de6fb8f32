"""Recording what goes over the wire, for `--capture DIR`.

Every request and its answer become numbered files; numbers go on where the directory's end:

    001-request.json     method, url, headers and body of the request
    001-response.json    status and headers of the answer, and its chunks: each the milliseconds
                         since the request was sent, and its length in bytes
    001-response.body    the bytes of the answer

No key is written: neither what a header or a query carries for a key, nor a secret wherever it
stands. In the body of an answer, which is otherwise kept byte for byte, a secret is overwritten
with as many asterisks. (One that a model spells out over several events isn't found: there it
doesn't stand in one piece.)
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus, unquote_plus

from chatterm.errors import OutputError
from chatterm.providers.redaction import MIN_SECRET, REDACTED
from chatterm.providers.wire import HttpRequest

# Rather too much than too little: `idempotency-key` is no secret, and nobody misses it.
_SECRET_NAME = re.compile(
    r".*(?:auth|authorization|authentication|key|token|secret|password|credentials?|sig|signature"
    r"|session|cookie2?|mcp-headers)",
    re.IGNORECASE | re.DOTALL,
)
_USER = re.compile(r"(?<=://)[^/?#@]*(?=@)")
_NUMBERED = re.compile(r"(\d{3,})-(?:request\.json|response\.(?:json|body))", re.ASCII)


class Capture:
    """Writes requests and answers to a directory, one exchange at a time.

    Args:
        directory: Where the files go; made, for its owner alone, when it isn't there.
        secrets: What must never be written, such as the keys in use. Shorter ones than `MIN_SECRET`
            are left alone: nothing would be left of the text.
        monotonic: Seconds that only go forward.

    Raises:
        OutputError: From every method: a file can't be written.
    """

    def __init__(
        self,
        directory: Path,
        secrets: Iterable[str] = (),
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._directory = directory
        self._secrets = _Secrets(secrets)
        self._monotonic = monotonic
        self._number = 0
        self._began = 0.0
        self._answer: _Answer | None = None

    def request(self, request: HttpRequest) -> None:
        """A request is about to be sent."""
        self.end()
        self._make_directory()
        secrets = self._secrets
        record = {
            "method": request.method,
            "url": secrets.without(_plain_url(request.url)),
            "headers": _plain_headers(request.headers, secrets),
            "body": secrets.without(request.body),
        }
        text = json.dumps(record, ensure_ascii=False, indent=1)
        self._number = self._claim(text.encode("utf-8", "backslashreplace") + b"\n")
        self._began = self._monotonic()

    def response(self, status: int, headers: Mapping[str, str]) -> None:
        """The head of its answer has come."""
        record = {"status": status, "headers": _plain_headers(headers, self._secrets)}
        self._answer = _Answer(self._stem("response"), record, self._secrets)

    def chunk(self, data: bytes) -> None:
        """A piece of the answer's body has come."""
        if self._answer is not None:
            self._answer.add(data, (self._monotonic() - self._began) * 1000)

    def end(self) -> None:
        """The answer has ended, or nothing more of it is wanted. More than once does no harm."""
        answer, self._answer = self._answer, None
        if answer is not None:
            answer.close()

    def _stem(self, what: str) -> Path:
        return self._directory / f"{self._number:03}-{what}"

    def _make_directory(self) -> None:
        with _writing(self._directory):
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)

    def _claim(self, content: bytes) -> int:
        # The request's file claims the number for all three, also against another process.
        with _writing(self._directory):
            names = [_NUMBERED.fullmatch(path.name) for path in self._directory.iterdir()]
            number = max((int(name[1]) for name in names if name), default=0) + 1
        while True:
            path = self._directory / f"{number:03}-request.json"
            with _writing(path):
                try:
                    _write_new(path, content)
                except FileExistsError:
                    number += 1
                else:
                    return number


class _Answer:
    """The two files of one answer: the body is written as it comes, the rest at the end."""

    def __init__(self, stem: Path, record: dict[str, Any], secrets: _Secrets) -> None:
        self._head = stem.with_name(stem.name + ".json")
        self._body = stem.with_name(stem.name + ".body")
        self._record = record
        self._chunks: list[tuple[float, int]] = []
        self._secrets = secrets
        self._held = b""  # the end of what came: a secret may have begun there
        with _writing(self._body):
            self._file = _create(self._body)

    def add(self, data: bytes, at_ms: float) -> None:
        self._chunks.append((round(at_ms, 1), len(data)))
        whole = self._secrets.masked(self._held + data)
        ready = max(0, len(whole) - self._secrets.longest + 1)
        self._held = whole[ready:]
        with _writing(self._body):
            _write(self._file, whole[:ready])

    def close(self) -> None:
        with _writing(self._body), self._file:
            _write(self._file, self._held)
        with _writing(self._head):
            record = self._record | {"chunks": self._chunks}
            _write_new(self._head, json.dumps(record).encode() + b"\n")


class _Secrets:
    """What must not be written, in every spelling a request or an answer may hold it in."""

    def __init__(self, secrets: Iterable[str]) -> None:
        spellings = {
            spelling
            for secret in secrets
            if len(secret) >= MIN_SECRET
            for spelling in _spellings(secret)
        }
        # The longest first: one secret may be the beginning of another.
        self._texts = sorted(spellings, key=len, reverse=True)
        self._bytes = [text.encode("utf-8", "surrogatepass") for text in self._texts]
        self.longest = max(map(len, self._bytes), default=1)

    def without(self, value: Any) -> Any:
        """A JSON value with every secret in it replaced."""
        match value:
            case str():
                for secret in self._texts:
                    value = value.replace(secret, REDACTED)
                return value
            case Mapping():
                return {self.without(key): self.without(item) for key, item in value.items()}
            case list() | tuple():
                return [self.without(item) for item in value]
            case _:
                return value

    def masked(self, data: bytes) -> bytes:
        """Bytes with every secret in them overwritten at its own length."""
        for secret in self._bytes:
            data = data.replace(secret, b"*" * len(secret))
        return data


def _spellings(secret: str) -> tuple[str, ...]:
    """As it is, in a query and in JSON."""
    queries = (escape(secret, "", errors="surrogatepass") for escape in (quote, quote_plus))
    return (secret, *queries, json.dumps(secret)[1:-1])


def _plain_headers(headers: Mapping[str, str], secrets: _Secrets) -> dict[str, str]:
    return {
        name: REDACTED if _SECRET_NAME.fullmatch(name) else secrets.without(value)
        for name, value in headers.items()
    }


def _plain_url(url: str) -> str:
    address, mark, rest = _USER.sub(REDACTED, url).partition("?")
    query, hash_mark, fragment = rest.partition("#")
    pairs = [_plain_pair(pair) for pair in query.split("&")]
    return f"{address}{mark}{'&'.join(pairs)}{hash_mark}{fragment}"


def _plain_pair(pair: str) -> str:
    name, equals, _ = pair.partition("=")
    secret = equals and _SECRET_NAME.fullmatch(unquote_plus(name))
    return f"{name}={REDACTED}" if secret else pair


def _create(path: Path) -> FileIO:
    """A new file that only its owner may read; without a buffer, so that a crash loses nothing."""
    return FileIO(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _write(file: FileIO, content: bytes) -> None:
    while content:
        content = content[file.write(content) :]


def _write_new(path: Path, content: bytes) -> None:
    with _create(path) as file:
        _write(file, content)


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(f"can't write the capture {path}: {reason}") from error
