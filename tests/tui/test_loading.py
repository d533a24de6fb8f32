"""What the first frame doesn't need is loaded after it, beside the screen."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from chatterm.tui import loading

# An app that sends a message once it is ready, and tells which modules were loaded for that.
RUN = """
import asyncio, sys
from pathlib import Path
from chatterm.config import load_config
from chatterm.tui.app import ChattermApp
from chatterm.talking.options import AppOptions
from chatterm.tui.steps.looks import Looks
from chatterm.tui.steps.signs import UNICODE
from chatterm.tui.themes import chosen_theme
import time

async def until(pilot, condition):
    while not condition():
        await pilot.pause(0.01)

async def main():
    config = load_config(Path(sys.argv[1]))
    looks = Looks(UNICODE, False, True, time.time)
    app = ChattermApp(AppOptions(), config, chosen_theme("dark", dark=True, own=None), looks)
    async with app.run_test() as pilot:
        chat = app.chat
        opened = lambda: chat.talk.opened and all(each.is_finished for each in app.workers)
        await until(pilot, opened)
        ready = set(sys.modules)
        chat.prompt.write("hello")
        await pilot.press("enter")
        await until(pilot, lambda: len(chat.talk.session.turns) == 1)
        print(*sorted(set(sys.modules) - ready), file=sys.__stdout__)

asyncio.run(main())
"""


def test_the_first_message_waits_for_no_import(tmp_path: Path) -> None:
    script = tmp_path / "talk.demo"
    script.write_text("text: hi\n", "utf-8")
    config = tmp_path / "config.toml"
    config.write_text(
        f'model = "s/x"\n[providers.s]\nprotocol = "demo"\nscript = "{script}"\nmodels = ["x"]\n',
        "utf-8",
    )
    env = {"PATH": "", "HOME": str(tmp_path), "CHATTERM_DATA_DIR": str(tmp_path / "data")}
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(config)],
        env=env,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        stdin=subprocess.DEVNULL,
    )
    assert done.stdout.split() == []


def test_all_that_is_loaded_later_is_there() -> None:
    for names in (loading.OPENING, loading.SHOWING, loading.SENDING):
        loading.load(names)


def test_turns_are_short_only_while_something_is_loaded() -> None:
    before = sys.getswitchinterval()
    with loading.short_turns():
        assert sys.getswitchinterval() < before
    assert sys.getswitchinterval() == before
