"""Recording what goes over the wire, for `--capture DIR`.

Every request and its answer become numbered files; numbers go on where the directory's end:

    001-request.json     method, url, headers and body of the request
    001-response.json    status and headers of the answer, and its chunks: each the milliseconds
                         since the request was sent, and its length in bytes
    001-response.body    the bytes of the answer

No secret is written: neither what a header or a query names as one, nor one that is known, wherever
it stands. In the body of an answer, which is otherwise kept byte for byte, a secret is overwritten
with as many asterisks. (One that a model spells out over several events isn't found: there it
doesn't stand in one piece.)
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import Any

from chatterm.errors import OutputError
from chatterm.providers.wire import HttpRequest
from chatterm.redaction import Redactor

_NUMBERED = re.compile(r"(\d{3,})-(?:request\.json|response\.(?:json|body))", re.ASCII)


class Capture:
    """Writes requests and answers to a directory, one exchange at a time.

    Args:
        directory: Where the files go; made, for its owner alone, when it isn't there.
        redactor: Takes out what must never be written.
        monotonic: Seconds that only go forward.

    Raises:
        OutputError: From every method: a file can't be written.
    """

    def __init__(
        self,
        directory: Path,
        redactor: Redactor | None = None,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._directory = directory
        self._redactor = redactor or Redactor()
        self._monotonic = monotonic
        self._number = 0
        self._began = 0.0
        self._answer: _Answer | None = None

    def request(self, request: HttpRequest) -> None:
        """A request is about to be sent."""
        self.end()
        self._make_directory()
        record = {
            "method": request.method,
            "url": self._redactor.url(request.url),
            "headers": self._redactor.headers(request.headers),
            "body": self._redactor.value(request.body),
        }
        text = json.dumps(record, ensure_ascii=False, indent=1)
        self._number = self._claim(text.encode("utf-8", "backslashreplace") + b"\n")
        self._began = self._monotonic()

    def response(self, status: int, headers: Mapping[str, str]) -> None:
        """The head of its answer has come."""
        record = {"status": status, "headers": self._redactor.headers(headers)}
        self._answer = _Answer(self._stem("response"), record, self._redactor)

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

    def __init__(self, stem: Path, record: dict[str, Any], redactor: Redactor) -> None:
        self._head = stem.with_name(stem.name + ".json")
        self._body = stem.with_name(stem.name + ".body")
        self._record = record
        self._chunks: list[tuple[float, int]] = []
        self._redactor = redactor
        self._held = b""  # the end of what came: a secret may have begun there
        with _writing(self._body):
            self._file = _create(self._body)

    def add(self, data: bytes, at_ms: float) -> None:
        self._chunks.append((round(at_ms, 1), len(data)))
        whole = self._redactor.masked(self._held + data)
        ready = max(0, len(whole) - self._redactor.longest + 1)
        self._held = whole[ready:]
        with _writing(self._body):
            _write(self._file, whole[:ready])

    def close(self) -> None:
        with _writing(self._body), self._file:
            _write(self._file, self._held)
        with _writing(self._head):
            record = self._record | {"chunks": self._chunks}
            _write_new(self._head, json.dumps(record).encode() + b"\n")


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
