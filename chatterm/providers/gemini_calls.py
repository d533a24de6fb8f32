"""The function calls of a Gemini reply: whole ones, and those whose arguments are streamed."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from chatterm.assembly import OpenStep, StepWriter
from chatterm.providers.decoding import text_of
from chatterm.providers.partial_args import PartialArguments
from chatterm.steps import Status, ToolCallStep


@dataclass(slots=True)
class _Call:
    """One call as far as it has come."""

    opened: OpenStep
    name: str
    id: str = ""
    signature: str = ""
    partial: PartialArguments = field(default_factory=PartialArguments)
    arguments: Any = None  # once they are known whole

    @property
    def whole(self) -> bool:
        return self.arguments is not None and not self.partial.damaged


class FunctionCalls:
    """The calls of one round.

    A call is one `functionCall`, or several: the first names it, the others bring `partialArgs`,
    and the first without `willContinue` ends it.

    Args:
        writer: Where the steps are written.
    """

    def __init__(self, writer: StepWriter) -> None:
        self._writer = writer
        self._calls: list[_Call] = []
        self._growing: _Call | None = None

    def __bool__(self) -> bool:
        return bool(self._calls)

    def take(self, data: dict[str, Any], signature: str) -> bool:
        """Take a part's `functionCall`, and its signature; False when it belongs to no call."""
        call = self._call(data)
        if call is None:
            return False
        call.id = call.id or text_of(data.get("id"))
        call.signature = signature or call.signature
        call.partial.add(data.get("partialArgs"))
        if data.get("willContinue") is True:
            self._growing = call
        else:
            self._settle(call, data.get("args"))
        return True

    def finish(self, *, ended_well: bool) -> None:
        """Close every call.

        Args:
            ended_well: The reply ended as it should; else nobody knows which of its calls were
                meant as they stand, and all count as cut off.
        """
        growing = self._growing
        if growing is not None:
            # Some replies leave out the empty `functionCall` that ends a call.
            cut = growing.partial.mid_string or not ended_well
            growing.partial.damaged |= cut
            self._settle(growing, None)
        taken: set[str] = set()
        for call in self._calls:
            call_id = call.id or f"call_{call.opened.step.index}"
            while call_id in taken:  # an answer must find its own call
                call_id += "_"
            taken.add(call_id)
            arguments = call.arguments
            self._writer.finish(
                call.opened,
                Status.DONE if ended_well and call.whole else Status.INTERRUPTED,
                call_id=call_id,
                input=arguments if isinstance(arguments, dict) else None,
                opaque=_opaque(call),
            )
        self._calls.clear()

    def _call(self, data: dict[str, Any]) -> _Call | None:
        """The call that a `functionCall` begins or continues."""
        name, growing = text_of(data.get("name")), self._growing
        if growing is not None and not _begins(data, name, growing):
            return growing
        if not name:
            return None
        if growing is not None:
            self._settle(growing, None)
        call_id = text_of(data.get("id"))
        call = _Call(self._writer.open(ToolCallStep, call_id=call_id, name=name), name)
        self._calls.append(call)
        return call

    def _settle(self, call: _Call, arguments: Any) -> None:
        """All arguments have come."""
        self._growing = None
        streamed = call.partial.whole()
        call.arguments = streamed if arguments in (None, {}) else arguments
        self._writer.append(call.opened, json.dumps(call.arguments, ensure_ascii=False))


def _begins(data: dict[str, Any], name: str, growing: _Call) -> bool:
    """Whether a named `functionCall` is another one than the call that is growing."""
    call_id = text_of(data.get("id"))
    if call_id and growing.id:
        return call_id != growing.id
    return bool(name) and (name != growing.name or "partialArgs" not in data)


def _opaque(call: _Call) -> dict[str, Any] | None:
    """What goes back with the call: the id that the server gave it, and the signature."""
    given = {"id": call.id, "thoughtSignature": call.signature}
    return {key: value for key, value in given.items() if value} or None
