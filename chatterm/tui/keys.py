"""Keys: what the user has set, and how keys are written for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from chatterm.errors import ConfigError
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

    Args:
        keys: A deed's name, and its keys.

    Raises:
        ConfigError: There is no such deed.
    """
    found = {}
    for name, wanted in keys.items():
        if name in _SETTINGS:
            continue
        deed = BY_NAME.get(name)
        if deed is None:
            names = [deed.name for deed in DEEDS if not deed.hidden] + list(_SETTINGS)
            from difflib import get_close_matches

            near = get_close_matches(name, names, 1)
            meant = f"did you mean {near[0]}?" if near else "`?` in the app lists them"
            raise ConfigError(
                f"ui.keys names {name[:40]!a}, and there is no such action", hint=meant
            )
        found[deed.name] = ",".join(part.strip() for part in wanted.split(","))
    return found


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
    return ", ".join(shown_key(key) for key in keys.split(",") if key)


def shown_key(key: str) -> str:
    """A key as people read it."""
    *held, last = key.strip().split("+")
    name = _NAMES.get(last, last.upper() if held or len(last) > 1 else last)
    return "+".join([*(part.capitalize() for part in held), name])
