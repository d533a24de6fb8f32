"""Choosing a theme: by its name, or from a list, where the one under the cursor is worn at once."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from chatterm.config import ConfigFileError, config_path
from chatterm.errors import ConfigError
from chatterm.render.lines import Line, Span
from chatterm.tui.few_colours import suited
from chatterm.tui.screens.painting import ERROR, MUTED, STRONG, shown
from chatterm.tui.themes import (
    AUTO,
    Theme,
    chosen_theme,
    find_themes,
    load_theme,
    no_colour_theme,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chatterm.tui.chat import Chat
    from chatterm.tui.screens.choices import Choice, Picked
    from chatterm.tui.screens.picker import Picker
    from chatterm.tui.steps.signs import Signs


class Themed(Protocol):
    """The app, as far as its looks go.

    Attributes:
        theme: The name of the theme in use.
    """

    theme: str

    def use_theme(self, theme: Theme) -> None:
        """Look different from now on."""


async def pick(chat: Chat, given: str) -> None:
    """Choose the theme and keep the choice in the user's configuration.

    Args:
        chat: Where to ask; its app changes its looks.
        given: The theme's name; without one it is asked for.

    Raises:
        ConfigError: There is no such theme, its file is wrong, or the choice can't be kept.
    """
    if not given:
        picked = await pick_from_list(chat)
        if picked is not None:
            await _keep(chat, picked.choice.key)
        return
    own, dark = _where(chat)
    theme = await asyncio.to_thread(chosen_theme, given, dark=dark, own=own)
    _app(chat).use_theme(theme)
    await _keep(chat, given)


def _where(chat: Chat) -> tuple[Path, bool]:
    """Where the user's own themes are, and whether the terminal is dark."""
    dark = getattr(chat.app, "terminal_is_dark", None) is not False
    return config_path().path.parent / "themes", dark


async def pick_from_list(
    chat: Chat, title: Line | str = "Theme", kind: type[Picker] | None = None
) -> Picked | None:
    """Have a theme chosen from a list; it is worn, and kept nowhere.

    Args:
        chat: Where to ask; its app changes its looks.
        title: What is asked.
        kind: The kind of picker to ask with.

    Returns:
        What was picked; the theme before is worn again where that is none, or an action.
    """
    from chatterm.tui.screens.picker import Picker

    own, dark = _where(chat)
    themes = await asyncio.to_thread(_load_all, own, dark=dark)
    app = _app(chat)
    before = _worn(app.theme, themes)

    def wear(choice: Choice) -> None:
        theme = themes.get(choice.key)
        if isinstance(theme, Theme):
            app.use_theme(theme)
            picker.palette = suited(theme, chat.app.console).palette()

    async def preview(_: Choice) -> list[Line]:
        return _sample(chat.setting.looks.signs)

    picker = (kind or Picker)(
        chat.palette,
        title,
        [_choice(name, theme) for name, theme in themes.items()],
        preview=preview,
        highlighted=wear,
        current=chat.talk.config.theme,
    )
    picked = await chat.app.push_screen_wait(picker)
    if picked is not None and not picked.action:
        wear(picked.choice)
    elif before is not None:
        app.use_theme(before)
    return picked


def _app(chat: Chat) -> Themed:
    return cast("Themed", chat.app)  # textual's App knows nothing of ours


def _load_all(own: Path, *, dark: bool) -> dict[str, Theme | ConfigError]:
    """All themes by name, or what is wrong with them; `auto` first."""
    themes: dict[str, Theme | ConfigError] = {}
    try:
        themes[AUTO] = chosen_theme(AUTO, dark=dark, own=own)
    except ConfigError as error:
        themes[AUTO] = error
    for name, path in find_themes(own).items():
        try:
            themes[name] = load_theme(path)
        except ConfigError as error:
            themes[name] = error
    return themes


def _worn(name: str, themes: Mapping[str, Theme | ConfigError]) -> Theme | None:
    """The theme that is in use, by the name under which textual knows it."""
    plain = no_colour_theme()
    found = plain if name == plain.name else themes.get(name)
    return found if isinstance(found, Theme) else None


def _choice(name: str, theme: Theme | ConfigError) -> Choice:
    from chatterm.tui.screens.picker import Choice

    if isinstance(theme, ConfigError):
        problem = shown(_first_problem(theme))
        label = (Span(shown(name), MUTED), Span(f"  {problem}", ERROR))
        return Choice(name, label, blocked=f"{name}: {problem}")
    kind = "dark" if theme.dark else "light"
    return Choice(name, name, f"as the terminal is: {kind}" if name == AUTO else kind)


def _first_problem(error: ConfigError) -> str:
    if not isinstance(error, ConfigFileError) or not error.problems:
        return error.message
    more = len(error.problems) - 1
    return f"{error.problems[0]}{f' (and {more} more)' if more else ''}"


async def _keep(chat: Chat, name: str) -> None:
    from chatterm.config.editing import save_theme

    chat.talk.config = replace(chat.talk.config, theme=name)
    await asyncio.to_thread(save_theme, config_path().path, name)
    chat.say(f"theme: {name}")


def _sample(signs: Signs) -> list[Line]:
    """What a theme is looked at by: its roles where a conversation has them."""
    done, folded = signs.done, signs.folded
    return [
        (Span(f" {signs.user} Why is the last event lost?  ", ("user", "user_band")),),
        (),
        (Span(signs.thinking, ("thinking",)), Span(f" {folded} thought for 12 s", MUTED)),
        (Span(done, ("tool",)), Span(f" {folded} read_file  sse.py"), Span("  57 lines", MUTED)),
        (),
        (
            Span("It is kept until a "),
            Span("blank line", STRONG),
            Span(" comes: see "),
            Span("feed()", ("code",)),
            Span(" and the "),
            Span("specification", ("link",)),
            Span("."),
        ),
        (),
        (
            Span("def ", ("code.row", "code.keyword")),
            Span("finish", ("code.row", "code.name")),
            Span("(self):  ", ("code.row", "code.text")),
            Span("# the rest", ("code.row", "code.comment")),
        ),
        (
            Span("    return ", ("code.row", "code.keyword")),
            Span("'done'", ("code.row", "code.string")),
            Span(", ", ("code.row", "code.text")),
            Span("42", ("code.row", "code.number")),
        ),
        (),
        (Span("+ added ", ("diff_added", "diff_added_band")),),
        (Span("- removed ", ("diff_removed", "diff_removed_band")),),
        (),
        (
            Span("success ", ("success",)),
            Span("warning ", ("warning",)),
            Span("error ", ("error",)),
            Span("accent ", ("accent",)),
            Span("found", ("match",)),
            Span(" "),
            Span("selected", ("selection",)),
        ),
    ]
