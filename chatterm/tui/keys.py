"""Keys: what the user has set, and how keys are written for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from chatterm.errors import ConfigError
from chatterm.tui.deeds.deed import Deed, no_key
from chatterm.tui.deeds.every import BY_NAME, DEEDS

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
        ConfigError: There is no such deed, or a key can't be for it.
    """
    found: dict[str, str] = {}
    taken: dict[tuple[bool, str], str] = {}
    for name, wanted in keys.items():
        parts = [part.strip() for part in wanted.split(",") if part.strip()]
        deed = BY_NAME.get(name)
        if name in _SETTINGS:
            continue
        if deed is None:
            _check_screen(name)
            found[name] = ",".join(parts) or f"no_key_for_{name}"
            continue
        for key in parts:
            _check_key(deed, key)
            other = taken.setdefault((deed.reading, key), deed.name)
            if other != deed.name:
                raise ConfigError(f"ui.keys gives {key!a} to both {other} and {deed.name}")
        found[deed.name] = ",".join(parts) or no_key(deed)
    for deed in DEEDS:
        own = deed.keys.split(",")
        left = [key for key in own if (deed.reading, key) not in taken]
        if deed.name not in found and left != own:
            found[deed.name] = ",".join(left) or no_key(deed)
    return found


def _check_key(deed: Deed, key: str) -> None:
    """A key that types something can't be for what is done wherever one is."""
    if not deed.reading and (len(key) == 1 or key == "space"):
        raise ConfigError(
            f"ui.keys gives {key!a} to {deed.name}, and it couldn't be typed any more",
            hint="take one with ctrl or alt, or a function key",
        )


def _check_screen(name: str) -> None:
    """An action of a screen, by its id; the screens are loaded to know them."""
    from importlib import import_module

    known = set(_SETTINGS) | {deed.name for deed in DEEDS if not deed.hidden}
    for module in _SCREENS:
        for each in vars(import_module(f"chatterm.tui.screens.{module}")).values():
            for binding in vars(each).get("BINDINGS", ()) if isinstance(each, type) else ():
                known.add(getattr(binding, "id", None) or "")
    if name in known:
        return
    from difflib import get_close_matches

    near = get_close_matches(name, sorted(known - {""}), 1)
    meant = f"did you mean {near[0]}?" if near else "`?` in the app lists them"
    raise ConfigError(f"ui.keys names {name[:40]!a}, and there is no such action", hint=meant)


def prompt_keys(keys: Mapping[str, str], name: str) -> list[str]:
    """The keys of the prompt itself."""
    wanted = keys.get(name, _SETTINGS[name])
    return [part.strip() for part in wanted.split(",") if part.strip()]


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
