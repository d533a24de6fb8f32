"""A made-up workspace, home and set of programs, in which lines are judged and never run."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from chatterm.permissions.places import Places
from chatterm.permissions.shell import programs
from chatterm.permissions.shell.analysis import Analysis, Surroundings, analyse
from chatterm.permissions.shell.readers import known_programs

CORPUS = Path(__file__).parent / "permissions" / "corpus"
_TEXTS = (
    *("README.md", "CHANGELOG.md", "LICENSE", "Makefile", "Dockerfile", "pyproject.toml"),
    *("requirements.txt", "setup.py", "notes.txt", "todo.txt", "a.txt", "b.txt", "data.csv"),
    *("names.txt", "app.log", "go.mod", "Cargo.toml", "archive.tar", "archive.tar.gz", "lib.zip"),
    *("src/__init__.py", "src/main.py", "src/app.py", "src/utils.py", "src/index.ts", "src/app.ts"),
    *("src/lib/core.py", "src/lib/io.c", "src/lib/io.h", "src/components/Button.tsx"),
    *("src/my file.txt", "tests/__init__.py", "tests/test_app.py", "tests/conftest.py"),
    *("tests/data/sample.txt", "docs/index.md", "docs/guide.md", "logs/app.log", "logs/old.log.gz"),
    *("scripts/build.sh", "config/settings.toml", "config/app.yaml", ".gitignore", ".editorconfig"),
    *(".github/workflows/ci.yml", "build/out.txt", "include/api.h", "Café menu.md"),
)
_JSON = ("package.json", "tsconfig.json", "data.json", "config.json", "users.json")
# Programs that are no readers, but that a line may name.
_OTHERS = (
    *("python", "python3", "node", "npm", "bash", "sh", "env", "xargs", "timeout", "nice", "make"),
    *("curl", "wget", "ssh", "tee", "rm", "cp", "mv", "dd", "perl", "ruby", "gcc", "cargo", "go"),
)


@dataclass(frozen=True)
class World:
    """A workspace and what is around it.

    Attributes:
        workspace: Where lines are judged.
        surroundings: Of the workspace.
    """

    workspace: Path
    surroundings: Surroundings = field(repr=False)

    def judge(self, line: str, *, trusted: bool = False) -> Analysis:
        """What a line would do in the workspace."""
        around = self.surroundings
        trust = self.workspace if trusted else None
        return analyse(line, self.workspace, Surroundings(around.places, around.search, trust))


def lines_of(name: str) -> Iterator[dict[str, str]]:
    """The lines of a corpus."""
    with (CORPUS / f"{name}.jsonl").open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def clean_world(top: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A workspace like many, with nothing sensitive in it."""
    return _world(top, "project", monkeypatch)


def mined_world(top: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """The same with secrets, links, a pipe, and files named like options."""
    world = _world(top, "mined", monkeypatch)
    workspace = world.workspace
    for name in (".env", "id_rsa", "server.pem", "private/deep.pem", "config/.env", "-r", "-e"):
        path = workspace / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("SECRET=1\n")
    for name in ("vault/.env", "vault/id_rsa", "vault/server.pem", "vault/server.key"):
        path = workspace / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("SECRET=1\n")
    home = top / "home"
    os.link(home / ".ssh/id_ed25519", workspace / "vault/hard")
    os.mkfifo(workspace / "vault/pipe")
    (workspace / "link-out").symlink_to(top / "elsewhere")
    (workspace / "link-env").symlink_to("vault/.env")
    (workspace / "outside").symlink_to(top / "elsewhere")
    (workspace / "passwords").symlink_to("/etc/passwd")
    (workspace / "settings").symlink_to(".env")
    (workspace / "dump.gz").symlink_to(top / "elsewhere/file.txt")
    (workspace / "src/linked").symlink_to("../private")
    os.link(workspace / ".env", workspace / "harmless.txt")
    os.link(workspace / "config/.env", workspace / "nested.txt")
    os.link(home / ".ssh/id_ed25519", workspace / "key.txt")
    os.mkfifo(workspace / "pipe")
    return world


def _world(top: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> World:
    workspace, home, elsewhere = top / name, top / "home", top / "elsewhere"
    for text in (*_TEXTS, *_JSON):
        path = workspace / text
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}\n" if text in _JSON else "a line\n")
    for directory in (home / ".ssh", elsewhere):
        directory.mkdir(parents=True, exist_ok=True)
    (home / ".ssh/id_ed25519").write_text("secret\n")
    (elsewhere / "file.txt").write_text("not yours\n")
    _repository(workspace / ".git")
    search = _programs(top / "bin", monkeypatch)
    return World(workspace, Surroundings(Places.of(workspace, home), (search,)))


def _repository(git: Path) -> None:
    for name in ("objects/info", "objects/pack", "refs/heads", "refs/tags", "info"):
        (git / name).mkdir(parents=True)
    (git / "HEAD").write_text("ref: refs/heads/main\n")
    (git / "config").write_text(
        "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = false\n"
        '[remote "origin"]\n\turl = https://example.com/project.git\n'
        '[branch "main"]\n\tremote = origin\n\tmerge = refs/heads/main\n'
    )


def _programs(directory: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Empty programs under all names, in a directory that counts as the system's.

    So what a machine has installed plays no part.
    """
    directory.mkdir(exist_ok=True)
    for name in {*known_programs(), *_OTHERS}:
        program = directory / name
        program.write_bytes(b"")
        program.chmod(0o755)
    monkeypatch.setattr(programs, "_SYSTEM", (*programs._SYSTEM, str(directory)))
    return str(directory)
