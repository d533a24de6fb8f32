"""Strangers' text in the whole app, in a real terminal: it is read, and never obeyed.

Every text of the hostile corpus is shown at each place of the app that shows what others wrote, and
all that the program wrote to its terminal is read: nothing in it may be a control sequence that
isn't the app's own, nor a character that changes how others read.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from chatterm.errors import ErrorKind, Failure
from chatterm.events import Event, TurnFinished, TurnStarted
from chatterm.assembly import StepWriter
from chatterm.steps import (
    Attachment,
    Citation,
    FinishReason,
    NoticeStep,
    Outcome,
    RefusalStep,
    TextStep,
    ThinkingStep,
    ToolCallStep,
    ToolResultStep,
    TurnStatus,
    Usage,
    UserInput,
)
from chatterm.store import Store
from faultserver import Answer, FaultServer, Received, sse
from hostile import DROPPED_WHOLE, OVERLONG, REWRITTEN
from program import COMMAND
from terminal_output import Output, read_output
from terminals import Terminal

CORPUS = [*DROPPED_WHOLE.values(), *(text for text, _ in REWRITTEN.values())]
LONG = [text for text, _ in OVERLONG.values()]
ENDED = "the end of it"


def numbered(texts: Iterable[str] = CORPUS, letter: str = "n") -> list[str]:
    """The texts, each behind a name that is looked for on the terminal."""
    return [f"{letter}{number:03} {text} ok" for number, text in enumerate(texts)]


def names(letter: str, count: int = len(CORPUS)) -> list[str]:
    return [f"{letter}{number:03}" for number in range(count)]


@dataclass
class World:
    """A home, a directory to work in, a provider on loopback."""

    home: Path
    server: FaultServer

    @property
    def work(self) -> Path:
        return self.home / "work"

    @property
    def data(self) -> Path:
        return self.home / "data"

    def script(self, *answers: Answer) -> None:
        """Answer the next questions with these; whatever else is asked isn't there."""
        left = list(answers)

        def give(received: Received) -> Answer:
            return left.pop(0) if received.method == "POST" and left else Answer(status=404)

        self.server.script(give)

    def run(self, *arguments: str, rows: int = 100, columns: int = 150) -> Terminal:
        env = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "CHATTERM_CONFIG": str(self.home / "config.toml"),
            "CHATTERM_DATA_DIR": str(self.data),
            "XDG_STATE_HOME": str(self.home / "state"),
            "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
            "LANG": "C.UTF-8",
            "SHELL": "/bin/sh",
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
        }
        return Terminal([*COMMAND, *arguments], env, self.work, columns=columns, rows=rows)


@pytest.fixture
def world(tmp_path: Path, server: FaultServer) -> World:
    (tmp_path / "work" / ".git").mkdir(parents=True)
    (tmp_path / "config.toml").write_text(
        'model = "p/m"\ntheme = "dark"\n[titles]\nmodel = "off"\n[ui]\nreduced_motion = true\n'
        "[stream]\nretries = 0\n"
        f'[providers.p]\nprotocol = "responses"\nbase_url = "{server.url}"\nmodels = ["m"]\n'
    )
    return World(tmp_path, server)


def leave(terminal: Terminal) -> Output:
    """Quit, and read all that was written."""
    terminal.type("\x04")
    assert terminal.wait() == 0
    return read_output(terminal.seen)


def check(output: Output, *shown: Iterable[str]) -> None:
    """Nothing but text and the app's own painting was written, and all of the names were shown."""
    assert not output.strange
    assert output.set_up.count("\x1b[?1049h") == 1
    missing = [name for several in shown for name in several if name not in output.text]
    assert not missing


# --- what the provider answers ---


def answer(*items: Sequence[dict[str, Any]], **more: Any) -> Answer:
    """A streamed answer of these items, each given as its events."""
    events = [
        {**event, "output_index": number} for number, item in enumerate(items) for event in item
    ]
    end = {"type": "response.completed", "response": {"status": "completed", "output": []} | more}
    return Answer(sse(*map(json.dumps, [*events, end])))


def text(said: str, *, size: int = 0, cited: Sequence[tuple[str, str]] = ()) -> list[dict[str, Any]]:
    """A text, whole or in pieces of a size."""
    sources = [{"type": "url_citation", "title": title, "url": url} for title, url in cited]
    part = {"type": "output_text", "text": said, "annotations": sources}
    item = {"type": "message", "role": "assistant", "content": [part]}
    return [
        {"type": "response.output_item.added", "item": item | {"content": []}},
        *({"type": "response.output_text.delta", "delta": each} for each in pieces(said, size)),
        {"type": "response.output_item.done", "item": item},
    ]


def thinking(said: str, *, size: int = 0) -> list[dict[str, Any]]:
    item = {"type": "reasoning", "content": [{"type": "reasoning_text", "text": said}]}
    return [
        {"type": "response.output_item.added", "item": {"type": "reasoning"}},
        *({"type": "response.reasoning_text.delta", "delta": each} for each in pieces(said, size)),
        {"type": "response.output_item.done", "item": item},
    ]


def call(number: int, name: str, **arguments: Any) -> list[dict[str, Any]]:
    item = {"type": "function_call", "call_id": f"c{number}", "name": name, "status": "completed"}
    written = json.dumps(arguments)
    kind = "response.function_call_arguments.delta"
    return [
        {"type": "response.output_item.added", "item": item | {"arguments": ""}},
        *({"type": kind, "delta": each} for each in pieces(written, 5)),
        {"type": "response.output_item.done", "item": item | {"arguments": written}},
    ]


def pieces(said: str, size: int) -> list[str]:
    step = size or max(1, len(said))
    return [said[start : start + step] for start in range(0, len(said), step)]


# --- tests ---


def test_in_what_a_model_says(world: World) -> None:
    whole, single = numbered(letter="w"), numbered(letter="s")
    world.script(
        answer(*map(text, whole), *map(text, numbered(LONG, "l")), text(ENDED)),
        answer(*(text(each, size=1) for each in single), text(ENDED + " again")),
        answer(
            *(text("look", cited=[(each, f"https://a.example/{each}")]) for each in numbered()),
            text("cited"),
        ),
    )
    with world.run(rows=420) as terminal:
        terminal.read_until("keys")
        for said, end in (("go", ENDED), ("on", ENDED + " again"), ("and", "cited")):
            terminal.type(f"{said}\r")
            terminal.read_until(end)
        output = leave(terminal)
    check(output, names("w"), names("s"), names("l", len(LONG)), names("n"))
