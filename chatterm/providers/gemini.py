"""Decoder for Gemini's generateContent, streamed or whole (PROVIDERS.md, section 4).

One candidate is read (the one with index 0). What must go back unchanged stands in the steps'
`opaque`: a text's `signed` ranges, a call's own id and signature, and every part that isn't text or
a call as it came.
"""

from __future__ import annotations

from typing import Any

from chatterm.assembly import OpenStep, StepWriter
from chatterm.errors import ErrorKind, Failure
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
from chatterm.providers.gemini_calls import FunctionCalls
from chatterm.providers.gemini_hosted import HOSTED_PARTS, HostedParts
from chatterm.providers.gemini_sources import Sources, read_usage
from chatterm.providers.prose import Prose
from chatterm.steps import FinishReason, NoticeStep, Status, TextStep, ThinkingStep, Usage

_REPLY_KEYS = frozenset(("candidates", "promptFeedback", "usageMetadata"))
_BLOCKED = "BLOCKED:"
_UNSPECIFIED = "FINISH_REASON_UNSPECIFIED"
_FINISH = {
    "STOP": FinishReason.STOP,
    "FUNCTION_CALL": FinishReason.STOP,  # what servers that imitate Gemini say of calls
    "MAX_TOKENS": FinishReason.LENGTH,
}
# Whatever else ends a reply makes it incomplete: a call gone wrong, a filter, or what is to come.
_MALFORMED = {
    "MALFORMED_FUNCTION_CALL": "the model made a malformed tool call",
    "UNEXPECTED_TOOL_CALL": "the model called a tool it wasn't offered",
    "TOO_MANY_TOOL_CALLS": "the model made too many tool calls in a row",
    "MISSING_THOUGHT_SIGNATURE": "the model made a tool call without a thought signature",
    "MALFORMED_RESPONSE": "the model made a malformed reply",
}
_FILTERS = frozenset(
    {"SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "MODEL_ARMOR"}
    | {"IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION"}
)


class GeminiDecoder:
    """Reads `GenerateContentResponse` objects into steps.

    Args:
        writer: Where the steps are written.
        provider: The provider's name, for messages.
    """

    def __init__(self, writer: StepWriter, provider: str = "") -> None:
        self._writer = writer
        self._provider = provider
        self._prose = Prose(writer, self._closing)
        self._signed: list[dict[str, Any]] = []  # ranges of the open prose that are signed
        self._calls = FunctionCalls(writer)
        self._hosted = HostedParts(writer)
        self._sources = Sources()
        self._counts: dict[str, Any] = {}
        self._usage = Usage()
        self._word: str | None = None
        self._why = ""  # what is said about the finish reason
        self._goes_on = False  # something came after a finish reason: it ends nothing
        self._failure: Failure | None = None
        self._spoke = False  # something other than thinking came

    @property
    def ended(self) -> bool:
        """An error has come; a good stream has no last word but its end."""
        return self._failure is not None

    @property
    def answered(self) -> bool:
        """A finish reason has come, or the prompt was blocked."""
        return self._word is not None and not self._goes_on

    def event(self, name: str | None, data: Any) -> None:
        """Read one chunk of the stream."""
        reply = mapping(data)
        error = reply.get("error") if reply.keys() & _REPLY_KEYS else error_in(data)
        if error or name == "error":
            self._fail(data)
        self._read_usage(mapping(reply.get("usageMetadata")))
        self._read_feedback(mapping(reply.get("promptFeedback")))
        for candidate in sequence(reply.get("candidates")):
            if isinstance(candidate, dict) and candidate.get("index") in (0, None):
                self._candidate(candidate)

    def close(self, failure: Failure | None = None) -> RoundEnd:
        """Close the round's steps and say what it came to; `failure` says why it was cut short."""
        self._failure = failure or self._failure
        if self._failure is None and self._word is None:
            shown = bool(self._prose.saw) or self._spoke
            self._failure = stream_cut(text_shown=shown)
        if self._failure is not None:
            return self._close_failed(self._failure)
        reason = _FINISH.get(self._word or "", FinishReason.CONTENT_FILTER)
        self._prose.end()
        self._calls.finish(ended_well=reason is FinishReason.STOP)
        self._hosted.finish()
        if self._sources:
            self._writer.add(TextStep, citations=self._sources.take(""))
        self._explain(reason)
        return RoundEnd(reason, self._word, self._usage)

    # --- a candidate ---

    def _candidate(self, candidate: dict[str, Any]) -> None:
        for part in sequence(mapping(candidate.get("content")).get("parts")):
            if isinstance(part, dict):
                self._goes_on = self._goes_on or (self._word is not None and _says(part))
                self._part(part)
        self._sources.read(candidate)
        word = text_of(candidate.get("finishReason"))
        if word and word != _UNSPECIFIED:
            self._word = word  # older models send it with every chunk
            self._why = text_of(candidate.get("finishMessage")) or _harms(candidate) or self._why

    def _part(self, part: dict[str, Any]) -> None:
        signature = text_of(part.get("thoughtSignature"))
        called = isinstance(part.get("functionCall"), dict)
        # Beside a call an empty text is only a field that a gateway filled.
        if isinstance(part.get("text"), str) and (part["text"] or not called):
            self._text(part, signature)
            return
        if called:
            self._prose.end()
            if self._calls.take(part["functionCall"], signature):
                self._spoke = True
            return
        if part.keys() & HOSTED_PARTS:
            self._prose.end()
            self._spoke = self._hosted.take(part) or self._spoke
            return
        self._other(part)

    def _text(self, part: dict[str, Any], signature: str) -> None:
        text, thought = part["text"], part.get("thought") is True
        cls: type[ThinkingStep | TextStep] = ThinkingStep if thought else TextStep
        opened = self._prose.opened(cls)
        if not text and opened is None:
            if signature:
                self._carry(part)
            return
        self._spoke = self._spoke or not thought
        start = opened.length if opened is not None else 0
        opened = self._prose.grow(cls, text, **({"summary": True} if thought else {}))
        if signature:
            signed = {"start": start, "end": opened.length, "thoughtSignature": signature}
            self._signed.append(signed)

    def _carry(self, part: dict[str, Any]) -> None:
        """Keep a part that shows nothing but must go back."""
        self._prose.end()
        self._writer.add(ThinkingStep, opaque={"part": part})

    def _other(self, part: dict[str, Any]) -> None:
        """What can't be shown here is told of by its kind, and goes back as it came."""
        kinds = part.keys() - {"thought", "thoughtSignature", "partMetadata"}
        if not kinds:
            if part.get("thoughtSignature"):
                self._carry(part)
            return
        data = mapping(part.get("inlineData")) or mapping(part.get("fileData"))
        if data:
            kind = text_of(data.get("mimeType")) or "of an unknown kind"
            reason, text = "image", f"the reply holds a file ({kind}), not shown here"
        else:
            names = ", ".join(sorted(kinds))
            reason, text = "unknown_part", f"the reply holds what isn't known here: {names}"
        self._prose.end()
        self._spoke = True
        self._writer.add(NoticeStep, reason=reason, text=text, opaque={"part": part})

    def _closing(self, opened: OpenStep) -> dict[str, Any]:
        """What a text or thinking step is given when it ends."""
        signed, self._signed = self._signed, []
        opaque: dict[str, Any] = {"signed": signed} if signed else {}
        if isinstance(opened.step, ThinkingStep):
            return {"opaque": {"thought": True, **opaque}}
        return {"opaque": opaque or None, "citations": self._sources.take(opened.text)}

    # --- what comes beside the candidates ---

    def _read_usage(self, counts: dict[str, Any]) -> None:
        if counts:
            # Cumulative, but not every chunk has every count.
            self._counts |= counts
            self._usage = read_usage(self._counts)
            self._writer.usage = self._usage

    def _read_feedback(self, feedback: dict[str, Any]) -> None:
        reason = text_of(feedback.get("blockReason"))
        if reason:
            self._word = f"{_BLOCKED}{reason}"
            self._why = text_of(feedback.get("blockReasonMessage")) or _harms(feedback)

    # --- the end ---

    def _fail(self, error: Any) -> None:
        if self._failure is None:
            self._failure = failure_of_error(error, provider=self._provider)

    def _explain(self, reason: FinishReason) -> None:
        word = self._word or ""
        if reason is FinishReason.LENGTH and not self._spoke:
            self._writer.notice("length", BUDGET_THOUGHT_AWAY)
        if reason is not FinishReason.CONTENT_FILTER:
            return
        why = self._why or word.removeprefix(_BLOCKED).replace("_", " ").lower()
        name = "malformed_call" if word in _MALFORMED else "content_filter"
        self._writer.notice(name, f"{_what_stopped(word)}: {why}")

    def _close_failed(self, failure: Failure) -> RoundEnd:
        self._prose.end(Status.INTERRUPTED)
        self._calls.finish(ended_well=False)
        self._hosted.finish(Status.INTERRUPTED)
        if failure.kind is ErrorKind.STREAM_CUT and (self._prose.saw or self._spoke):
            self._writer.notice("stream_cut", failure.message)
        return failed(failure, word=self._word, usage=self._usage)


def _what_stopped(word: str) -> str:
    if word.startswith(_BLOCKED):
        return "the provider blocked the prompt"
    stopped = FILTERED if word in _FILTERS else "the provider stopped the reply"
    return _MALFORMED.get(word, stopped)


def _says(part: dict[str, Any]) -> bool:
    """Whether a part is more than an empty text, which only carries a signature."""
    return bool(part.get("text")) or "functionCall" in part


def _harms(data: dict[str, Any]) -> str:
    """The harms for which something was blocked, in words."""
    ratings = (mapping(rating) for rating in sequence(data.get("safetyRatings")))
    harms = [text_of(rating.get("category")) for rating in ratings if rating.get("blocked") is True]
    words = (harm.removeprefix("HARM_CATEGORY_").replace("_", " ").lower() for harm in harms)
    return ", ".join(filter(None, words))
