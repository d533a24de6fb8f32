"""What was being written when chatterm ended: one small file a directory."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chatterm.config.writing import replace_file
from chatterm.errors import StoreError


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
    """

    text: str = ""
    attachments: tuple[Path, ...] = ()
    queue: tuple[str, ...] = ()
    conversation: str | None = None
    place: tuple[str, int] | None = None

    @property
    def empty(self) -> bool:
        """Whether there is nothing that could be lost."""
        return not (self.text.strip() or self.attachments or self.queue or self.place)


class Drafts:
    """The drafts of all directories. Nothing is raised for a disk that is full: see `problem`.

    Args:
        folder: Where the files are; made for the owner alone when one is saved.

    Attributes:
        problem: Why a draft couldn't be saved, read or removed the last time; None when it could.
    """

    def __init__(self, folder: Path) -> None:
        self.problem: StoreError | None = None
        self._folder = folder

    def save(self, directory: str, draft: Draft) -> None:
        """Keep a directory's draft in place of the one before; an empty one is none."""
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
        }
        self.problem = None
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            replace_file(self._file(directory), json.dumps(fields) + "\n", private=True)
        except OSError as error:
            self._fails("saved", error)

    def load(self, directory: str) -> Draft | None:
        """A directory's draft; None where there is none, or none that can be read."""
        self.problem = None
        try:
            fields: Any = json.loads(self._file(directory).read_bytes())
        except FileNotFoundError:
            return None
        except OSError as error:
            self._fails("read", error)
            return None
        except (ValueError, RecursionError):
            return None
        draft = _draft(fields)
        return None if draft is None or draft.empty else draft

    def clear(self, directory: str) -> None:
        """Forget a directory's draft."""
        self.problem = None
        try:
            self._file(directory).unlink(missing_ok=True)
        except NotADirectoryError:
            return
        except OSError as error:
            self._fails("removed", error)

    def _file(self, directory: str) -> Path:
        digest = hashlib.sha256(directory.encode("utf-8", "surrogatepass")).hexdigest()
        return self._folder / f"{digest[:32]}.json"

    def _fails(self, what: str, error: OSError) -> None:
        said = (error.strerror or str(error)).lower()
        self.problem = StoreError(f"the draft in {str(self._folder)!a} can't be {what}: {said}")


def _draft(fields: Any) -> Draft | None:
    match fields:
        case {
            "text": str(text),
            "attachments": list(attachments),
            "queue": list(queue),
            "conversation": str() | None as conversation,
        }:
            texts = [*attachments, *queue]
            if all(isinstance(each, str) for each in texts):
                files = tuple(map(Path, attachments))
                return Draft(text, files, tuple(queue), conversation, _place(fields.get("place")))
    return None


def _place(value: Any) -> tuple[str, int] | None:
    match value:
        case [str(key), int(row)]:
            return key, row
    return None
