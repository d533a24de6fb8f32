"""What every importer gives, and how turns are put together from another program's messages."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from chatterm.events import Event, StepFinished, TurnFinished, TurnStarted, UsageReported
from chatterm.steps import (
    Attachment,
    FinishReason,
    NoticeStep,
    Status,
    Step,
    Usage,
    UserInput,
)

if TYPE_CHECKING:
    from chatterm.store.model import Conversation, RecordedTurn

_LONGEST_TITLE = 60


class Imported(NamedTuple):
    """A conversation from elsewhere.

    Attributes:
        conversation: Its name and head.
        turns: Every turn of its tree, parents before their children.
        blobs: The contents of attachments, by their SHA-256.
    """

    conversation: Conversation
    turns: list[RecordedTurn]
    blobs: dict[str, bytes]


class Importer(ABC):
    """Reads the conversations of one file.

    Attributes:
        source: What the file is, for people.
        warnings: What was left out, one sentence each; grows while the conversations are read.
    """

    source: ClassVar[str]

    def __init__(self) -> None:
        self.warnings: list[str] = []

    @abstractmethod
    def __iter__(self) -> Iterator[Imported]:
        """Yield the conversations, each once. What is damaged is left out, with a warning.

        Raises:
            UsageError: The file can't be read at all.
        """

    def warn(self, sentence: str) -> None:
        """Note that something was left out."""
        self.warnings.append(sentence)


class TurnBuilder:
    """Puts a turn together.

    Args:
        turn: The turn's id.
        conversation: The conversation's id.
        parent: The turn it follows.
        at: When the user asked.
    """

    def __init__(self, turn: str, *, conversation: str, parent: str | None, at: str) -> None:
        self.id = turn
        self.text = ""
        self.model = ""
        self.system: str | None = None
        self.settings: dict[str, Any] = {}
        self.usage = Usage()
        self.attachments: list[Attachment] = []
        self.missing: list[str] = []
        self.finish_reason = FinishReason.STOP
        self.provider_finish_reason: str | None = None
        self.round = 0
        self._conversation = conversation
        self._parent = parent
        self._at = at
        self._steps: list[Step] = []

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps so far."""
        return tuple(self._steps)

    def add(self, cls: type[Step], *, at: str = "", **values: Any) -> None:
        """Add a whole step."""
        index = len(self._steps)
        values = {"status": Status.DONE, **values}
        step = cls(
            id=f"{self.id}.{index}",
            index=index,
            round=self.round,
            started_at=at or self._at,
            **values,
        )
        self._steps.append(step)

    def notice(self, text: str) -> None:
        """Add a notice about the import itself."""
        self.add(NoticeStep, text=text, reason="import")

    def attach(self, name: str, media_type: str, data: bytes) -> None:
        """Attach a file to what the user sent."""
        digest = hashlib.sha256(data).hexdigest()
        self.attachments.append(Attachment(name or "file", media_type, len(data), digest, data))

    def build(self) -> RecordedTurn:
        """The turn, finished."""
        from chatterm.store.model import RecordedTurn

        if self.missing:
            self.notice(f"attached, but not in the import: {', '.join(self.missing)}")
            # A message needs something to say when a later request sends it again.
            self.text = self.text or f"[{', '.join(self.missing)}]"
        answered = any(not isinstance(step, NoticeStep) for step in self._steps)
        reason = self.finish_reason if answered else FinishReason.INTERRUPTED
        events: list[Event] = [
            TurnStarted(
                conversation=self._conversation,
                turn=self.id,
                parent=self._parent,
                input=UserInput(self.text, tuple(self.attachments)),
                system=self.system,
                model=self.model,
                settings=self.settings,
                at=self._at,
            )
        ]
        events += [StepFinished(step) for step in self._steps]
        if self.usage:
            events.append(UsageReported(self.usage))
        provided = self.provider_finish_reason
        events.append(TurnFinished(reason.turn_status, reason, provided, self.usage))
        return RecordedTurn(self.id, self._parent, self._conversation, tuple(events))


def imported(
    identity: str,
    title: str,
    turns: list[RecordedTurn],
    *,
    head: str | None,
    created_at: str,
    updated_at: str,
) -> Imported:
    """An imported conversation; without a title it is named after what the user said first."""
    from chatterm.store.model import Conversation

    starts = [event for turn in turns for event in turn.events if isinstance(event, TurnStarted)]
    conversation = Conversation(
        id=identity,
        title=title.strip() or title_from([start.input.text for start in starts]),
        title_from="model" if title.strip() else "first_message",
        directory=None,
        origin="import",
        head=head,
        created_at=created_at,
        updated_at=max(created_at, updated_at),
    )
    files = (attachment for start in starts for attachment in start.input.attachments)
    blobs = {each.sha256: each.data for each in files if each.data is not None}
    return Imported(conversation, turns, blobs)


def title_from(texts: list[str]) -> str:
    """A title from the first line that says something."""
    for text in texts:
        words = " ".join(next((line for line in text.splitlines() if line.strip()), "").split())
        if words:
            return words if len(words) <= _LONGEST_TITLE else f"{words[: _LONGEST_TITLE - 1]}…"
    return "untitled"


def derived_id(*parts: str) -> str:
    """An id made from a source's own, the same each time, in the form of the store's own ids."""
    joined = "\0".join(parts).encode("utf-8", "surrogatepass")
    return hashlib.sha256(joined).hexdigest()[:16]


# --- another program's values, of which nothing is certain --------------------------------------


def dict_of(value: Any) -> dict[str, Any]:
    """The value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def list_of(value: Any) -> list[Any]:
    """The value if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def text_of(value: Any) -> str:
    """The value if it is text, else an empty one."""
    return value if isinstance(value, str) else ""


def count_of(value: Any) -> int | None:
    """The value if it is a number of something, else None."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None
