"""An app on a pseudo-terminal of its own, for tests of what gets its terminal."""

from __future__ import annotations

import os
import sys
import textwrap
from pathlib import Path

from terminals import Terminal

_APP = """\
import asyncio, os, signal, sys
from pathlib import Path
from textual.app import App
from textual.widgets import Static

class Tested(App):
    directory = Path.cwd()

    def __init__(self):
        super().__init__()
        self.app_ = self
        self.beats = 0

    def compose(self):
        yield Static("painted", id="said")

    def on_ready(self):
        self.run_worker(self.go())

    def say(self, text):
        self.query_one("#said", Static).update(text)

    def on_trouble(self, error):
        self.say("trouble: " + error.message)

    def on_key(self, event):
        if event.key == "q":
            self.exit()
        elif event.key == "ctrl+c":
            self.say("ctrl+c came to the app")

    async def beat(self):
        while True:
            self.beats += 1
            self.say(f"beat {{self.beats}}")
            await asyncio.sleep(0.005)

    async def go(self):
{body}

Tested().run()
"""


def app(tmp_path: Path, body: str, env: dict[str, str] | None = None) -> Terminal:
    """An app that does something, then waits for `q`."""
    code = _APP.format(body=textwrap.indent(textwrap.dedent(body), " " * 8))
    script = tmp_path / "tested_app.py"
    script.write_text(code)
    environ = {
        key: value for key, value in os.environ.items() if key not in {"VISUAL", "EDITOR", "TMUX"}
    }
    environ |= {"TERM": "xterm-256color"} | (env or {})
    return Terminal([sys.executable, str(script)], environ, tmp_path)


def program(tmp_path: Path, name: str, text: str) -> Path:
    """A shell script that can be run."""
    path = tmp_path / name
    path.write_text("#!/bin/sh\n" + textwrap.dedent(text))
    path.chmod(0o755)
    return path
