"""A server of the Responses protocol that keeps what it answered, in front of a `FaultServer`.

It checks every request for its shape, together with what it holds of the response that the request
goes on from. What it answers is a script of output items:

    kept = KeptResponses([[message("Hello.")], [call("add", a=1)]])
    server.script(kept)
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from faultserver import Action, Answer, Received, sse
from wire_shapes import check_responses

Item = dict[str, Any]
Break = Callable[[Received, bytes], Sequence[Action]]


def message(text: str) -> Item:
    """A message of the model."""
    content = [{"type": "output_text", "text": text, "annotations": []}]
    return {"type": "message", "role": "assistant", "status": "completed", "content": content}


def call(name: str, **arguments: Any) -> Item:
    """A call of one of our tools."""
    return {"type": "function_call", "name": name, "arguments": json.dumps(arguments)}


def thought(text: str) -> Item:
    """Reasoning, sealed."""
    summary = [{"type": "summary_text", "text": text}]
    return {"type": "reasoning", "summary": summary, "encrypted_content": f"b64 {text}"}


def approval(label: str, tool: str, arguments: str) -> Item:
    """A request for the user's yes."""
    return {
        "type": "mcp_approval_request",
        "server_label": label,
        "name": tool,
        "arguments": arguments,
    }


def remote_call(label: str, tool: str, output: str) -> Item:
    """A call that the server ran."""
    return {
        "type": "mcp_call",
        "server_label": label,
        "name": tool,
        "arguments": "{}",
        "output": output,
    }


class KeptResponses:
    """The server.

    Args:
        script: The output items of one response after the other; the last is said again and again.
        cut: What is sent of a stream's bytes, where not all of it.

    Attributes:
        kept: By id, all items up to the end of a response: what led to it, and its own.
        asked: The bodies of all requests for a new response, checked.
        seen: Method and path of all requests.
        refuses: What a request that goes on from a response is answered with, if anything.
        status: What a response that is fetched whole is said to be.
    """

    def __init__(self, script: Sequence[Sequence[Item]], cut: Break | None = None) -> None:
        self._script = list(script)
        self._cut = cut or (lambda _, data: [data])
        self.kept: dict[str, list[Item]] = {}
        self.asked: list[dict[str, Any]] = []
        self.seen: list[tuple[str, str]] = []
        self.refuses: Answer | None = None
        self.statuses: list[str] = ["completed"]
        self.streams = True
        self._answers: dict[str, list[dict[str, Any]]] = {}

    def __call__(self, request: Received) -> Answer:
        """Answer a request."""
        path = request.path.split("?")[0].removeprefix("/responses")
        self.seen.append((request.method, request.path))
        if request.method == "POST" and not path:
            return self._new(request)
        response = path.split("/")[1]
        if response not in self._answers:
            return _refusal(404, f"Response with id '{response}' not found.")
        if path.endswith("/cancel"):
            return _json(self._whole(response, "cancelled"))
        if "stream=true" in request.path and self.streams:
            after = int(request.path.partition("starting_after=")[2])
            rest = [each for each in self._answers[response] if each["sequence_number"] > after]
            return self._streamed(request, rest)
        if "stream=true" in request.path:
            return _refusal(400, "This response can't be streamed.")
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        return _json(self._whole(response, status))

    def _new(self, request: Received) -> Answer:
        body = request.json
        before = body.get("previous_response_id")
        if before is not None and self.refuses is not None:
            return self.refuses
        if before is not None and before not in self.kept:
            return _refusal(
                400,
                f"Previous response with id '{before}' not found.",
                "previous_response_not_found",
            )
        held = self.kept[before] if before is not None else []
        self.asked.append(check_responses(body, held))
        number = len(self.asked)
        output = [
            {"id": f"item_{number}_{index}"}
            | ({"call_id": f"call_{number}_{index}"} if item["type"] == "function_call" else {})
            | item
            for index, item in enumerate(self._script[min(number, len(self._script)) - 1])
        ]
        response = f"resp_{number}"
        self._answers[response] = _events(response, output)
        if body["store"]:
            self.kept[response] = [*held, *body["input"], *output]
        return self._streamed(request, self._answers[response])

    def _streamed(self, request: Received, events: list[dict[str, Any]]) -> Answer:
        return Answer(self._cut(request, sse(*map(json.dumps, events))))

    def _whole(self, response: str, status: str) -> dict[str, Any]:
        whole = dict(self._answers[response][-1]["response"])
        if status != "completed":
            whole |= {"status": status, "output": []}
        return whole

    def forget(self) -> None:
        """Lose everything that was kept."""
        self.kept.clear()


def _events(response: str, output: list[Item]) -> list[dict[str, Any]]:
    base = {"id": response, "object": "response", "status": "in_progress"}
    events: list[dict[str, Any]] = [
        {"type": "response.created", "response": base},
        {"type": "response.in_progress", "response": base},
    ]
    for index, item in enumerate(output):
        at = {"output_index": index}
        begun = {k: v for k, v in item.items() if k not in ("content", "arguments", "output")}
        if "arguments" in item and item["type"] != "function_call":
            begun["arguments"] = item["arguments"]
        events.append({"type": "response.output_item.added", **at, "item": begun})
        if item["type"] == "message":
            words = item["content"][0]["text"]
            events += [
                {"type": "response.output_text.delta", **at, "content_index": 0, "delta": part}
                for part in (words[i : i + 8] for i in range(0, len(words), 8))
            ]
        events.append({"type": "response.output_item.done", **at, "item": item})
    usage = {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}
    done = base | {"status": "completed", "output": output, "usage": usage}
    events.append({"type": "response.completed", "response": done})
    return [{**event, "sequence_number": number} for number, event in enumerate(events)]


def _refusal(status: int, words: str, code: str = "invalid_request_error") -> Answer:
    error = {"message": words, "type": "invalid_request_error", "code": code}
    return _json({"error": error}, status)


def _json(value: Any, status: int = 200) -> Answer:
    headers = {"Content-Type": "application/json"}
    return Answer(json.dumps(value).encode(), status, headers)
