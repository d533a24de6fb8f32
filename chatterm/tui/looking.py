"""Looking closer at what is shown: where the time went, a step in full, what the log holds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from textual.timer import Timer

from chatterm.errors import ChattermError, StoreError
from chatterm.events import Event, TurnFinished, TurnStarted, event_to_json
from chatterm.render.lines import Line, Span
from chatterm.render.sanitize import sanitize, sanitize_line
from chatterm.steps import ToolCallStep, ToolResultStep
from chatterm.tui.pane.palette import Palette
from chatterm.tui.screens.pager import Pager
from chatterm.tui.steps.about import about
from chatterm.tui.steps.call import CallItem
from chatterm.tui.steps.signs import ASCII
from chatterm.tui.steps.text import TextItem
from chatterm.tui.steps.thinking import ThinkingItem
from chatterm.tui.timeline import Bar, Spans, TimelineScreen

if TYPE_CHECKING:
    from chatterm.store import RecordedTurn
    from chatterm.tui.chat import Chat
    from chatterm.tui.pane.items import Item

_AGAIN_S = 0.5
_BESIDE = 2
"""Columns of the pager's edges."""
_NARROWEST = 10
_SHOWN_OPAQUE = 16


class LiveTurn:
    """The bars of the turn that ran last, out of its live events; the screen tells it of each.

    Args:
        clock: The time, in seconds since the epoch.

    Attributes:
        turn: The turn's id; empty before the first.
        running: Whether it is under way.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.turn = ""
        self.running = False
        self._clock = clock
        self._spans = Spans()

    def event(self, event: Event) -> None:
        """Take the next event of the conversation."""
        if isinstance(event, TurnStarted):
            self.turn, self.running = event.turn, True
            self._spans = Spans()
        self._spans.feed(event, at=self._since())
        if isinstance(event, TurnFinished):
            self.running = False

    @property
    def bars(self) -> list[Bar]:
        """The bars so far."""
        return self._spans.bars()

    @property
    def now(self) -> float | None:
        """Seconds from the turn's beginning, while it is under way."""
        return self._since() if self.running else None

    def _since(self) -> float | None:
        began = self._spans.began
        return None if began is None else max(0.0, self._clock() - began.timestamp())


class LiveTimeline(TimelineScreen):
    """The timeline of a turn that goes on under it.

    Args:
        live: The turn.
        palette: What roles look like.
        ascii: Draw in ASCII alone.
    """

    def __init__(self, live: LiveTurn, palette: Palette, *, ascii: bool = False) -> None:  # noqa: A002 - as in `timeline_lines`
        super().__init__(live.bars, palette, now=live.now, ascii=ascii)
        self._live = live
        self._turn = live.turn
        self._again: Timer | None = None

    def on_mount(self) -> None:
        """Follow the turn while it goes on."""
        super().on_mount()
        if self._live.running:
            self._again = self.set_interval(_AGAIN_S, self._show)

    def _show(self) -> None:
        live = self._live
        if live.turn == self._turn:
            self.view.show(live.bars, now=live.now)
        if self._again is not None and (not live.running or live.turn != self._turn):
            self._again.stop()
            self._again = None


async def show_timeline(chat: Chat) -> None:
    """Show where the time went of the turn at the cursor, or of the last; a step may be chosen."""
    live = chat.live_turn
    turn = _turn_of(chat.pane.cursor) or _last_turn(chat, live)
    ascii_only = chat.setting.looks.signs is ASCII
    if live.turn and live.turn == turn:
        screen: TimelineScreen = LiveTimeline(live, chat.palette, ascii=ascii_only)
    else:
        _, bars, _ = await turn_bars(chat)
        if not bars:
            chat.say("there is no turn to look at yet")
            return
        screen = TimelineScreen(bars, chat.palette, ascii=ascii_only)
    step = await chat.app.push_screen_wait(screen)
    if step is not None:
        go_to_step(chat, turn, step)


async def turn_bars(chat: Chat) -> tuple[str, list[Bar], float | None]:
    """The turn at the cursor, or the last: its id, its bars, and the time if it is under way."""
    live = chat.live_turn
    turn = _turn_of(chat.pane.cursor) or _last_turn(chat, live)
    if live.turn and live.turn == turn:
        return turn, live.bars, live.now
    recorded = await _recorded(chat, turn)
    spans = Spans()
    for event in recorded.events if recorded is not None else ():
        spans.feed(event)
    return turn, spans.bars(), None


def _turn_of(item: Item | None) -> str:
    found: str = getattr(item, "turn", "")
    return found


def _last_turn(chat: Chat, live: LiveTurn) -> str:
    if live.running:
        return live.turn
    shown = chat.transcript.turns
    return shown[-1] if shown else chat.talk.session.head or ""


def go_to_step(chat: Chat, turn: str, step: str) -> None:
    """Put the cursor at a step."""
    for item in chat.pane.items:
        if getattr(item, "step", "") == step and _turn_of(item) == turn:
            chat.pane.focus()
            chat.pane.set_cursor(item.key)
            return


# --- a step in full ---


class StepPager(Pager):
    """A pager whose text is copied where the screen copies."""

    copying: Callable[[str], None] | None = None

    def on_pager_copy(self, event: Pager.Copy) -> None:
        """Copy all of it."""
        event.stop()
        if self.copying is not None:
            self.copying(event.text)
            self._say("copied")


async def open_pager(chat: Chat, item: Item) -> None:
    """Show all of a step, to be read, searched, saved and copied."""
    title, name = _title_of(item)
    content: str | list[Line]
    copied = getattr(item, "copied", None)
    if isinstance(item, CallItem):
        content = await _output(chat, item)
    elif isinstance(item, TextItem | ThinkingItem):
        width = max(_NARROWEST, chat.app.size.width - _BESIDE)
        content = await asyncio.to_thread(_rendered, item.copied(), width)
    elif copied is not None:
        content = sanitize(copied())
    else:
        content = item.plain(chat.pane.text_width)
    pager = StepPager(
        chat.palette,
        title,
        content,
        prose=not isinstance(item, CallItem),
        directory=chat.directory,
        save_as=name,
    )
    pager.copying = chat.copy
    await chat.app.push_screen_wait(pager)


def _title_of(item: Item) -> tuple[Line, str]:
    """What a step is, and a name for the file that it may be saved to."""
    kind = getattr(item, "kind", "")
    if isinstance(item, CallItem):
        name = sanitize_line(item.call.name) or "tool"
        words = about(item.call.name, item.values)
        return (Span(name, ("tool",)), Span(f"  {words}")), "output.txt"
    if kind == "text":
        return (Span("answer"),), "answer.md"
    return (Span("message" if kind == "user" else kind or "text"),), f"{kind or 'text'}.md"


async def _output(chat: Chat, item: CallItem) -> str:
    """All of a call's output; its arguments before there is any."""
    result = item.result
    if result is None:
        return item.arguments
    store = chat.talk.store
    if result.full_output and store is not None:
        try:
            whole = await asyncio.to_thread(store.blob, result.full_output)
            return whole.decode("utf-8", "replace")
        except StoreError as error:
            chat.say(f"only a part: {error.message}")
    return result.content


def _rendered(markdown: str, width: int) -> list[Line]:
    from chatterm.render.markdown import references, render

    text = sanitize(markdown)
    return render(text, width, references=references(text))


async def save_text(chat: Chat, text: str) -> None:
    """Save a text to a file; the user says where."""
    from chatterm.tui.screens.saving import save

    whole = text if text.endswith("\n") or not text else f"{text}\n"
    try:
        path = await save(chat.app, chat.palette, whole, chat.directory)
    except ChattermError as error:
        chat.say(error.message)
        return
    if path is not None:
        chat.say(f"saved as {path}")


# --- what the log holds ---


async def recorded_step(chat: Chat, turn: str, step: str) -> Any:
    """What the log holds of a step, a call together with its result; or of a whole turn.

    Args:
        chat: The screen.
        turn: The turn's id.
        step: The step's id; empty for all events of the turn.

    Returns:
        JSON objects, or None where nothing is in the log.
    """
    recorded = await _recorded(chat, turn)
    if recorded is None:
        return None
    if not step:
        return [_shortened(event_to_json(event)) for event in recorded.events] or None
    found = next((each for each in recorded.steps if each.id == step), None)
    if found is None:
        return None
    data = _shortened(found.to_json())
    if isinstance(found, ToolCallStep):
        for each in recorded.steps:
            if isinstance(each, ToolResultStep) and each.call_id == found.call_id:
                return [data, _shortened(each.to_json())]
    return data


async def _recorded(chat: Chat, turn: str) -> RecordedTurn | None:
    store = chat.talk.store
    if store is None or not turn:
        return None
    turns = await asyncio.to_thread(store.turns, [turn])
    return turns[0] if turns else None


def _shortened(data: Any) -> Any:
    """JSON whose opaque fields, which only their provider can read, are told by their lengths."""
    if isinstance(data, Mapping):
        return {
            key: _told(value) if key == "opaque" else _shortened(value)
            for key, value in data.items()
        }
    return [_shortened(each) for each in data] if isinstance(data, list) else data


def _told(data: Any) -> Any:
    if isinstance(data, Mapping):
        return {key: _told(value) for key, value in data.items()}
    if isinstance(data, list):
        return [_told(each) for each in data]
    if isinstance(data, str) and len(data) > 2 * _SHOWN_OPAQUE:
        return f"{data[:_SHOWN_OPAQUE]}… ({len(data):,} characters)"
    return data
