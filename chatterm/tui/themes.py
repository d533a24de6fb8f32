"""Themes in files: finding, reading and choosing them.

    dark = true                     # text lighter than its background
    inherits = "dark"               # what isn't said here looks as it does there

    [colours]                       # surfaces, states, what is selected or found
    background = "#0f1419"
    user = "bold #e6edf3"

    [markdown]                      # prose
    link = "underline #79b8ff"

    [code]                          # code blocks
    keyword = "#ff9492"

Ours are in `themes/`; a file of the user's with the same name takes the place of one of ours.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import chatterm
from chatterm.config.load import nearest
from chatterm.config.paths import (
    ConfigFileError,
    KeyPath,
    Problem,
    dotted,
    line_of,
    lines_of_keys,
    parse_toml,
    read_config,
)
from chatterm.errors import ConfigError, ErrorKind
from chatterm.tui.legible import unreadable
from chatterm.tui.theme import (
    CODE,
    LIFTED,
    MARKDOWN,
    QUIET,
    ROLES,
    STATES,
    SURFACES,
    Theme,
    look,
    no_colour_theme,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = [
    "AUTO",
    "Theme",
    "chosen_theme",
    "find_themes",
    "load_theme",
    "no_colour_theme",
    "our_themes",
    "theme_problem",
    "theme_trouble",
]

AUTO = "auto"
"""The name that stands for `dark` or `light`, as the terminal is."""

# By table and key, the role that is meant.
_TABLES: Mapping[str, Mapping[str, str]] = {
    "colours": {role: role for role in (*SURFACES, QUIET, *STATES, *LIFTED)},
    "markdown": {role.replace(".", "_"): role for role in MARKDOWN},
    "code": {role.removeprefix("code."): role for role in CODE},
}
_KEYS: Mapping[str, KeyPath] = {
    role: (table, key) for table, keys in _TABLES.items() for key, role in keys.items()
}


def our_themes() -> Path:
    """The directory of the themes that come with chatterm: in a checkout beside the package."""
    package = Path(chatterm.__file__).parent
    installed = package / "themes"
    return installed if installed.is_dir() else package.parent / "themes"


def find_themes(own: Path | None) -> dict[str, Path]:
    """All themes there are, by name, sorted.

    Args:
        own: The user's directory of themes, `themes/` beside the configuration file; it need not
            exist. Its files win over ours.
    """
    found = _themes_in(our_themes())
    if own is not None:
        found |= _themes_in(own)
    return dict(sorted(found.items()))


def chosen_theme(name: str, *, dark: bool, own: Path | None) -> Theme:
    """The theme of a name.

    Args:
        name: As the configuration has it; `auto` is `dark` or `light`.
        dark: Whether the terminal's background is dark.
        own: As in `find_themes`.

    Raises:
        ConfigError: There is no theme of that name, or its file is wrong.
    """
    themes = find_themes(own)
    wanted = ("dark" if dark else "light") if name == AUTO else name
    if wanted not in themes:
        near = nearest(wanted, (*themes, AUTO))
        raise ConfigError(
            f"there is no theme named {wanted[:40]!a}{near}",
            hint=f"there are {', '.join((AUTO, *themes))}",
            kind=ErrorKind.NOT_FOUND,
        )
    return load_theme(themes[wanted])


def theme_problem(name: str, own: Path | None) -> str | None:
    """What is wrong with the configuration's `theme`, if anything: its name, or its file.

    Args:
        name: As the configuration has it.
        own: As in `find_themes`.
    """
    try:
        for dark in (True, False):
            chosen_theme(name, dark=dark, own=own)
    except ConfigFileError as error:
        return error.message
    except ConfigError as error:
        near = "did you mean" in error.message
        return error.message if near else f"{error.message}; {error.hint}"
    return None


def theme_trouble(name: str, error: ConfigError, path: Path) -> ConfigError:
    """What to tell in an app that looks otherwise because its theme is wrong.

    Args:
        name: As the configuration has it.
        error: What is wrong with it.
        path: The configuration file.
    """
    what = f"the theme {name[:40]!a} can't be used, so it looks as `auto`"
    if isinstance(error, ConfigFileError):
        return ConfigError(f"{what}: {error.message}", hint="/theme chooses another one")
    where = f"{path}: theme: {error.message}"
    return ConfigError(f"{what}: {where}", hint=f"{error.hint}; /theme chooses one")


def load_theme(path: Path) -> Theme:
    """Read a theme.

    Args:
        path: Its file. Its name without `.toml` is the theme's; a theme that it inherits from is
            looked for beside it, then among ours.

    Raises:
        ConfigFileError: It can't be read, or something in it is wrong: each problem names the
            key, its line and, for an unknown name, the nearest valid one.
    """
    return _load(path, ())


def _themes_in(directory: Path) -> dict[str, Path]:
    return {path.stem: path for path in directory.glob("*.toml") if path.stem != AUTO}


def _load(path: Path, heirs: tuple[Path, ...]) -> Theme:
    """Read a theme that others (`heirs`) inherit from."""
    try:
        text, document = parse_toml(read_config(path), path)
    except (FileNotFoundError, NotADirectoryError):
        raise ConfigFileError(path, [Problem("", "there is no such file")]) from None
    reader = _Reader(path, document)
    base = reader.base(heirs)
    theme = reader.theme(base)
    if reader.problems:
        lines = lines_of_keys(text)
        found = [
            Problem(dotted(key), message, line_of(lines, key)) for key, message in reader.problems
        ]
        raise ConfigFileError(path, sorted(found, key=lambda one: one.line or 0))
    return theme


class _Reader:
    """Makes a theme of a file's table, and collects what is wrong on the way."""

    def __init__(self, path: Path, document: Mapping[str, Any]) -> None:
        self.path = path
        self.document = document
        self.problems: list[tuple[KeyPath, str]] = []

    def base(self, heirs: tuple[Path, ...]) -> Theme | None:
        """The theme that it inherits from, if any."""
        name = self.document.get("inherits")
        if name is None:
            return None
        if not isinstance(name, str):
            self._problem(("inherits",), "must be the name of a theme")
            return None
        seen = {path.resolve() for path in (*heirs, self.path)}
        # A theme may inherit from the one of ours that it takes the place of.
        themes = find_themes(None), _themes_in(self.path.parent)
        places = [found[name] for found in reversed(themes) if name in found]
        for place in places:
            if place.resolve() not in seen:
                return _load(place, (*heirs, self.path))
        if places:
            self._problem(("inherits",), "leads back to this theme")
        else:
            near = nearest(name, {*themes[0], *themes[1]})
            self._problem(("inherits",), f"there is no theme named {name[:40]!a}{near}")
        return None

    def theme(self, base: Theme | None) -> Theme:
        """The theme, which is of use only where there are no problems."""
        known = ("dark", "inherits", *_TABLES)
        for name in self.document:
            if name not in known:
                near = nearest(name, known) or f"; there are {', '.join(known)}"
                self._problem((name,), f"is not a setting{near}")
        dark = self.document.get("dark", base and base.dark)
        own = dict(self._roles())
        roles = {**(base.roles if base else {}), **own}
        given = {key for key, _ in self.problems}
        if dark is not None and not isinstance(dark, bool):
            self._problem(("dark",), "must be true or false")
        elif ("inherits",) not in given:
            keys = [_KEYS[role] for role in ROLES if role not in roles]
            missing = [key for key in keys if key not in given]
            for key in missing if dark is not None else [("dark",), *missing]:
                self._problem(key, 'is missing; give it, or begin with inherits = "dark"')
        if not self.problems:
            for role, wrong in unreadable(roles, own):
                self._problem(_KEYS[role], wrong)
        return Theme(self.path.stem, bool(dark), roles)

    def _roles(self) -> Iterator[tuple[str, str]]:
        """What the tables say, checked."""
        for table, keys in _TABLES.items():
            values = self.document.get(table, {})
            if not isinstance(values, dict):
                self._problem((table,), "must be a table")
                continue
            for key, words in values.items():
                if key not in keys:
                    self._problem((table, key), f"is not a role of a theme{_meant(table, key)}")
                elif wrong := _wrong(keys[key], words):
                    self._problem((table, key), wrong)
                else:
                    yield keys[key], words

    def _problem(self, where: KeyPath, message: str) -> None:
        self.problems.append((where, message))


def _meant(table: str, key: str) -> str:
    """The nearest role of the table, or the place of the same one in another."""
    for other, keys in _TABLES.items():
        if key in keys:
            return f"; it belongs to [{other}]"
    return nearest(key, _TABLES[table]) or f"; there are {', '.join(_TABLES[table])}"


def _wrong(role: str, words: object) -> str | None:
    """What is wrong with a role's looks, if anything."""
    if not isinstance(words, str):
        return 'must be a string, as in "bold #e6edf3"'
    try:
        looks = look(words)
    except ValueError as error:
        return str(error)
    if role in {*SURFACES, QUIET} and (looks.colour is None or looks.on or looks.attributes):
        return 'must be one colour, as in "#1c2430"'
    if role == "text" and looks.colour is None:
        return 'must have a colour, as in "#d1d9e0"'
    if role in LIFTED and looks.on is None and "reverse" not in looks.attributes:
        return 'must have a background, as in "#e6edf3 on #264f78"'
    return None
