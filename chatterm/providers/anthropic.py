"""Decoder for the Anthropic Messages protocol and the servers that speak it (PROVIDERS.md, 3).

A message is a list of content blocks; `BlockSteps` writes them, this reads what is around them.
"""

from __future__ import annotations

from typing import Any

from chatterm.assembly import StepWriter
from chatterm.errors import ErrorKind, Failure
from chatterm.providers.anthropic_blocks import BlockSteps
from chatterm.providers.anthropic_usage import read_usage
from chatterm.providers.base import RoundEnd
from chatterm.providers.decoding import (
    BUDGET_THOUGHT_AWAY,
    FILTERED,
    failed,
    mapping,
    sequence,
    stream_cut,
    text_of,
)
from chatterm.providers.failures import error_in, failure_of_error
from chatterm.steps import FinishReason, RefusalStep, Status, TextStep, ToolCallStep, Usage

# Stop reasons that aren't a plain stop.
_STOP = {
    "max_tokens": FinishReason.LENGTH,
    "model_context_window_exceeded": FinishReason.LENGTH,
    "refusal": FinishReason.REFUSAL,
    "content_filter": FinishReason.CONTENT_FILTER,
    "sensitive": FinishReason.CONTENT_FILTER,  # Z.ai
}
_PAUSED = "pause_turn"
_REFUSED = "the provider's safeguards stopped the reply"


class AnthropicDecoder:
    """Reads the events of a message, and whole messages, into steps.

    Args:
        writer: Where the steps are written.
        provider: The provider's name, for messages.
    """

    def __init__(self, writer: StepWriter, provider: str = "") -> None:
        self._writer = writer
        self._provider = provider
        self._blocks = BlockSteps(writer)
        self._counts: dict[str, Any] = {}
        self._usage = Usage()
        self._word: str | None = None
        self._details: dict[str, Any] = {}
        self._began = False
        self._ended = False
        self._failure: Failure | None = None

    @property
    def ended(self) -> bool:
        """`message_stop` has come, or an error."""
        return self._ended or self._failure is not None

    @property
    def answered(self) -> bool:
        """Nothing that counts follows any more."""
        return self.ended

    def event(self, name: str | None, data: Any) -> None:
        """Read one event of the stream."""
        if not isinstance(data, dict):
            if name == "error":
                self._fail(data)
            return
        match text_of(data.get("type")) or name:
            case "content_block_delta":
                self._blocks.delta(data.get("index"), mapping(data.get("delta")))
            case "content_block_start":
                self._blocks.start(data.get("index"), mapping(data.get("content_block")))
            case "content_block_stop":
                self._blocks.stop(data.get("index"))
            case "message_start":
                self._message_start(mapping(data.get("message")))
            case "message_delta":
                self._read_end(mapping(data.get("delta")))
                self._read_usage(data.get("usage"))
            case "message_stop":
                self._ended = True
            case "message":  # a whole answer, not streamed
                self._message_start(data)
                self._ended = True
            case _:
                if name == "error" or error_in(data):
                    self._fail(data)

    def close(self, failure: Failure | None = None) -> RoundEnd:
        """Close the round's steps and say what it came to; `failure` says why it was cut short."""
        self._failure = failure or self._failure
        if self._failure is None and not self._ended:
            self._failure = stream_cut(text_shown=bool(self._blocks.saw))
        if self._failure is not None:
            return self._close_failed(self._failure)
        reason = _STOP.get(self._word or "", FinishReason.STOP)
        if reason is FinishReason.REFUSAL:
            self._blocks.withdraw()
        self._blocks.finish(Status.DONE if reason is FinishReason.STOP else Status.INTERRUPTED)
        self._tell(reason)
        paused = self._word == _PAUSED
        return RoundEnd(reason, self._word, self._usage, paused=paused)

    # --- the message ---

    def _message_start(self, message: dict[str, Any]) -> None:
        if self._began:  # some gateways ask again behind our back
            self._blocks.begin_anew()
            self._counts, self._word, self._details = {}, None, {}
        self._began = True
        self._read_usage(message.get("usage"))
        for index, block in enumerate(sequence(message.get("content"))):
            self._blocks.start(index, mapping(block))
            self._blocks.stop(index)
        self._read_end(message)

    def _read_end(self, data: dict[str, Any]) -> None:
        self._word = text_of(data.get("stop_reason")) or self._word
        self._details = mapping(data.get("stop_details")) or self._details
        if container := text_of(mapping(data.get("container")).get("id")):
            self._blocks.container = container

    def _read_usage(self, usage: Any) -> None:
        """Counts are cumulative; those that come later take the place of the earlier ones."""
        counts = {key: value for key, value in mapping(usage).items() if value is not None}
        if counts:
            self._counts |= counts
            self._usage = self._writer.usage = read_usage(self._counts)

    # --- the end ---

    def _fail(self, error: Any) -> None:
        if self._failure is None:
            self._failure = failure_of_error(error, provider=self._provider)

    def _tell(self, reason: FinishReason) -> None:
        spoke = {TextStep.kind, ToolCallStep.kind} & self._blocks.saw
        if reason is FinishReason.REFUSAL:
            self._writer.add(RefusalStep, text=self._explanation())
        if reason is FinishReason.CONTENT_FILTER and not spoke:
            self._writer.add(RefusalStep, text=FILTERED)
        if reason is FinishReason.LENGTH and not spoke:
            self._writer.notice("length", BUDGET_THOUGHT_AWAY)

    def _explanation(self) -> str:
        if explanation := text_of(self._details.get("explanation")):
            return explanation
        category = text_of(self._details.get("category"))
        return f"{_REFUSED} ({category})" if category else _REFUSED

    def _close_failed(self, failure: Failure) -> RoundEnd:
        self._blocks.interrupt()
        if failure.kind is ErrorKind.STREAM_CUT and self._blocks.saw:
            self._writer.notice("stream_cut", failure.message)
        return failed(failure, word=self._word, usage=self._usage)
