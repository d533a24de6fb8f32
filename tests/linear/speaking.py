"""The linear mode in a real pseudo-terminal: a place of one's own, and somebody who listens."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from nursery import Nursery
from program import Finished, Program
from terminals import Terminal

PATIENCE_S = 60.0
EDITED = re.compile(r"[\x08\r\n]")
"""What the line editor may write beside characters: backspaces and returns."""


class Ear(Terminal):
    """Listens to one line after the other: what was heard once isn't heard again."""

    at = 0

    def hears(self, text: str) -> str:
        """Wait until a text has come; all that came before it, since what was heard last."""
        until = time.monotonic() + PATIENCE_S
        wanted = text.encode()
        while (found := self.seen.find(wanted, self.at)) < 0:
            left = until - time.monotonic()
            heard = self.seen[self.at :].decode("utf-8", "replace")
            assert left > 0, f"{text!r} was never heard, but: {heard!r}"
            assert self._read(left), f"it ended without {text!r}: {heard!r}"
        before, self.at = self.seen[self.at : found], found + len(wanted)
        return before.decode("utf-8", "replace").replace("\r\n", "\n")

    def says(self, line: str, prompt: str = "you: ") -> str:
        """Wait to be asked, and type a line; what was heard before the prompt."""
        before = self.hears(prompt)
        self.type(f"{line}\r")
        return before

    def asked(self, answer: str) -> str:
        """Wait for a question about a call, and answer it; the question."""
        return self.says(answer, "answer, Enter is no: ")

    def quits(self) -> int:
        """Leave at the prompt; the exit status."""
        self.says("/quit")
        return self.wait(seconds=PATIENCE_S)

    @property
    def odd(self) -> set[str]:
        """The control characters that came, beside those that end lines and edit them."""
        text = EDITED.sub("", self.seen.decode("utf-8", "surrogateescape"))
        return {each for each in text if not each.isprintable() and each not in "\u200c\u200d"}


@dataclass
class Place:
    """A home, a directory to work in, and a script that answers."""

    program: Program
    nursery: Nursery

    @property
    def work(self) -> Path:
        return self.program.home / "work"

    def answers(self, script: str, more: str = "") -> None:
        """Have a script answer."""
        path = self.program.home / "talk.demo"
        path.write_text(script, "utf-8")
        self.program.configure(
            f'model = "s/x"\n{more}\n[titles]\nmodel = "off"\n[stream]\nretries = 0\n'
            f'[providers.s]\nprotocol = "demo"\nscript = "{path}"\nmodels = ["x", "y"]\n'
        )

    def start(
        self,
        *arguments: str,
        columns: int = 80,
        plain: bool = True,
        command: Sequence[str] = (),
        **env: str,
    ) -> Ear:
        """Start the program in a terminal, or a command that starts it there."""
        options = ["--plain"] if plain else []
        environ = {
            **self.program.env,
            "TERM": "xterm-256color",
            "SHELL": "/bin/sh",
            "CHATTERM_DATA_DIR": str(self.program.home / "data"),
            **env,
        }
        environ = {name: value for name, value in environ.items() if value != "unset"}
        nursery = None if command else self.nursery
        line = [*command, *options, *arguments]
        return Ear(line, environ, self.work, columns=columns, nursery=nursery)

    def runs(self, *arguments: str) -> Finished:
        """Run a command of the program to its end."""
        env = {"CHATTERM_DATA_DIR": str(self.program.home / "data")}
        return self.program.run(*arguments, env=env, cwd=self.work)


@pytest.fixture
def place(program: Program, nursery: Nursery) -> Place:
    found = Place(program, nursery)
    (found.work / ".git").mkdir(parents=True)
    found.answers("text: Hello from the script.\nusage input=10 output=3\n")
    return found
