"""Which names of keys there are, so that a key that no terminal sends is told, not waited for."""

from __future__ import annotations

import unicodedata
from difflib import get_close_matches
from functools import cache

from textual._keyboard_protocol import FUNCTIONAL_KEYS
from textual.keys import Keys, _character_to_key

_HELD = ("alt", "ctrl", "hyper", "meta", "shift", "super")
"""What is held with a key, in the order in which it is written."""
_ALSO_CALLED = {
    "control": "ctrl",
    "option": "alt",
    "opt": "alt",
    "cmd": "super",
    "win": "super",
    "esc": "escape",
    "return": "enter",
    "del": "delete",
    "ins": "insert",
    "spacebar": "space",
    "pgup": "pageup",
    "page_up": "pageup",
    "pgdn": "pagedown",
    "pgdown": "pagedown",
    "page_down": "pagedown",
    "bksp": "backspace",
}


def wrong_key(key: str) -> str | None:
    """What is wrong with a key's name, and the nearest one; None where it is a key.

    Args:
        key: As `ui.keys` has it: `f3`, `ctrl+x`, `ctrl+shift+up`, `?`.
    """
    if len(key) == 1:
        return None if key.isprintable() else f"{key!a} is no key"
    *held, last = key.split("+" if "+" in key else "-")
    if all(each in _HELD for each in held) and _is_key(last):
        right_way = not held or ("+" in key and _named(last) == last)
        if held == sorted(set(held)) and right_way:
            return None
        meant = [*sorted(set(held)), _named(last)]
    else:
        nearest = [_nearest(each, _HELD) for each in held]
        meant = [*sorted({each for each in nearest if each}), _nearest(last, _names())]
        if not all(nearest) or not meant[-1]:
            example = "keys are written as in f3, ctrl+x or ctrl+shift+up"
            return f"{key[:40]!a} is no key; {example}"
    return f"{key[:40]!a} is no key; did you mean {'+'.join(meant)}?"


def _is_key(name: str) -> bool:
    if len(name) == 1:
        return name.isprintable()
    if name in _names():
        return True
    try:
        return unicodedata.lookup(name.replace("_", " ")).isprintable()  # as on some keyboard
    except KeyError:
        return False


def _named(last: str) -> str:
    """A character as it is called with something held: `ctrl+slash`, and `ctrl+x`."""
    return _character_to_key(last).lower() if len(last) == 1 else last


def _nearest(name: str, among: tuple[str, ...]) -> str:
    """The nearest name; empty where none is near."""
    low = name.strip().lower()
    if low in among:
        return low
    if low in _ALSO_CALLED and _ALSO_CALLED[low] in among:
        return _ALSO_CALLED[low]
    if len(low) == 1 and among is not _HELD:
        return _named(low)
    near = get_close_matches(low, among, 1)
    return near[0] if near else ""


@cache
def _names() -> tuple[str, ...]:
    """The names of the keys that have one."""
    named = {each.value.rpartition("+")[2] for each in Keys if each.value.isascii()}
    signs = {_character_to_key(chr(code)) for code in range(33, 127)}
    found = {*FUNCTIONAL_KEYS.values(), *named, *signs, "newline"}
    return tuple(
        sorted(each for each in found if len(each) > 1 and each.replace("_", "").isalnum())
    )
