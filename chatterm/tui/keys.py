"""Keys: what the user has set, and how keys are written for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from chatterm.config.load import nearest
from chatterm.errors import ConfigError
from chatterm.tui.deeds.deed import Deed, no_key
from chatterm.tui.deeds.every import BY_NAME, DEEDS
from chatterm.tui.key_names import wrong_key

if TYPE_CHECKING:
    from textual.app import App

_SETTINGS = {
    "send": "enter",
    "newline": "ctrl+j,shift+enter",
    "send_later": "alt+enter",
    "vim": "off",
}
"""What `ui.keys` may set beside deeds: the prompt's own keys."""
_SCREENS = ("entry", "help", "menu", "pager", "panel", "picker")
_NAMES = {
    "escape": "Esc",
    "enter": "Enter",
    "space": "Space",
    "pageup": "PgUp",
    "pagedown": "PgDn",
    "slash": "/",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "up": "Up",
    "down": "Down",
    "left": "Left",
    "right": "Right",
    "home": "Home",
    "end": "End",
    "tab": "Tab",
}


def keymap(keys: Mapping[str, str]) -> dict[str, str]:
    """What the configuration's `ui.keys` makes of the keys.

    A key that is given to something is taken from what had it.

    Args:
        keys: A deed's name, or that of an action of a screen (`pager.wrap`), and its keys.

    Raises:
        ConfigError: Something of `key_problems`.
    """
    for name, message in key_problems(keys):
        raise ConfigError(f"ui.keys.{name[:40]}: {message}")
    found: dict[str, str] = {}
    taken: set[tuple[bool, str]] = set()
    for name, wanted in keys.items():
        deed = BY_NAME.get(name)
        if name in _SETTINGS:
            continue
        parts = _parts(wanted)
        if deed is None:
            found[name] = ",".join(parts) or f"no_key_for_{name}"
            continue
        taken |= {(deed.reading, key) for key in parts}
        found[deed.name] = ",".join(parts) or no_key(deed)
    for deed in DEEDS:
        own = deed.keys.split(",")
        left = [key for key in own if (deed.reading, key) not in taken]
        if deed.name not in found and left != own:
            found[deed.name] = ",".join(left) or no_key(deed)
    return found


def key_problems(keys: Mapping[str, str]) -> list[tuple[str, str]]:
    """What is wrong in the configuration's `ui.keys`: the name of each line that is, and why.

    There is no such action, its key is none, or the key can't be for it.
    """
    found: list[tuple[str, str]] = []
    taken: dict[tuple[bool, str], str] = {}
    for name, wanted in keys.items():
        deed = BY_NAME.get(name)
        if name == "vim":
            if wanted not in {"on", "off"}:
                found.append((name, "must be on or off"))
            continue
        if deed is None and name not in _SETTINGS and (wrong := _no_action(name)):
            found.append((name, wrong))
            continue
        for key in _parts(wanted):
            if wrong := wrong_key(key):
                found.append((name, wrong))
            elif deed is not None:
                if wrong := _untypable(deed, key):
                    found.append((name, wrong))
                other = taken.setdefault((deed.reading, key), deed.name)
                if other != deed.name:
                    found.append((name, f"{key!a} is given to both {other} and {deed.name}"))
    return found


def _parts(wanted: str) -> list[str]:
    return [part.strip() for part in wanted.split(",") if part.strip()]


def _untypable(deed: Deed, key: str) -> str | None:
    """A key that types something can't be for what is done wherever one is."""
    if not deed.reading and (len(key) == 1 or key == "space"):
        return f"{key!a} couldn't be typed any more; take one with ctrl or alt, or a function key"
    return None


def _no_action(name: str) -> str | None:
    """What is wrong with a name that is no deed's; the screens are loaded to know their actions."""
    from importlib import import_module

    known = set(_SETTINGS) | {deed.name for deed in DEEDS if not deed.hidden}
    for module in _SCREENS:
        for each in vars(import_module(f"chatterm.tui.screens.{module}")).values():
            for binding in vars(each).get("BINDINGS", ()) if isinstance(each, type) else ():
                known.add(getattr(binding, "id", None) or "")
    if name in known:
        return None
    near = nearest(name, sorted(known - {""})) or "; `?` in the app lists them"
    return f"there is no such action{near}"


def prompt_keys(keys: Mapping[str, str], name: str) -> list[str]:
    """The keys of the prompt itself."""
    return _parts(keys.get(name, _SETTINGS[name]))


def shown_keys(app: App[Any], name: str) -> str:
    """The keys of a deed, as people read them; empty where it has none."""
    deed = BY_NAME.get(name)
    if deed is None:
        return ""
    mapped: Mapping[str, str] = getattr(app, "keys_in_use", {})
    keys = mapped.get(deed.name, deed.keys)
    return ", ".join(shown_key(key) for key in keys.split(",") if key and key != no_key(deed))


def shown_key(key: str) -> str:
    """A key as people read it."""
    *held, last = key.strip().split("+")
    name = _NAMES.get(last, last.upper() if held or len(last) > 1 else last)
    return "+".join([*(part.capitalize() for part in held), name])
