"""Writing the output items of the Responses protocol as steps.

An item becomes one step or several: a message one for each of its parts, reasoning one for what is
raw and one for its summary, a call one, and a second for the result it brings.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from chatterm.assembly import OpenStep, StepWriter
from chatterm.providers.decoding import mapping, sequence, text_of
from chatterm.providers.responses_items import (
    APPROVAL,
    hosted_arguments,
    hosted_call_id,
    hosted_name,
    hosted_result,
    read_annotation,
)
from chatterm.providers.tool_slots import read_arguments
from chatterm.steps import (
    Citation,
    RefusalStep,
    Status,
    Step,
    TextStep,
    ThinkingStep,
    ToolCallStep,
    ToolResultStep,
)

_PARAGRAPH = "\n\n"
RAW, SUMMARY, CALL = "raw", "summary", "call"


@dataclass(slots=True)
class Part:
    """A streamed part of an item: the step it goes to, and what of it has come."""

    opened: OpenStep
    pieces: list[str] = field(default_factory=list)
    citations: dict[tuple[Any, ...], Citation] = field(default_factory=dict)


@dataclass(slots=True)
class Item:
    """An output item as far as it has come.

    Attributes:
        data: The item as the server last sent it.
        parts: What it has streamed, by form and index.
        done: Whether its steps are closed.
    """

    data: dict[str, Any] = field(default_factory=dict)
    parts: dict[tuple[str, int], Part] = field(default_factory=dict)
    done: bool = False

    @property
    def kind(self) -> str:
        """The item's type; empty when the server never named it."""
        return text_of(self.data.get("type"))

    @property
    def is_call(self) -> bool:
        """Whether it is shown as a call: everything is that isn't prose or a result."""
        return self.kind not in ("", "message", "reasoning") and not self.is_result

    @property
    def is_result(self) -> bool:
        """Whether it is the result of a call that the server ran."""
        return self.kind.endswith("_output")


class ItemSteps:
    """Writes items as steps.

    Attributes:
        saw: The kinds of steps that were opened.
        approvals: Ids of hosted calls that wait for the user's yes.
    """

    def __init__(self, writer: StepWriter) -> None:
        self._writer = writer
        self.saw: set[str] = set()
        self.approvals: list[str] = []
        self._hosted: list[tuple[str, str]] = []  # (type, call id) of hosted calls, in order

    # --- while they stream ---

    def prose(self, item: Item, cls: type[TextStep | RefusalStep], index: int) -> Part:
        """The part of a message that text or a refusal is appended to."""
        part = item.parts.get((cls.kind, index))
        if part is None:
            phase = text_of(item.data.get("phase"))
            values = {"phase": phase} if phase and cls is TextStep else {}
            part = item.parts[cls.kind, index] = Part(self._open(cls, **values))
        return part

    def append(self, part: Part, text: str) -> None:
        """Append to a part of a message or a call."""
        self._writer.append(part.opened, text)

    def settle(self, part: Part, text: str) -> None:
        """Reconcile a part with its final text, which may be longer."""
        if text:
            self._writer.replace_text(part.opened, text)

    def think(self, item: Item, form: str, index: int, text: str) -> None:
        """Append to one part of an item's thinking."""
        if text:
            part = self._thinking(item, form, index)
            part.pieces.append(text)
            self._writer.append(part.opened, text)

    def thought(self, item: Item, form: str, index: int, text: str) -> None:
        """Reconcile one part of the thinking with its final text, which may be longer."""
        known = item.parts.get((form, index))
        shown = "".join(known.pieces) if known else ""
        if len(text) > len(shown) and text.startswith(shown):
            self.think(item, form, index, text[len(shown) :])

    def content(self, item: Item, index: int, content: dict[str, Any]) -> None:
        """Reconcile one part of a message or of reasoning with its final form."""
        text = text_of(content.get("text"))
        match content.get("type"):
            case "output_text" | "text":
                annotations = sequence(content.get("annotations"))
                if text or annotations:
                    part = self.prose(item, TextStep, index)
                    self.settle(part, text)
                    for annotation in annotations:
                        self.cite(part, mapping(annotation))
            case "refusal":
                refusal = text_of(content.get("refusal"))
                if refusal:
                    self.settle(self.prose(item, RefusalStep, index), refusal)
            case "reasoning_text":
                self.thought(item, RAW, index, text)

    def cite(self, part: Part, annotation: dict[str, Any]) -> None:
        """Note a source that a part names; each is kept once."""
        citation = read_annotation(annotation)
        if citation is not None:
            key = (citation.url or annotation.get("file_id"), citation.start, citation.end)
            part.citations.setdefault(key, citation)

    def call(self, item: Item) -> Part:
        """The step of a call, opened when it is first needed."""
        part = item.parts.get((CALL, 0))
        if part is None:
            own = item.kind in ("function_call", "custom_tool_call")
            name = text_of(item.data.get("name")) if own else hosted_name(item.data)
            opened = self._open(
                ToolCallStep, call_id=hosted_call_id(item.data), name=name, hosted=not own
            )
            part = item.parts[CALL, 0] = Part(opened)
        return part

    # --- when they end ---

    def finish(self, item: Item, status: Status) -> None:
        """Close an item's steps; done for items that ended, interrupted for those cut off."""
        if item.done:
            return
        item.done = True
        if item.kind == "message":
            self._finish_message(item, status)
        elif item.kind == "reasoning":
            self._finish_reasoning(item, status)
        elif item.kind in ("function_call", "custom_tool_call"):
            self._finish_call(item, status)
        elif item.is_result:
            self._finish_result(item)
        elif item.is_call:
            self._finish_hosted(item, status)
        else:  # never named: close what it streamed
            for part in item.parts.values():
                self._close(part, status)

    def _finish_message(self, item: Item, status: Status) -> None:
        self._catch_up(item)
        own = {key: item.data[key] for key in ("id", "phase") if text_of(item.data.get(key))}
        phase = text_of(item.data.get("phase"))
        for (form, _), part in item.parts.items():
            extra = {"phase": phase} if form == TextStep.kind and phase else {}
            self._close(part, status, opaque={"message": own} if own else None, **extra)

    def _catch_up(self, item: Item) -> None:
        """Reconcile a message's parts with its final list of contents.

        Servers number the parts of the stream and of the final item differently, so the n-th text
        of the one is the n-th text of the other.
        """
        streamed = {
            cls.kind: [index for form, index in item.parts if form == cls.kind]
            for cls in (TextStep, RefusalStep)
        }
        for position, entry in enumerate(sequence(item.data.get("content"))):
            content = mapping(entry)
            form = RefusalStep.kind if content.get("type") == "refusal" else TextStep.kind
            known = streamed[form]
            self.content(item, known.pop(0) if known else -1 - position, content)

    def _finish_reasoning(self, item: Item, status: Status) -> None:
        for index, entry in enumerate(sequence(item.data.get("summary"))):
            self.thought(item, SUMMARY, index, text_of(mapping(entry).get("text")))
        for index, entry in enumerate(sequence(item.data.get("content"))):
            self.thought(item, RAW, index, text_of(mapping(entry).get("text")))
        # The item goes back whole, once, however many steps show it.
        opaque = {"item": item.data} if status is Status.DONE and item.data else None
        closed: list[OpenStep] = []
        for part in item.parts.values():
            if part.opened not in closed:
                self._close(part, status, opaque=None if closed else opaque)
                closed.append(part.opened)
        if not closed and opaque:
            self._writer.add(ThinkingStep, opaque=opaque)

    def _finish_call(self, item: Item, status: Status) -> None:
        custom = item.kind == "custom_tool_call"
        part = self.call(item)
        self.settle(part, text_of(item.data.get("input" if custom else "arguments")))
        values, whole = read_arguments(part.opened.text, custom=custom)
        if item.data.get("status") in ("in_progress", "incomplete") and not whole:
            status = Status.INTERRUPTED
        opaque: dict[str, Any] = {"custom": True} if custom else {}
        if status is Status.DONE:
            opaque["item"] = item.data
        self._writer.finish(
            part.opened,
            status,
            call_id=hosted_call_id(item.data) or f"call_{part.opened.step.index}",
            name=text_of(item.data.get("name")),
            input=values,
            opaque=opaque or None,
        )

    def _finish_hosted(self, item: Item, status: Status) -> None:
        part = self.call(item)
        text, values = hosted_arguments(item.data)
        if not part.opened.length or values is None:
            self.settle(part, text)
        call_id = hosted_call_id(item.data)
        name = hosted_name(item.data)
        opaque = {"item": item.data} if status is Status.DONE else None
        self._writer.finish(
            part.opened, status, call_id=call_id, name=name, input=values, opaque=opaque
        )
        self._hosted.append((item.kind, call_id))
        if item.kind == APPROVAL and status is Status.DONE:
            self.approvals.append(call_id)
        result = hosted_result(item.data)
        if result is not None:
            self._writer.add(ToolResultStep, call_id=call_id, name=name, **result)

    def _finish_result(self, item: Item) -> None:
        self._writer.add(
            ToolResultStep,
            call_id=text_of(item.data.get("call_id")) or self._call_of(item),
            name=hosted_name(item.data),
            opaque={"item": item.data},
            **(hosted_result(item.data) or {}),
        )

    def _call_of(self, item: Item) -> str:
        """The call that a result without a call id answers: the last of its kind."""
        wanted = f"{item.kind.removesuffix('_output')}_call"
        found = (call_id for kind, call_id in reversed(self._hosted) if kind == wanted)
        return next(found, hosted_call_id(item.data))

    def _thinking(self, item: Item, form: str, index: int) -> Part:
        """Raw reasoning and summary are a step each; their parts are paragraphs of it."""
        part = item.parts.get((form, index))
        if part is None:
            sibling = next((p for (f, _), p in item.parts.items() if f == form), None)
            if sibling is None:
                part = Part(self._open(ThinkingStep, summary=form == SUMMARY))
            else:
                part = Part(sibling.opened)
                self._writer.append(part.opened, _PARAGRAPH)
            item.parts[form, index] = part
        return part

    def _close(self, part: Part, status: Status, **values: Any) -> None:
        if part.citations:
            values["citations"] = tuple(part.citations.values())
        self._writer.finish(part.opened, status, **values)

    def _open(self, cls: type[Step], **values: Any) -> OpenStep:
        self.saw.add(cls.kind)
        return self._writer.open(cls, **values)
