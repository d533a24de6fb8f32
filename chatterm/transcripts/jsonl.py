"""A conversation as JSON Lines: all of it, to be read back identical.

One object a line, several conversations one after the other:

    {"type":"conversation","conversation":{…}}     begins a conversation
    {"type":"turn.started",…}                      begins a turn; parents come before children
    {"type":"step.finished",…} …                   belongs to the turn begun last
    {"type":"turn.finished",…}
    {"type":"blob","sha256":"…","data":"…"}        what is kept apart from the events, in base64

The events are those of the log, folded. Lone surrogates survive as their escapes.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any, Final

from chatterm.errors import UsageError
from chatterm.events import (
    Event,
    TurnFinished,
    TurnStarted,
    event_from_json,
    event_to_json,
    to_json_line,
)
from chatterm.steps import field_names, plain

if TYPE_CHECKING:
    from chatterm.store.model import Conversation, RecordedTurn

    Record = tuple[Conversation, list[RecordedTurn], dict[str, bytes]]

# The types of fields that are looked at on the way in, by their annotation. What isn't named here
# is of a type that reading has made (an enum) or that may be anything (provider data).
_TYPES: Final[dict[object, tuple[type, ...]]] = {
    "str": (str,),
    "str | None": (str, type(None)),
    "int": (int,),
    "int | None": (int, type(None)),
    "float | None": (float, int, type(None)),
    "bool": (bool,),
    "bool | None": (bool, type(None)),
    "dict[str, Any]": (dict,),
    "dict[str, Any] | None": (dict, type(None)),
}


def to_jsonl(
    conversation: Conversation, turns: Iterable[RecordedTurn], blobs: Mapping[str, bytes]
) -> Iterator[bytes]:
    """Yield the lines of an export, each with its newline.

    Args:
        conversation: What is exported.
        turns: Every turn of its tree, in any order.
        blobs: What the turns refer to by its SHA-256: attachments, whole outputs of tools.
    """
    values = {name: plain(getattr(conversation, name)) for name in field_names(type(conversation))}
    yield _line({"type": "conversation", "conversation": values})
    for turn in _parents_first(turns):
        for event in turn.events:
            yield _line(event_to_json(event))
    for digest in sorted(blobs):
        data = base64.b64encode(blobs[digest]).decode("ascii")
        yield _line({"type": "blob", "sha256": digest, "data": data})


def from_jsonl(lines: Iterable[bytes]) -> Iterator[Record]:
    """Yield the conversations that `to_jsonl` wrote: each with its turns and its blobs.

    Raises:
        UsageError: A line isn't what it should be; the message names the line.
    """

    def refuse(number: int, problem: str) -> None:
        raise UsageError(f"line {number}: {problem}")

    return _Reader(refuse).read(lines)


def read_jsonl(lines: Iterable[bytes], damaged: Callable[[str], None]) -> Iterator[Record]:
    """Yield the conversations as `from_jsonl` does, without what is damaged.

    A damaged line is left out. When it began a turn or a conversation, so is all that belongs to
    it. A turn that has lost its end gets one that says `interrupted`.

    Args:
        lines: The lines of the export.
        damaged: Called with a sentence for each line that is left out.
    """

    def skip(number: int, problem: str) -> None:
        damaged(f"line {number} is left out: {problem}")

    return _Reader(skip).read(lines)


def _line(data: Any) -> bytes:
    return to_json_line(data) + b"\n"


def _parents_first(turns: Iterable[RecordedTurn]) -> Iterator[RecordedTurn]:
    """The turns in their order, except where a child stands before its parent."""
    known = {turn.id: turn for turn in turns}
    written: set[str] = set()
    for turn in known.values():
        line: dict[str, RecordedTurn] = {}  # from the turn up to what is written already
        above: RecordedTurn | None = turn
        while above is not None and above.id not in written and above.id not in line:
            line[above.id] = above
            above = known.get(above.parent) if above.parent else None
        yield from reversed(line.values())
        written |= line.keys()


class _Reader:
    """Puts lines together to conversations.

    Args:
        problem: Called with the number of a line and what is wrong with it; the line is left out
            when that returns.
    """

    def __init__(self, problem: Callable[[int, str], None]) -> None:
        self._problem = problem
        self._conversation: Conversation | None = None
        self._turns: list[RecordedTurn] = []
        self._blobs: dict[str, bytes] = {}
        self._events: list[Event] = []
        self._damaged = False  # the turn under way has lost a line
        self._lost = False  # the conversation's first line is lost, and with it the conversation

    def read(self, lines: Iterable[bytes]) -> Iterator[Record]:
        """Yield the conversations, each when all of its lines have been read."""
        number = 0
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                data = _object(line)
                if data.get("type") == "conversation":
                    yield from self._take()
                    self._lost = True
                    self._conversation = _conversation(data.get("conversation"))
                    self._lost = False
                elif not self._lost:
                    self._add(data)
            except ValueError as error:
                self._damaged = True
                self._lost = self._lost or self._conversation is None
                self._problem(number, str(error))
        yield from self._take()

    def _add(self, data: dict[str, Any]) -> None:
        if self._conversation is None:
            raise ValueError("a conversation has to come first")
        if data.get("type") == "blob":
            digest, content = _blob(data)
            self._blobs[digest] = content
            return
        event = _event(data)
        if isinstance(event, TurnStarted):
            self._end_turn()
            self._events = [event]
        elif not self._events:
            raise ValueError(f"{event.type} belongs to no turn")
        elif isinstance(self._events[-1], TurnFinished):
            raise ValueError(f"{event.type} comes after the end of its turn")
        else:
            self._events.append(event)

    def _end_turn(self) -> None:
        from chatterm.store.model import RecordedTurn, ended

        events, self._events = self._events, []
        damaged, self._damaged = self._damaged, False
        if not events:
            return
        started = events[0]
        if isinstance(started, TurnStarted):
            kept = ended(tuple(events)) if damaged else tuple(events)
            turn = RecordedTurn(started.turn, started.parent, started.conversation, kept)
            self._turns.append(turn)

    def _take(self) -> Iterator[Record]:
        self._end_turn()
        if self._conversation is not None:
            yield self._conversation, self._turns, self._blobs
        self._conversation, self._turns, self._blobs = None, [], {}


def _object(line: bytes) -> dict[str, Any]:
    try:
        data = json.loads(line.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise ValueError("it isn't UTF-8") from error
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    except ValueError as error:
        raise ValueError(f"it isn't JSON: {error}") from error
    if not isinstance(data, dict):
        raise ValueError("it isn't a JSON object")  # noqa: TRY004 - of the data, not of the program
    return data


def _conversation(data: Any) -> Conversation:
    from chatterm.store.model import Conversation

    if not isinstance(data, dict):
        raise ValueError("a conversation has to be an object")  # noqa: TRY004 - as above
    known = {name: data[name] for name in field_names(Conversation) if name in data}
    try:
        conversation = Conversation(**known)
    except TypeError as error:
        raise ValueError(f"not a whole conversation: {error}") from error
    _check(conversation)
    return conversation


def _event(data: dict[str, Any]) -> Event:
    try:
        event = event_from_json(data)
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"not a whole {data.get('type')} event: {error}") from error
    _check(event)
    return event


def _check(value: Any) -> None:
    """Check the types of a dataclass's fields, however deep.

    Raises:
        ValueError: One is of another type.
    """
    if isinstance(value, tuple):
        for item in value:
            _check(item)
    elif is_dataclass(value):
        for each in fields(value):
            content = getattr(value, each.name)
            expected = _TYPES.get(each.type)
            if expected is not None and not isinstance(content, expected):
                raise ValueError(f"{each.name} has to be of type {each.type}")
            _check(content)


def _blob(data: dict[str, Any]) -> tuple[str, bytes]:
    try:
        digest, content = data["sha256"], base64.b64decode(data["data"], validate=True)
    except (KeyError, TypeError, binascii.Error) as error:
        raise ValueError(f"not a whole blob: {error}") from error
    if hashlib.sha256(content).hexdigest() != digest:
        raise ValueError("the content of a blob isn't what its SHA-256 says")
    return digest, content
