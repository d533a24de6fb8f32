"""Made-up workspaces in which shell lines are judged; nothing in them is ever run."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from chatterm.permissions.places import Places
from chatterm.permissions.shell.analysis import Analysis, Surroundings, analyse

CORPUS = Path(__file__).parent / "corpus"
_FILES = (
    *("a.txt", "a.json", "a.log", "data.csv", "README.md", "Makefile", "package.json"),
    *("pyproject.toml", "src/main.py", "src/a.py", "tests/test_a.py", "docs/x.md"),
)
_SECRETS = ("vault/.env", "vault/id_rsa", "vault/server.pem", "vault/server.key")


@dataclass(frozen=True)
class Work:
    """A workspace, and a home directory beside it."""

    directory: Path
    places: Places

    def analyse(self, line: str, *, trusted: bool = False) -> Analysis:
        """What a line would do in it."""
        # No program is looked for, so that the machine's own don't matter.
        trust = self.directory if trusted else None
        return analyse(line, self.directory, Surroundings(self.places, (), trust))


def plain(base: Path) -> Work:
    """A workspace with sources, documents and data."""
    work, home = base / "work", base / "home"
    for name in _FILES:
        _write(work / name)
    for name in (".ssh/id_rsa", ".netrc", ".bash_history"):
        _write(home / name)
    return Work(work, Places.of(work, home))


def with_secrets(base: Path) -> Work:
    """The same, with secrets under several names, a pipe, and a link that leads out."""
    made = plain(base)
    work = made.directory
    for name in _SECRETS:
        _write(work / name)
    _write(base / "outside" / "secret")
    (work / "link-out").symlink_to(base / "outside")
    (work / "link-env").symlink_to(work / "vault" / ".env")
    os.link(base / "home" / ".ssh" / "id_rsa", work / "vault" / "hard")
    os.mkfifo(work / "vault" / "pipe")
    return made


def with_git(base: Path) -> Work:
    """The same as `with_secrets`, in a repository."""
    made = with_secrets(base)
    git = made.directory / ".git"
    for name in ("refs/heads", "objects", "hooks"):
        (git / name).mkdir(parents=True)
    (git / "HEAD").write_text("ref: refs/heads/main\n")
    (git / "config").write_text("[core]\n\trepositoryformatversion = 0\n\tbare = false\n")
    return made


def corpus(name: str) -> Iterator[str]:
    """The lines of a corpus."""
    for row in (CORPUS / f"{name}.jsonl").read_text("utf-8").splitlines():
        yield json.loads(row)["cmd"]


def _write(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("x\n")
