"""What was being written when chatterm ended: a small file for each process that wrote something.

A process holds a lock on its file as long as it runs, however it ends: what isn't locked was left.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import os
import tempfile
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chatterm.errors import StoreError

log = logging.getLogger(__name__)

_TEMPORARY = ".draft."
_DAMAGED = ".damaged"


@dataclass(frozen=True, slots=True)
class Draft:
    """A message that isn't sent yet.

    Attributes:
        text: Its text.
        attachments: The files that go with it.
        queue: The messages that wait to be sent before it.
        conversation: The id of the conversation it belongs to; None for a new one.
        place: What was read of that conversation: the key of an item and its row at the top of the
            screen; None at the end.
        commands: What set the system prompt, or instructions, before a message that wasn't sent.
    """

    text: str = ""
    attachments: tuple[Path, ...] = ()
    queue: tuple[str, ...] = ()
    conversation: str | None = None
    place: tuple[str, int] | None = None
    commands: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether there is nothing that could be lost."""
        return not (self.has_words or self.place)

    @property
    def has_words(self) -> bool:
        """Whether there is something that the user wrote."""
        return bool(self.text.strip() or self.attachments or self.queue or self.commands)

    @property
    def first(self) -> str:
        """What is to be written again: the text, or else what was set before it."""
        return self.text or next(iter(self.commands), "")

    @property
    def said_of_commands(self) -> str:
        """What to say of them, for people; empty where there are none."""
        if not self.commands:
            return ""
        names = " and ".join(each.partition(" ")[0] for each in self.commands)
        where = (
            "Up brings it back" if self.text or len(self.commands) > 1 else "Enter sets it again"
        )
        return f"{names} held for a message that wasn't sent, and holds no more; {where}"


class Drafts:
    """The drafts of all directories. Nothing is raised for a disk that is full: see `problem`.

    Several threads may use it.

    Args:
        folder: Where the files are; made for the owner alone when one is saved.

    Attributes:
        problem: Why a draft couldn't be saved, read or removed the last time; None when it could.
        looked: What was left was looked for.
    """

    def __init__(self, folder: Path) -> None:
        self.looked = False
        self.problem: StoreError | None = None
        self._folder = folder
        self._own: dict[str, tuple[Path, int]] = {}  # by directory: the file, and what locks it
        self._lock = threading.Lock()

    def save(self, directory: str, draft: Draft) -> None:
        """Keep a directory's draft in place of the one before; an empty one is none.

        What other processes have for the same directory stays.
        """
        if draft.empty:
            self.clear(directory)
            return
        fields = {
            "directory": directory,
            "text": draft.text,
            "attachments": [str(path) for path in draft.attachments],
            "queue": list(draft.queue),
            "conversation": draft.conversation,
            "place": draft.place,
            "commands": list(draft.commands),
        }
        self.problem = None
        with self._lock:
            path, before = self._own.get(directory, (None, None))
            try:
                self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                begin = self._folder / _digest(directory)
                self._own[directory] = _written(path, begin, json.dumps(fields) + "\n")
            except OSError as error:
                self._fails("saved", error)
                return
            if before is not None:
                os.close(before)

    def load(self, directory: str) -> Draft | None:
        """A draft that was left for a directory, and is this process's from now on.

        One with words goes before one that only tells where one read, and the newer before the
        older. None where there is none, or none that can be read; what belongs to a process that
        runs isn't there.
        """
        self.problem = None
        self.looked = True
        with self._lock:
            if directory in self._own:
                return self._read(self._own[directory][0])
            found = [each for path in self._left(directory) if (each := self._taken(path))]
            found.sort(key=lambda each: (each[1].has_words, os.fstat(each[2]).st_mtime_ns))
            if not found:
                return None
            path, draft, lock = found.pop()
            for other, their, locked in found:
                if not their.has_words:  # a place that nobody comes back to
                    with suppress(OSError):
                        other.unlink()
                os.close(locked)
            self._own[directory] = path, lock
            return draft

    def clear(self, directory: str) -> None:
        """Forget a directory's draft; what other processes have stays."""
        self.problem = None
        with self._lock:
            path, lock = self._own.pop(directory, (None, None))
            if path is None or lock is None:
                return
            try:
                path.unlink(missing_ok=True)
            except NotADirectoryError:
                pass
            except OSError as error:
                self._fails("removed", error)
            os.close(lock)

    def close(self) -> None:
        """Leave what is saved to whoever comes next, as the process's end does."""
        with self._lock:
            for _, lock in self._own.values():
                os.close(lock)
            self._own.clear()

    def _left(self, directory: str) -> list[Path]:
        """The files of a directory, locked or not."""
        try:
            return sorted(self._folder.glob(f"{_digest(directory)}*.json"))
        except OSError as error:
            self._fails("read", error)
            return []

    def _taken(self, path: Path) -> tuple[Path, Draft, int] | None:
        """A draft with the lock on it; None where it belongs to a process that runs, or is none."""
        try:
            lock = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        except OSError as error:
            self._fails("read", error)
            return None
        with suppress(BlockingIOError, FileNotFoundError):
            _lock(lock)
            if os.path.samestat(os.fstat(lock), path.stat()) and (draft := self._read(path)):
                return path, draft, lock
        os.close(lock)
        return None

    def _read(self, path: Path) -> Draft | None:
        try:
            draft = _draft(json.loads(path.read_bytes()))
        except FileNotFoundError:
            return None
        except OSError as error:
            self._fails("read", error)
            return None
        except (ValueError, RecursionError):
            draft = None
        if draft is None:
            _set_aside(path)
            return None
        return None if draft.empty else draft

    def _fails(self, what: str, error: OSError) -> None:
        said = (error.strerror or str(error)).lower()
        self.problem = StoreError(f"the draft in {str(self._folder)!a} can't be {what}: {said}")


def _set_aside(path: Path) -> None:
    """Have a damaged file looked at no more; whoever wants to mend it finds it named in the log."""
    aside = path.with_name(f"{path.name}{_DAMAGED}")
    try:
        path.replace(aside)
    except OSError as error:
        log.warning("the draft %s is damaged, and stays in the way: %s", path, error)
    else:
        log.warning("a damaged draft was moved to %s", aside)


def _digest(directory: str) -> str:
    return hashlib.sha256(directory.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _lock(handle: int) -> None:
    """Lock a file.

    Raises:
        BlockingIOError: Somebody else has.
    """
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:
        pass  # a file system without locks: then it is anybody's


def _written(path: Path | None, begin: Path, text: str) -> tuple[Path, int]:
    """A file with a text and no other, and what locks it: it is never there without its lock.

    Args:
        path: The file; None for a new one.
        begin: How the name of a new one begins.
        text: The text.

    Raises:
        OSError: It can't be written; the file is as it was.
    """
    handle, name = tempfile.mkstemp(dir=begin.parent, prefix=_TEMPORARY)  # mode 0600
    scratch = Path(name)
    target = path or begin.with_name(f"{begin.name}-{scratch.name.removeprefix(_TEMPORARY)}.json")
    try:
        with os.fdopen(os.dup(handle), "wb") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        _lock(handle)
        scratch.replace(target)
    except OSError:
        os.close(handle)
        scratch.unlink(missing_ok=True)
        raise
    return target, handle


def _draft(fields: Any) -> Draft | None:
    match fields:
        case {
            "text": str(text),
            "attachments": list(attachments),
            "queue": list(queue),
            "conversation": str() | None as conversation,
        }:
            commands = fields.get("commands", [])
            if not isinstance(commands, list):
                return None
            if all(isinstance(each, str) for each in (*attachments, *queue, *commands)):
                files, place = tuple(map(Path, attachments)), _place(fields.get("place"))
                return Draft(text, files, tuple(queue), conversation, place, tuple(commands))
    return None


def _place(value: Any) -> tuple[str, int] | None:
    match value:
        case [str(key), int(row)]:
            return key, row
    return None
