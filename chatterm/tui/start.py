"""Starting the app: what is read before the first frame, and what is left on the terminal after."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from chatterm.config import config_path
from chatterm.errors import ChattermError, ConfigError, ExitStatus
from chatterm.talking.options import AppOptions
from chatterm.tui import background

if TYPE_CHECKING:
    from pathlib import Path

    from chatterm.config import Config
    from chatterm.tui.steps.looks import Looks
    from chatterm.tui.theme import Theme

_ANSWER_S = 0.15
"""How long the terminal may take to tell its background: over a slow line the default is taken."""


def start(options: AppOptions, config: Config) -> int:
    """Run the app, and return its exit status.

    Raises:
        ChattermError: It can't begin.
    """
    options = _looked_around(options, config_path().path)
    ask = config.theme == "auto" and "NO_COLOR" not in os.environ
    with background.ask() if ask else background.Question(None, None) as question:
        from chatterm.tui.app import ChattermApp  # while the terminal thinks about its answer

        told = question.answer(_ANSWER_S)
    theme, trouble = _theme(config, dark=told.dark is not False)
    if trouble is not None and not ask:
        with background.ask() as question:
            told = question.answer(_ANSWER_S)
        theme = _automatic(dark=told.dark is not False)
    try:
        app = ChattermApp(options, config, theme, _looks(config), told.typed)
    except ConfigError:
        from chatterm.tui.checking import check_app_settings

        check_app_settings(config, config_path().path)
        raise
    app.terminal_is_dark = told.dark
    app.trouble = trouble
    result = app.run(mouse=config.ui.mouse)
    if isinstance(result, ChattermError):
        raise result
    if isinstance(result, str) and result:
        _leave_on_terminal(result)
    if app.ended_by is not None:
        return 128 + app.ended_by
    return app.return_code or ExitStatus.COMPLETED


def _looked_around(options: AppOptions, config: Path) -> AppOptions:
    """The options, and whether this is the first run: who asks for something gets just that."""
    wanted = options.prompt or options.attachments or options.model or options.resume
    if wanted or options.go_on or options.pick or options.set_up or config.exists():
        return options
    from chatterm.config import data_dir
    from chatterm.config.newness import is_new

    return replace(options, is_new=is_new(config, data_dir()))


def _leave_on_terminal(line: str) -> None:
    try:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
    except OSError:  # it was closed, and the interpreter shouldn't try again
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _theme(config: Config, *, dark: bool) -> tuple[Theme, ConfigError | None]:
    """The theme, and what is wrong with the one that was chosen: nobody is kept out by it."""
    from chatterm.tui.themes import AUTO, chosen_theme, no_colour_theme, theme_trouble

    if os.environ.get("NO_COLOR"):
        return no_colour_theme(), None
    path = config_path().path
    own = path.parent / "themes"
    name = config.theme
    if name == AUTO and _few_colours():
        name = "ansi"
    try:
        return chosen_theme(name, dark=dark, own=own), None
    except ConfigError as error:
        return _automatic(dark=dark), theme_trouble(config.theme, error, path)


def _automatic(*, dark: bool) -> Theme:
    """Ours that suits the terminal."""
    from chatterm.tui.themes import AUTO, chosen_theme

    return chosen_theme("ansi" if _few_colours() else AUTO, dark=dark, own=None)


def _few_colours() -> bool:
    """Whether the terminal has 16 colours at most."""
    if os.environ.get("COLORTERM", "").lower() in {"truecolor", "24bit"}:
        return False
    term = os.environ.get("TERM", "")
    return not ("256" in term or "direct" in term or term in _RICH)


_RICH = frozenset({"xterm-kitty", "alacritty", "foot", "wezterm", "xterm-ghostty", "ghostty"})


def _looks(config: Config) -> Looks:
    import time

    from chatterm.tui.steps.looks import Looks
    from chatterm.tui.steps.signs import signs_for

    ui = config.ui
    return Looks(signs_for(ui.marks), ui.timestamps, ui.reduced_motion, time.time)
