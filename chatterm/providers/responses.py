"""Decoder for OpenAI Responses and the servers that speak it (PROVIDERS.md, section 1).

What is streamed belongs to output items, keyed by `output_index` (ids rotate behind some
gateways); a server that sends no index is keyed by the item's id, else by the item it opened last.
"""

from __future__ import annotations

from collections.abc import Callable
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
from chatterm.providers.failures import failure_of_error
from chatterm.providers.openai_usage import read_usage
from chatterm.providers.responses_steps import RAW, SUMMARY, Item, ItemSteps, Part
from chatterm.steps import FinishReason, RefusalStep, Status, TextStep, ToolCallStep, Usage

_INCOMPLETE = {
    "max_output_tokens": FinishReason.LENGTH,
    "content_filter": FinishReason.CONTENT_FILTER,
}


class ResponsesDecoder:
    """Reads `response.*` events, and whole `response` objects, into steps.

    Args:
        writer: Where the steps are written.
        provider: The provider's name, for messages.
        max_output_tokens: The limit that was asked for; some servers say `completed` when it is
            reached.

    Attributes:
        sequence_number: Of the last event that had one: where a background response resumes.
    """

    def __init__(
        self, writer: StepWriter, provider: str = "", max_output_tokens: int | None = None
    ) -> None:
        self._writer = writer
        self._provider = provider
        self._limit = max_output_tokens
        self._steps = ItemSteps(writer)
        self._items: dict[int | str, Item] = {}
        self._last: Item | None = None
        self._usage = Usage()
        self._word: str | None = None
        self._status: str | None = None
        self._incomplete_reason = ""
        self._failure: Failure | None = None
        self._moderated = False
        self.sequence_number: int | None = None
        self._handlers: dict[str, Callable[[dict[str, Any]], None]] = {
            "response.output_text.delta": self._text_delta,
            "response.output_text.done": self._text_done,
            "response.output_text.annotation.added": self._annotation,
            "response.content_part.added": self._part_added,
            "response.content_part.done": self._part_done,
            "response.refusal.delta": self._refusal_delta,
            "response.refusal.done": self._refusal_done,
            "response.reasoning_text.delta": self._raw_delta,
            "response.reasoning_text.done": self._raw_done,
            "response.reasoning_summary_text.delta": self._summary_delta,
            "response.reasoning_summary_text.done": self._summary_done,
            "response.function_call_arguments.delta": self._arguments_delta,
            "response.function_call_arguments.done": self._arguments_done,
            "response.custom_tool_call_input.delta": self._arguments_delta,
            "response.custom_tool_call_input.done": self._arguments_done,
            "response.mcp_call_arguments.delta": self._arguments_delta,
            "response.mcp_call_arguments.done": self._arguments_done,
            "response.code_interpreter_call_code.delta": self._arguments_delta,
            "response.code_interpreter_call_code.done": self._arguments_done,
            "response.shell_call_command.added": self._command_added,
            "response.shell_call_command.delta": self._arguments_delta,
            "response.output_item.added": self._item_added,
            "response.output_item.done": self._item_done,
            "response.created": self._progress,
            "response.in_progress": self._progress,
            "response.completed": self._ended,
            "response.incomplete": self._ended,
            "response.failed": self._ended,
            "response.cancelled": self._ended,
            "error": self._error,
        }

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
            return
        kind = data.get("type") or name
        number = data.get("sequence_number")
        if isinstance(number, int):
            self.sequence_number = number
        handler = self._handlers.get(kind) if isinstance(kind, str) else None
        if handler is not None:
            handler(data)
        elif data.get("object") == "response":  # a whole answer, not streamed
            self._ended({"response": data})
        elif data.get("error"):
            self._error(data)

    def close(self) -> RoundEnd:
        """Close the round's steps and say what it came to."""
        saw = self._steps.saw
        if self._failure is None and self._status is None:
            self._failure = stream_cut(text_shown=bool(saw))
        if self._failure is not None:
            self._close_items(Status.INTERRUPTED)
            if self._failure.kind is ErrorKind.STREAM_CUT and saw:
                self._writer.notice("stream_cut", self._failure.message)
            return failed(self._failure, word=self._word, usage=self._usage)
        reason = self._reason()
        self._close_items(Status.DONE if reason is FinishReason.STOP else Status.INTERRUPTED)
        return RoundEnd(
            self._settle_reason(reason),
            self._word,
            self._usage,
            approvals=tuple(self._steps.approvals),
        )

    # --- text, refusal, thinking ---

    def _text_delta(self, data: dict[str, Any]) -> None:
        self._steps.append(self._text_part(data), text_of(data.get("delta")))

    def _text_done(self, data: dict[str, Any]) -> None:
        if text := text_of(data.get("text")):
            self._steps.settle(self._text_part(data), text)

    def _refusal_delta(self, data: dict[str, Any]) -> None:
        self._steps.append(self._refusal_part(data), text_of(data.get("delta")))

    def _refusal_done(self, data: dict[str, Any]) -> None:
        if text := text_of(data.get("refusal")):
            self._steps.settle(self._refusal_part(data), text)

    def _part_added(self, data: dict[str, Any]) -> None:
        self._item(data)  # opens the item where output_item.added is missing

    def _part_done(self, data: dict[str, Any]) -> None:
        content = mapping(data.get("part"))
        self._steps.content(self._item(data), _index(data, "content_index"), content)

    def _annotation(self, data: dict[str, Any]) -> None:
        self._steps.cite(self._text_part(data), mapping(data.get("annotation")))

    def _raw_delta(self, data: dict[str, Any]) -> None:
        text = text_of(data.get("delta"))
        self._steps.think(self._item(data), RAW, _index(data, "content_index"), text)

    def _raw_done(self, data: dict[str, Any]) -> None:
        text = text_of(data.get("text"))
        self._steps.thought(self._item(data), RAW, _index(data, "content_index"), text)

    def _summary_delta(self, data: dict[str, Any]) -> None:
        text = text_of(data.get("delta"))
        self._steps.think(self._item(data), SUMMARY, _index(data, "summary_index"), text)

    def _summary_done(self, data: dict[str, Any]) -> None:
        text = text_of(data.get("text"))
        self._steps.thought(self._item(data), SUMMARY, _index(data, "summary_index"), text)

    def _text_part(self, data: dict[str, Any]) -> Part:
        return self._steps.prose(self._item(data), TextStep, _index(data, "content_index"))

    def _refusal_part(self, data: dict[str, Any]) -> Part:
        return self._steps.prose(self._item(data), RefusalStep, _index(data, "content_index"))

    # --- calls ---

    def _arguments_delta(self, data: dict[str, Any]) -> None:
        self._steps.append(self._steps.call(self._item(data)), text_of(data.get("delta")))

    def _arguments_done(self, data: dict[str, Any]) -> None:
        part = self._steps.call(self._item(data))
        for name in ("arguments", "input", "code"):
            self._steps.settle(part, text_of(data.get(name)))

    def _command_added(self, data: dict[str, Any]) -> None:
        part = self._steps.call(self._item(data))
        if part.opened.length:
            self._steps.append(part, "\n")

    # --- items ---

    def _item_added(self, data: dict[str, Any]) -> None:
        item = self._item(data)
        item.data = mapping(data.get("item"))
        if item.is_call:
            part = self._steps.call(item)
            if item.kind == "function_call":
                self._steps.settle(part, text_of(item.data.get("arguments")))

    def _item_done(self, data: dict[str, Any]) -> None:
        item = self._item(data)
        item.data = mapping(data.get("item")) or item.data
        self._steps.finish(item, Status.DONE)

    def _item(self, data: dict[str, Any]) -> Item:
        """The item that an event is about."""
        key = self._key(data)
        if key is None:
            if self._last is not None and "item" not in data:
                return self._last
            key = f"item {len(self._items)}"
        item = self._items.get(key)
        if item is None:
            item = self._items[key] = Item()
        self._last = item
        return item

    def _key(self, data: dict[str, Any]) -> int | str | None:
        index = data.get("output_index")
        if isinstance(index, int):
            return index
        item_id = text_of(data.get("item_id")) or text_of(mapping(data.get("item")).get("id"))
        return item_id or None

    # --- the response ---

    def _progress(self, data: dict[str, Any]) -> None:
        self._read_response(mapping(data.get("response")))

    def _ended(self, data: dict[str, Any]) -> None:
        response = mapping(data.get("response"))
        kind = text_of(data.get("type")).removeprefix("response.")
        self._status = text_of(response.get("status")) or kind or "completed"
        self._read_response(response)
        error = response.get("error")
        reason = text_of(mapping(response.get("incomplete_details")).get("reason"))
        self._incomplete_reason = reason
        detail = text_of(mapping(error).get("code")) or reason
        self._word = f"{self._status}:{detail}" if detail else self._status
        if self._status in ("failed", "cancelled") and self._failure is None:
            self._failure = failure_of_error(
                error or f"the provider says the response was {self._status}",
                provider=self._provider,
            )
        self._catch_up(sequence(response.get("output")))

    def _read_response(self, response: dict[str, Any]) -> None:
        usage = response.get("usage")
        if isinstance(usage, dict) and usage:
            self._usage = read_usage(usage)
        moderation = response.get("moderation")
        if isinstance(moderation, dict):
            self._moderated |= flagged(moderation)

    def _catch_up(self, output: list[Any]) -> None:
        """Take from the final response the items that the stream left out or open."""
        loose = any(isinstance(key, str) for key in self._items)
        for index, entry in enumerate(output):
            item = mapping(entry)
            event: dict[str, Any] = {"item": item}
            if not loose:
                event["output_index"] = index
            key = self._key(event)
            known = self._items.get(key) if key is not None else None
            if (known is None and not loose) or (known is not None and not known.done):
                self._item_done(event)

    def _error(self, data: dict[str, Any]) -> None:
        if self._failure is None:
            error = data.get("error") or data
            self._failure = failure_of_error(error, provider=self._provider)

    # --- the end ---

    def _close_items(self, status: Status) -> None:
        for item in self._items.values():
            self._steps.finish(item, status)

    def _reason(self) -> FinishReason:
        if self._status == "incomplete":
            return _INCOMPLETE.get(self._incomplete_reason, FinishReason.LENGTH)
        if self._limit and (self._usage.output or 0) >= self._limit:
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


def _index(data: dict[str, Any], name: str) -> int:
    value = data.get(name)
    return value if isinstance(value, int) else 0
