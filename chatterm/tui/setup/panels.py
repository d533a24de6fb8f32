"""What the steps of the setup are asked with: each can be skipped, gone back from, and left."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from enum import StrEnum
from typing import Any, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical

from chatterm.render.lines import Line, line_cells, wrap
from chatterm.tui.pane.palette import Palette
from chatterm.tui.screens.choices import Choice, Picked
from chatterm.tui.screens.entry import Entry
from chatterm.tui.screens.panel import Hints, PanelScreen, Title
from chatterm.tui.screens.picker import Picker
from chatterm.tui.screens.rows import Words

NOTHING = Choice("", "")


class Move(StrEnum):
    """Where a step leads."""

    ON = "on"
    SKIP = "skip"
    BACK = "back"


def _key(key: str, action: str, text: str, name: str, shown: str) -> Binding:
    return Binding(key, action, text, id=name, key_display=shown, priority=True)


def _bindings(prefix: str, *, on: str) -> list[BindingType]:
    """The keys of a step, in the order in which they are hinted at."""
    return [
        _key("enter", "pick", on, f"{prefix}.pick", "Enter"),
        _key("tab", "go('skip')", "skip", "setup.skip", "Tab"),
        _key("escape", "cancel", "leave", f"{prefix}.cancel", "Esc"),
        _key("shift+tab", "go('back')", "back", "setup.back", "Shift+Tab"),
    ]


GRACE_S = 0.8
"""How long a step that has come unasked takes no key but Ctrl+C: others were meant for what was
there before."""


class StepPicker(Picker):
    """A step that asks for one of many; takes what a picker takes.

    Args:
        about: What stands above the filter.
        unasked: It comes of itself, over what the user was looking at.
    """

    DEFAULT_CSS = """
    StepPicker {
        & #panel { height: 90%; }
        & .about { margin-top: 1; }
        & Field { margin-top: 1; }
        &.-short .about { display: none; }
        &.-short Field { margin-top: 0; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = _bindings("picker", on="pick")

    def __init__(
        self, *given: Any, about: Sequence[Line] = (), unasked: bool = False, **options: Any
    ) -> None:
        super().__init__(*given, **options)
        self._about = Words(self.palette, about).add_class("about")
        self._has_about = bool(about)
        self._unasked = unasked
        self._since = 0.0
        self._field.can_focus = not unasked
        self._preferred: str | None = None

    def compose(self) -> ComposeResult:
        """As a picker, with a few words before."""
        with Vertical(id="panel", classes="-preview" if self._preview else ""):
            yield self._title
            if self._has_about:
                yield self._about
            yield self._field
            with Container(id="body"):
                yield self._rows
                yield self._preview_rows
            yield Hints(self.palette)

    def prefer(self, key: str) -> None:
        """Put the cursor on a choice, unless the user has moved it or is looking for one."""
        choice = self._rows.choice
        if choice is None or self._field.value:
            return
        if self._preferred in (None, choice.key):
            self._rows.seek(key)
            self._preferred = key

    def on_mount(self) -> None:
        """It is seen from now on."""
        self._since = time.monotonic()
        if self._unasked:
            self.set_timer(GRACE_S, self._listen)

    def _show(self, choices: Sequence[Choice], query: str, nothing: str = "") -> None:
        super()._show(choices, query, nothing)
        choice = self._rows.choice
        if self._preferred is None and choice is not None:
            self._preferred = choice.key  # nobody has moved there

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Nothing is done by a key that was pressed before this was seen, but Ctrl+C is heard."""
        if self._is_early() and action != "leave":
            return None
        return super().check_action(action, parameters)

    def on_key(self, event: events.Key) -> None:
        """Nor does one go to the filter."""
        if self._is_early():
            event.prevent_default()

    def _listen(self) -> None:
        self._field.can_focus = True
        self._field.focus()

    def _is_early(self) -> bool:
        return self._unasked and time.monotonic() - self._since < GRACE_S

    def action_go(self, move: str) -> None:
        """Go elsewhere without picking anything."""
        self.answer(Picked(NOTHING, move))


class KeyEntry(Entry):
    """A step that asks for a key, which isn't shown; takes what an entry takes."""

    DEFAULT_CSS = """
    KeyEntry { & .about { margin-top: 1; } &.-short .about { margin-top: 0; } }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        _key("enter", "accept", "keep it", "entry.accept", "Enter"),
        _key("escape", "cancel", "back", "entry.cancel", "Esc"),
    ]

    def __init__(self, *given: Any, about: Sequence[Line] = (), **options: Any) -> None:
        super().__init__(*given, **options)
        self._about = Words(self.palette, about).add_class("about")
        self._field.password = True

    def compose(self) -> ComposeResult:
        """The title, where the key is kept, the line, what is wrong with it."""
        with Vertical(id="panel"):
            yield self._title
            yield self._about
            yield self._field
            yield self._wrong
            yield Hints(self.palette)


class Fitted(Words):
    """Words that are made for the width that there is.

    Args:
        palette: What roles look like.
        made: Makes them.
    """

    def __init__(self, palette: Palette, made: Callable[[int], Sequence[Line]]) -> None:
        super().__init__(palette)
        self._made = made

    def _wrapped(self, width: int) -> list[Line]:
        made = self._made(width)
        return [
            row
            for line in made
            for row in ([line] if line_cells(line) <= width else wrap(line, width))
        ]


class Told(PanelScreen[Move | None]):
    """A step that tells something; answers where to go, or None to leave.

    Args:
        palette: What roles look like.
        title: What it is about.
        lines: What is told, or what makes it for a width in cells.
        on: What Enter does, in a word.
    """

    DEFAULT_CSS = """
    Told {
        & #panel { max-width: 100; }
        & #said {
            height: auto;
            max-height: 1fr;
            margin-top: 1;
            overflow-y: auto;
            scrollbar-size-vertical: 1;
        }
        &.-short #panel { height: 100%; }
        &.-short #said { margin-top: 0; height: 1fr; max-height: 100%; }
        &.-short Hints { margin-top: 0; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        *_bindings("setup", on="go on"),
        Binding("up", "scroll(-1)", "Up", show=False, id="setup.up", priority=True),
        Binding("down", "scroll(1)", "Down", show=False, id="setup.down", priority=True),
    ]
    AUTO_FOCUS = ""

    def __init__(
        self,
        palette: Palette,
        title: Line | str,
        lines: Sequence[Line] | Callable[[int], Sequence[Line]],
        *,
        on: str = "go on",
    ) -> None:
        super().__init__(palette)
        self._title = Title(palette, title)
        self._words = Fitted(palette, lines) if callable(lines) else Words(palette, lines)
        self.add_key(_key("enter", "pick", on, "setup.pick", "Enter"))

    def compose(self) -> ComposeResult:
        """The title and the words."""
        with Vertical(id="panel"):
            yield self._title
            with Container(id="said"):
                yield self._words
            yield Hints(self.palette)

    def tell(self, lines: Sequence[Line]) -> None:
        """Tell something else."""
        self._words.show(lines)

    def action_scroll(self, rows: int) -> None:
        """Scroll by rows."""
        self.query_one("#said").scroll_relative(y=rows, animate=False)

    def action_pick(self) -> None:
        """Go on."""
        self.answer(Move.ON)

    def action_cancel(self) -> None:
        """Leave the setup."""
        self.answer(None)

    def action_go(self, move: str) -> None:
        """Go elsewhere."""
        self.answer(Move(move))


class Trying(Told):
    """A step that does something and tells how it went; it can be done again.

    Args:
        palette: What roles look like.
        title: What it is about.
        asking: What is told while it is done.
        work: Does it, and says how it went. What it does is given up when the step is left.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        _key("enter", "pick", "go on", "setup.pick", "Enter"),
        Binding("r", "again", "try again", id="setup.again"),
        *_bindings("setup", on="go on")[1:],
    ]

    def __init__(
        self,
        palette: Palette,
        title: Line | str,
        asking: Sequence[Line],
        work: Callable[[], Awaitable[Sequence[Line]]],
    ) -> None:
        super().__init__(palette, title, asking)
        self._asking = asking
        self._work = work

    def on_mount(self) -> None:
        """Begin at once."""
        self.action_again()

    def action_again(self) -> None:
        """Do it again."""
        self.tell(self._asking)
        self.run_worker(self._do(), group="work", exclusive=True)

    async def _do(self) -> None:
        self.tell(await self._work())
