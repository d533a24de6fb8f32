"""Faults struck the app, in a real terminal: one after another, each followed by a next message.

One app takes fault after fault in one conversation, so what goes on is a conversation with all of
them in it. `alone` lets an app take one fault, be left, and be opened again with `-r`.
"""

from __future__ import annotations

import os
import re
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

from chatterm.events import event_to_json
from chatterm.render.sanitize import sanitize
from chatterm.store import Store
from faults import judging
from faults.fault import Fault, Where
from faults.judging import Events
from faults.world import World
from nursery import children
from program import COMMAND
from terminal_output import read_output
from terminals import Terminal

PATIENCE_S = 90.0
_PAINTING = re.compile(rb"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\s+")
_MORE_THREADS = 12  # what a pool may grow by
_MORE_DESCRIPTORS = 6  # connections kept alive, and the store's files


class App:
    """The app in a terminal, its store read beside it; a context manager.

    Args:
        world: Where it runs.
        arguments: Its command line.
        conversation: The conversation that it opens; empty for a new one.
        ready: What is on the screen once it can be typed to.
    """

    def __init__(
        self, world: World, *arguments: str, conversation: str = "", ready: str = "keys"
    ) -> None:
        self.world = world
        self.conversation = conversation
        self._arguments = arguments
        self._ready = ready
        self._store: Store | None = None
        self.turns = 0

    def __enter__(self) -> Self:
        env = self.world.env | {"COLORTERM": "truecolor"}
        for name in ("PYTHONPATH",):
            if name in os.environ:
                env[name] = os.environ[name]
        command = [*COMMAND, *self._arguments]
        self.terminal = Terminal(command, env, self.world.work, columns=110, rows=40)
        self.terminal.__enter__()
        self.terminal.read_until(self._ready, seconds=PATIENCE_S)
        self._store = Store.open(self.world.home / "data")
        if self.conversation:
            self.turns = len(self._store.path(self.conversation))
        self.before = self.held()
        return self

    def __exit__(self, *exc: object) -> None:
        if self._store is not None:
            self._store.close()
        self.terminal.__exit__(*exc)

    def say(self, text: str) -> tuple[Events, int]:
        """Send a message and wait for its turn's end; its events, and where its screen began."""
        start = len(self.terminal.seen)
        self.terminal.type(f"{text}\r")
        until = time.monotonic() + PATIENCE_S
        while (events := self._last_turn()) is None:
            self.terminal.read_for(0.05)
            if time.monotonic() > until:
                raise AssertionError(
                    f"{text!r} has no end; the screen: {self.shown(start)[-1500:]}"
                )
        return events, start

    def _last_turn(self) -> Events | None:
        store = self._store
        assert store is not None
        if not self.conversation:
            newest = store.newest(origin="app")
            if newest is None:
                return None
            self.conversation = newest.id
        path = store.path(self.conversation)
        if len(path) <= self.turns:
            return None
        (turn,) = store.turns(path[-1:])
        if turn.running:
            return None
        self.turns = len(path)
        return [event_to_json(event) for event in turn.events]

    def shown(self, start: int) -> str:
        """What came to the screen since then."""
        return read_output(self.terminal.seen[start:]).text

    def shows(self, words: str, start: int) -> bool:
        """Whether words come to the screen, wherever lines are broken."""
        wanted = "".join(words.split()).encode()
        until = time.monotonic() + 20
        while wanted not in _PAINTING.sub(b"", self.terminal.seen[start:]):
            if time.monotonic() > until:
                return False
            self.terminal.read_for(0.1)
        return True

    def held(self) -> tuple[int, int, int]:
        """How many descriptors, threads and children the app has."""
        place = Path(f"/proc/{self.terminal.pid}")
        descriptors = len(list((place / "fd").iterdir()))
        threads = len(list((place / "task").iterdir()))
        return descriptors, threads, len(children(self.terminal.pid))

    def judge_held(self) -> Iterator[str]:
        """It holds no more than it did, beside what a pool and connections may grow by."""
        until = time.monotonic() + 5
        while True:
            now = self.held()
            more = [new - old for new, old in zip(now, self.before, strict=True)]
            fits = more[0] <= _MORE_DESCRIPTORS and more[1] <= _MORE_THREADS and more[2] <= 0
            if fits or time.monotonic() > until:
                break
            self.terminal.read_for(0.05)
        if not fits:
            yield f"it holds more descriptors, threads, children than {self.before}: {now}"

    def leave(self) -> Iterator[str]:
        """Quit it; it ends well."""
        self.terminal.type("\x04")
        for _ in range(6):
            if self.terminal.ends(seconds=5):
                break
            self.terminal.type("\x1b")
            self.terminal.read_for(1)
            self.terminal.type("\x15\x04")
        status = self.terminal.wait()
        if status:
            yield f"the app ended with {status}"
        if b"Traceback" in self.terminal.seen:
            yield "the screen shows a traceback"


def in_turn(faults: Sequence[Fault], protocol: str) -> Iterator[tuple[Fault, list[str]]]:
    """Let one app take faults one after another; what didn't hold, by fault.

    All must want the same of the configuration (`hasty`), and nothing between app and server. When
    the app breaks, another one takes what is left.
    """
    left = list(faults)
    while left:
        key = f"sk-fault-{secrets.token_hex(24)}"
        told: list[tuple[Fault, list[str]]] = []
        with World(protocol, key, hasty=left[0].hasty) as world:
            screen = b""
            try:
                with App(world) as app:
                    complaints = list(_next(app, "Hello."))  # all that a turn needs is loaded
                    assert not complaints, complaints
                    app.before = app.held()
                    while left:
                        fault = left.pop(0)
                        told.append((fault, []))
                        told[-1][1].extend(_take(fault, app, len(told), [each for each, _ in told]))
                    told[-1][1].extend(app.leave())
                    screen = bytes(app.terminal.seen)
                if app.conversation:
                    told[-1][1].extend(
                        _open_again(world, app.conversation, *(each for each, _ in told))
                    )
            except (AssertionError, OSError) as error:
                if not told:
                    told.append((left.pop(0), []))
                told[-1][1].append(f"the app broke: {str(error)[:100]}…{str(error)[-2000:]}")
            told[-1][1].extend(judging.judge_secrets(world, [screen]))
        yield from told


def alone(fault: Fault, protocol: str) -> list[str]:
    """Let an app take one fault, leave it, and go on in another one; what didn't hold."""
    key = f"sk-fault-{secrets.token_hex(24)}"
    complaints: list[str] = []
    with World(protocol, key, hasty=fault.hasty, where=fault.where) as world:
        try:
            with App(world) as app:
                complaints += _struck(fault, app)
                complaints += app.leave()
                screen = bytes(app.terminal.seen)
            world.mend()
            complaints += _open_again(world, app.conversation, fault)
            complaints += judging.judge_secrets(world, [screen])
        except (AssertionError, OSError) as error:
            complaints.append(f"the app broke: {error}")
    return complaints


def _take(fault: Fault, app: App, number: int, faults: Sequence[Fault]) -> Iterator[str]:
    yield from _struck(fault, app)
    yield from _next(app, f"Fine{number}.", *faults)
    yield from app.judge_held()


def _struck(fault: Fault, app: App) -> Iterator[str]:
    world = app.world
    with suppress(FileNotFoundError):
        (world.home / "ticks").unlink()
    world.break_with(fault)
    events, start = app.say("How are things?")
    yield from judging.judge_events(events)
    yield from judging.judge_end(fault, events)
    yield from judging.judge_text(fault, world.protocol, events)
    yield from judging.judge_requests(fault, world, events)
    if judging.text_of(events).startswith("The caf") and not app.shows("The caf", start):
        yield "the text so far isn't on the screen"
    error = events[-1].get("error")
    if error is not None:
        words = " ".join(sanitize(error["message"]).split()[:3])
        if not app.shows(words, start):
            yield f"the screen doesn't say {words!r}: {app.shown(start)[-600:]!r}"


def _next(app: App, text: str, *faults: Fault) -> Iterator[str]:
    ticks = app.world.ticks
    app.world.be_good(text)
    events, start = app.say("And now?")
    yield from judging.judge_next(events, text)
    if not any(fault.shapeless for fault in faults):
        yield from judging.judge_shapes(app.world)
    if app.world.ticks != ticks:
        yield "the tool ran again with the next message"
    if not app.shows(text, start):
        yield "the next answer isn't on the screen"


def _open_again(world: World, conversation: str, *faults: Fault) -> Iterator[str]:
    """Open the conversation in a new app and go on with it."""
    again = {"conversation": conversation, "ready": "How are things?"}
    with App(world, "-r", conversation, **again) as app:
        yield from _next(app, "Fine again.", *faults)
        yield from app.leave()
        yield from judging.judge_secrets(world, [bytes(app.terminal.seen)])


__all__ = ["App", "Where", "alone", "in_turn"]
