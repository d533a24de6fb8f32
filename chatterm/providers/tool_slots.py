"""Putting the fragments of streamed tool calls together, in all the forms servers send them.

A fragment belongs to a slot: by its index; without one, by its id; without either, to the last. It
opens a new slot all the same when it brings an id of its own together with a name, when it has
neither index nor id but another name, or when the slot's arguments are already a whole JSON object
and another object or name comes. Ids and names are set once: empty strings never overwrite, and
names are never concatenated. A whole call that is told again keeps its id, by which it is known.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from chatterm.assembly import OpenStep, StepWriter
from chatterm.providers.decoding import mapping, parse_arguments, text_of
from chatterm.steps import Status, Step, ToolCallStep, ToolResultStep

# How often a slot's arguments are tried for wholeness before it is taken for one long call: a
# string full of "}{" must not cost the square of its length.
_MOST_TRIALS = 8

# Fields beside `function` that some servers want back with the call (Gemini's thought signature,
# as Google's own compatible API and LiteLLM name it).
_SENT_BACK = ("extra_content", "provider_specific_fields")


@dataclass(slots=True)
class Slot:
    """One call as far as it has come."""

    id: str = ""
    name: str = ""
    custom: bool = False
    opened: OpenStep | None = None
    early: list[str] = field(default_factory=list)  # arguments that came before the name
    ending: str = ""  # the last character of the arguments that isn't white space
    trials: int = 0
    again: bool = False  # whole, and its id and name came once more
    opaque: dict[str, Any] = field(default_factory=dict)

    @property
    def arguments(self) -> str:
        """The arguments so far."""
        return self.opened.text if self.opened else "".join(self.early)


class ToolSlots:
    """The calls of one round.

    Args:
        writer: Where the steps are written.
    """

    def __init__(self, writer: StepWriter) -> None:
        self._writer = writer
        self._slots: list[Slot] = []
        self._by_index: dict[int, Slot] = {}

    def __bool__(self) -> bool:
        return bool(self._slots)

    def fragment(self, data: dict[str, Any]) -> None:
        """Take one element of `tool_calls` (or a legacy `function_call` as its `function`)."""
        function = mapping(data.get("function")) or mapping(data.get("custom"))
        name = text_of(function.get("name"))
        arguments = argument_text(function.get("arguments", function.get("input")))
        slot = self._slot(data, name, arguments)
        if slot is None:
            return
        slot.id = slot.id or text_of(data.get("id"))
        slot.name = slot.name or name
        slot.custom = slot.custom or data.get("type") == "custom"
        for key in _SENT_BACK:
            extra = data.get(key) or function.get(key)
            if isinstance(extra, dict) and extra:
                slot.opaque[key] = extra
        self._grow(slot, arguments)

    def finish(self, status: Status = Status.DONE) -> list[Step]:
        """Close every call. One that was never named is no call: it counts as cut off.

        Args:
            status: DONE when the reply ended as it should; else INTERRUPTED, for then nobody
                knows which of its calls were meant as they stand.
        """
        steps: list[Step] = []
        taken: set[str] = set()
        calls: set[tuple[str, str, str]] = set()
        for slot in self._slots:
            opened = self._open(slot)
            values, _ = read_arguments(opened.text, custom=slot.custom)
            ending = status if slot.name else Status.INTERRUPTED
            call_id = slot.id or f"call_{opened.step.index}"
            told = (slot.id, slot.name, opened.text)
            while call_id in taken and told not in calls:  # an answer must find its own call
                call_id += "_"
            taken.add(call_id)
            calls.add(told)
            if slot.opaque:
                self._writer.amend(opened, opaque=dict(slot.opaque))
            steps.append(self._writer.finish(opened, ending, call_id=call_id, input=values))
        self._slots.clear()
        self._by_index.clear()
        return steps

    def _slot(self, data: dict[str, Any], name: str, arguments: str) -> Slot | None:
        """The slot of a fragment; None for one that says nothing and continues nothing."""
        index = data.get("index")
        call_id = text_of(data.get("id"))
        if isinstance(index, int):
            slot = self._by_index.get(index)
        elif call_id:
            slot = next((slot for slot in reversed(self._slots) if slot.id == call_id), None)
        else:
            slot = self._slots[-1] if self._slots else None
        if slot is None and not (call_id or name or arguments):
            return None
        keyed = bool(call_id) or isinstance(index, int)
        if slot is not None and not self._begins_another(slot, call_id, name, arguments, keyed):
            same = bool(name) and call_id == slot.id != "" and name == slot.name
            slot.again = slot.again or (same and slot.ending == "}")
            return slot
        if slot is not None and call_id == slot.id != "" and arguments == slot.arguments:
            return None  # the same call again, as a last word
        fresh = Slot(name=slot.name if slot else "")  # a bare second object repeats the name
        if slot is not None and slot.again:
            fresh.id = slot.id
        self._slots.append(fresh)
        if isinstance(index, int):
            self._by_index[index] = fresh
        if name:
            fresh.name = name
        return fresh

    def _begins_another(
        self, slot: Slot, call_id: str, name: str, arguments: str, keyed: bool
    ) -> bool:
        if call_id and name and slot.id and call_id != slot.id:
            return True
        renamed = bool(name and slot.name) and name != slot.name
        if renamed and not keyed:
            return True
        if slot.custom:
            return False  # free text may hold anything
        if slot.ending != "}" or not (renamed or arguments.lstrip().startswith("{")):
            return False
        if slot.trials >= _MOST_TRIALS:
            return False
        slot.trials += 1
        return read_arguments(slot.arguments)[1]

    def _grow(self, slot: Slot, arguments: str) -> None:
        slot.ending = arguments.rstrip()[-1:] or slot.ending
        if slot.opened is None and not slot.name:
            slot.early.append(arguments)
            return
        self._writer.append(self._open(slot), arguments)

    def _open(self, slot: Slot) -> OpenStep:
        if slot.opened is None:
            opaque = {"custom": True} if slot.custom else None
            slot.opened = self._writer.open(
                ToolCallStep, call_id=slot.id, name=slot.name, opaque=opaque
            )
            if slot.custom:
                slot.opaque["custom"] = True
            for arguments in slot.early:
                self._writer.append(slot.opened, arguments)
            slot.early.clear()
        return slot.opened


class HostedCalls:
    """The calls that a server ran itself, as Groq's compound models tell of them.

    Args:
        writer: Where the steps are written.
    """

    def __init__(self, writer: StepWriter) -> None:
        self._writer = writer
        self._answered: dict[str, bool] = {}  # by call id, whether the result has come

    def executed(self, tool: dict[str, Any]) -> None:
        """Take one element of `executed_tools`: the call, its result or both, each told once."""
        name = text_of(tool.get("name")) or text_of(tool.get("type")) or "tool"
        if "output" not in tool and "arguments" not in tool:
            return
        call_id = f"{name}:{tool.get('index', 0)}"
        if call_id not in self._answered:
            self._answered[call_id] = False
            text = text_of(tool.get("arguments"))
            values, _ = read_arguments(text)
            self._writer.add(
                ToolCallStep, call_id=call_id, name=name, text=text, input=values, hosted=True
            )
        output = text_of(tool.get("output"))
        if output and not self._answered[call_id]:
            self._answered[call_id] = True
            self._writer.add(ToolResultStep, call_id=call_id, name=name, content=output)


def read_arguments(text: str, *, custom: bool = False) -> tuple[dict[str, Any] | None, bool]:
    """The arguments parsed, when they are a JSON object, and whether they are whole.

    None at all stand for an empty object. Free text (a custom tool's input) has no object and is
    always whole.
    """
    if custom:
        return None, True
    if not text.strip():
        return {}, True
    try:
        value = parse_arguments(text)
    except (ValueError, RecursionError):
        return None, False
    return (value if isinstance(value, dict) else None), True


def argument_text(value: Any) -> str:
    """What a call was called with, or gave, as text."""
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False)
