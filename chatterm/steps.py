"""The vocabulary of a turn: its steps, what the user sent, usage; and their one JSON form.

A *turn* is one user message and all that answers it. A turn has *steps*, in order. All of it is
frozen data; `to_json` and `…from_json` are inverse to each other: what one writes, the other reads
back equal. The events that tell how a turn comes about are in `chatterm.events`.

Optional fields (those the contract writes with a question mark) are left out of the JSON when they
are None; every other field is always there, null when it isn't known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any, ClassVar


class Status(StrEnum):
    """How far a step has come."""

    OPEN = "open"  # more may be appended
    DONE = "done"  # whole
    INTERRUPTED = "interrupted"  # cut off by the user, a crash or the network: what came is kept
    FAILED = "failed"  # ended in an error of its own


class TurnStatus(StrEnum):
    """How a turn ended."""

    COMPLETED = "completed"
    INCOMPLETE = "incomplete"  # length, content filter, refusal, round limit
    FAILED = "failed"  # `error` says why
    INTERRUPTED = "interrupted"


class FinishReason(StrEnum):
    """Why a turn ended, in our words (the provider's own stand beside it)."""

    STOP = "stop"
    LENGTH = "length"
    CONTENT_FILTER = "content_filter"
    REFUSAL = "refusal"
    ROUND_LIMIT = "round_limit"
    ERROR = "error"
    INTERRUPTED = "interrupted"

    @property
    def turn_status(self) -> TurnStatus:
        """The status of a turn that ended for this reason."""
        match self:
            case FinishReason.STOP:
                return TurnStatus.COMPLETED
            case FinishReason.ERROR:
                return TurnStatus.FAILED
            case FinishReason.INTERRUPTED:
                return TurnStatus.INTERRUPTED
            case _:
                return TurnStatus.INCOMPLETE


class Outcome(StrEnum):
    """What became of a tool call."""

    DONE = "done"
    FAILED = "failed"
    DENIED = "denied"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed_out"
    UNKNOWN = "unknown"  # chatterm died between the call and its result


# --- values -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens and cost. What a provider didn't say is None, never 0.

    Attributes:
        input: Tokens sent, cached ones and prompts of server-side tools included.
        output: Tokens generated, reasoning included.
        reasoning: The part of `output` that was reasoning.
        cached_input: The part of `input` that was read from the provider's cache.
        cache_write: Tokens written to the provider's cache.
        cost_usd: What it cost in US dollars: what the provider says, or else by a price list.
    """

    input: int | None = None
    output: int | None = None
    reasoning: int | None = None
    cached_input: int | None = None
    cache_write: int | None = None
    cost_usd: float | None = None

    def __add__(self, other: Usage) -> Usage:
        """The sum over two rounds; unknown stays unknown only where both are."""
        return Usage(
            *(_sum(getattr(self, name), getattr(other, name)) for name in field_names(Usage))
        )

    def __bool__(self) -> bool:
        """Whether anything is known."""
        return any(getattr(self, name) is not None for name in field_names(Usage))

    def to_json(self) -> dict[str, Any]:
        """The JSON object of the event contract."""
        return {name: getattr(self, name) for name in field_names(Usage)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Usage:
        """The usage that `to_json` wrote."""
        return cls(*(data.get(name) for name in field_names(Usage)))


def _sum(a: Any, b: Any) -> Any:
    if a is None:
        return b
    return a if b is None else a + b


@dataclass(frozen=True, slots=True)
class Citation:
    """A source that a text names.

    Attributes:
        title: The source's title; may be empty.
        url: Its address; empty for a file that only the provider holds.
        start: Offset of the first cited character in the step's text, when known.
        end: Offset after the last cited character, when known.
    """

    title: str
    url: str
    start: int | None = None
    end: int | None = None

    def to_json(self) -> dict[str, Any]:
        """The JSON object of the event contract."""
        data: dict[str, Any] = {"title": self.title, "url": self.url}
        if self.start is not None:
            data["start"] = self.start
        if self.end is not None:
            data["end"] = self.end
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Citation:
        """The citation that `to_json` wrote."""
        return cls(data["title"], data["url"], data.get("start"), data.get("end"))


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with a user message.

    Attributes:
        name: The file's name, without its directory.
        media_type: Its media type, such as `image/png` or `text/plain`.
        size: Its length in bytes.
        sha256: The hexadecimal digest of its content, by which the content is kept.
        data: The content itself, when at hand; never part of the JSON form.
    """

    name: str
    media_type: str
    size: int
    sha256: str
    data: bytes | None = field(default=None, repr=False, compare=False)

    def to_json(self) -> dict[str, Any]:
        """The JSON object of the event contract (a reference: the content is kept apart)."""
        return {
            "name": self.name,
            "media_type": self.media_type,
            "size": self.size,
            "sha256": self.sha256,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Attachment:
        """The reference that `to_json` wrote, without content."""
        return cls(data["name"], data["media_type"], data["size"], data["sha256"])


@dataclass(frozen=True, slots=True)
class FileEdit:
    """A file that a tool changed.

    Attributes:
        path: Its absolute real path.
        before: The digest of its content before, under which that content is kept; None when the
            file didn't exist.
        after: The digest of its content after.
    """

    path: str
    before: str | None
    after: str

    def to_json(self) -> dict[str, Any]:
        """The JSON object of the event contract."""
        return {"path": self.path, "before": self.before, "after": self.after}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> FileEdit:
        """The edit that `to_json` wrote."""
        return cls(data["path"], data["before"], data["after"])


@dataclass(frozen=True, slots=True)
class UserInput:
    """What the user sent."""

    text: str
    attachments: tuple[Attachment, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The JSON object of the event contract."""
        return {"text": self.text, "attachments": [a.to_json() for a in self.attachments]}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> UserInput:
        """The input that `to_json` wrote."""
        attachments = tuple(Attachment.from_json(a) for a in data.get("attachments") or ())
        return cls(data["text"], attachments)


# --- steps ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What every kind of step has.

    Attributes:
        id: Unique in the conversation.
        index: The step's place in its turn, from 0.
        round: The model call of the turn that made it, from 0.
        status: How far it has come.
        started_at: When it was opened: UTC, ISO 8601, with a final Z.
        duration_ms: From opening to finishing, in milliseconds; None while open.
        opaque: Provider data to be sent back unchanged, and never shown.
    """

    kind: ClassVar[str]
    id: str
    index: int
    round: int
    status: Status = Status.OPEN
    started_at: str = ""
    duration_ms: int | None = None
    opaque: dict[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        """The JSON object of the event contract."""
        data: dict[str, Any] = {"kind": self.kind}
        optional = _OPTIONAL[self.kind]
        for name in field_names(type(self)):
            value = getattr(self, name)
            if value is None and name in optional:
                continue
            data[name] = plain(value)
        return data


@dataclass(frozen=True, slots=True, kw_only=True)
class ThinkingStep(Step):
    """Reasoning, raw or as the provider's summary of it."""

    kind: ClassVar[str] = "thinking"
    text: str = ""
    summary: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TextStep(Step):
    """A piece of the answer.

    Attributes:
        text: Markdown, as the model wrote it.
        citations: The sources it names, each once.
        phase: `commentary` or `final_answer`, where the provider says so.
        withdrawn: The provider took it back: shown as such, never sent again.
    """

    kind: ClassVar[str] = "text"
    text: str = ""
    citations: tuple[Citation, ...] = ()
    phase: str | None = None
    withdrawn: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusalStep(Step):
    """The model, or its provider, declines."""

    kind: ClassVar[str] = "refusal"
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCallStep(Step):
    """A call of a tool.

    Attributes:
        call_id: The provider's id of the call; unique in its turn.
        name: The tool's name.
        arguments: The raw string as it was streamed.
        input: The same parsed, when it is a JSON object; else None.
        hosted: The provider's server runs it, not chatterm.
    """

    kind: ClassVar[str] = "tool_call"
    call_id: str = ""
    name: str = ""
    arguments: str = ""
    input: dict[str, Any] | None = None
    hosted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolResultStep(Step):
    """What a call gave.

    Attributes:
        call_id: The call it answers.
        name: The tool's name.
        content: What the model is told.
        ok: Whether the tool did what it was asked.
        outcome: What became of the call.
        exit_code: The exit status of a command, for tools that run one.
        truncated: Whether `content` is only a part.
        full_output: The digest under which the whole is kept, when `content` is only a part.
        attachments: Images that go to the model with the content.
        edits: The files that the call changed.
    """

    kind: ClassVar[str] = "tool_result"
    call_id: str = ""
    name: str = ""
    content: str = ""
    ok: bool = True
    outcome: Outcome = Outcome.DONE
    exit_code: int | None = None
    truncated: bool | None = None
    full_output: str | None = None
    attachments: tuple[Attachment, ...] | None = None
    edits: tuple[FileEdit, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeStep(Step):
    """Something the user should know about the turn itself.

    Attributes:
        text: One sentence for people.
        reason: One word for programs: `compacted`, `expanded`, `steered`, `round_limit`, `retry`,
            `withdrawn`, `stream_cut`, `moderated`, `resumed` and the like.
        summary: `compacted` only: what the model is sent in place of earlier turns.
        until: `compacted` only: the last turn that the summary stands for.
    """

    kind: ClassVar[str] = "notice"
    text: str = ""
    reason: str = ""
    summary: str | None = None
    until: str | None = None


STEP_KINDS: dict[str, type[Step]] = {
    cls.kind: cls
    for cls in (ThinkingStep, TextStep, RefusalStep, ToolCallStep, ToolResultStep, NoticeStep)
}

_OPTIONAL: dict[str, frozenset[str]] = {
    kind: frozenset(
        {"opaque"}
        | {
            "text": {"phase"},
            "notice": {"summary", "until"},
            "tool_result": {"exit_code", "truncated", "full_output", "attachments", "edits"},
        }.get(kind, set())
    )
    for kind in STEP_KINDS
}

_ENUMS: dict[str, type[StrEnum]] = {"status": Status, "outcome": Outcome}


def step_from_json(data: Mapping[str, Any]) -> Step:
    """The step that `Step.to_json` wrote. Fields this version doesn't know are passed over.

    Raises:
        ValueError: The kind is unknown, or a field that every step has is missing.
    """
    kind = data.get("kind")
    cls = STEP_KINDS.get(kind) if isinstance(kind, str) else None
    if cls is None:
        raise ValueError(f"unknown kind of step: {kind!r}")
    try:
        present = (name for name in field_names(cls) if name in data)
        return cls(**{name: _read_field(name, data[name]) for name in present})
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"not a whole step: {error}") from error


def _read_field(name: str, value: Any) -> Any:
    if name in _ENUMS:
        return _ENUMS[name](value)
    if name == "citations":
        return tuple(Citation.from_json(citation) for citation in value)
    if name == "attachments" and value is not None:
        return tuple(Attachment.from_json(attachment) for attachment in value)
    if name == "edits" and value is not None:
        return tuple(FileEdit.from_json(edit) for edit in value)
    return value


# --- a turn, folded ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ContextReport:
    """How much of its context a model had in use, as its provider reported it.

    Attributes:
        tokens: Input and output of the last round that was reported.
        steps: How many of the turn's steps, by index, these tokens hold.
    """

    tokens: int
    steps: int


@dataclass(frozen=True, slots=True)
class Turn:
    """A turn as a request to a model needs it: the question and the steps so far.

    Attributes:
        id: The turn's id.
        input: What the user sent.
        model: `provider/model`, as it was asked.
        steps: The finished steps, by index.
        reported: The context in use at its last report, or None where the provider made none.
    """

    id: str
    input: UserInput
    model: str
    steps: tuple[Step, ...] = ()
    reported: ContextReport | None = None

    @property
    def provider(self) -> str:
        """The name of the provider that was asked."""
        return self.model.partition("/")[0]


def field_names(cls: type) -> tuple[str, ...]:
    """The names of a dataclass's fields, in order."""
    names = _NAMES.get(cls)
    if names is None:
        names = _NAMES[cls] = tuple(f.name for f in fields(cls))
    return names


_NAMES: dict[type, tuple[str, ...]] = {}


def plain(value: Any) -> Any:
    """A field of a step or event as a JSON value."""
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    to_json = getattr(value, "to_json", None)
    return value if to_json is None else to_json()
