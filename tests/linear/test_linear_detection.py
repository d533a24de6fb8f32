"""When the program talks line by line, and what it says of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from chatterm.linear.wanted import reason
from linear.speaking import Place
from program import COMMAND

XTERM = {"TERM": "xterm-256color"}


def found(environ: dict[str, str], root: Path, platform: str = "linux") -> str | None:
    return reason(None, "auto", XTERM | environ, root=root, platform=platform)


def test_an_ordinary_terminal_has_the_screen(tmp_path: Path) -> None:
    assert found({}, tmp_path) is None


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"TERM": "dumb"}, "TERM is dumb"),
        ({"TERM": ""}, "TERM isn't set"),
        ({"TERM": "unknown"}, "TERM is unknown"),
        ({"INSIDE_EMACS": "29.1,comint"}, "this is a shell within Emacs"),
        ({"INSIDE_EMACS": "t"}, "this is a shell within Emacs"),
        ({"ACCESSIBILITY_ENABLED": "1"}, "ACCESSIBILITY_ENABLED is set"),
        ({"ACCESSIBLE": "yes"}, "ACCESSIBLE is set"),
        ({"VSCODE_A11Y_MODE": "1"}, "VSCODE_A11Y_MODE is set"),
        ({"CHATTERM_PLAIN": "1"}, "asked for with CHATTERM_PLAIN"),
    ],
)
def test_the_environment_tells(environ: dict[str, str], said: str, tmp_path: Path) -> None:
    assert found(environ, tmp_path) == said


@pytest.mark.parametrize(
    "environ",
    [
        {"INSIDE_EMACS": "29.1,vterm"},
        {"INSIDE_EMACS": "29.1,term:0.96"},
        {"INSIDE_EMACS": "eat"},
        {"INSIDE_EMACS": "29.1,eat"},
        {"ACCESSIBILITY_ENABLED": "0"},
        {"VSCODE_A11Y_MODE": "0"},
        {"ACCESSIBLE": "false"},
    ],
)
def test_what_says_nothing_of_it(environ: dict[str, str], tmp_path: Path) -> None:
    assert found(environ, tmp_path) is None


@pytest.mark.parametrize("name", ["orca", "fenrir", "brltty", "espeakup"])
def test_a_screen_reader_that_runs(name: str, tmp_path: Path) -> None:
    for number, each in ((1, "init"), (77, name)):
        process = tmp_path / "proc" / str(number)
        process.mkdir(parents=True)
        (process / "comm").write_text(f"{each}\n")
    (tmp_path / "proc" / "self").mkdir()
    assert found({}, tmp_path) == f"a screen reader is running: {name}"
    assert found({"SSH_CONNECTION": "here there"}, tmp_path) is None


def test_the_kernels_screen_reader_counts_on_a_console(tmp_path: Path) -> None:
    (tmp_path / "sys/accessibility/speakup").mkdir(parents=True)
    assert found({}, tmp_path) is None
    assert "speakup" in (found({"TERM": "linux"}, tmp_path) or "")


@pytest.mark.parametrize(("answer", "said"), [("1", "VoiceOver is on"), ("0", None)])
def test_a_mac_is_asked_whether_it_speaks(answer: str, said: str | None, tmp_path: Path) -> None:
    defaults = tmp_path / "defaults"
    defaults.write_text(f"#!/bin/sh\necho {answer}\n")
    defaults.chmod(0o755)
    code = (
        "import sys; from pathlib import Path; from chatterm.linear.wanted import reason;"
        "import os; print(reason(None, 'auto', os.environ, platform='darwin'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=XTERM | {"PATH": f"{tmp_path}:/usr/bin:/bin", "PYTHONPATH": str(Path.cwd())},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == str(said)


def test_what_is_asked_for_comes_first(tmp_path: Path) -> None:
    dumb = {"TERM": "dumb"}
    assert reason(False, "on", dumb | {"CHATTERM_PLAIN": "1"}, root=tmp_path) is None
    assert reason(True, "off", XTERM, root=tmp_path) == "asked for with --plain"
    assert reason(None, "on", XTERM | {"CHATTERM_PLAIN": "0"}, root=tmp_path) is None
    assert reason(None, "off", XTERM | {"CHATTERM_PLAIN": "1"}, root=tmp_path) is not None
    assert reason(None, "on", XTERM, root=tmp_path) == "the configuration says ui.plain"
    assert reason(None, "off", dumb, root=tmp_path) is None


def test_a_dumb_terminal_gets_text_and_nothing_else(place: Place) -> None:
    place.answers("echo\n")
    with place.start(plain=False, columns=40, TERM="dumb") as ear:
        head = ear.says("good morning")
        assert "linear mode: TERM is dumb." in " ".join(head.split())
        assert "assistant: good morning\n" in ear.says("/quit")
        ear.hears("good morning: chatterm -r ")
        assert ear.wait() == 0
        assert not set(ear.text) & (set(map(chr, range(32))) - {"\r", "\n"})


def test_the_configuration_asks_for_it(place: Place) -> None:
    place.answers("echo\n", more="[ui]\nplain = 'on'")
    with place.start(plain=False) as ear:
        assert "linear mode: the configuration says ui.plain." in ear.says("/quit")
        assert ear.wait() == 0


@pytest.mark.parametrize("width", [40, 200])
def test_any_width_will_do(place: Place, width: int) -> None:
    place.answers(f"text: {'many words ' * 40}\n")
    with place.start(columns=width) as ear:
        ear.says("go")
        answer = ear.says("/quit").split("assistant: ")[1]
        assert max(map(len, answer.splitlines())) <= min(width, 100)
        assert " ".join(answer.split()) == ("many words " * 40).strip()
        assert ear.wait() == 0


def test_standard_output_has_to_be_a_terminal(place: Place) -> None:
    done = place.runs("--plain")
    assert done.status == 2
    assert "chatterm ask" in done.stderr


def test_the_two_flags_contradict_each_other(place: Place) -> None:
    done = place.runs("--plain", "--no-plain")
    assert done.status == 2
    assert "don't go together" in done.stderr


def test_nothing_of_the_screen_is_loaded(place: Place, tmp_path: Path) -> None:
    listing = tmp_path / "loaded"
    code = (
        "import sys, atexit, pathlib;"
        f"atexit.register(lambda: pathlib.Path({str(listing)!r}).write_text("
        "chr(10).join(sys.modules)));"
        "from chatterm.cli.entry import run; sys.exit(run(['--plain', 'hello']))"
    )
    with place.start(plain=False, command=[COMMAND[0], "-c", code]) as ear:
        ear.hears("assistant: Hello")
        ear.says("/quit")
        assert ear.wait() == 0
    loaded = set(listing.read_text().split("\n"))
    assert "chatterm.linear.conversation" in loaded
    assert not {name for name in loaded if name.startswith(("textual", "chatterm.tui"))}
    assert loaded.isdisjoint({"typer", "httpx", "markdown_it", "pygments", "pydantic"})
