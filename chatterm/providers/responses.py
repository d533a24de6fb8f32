"""Decoder for OpenAI Responses and the servers that speak it (PROVIDERS.md, section 1).

What is streamed belongs to output items; `ItemTable` knows which, `ItemSteps` writes it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from chatterm.assembly import StepWriter
from chatterm.errors import ErrorKind, Failure
from chatterm.providers.base import RoundEnd
from chatterm.providers.decoding import (
    BUDGET_THOUGHT_AWAY,
    FILTERED,
    MODERATED,
    failed,
    flagged,
    mapping,
    sequence,
    stream_cut,
    text_of,
)
from chatterm.providers.failures import error_in, failure_of_error
from chatterm.providers.openai_usage import read_usage
from chatterm.providers.responses_items import Item, ItemTable
from chatterm.providers.responses_steps import RAW, SUMMARY, ItemSteps
from chatterm.steps import FinishReason, RefusalStep, Status, TextStep, ToolCallStep, Usage

_INCOMPLETE = {
    "max_output_tokens": FinishReason.LENGTH,
    "content_filter": FinishReason.CONTENT_FILTER,
}

# The events that aren't about an item; an end closes the last one itself.
_ENDS = ("completed", "incomplete", "failed", "cancelled")
_BESIDE_ITEMS = frozenset(f"response.{word}" for word in ("created", "in_progress", *_ENDS))

# The events that stream thinking: what form of it, and the field that numbers its parts.
_STREAMED_THINKING = {
    "reasoning_text": (RAW, "content_index"),
    "reasoning_summary_text": (SUMMARY, "summary_index"),
}

# The events that stream what a call is called with, and the type of item they belong to.
_STREAMED_CALLS = {
    "function_call_arguments": "function_call",
    "custom_tool_call_input": "custom_tool_call",
    "mcp_call_arguments": "mcp_call",
    "code_interpreter_call_code": "code_interpreter_call",
    "shell_call_command": "shell_call",
}

# What events were once called, and gateways (OpenRouter among them) still call them.
_OLD_NAMES = {
    "response.content_part.delta": "response.output_text.delta",
    "response.reasoning.delta": "response.reasoning_text.delta",
    "response.reasoning.done": "response.reasoning_text.done",
    "response.reasoning_summary.delta": "response.reasoning_summary_text.delta",
    "response.reasoning_summary.done": "response.reasoning_summary_text.done",
    "response.done": "response.completed",
}
_RENAMED = frozenset(_OLD_NAMES.values())


class ResponsesDecoder:
    """Reads `response.*` events, and whole `response` objects, into steps.

    Args:
        writer: Where the steps are written.
        provider: The provider's name, for messages.
        max_output_tokens: The limit that was asked for; some servers say `completed` when it is
            reached.
        record: Where the server keeps its answers: makes, of a response's id, the opaque data by
            which a whole one is found again.
        mark: Where an answer goes on without us: makes the opaque data of steps that are not
            finished yet.
        preface: Writes what is to be said before the answer, once there is one.

    Attributes:
        sequence_number: Of the last event that had one: where a background response resumes.
        response_id: What the server calls the response; empty until it has said so.
    """

    def __init__(
        self,
        writer: StepWriter,
        provider: str = "",
        max_output_tokens: int | None = None,
        record: Callable[[str], dict[str, Any]] | None = None,
        mark: Callable[[str], dict[str, Any]] | None = None,
        preface: Callable[[], None] | None = None,
    ) -> None:
        self._writer = writer
        self._provider = provider
        self._limit = max_output_tokens
        self._steps = ItemSteps(writer)
        self._items = ItemTable()
        self._usage = Usage()
        self._word: str | None = None
        self._status: str | None = None
        self._incomplete_reason = ""
        self._failure: Failure | None = None
        self._moderated = False
        self.sequence_number: int | None = None
        self.response_id = ""
        self._record = record
        self._mark = mark
        self._preface = preface
        self._seen: int | None = None  # what has come before the stream was resumed
        self._last: Item | None = None  # ended, and held back: it may be the response's last
        self._called: dict[str, str] = {}  # event: the name it came by first
        self._handlers: dict[str, Callable[[dict[str, Any]], None]] = {
            "response.output_text.delta": self._text_delta,
            "response.output_text.done": partial(self._prose_done, "output_text"),
            "response.output_text.annotation.added": self._annotation,
            "response.content_part.added": self._part_added,
            "response.content_part.done": self._part_done,
            "response.reasoning_summary_part.done": self._summary_part_done,
            "response.refusal.delta": self._refusal_delta,
            "response.refusal.done": partial(self._prose_done, "refusal"),
            "response.shell_call_command.added": self._command_added,
            "response.output_item.added": self._item_added,
            "response.output_item.done": self._item_done,
            "response.created": self._progress,
            "response.in_progress": self._progress,
            "response.error": self._error,
            "error": self._error,
        }
        for word in _ENDS:
            self._handlers[f"response.{word}"] = partial(self._ended, word)
        for event, place in _STREAMED_THINKING.items():
            self._handlers[f"response.{event}.delta"] = partial(self._thinking_delta, *place)
            self._handlers[f"response.{event}.done"] = partial(self._thinking_done, *place)
        for event, kind in _STREAMED_CALLS.items():
            self._handlers[f"response.{event}.delta"] = partial(self._arguments_delta, kind)
            self._handlers[f"response.{event}.done"] = partial(self._arguments_done, kind)

    @property
    def ended(self) -> bool:
        """The response's own last event has come."""
        return self._status is not None

    @property
    def answered(self) -> bool:
        """An error has come; the response's last event may follow."""
        return self._status is not None or self._failure is not None

    def event(self, name: str | None, data: Any) -> None:
        """Read one event of the stream."""
        if not isinstance(data, dict):
            self._beside(name, data)
            return
        if self._preface is not None:
            self._preface()
            self._preface = None
        called = text_of(data.get("type")) or name or ""
        kind = _OLD_NAMES.get(called, called)
        if kind in _RENAMED and self._called.setdefault(kind, called) != called:
            return  # the same once more, by its other name
        number = data.get("sequence_number")
        if isinstance(number, int):
            if self._seen is not None and number <= self._seen:
                return  # a server that begins anew instead of going on
            self.sequence_number = number
        handler = self._handlers.get(kind)
        if handler is not None and kind not in _BESIDE_ITEMS:
            self._let_go()
            if self._items.repeats(data):
                return
        if handler is not None:
            handler(data)
        elif data.get("object") == "response":  # a whole answer, not streamed
            self.whole(data)
        elif name == "error" or not kind.startswith("response."):
            self._beside(name, data)

    def resumed(self) -> None:
        """The stream broke off; what comes next is the rest, or the whole once more."""
        self._seen = self.sequence_number

    def whole(self, response: dict[str, Any]) -> bool:
        """Read a response as it is by now; whether the server is done with it."""
        if text_of(response.get("status")) in ("queued", "in_progress"):
            self._read_response(response)
            return False
        self._ended("completed", {"response": response})
        return True

    def close(self, failure: Failure | None = None) -> RoundEnd:
        """Close the round's steps and say what it came to; `failure` says why it was cut short."""
        self._let_go()
        saw = self._steps.saw
        self._failure = failure or self._failure
        if self._failure is None and self._status is None:
            self._failure = stream_cut(text_shown=bool(saw))
        if self._failure is not None:
            self._close_items(Status.INTERRUPTED)
            if self._failure.kind is ErrorKind.STREAM_CUT and saw:
                self._writer.notice("stream_cut", self._failure.message)
            return failed(self._failure, word=self._word, usage=self._usage)
        reason = self._reason()
        self._close_items(Status.DONE if reason is FinishReason.STOP else Status.INTERRUPTED)
        self._keep()
        return RoundEnd(
            self._settle_reason(reason),
            self._word,
            self._usage,
            approvals=tuple(self._steps.approvals),
        )

    # --- text, refusal, thinking ---

    def _text_delta(self, data: dict[str, Any]) -> None:
        if text := _delta(data):
            item = self._items.growing(data, "message")
            part = self._steps.prose(item, TextStep, _index(data, "content_index"))
            self._steps.append(part, text)

    def _refusal_delta(self, data: dict[str, Any]) -> None:
        if text := text_of(data.get("delta")):
            item = self._items.growing(data, "message")
            part = self._steps.prose(item, RefusalStep, _index(data, "content_index"))
            self._steps.append(part, text)

    def _prose_done(self, kind: str, data: dict[str, Any]) -> None:
        self._content(data, data | {"type": kind})

    def _part_added(self, data: dict[str, Any]) -> None:
        # Opens the item where output_item.added is missing.
        self._items.growing(data, _item_of(mapping(data.get("part"))))

    def _part_done(self, data: dict[str, Any]) -> None:
        self._content(data, mapping(data.get("part")))

    def _annotation(self, data: dict[str, Any]) -> None:
        self._content(data, {"type": "output_text", "annotations": [data.get("annotation")]})

    def _content(self, data: dict[str, Any], content: dict[str, Any]) -> None:
        if item := self._items.settling(data, _item_of(content)):
            self._steps.content(item, _index(data, "content_index"), content)

    def _thinking_delta(self, form: str, index: str, data: dict[str, Any]) -> None:
        if text := _delta(data):
            item = self._items.growing(data, "reasoning")
            self._steps.think(item, form, _index(data, index), text)

    def _thinking_done(self, form: str, index: str, data: dict[str, Any]) -> None:
        text = text_of(data.get("text"))
        if text and (item := self._items.settling(data, "reasoning")):
            self._steps.thought(item, form, _index(data, index), text)

    def _summary_part_done(self, data: dict[str, Any]) -> None:
        text = mapping(data.get("part")).get("text")
        self._thinking_done(SUMMARY, "summary_index", data | {"text": text})

    # --- calls ---

    def _arguments_delta(self, kind: str, data: dict[str, Any]) -> None:
        item = self._items.growing(data, kind)
        self._steps.append(self._steps.call(item), text_of(data.get("delta")))

    def _arguments_done(self, kind: str, data: dict[str, Any]) -> None:
        item = self._items.settling(data, kind)
        if item is None:
            return
        if not item.data.get("name") and (name := text_of(data.get("name"))):
            item.data["name"] = name
            self._steps.named(item)
        for field in ("arguments", "input", "code"):
            self._steps.settle_call(self._steps.call(item), data.get(field))

    def _command_added(self, data: dict[str, Any]) -> None:
        part = self._steps.call(self._items.growing(data, "shell_call"))
        if part.opened.length:
            self._steps.append(part, "\n")

    # --- items ---

    def _item_added(self, data: dict[str, Any]) -> None:
        item = self._items.added(data)
        self._steps.named(item)
        if item.kind == "function_call":
            self._steps.settle_call(self._steps.call(item), item.data.get("arguments"))

    def _item_done(self, data: dict[str, Any]) -> None:
        item = self._items.finished(data)
        if self._record is None:
            self._steps.finish(item, Status.DONE)
        else:
            self._last = item

    def _let_go(self) -> None:
        """Close the item that was held back: it wasn't the last, or nothing follows any more."""
        item, self._last = self._last, None
        if item is not None:
            self._steps.finish(item, Status.DONE)

    def _keep(self) -> None:
        """Record with the last step which response this was, now that it is known to be whole."""
        if self._record is not None and self.response_id and self._status == "completed":
            self._writer.keep_with_last(self._record(self.response_id))
            self._record = None

    # --- the response ---

    def _progress(self, data: dict[str, Any]) -> None:
        self._read_response(mapping(data.get("response")))

    def _ended(self, kind: str, data: dict[str, Any]) -> None:
        response = mapping(data.get("response")) or data
        self._status = text_of(response.get("status")) or kind
        self._mark = self._steps.mark = None
        self._read_response(response)
        error = response.get("error")
        reason = text_of(mapping(response.get("incomplete_details")).get("reason"))
        self._incomplete_reason = reason
        detail = text_of(mapping(error).get("code")) or reason
        self._word = f"{self._status}:{detail}" if detail else self._status
        if self._status in ("failed", "cancelled") or kind == "failed":
            self._error(error or f"the provider says the response was {self._status}")
        self._let_go()
        for item in self._items.caught_up(sequence(response.get("output"))):
            self._steps.finish(item, Status.DONE)
        if self._failure is None and all(item.done for item in self._items.all):
            self._keep()  # else the items that are still open are closed by `close`

    def _read_response(self, response: dict[str, Any]) -> None:
        self.response_id = self.response_id or text_of(response.get("id"))
        if self._mark is not None and self.response_id:
            self._steps.mark = self._mark(self.response_id)
        usage = response.get("usage")
        if isinstance(usage, dict) and usage:
            self._usage = self._writer.usage = read_usage(usage)
        moderation = response.get("moderation")
        if isinstance(moderation, dict):
            self._moderated |= flagged(moderation)

    def _beside(self, name: str | None, data: Any) -> None:
        """What is no event of the protocol may still be an error."""
        if name == "error" or error_in(data):
            self._error(data)

    def _error(self, data: Any) -> None:
        if self._failure is None:
            self._failure = failure_of_error(data, provider=self._provider)

    # --- the end ---

    def _close_items(self, status: Status) -> None:
        for item in self._items.all:
            self._steps.finish(item, status)

    def _reason(self) -> FinishReason:
        if self._status == "incomplete" or self._incomplete_reason:
            return _INCOMPLETE.get(self._incomplete_reason, FinishReason.LENGTH)
        # Exactly: a server that doesn't count reasoning against the limit goes beyond it.
        if self._limit and self._usage.output == self._limit:
            return FinishReason.LENGTH
        return FinishReason.STOP

    def _settle_reason(self, reason: FinishReason) -> FinishReason:
        spoke = {TextStep.kind, RefusalStep.kind, ToolCallStep.kind} & self._steps.saw
        if reason is FinishReason.LENGTH and not spoke:
            self._writer.notice("length", BUDGET_THOUGHT_AWAY)
        if reason is FinishReason.CONTENT_FILTER and not spoke:
            self._writer.add(RefusalStep, text=FILTERED)
        if self._moderated:
            self._writer.notice("moderated", MODERATED)
        if reason is FinishReason.STOP and RefusalStep.kind in self._steps.saw:
            return FinishReason.REFUSAL
        return reason


def _item_of(content: dict[str, Any]) -> str:
    """The type of item that a part of this type lies in."""
    return "reasoning" if content.get("type") == "reasoning_text" else "message"


def _delta(data: dict[str, Any]) -> str:
    """What an event appends; by their old names some servers wrap it."""
    delta = data.get("delta")
    return text_of(delta) or text_of(mapping(delta).get("text"))


def _index(data: dict[str, Any], name: str) -> int:
    value = data.get(name)
    return value if isinstance(value, int) else 0
