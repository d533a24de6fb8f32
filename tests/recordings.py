"""The recorded provider traffic kept beside the checkout, and what must be read from it.

The recordings aren't part of the project. Tests that use them skip, and say so, where they are not.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chatterm.assembly import Clock, StepWriter
from chatterm.events import StepFinished
from chatterm.providers.base import ModelRequest, RoundEnd
from chatterm.providers.body import Body
from chatterm.providers.registry import wire_protocol
from chatterm.providers.wire import Endpoint

STREAMS = Path(__file__).resolve().parents[2] / "shared" / "streams"
MISSING = "the recorded streams are not beside this checkout"


@dataclass(frozen=True)
class Recording:
    """One recorded body and its expected results (the raw wire's: see the index's README)."""

    file: str
    protocol: str
    provider: str
    features: frozenset[str]
    expected: dict[str, Any]

    @property
    def body(self) -> bytes:
        return (STREAMS / self.file).read_bytes()


def recordings(*protocols: str) -> list[Recording]:
    """The recordings of these protocols; none where the folder is missing."""
    return [
        Recording(
            row["file"],
            row["protocol"],
            row["provider"],
            frozenset(row["features"]),
            row["expected"],
        )
        for row in _rows("INDEX.jsonl")
        if row["protocol"] in protocols
    ]


def http_errors() -> list[dict[str, Any]]:
    """The recorded error bodies with their status and headers."""
    return _rows("HTTP_ERRORS.jsonl")


def _rows(name: str) -> list[dict[str, Any]]:
    path = STREAMS / name
    if not path.exists():
        return []
    # Some texts hold U+2028, at which str.splitlines() would split.
    return [json.loads(line) for line in path.read_text("utf-8").split("\n") if line]


# --- what was read, in the index's terms ------------------------------------------------------


def differences(
    recording: Recording, steps: list[dict[str, Any]], end: dict[str, Any]
) -> list[str]:
    """How finished steps and the `turn.finished` event differ from what is expected.

    The expected values are the raw wire's; where chatterm says the same in its own terms (thinking
    tags split off, usage normalised, a longer final text) they are compared in those.
    """
    expected = recording.expected
    found: list[str] = []

    def compare(what: str, ours: object, theirs: object) -> None:
        if ours != theirs:
            found.append(f"{what}: {ours!r:.300} instead of {theirs!r:.300}")

    text, thinking = _joined(steps, "text"), _joined(steps, "thinking")
    if thinking and not expected["thinking_len"] and text != expected["text"]:
        text, thinking = f"<think>{thinking}</think>{text}", ""
    if "final_text_differs" in recording.features:
        # The index gives the deltas; the server's last word on the text is longer.
        compare("final text", json.dumps(text)[1:-1].encode() in recording.body, True)
        compare("text is longer", len(text) > expected["text_len"], True)
    elif "turn_complete_differs" in recording.features:
        # The index gives the tokens; Lightspeed's last word on the text stands in their place.
        compare("whole text", text, _turn_complete(recording.body))
    else:
        compare("text length", len(text), expected["text_len"])
        compare("text digest", _digest(text), expected["text_sha256"])
    bare = len(thinking) - _paragraph_breaks(recording)
    compare("thinking length", bare, expected["thinking_len"])
    if expected["refusal"] or end["finish_reason"] not in ("refusal", "content_filter"):
        # A refusal that isn't part of the reply is told beside it, and shown as one by us.
        compare("refusal", _joined(steps, "refusal") or None, expected["refusal"])
    wanted = _expected_calls(expected["tool_calls"])
    compare("calls", _without_made_ids(_calls(steps), wanted), wanted)
    compare("citations", len(_cited(steps)), expected["citations"])
    compare("finish", end["provider_finish_reason"], expected["finish"])
    compare("usage", _usage(end["usage"]), _expected_usage(recording))
    compare("errors", bool(end["error"]), bool(expected["errors"]))
    for error in expected["errors"][:1]:
        compare("error", error["message"][:80] in (end["error"] or {}).get("message", ""), True)
    return found


def _joined(steps: Iterable[dict[str, Any]], kind: str) -> str:
    return "".join(step["text"] for step in steps if step["kind"] == kind)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _turn_complete(body: bytes) -> str:
    lines = [json.loads(line[5:]) for line in body.split(b"\n") if line.startswith(b"data:")]
    return next(line["data"]["token"] for line in lines if line["event"] == "turn_complete")


def _paragraph_breaks(recording: Recording) -> int:
    """Characters that we put between the parts of a reasoning summary: the index joins them."""
    added = [
        json.loads(line[5:])["summary_index"]
        for line in recording.body.split(b"\n")
        if line.startswith(b"data:") and b"reasoning_summary_part.added" in line
    ]
    return sum(len("\n\n") for index in added if index > 0)


def _calls(steps: Iterable[dict[str, Any]]) -> list[tuple[str, str, Any]]:
    calls = []
    for step in steps:
        if step["kind"] == "tool_call":
            kind = "hosted" if step["hosted"] else "function"
            value = step["input"] if step["input"] is not None else step["arguments"]
            if (step.get("opaque") or {}).get("custom"):
                kind = "custom"
            calls.append((kind, step["call_id"], step["name"], _plain(kind, value)))
        elif step["kind"] == "tool_result" and step["name"].endswith("_output"):
            calls.append(("hosted", None, step["name"], None))
    return calls


def _expected_calls(calls: Iterable[dict[str, Any]]) -> list[tuple[str, str, Any]]:
    return [
        (
            call["kind"],
            None if call["name"].endswith("_output") else call["id"],
            call["name"],
            _plain(call["kind"], call["args"]),
        )
        for call in calls
    ]


def _without_made_ids(calls: list[Any], expected: list[Any]) -> list[Any]:
    """Our calls, without the ids that we made where the wire has none."""
    bare = [call[1] is None for call in expected]
    if len(bare) != len(calls):
        return calls
    return [(c[0], None, *c[2:]) if no and c[1] else c for c, no in zip(calls, bare, strict=True)]


def _plain(kind: str, arguments: Any) -> Any:
    """The arguments of a hosted call, less the forms in which the index doesn't give them."""
    if kind == "hosted" and isinstance(arguments, str):
        return None  # code: the index has none
    if kind == "hosted" and isinstance(arguments, dict) and set(arguments) == {"queries"}:
        return arguments["queries"]
    return arguments


def _cited(steps: Iterable[dict[str, Any]]) -> set[str]:
    return {c["url"] or c["title"] for s in steps if s["kind"] == "text" for c in s["citations"]}


def _usage(usage: dict[str, Any]) -> tuple[Any, ...]:
    return usage["input"], usage["output"], usage["reasoning"], usage["cached_input"]


def _expected_usage(recording: Recording) -> tuple[Any, ...]:
    usage = recording.expected["usage"]
    if usage is None:
        return None, None, None, None
    if recording.protocol == "anthropic":  # whose input leaves out what the cache had to do with
        usage = usage | {
            "input": usage["input"] + (usage["cached"] or 0) + (usage["cache_write"] or 0)
        }
    sent, output, reasoning = usage["input"], usage["output"], usage["reasoning"]
    if reasoning and (recording.protocol == "gemini" or reasoning > (output or 0)):
        output = (output or 0) + reasoning  # the dialects that leave reasoning out
    return sent + _tool_prompts(recording) if sent else sent, output, reasoning, usage["cached"]


def _tool_prompts(recording: Recording) -> int:
    """Tokens of the prompts of Gemini's own tools, which are input to us."""
    counts = re.findall(rb'"toolUsePromptTokenCount": ?(\d+)', recording.body)
    return int(counts[-1]) if counts and recording.protocol == "gemini" else 0


def cut(body: bytes, generator: random.Random, most: int) -> list[bytes]:
    """A body in pieces of random sizes.

    Args:
        body: The bytes.
        generator: Where the sizes come from.
        most: The most bytes of a piece.
    """
    pieces, start = [], 0
    while start < len(body):
        size = generator.randint(1, most)
        pieces.append(body[start : start + size])
        start += size
    return pieces


def read(protocol: str, pieces: list[bytes]) -> tuple[list[dict[str, Any]], RoundEnd]:
    """The finished steps and the end of a round, with a clock that stands still."""
    writer = StepWriter("turn", Clock(now=lambda: 0.0, monotonic=lambda: 0.0))
    endpoint = Endpoint("p", "http://127.0.0.1")
    decoder = wire_protocol(protocol).decoder(ModelRequest("m", ()), endpoint, writer)
    body = Body(decoder, "p")
    for piece in pieces:
        body.feed(piece)
    body.finish()
    end = decoder.close()
    steps = [event.step for event in writer.take() if isinstance(event, StepFinished)]
    return [step.to_json() for step in steps], end
