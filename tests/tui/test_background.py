"""The question to the terminal, on a real pseudo-terminal; and what is made of its answers."""

from __future__ import annotations

import os
import re
import sys
import textwrap
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatterm.tui.background import Background, ask, understood
from terminals import Terminal

QUESTION = "\x1b]11;?\x07\x1b[c"
BLACK = "\x1b]11;rgb:0000/0000/0000\x1b\\"
WHITE = "\x1b]11;rgb:ffff/ffff/ffff\x07"
DONE = "\x1b[?62;22c"
# Long enough for any machine, and never waited for where the terminal answers.
PATIENCE = 20.0

CHILD = """\
import os, sys, termios
from chatterm.tui.background import ask
before = termios.tcgetattr(0)
found = None
try:
{body}
finally:
    restored = termios.tcgetattr(0) == before
    print("\\nFOUND", found and found.dark, ascii(found and found.typed), restored, "END")
"""
ASKS = "found = ask().answer({patience})"


def child(
    tmp_path: Path,
    body: str = ASKS,
    *,
    patience: float = PATIENCE,
    env: dict[str, str] | None = None,
    stdout: int | None = None,
) -> Terminal:
    """A program in a terminal that asks, then says what it learnt."""
    body = textwrap.indent(textwrap.dedent(body.format(patience=patience)), "    ")
    code = CHILD.format(body=body)
    environ = {key: value for key, value in os.environ.items() if key != "COLORFGBG"}
    environ |= {"TERM": "xterm-256color"} | (env or {})
    return Terminal([sys.executable, "-c", code], environ, tmp_path, stdout=stdout)


def learnt(terminal: Terminal) -> tuple[str, str, bool]:
    """What the program says: dark, typed, and whether the terminal's modes are as before."""
    terminal.read_until(" END")
    found = re.search(r"FOUND (\w+) (.*) (True|False) END", terminal.text)
    assert found, terminal.text
    return found[1], found[2], found[3] == "True"


@pytest.mark.parametrize(
    ("answer", "dark"),
    [
        (BLACK, "True"),
        (WHITE, "False"),
        ("\x1b]11;rgb:1c/20/24\x07", "True"),
        ("\x1b]11;rgb:f/f/e\x07", "False"),
        ("\x1b]11;rgba:fdfd/f6f6/e3e3/ffff\x1b\\", "False"),
        ("", "None"),
    ],
)
def test_the_terminal_says_what_its_background_is(tmp_path: Path, answer: str, dark: str) -> None:
    with child(tmp_path) as terminal:
        terminal.read_until(QUESTION)
        terminal.type(answer + DONE)
        assert learnt(terminal) == (dark, "''", True)
        assert "rgb" not in terminal.text  # nothing is echoed


def test_what_is_typed_meanwhile_is_kept(tmp_path: Path) -> None:
    with child(tmp_path) as terminal:
        terminal.read_until(QUESTION)
        terminal.type("hé")
        terminal.type(BLACK + "\x1b[A" + "llo ")
        terminal.type("wörld" + DONE + "!")
        dark, typed, restored = learnt(terminal)
        assert (dark, restored) == ("True", True)
        # What comes after the last answer may be read by the next one to read.
        assert typed.removesuffix("!'").removesuffix("'") == r"'h\xe9\x1b[Allo w\xf6rld"


def test_what_was_typed_before_is_kept(tmp_path: Path) -> None:
    body = "print('READY', flush=True); sys.stdin.buffer.raw.read(2); " + ASKS
    with child(tmp_path, body) as terminal:
        terminal.read_until("READY")
        terminal.type("a\nearly")
        terminal.read_until(QUESTION)
        terminal.type(WHITE + DONE)
        assert learnt(terminal) == ("False", "'early'", True)


def test_answers_may_come_in_pieces(tmp_path: Path) -> None:
    with child(tmp_path) as terminal:
        terminal.read_until(QUESTION)
        for piece in f"a{BLACK}b{DONE}":
            terminal.type(piece)
        assert learnt(terminal) == ("True", "'ab'", True)


def test_who_does_not_answer_is_not_waited_for(tmp_path: Path) -> None:
    with child(tmp_path, patience=0.05) as terminal:
        terminal.read_until(QUESTION)
        assert learnt(terminal) == ("None", "''", True)


def test_the_environment_says_it_where_the_terminal_does_not(tmp_path: Path) -> None:
    with child(tmp_path, env={"COLORFGBG": "15;0"}) as terminal:
        terminal.read_until(QUESTION)
        terminal.type(DONE)
        assert learnt(terminal)[0] == "True"
    with child(tmp_path, env={"COLORFGBG": "15;0"}) as terminal:
        terminal.read_until(QUESTION)
        terminal.type(WHITE + DONE)
        assert learnt(terminal)[0] == "False"


@pytest.mark.parametrize("kind", ["dumb", "linux", ""])
def test_a_terminal_that_would_show_the_question_is_not_asked(tmp_path: Path, kind: str) -> None:
    with child(tmp_path, env={"TERM": kind, "COLORFGBG": "0;15"}) as terminal:
        assert learnt(terminal) == ("False", "''", True)
        assert "\x1b" not in terminal.text


def test_nobody_is_asked_when_the_output_is_not_a_terminal(tmp_path: Path) -> None:
    with (tmp_path / "out").open("wb") as out, child(tmp_path, stdout=out.fileno()) as terminal:
        assert terminal.wait() == 0
        assert terminal.text == ""
    assert "FOUND None '' True END" in (tmp_path / "out").read_text()


def test_nobody_is_asked_without_a_terminal() -> None:
    assert ask({"TERM": "xterm"}, "/nonexistent").answer(PATIENCE) == Background(None)
    assert ask({"TERM": "xterm"}, "/dev/null").answer(PATIENCE) == Background(None)


def test_nobody_is_asked_from_the_background_of_a_shell(tmp_path: Path) -> None:
    body = """
        if os.fork() == 0:
            os.setpgid(0, 0)
            found = ask().answer({patience})
        else:
            os._exit(os.waitstatus_to_exitcode(os.waitpid(-1, os.WUNTRACED)[1]))
    """
    with child(tmp_path, body) as terminal:
        assert learnt(terminal) == ("None", "''", True)
        assert terminal.wait() == 0
        assert "\x1b" not in terminal.text


@pytest.mark.parametrize(
    "body",
    [
        "with ask(): raise ValueError",
        "question = ask(); question.close(); question.close(); found = question.answer(1)",
        "with ask() as question: print('ASKED', flush=True); question.answer({patience})",
    ],
    ids=["raised", "closed", "interrupted"],
)
def test_the_terminal_is_given_back_whatever_happens(tmp_path: Path, body: str) -> None:
    with child(tmp_path, body) as terminal:
        terminal.read_until(QUESTION)
        if "ASKED" in body:
            terminal.read_until("ASKED")
            terminal.type("\x03")  # Ctrl+C
        assert learnt(terminal)[2]


def test_the_terminal_is_given_back_at_the_end_of_the_process(tmp_path: Path) -> None:
    body = """
        import atexit
        again = lambda: print("AFTER", termios.tcgetattr(0) == before, flush=True)
        atexit.register(again)  # runs after what is registered later
        question = ask()
    """
    with child(tmp_path, body) as terminal:
        assert learnt(terminal)[2] is False
        terminal.read_until("AFTER True")


@pytest.mark.parametrize(
    ("data", "dark", "typed"),
    [
        (f"{BLACK}{DONE}", True, ""),
        (f"{DONE}{WHITE}", False, ""),
        (f"\x1b]11;rgb:zz/00/00\x07{DONE}", None, ""),
        (f"\x1b]11;rgb:00000/0/0\x07{DONE}", None, ""),
        (f"\x1b]11;{'9' * 9999}\x07{DONE}", None, ""),
        (f"\x1b]11;\x07{BLACK}{DONE}", True, ""),
        (f"\x1b]10;rgb:0/0/0\x07{DONE}", None, "\x1b]10;rgb:0/0/0\x07"),
        ("abc\x1b]11;rgb:00", None, "abc"),
        ("abc\x1b]11;rgb:0/0/0\x1b", None, "abc"),
        ("abc\x1b[?62;2", None, "abc"),
        ("abc\x1b", None, "abc\x1b"),
        ("\x1b]", None, "\x1b]"),
    ],
)
def test_answers_are_told_from_keys(data: str, dark: bool | None, typed: str) -> None:
    assert understood(data.encode()) == (dark, typed)


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_no_answer_is_too_odd(before: bytes, after: bytes) -> None:
    understood(before + b"\x1b]11;" + after)
    understood(before + b"\x1b]11;rgb:" + after + b"\x07" + before)


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"])), st.text("abc\n\x7f", max_size=5))
def test_no_text_is_lost(before: str, after: str) -> None:
    assert understood(f"{before}{WHITE}{after}{DONE}".encode()) == (False, before + after)


@pytest.mark.parametrize(
    ("colours", "dark"),
    [
        ("15;0", True),
        ("0;15", False),
        ("0;default;15", False),
        ("7;8", True),
        ("0;7", False),
        ("15;default", None),
        ("15;16", None),
        ("", None),
        ("x", None),
        ("15;²", None),
    ],
)
def test_the_environment_is_read_as_rxvt_writes_it(colours: str, dark: bool | None) -> None:
    assert ask({"COLORFGBG": colours}).answer(0).dark is dark
