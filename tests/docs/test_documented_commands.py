"""Every block of shell in the README and in `docs/` is run, and does what it says.

A model is played by a server on this machine; the place has the files that the blocks name. Lines
that open the app get a terminal, and are left again. What sets up a machine is run by `.ci/run`
instead, and stands in `ELSEWHERE`.
"""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from chatterm.config import load_config
from chatterm.tui.keys import keymap
from chatterm.tui.themes import chosen_theme, load_theme
from faultserver import Answer, FaultServer, Received
from program import Program
from terminals import Terminal
from wire_replies import chat_stream

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
ID = "3f2a"  # stands for a conversation's id in the pages

# Lines that `.ci/run` runs, by itself or in a program that it starts.
ELSEWHERE = {
    "python3 -m venv .venv && .venv/bin/pip install -q . && .venv/bin/chatterm": (
        "tests/packaging/clean_install.py"
    ),
    "python3 -m venv .venv && .venv/bin/pip install -q -e '.[dev]' && .venv/bin/python -m pytest": (
        ".ci/run"
    ),
    "pip install 'chatterm[local]'": "pyproject.toml: the extra dev",
    "pip install '.[local]'": "pyproject.toml: the extra dev",
    "chatterm models install smollm2": ".ci/run",
    'chatterm ask -m local/smollm2 "name three rivers"': "tests/test_local_model.py",
    "chatterm -m local/smollm2": "tests/test_local_model.py",
}
# Statuses that a page itself tells, where they aren't 0.
STATUSES = {'chatterm ask "count to a hundred" | head -1': 141}

LETTER = "Dear Sir, I found your engine most remarkable. Yours, Ada\n"
SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string"}},
    "required": ["name"],
}


@dataclass(frozen=True)
class Block:
    """A block of shell in a page."""

    page: str
    number: int
    lines: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.page}-{self.number}"


def blocks() -> Iterator[Block]:
    """All of them."""
    for page in PAGES:
        found = re.findall(r"^```sh\n(.*?)^```", page.read_text("utf-8"), re.DOTALL | re.MULTILINE)
        for number, text in enumerate(found):
            lines = tuple(_lines(text))
            if lines and page.name != "performance.md":
                yield Block(page.name, number, lines)


def _lines(text: str) -> Iterator[str]:
    """The commands of a block: a line each, or several that belong together."""
    open_line = ""
    for line in text.splitlines():
        bare = re.sub(r"\s{2,}# .*$", "", line) if not line.startswith("#") else ""
        open_line = f"{open_line}\n{bare}".strip("\n")
        if open_line and not _goes_on(open_line):
            yield open_line
            open_line = ""


def _goes_on(line: str) -> bool:
    opened = len(re.findall(r"\bcase\b", line)) - len(re.findall(r"\besac\b", line))
    return line.endswith("\\") or opened > 0


@dataclass
class World:
    """A machine as the pages suppose it."""

    program: Program
    work: Path
    conversation: str

    def run(self, line: str) -> subprocess.CompletedProcess[str]:
        """Run a line in bash."""
        return subprocess.run(
            ["bash", "--norc", "-c", f"set -o pipefail\n{self._own(line)}"],
            cwd=self.work,
            env=self.program.env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def visit(self, line: str) -> None:
        """Run a line that opens the app, and leave it."""
        command = ["bash", "--norc", "-c", self._own(line)]
        with Terminal(command, self.program.env, self.work, columns=100, rows=32) as terminal:
            terminal.read_until("\x1b[?1049h")
            terminal.read_until("❯", seconds=90)
            if " -r" in line:
                terminal.read_until("Conversations", seconds=90)
                terminal.read_for(1)
                terminal.type("\x1b")
            elif '"' in line:
                terminal.read_until("Line 8", seconds=90)
            terminal.read_for(1)
            terminal.type("\x04")
            assert terminal.wait() == 0, terminal.text[-2000:]

    def _own(self, line: str) -> str:
        return line.replace(ID, self.conversation)


def answered(received: Received) -> Answer:
    """What the model says: code where a shell line is asked for, JSON where a schema is given."""
    asked = received.json if received.body else {}
    if received.path.endswith("/models"):
        return Answer(b'{"data": [{"id": "qwen3"}]}', headers={"Content-Type": "application/json"})
    words = json.dumps(asked.get("messages", [])[-1:])
    if asked.get("response_format"):
        text = '{"name": "Ada"}'
    elif "shell line" in words:
        text = "Like this:\n\n```sh\nfind . -type f | wc -l\n```\n"
    else:
        # More than a pipe holds, where its reader is to leave before the end.
        lines = 20_000 if "count to a hundred" in words else 8
        text = "\n".join(f"Line {n} of an answer." for n in range(1, lines + 1))
    return Answer(chat_stream([{"reasoning_content": "hm"}, {"content": text}]))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The machine, with a repository to work in and a conversation that has edited a file."""
    home = tmp_path_factory.mktemp("home")
    work = home / "src" / "parser"
    work.mkdir(parents=True)
    bin_dir = home / "bin"
    bin_dir.mkdir()
    chatterm = bin_dir / "chatterm"
    chatterm.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m chatterm "$@"\n')
    chatterm.chmod(0o755)
    with FaultServer() as server:
        server.script(answered)
        program = Program(home)
        program.configure(
            'model = "desk/qwen3"\n[titles]\nmodel = "off"\n[providers.desk]\nprotocol = "chat"\n'
            f'base_url = "{server.url}/v1"\n[providers.s]\nprotocol = "demo"\n'
            f'script = "{home / "edit.demo"}"\n'
        )
        program.env |= {"PATH": f"{bin_dir}:{program.env['PATH']}", "TERM": "xterm-256color"}
        program.env |= {"KEY": "sk-none", "OPENAI_API_KEY": ""}
        # A keyring that works, as on a desktop.
        program.env["PYTHON_KEYRING_BACKEND"] = "file_keyring.FileKeyring"
        (home / "file_keyring.py").write_text(KEYRING)
        program.env["PYTHONPATH"] = str(home)
        _furnish(work)
        world = World(program, work, _edited(program, work, home))
        world.visit('chatterm "a first message"')
        yield world


def _furnish(work: Path) -> None:
    """The files that the pages name."""
    git = ["git", "-c", "user.name=A", "-c", "user.email=a@example.com"]
    subprocess.run([*git, "init", "-q"], cwd=work, check=True)
    (work / "src").mkdir()
    (work / "src" / "main.py").write_text("greeting = 'hello'\n")
    (work / "letter.txt").write_text(LETTER)
    (work / ".chatterm" / "prompts").mkdir(parents=True)
    (work / ".chatterm" / "prompts" / "translate.md").write_text("Into {{language}}:\n")
    (work / "question.txt").write_text("why is the sky blue?\n")
    (work / "words").write_text("water\nfire\n")
    (work / "person.json").write_text(json.dumps(SCHEMA))
    (work / "screenshot.png").write_bytes(PNG)
    subprocess.run([*git, "add", "-A"], cwd=work, check=True)
    subprocess.run([*git, "commit", "-q", "-m", "begin"], cwd=work, check=True)
    (work / "src" / "main.py").write_text("greeting = 'good morning'\n")


def _edited(program: Program, work: Path, home: Path) -> str:
    """The id of a conversation in which a file was written; so much of it as tells it apart."""
    arguments = {"path": "notes.txt", "content": "hello\n"}
    (home / "edit.demo").write_text(f"call write_file: {json.dumps(arguments)}\ntext: done\n")
    done = program.run(
        *("ask", "-m", "s", "-T", "write_file", "--allow", "write_file", "write a note"), cwd=work
    )
    assert done.status == 0, done.stderr
    (row,) = program.run("history", "list", "--json").text.splitlines()
    whole = json.loads(row)["id"]
    export = program.run("history", "export", whole, "--format", "jsonl").stdout
    (work / "conversations.json").write_bytes(export)
    return str(whole)[:8]


PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360f8cf0000000301010018dd8db00000000049454e44ae426082"
)
KEYRING = '''"""A keyring in a file, for tests."""
import json, os
from keyring.backend import KeyringBackend

FILE = os.path.join(os.path.dirname(__file__), "keys.json")


class FileKeyring(KeyringBackend):
    priority = 1

    def _all(self):
        return json.load(open(FILE)) if os.path.exists(FILE) else {}

    def _keep(self, keys):
        with open(FILE, "w") as file:
            json.dump(keys, file)

    def get_password(self, service, name):
        return self._all().get(f"{service} {name}")

    def set_password(self, service, name, password):
        self._keep(self._all() | {f"{service} {name}": password})

    def delete_password(self, service, name):
        keys = self._all()
        del keys[f"{service} {name}"]
        self._keep(keys)
'''

COMMANDS = ("ask", "history", "store", "models", "providers", "config", "permissions", "doctor")
_OPENS_APP = re.compile(
    rf"(^|\| )chatterm(?! (-p|--|{'|'.join((*COMMANDS, 'key'))})\b)( |$)", re.MULTILINE
)


@pytest.mark.parametrize("block", list(blocks()), ids=str)
def test_a_block_of_shell_does_what_it_says(block: Block, world: World) -> None:
    for line in block.lines:
        if line in ELSEWHERE:
            continue
        if _OPENS_APP.search(line):
            world.visit(line)
            continue
        done = world.run(line)
        assert done.returncode == STATUSES.get(line, 0), f"{line}\n{done.stdout}\n{done.stderr}"


def test_what_is_run_elsewhere_is_run_there() -> None:
    script = (ROOT / ".ci" / "run").read_text("utf-8").replace("$python", "python3")
    shown = {line for block in blocks() for line in block.lines}
    for line, where in ELSEWHERE.items():
        assert line in shown, f"no page has it any more: {line}"
        if where == ".ci/run":
            assert line.removeprefix("chatterm ") in script, line
        else:
            file = ROOT / where.partition(":")[0]
            assert file.exists()


def _toml_blocks() -> list[tuple[str, str]]:
    found = []
    for page in PAGES:
        text = page.read_text("utf-8")
        blocks_of_page = re.findall(r"^```toml\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
        found += [(page.name, block) for block in blocks_of_page if "[colours]" not in block]
    return found


@pytest.mark.parametrize(("page", "text"), _toml_blocks())
def test_a_block_of_configuration_is_one(page: str, text: str, tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(text, "utf-8")
    config = load_config(file)
    keymap(config.ui.keys)
    chosen_theme(config.theme, dark=True, own=None)


def test_a_block_of_a_theme_is_one(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "themes.md").read_text("utf-8")
    (text,) = re.findall(r"^```toml\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    (tmp_path / "mine.toml").write_text(text, "utf-8")
    assert load_theme(tmp_path / "mine.toml").name == "mine"
