"""A workspace, a home directory, and gates before them, in which calls are judged and never run."""

from __future__ import annotations

from pathlib import Path

from chatterm.config.schema import Rule
from chatterm.permissions.gate import Gate, Posture
from chatterm.permissions.places import Places
from chatterm.permissions.rulewords import rule_of
from chatterm.permissions.sandbox.levels import Level
from chatterm.permissions.verdicts import Judgement, ReadAccess, ShellAccess, WriteAccess

SEARCH = ("/usr/local/bin", "/usr/bin", "/bin")
CAGED = Posture(level=Level.BUBBLEWRAP)


class Ground:
    """A workspace and a home directory, and gates before them."""

    def __init__(self, base: Path) -> None:
        self.home, self.workspace = base / "home", base / "work"
        self.outside = base / "outside"
        for directory in (self.home / ".ssh", self.workspace / "src", self.outside):
            directory.mkdir(parents=True)
        (self.home / ".ssh" / "id_rsa").write_text("key\n")
        (self.workspace / "a.txt").write_text("a\n")
        (self.workspace / ".env").write_text("KEY=1\n")
        self.places = Places.of(self.workspace, self.home, (self.home / ".config/chatterm",))

    def gate(self, posture: Posture = CAGED, *rules: Rule) -> Gate:
        return Gate(self.places, posture, rules, search=SEARCH)

    def shell(self, line: str, posture: Posture = CAGED, *rules: Rule, **more: object) -> Judgement:
        access = ShellAccess(line, more.pop("directory", self.workspace), **more)  # type: ignore[arg-type]
        return self.gate(posture, *rules).judge("shell", (access,))

    def write(self, path: str, posture: Posture = CAGED, *rules: Rule) -> Judgement:
        access = WriteAccess(self.workspace / path)
        return self.gate(posture, *rules).judge("write_file", (access,))

    def read(self, path: str, posture: Posture = CAGED, *rules: Rule) -> Judgement:
        access = ReadAccess(self.workspace / path)
        return self.gate(posture, *rules).judge("read_file", (access,))


def allow(text: str) -> Rule:
    return rule_of(text, "allow")


def mode(name: str, level: Level = Level.BUBBLEWRAP) -> Posture:
    return Posture(mode=name, level=level)  # type: ignore[arg-type]
