"""Decoder for Enclava (PROVIDERS.md, section 6): Responses events with payloads of their own.

The event's name is only in the frame, and payloads aren't wrapped. Items are announced after their
deltas and only once, `function_call` items are calls that the server runs, and their results are
items too.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from chatterm.assembly import OpenStep, StepWriter
from chatterm.errors import ErrorKind, Failure
from chatterm.providers.base import RoundEnd
from chatterm.providers.decoding import failed, mapping, sequence, stream_cut, text_of
from chatterm.providers.failures import error_in, failure_of_error
from chatterm.providers.openai_usage import read_usage
from chatterm.providers.responses_items import hosted_arguments, hosted_name, hosted_result
from chatterm.providers.server_steps import ServerSteps
from chatterm.providers.tool_slots import argument_text
from chatterm.steps import (
    FinishReason,
    Outcome,
    RefusalStep,
    Status,
    TextStep,
    ThinkingStep,
    Usage,
)

_INCOMPLETE = {"content_filter": FinishReason.CONTENT_FILTER}
_FAILED = frozenset(("failed", "cancelled"))
_TERMINAL = frozenset(("completed", "incomplete", *_FAILED))

# What payloads say of themselves, for streams that lost their events' names.
_NAMES = {
    "output_text": "response.output_text.delta",
    "function_call_arguments": "response.function_call_arguments.delta",
}


class EnclavaDecoder:
    """Reads the events of `/api/v1/responses`, and whole `response` objects, into steps.

    Args:
        writer: Where the steps are written.
        provider: The provider's name, for messages.
        notice: What to tell the user beside the first step.
    """

    def __init__(self, writer: StepWriter, provider: str = "", *, notice: str = "") -> None:
        self._writer = writer
        self._provider = provider
        self._steps = ServerSteps(writer, notice)
        self._prose: OpenStep | None = None
        self._item = ""  # the message that the open prose belongs to
        self._messages: dict[str, str] = {}  # message: its text, as far as it is closed
        self._usage = Usage()
        self._status = ""
        self._word: str | None = None
        self._reason = ""
        self._failure: Failure | None = None
        self._handlers: dict[str, Callable[[dict[str, Any]], None]] = {
            "response.output_text.delta": self._text,
            "response.refusal.delta": self._refusal,
            "response.reasoning_text.delta": self._thinking,
            "response.function_call_arguments.delta": self._arguments,
            "response.output_item.added": self._item_event,
            "response.output_item.done": self._item_event,
            "response.error": self._error,
            "error": self._error,
        }
        for status in _TERMINAL:
            self._handlers[f"response.{status}"] = partial(self._ended, status)

    @property
    def ended(self) -> bool:
        """The response's last event has come."""
        return bool(self._status)

    @property
    def answered(self) -> bool:
        """An error has come; the response's last event may follow."""
        return bool(self._status) or self._failure is not None

    def event(self, name: str | None, data: Any) -> None:
        """Read one event."""
        fields = mapping(data)
        kind = name or text_of(fields.get("type"))
        kind = _NAMES.get(kind, kind)
        handler = self._handlers.get(kind)
        if handler is not None:
            handler(fields)
        elif fields.get("object") == "response":
            if text_of(fields.get("status")) in _TERMINAL:  # without its name, or a whole answer
                self._ended("completed", fields)
        elif not kind.startswith("response.") and error_in(data):
            self._error(fields)

    def close(self, failure: Failure | None = None) -> RoundEnd:
        """Close the round's steps and say what it came to; `failure` says why it was cut short."""
        self._failure = failure or self._failure
        if self._failure is None and not self._status:
            self._failure = stream_cut(text_shown=bool(self._steps.saw))
        if self._failure is not None:
            self._close(Status.INTERRUPTED)
            if self._failure.kind is ErrorKind.STREAM_CUT and self._steps.saw:
                self._writer.notice("stream_cut", self._failure.message)
            return failed(self._failure, word=self._word, usage=self._usage)
        incomplete = self._status == "incomplete"
        self._close(Status.INTERRUPTED if incomplete else Status.DONE)
        reason = FinishReason.STOP
        if incomplete:
            reason = _INCOMPLETE.get(self._reason, FinishReason.LENGTH)
        elif RefusalStep.kind in self._steps.saw:
            reason = FinishReason.REFUSAL
        return RoundEnd(reason, self._word, self._usage)

    # --- prose ---

    def _text(self, data: dict[str, Any]) -> None:
        self._grow(TextStep, data)

    def _refusal(self, data: dict[str, Any]) -> None:
        self._grow(RefusalStep, data)

    def _thinking(self, data: dict[str, Any]) -> None:
        self._grow(ThinkingStep, data)

    def _grow(self, cls: type[TextStep | RefusalStep | ThinkingStep], data: dict[str, Any]) -> None:
        text = text_of(data.get("delta"))
        if not text:
            return
        item = text_of(data.get("item_id"))
        if self._prose is None or not isinstance(self._prose.step, cls):
            self._end_prose()
            self._prose, self._item = self._steps.open(cls), item
        self._steps.append(self._prose, text)

    def _end_prose(self, status: Status = Status.DONE) -> None:
        prose, self._prose = self._prose, None
        if prose is not None:
            if not isinstance(prose.step, ThinkingStep):
                self._messages[self._item] = self._messages.get(self._item, "") + prose.text
            self._steps.finish(prose, status)

    # --- items ---

    def _arguments(self, data: dict[str, Any]) -> None:
        call_id = text_of(data.get("call_id")) or text_of(data.get("item_id"))
        if piece := text_of(data.get("delta")):
            self._end_prose()
            self._steps.arguments(call_id, piece)

    def _item_event(self, data: dict[str, Any]) -> None:
        self._take(mapping(data.get("item")) or data)

    def _take(self, item: dict[str, Any]) -> None:
        """Take an item as far as it isn't known yet: it comes after its deltas, and again last."""
        kind = text_of(item.get("type"))
        call_id = text_of(item.get("call_id")) or text_of(item.get("id"))
        if kind == "message":
            self._message(item)
        elif kind == "function_call":
            self._call(call_id, text_of(item.get("name")) or "tool", item.get("arguments"))
        elif kind == "function_call_output":
            self._end_prose()
            output = item.get("output")
            bad = text_of(item.get("status")) in _FAILED or _is_error(output)
            self._steps.result(call_id, "", output, Outcome.FAILED if bad else Outcome.DONE)
        elif kind and kind != "reasoning":
            self._hosted(item, call_id)

    def _message(self, item: dict[str, Any]) -> None:
        content = item.get("content")
        parts = [content] if isinstance(content, str) else sequence(content)
        whole = "".join(text_of(part) or text_of(mapping(part).get("text")) for part in parts)
        item_id = text_of(item.get("id"))
        if item_id in self._messages or (self._status and whole in self._messages.values()):
            return  # told again
        if self._prose is not None:
            self._item = item_id
            self._steps.settle(self._prose, whole)
        elif whole:
            self._prose, self._item = self._steps.open(TextStep), item_id
            self._steps.append(self._prose, whole)
        self._end_prose()

    def _call(self, call_id: str, name: str, arguments: Any) -> None:
        known = self._steps.known(call_id)
        if known is not None and known.over:
            same = argument_text(arguments) == known.opened.text
            if same or self._status:
                return  # told again; a later round's call may have the id of an earlier one
        self._end_prose()
        self._steps.call(call_id, name, arguments)

    def _hosted(self, item: dict[str, Any], call_id: str) -> None:
        """An item of another kind, shown as a call by its name."""
        name = hosted_name(item)
        self._call(call_id, name, hosted_arguments(item)[0])
        result = hosted_result(item)
        if result is not None:
            outcome = result.get("outcome", Outcome.DONE)
            self._steps.result(call_id, name, result["content"], outcome)

    # --- the response ---

    def _ended(self, status: str, data: dict[str, Any]) -> None:
        response = mapping(data.get("response")) or data
        self._status = text_of(response.get("status")) or status
        usage = mapping(response.get("usage"))
        if usage:
            self._usage = self._writer.usage = read_usage(usage)
        error = response.get("error")
        self._reason = text_of(mapping(response.get("incomplete_details")).get("reason"))
        detail = text_of(mapping(error).get("code")) or self._reason
        self._word = f"{self._status}:{detail}" if detail else self._status
        if self._status in _FAILED:
            self._fail(error or f"the provider says the response was {self._status}")
        for item in sequence(response.get("output")):
            self._take(mapping(item))

    def _error(self, data: dict[str, Any]) -> None:
        self._fail(data)

    def _fail(self, error: Any) -> None:
        if self._failure is None:
            self._failure = failure_of_error(error, provider=self._provider)

    def _close(self, status: Status) -> None:
        self._end_prose(status)
        self._steps.close(status)


def _is_error(output: Any) -> bool:
    """Whether what a tool gave is only an error, as the server writes them: `{"error": "…"}`."""
    if isinstance(output, str) and output.startswith('{"error"'):
        try:
            output = json.loads(output)
        except (ValueError, RecursionError):
            return False
    return isinstance(output, dict) and set(output) == {"error"} and bool(output["error"])
