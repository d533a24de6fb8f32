"""The rules of the house: imports point down, modules stay small, commands load what they use."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import chatterm
from faultserver import Answer, FaultServer, sse
from program import Program

PACKAGE = Path(chatterm.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
MOST_LINES = 500

# The floor of each part of the package; a part may import its own floor only within itself, or
# from parts of floors below.
FLOORS = {
    "address": 0,
    "redaction": 0,
    "moments": 0,
    "errors": 0,
    "steps": 0,
    "events": 0,
    "assembly": 0,
    "config": 1,
    "providers": 1,
    "render": 1,
    "store": 1,
    "transcripts": 1,
    "importing": 1,
    "permissions": 1,
    "tools": 1,
    "tui": 3,
    "agent": 2,
    "fetching": 2,
    "prompts": 2,
    "session": 2,
    "talking": 2,
    "linear": 3,
    "oneshot": 3,
    "cli": 4,
    "__main__": 5,
    "__init__": 0,
}
# Floor 0 and 1 have an order of their own: a key here may import its values.
WITHIN_FLOOR = {
    "steps": {"errors"},
    "events": {"errors", "steps"},
    "assembly": {"errors", "steps", "events"},
    "providers": {"config"},
    "transcripts": {"store", "render"},
    "importing": {"store", "transcripts"},
    "permissions": {"config"},
    "tools": {"permissions", "config", "render"},
    "session": {"agent"},
    "talking": {"agent", "prompts", "session"},
    "linear": {"oneshot"},
}


def part_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_parts(path: Path) -> set[str]:
    """The parts of the package that a module imports, wherever in its text."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module]
        for name in names:
            if name.startswith("chatterm."):
                found.add(name.split(".")[1])
    return found


def test_imports_point_down() -> None:
    wrong = [
        f"{path}: {part} (floor {FLOORS[part]}) imports {other}"
        for path in MODULES
        for part in [part_of(path)]
        for other in imported_parts(path) - {part}
        if FLOORS[other] >= FLOORS[part] and other not in WITHIN_FLOOR.get(part, ())
    ]
    assert not wrong


def test_no_module_is_too_long() -> None:
    long = [path for path in MODULES if len(path.read_text("utf-8").splitlines()) > MOST_LINES]
    assert not long


def test_every_module_says_what_it_is_for() -> None:
    silent = [path for path in MODULES if not ast.get_docstring(ast.parse(path.read_text("utf-8")))]
    assert not silent


HEAVY = (
    "textual",
    "rich",
    "keyring",
    "tree_sitter",
    "jsonschema",
    "markdown_it",
    "pygments",
    "platformdirs",
    "pydantic",
    "genai_prices",
)


def loaded_by(program: Program, *arguments: str) -> set[str]:
    """The modules that a run of the program loads."""
    code = (
        "import sys; from chatterm.cli.main import run; status = run(sys.argv[1:]);"
        "print(*sorted(sys.modules), file=sys.stderr); sys.exit(status)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env=program.env,
        cwd=program.home,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        stdin=subprocess.DEVNULL,
    )
    return set(done.stderr.split())


def test_ask_loads_neither_a_screen_nor_what_it_does_not_use(
    program: Program, server: FaultServer
) -> None:
    text = '{"choices":[{"index":0,"delta":{"content":"hi"},"finish_reason":"stop"}]}'
    server.script(Answer(sse(text, "[DONE]")))
    program.provider(server.url)
    program.env["CHATTERM_DATA_DIR"] = str(program.home / "data")  # platformdirs finds it otherwise
    loaded = loaded_by(program, "ask", "hello")
    assert "httpx" in loaded
    assert loaded.isdisjoint(HEAVY)


def test_an_http_address_needs_no_certificates(program: Program, server: FaultServer) -> None:
    text = '{"choices":[{"index":0,"delta":{"content":"hi"},"finish_reason":"stop"}]}'
    server.script(Answer(sse(text, "[DONE]")))
    program.provider(server.url)
    # Reading a certificate file that isn't one would end with an error.
    broken = program.home / "broken.pem"
    broken.write_text("no certificate")
    done = program.run("ask", "-n", "hello", env={"SSL_CERT_FILE": str(broken)})
    assert (done.status, done.text) == (0, "hi\n")


SCREEN = {"textual", "markdown_it", "pygments", "pydantic", "genai_prices"}
NETWORK = {"httpx", "httpcore", "markdownify", "bs4"}
GATE = {"tree_sitter", "pathspec", "tomlkit"}
# What a command must not load, beside what it doesn't use.
UNUSED = {
    ("config", "path"): SCREEN | NETWORK | GATE | {"rich"},
    ("providers",): SCREEN | NETWORK | GATE | {"rich"},
    ("models", "demo"): SCREEN | NETWORK | GATE | {"rich"},
    ("models", "demo", "--refresh"): SCREEN | NETWORK | GATE | {"rich"},
    ("history", "list"): SCREEN | NETWORK | GATE | {"rich"},
    ("permissions", "list"): SCREEN | NETWORK | GATE | {"rich"},
    ("permissions", "check", "--cwd", "work", "--", "ls"): SCREEN | NETWORK | {"tomlkit", "rich"},
    ("ask", "-m", "demo", "hello"): SCREEN | NETWORK | GATE,
    ("ask", "-m", "demo", "-T", "read_file", "--cwd", "work", "hello"): SCREEN | NETWORK | GATE,
}


@pytest.mark.parametrize("arguments", UNUSED, ids=" ".join)
def test_no_command_loads_what_it_does_not_use(
    program: Program, arguments: tuple[str, ...]
) -> None:
    (program.home / "work").mkdir()
    loaded = loaded_by(program, *arguments)
    assert not loaded & UNUSED[arguments]


def test_the_panes_first_frame_needs_no_parser() -> None:
    code = "import chatterm.tui.pane.conversation_pane, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not set(done.stdout.split()) & {"markdown_it", "pygments.lexer", "httpx", "typer"}


def test_nothing_outside_the_app_imports_textual() -> None:
    for path in MODULES:
        if part_of(path) == "tui":
            continue
        assert not re.search(r"^\s*(from|import) textual", path.read_text("utf-8"), re.MULTILINE), (
            path
        )


def test_the_app_loads_before_its_first_frame_only_what_that_shows() -> None:
    code = (
        "import sys; from textual.app import App; from textual.widgets import TextArea;"
        "before = set(sys.modules);"
        "import chatterm.cli.entry, chatterm.tui.start, chatterm.tui.app;"
        "print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    loaded = set(done.stdout.split())
    assert "chatterm.tui.chat" in loaded
    ours = {"session", "store", "providers", "tools", "permissions", "agent", "steps", "events"}
    waiting = {f"chatterm.{part}" for part in ours} | set(HEAVY)
    assert loaded.isdisjoint(waiting | {"typer", "httpx", "sqlite3", "ssl", "pydantic"})
