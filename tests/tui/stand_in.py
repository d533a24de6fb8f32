"""A stand-in for the screen of a conversation, for what is asked on top of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from textual.pilot import Pilot
from textual.widget import Widget

from chatterm.config import Config
from chatterm.errors import ChattermError
from chatterm.store import Store
from chatterm.tui.pane.palette import DARK
from chatterm.tui.screens.choices import ChoiceRows
from chatterm.tui.screens.entry import Confirm, Entry
from chatterm.tui.screens.picker import Picker
from chatterm.tui.steps.signs import UNICODE
from chatterm.tui.themes import Theme
from tui.screens_app import ScreensApp, wait_until


class LooksApp(ScreensApp):
    """An app that can be told to look different."""

    def __init__(self) -> None:
        super().__init__()
        self.worn: list[str] = []

    def use_theme(self, theme: Theme) -> None:
        self.worn.append(theme.name)
        self.register_theme(theme.textual())
        self.theme = theme.name


@dataclass
class FakeTalk:
    """The conversation behind the screen, as far as choosing goes."""

    store: Store | None = None
    config: Config = field(default_factory=Config)
    chosen: Any = None
    session: Any = field(default_factory=lambda: SimpleNamespace(id="open", head=None))
    title: str = ""

    async def rename(self, title: str) -> None:
        self.title = title
        assert self.store is not None
        await asyncio.to_thread(self.store.set_title, self.session.id, title, "user")


class FakeChat:
    """The screen; what it is told is written down."""

    def __init__(self, app: ScreensApp, talk: FakeTalk, directory: Path | None = None) -> None:
        self.app = app
        self.talk = talk
        self.palette = DARK
        self.directory = directory or Path.cwd()
        self.pane = SimpleNamespace(items=[], cursor=None)
        self.transcript = SimpleNamespace(turns=())
        self.all_shown = False
        self.setting = SimpleNamespace(looks=SimpleNamespace(signs=UNICODE))
        self.said: list[str] = []
        self.resumed: list[str] = []
        self.troubles: list[ChattermError] = []
        self.results: list[Any] = []

    @property
    def model_name(self) -> str:
        return self.talk.chosen.resolved.name if self.talk.chosen is not None else ""

    def say(self, text: str) -> None:
        self.said.append(text)

    async def resume(self, id_: str) -> None:
        self.resumed.append(id_)

    def begin(self, deed: Awaitable[Any]) -> None:
        """Do something as the screen does: in a worker; errors are written down."""

        async def done() -> None:
            try:
                self.results.append(await deed)
            except ChattermError as error:
                self.troubles.append(error)

        self.app.run_worker(done())

    @property
    def over(self) -> bool:
        """Whether what was begun has come to an end."""
        return bool(self.results or self.troubles)


async def until_shown(pilot: Pilot[None], kind: type[Widget]) -> None:
    """Wait until a screen of a kind lies on top, and can be seen."""

    def ready() -> bool:
        screen = pilot.app.screen
        if isinstance(screen, Confirm):
            return kind is Confirm and screen._since is not None
        return isinstance(screen, kind) and bool(screen.size.width)

    await wait_until(pilot, ready)
    await pilot.pause()


async def until_found(pilot: Pilot[None], condition: Callable[[list[str]], bool]) -> None:
    """Wait until the picker's choices, as they are listed, are so."""
    await wait_until(pilot, lambda: condition(keys(pilot)))


def keys(pilot: Pilot[None]) -> list[str]:
    """The keys of the choices that the picker lists."""
    if not isinstance(pilot.app.screen, Picker):
        return []
    rows = pilot.app.screen.query_one(ChoiceRows)
    return [choice.key for choice in rows._choices]


async def type_line(pilot: Pilot[None], text: str) -> None:
    """Write a line in place of the one that stands in an entry, and accept it."""
    await until_shown(pilot, Entry)
    await pilot.press("ctrl+a", "ctrl+k", *text, "enter")
