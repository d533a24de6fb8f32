"""Decoder for Ollama's own protocol: lines of JSON from /api/chat, or /api/generate.

Calls come whole, on one line or several, mostly without ids; that there are any, not `done_reason`,
says that the model waits for them.
"""

from __future__ import annotations

import json
from typing import Any

from chatterm.assembly import OpenStep, StepWriter
from chatterm.errors import ErrorKind, Failure
from chatterm.providers.base import RoundEnd
from chatterm.providers.decoding import (
    BUDGET_THOUGHT_AWAY,
    failed,
    integer,
    mapping,
    sequence,
    stream_cut,
    text_of,
)
from chatterm.providers.failures import error_in, failure_of_error
from chatterm.providers.prose import Prose
from chatterm.providers.think_tags import Part, Piece, ThinkTagSplitter
from chatterm.providers.tool_slots import read_arguments
from chatterm.steps import FinishReason, Status, TextStep, ThinkingStep, ToolCallStep, Usage

_ONLY_LOADED = {
    "load": "the server loaded the model and wrote nothing",
    "unload": "the server unloaded the model and wrote nothing",
}


class OllamaDecoder:
    """Reads the lines of a chat into steps.

    Args:
        writer: Where the steps are written.
        provider: The provider's name, for messages.
    """

    def __init__(self, writer: StepWriter, provider: str = "") -> None:
        self._writer = writer
        self._provider = provider
        self._prose = Prose(writer, _closing)
        self._tags = ThinkTagSplitter()
        self._calls: list[tuple[OpenStep, str]] = []  # each with the id that the server gave it
        self._usage = Usage()
        self._word: str | None = None
        self._done = False
        self._failure: Failure | None = None

    @property
    def ended(self) -> bool:
        """The last line has come, or an error."""
        return self._done or self._failure is not None

    @property
    def answered(self) -> bool:
        """The last line has come."""
        return self._done

    def event(self, name: str | None, data: Any) -> None:
        """Read one line."""
        line = mapping(data)
        if error_in(line) or name == "error":
            self._fail(data)
            return
        message = mapping(line.get("message"))
        if not message and "response" in line:  # /api/generate
            message = {"content": line["response"], "thinking": line.get("thinking")}
        if thinking := text_of(message.get("thinking")):
            self._tags.stop()
            self._think(thinking)
        if content := text_of(message.get("content")):
            self._text(content)
        for call in sequence(message.get("tool_calls")):
            self._call(mapping(call))
        if images := sequence(message.get("images")):
            self._end_prose()
            self._writer.notice("image", f"the reply holds {len(images)} image(s), not shown here")
        if line.get("done") is True:
            self._end(line)

    def close(self, failure: Failure | None = None) -> RoundEnd:
        """Close the round's steps and say what it came to; `failure` says why it was cut short."""
        self._flush_tags()
        self._failure = failure or self._failure
        if self._failure is None and not self._done:
            self._failure = stream_cut(text_shown=self._shown)
        if self._failure is not None:
            return self._close_failed(self._failure)
        self._prose.end()
        cut_off = self._word == "length"
        self._finish_calls(Status.INTERRUPTED if cut_off else Status.DONE)
        if cut_off and not self._spoke:
            self._writer.notice("length", BUDGET_THOUGHT_AWAY)
        if self._word in _ONLY_LOADED and not self._shown:
            self._writer.notice("load", _ONLY_LOADED[self._word])
        reason = FinishReason.LENGTH if cut_off else FinishReason.STOP
        return RoundEnd(reason, self._word, self._usage)

    @property
    def _spoke(self) -> bool:
        return TextStep.kind in self._prose.saw or ToolCallStep.kind in self._prose.saw

    @property
    def _shown(self) -> bool:
        return bool(self._prose.saw)

    # --- prose ---

    def _text(self, text: str) -> None:
        # Models that the server doesn't know to be thinking leave their tags in the text.
        if self._tags.lets_pass(text):
            self._prose.grow(TextStep, text)
            return
        for piece in self._tags.feed(text):
            self._piece(piece)

    def _piece(self, piece: Piece) -> None:
        match piece.part:
            case Part.THINKING:
                self._think(piece.text)
            case Part.TEXT:
                self._prose.grow(TextStep, piece.text)
            case Part.TEXT_WAS_THINKING:
                self._prose.become_thinking()

    def _think(self, text: str) -> None:
        self._prose.grow(ThinkingStep, text)

    def _flush_tags(self) -> None:
        for piece in self._tags.finish():
            self._piece(piece)

    def _end_prose(self) -> None:
        self._flush_tags()
        self._prose.end()

    # --- calls ---

    def _call(self, call: dict[str, Any]) -> None:
        function = mapping(call.get("function"))
        name = text_of(function.get("name"))
        if not name:
            return
        self._end_prose()
        self._prose.saw.add(ToolCallStep.kind)
        given = text_of(call.get("id"))
        opened = self._writer.open(ToolCallStep, call_id=given, name=name)
        arguments = function.get("arguments")
        if not isinstance(arguments, str):
            arguments = json.dumps({} if arguments is None else arguments, ensure_ascii=False)
        self._writer.append(opened, arguments)
        self._calls.append((opened, given))

    def _finish_calls(self, status: Status) -> None:
        taken: set[str] = set()
        for opened, given in self._calls:
            values, whole = read_arguments(opened.text)
            call_id = given or f"call_{opened.step.index}"
            while call_id in taken:  # an answer must find its own call
                call_id += "_"
            taken.add(call_id)
            self._writer.finish(
                opened,
                status if whole else Status.INTERRUPTED,
                call_id=call_id,
                input=values,
                opaque={"id": given} if given else None,
            )
        self._calls.clear()

    # --- the end ---

    def _end(self, line: dict[str, Any]) -> None:
        self._done = True
        self._word = text_of(line.get("done_reason")) or None
        self._usage = Usage(
            input=integer(line.get("prompt_eval_count")), output=integer(line.get("eval_count"))
        )
        self._writer.usage = self._usage

    def _fail(self, error: Any) -> None:
        if self._failure is None:
            self._failure = failure_of_error(error, provider=self._provider)

    def _close_failed(self, failure: Failure) -> RoundEnd:
        self._prose.end(Status.INTERRUPTED)
        self._finish_calls(Status.INTERRUPTED)
        if failure.kind is ErrorKind.STREAM_CUT and self._shown:
            self._writer.notice("stream_cut", failure.message)
        return failed(failure, word=self._word, usage=self._usage)


def _closing(opened: OpenStep) -> dict[str, Any]:
    """Thinking goes back in its own field, so that the model goes on from it."""
    return {"opaque": {"field": "thinking"}} if isinstance(opened.step, ThinkingStep) else {}
