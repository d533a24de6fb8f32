"""Decoder for Luxx (PROVIDERS.md, section 6): `process_step` events with cumulative content.

Older servers tell the same things twice: as `thinking`, `message`, `tool_calls` and `tool_result`
events while they come, and as steps when they are whole. What came in the old way is taken over by
its step; once a kind of step is known, its old events are only kept in case no step ever says it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
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
from chatterm.providers.openai_usage import read_usage
from chatterm.providers.server_steps import Keep, ServerSteps
from chatterm.steps import FinishReason, Outcome, Status, TextStep, ThinkingStep, Usage

_PROSE: dict[str, type[ThinkingStep | TextStep]] = {"thinking": ThinkingStep, "text": TextStep}
Key = tuple[str, Any, Any]


class LuxxDecoder:
    """Reads the events of `/conversations/{id}/messages`, of all its versions, into steps.

    Args:
        writer: Where the steps are written.
        provider: The provider's name, for messages.
        keep: Gives the opaque data that the turn keeps.
        notice: What to tell the user beside the first step.
    """

    def __init__(
        self,
        writer: StepWriter,
        provider: str = "",
        *,
        keep: Keep | None = None,
        notice: str = "",
    ) -> None:
        self._writer = writer
        self._provider = provider
        self._steps = ServerSteps(writer, notice)
        self._steps.keep = keep
        self._prose: dict[Key, OpenStep] = {}
        self._loose: dict[str, OpenStep] = {}  # by kind: streamed in the old way, without a step
        self._spare: dict[str, list[str]] = {}  # by kind: old events of the round, not shown
        self._told: list[str] = []  # prose that is closed
        self._closed: dict[Key, int] = {}  # how much of a step's text a closed step holds
        self._stepped: set[str] = set()  # kinds of which a step has come
        self._results_came = False
        self._call_keys: dict[str, Key] = {}  # call: the step it came as
        self._usage = Usage()
        self._word: str | None = None
        self._failure: Failure | None = None
        self._handlers: dict[str, Callable[[dict[str, Any]], None]] = {
            "process_step": self._process_step,
            "thinking_start": self._next_round,
            "thinking": partial(self._old_prose, "thinking"),
            "message": partial(self._old_prose, "text"),
            "text": partial(self._old_prose, "text"),
            "tool_calls": self._old_calls,
            "tool_call": partial(self._old_tool, self._tool_call),
            "tool_result": partial(self._old_tool, self._tool_result),
            "done": self._done,
            "error": self._error,
        }

    @property
    def ended(self) -> bool:
        """`done` or `error` has come."""
        return self._word is not None

    @property
    def answered(self) -> bool:
        """The same: nothing follows."""
        return self._word is not None

    def event(self, name: str | None, data: Any) -> None:
        """Read one event."""
        fields = mapping(data)
        kind = name or text_of(fields.get("event"))
        if not kind and (text_of(fields.get("type")) in _STEP_TYPES or "step" in fields):
            kind = "process_step"
        kind = kind or text_of(fields.get("type"))
        handler = self._handlers.get(kind)
        if handler is not None:
            handler(fields)
        elif not kind and error_in(data):
            self._error(fields)

    def close(self, failure: Failure | None = None) -> RoundEnd:
        """Close the round's steps and say what it came to; `failure` says why it was cut short."""
        self._show_spare()
        self._failure = failure or self._failure
        if self._failure is None and self._word is None:
            self._failure = stream_cut(text_shown=bool(self._steps.saw))
        if self._failure is not None:
            self._close(Status.INTERRUPTED)
            if self._failure.kind is ErrorKind.STREAM_CUT and self._steps.saw:
                self._writer.notice("stream_cut", self._failure.message)
            return failed(self._failure, word=self._word, usage=self._usage)
        self._close(Status.DONE)
        self._steps.keep_anyway()
        return RoundEnd(FinishReason.STOP, self._word, self._usage)

    # --- steps ---

    def _process_step(self, data: dict[str, Any]) -> None:
        step = mapping(data.get("step")) or data
        kind = text_of(step.get("type"))
        if kind in _PROSE:
            self._prose_step(kind, step)
        elif kind == "tool_call":
            self._stepped.add("tool")
            self._tool_call(step)
        elif kind == "tool_result":
            self._stepped.add("tool")
            self._tool_result(step)
        elif kind == "error":
            self._error(step)

    def _prose_step(self, kind: str, step: dict[str, Any]) -> None:
        self._stepped.add(kind)
        self._spare.pop(kind, None)
        key = _key(kind, step)
        opened = self._prose.get(key)
        text = text_of(step.get("content"))
        if opened is not None and opened.closed:
            if text in opened.text:
                return  # told again
            if text.startswith(opened.text):
                self._closed[key] = len(opened.text)
            opened = None
        if opened is None:
            if self._results_came:
                self._next_round({})
            opened = self._loose.pop(kind, None)
            if opened is None:
                if not text:
                    return
                opened = self._steps.open(_PROSE[kind])
            self._prose[key] = opened
        self._steps.settle(opened, text[self._closed.get(key, 0) :])

    def _tool_call(self, step: dict[str, Any]) -> None:
        call_id = _call_id(step)
        key = _key("tool_call", step)
        known = self._steps.known(call_id)
        if known is not None and known.over and self._call_keys.get(call_id) == key:
            return  # told again
        if known is None or known.over:
            self._end_prose()
        call = self._steps.call(call_id, text_of(step.get("name")) or "tool", _arguments(step))
        if key != _NO_KEY:
            self._call_keys[call.call_id] = key

    def _tool_result(self, step: dict[str, Any]) -> None:
        self._end_prose()
        content = step.get("content")
        content = step.get("error") if content is None else content
        name = text_of(step.get("name"))
        self._steps.result(_call_id(step), name, content, _outcome(step, content))
        self._results_came = True

    def _next_round(self, data: dict[str, Any]) -> None:
        self._results_came = False
        self._show_spare()
        self._end_prose()

    # --- the old way ---

    def _old_prose(self, kind: str, data: dict[str, Any]) -> None:
        text = text_of(data.get("content"))
        if not text:
            return
        if kind in self._stepped:
            self._spare.setdefault(kind, []).append(text)
            return
        if self._results_came:
            self._next_round({})
        opened = self._loose.get(kind)
        if opened is None:
            opened = self._loose[kind] = self._steps.open(_PROSE[kind])
        self._steps.append(opened, text)

    def _old_tool(self, take: Callable[[dict[str, Any]], None], data: dict[str, Any]) -> None:
        if "tool" not in self._stepped:
            take(data)

    def _old_calls(self, data: dict[str, Any]) -> None:
        if "tool" in self._stepped:
            return
        for entry in sequence(data.get("calls")):
            call = mapping(entry)
            function = mapping(call.get("function")) or call
            self._tool_call({**function, "id_ref": call.get("id")})

    def _show_spare(self) -> None:
        """Show what only old events said."""
        spare, self._spare = self._spare, {}
        shown = self._told + [opened.text for opened in self._prose.values()]
        for kind, pieces in spare.items():
            text = "".join(pieces)
            if not any(text in other for other in shown):
                opened = self._loose[kind] = self._steps.open(_PROSE[kind])
                self._steps.append(opened, text)

    # --- the end ---

    def _done(self, data: dict[str, Any]) -> None:
        self._word = "done"
        usage = mapping(data.get("usage"))
        self._usage = read_usage(usage) if usage else Usage(output=integer(data.get("token_count")))
        self._writer.usage = self._usage
        if title := text_of(data.get("suggested_title")):
            self._writer.notice("topic", f"the server calls this conversation: {title}")

    def _error(self, data: dict[str, Any]) -> None:
        self._word = "error"
        said = data.get("content")
        error = {**data, "message": said} if isinstance(said, str) else data
        self._failure = failure_of_error(error or "the server failed", provider=self._provider)

    def _end_prose(self, status: Status = Status.DONE) -> None:
        for opened in [*self._prose.values(), *self._loose.values()]:
            if not opened.closed:
                self._told.append(opened.text)
                self._steps.finish(opened, status)
        self._loose = {}

    def _close(self, status: Status) -> None:
        self._end_prose(status)
        self._steps.close(status)


_NO_KEY: Key = ("tool_call", None, None)
_STEP_TYPES = frozenset((*_PROSE, "tool_call", "tool_result"))


def _key(kind: str, step: dict[str, Any]) -> Key:
    """By what a step is known when it comes again; the oldest have only an index."""
    step_id, index = step.get("id"), step.get("index")
    return (
        kind,
        step_id if isinstance(step_id, str | int) else None,
        index if isinstance(index, int) else None,
    )


def _call_id(step: dict[str, Any]) -> str:
    for field in ("id_ref", "tool_call_id", "id"):
        value = step.get(field)
        if isinstance(value, str | int) and not isinstance(value, bool) and value != "":
            return str(value)
    return ""


def _outcome(step: dict[str, Any], content: Any) -> Outcome:
    """What became of a call: said beside its result, or in it."""
    if step.get("skipped") is True:
        return Outcome.CANCELLED
    success = step.get("success")
    if success is None and isinstance(content, str) and content.startswith("{"):
        try:
            success = mapping(json.loads(content)).get("success")
        except (ValueError, RecursionError):
            success = None
    return Outcome.FAILED if success is False or step.get("error") else Outcome.DONE


def _arguments(step: dict[str, Any]) -> Any:
    return step.get("arguments", step.get("args"))
