"""The grammar of vim's keys in normal and visual mode: from keys to a command."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

OPERATORS: Final = frozenset("dcy")
MOTIONS: Final = frozenset("hjklwbeWBE0^$G;,{}")
FINDS: Final = frozenset("fFtT")
OBJECTS: Final = frozenset("wWp\"'`()b[]{}B<>")
ACTIONS: Final = frozenset("DCYxXsSJpPu.iIaAoOvV~")
VISUAL_ACTIONS: Final = frozenset("xXsSDCYJpPuUovVIA~")

# Keys that have no character of their own, or another than they mean here.
_NAMED: Final = {
    "left": "h",
    "right": "l",
    "home": "0",
    "end": "$",
    "backspace": "h",
    "delete": "x",
    "space": " ",
    "ctrl+r": "ctrl+r",
    "enter": "enter",
    "up": "up",
    "down": "down",
}


class Unfinished(Enum):
    """Why keys are no command."""

    MORE = "more keys are needed"
    NONSENSE = "no command begins like this"


@dataclass(frozen=True, slots=True)
class Command:
    """What keys mean.

    Attributes:
        count: The count that was given; two of them are multiplied.
        operator: `d`, `c` or `y`; empty without one.
        target: A motion (`w`, `gg`), a text object (`iw`), `line` (as in `dd`) or `selection`;
            empty for an action.
        argument: The character that `f` or `r` asks for.
        action: What is done where there is no target.
    """

    count: int | None = None
    operator: str = ""
    target: str = ""
    argument: str = ""
    action: str = ""


def key_of(event_key: str, character: str | None) -> str | None:
    """A key as the grammar spells it; None for one that it has no use for."""
    if event_key in _NAMED:
        return _NAMED[event_key]
    return character if character is not None and character.isprintable() else None


def parse(keys: Sequence[str], *, visual: bool) -> Command | Unfinished:
    """What keys mean.

    Args:
        keys: The keys since the last command.
        visual: Whether something is selected, which operators then are about.
    """
    count, rest = _count(keys)
    if not rest:
        return Unfinished.MORE
    key = rest[0]
    if key in OPERATORS:
        if visual:
            return Command(count, key, "selection")
        more, rest = _count(rest[1:])
        if more is not None:
            count = more * (count or 1)
        if rest[:1] == [key]:
            return Command(count, key, "line")
        return _target(count, key, rest, objects=True)
    if not visual and key in ACTIONS | {"ctrl+r"}:
        return Command(count, action=key)
    if visual and key in VISUAL_ACTIONS:
        return Command(count, action=key)
    if key == "r":
        return _argued(Command(count, action="r"), rest)
    return _target(count, "", rest, objects=visual)


def _count(keys: Sequence[str]) -> tuple[int | None, list[str]]:
    digits = ""
    for key in keys:
        if not (key.isascii() and key.isdigit()) or (key == "0" and not digits):
            break
        digits += key
    return (int(digits[:5]) if digits else None), list(keys[len(digits) :])


def _target(
    count: int | None, operator: str, keys: list[str], *, objects: bool
) -> Command | Unfinished:
    if not keys:
        return Unfinished.MORE
    key = {" ": "l", "up": "k", "down": "j"}.get(keys[0], keys[0])
    if key in MOTIONS:
        return Command(count, operator, key)
    if key in FINDS:
        return _argued(Command(count, operator, key), keys)
    if key == "g":
        if len(keys) == 1:
            return Unfinished.MORE
        return Command(count, operator, "gg") if keys[1] == "g" else Unfinished.NONSENSE
    if objects and key in {"i", "a"}:
        if len(keys) == 1:
            return Unfinished.MORE
        if keys[1] in OBJECTS:
            return Command(count, operator, key + keys[1])
    return Unfinished.NONSENSE


def _argued(command: Command, keys: list[str]) -> Command | Unfinished:
    if len(keys) == 1:
        return Unfinished.MORE
    argument = "\n" if keys[1] == "enter" else keys[1]
    return replace(command, argument=argument) if len(argument) == 1 else Unfinished.NONSENSE
