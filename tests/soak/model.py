"""A model on loopback that speaks three protocols and does what a message's first word says.

A message is a word and a number (`tools 17`); the number makes one message unlike another. The
words are the names of the functions in `_ACTS`. A message of any other kind, a summary or a title
that is asked for among them, gets a short text.
"""

from __future__ import annotations

import json
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import Any, Self

from faultserver import Action, Answer, Cut, FaultServer, Pause, Received
from soak.replies import Reply, streamed
from wire_shapes import CHECKS

MODELS = ("one", "two")
WINDOW = 24_000
"""How many tokens each model takes, as the configuration says."""
_PATHS = {"/chat/completions": "chat", "/responses": "responses", "/messages": "anthropic"}
_calls = count(1)  # no two calls of a server have the same id
_BURST = 30  # events that are sent at once
_PAUSE_S = 0.012
_SLOW_S = 0.05

_MARKDOWN = """\
## Answer {n}

Some **bold** words, `code`, a [link](https://example.org/{n}), and prose that goes on for long \
enough to be wrapped where the screen ends, whatever its width is at the moment.

1. the first of a list
2. the second, number {n}
   - nested, with *emphasis*

```python
def answer(number: int = {n}) -> str:
    return f"the answer is {{number}}"
```

| what | how many |
|---|---|
| turns | {n} |
| steps | many |

"""
_SUMMARY = "The user asked for many things by number; all of them were done."


class Model:
    """The server, and who thinks behind it; a context manager.

    Attributes:
        server: The server.
        asked: How many requests came for each kind of message.
        longest: The most bytes that a request had so far.
        wrong: What was wrong with requests: a server of its protocol would refuse them.
    """

    def __init__(self) -> None:
        self.server = FaultServer()
        self.server.script(self._answer)
        self.asked: Counter[str] = Counter()
        self.longest = 0
        self.wrong: list[str] = []
        self._refused: set[str] = set()

    def __enter__(self) -> Self:
        self.server.__enter__()
        return self

    def __exit__(self, *exc: object) -> None:
        self.server.stop()

    def configuration(self, more: str = "") -> str:
        """The configuration of providers for each protocol, named by their first letters."""
        lines = ['model = "c/one"', more]
        for protocol in _PATHS.values():
            name = protocol[0]
            lines += [f"[providers.{name}]", f'protocol = "{protocol}"']
            lines += [f'base_url = "{self.server.url}/{name}"', 'models = ["one", "two"]']
        lines += ["[context.windows]"]
        lines += [f'"{p[0]}/{m}" = {WINDOW}' for p in _PATHS.values() for m in MODELS]
        return "\n".join([*lines, ""])

    def _answer(self, request: Received) -> Answer:
        self.server.requests.clear()  # they would grow with the conversation
        protocol = next((p for path, p in _PATHS.items() if request.path.endswith(path)), None)
        if request.method == "GET":
            body = json.dumps({"data": [{"id": name} for name in MODELS]}).encode()
            return Answer(body, headers={"Content-Type": "application/json"}, framing="length")
        if protocol is None:
            return Answer(status=404)
        self.longest = max(self.longest, len(request.body))
        try:
            CHECKS[protocol](request.json)
        except AssertionError:
            self.wrong.append(traceback.format_exc())
        words, rounds = _last_message(protocol, request.json)
        line = words.strip().rpartition("\n")[2]
        kind, _, number = line.partition(" ")
        self.asked[kind] += not rounds
        if kind == "busy" and line not in self._refused:
            self._refused.add(line)
            return _busy()
        act = _ACTS.get(kind)
        reply = act(number, rounds) if act is not None else Reply(_SUMMARY)
        reply = replace(reply, tokens=len(request.body) // 4)
        return Answer(_paced(kind, streamed(protocol, reply)))


def _busy() -> Answer:
    body = json.dumps({"error": {"message": "slow down", "type": "rate_limit"}}).encode()
    return Answer(
        body,
        status=429,
        headers={"Content-Type": "application/json", "Retry-After": "0"},
        framing="length",
    )


def _paced(kind: str, events: list[bytes]) -> list[Action]:
    if kind == "slow":  # it goes on until it is stopped
        return [part for event in events for part in (event, Pause(_SLOW_S))]
    bursts = [b"".join(events[at : at + _BURST]) for at in range(0, len(events), _BURST)]
    if kind == "cut":
        return [b"".join(events[: len(events) // 2]), Pause(_PAUSE_S), Cut()]
    return [part for burst in bursts for part in (burst, Pause(_PAUSE_S))][:-1]


def _last_message(protocol: str, body: Any) -> tuple[str, int]:
    """What the user said last, and how many rounds of it have their results."""
    items = body["input"] if protocol == "responses" else body["messages"]
    if isinstance(items, str):
        return items, 0
    calls = 0
    for item in reversed(items):
        if protocol == "anthropic" and item["role"] == "user":
            texts = [block for block in _blocks(item["content"]) if block["type"] == "text"]
            if texts:
                return texts[-1]["text"], calls
            calls += 1
        elif item.get("role") == "user":
            return "\n".join(block["text"] for block in _blocks(item["content"])), calls
        else:  # one call a round, with one result
            calls += item.get("role") == "tool" or item.get("type") == "function_call_output"
    return "", calls


def _blocks(content: Any) -> list[dict[str, Any]]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


# --- what it does ---


def _tale(number: str, _: int) -> Reply:
    return Reply(_MARKDOWN.format(n=number))


def _think(number: str, _: int) -> Reply:
    return Reply(f"I thought of **{number}**.", f"I think of {number}. " * 40)


def _long(number: str, _: int) -> Reply:
    return Reply(_MARKDOWN.format(n=number) * 12)


def _slow(number: str, _: int) -> Reply:
    return Reply(f"slowly, about {number}: " + "one word after the other, " * 1200)


def _read(number: str, rounds: int) -> Reply:
    return _calling(number, rounds, "read_file", {"path": "notes.txt"})


def _shell(number: str, rounds: int) -> Reply:
    return _calling(number, rounds, "shell", {"command": f"seq {number}000 {number}040"})


def _edit(number: str, rounds: int) -> Reply:
    """Turns a word of a file into another, and the next time back."""
    words = ("before", "after") if int(number) % 2 == 0 else ("after", "before")
    values = {"path": "edited.txt", "old": words[0], "new": words[1]}
    return _calling(number, rounds, "edit_file", values)


def _tools(number: str, rounds: int) -> Reply:
    """Two rounds of calls."""
    if rounds == 1:
        call = (_new_id(), "list_files", {"path": "."})
        return Reply(f"Now the directory, {number}.", calls=(call,))
    return _read(number, rounds)


def _sleep(number: str, rounds: int) -> Reply:
    """A command that goes on until it is stopped; its seconds mark it among all processes."""
    return _calling(number, rounds, "shell", {"command": f"sleep {number}"})


def _new_id() -> str:
    return f"call_{next(_calls)}"


def _calling(number: str, rounds: int, tool: str, values: dict[str, Any]) -> Reply:
    if rounds:
        return Reply(f"That was {tool} for *{number}*.")
    call = (_new_id(), tool, values)
    return Reply(f"I call `{tool}`.", f"What about {number}?", (call,))


_ACTS: dict[str, Callable[[str, int], Reply]] = {
    "tale": _tale,
    "busy": _tale,
    "cut": _tale,
    "think": _think,
    "long": _long,
    "slow": _slow,
    "read": _read,
    "shell": _shell,
    "edit": _edit,
    "tools": _tools,
    "sleep": _sleep,
}
