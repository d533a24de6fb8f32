"""What the terminal is told: its title, and that the user is wanted."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.app import App
from textual.events import AppBlur, AppFocus

from chatterm.render.lines import cells
from chatterm.tui.notifying import Notifier, code_of, fit, notification
from chatterm.tui.terminal import driver_of
from tui.screens_app import HARMLESS, HOSTILE

XTERM = {"TERM": "xterm-256color"}
KITTY = {"TERM": "xterm-kitty"}


def listen(app: App[None], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is written to the terminal from now on."""
    written: list[str] = []
    monkeypatch.setattr(driver_of(app), "write", written.append)
    return written


@pytest.mark.parametrize(
    ("environ", "code"),
    [
        ({"TERM_PROGRAM": "iTerm.app"}, 9),
        ({"TERM_PROGRAM": "WezTerm"}, 9),
        ({"TERM_PROGRAM": "ghostty"}, 9),
        ({"TERM": "xterm-kitty"}, 99),
        ({"TERM": "rxvt-unicode-256color"}, 777),
        ({"TERM": "foot"}, 777),
        ({"TERM": "xterm-256color", "VTE_VERSION": "7600"}, 777),
        ({"TERM": "tmux-256color", "TERM_PROGRAM": "tmux", "KITTY_WINDOW_ID": "1"}, 99),
        ({"TERM": "xterm-256color"}, 0),
        ({}, 0),
    ],
)
def test_which_sequence_a_terminal_knows(environ: Mapping[str, str], code: int) -> None:
    assert code_of(environ) == code


@pytest.mark.parametrize(
    ("code", "sequence"),
    [
        (9, "\x1b]9;chatterm: 4;1;50 done\x1b\\"),
        (99, "\x1b]99;;chatterm: 4;1;50 done\x1b\\"),
        (777, "\x1b]777;notify;chatterm;4,1,50 done\x1b\\"),
        (0, ""),
    ],
)
def test_the_sequences(code: int, sequence: str) -> None:
    assert notification(code, "4;1;50 done") == sequence


def test_tmux_hands_the_sequence_on() -> None:
    assert (
        notification(9, "done", in_tmux=True)
        == "\x1bPtmux;\x1b\x1b]9;chatterm: done\x1b\x1b\\\x1b\\"
    )


@given(st.text(st.characters(codec=None, exclude_categories=()), max_size=400))
def test_no_text_breaks_out_of_its_sequence(text: str) -> None:
    line = fit(text)
    assert cells(line) <= 120
    assert not any(ord(each) < 32 or 127 <= ord(each) < 160 for each in line)


def test_hostile_text_is_harmless() -> None:
    assert fit(HOSTILE.replace("\n", "")) == HARMLESS.replace("↵", "")


async def test_the_title_is_set_once_and_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    app = App[None]()
    async with app.run_test():
        written = listen(app, monkeypatch)
        notifier = Notifier(app, True, XTERM)
        notifier.clear()
        assert written == []
        notifier.title("a \x1b]0;b\x07title\n")
        notifier.title("a title")
        assert written == ["\x1b[22;2t", "\x1b]2;a title\x1b\\"]
        notifier.title("x" * 200)
        assert written[-1] == f"\x1b]2;{'x' * 119}…\x1b\\"
        notifier.clear()
        assert written[-1] == "\x1b]2;\x1b\\\x1b[23;2t"


async def test_the_title_comes_back_after_another_program(monkeypatch: pytest.MonkeyPatch) -> None:
    app = App[None]()
    async with app.run_test() as pilot:
        written = listen(app, monkeypatch)
        Notifier(app, True, XTERM).title("mine")
        app.app_resume_signal.publish(app)
        await pilot.pause()
        assert written.count("\x1b]2;mine\x1b\\") == 2


@pytest.mark.parametrize("term", ["", "dumb", "linux"])
async def test_a_terminal_without_titles_gets_none(
    monkeypatch: pytest.MonkeyPatch, term: str
) -> None:
    app = App[None]()
    async with app.run_test():
        written = listen(app, monkeypatch)
        Notifier(app, True, {"TERM": term}).title("a title")
        assert written == []


async def test_only_who_looks_elsewhere_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    app = App[None]()
    async with app.run_test() as pilot:
        notifier = Notifier(app, True, KITTY)
        written = listen(app, monkeypatch)
        notifier.notify("done")
        assert written == []
        app.post_message(AppBlur())
        await pilot.pause()
        written.clear()
        notifier.notify("done")
        assert written == ["\x1b]99;;chatterm: done\x1b\\\a"]
        Notifier(app, False, KITTY).notify("done")
        assert len(written) == 1
        app.post_message(AppFocus())
        await pilot.pause()
        written.clear()
        notifier.notify("done")
        assert written == []


async def test_an_unknown_terminal_gets_the_bell(monkeypatch: pytest.MonkeyPatch) -> None:
    app = App[None]()
    async with app.run_test():
        app.app_focus = False
        written = listen(app, monkeypatch)
        Notifier(app, True, XTERM).notify("done")
        assert written == ["\a"]


def test_before_the_app_runs_nothing_happens() -> None:
    notifier = Notifier(App[None](), True, XTERM)
    notifier.title("a title")
    notifier.clear()
