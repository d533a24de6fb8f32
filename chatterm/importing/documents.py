"""The files of a data export: a JSON file with its neighbours, or the archive of them all."""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any, Self

from chatterm.errors import UsageError

MOST_JSON = 4 << 30  # bytes of one JSON document; more can't be held in memory
MOST_FILE = 64 << 20  # bytes of one attached file
_CONVERSATIONS = re.compile(r"conversations(?:[-_]\d+)?\.json", re.IGNORECASE)
_FILE_ID = re.compile(r"file[-_][A-Za-z0-9]+")
_SPACE = re.compile(r"[\s,]*")


def open_export(path: Path) -> Export:
    """A data export, packed or not; to be closed.

    Raises:
        UsageError: The file can't be read, or is a damaged archive.
    """
    try:
        with path.open("rb") as file:
            packed = file.read(4) == b"PK\x03\x04"
    except OSError as error:
        raise UsageError(f"can't read {path}: {error.strerror or error}") from error
    return Archive(path) if packed else LooseFile(path)


class Export(ABC):
    """A data export. A context manager, which closes it."""

    def __init__(self) -> None:
        self._files: dict[str, list[str]] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @abstractmethod
    def close(self) -> None:
        """Close what is open."""

    @abstractmethod
    def documents(self) -> Iterator[tuple[str, bytes]]:
        """Yield the names and contents of the documents that hold conversations.

        Raises:
            UsageError: They can't be read.
        """

    def file(self, identity: str) -> tuple[str, bytes] | None:
        """The name and content of the file with this id, where the export holds it.

        Files are named after their ids, with more behind it: `file-abc-photo.png`. No other name
        is looked for, whatever a conversation says.
        """
        start = _FILE_ID.match(identity)
        if start is None:
            return None
        if self._files is None:
            self._files = _by_id(self._names())
        for path in self._files.get(start[0], []):
            name = PurePosixPath(path).name
            rest = name.removeprefix(identity)
            if rest != name and (not rest or rest[0] in "-._"):
                data = self._read(path)
                return None if data is None else (rest.lstrip("-._") or identity, data)
        return None

    @abstractmethod
    def _names(self) -> list[str]: ...

    @abstractmethod
    def _read(self, name: str) -> bytes | None: ...


def _by_id(paths: Iterable[str]) -> dict[str, list[str]]:
    """The files that are named after ids, by the first part of the id."""
    found: dict[str, list[str]] = {}
    for path in paths:
        start = _FILE_ID.match(PurePosixPath(path).name)
        if start is not None:
            found.setdefault(start[0], []).append(path)
    return found


class LooseFile(Export):
    """A JSON file, with the files that lie beside it."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def documents(self) -> Iterator[tuple[str, bytes]]:
        """Yield the file itself."""
        try:
            yield self._path.name, self._path.read_bytes()
        except OSError as error:
            raise UsageError(f"can't read {self._path}: {error.strerror or error}") from error

    def close(self) -> None:
        """Nothing stays open."""

    def _names(self) -> list[str]:
        try:
            return sorted(entry.name for entry in self._path.parent.iterdir())
        except OSError:
            return []

    def _read(self, name: str) -> bytes | None:
        path = self._path.parent / name
        try:
            if not path.is_file() or path.stat().st_size > MOST_FILE:
                return None
            return path.read_bytes()
        except OSError:
            return None


class Archive(Export):
    """A .zip with everything in it.

    Raises:
        UsageError: It is damaged.
    """

    def __init__(self, path: Path) -> None:
        from zipfile import BadZipFile, ZipFile

        super().__init__()
        self._path = path
        try:
            self._archive = ZipFile(path)
        except (OSError, BadZipFile, NotImplementedError) as error:
            raise UsageError(f"can't read the archive {path}: {error}") from error

    def close(self) -> None:
        """Close the archive."""
        self._archive.close()

    def documents(self) -> Iterator[tuple[str, bytes]]:
        """Yield the documents named `conversations.json`, or numbered parts of one."""
        for name in self._names():
            if _CONVERSATIONS.fullmatch(PurePosixPath(name).name):
                yield name, self._member(name, MOST_JSON)

    def _names(self) -> list[str]:
        return self._archive.namelist()

    def _read(self, name: str) -> bytes | None:
        try:
            return self._member(name, MOST_FILE)
        except UsageError:
            return None

    def _member(self, name: str, most: int) -> bytes:
        import zlib
        from zipfile import BadZipFile

        try:
            with self._archive.open(name) as member:
                data = member.read(most + 1)
        except (OSError, EOFError, BadZipFile, RuntimeError, NotImplementedError, zlib.error) as e:
            # RuntimeError: it is encrypted; NotImplementedError: packed in a way we can't unpack
            raise UsageError(f"can't read {name} in {self._path}: {e}") from e
        if len(data) > most:
            raise UsageError(f"{name} in {self._path} is larger than {most >> 20} MiB")
        return data


def conversations(name: str, data: bytes, warn: Callable[[str], None]) -> Iterator[dict[str, Any]]:
    """Yield the conversations of a document, one at a time.

    A document that is cut off or damaged gives what stands before the damage.

    Args:
        name: The document's name, for warnings.
        data: Its content: a list of conversations, an object with such a list under
            `conversations`, or a single conversation.
        warn: Called with a sentence for what is left out.
    """
    text = data.decode("utf-8-sig", "replace")
    for number, value in enumerate(_values(name, text, warn), start=1):
        if isinstance(value, dict):
            yield value
        else:
            warn(f"{name}: entry {number} is left out: it isn't an object")


def _values(name: str, text: str, warn: Callable[[str], None]) -> Iterator[Any]:
    start = len(text) - len(text.lstrip())
    try:
        if not text.startswith("[", start):
            value = json.loads(text)
            listed = value.get("conversations") if isinstance(value, dict) else value
            yield from listed if isinstance(listed, list) else [value]
            return
        decoder = json.JSONDecoder()
        at = _after_space(text, start + 1)
        while not text.startswith("]", at):
            value, end = decoder.raw_decode(text, at)
            yield value
            at = _after_space(text, end)
    except RecursionError:
        warn(f"{name} is nested too deeply to be read to its end")
    except ValueError as error:
        warn(f"{name} is damaged and can't be read to its end: {error}")


def _after_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at
