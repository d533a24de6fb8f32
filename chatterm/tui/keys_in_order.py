"""Keys that come at once, as from a slow line: each counts for what those before it have made.

A key that types something goes to the field's own queue, while Textual does what a key is bound to
in the app's: before what was typed earlier is in the field, or behind what is typed after it.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from textual import events
    from textual.widget import Widget


_PATIENCE_S = 1.0


async def act(widget: Widget, event: events.Key) -> bool:
    """Do what a key is bound to while a widget has the focus; whether it is bound.

    For the widget's own handler of keys: Textual would do it once the key has gone up to the app
    and nobody has taken it. What has priority it has done already.
    """
    if event.is_printable:
        return False
    active = widget.screen.active_bindings.get(event.key)
    if active is None or active.binding.priority:
        return False
    return await widget.app.run_action(active.binding.action, active.node)


async def caught_up(widget: Widget) -> None:
    """Wait until a widget has done what it was handed before, keys above all; not for long, though.

    For actions that have priority, and never in what the widget itself does.
    """
    done = asyncio.Event()
    if widget.is_running and widget.call_later(done.set):
        with suppress(TimeoutError):  # a key that stops something mustn't wait for ever
            async with asyncio.timeout(_PATIENCE_S):
                await done.wait()
