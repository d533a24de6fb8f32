"""The calls that Gemini's server runs itself: code execution, and tools of the provider's own."""

from __future__ import annotations

import json
from typing import Any

from chatterm.assembly import OpenStep, StepWriter
from chatterm.providers.decoding import text_of
from chatterm.steps import Outcome, Status, ToolCallStep, ToolResultStep

_CALLS = ("executableCode", "toolCall")
_RESULTS = ("codeExecutionResult", "toolResponse")
HOSTED_PARTS = frozenset((*_CALLS, *_RESULTS))
_OUTCOMES = {
    "OUTCOME_FAILED": Outcome.FAILED,
    "OUTCOME_DEADLINE_EXCEEDED": Outcome.TIMED_OUT,
}


class HostedParts:
    """Writes hosted calls and their results; each part goes back as it came.

    Args:
        writer: Where the steps are written.
    """

    def __init__(self, writer: StepWriter) -> None:
        self._writer = writer
        self._running: list[tuple[OpenStep, str, str]] = []  # each with its call's id and name

    def take(self, part: dict[str, Any]) -> bool:
        """Take a part; False when it is neither a hosted call nor a result."""
        for key in (*_CALLS, *_RESULTS):
            if isinstance(part.get(key), dict):
                write = self._call if key in _CALLS else self._result
                write(key, part)
                return True
        return False

    def finish(self, status: Status = Status.DONE) -> None:
        """Close the calls whose result never came."""
        for opened, call_id, _ in self._running:
            self._writer.finish(opened, status, call_id=call_id)
        self._running.clear()

    def _call(self, key: str, part: dict[str, Any]) -> None:
        data = part[key]
        name, given = text_of(data.get("toolType")) or key, text_of(data.get("id"))
        values = data.get("args") if "code" not in data else None
        opened = self._writer.open(
            ToolCallStep,
            call_id=given,
            name=name,
            hosted=True,
            input=values if isinstance(values, dict) else None,
            opaque={"part": part},
        )
        code = text_of(data.get("code"))
        text = code if values is None else json.dumps(values, ensure_ascii=False)
        self._writer.append(opened, text)
        self._running.append((opened, given or f"call_{opened.step.index}", name))

    def _result(self, key: str, part: dict[str, Any]) -> None:
        data = part[key]
        call_id, name = text_of(data.get("id")), text_of(data.get("toolType")) or key
        running = next((each for each in self._running if each[1] == call_id), None)
        if running is None and self._running:
            running = self._running[0]
        if running is not None:
            self._running.remove(running)
            opened, call_id, name = running
            self._writer.finish(opened, call_id=call_id)
        outcome = _OUTCOMES.get(text_of(data.get("outcome")), Outcome.DONE)
        response = data.get("response")
        output = text_of(data.get("output"))
        self._writer.add(
            ToolResultStep,
            call_id=call_id,
            name=name,
            content=output if response is None else json.dumps(response, ensure_ascii=False),
            ok=outcome is Outcome.DONE,
            outcome=outcome,
            opaque={"part": part},
        )
