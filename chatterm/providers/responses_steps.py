"""Writing the output items of the Responses protocol as steps.

An item becomes one step or several: a message one for each of its parts, reasoning one for what is
raw and one for its summary, a call one, and a second for the result it brings.
"""

from __future__ import annotations

from typing import Any

from chatterm.assembly import OpenStep, StepWriter
from chatterm.providers.decoding import mapping, sequence, text_of
from chatterm.providers.responses_items import (
    APPROVAL,
    Item,
    Part,
    hosted_arguments,
    hosted_call_id,
    hosted_name,
    hosted_result,
    is_ours,
    read_annotation,
)
from chatterm.providers.tool_slots import argument_text, read_arguments
from chatterm.steps import (
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
_FORM_OF_CONTENT = {
    "output_text": TextStep.kind,
    "text": TextStep.kind,
    "refusal": RefusalStep.kind,
}


class ItemSteps:
    """Writes items as steps.

    Attributes:
        saw: The kinds of steps that were opened.
        approvals: Ids of hosted calls that wait for the user's yes.
        mark: Opaque data of steps that are being written, or were cut off; None for none.
    """

    def __init__(self, writer: StepWriter) -> None:
        self._writer = writer
        self.saw: set[str] = set()
        self.approvals: list[str] = []
        self.mark: dict[str, Any] | None = None
        self._hosted: list[tuple[str, str]] = []  # (type, call id) of hosted calls, in order
        self._own: set[str] = set()  # ids of the calls that chatterm is to run

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
        """Reconcile a part with its final text, which may be longer; it never grows shorter."""
        if not part.opened.text.startswith(text):
            self._writer.replace_text(part.opened, text)

    def settle_call(self, part: Part, arguments: Any) -> None:
        """Reconcile a call with its final arguments, which some servers send as an object."""
        if not isinstance(arguments, dict):
            self.settle(part, text_of(arguments))
        elif arguments and not part.opened.length:  # an empty one may only hold the place
            self.settle(part, argument_text(arguments))

    def think(self, item: Item, form: str, index: int, text: str) -> None:
        """Append to one part of an item's thinking."""
        if not text:
            return
        part = self._thinking(item, form, index)
        part.pieces.append(text)
        if len(item.parts) == 1 or part is _last_of(item, form):
            self._writer.append(part.opened, text)
        else:
            self._rewrite(item, form)

    def thought(self, item: Item, form: str, index: int, text: str) -> None:
        """Reconcile one part of the thinking with its final text, which may be longer."""
        known = item.parts.get((form, index))
        shown = "".join(known.pieces) if known else ""
        if text.startswith(shown):
            self.think(item, form, index, text[len(shown) :])
        elif known is not None and not shown.startswith(text):
            known.pieces = [text]
            self._rewrite(item, form)

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
                        self.cite(part, annotation)
            case "refusal":
                refusal = text_of(content.get("refusal"))
                if refusal:
                    self.settle(self.prose(item, RefusalStep, index), refusal)
            case "reasoning_text":
                self.thought(item, RAW, index, text)

    def cite(self, part: Part, annotation: Any) -> None:
        """Note a source that a part names; each is kept once."""
        entry = mapping(annotation)
        citation = read_annotation(entry)
        if citation is not None:
            source = citation.url or text_of(entry.get("file_id")) or citation.title
            part.citations.setdefault((source, citation.start, citation.end), citation)

    def call(self, item: Item) -> Part:
        """The step of a call, opened when it is first needed."""
        part = item.parts.get((CALL, 0))
        if part is None:
            part = item.parts[CALL, 0] = Part(self._open(ToolCallStep, **_call_fields(item)))
        return part

    def named(self, item: Item) -> None:
        """The server has sent an item: a call is shown at once, and by its name."""
        early = item.parts.get((CALL, 0))
        if early is not None:
            self._writer.update(early.opened, **_call_fields(item))
        elif item.is_call:
            self.call(item)

    # --- when they end ---

    def finish(self, item: Item, status: Status) -> None:
        """Close an item's steps; done for items that ended, interrupted for those cut off."""
        if item.done:
            return
        item.done = True
        self._finish(item, status)
        for part in item.parts.values():  # what was streamed into an item of another kind
            if not part.opened.closed:
                stray_call = isinstance(part.opened.step, ToolCallStep)
                self._close(part, Status.INTERRUPTED if stray_call else status)

    def _finish(self, item: Item, status: Status) -> None:
        if item.kind == "message":
            self._finish_message(item, status)
        elif item.kind == "reasoning":
            self._finish_reasoning(item, status)
        elif is_ours(item.data):
            self._finish_call(item, status)
        elif item.is_result:
            self._finish_result(item)
        elif item.is_call:
            self._finish_hosted(item, status)

    def _finish_message(self, item: Item, status: Status) -> None:
        self._catch_up(item)
        own = {key: item.data[key] for key in ("id", "phase") if text_of(item.data.get(key))}
        phase = text_of(item.data.get("phase"))
        for (form, _), part in item.parts.items():
            if form in (TextStep.kind, RefusalStep.kind):
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
            form = _FORM_OF_CONTENT.get(text_of(content.get("type")))
            if form and any(content.get(field) for field in ("text", "refusal", "annotations")):
                known = streamed[form]
                self.content(item, known.pop(0) if known else -1 - position, content)

    def _finish_reasoning(self, item: Item, status: Status) -> None:
        self._reconcile(item, SUMMARY, sequence(item.data.get("summary")))
        self._reconcile(item, RAW, sequence(item.data.get("content")))
        # The item goes back whole, once, however many steps show it.
        opaque = _sent_back(item, status)
        shown = [part for (form, _), part in item.parts.items() if form in (RAW, SUMMARY)]
        for part in shown:
            if not part.opened.closed:
                self._close(part, status, opaque=opaque)
                opaque = None
        if opaque:
            self._writer.add(ThinkingStep, opaque=opaque)

    def _reconcile(self, item: Item, form: str, entries: list[Any]) -> None:
        """Reconcile all thinking of one form with its final parts, however they are numbered."""
        texts = [text for entry in entries if (text := text_of(mapping(entry).get("text")))]
        parts = [part for (f, _), part in item.parts.items() if f == form]
        streamed = "".join(piece for part in parts for piece in part.pieces)
        if streamed.startswith("".join(texts)):
            return
        whole = _PARAGRAPH.join(texts)
        if not parts:
            self.think(item, form, 0, whole)
        else:
            self._writer.replace_text(parts[0].opened, whole)

    def _rewrite(self, item: Item, form: str) -> None:
        parts = [part for (f, _), part in item.parts.items() if f == form]
        whole = _PARAGRAPH.join("".join(part.pieces) for part in parts)
        self._writer.replace_text(parts[0].opened, whole)

    def _finish_call(self, item: Item, status: Status) -> None:
        custom = item.kind == "custom_tool_call"
        part = self.call(item)
        self.settle_call(part, item.data.get("input" if custom else "arguments"))
        values, whole = read_arguments(part.opened.text, custom=custom)
        unfinished = item.data.get("status") in ("in_progress", "incomplete") and not whole
        fields = _call_fields(item)
        if unfinished or not fields["name"]:
            status = Status.INTERRUPTED
        call_id = fields["call_id"] or f"call_{part.opened.step.index}"
        while call_id in self._own:  # an answer must find its own call
            call_id += "_"
        self._own.add(call_id)
        fields["call_id"] = call_id
        opaque = {"custom": True} if custom else {}
        self._writer.finish(
            part.opened,
            status,
            **fields,
            input=values,
            opaque=opaque | (_sent_back(item, status) or {}) or None,
        )

    def _finish_hosted(self, item: Item, status: Status) -> None:
        part = self.call(item)
        text, values = hosted_arguments(item.data)
        if not part.opened.length or values is None:
            self.settle(part, text)
        fields = _call_fields(item)
        call_id, name = fields["call_id"], fields["name"]
        opaque = _sent_back(item, status)
        self._writer.finish(part.opened, status, **fields, input=values, opaque=opaque)
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
            opaque=_sent_back(item, Status.DONE),
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
        opaque = values.pop("opaque", None)
        if self.mark and status is Status.INTERRUPTED:
            opaque = (opaque or {}) | self.mark
        self._writer.finish(part.opened, status, opaque=opaque, **values)

    def _open(self, cls: type[Step], **values: Any) -> OpenStep:
        self.saw.add(cls.kind)
        return self._writer.open(cls, opaque=self.mark, **values)


def _last_of(item: Item, form: str) -> Part:
    return next(part for (f, _), part in reversed(item.parts.items()) if f == form)


def _call_fields(item: Item) -> dict[str, Any]:
    """What of a call's step its item says."""
    own = is_ours(item.data)
    name = text_of(item.data.get("name")) if own else hosted_name(item.data)
    return {"call_id": hosted_call_id(item.data), "name": name, "hosted": not own}


def _sent_back(item: Item, status: Status) -> dict[str, Any] | None:
    """The opaque data of an item's step: the item, when it is whole."""
    return {"item": item.data} if status is Status.DONE and item.final and item.data else None
