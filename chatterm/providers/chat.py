"""Decoder for Chat Completions and its dialects (PROVIDERS.md, section 2).

One choice is read (the one with index 0), whatever ids its chunks carry. A chunk's fields are read
in the order in which a model produces them: thinking, text, calls.
"""

from __future__ import annotations

from typing import Any

from chatterm.assembly import OpenStep, StepWriter
from chatterm.errors import ErrorKind, Failure
from chatterm.providers.base import RoundEnd
from chatterm.providers.chat_thinking import (
    THINKING_KEYS,
    ReasoningDetails,
    chunk_thinking,
    content_parts,
)
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
from chatterm.providers.think_tags import Part, Piece, ThinkTagSplitter
from chatterm.providers.tool_slots import HostedCalls, ToolSlots
from chatterm.steps import (
    Citation,
    FinishReason,
    RefusalStep,
    Status,
    TextStep,
    ThinkingStep,
    ToolCallStep,
    Usage,
)

# Finish reasons, in lower case, that aren't a plain stop.
_FINISH = {
    "length": FinishReason.LENGTH,
    "max_tokens": FinishReason.LENGTH,
    "model_length": FinishReason.LENGTH,
    "model_context_window_exceeded": FinishReason.LENGTH,
    "content_filter": FinishReason.CONTENT_FILTER,
    "sensitive": FinishReason.CONTENT_FILTER,  # Z.ai
    "safety": FinishReason.CONTENT_FILTER,
    "refusal": FinishReason.REFUSAL,
}

# Finish reasons that are failures, as the error object that the server left out.
_FAILURES = {
    "error": {"message": "the provider ended the reply with an error"},
    "network_error": {"message": "the provider lost its model", "code": "server_error"},
    "insufficient_system_resource": {  # DeepSeek
        "message": "the provider ran out of resources",
        "code": "overloaded_error",
    },
}

# Fields of a delta that say something, beside its content.
_SAYS = ("content", "reasoning_content", "reasoning", "refusal", "tool_calls", "function_call")

# What nearly every chunk, choice and delta has; only those that have more are looked at closely.
_CHUNK_KEYS = frozenset(
    ("id", "object", "created", "model", "system_fingerprint", "service_tier", "choices")
)
_CHOICE_KEYS = frozenset(("index", "delta", "finish_reason", "logprobs"))
_PLAIN_KEYS = frozenset(("role", "content"))


class ChatDecoder:
    """Reads `chat.completion.chunk` objects, and whole `chat.completion` ones, into steps.

    Args:
        writer: Where the steps are written.
        provider: The provider's name, for messages.
    """

    def __init__(self, writer: StepWriter, provider: str = "") -> None:
        self._writer = writer
        self._provider = provider
        self._prose: OpenStep | None = None  # the open thinking, text or refusal step
        self._tags = ThinkTagSplitter()
        self._details = ReasoningDetails()
        self._thinking_field: str | None = None
        self._slots = ToolSlots(writer)
        self._hosted = HostedCalls(writer)
        self._citations: dict[tuple[str, int | None], Citation] = {}
        self._cited: set[tuple[str, int | None]] = set()
        self._usage = Usage()
        self._word: str | None = None
        self._goes_on = False  # something came after a finish reason: it ends nothing
        self._done = False
        self._failure: Failure | None = None
        self._saw: set[str] = set()  # kinds of step that came
        self._moderated = False

    @property
    def ended(self) -> bool:
        """`[DONE]` has come, or an error."""
        return self._done or self._failure is not None

    @property
    def answered(self) -> bool:
        """A finish reason has come; usage may follow."""
        return self._word is not None and not self._goes_on

    def event(self, name: str | None, data: Any) -> None:
        """Read one event of the stream."""
        if data == "[DONE]":
            self._done = True
            return
        if not isinstance(data, dict) or name is not None or data.keys() - _CHUNK_KEYS:
            self._beside_choices(name, data)
        if not isinstance(data, dict):
            return
        for choice in sequence(data.get("choices")):
            if isinstance(choice, dict) and choice.get("index") in (0, None):
                self._choice(choice)

    def _beside_choices(self, name: str | None, data: Any) -> None:
        """Read what isn't in a choice. An error here says more than the choice that it ended."""
        streamed = isinstance(data, dict) and "choices" in data
        error = data.get("error") if streamed else error_in(data)
        if error or name == "error":
            self._fail(data)
        data = mapping(data)
        if groq := mapping(data.get("x_groq")).get("error"):
            self._fail(groq)
        self._read_usage(data)
        self._read_citations(data)
        self._read_moderation(data)

    def close(self, failure: Failure | None = None) -> RoundEnd:
        """Close the round's steps and say what it came to; `failure` says why it was cut short."""
        self._flush_tags()
        self._failure = failure or self._failure
        if self._failure is not None:
            return self._close_failed(self._failure)
        if not self._done and self._word is None:
            cut = stream_cut(text_shown=bool(self._saw))
            return self._close_failed(cut)
        self._end_prose()
        self._late_details()
        reason = _FINISH.get((self._word or "").lower(), FinishReason.STOP)
        cut_off = reason in (FinishReason.LENGTH, FinishReason.CONTENT_FILTER)
        self._slots.finish(Status.INTERRUPTED if cut_off else Status.DONE)
        self._orphan_citations()
        return RoundEnd(self._settle_reason(reason), self._word, self._usage)

    @property
    def _silent(self) -> bool:
        """Whether nothing of the reply has come so far."""
        return not self._saw and self._tags.untouched

    # --- a choice ---

    def _choice(self, choice: dict[str, Any]) -> None:
        delta = mapping(choice.get("delta"))
        message = choice.get("message")
        if isinstance(message, dict) and self._silent and not any(map(delta.get, _SAYS)):
            delta = message  # a whole reply, or a stream's last word where nothing came before
        if self._word is not None and any(map(delta.get, _SAYS)):
            self._goes_on = True  # some servers give a finish reason with every chunk
        if delta:
            self._delta(delta)
        if choice.keys() - _CHOICE_KEYS or choice.get("finish_reason"):
            self._beside_delta(choice)

    def _beside_delta(self, choice: dict[str, Any]) -> None:
        word = text_of(choice.get("finish_reason"))
        if word and word != "null":  # iFlytek's and Alibaba's servers write it so
            self._word = word
        self._read_usage(choice)  # Moonshot's place for it
        if error := choice.get("error") or _FAILURES.get(word.lower()):
            self._fail(error)
        filtered = mapping(choice.get("content_filter_results")).values()
        self._moderated |= any(mapping(result).get("filtered") is True for result in filtered)

    def _delta(self, delta: dict[str, Any]) -> None:
        more = delta.keys() - _PLAIN_KEYS
        if more:
            self._thoughts(delta)
        content = delta.get("content")
        if isinstance(content, str):
            if content:
                self._text(content)
        elif isinstance(content, list):
            self._content_list(content)
        if more - THINKING_KEYS:
            self._rest_of(delta)

    def _thoughts(self, delta: dict[str, Any]) -> None:
        thinking = chunk_thinking(delta)
        if thinking.field and (thinking.text or self._thinking_field is None):
            self._thinking_field = thinking.field
        if thinking.text:
            self._tags.stop()
            self._think(thinking.text, summary=thinking.summary)
        self._details.add(delta)

    def _rest_of(self, delta: dict[str, Any]) -> None:
        if refusal := text_of(delta.get("refusal")):
            self._flush_tags()
            self._grow(RefusalStep, refusal)
        self._annotations(delta.get("annotations"))
        self._calls(delta)
        if executed := sequence(delta.get("executed_tools")):
            self._flush_tags()
            self._end_prose()
            for tool in executed:
                self._hosted.executed(mapping(tool))
        if images := sequence(delta.get("images")):
            self._end_prose()
            self._writer.notice("image", f"the reply holds {len(images)} image(s), not shown here")

    def _content_list(self, parts: list[Any]) -> None:
        for is_thinking, text in content_parts(parts):
            if is_thinking:
                self._tags.stop()
                self._thinking_field = "content"
                self._think(text)
            else:
                self._text(text)

    def _calls(self, delta: dict[str, Any]) -> None:
        fragments = [f for f in sequence(delta.get("tool_calls")) if isinstance(f, dict)]
        legacy = delta.get("function_call")
        if isinstance(legacy, dict):
            fragments.append({"index": 0, "function": legacy})
        if not fragments:
            return
        self._flush_tags()
        self._end_prose()
        for fragment in fragments:
            self._slots.fragment(fragment)
        if self._slots:
            self._saw.add(ToolCallStep.kind)

    # --- prose ---

    def _text(self, text: str) -> None:
        if self._tags.lets_pass(text):
            self._grow(TextStep, text)
            return
        for piece in self._tags.feed(text):
            self._text_piece(piece)

    def _flush_tags(self) -> None:
        """What was held back comes before what comes now."""
        for piece in self._tags.finish():
            self._text_piece(piece)

    def _text_piece(self, piece: Piece) -> None:
        match piece.part:
            case Part.THINKING:
                self._think(piece.text)
            case Part.TEXT:
                self._grow(TextStep, piece.text)
            case Part.TEXT_WAS_THINKING:
                if self._prose is not None and isinstance(self._prose.step, TextStep):
                    self._writer.become(self._prose, ThinkingStep)
                    self._saw.discard(TextStep.kind)
                    self._saw.add(ThinkingStep.kind)

    def _think(self, text: str, *, summary: bool = False) -> None:
        step = self._prose.step if self._prose else None
        if isinstance(step, ThinkingStep) and step.summary != summary:
            self._end_prose()
        self._grow(ThinkingStep, text, **({"summary": True} if summary else {}))

    def _grow(
        self, cls: type[ThinkingStep | TextStep | RefusalStep], text: str, **new: Any
    ) -> None:
        if self._prose is None or not isinstance(self._prose.step, cls):
            self._end_prose()
            self._prose = self._writer.open(cls, **new)
            self._saw.add(cls.kind)
        self._writer.append(self._prose, text)

    def _end_prose(self, status: Status = Status.DONE) -> None:
        prose, self._prose = self._prose, None
        if prose is None:
            return
        if isinstance(prose.step, ThinkingStep):
            self._writer.amend(prose, opaque=self._opaque())
        elif isinstance(prose.step, TextStep) and self._citations:
            self._writer.amend(prose, citations=self._take_citations())
        self._writer.finish(prose, status)

    # --- thinking that goes back ---

    def _opaque(self) -> dict[str, Any] | None:
        opaque = self._details.take()
        if self._thinking_field:
            opaque["field"] = self._thinking_field
        return opaque or None

    def _late_details(self) -> None:
        """Keep what must be sent back but belongs to no thinking that was shown."""
        empty_but_wanted = (
            self._thinking_field == "reasoning_content"
            and bool(self._slots)
            and ThinkingStep.kind not in self._saw
        )
        if self._details or empty_but_wanted:
            self._writer.add(ThinkingStep, opaque=self._opaque())

    # --- what comes beside the choice ---

    def _read_usage(self, data: dict[str, Any]) -> None:
        usage = data.get("usage") or mapping(data.get("x_groq")).get("usage")
        if isinstance(usage, dict) and usage:
            # Cumulative wherever it repeats: the last one that says something counts.
            self._usage = read_usage(usage) or self._usage
            self._writer.usage = self._usage

    def _read_citations(self, data: dict[str, Any]) -> None:
        for result in sequence(data.get("search_results")):
            found = mapping(result)
            if url := text_of(found.get("url")):
                self._cite(Citation(text_of(found.get("title")), url))
        for entry in sequence(data.get("citations")):
            found = mapping(entry)
            if url := text_of(entry) or text_of(found.get("url")):
                self._cite(Citation(text_of(found.get("title")), url))

    def _annotations(self, annotations: Any) -> None:
        for annotation in sequence(annotations):
            entry = mapping(annotation)
            cited = mapping(entry.get("url_citation")) or entry  # or flat, as in Responses
            if url := text_of(cited.get("url")):
                start, end = cited.get("start_index"), cited.get("end_index")
                self._cite(
                    Citation(
                        text_of(cited.get("title")),
                        url,
                        start if isinstance(start, int) else None,
                        end if isinstance(end, int) else None,
                    )
                )

    def _cite(self, citation: Citation) -> None:
        key = (citation.url, citation.start)
        known = self._citations.get(key)
        if known is None and key in self._cited:
            return
        if known is None or (citation.title and not known.title):
            self._citations[key] = citation
            self._cited |= {key, (citation.url, None)}

    def _take_citations(self) -> tuple[Citation, ...]:
        citations = tuple(self._citations.values())
        self._citations.clear()
        return citations

    def _orphan_citations(self) -> None:
        if self._citations:
            self._writer.add(TextStep, citations=self._take_citations())

    def _read_moderation(self, data: dict[str, Any]) -> None:
        moderation = data.get("moderation")
        if isinstance(moderation, dict):
            self._moderated |= flagged(moderation)

    # --- the end ---

    def _fail(self, error: Any) -> None:
        if self._failure is None:
            self._failure = failure_of_error(error, provider=self._provider)

    def _settle_reason(self, reason: FinishReason) -> FinishReason:
        spoke = {TextStep.kind, RefusalStep.kind, "tool_call"} & self._saw
        if RefusalStep.kind in self._saw and reason is FinishReason.STOP:
            return FinishReason.REFUSAL
        if reason in (FinishReason.CONTENT_FILTER, FinishReason.REFUSAL) and not spoke:
            self._writer.add(RefusalStep, text=FILTERED)
        if reason is FinishReason.LENGTH and not spoke:
            self._writer.notice("length", BUDGET_THOUGHT_AWAY)
        if self._moderated:
            self._writer.notice("moderated", MODERATED)
        if "malformed" in (self._word or "").lower():
            self._writer.notice("malformed_call", "the model made a malformed tool call")
            return FinishReason.CONTENT_FILTER
        return reason

    def _close_failed(self, failure: Failure) -> RoundEnd:
        self._end_prose(Status.INTERRUPTED)
        self._late_details()
        self._slots.finish(Status.INTERRUPTED)
        self._writer.interrupt()
        if failure.kind is ErrorKind.STREAM_CUT and self._saw:
            self._writer.notice("stream_cut", failure.message)
        return failed(failure, word=self._word, usage=self._usage)
