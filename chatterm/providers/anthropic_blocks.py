"""Writing the content blocks of the Anthropic Messages protocol as steps.

Text blocks that follow each other are one step: the server cuts a paragraph into several where it
cites. A call stays open until the message is whole, for only then is it known that it wasn't cut
off, and so does the thinking that led to it. That is also what makes it possible to begin anew in
the same steps when the server does.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from chatterm.assembly import OpenStep, StepWriter, join_surrogates
from chatterm.providers.anthropic_hosted import (
    is_hosted_call,
    is_result,
    notice_of,
    read_citation,
    read_result,
    result_name,
)
from chatterm.providers.decoding import mapping, sequence, text_of
from chatterm.providers.tool_slots import argument_text, read_arguments
from chatterm.steps import (
    Citation,
    NoticeStep,
    Status,
    Step,
    TextStep,
    ThinkingStep,
    ToolCallStep,
    ToolResultStep,
)

_THINKING = ("thinking", "redacted_thinking")
# The fields of a call's block that its step has; what else there is goes back as it came.
_CALL_FIELDS = ("type", "id", "name", "input")

TAKEN_BACK = "the provider took back what it had said before; it is not sent again"
BEGUN_ANEW = "the provider began its reply anew: what came before this doesn't count"


@dataclass(slots=True, eq=False)
class Block:
    """A content block as far as it has come.

    Attributes:
        data: The block as it began, with what deltas set since (a signature).
        opened: Its step, once there is something to show.
        start: Where a text block begins in its step.
        pieces: What was streamed into a block that has no step of its own.
        citations: A text block's citations as they came.
        stopped: Whether its end has come.
        again: Whether it is told once more after it was whole.
    """

    data: dict[str, Any]
    opened: OpenStep | None = None
    start: int = 0
    pieces: list[str] = field(default_factory=list)
    citations: list[dict[str, Any]] = field(default_factory=list)
    stopped: bool = False
    again: bool = False

    @property
    def kind(self) -> str:
        """The block's type."""
        return text_of(self.data.get("type"))

    @property
    def text(self) -> str:
        """What was streamed into it."""
        return join_surrogates("".join(self.pieces))


class BlockSteps:
    """Writes the blocks of one message as steps.

    Args:
        writer: Where the steps are written.

    Attributes:
        saw: The kinds of steps that came.
        container: The server's container that calls from within code came out of.
    """

    def __init__(self, writer: StepWriter) -> None:
        self._writer = writer
        self.saw: set[str] = set()
        self.container = ""
        self._by_index: dict[int, Block] = {}
        self._last: Block | None = None
        self._texts: list[Block] = []  # the text blocks of the open text step
        self._thoughts: list[Block] = []  # thinking that is still open
        self._calls: list[Block] = []
        self._hosted_names: dict[str, str] = {}
        self._spare: list[OpenStep] = []  # open steps of a message that was begun anew
        self._closed = False  # whether steps of this message were finished
        self._told_text = False  # whether texts were

    # --- what comes ---

    def start(self, index: Any, data: dict[str, Any]) -> None:
        """A block begins."""
        known = self._by_index.get(index) if isinstance(index, int) else None
        if known is not None and data.get("id") and known.data.get("id") == data.get("id"):
            known.again = known.stopped and known.opened is not None and known.opened.length > 0
            return  # what message_start had already told, or the same call once more
        if known is not None and not known.stopped:
            self.stop(index)
        block = Block(dict(data))
        if isinstance(index, int):
            self._by_index[index] = block
        self._last = block
        kind = block.kind
        if kind != "text":
            self._end_text()
        if kind != "tool_use":
            self._end_thoughts()
        if kind in ("text", *_THINKING):
            self._start_prose(block)
        elif kind == "tool_use" or is_hosted_call(kind):
            self._start_call(block)
        elif is_result(kind):
            self._result(block)

    def delta(self, index: Any, delta: dict[str, Any]) -> None:
        """A block grows."""
        block = self._by_index.get(index) if isinstance(index, int) else self._last
        match text_of(delta.get("type")):
            case "text_delta":
                self._grow(index, block, "text", text_of(delta.get("text")))
            case "thinking_delta":
                self._grow(index, block, "thinking", text_of(delta.get("thinking")))
            case "signature_delta" if block is not None:
                block.data["signature"] = text_of(delta.get("signature"))
            case "input_json_delta" if block is not None:
                self._append_input(block, argument_text(delta.get("partial_json")))
            case "citations_delta" if block is not None:
                self._cite(block, mapping(delta.get("citation")))
            case "compaction_delta" if block is not None:
                block.pieces.append(text_of(delta.get("content")))
                block.data |= {k: v for k, v in delta.items() if k not in ("type", "content")}

    def stop(self, index: Any) -> None:
        """A block is whole."""
        block = self._by_index.get(index) if isinstance(index, int) else self._last
        if block is None or block.stopped:
            return
        block.stopped = True
        kind = block.kind
        if kind in _THINKING:
            if block.opened is not None:
                self._writer.rest(block.opened)
            elif block.data.get("signature") or block.data.get("data"):
                self._open_thought(block)  # shows nothing, and must go back all the same
        elif kind.endswith("tool_use"):
            self._settle_input(block)
            if is_hosted_call(kind):
                self._calls.remove(block)
                self._finish_hosted(block)
        elif kind != "text" and not is_result(kind):
            self._notice(block)

    # --- what it comes to ---

    def finish(self, status: Status) -> None:
        """The message is over: close what is open.

        Args:
            status: DONE when it ended as it should; else INTERRUPTED, for then nobody knows
                which of its calls were meant as they stand.
        """
        cut = self._last if status is not Status.DONE else None
        self._end_text()
        self._end_thoughts(cut)
        taken: set[str] = set()
        for block in self._calls:
            self._finish_call(block, status, taken)
        self._calls = []
        self._abandon()

    def interrupt(self) -> None:
        """The message was cut off: close what is open as it stands."""
        self._end_text(Status.INTERRUPTED)
        self._end_thoughts(self._last)
        for block in self._calls:
            self._finish_call(block, Status.INTERRUPTED, set())
        self._calls = []
        self._abandon()

    def withdraw(self) -> None:
        """The provider took back the texts of this message."""
        opened, self._texts = self._texts[0].opened if self._texts else None, []
        if opened is not None:
            self._writer.update(opened, withdrawn=True)
            self._writer.finish(opened)
        if self._told_text:
            self._writer.notice("withdrawn", TAKEN_BACK)

    def begin_anew(self) -> None:
        """Another message begins in place of this one: nothing of it counts any more."""
        spare = [block.opened for block in self._thoughts if block.opened]
        spare += [block.opened for block in self._texts[:1] if block.opened]
        spare += [block.opened for block in self._calls if block.opened]
        spare += self._spare
        self._spare = sorted(spare, key=lambda opened: opened.step.index)
        if self._closed:
            self._abandon()
            self._writer.notice("withdrawn", BEGUN_ANEW)
        self._by_index, self._last = {}, None
        self._texts, self._thoughts, self._calls = [], [], []
        self._closed = self._told_text = False
        self.saw.clear()

    # --- prose ---

    def _start_prose(self, block: Block) -> None:
        """Steps open with their first character, so that a reply that fails at once shows none."""
        if block.kind == "text":
            self._cite_all(block)
            self._grow(None, block, "text", text_of(block.data.get("text")))
        elif block.kind == "thinking":
            self._grow(None, block, "thinking", text_of(block.data.get("thinking")))

    def _grow(self, index: Any, block: Block | None, kind: str, text: str) -> None:
        if not text:
            return
        closed = block is not None and block.opened is not None and block.opened.closed
        if block is None or block.kind != kind or closed:
            self.start(index, {"type": kind, kind: text})
            return
        block.pieces.append(text)
        if block.opened is None and kind == "text":
            self._open_text(block)
        elif block.opened is None:
            self._open_thought(block)
        if block.opened is not None:
            self._writer.append(block.opened, text)

    def _open_text(self, block: Block) -> None:
        block.opened = self._texts[0].opened if self._texts else self._open(TextStep)
        if block.opened is not None:
            block.start = block.opened.length
        self._texts.append(block)

    def _open_thought(self, block: Block) -> None:
        block.opened = self._open(ThinkingStep)
        self._thoughts.append(block)

    def _end_text(self, status: Status = Status.DONE) -> None:
        texts, self._texts = self._texts, []
        if not texts or (opened := texts[0].opened) is None:
            return
        self._told_text = self._closed = True
        cited = any(block.citations for block in texts)
        self._writer.finish(
            opened,
            status,
            citations=_citations(texts, opened.length) if cited else (),
            opaque={"blocks": [_text_block(block) for block in texts]} if cited else None,
        )

    def _end_thoughts(self, cut: Block | None = None) -> None:
        """Close the thinking. What was cut off (a signature is its last word) isn't sent back."""
        for block in self._thoughts:
            if block.opened is None:
                continue
            signed = block.kind != "thinking" or block.data.get("signature")
            cut_off = not signed and (block is cut or not block.stopped)
            status = Status.INTERRUPTED if cut_off else Status.DONE
            data = {key: value for key, value in block.data.items() if key != "thinking"}
            self._writer.finish(block.opened, status, opaque={"block": data})
            self._closed = True
        self._thoughts = []

    def _cite_all(self, block: Block) -> None:
        for citation in sequence(block.data.get("citations")):
            self._cite(block, mapping(citation))

    def _cite(self, block: Block, citation: dict[str, Any]) -> None:
        if citation:
            block.citations.append(citation)

    # --- calls ---

    def _start_call(self, block: Block) -> None:
        hosted = is_hosted_call(block.kind)
        call_id, name = text_of(block.data.get("id")), text_of(block.data.get("name"))
        block.opened = self._open(ToolCallStep, call_id=call_id, name=name, hosted=hosted)
        self._calls.append(block)
        if hosted:
            self._hosted_names[call_id] = name

    def _append_input(self, block: Block, text: str) -> None:
        is_call = block.opened is not None and isinstance(block.opened.step, ToolCallStep)
        if is_call and block.opened is not None and not (block.opened.closed or block.again):
            self._writer.append(block.opened, text)

    def _settle_input(self, block: Block) -> None:
        """Some servers send the input whole, where the block begins."""
        given = block.data.get("input")
        if block.opened is not None and not block.opened.text.strip() and given:
            self._writer.replace_text(block.opened, argument_text(given))

    def _finish_call(self, block: Block, status: Status, taken: set[str]) -> None:
        if block.opened is None:
            return
        if is_hosted_call(block.kind):
            self._finish_hosted(block, Status.INTERRUPTED)
            return
        self._settle_input(block)
        values, whole = read_arguments(block.opened.text)
        step = block.opened.step
        if not text_of(block.data.get("name")) or not (block.stopped or whole):
            status = Status.INTERRUPTED
        call_id = text_of(block.data.get("id")) or f"call_{step.index}"
        while call_id in taken:  # an answer must find its own call
            call_id += "_"
        taken.add(call_id)
        extra = {key: value for key, value in block.data.items() if key not in _CALL_FIELDS}
        opaque: dict[str, Any] = {"block": extra} if extra else {}
        if extra and self.container:
            opaque["container"] = self.container
        self._writer.finish(
            block.opened, status, call_id=call_id, input=values, opaque=opaque or None
        )

    def _finish_hosted(self, block: Block, status: Status = Status.DONE) -> None:
        if block.opened is None:
            return
        values, whole = read_arguments(block.opened.text)
        data = {key: value for key, value in block.data.items() if key != "input"}
        status = status if whole else Status.INTERRUPTED
        self._writer.finish(block.opened, status, input=values, opaque={"block": data})
        self._closed = True

    def _result(self, block: Block) -> None:
        call_id = text_of(block.data.get("tool_use_id"))
        name = self._hosted_names.get(call_id) or result_name(block.kind)
        self.saw.add(ToolResultStep.kind)
        self._abandon()
        fields = read_result(block.data)
        opaque = {"block": block.data}
        self._writer.add(ToolResultStep, call_id=call_id, name=name, opaque=opaque, **fields)
        self._closed = True

    def _notice(self, block: Block) -> None:
        if block.pieces:
            block.data["content"] = block.text
        kind = block.kind or "unknown"
        self._abandon()
        opaque = {"block": block.data} if block.kind else None  # without a type it can't go back
        self._writer.add(NoticeStep, reason=kind, text=notice_of(block.data), opaque=opaque)
        self._closed = True

    # --- steps ---

    def _open(self, cls: type[Step], **values: Any) -> OpenStep:
        """A step for a block: one of the message that was begun anew, as long as they match."""
        self.saw.add(cls.kind)
        if self._spare and type(self._spare[0].step) is cls:
            opened = self._spare.pop(0)
            self._writer.restart(opened, **values)
            return opened
        self._abandon()
        return self._writer.open(cls, **values)

    def _abandon(self) -> None:
        """Close the steps of the message that was begun anew which found no use."""
        for opened in self._spare:
            if isinstance(opened.step, TextStep):
                self._writer.update(opened, withdrawn=True)
            self._writer.finish(opened, Status.INTERRUPTED)
        self._spare = []


def _text_block(block: Block) -> dict[str, Any]:
    """A text block as it goes back."""
    cited = {"citations": block.citations} if block.citations else {}
    return {"type": "text", "text": block.text, **cited}


def _citations(texts: list[Block], length: int) -> tuple[Citation, ...]:
    """The sources that a step's text blocks name, each with the text it stands behind."""
    found: dict[tuple[Any, ...], Citation] = {}
    ends = [*(block.start for block in texts[1:]), length]
    for block, end in zip(texts, ends, strict=True):
        for data in block.citations:
            if (read := read_citation(data)) is not None:
                source, citation = read
                cited = replace(citation, start=block.start, end=end)
                found.setdefault((source, block.start), cited)
    return tuple(found.values())
