"""The real program, and a door to look in: what goes on, and what it holds.

    python app_child.py [ARGUMENT…]      as `python -m chatterm`

The file that CHATTERM_SOAK names gets a line of JSON for each turn that ends, for each change of
whether a turn is under way, and at SIGUSR1 for what the program holds. At SIGUSR2 what each thread
does is written to a file beside it, `.stacks`.
"""

from __future__ import annotations

import asyncio
import faulthandler
import gc
import json
import os
import signal
import sys
import threading
from collections import Counter
from typing import Any

from chatterm.__main__ import main
from chatterm.events import Event, TurnFinished, TurnStarted
from chatterm.tui.chat import Chat

_MOST_KINDS = 60
_door = os.open(os.environ["CHATTERM_SOAK"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)


_stacks = os.open(f"{os.environ['CHATTERM_SOAK']}.stacks", os.O_WRONLY | os.O_CREAT, 0o600)
faulthandler.register(signal.SIGUSR2, file=_stacks)


def _tell(**what: Any) -> None:
    os.write(_door, json.dumps(what).encode() + b"\n")


class _Open(Chat):
    """The screen, with the door."""

    _told: dict[str, Any] | None = None

    def on_mount(self) -> None:  # beside that of the screen: each class's own is called
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, self._sample)

    def on_screen_suspend(self) -> None:
        _tell(covered=True)

    def on_screen_resume(self) -> None:
        super().on_screen_resume()
        _tell(covered=False)

    def do(self, act: str) -> None:
        _tell(deed=act)
        super().do(act)

    def on_session_event(self, event: Event) -> None:
        super().on_session_event(event)
        if isinstance(event, TurnStarted):
            _tell(began=event.turn, conversation=event.conversation, text=event.input.text)
        elif isinstance(event, TurnFinished):
            _tell(ended=str(event.status))

    def on_change(self) -> None:
        super().on_change()
        talk = self.talk
        model = talk.model_name if talk.tooling is not None else ""
        now = {"running": talk.running, "waiting": len(talk.waiting), "model": model}
        if now != self._told:
            self._told = now
            _tell(**now)

    def _sample(self) -> None:
        collects = gc.isenabled()
        gc.collect()
        objects = gc.get_objects()
        found: dict[str, Any] = {
            "sample": True,
            "objects": len(objects),
            "tasks": sorted(_name(task) for task in asyncio.all_tasks()),
            "threads": sorted(thread.name for thread in threading.enumerate()),
            "collects": collects,
            "waits": sorted(filter(None, map(_wait, asyncio.all_tasks()))),
            "items": len(self.pane.items),
            "widgets": len(self.pane.children),
            "turns": len(self.talk.session.turns),
        }
        if os.environ.get("CHATTERM_SOAK_KINDS"):
            kinds = Counter(f"{type(o).__module__}.{type(o).__qualname__}" for o in objects)
            found["kinds"] = dict(kinds.most_common(_MOST_KINDS))
        _tell(**found)


def _name(task: asyncio.Task[Any]) -> str:
    found = task.get_coro()
    return getattr(found, "__qualname__", str(found))


def _wait(task: asyncio.Task[Any]) -> str:
    """What a task waits for; nothing of a widget's that waits for its next message."""
    places, found = [], task.get_coro()
    while found is not None and len(places) < 40:
        code = getattr(found, "cr_code", None) or getattr(found, "ag_code", None)
        frame = getattr(found, "cr_frame", None) or getattr(found, "ag_frame", None)
        if code is not None:
            places.append(f"{code.co_qualname}:{frame.f_lineno if frame else 0}")
        found = getattr(found, "cr_await", None) or getattr(found, "ag_await", None)
    ordinary = any("_get_message" in place for place in places)
    return "" if ordinary else " < ".join(reversed(places))


if __name__ == "__main__":
    from chatterm.tui import app

    app.Chat = _Open  # type: ignore[misc]
    sys.argv[0] = "chatterm"
    main()
