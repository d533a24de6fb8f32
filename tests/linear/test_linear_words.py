"""Both modes speak alike: what can be done has one name, and one description."""

from __future__ import annotations

from chatterm.linear.commands import BY_NAME, COMMANDS
from chatterm.tui.deeds.every import BY_NAME as DEEDS
from chatterm.tui.deeds.every import TYPED

# What needs a screen, or keys: moving about on it, its looks, its menus.
OF_THE_SCREEN = {
    "setup",
    *("palette", "theme", "next-mode", "mouse", "suspend", "timeline", "menu", "raw", "quote"),
    *("page-up", "page-down", "first", "last", "step-up", "step-down", "turn-up", "turn-down"),
    *("same-up", "same-down", "fold", "fold-all", "find-next", "find-previous", "open-editor"),
    *("copy-arguments", "branch-before", "branch-after"),
}
# What means something else without a cursor on a step, or a screen to choose on.
OTHERWISE = {"help", "open", "copy"}


def test_every_deed_that_needs_no_screen_is_a_command() -> None:
    missing = {deed.slash for deed in TYPED} - BY_NAME.keys() - OF_THE_SCREEN
    assert not missing


def test_a_command_has_the_words_of_its_deed() -> None:
    for command in COMMANDS:
        deed = DEEDS.get(command.name)
        if deed is not None and command.name not in OTHERWISE:
            assert command.text == deed.text


def test_no_name_means_two_things() -> None:
    names = [name for each in COMMANDS for name in (each.name, *each.aliases)]
    assert len(names) == len(set(names)) == len(BY_NAME)
