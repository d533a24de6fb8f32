"""Driving the whole app headless: a real store, the real gate and tools, a scripted provider."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from chatterm.config import load_config
from chatterm.talking.options import AppOptions
from chatterm.tui.app import ChattermApp
from chatterm.tui.chat import Chat
from chatterm.tui.steps.looks import Looks
from chatterm.tui.steps.signs import UNICODE
from chatterm.tui.themes import chosen_theme

_KEYS = {" ": "space", "\n": "ctrl+j", "/": "slash", "!": "exclamation_mark", "@": "at", "?": "?"}
PATIENCE_S = 20.0


@dataclass
class Driver:
    """An app that runs, and what may be done with it."""

    app: ChattermApp
    pilot: Pilot[Any]
    patience: float = PATIENCE_S

    @property
    def chat(self) -> Chat:
        return self.app.chat

    async def until(self, condition: Callable[[], object]) -> None:
        """Let the app go on until something holds."""
        end = time.monotonic() + self.patience
        while not condition():
            assert time.monotonic() < end, f"it never came to that; the screen:\n{self.text()}"
            await self.pilot.pause(0.01)
        await self.pilot.pause()

    async def press(self, *keys: str) -> None:
        """Press keys, one after the other."""
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def type(self, text: str) -> None:
        """Type a text."""
        await self.pilot.press(*(_KEYS.get(each, each) for each in text))

    async def send(self, text: str) -> None:
        """Type a message and send it."""
        self.chat.prompt.write(text)
        await self.press("enter")

    async def ask(self, text: str = "hello") -> None:
        """Send a message, and wait for the end of its turn."""
        turns = len(self.chat.talk.session.turns)
        await self.send(text)
        await self.until(lambda: len(self.chat.talk.session.turns) > turns)
        await self.idle()

    async def asked(self) -> None:
        """Wait for a question, and for the time in which it takes no key."""
        await self.until(lambda: self.chat.asking.open)
        self.chat.asking.forget_grace()
        await self.pilot.pause()

    async def idle(self) -> None:
        """Wait until nothing is under way and everything is on the screen."""
        await self.until(lambda: not self.chat.talk.running and not self.chat.pane.busy)
        await self.pilot.pause(0.05)

    def lines(self) -> list[str]:
        """What is on the screen, row by row."""
        height = self.app.size.height
        screen = self.app.screen
        rows = screen._compositor.render_strips()
        return ["".join(seg.text for seg in row).rstrip() for row in rows[:height]]

    def text(self) -> str:
        """What is on the screen."""
        return "\n".join(self.lines())

    def says(self, words: str) -> bool:
        """Whether words are on the screen, on one row or broken between two."""
        text = self.text()
        return words in text or words in " ".join(text.split())


@dataclass
class Place:
    """A directory to work in, a configuration, and a store."""

    work: Path
    config: Path
    data: Path

    def configure(self, script: str, more: str = "") -> None:
        """Have a script answer."""
        path = self.config.parent / "talk.demo"
        path.write_text(script, "utf-8")
        self.config.write_text(
            f'model = "s/x"\n{more}\n[providers.s]\nprotocol = "demo"\nscript = "{path}"\n'
            'models = ["x"]\n',
            "utf-8",
        )

    @asynccontextmanager
    async def app(
        self,
        size: tuple[int, int] = (100, 32),
        theme: str = "dark",
        *,
        errors: bool = False,
        opened: bool = True,
        **options: Any,
    ) -> AsyncIterator[Driver]:
        """Run the app.

        Args:
            size: The terminal's.
            theme: The theme's name.
            errors: Some that nobody expects may come, which else fail the test.
            opened: Wait until it has opened all it needs.
            options: Those of the app.
        """
        config = load_config(self.config)
        looks = Looks(UNICODE, config.ui.timestamps, still=True, now=time.time)
        chosen = chosen_theme(theme, dark=True, own=None)
        app = ChattermApp(AppOptions(**options), config, chosen, looks)
        async with app.run_test(size=size) as pilot:
            driver = Driver(app, pilot)
            if opened:
                await driver.until(lambda: app.chat.talk.opened or app.return_value is not None)
            yield driver
            if app.is_running:
                app.chat.leave()
                await driver.until(lambda: app._exit)
        await asyncio.sleep(0)
        if not errors and app.unexpected.errors:
            raise app.unexpected.errors[0]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A place of one's own, with nothing of the user's."""
    work = tmp_path / "work"
    work.mkdir()
    (work / ".git").mkdir()
    home = tmp_path / "home"
    home.mkdir()
    config = tmp_path / "config" / "config.toml"
    config.parent.mkdir()
    data = tmp_path / "data"
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("CHATTERM_CONFIG", str(config))
    monkeypatch.setenv("CHATTERM_DATA_DIR", str(data))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    monkeypatch.chdir(work)
    for name in ("OPENAI_API_KEY", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    found = Place(work, config, data)
    found.configure("text: Hello.\nusage input=10 output=3\n")
    return found
