"""Whose the mouse is: the app's, or the terminal's own."""

from __future__ import annotations

from pathlib import Path

from textual.app import App

from chatterm.tui.terminal import mouse_off, switch_mouse
from tui.lending_app import app, program

ON, OFF = "\x1b[?1003h", "\x1b[?1003l"


async def test_without_a_terminal_there_is_no_mouse() -> None:
    tested = App[None]()
    assert not switch_mouse(tested)
    async with tested.run_test():
        assert not switch_mouse(tested)
        mouse_off(tested)


def test_the_mouse_is_handed_over_and_taken_again(tmp_path: Path) -> None:
    body = """
    from chatterm.tui.terminal import switch_mouse, driver_of
    driver = driver_of(self)
    driver.write("<1>")
    first = switch_mouse(self)
    driver.write("<2>")
    second = switch_mouse(self)
    driver.write("<3>")
    self.say(f"{first} {second} END")
    """
    with app(tmp_path, body) as terminal:
        terminal.read_until("False True END")
        terminal.type("q")
        assert terminal.wait() == 0
    handed, taken = terminal.text.partition("<1>")[2].partition("<3>")[0].split("<2>")
    assert OFF in handed
    assert ON not in handed
    assert ON in taken


def test_it_stays_the_terminals_when_another_program_had_the_terminal(tmp_path: Path) -> None:
    program(tmp_path, "program", "echo begun")
    body = """
    from chatterm.tui.lending import lend
    from chatterm.tui.terminal import mouse_off, switch_mouse
    mouse_off(self)
    mouse_off(self)
    await lend(self, [str(Path.cwd() / "program")])
    self.say("back END")
    """
    with app(tmp_path, body) as terminal:
        terminal.read_until("back END")
        terminal.type("q")
        assert terminal.wait() == 0
    assert ON not in terminal.text.partition("begun")[2]
