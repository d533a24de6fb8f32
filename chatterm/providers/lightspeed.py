"""Decoder for Lightspeed (PROVIDERS.md, section 6): `{"event": …, "data": …}` frames, or bare text.

The server runs the tools itself and tells of each call and result once, whole. `turn_complete`
brings the text again and counts more than the tokens did.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from chatterm.assembly import OpenStep, StepWriter
from chatterm.errors import ErrorKind, Failure
from chatterm.providers.base import RoundEnd
from chatterm.providers.decoding import (
    failed,
    integer,
    mapping,
    sequence,
    stream_cut,
    text_of,
)
from chatterm.providers.failures import error_in, failure_of_error
from chatterm.providers.server_steps import ServerSteps
from chatterm.steps import Citation, FinishReason, Outcome, Status, TextStep, Usage

MODERATED = "the server's moderation seems to have answered in the model's place"
_NO_VIOLATION = "No Violation"  # what old servers' moderation says of a question it lets pass
_MODERATION_ROLE = "shield_call"
_GOOD = frozenset(("", "success", "completed", "complete", "ok", "done"))
_COMPACTION = {
    "started": "the server is summarising the earlier conversation",
    "completed": "the server has summarised the earlier conversation",
    "failed": "the server couldn't summarise the earlier conversation",
}
Keep = Callable[[str], dict[str, Any]]


class LightspeedDecoder:
    """Reads the frames of `/v1/streaming_query`, of all its versions, into steps.

    Args:
        writer: Where the steps are written.
        provider: The provider's name, for messages.
        keep: Makes a conversation's id the opaque data that the turn keeps.
        notice: What to tell the user beside the first step.
        plain: Text without frames was asked for.

    Attributes:
        plain: The same; otherwise the body shows what it is.
        request_id: By what the server can be told to stop.
    """

    def __init__(
        self,
        writer: StepWriter,
        provider: str = "",
        *,
        keep: Keep | None = None,
        notice: str = "",
        plain: bool = False,
    ) -> None:
        self._writer = writer
        self._provider = provider
        self._keep = keep
        self._steps = ServerSteps(writer, notice)
        self.plain = plain
        self.request_id = ""
        self._text: OpenStep | None = None
        self._earlier: list[str] = []  # texts that were closed before a call
        self._held = ""  # what may be no part of the answer
        self._tokens = 0
        self._legacy_calls = 0
        self._whole = False  # turn_complete has come
        self._moderated = False
        self._citations: dict[str, Citation] = {}
        self._cited = False
        self._beside: list[tuple[str, str]] = []  # notices to write after the answer
        self._usage = Usage()
        self._word: str | None = None
        self._ended = False
        self._failure: Failure | None = None
        self._handlers: dict[str, Callable[[dict[str, Any]], None]] = {
            "start": self._start,
            "compaction": self._compaction,
            "token": self._token,
            "tool_call": self._tool_call,
            "tool_result": self._tool_result,
            "turn_complete": self._turn_complete,
            "end": self._end,
            "error": self._error,
            "interrupted": self._interrupted,
        }

    @property
    def ended(self) -> bool:
        """`end` or `interrupted` has come."""
        return self._ended

    @property
    def answered(self) -> bool:
        """An error has come; `end` may follow."""
        return self._ended or self._failure is not None

    def event(self, name: str | None, data: Any) -> None:
        """Read one frame."""
        frame = mapping(data)
        kind = text_of(frame.get("event")) or name or ""
        handler = self._handlers.get(kind)
        if handler is not None:
            handler(mapping(frame.get("data")) or {})
        elif not kind and error_in(data):
            self._fail(data)
        if kind == "end":
            self._quotas(mapping(frame.get("available_quotas")))

    def text(self, piece: str) -> None:
        """Read a piece of a body that is the answer as it is."""
        self._word = "text/plain"
        self._grow(piece)

    def close(self, failure: Failure | None = None) -> RoundEnd:
        """Close the round's steps and say what it came to; `failure` says why it was cut short."""
        self._show_held()
        self._failure = failure or self._failure
        if self._failure is None and not self._ended and self._word is None:
            self._failure = stream_cut(text_shown=bool(self._steps.saw))
        if self._failure is not None:
            self._close(Status.INTERRUPTED)
            if self._failure.kind is ErrorKind.STREAM_CUT and self._steps.saw:
                self._writer.notice("stream_cut", self._failure.message)
            return failed(self._failure, word=self._word, usage=self._usage)
        if self._word == "interrupted":
            self._close(Status.INTERRUPTED)
            return RoundEnd(FinishReason.INTERRUPTED, self._word, self._usage)
        self._close(Status.DONE)
        self._steps.keep_anyway()
        if self._moderated or self._only_one_token:
            self._writer.notice("moderated", MODERATED)
        return RoundEnd(FinishReason.STOP, self._word, self._usage)

    @property
    def _only_one_token(self) -> bool:
        """A block by moderation looks so; the oldest servers, too, never said `turn_complete`."""
        one = self._tokens == 1 and self._steps.saw == {TextStep.kind} and not self._cited
        return one and not self._whole and bool(self.request_id)

    # --- frames ---

    def _start(self, data: dict[str, Any]) -> None:
        self.request_id = text_of(data.get("request_id"))
        conversation, keep = text_of(data.get("conversation_id")), self._keep
        if conversation and keep is not None:
            self._steps.keep = lambda: keep(conversation)
        self._topic(data)

    def _compaction(self, data: dict[str, Any]) -> None:
        if words := _COMPACTION.get(text_of(data.get("status"))):
            self._writer.notice("compacted", words)

    def _token(self, data: dict[str, Any]) -> None:
        text = text_of(data.get("token"))
        if not text:
            return
        self._tokens += 1
        moderation = data.get("role") == _MODERATION_ROLE
        if text == _NO_VIOLATION and (moderation or self._tokens == 1):
            self._held = text
            return
        self._held = ""
        self._moderated |= moderation
        self._grow(text)

    def _tool_call(self, data: dict[str, Any]) -> None:
        if "name" not in data and "token" in data:
            self._legacy_call(data)
            return
        self._end_text()
        call_id = _id(data.get("id"))
        arguments = data.get("args", data.get("arguments"))
        self._steps.call(call_id, text_of(data.get("name")) or "tool", arguments)

    def _tool_result(self, data: dict[str, Any]) -> None:
        self._end_text()
        self._steps.result(
            _id(data.get("id")),
            text_of(data.get("name")),
            data.get("content"),
            Outcome.DONE if text_of(data.get("status")).lower() in _GOOD else Outcome.FAILED,
            integer(data.get("round")),
        )

    def _legacy_call(self, data: dict[str, Any]) -> None:
        """What versions before 0.4 say of tools: a line for people, or an object."""
        said = data.get("token")
        if isinstance(said, str):
            # Fragments of a call that is told of again when the tool runs have another role.
            if said and data.get("role") in (None, "tool_execution"):
                self._end_text()
                self._writer.notice("tool", said)
            return
        told = mapping(said)
        name = text_of(told.get("tool_name"))
        if not name:
            return
        self._end_text()
        if "arguments" in told:
            self._legacy_calls += 1
            self._steps.call(f"{name}:{self._legacy_calls}", name, told["arguments"])
        else:
            self._steps.result("", name, told.get("response", told.get("summary")))

    def _turn_complete(self, data: dict[str, Any]) -> None:
        whole = text_of(data.get("token"))
        self._whole = True
        if not whole:
            return
        self._held = ""
        shown = "".join(self._earlier) + (self._text.text if self._text else "")
        if whole == shown or (self._text is None and whole in self._earlier):
            return
        rest = _without(whole, self._earlier)
        if rest:
            if self._text is None:
                self._text = self._steps.open(TextStep)
            self._steps.settle(self._text, rest)

    def _end(self, data: dict[str, Any]) -> None:
        self._ended, self._word = True, "end"
        self._show_held()
        self._usage = Usage(integer(data.get("input_tokens")), integer(data.get("output_tokens")))
        self._writer.usage = self._usage
        for entry in sequence(data.get("referenced_documents")):
            self._cite(mapping(entry))
        self._topic(data)

    def _error(self, data: dict[str, Any]) -> None:
        self._word = self._word or "error"
        old = text_of(data.get("token"))
        self._fail({"message": old} if old else data)

    def _interrupted(self, data: dict[str, Any]) -> None:
        self._ended, self._word = True, "interrupted"

    # --- text ---

    def _grow(self, text: str) -> None:
        if self._text is None:
            self._text = self._steps.open(TextStep)
        self._steps.append(self._text, text)

    def _show_held(self) -> None:
        held, self._held = self._held, ""
        if held:
            self._grow(held)

    def _end_text(self) -> None:
        self._held = ""
        text, self._text = self._text, None
        if text is not None:
            self._earlier.append(text.text)
            self._steps.finish(text)

    # --- beside the answer ---

    def _cite(self, document: dict[str, Any]) -> None:
        url, title = text_of(document.get("doc_url")), text_of(document.get("doc_title"))
        title = title or text_of(document.get("document_id"))
        if url or title:
            self._cited = True
            self._citations.setdefault(url or title, Citation(title, url))

    def _topic(self, data: dict[str, Any]) -> None:
        if topic := text_of(data.get("topic_summary")):
            self._beside.append(("topic", f"the server calls this conversation: {topic}"))

    def _quotas(self, quotas: dict[str, Any]) -> None:
        left = [f"{name} {_amount(value)}" for name, value in quotas.items()]
        if left:
            self._beside.append(("quota", f"what is left of the quota: {', '.join(left)}"))

    # --- the end ---

    def _fail(self, error: Any) -> None:
        if self._failure is None:
            self._failure = failure_of_error(error, provider=self._provider)

    def _close(self, status: Status) -> None:
        cited: dict[str, Any] = {}
        if self._citations:
            cited = {"citations": tuple(self._citations.values())}
            self._citations = {}
        if self._text is not None:
            self._steps.finish(self._text, status, **cited)
        elif cited:
            self._steps.finish(self._steps.open(TextStep), status, **cited)
        self._steps.close(status)
        for reason, words in self._beside:
            self._writer.notice(reason, words)
        self._beside = []


def _without(whole: str, earlier: Iterable[str]) -> str:
    """What of a whole text comes after the texts that were shown before a call.

    Some versions repeat all texts, some only the last.
    """
    rest = whole
    for text in earlier:
        said = text.strip()
        trimmed = rest.lstrip()
        if not trimmed.startswith(said):
            return whole
        rest = rest[len(text) :] if rest.startswith(text) else trimmed[len(said) :]
    return rest


def _id(value: Any) -> str:
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _amount(value: Any) -> str:
    number = integer(value)
    return f"{number:,}" if number is not None else str(value)[:40]
