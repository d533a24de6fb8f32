"""What the setup says of what is kept: what was chosen, which files there are, what is in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chatterm.config import config_path, data_dir, log_dir
from chatterm.render.lines import Line, Span, cells, wrap
from chatterm.tui.screens.painting import ERROR, MUTED, as_line, shown
from chatterm.tui.setup.candidates import GIVEN, HERE
from chatterm.tui.short_path import whole_path

if TYPE_CHECKING:
    from chatterm.config import Config
    from chatterm.errors import ConfigError
    from chatterm.tui.setup.candidates import Candidate

_NAMES = 10
"""Cells of what a row is about, and of what stands between."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What was chosen.

    Attributes:
        who: Who is asked.
        given: Their key was given here.
        model: What is asked, as `provider/model`.
        theme: The theme's name.
    """

    who: Candidate | None = None
    given: bool = False
    model: str | None = None
    theme: str | None = None


def summary(chosen: Chosen, config: Config, wrong: ConfigError | None, width: int) -> list[Line]:
    """What is chosen and what is kept where, a row each, and how to change it.

    Args:
        chosen: What was chosen.
        config: What counts where nothing was.
        wrong: Why it couldn't be written.
        width: The cells that there are.
    """
    where = config_path().path
    exists = where.exists()
    lines: list[Line] = []
    if wrong is not None:
        lines += [as_line(wrong.message.replace("\n", " "), ERROR)]
        lines += [as_line("Tab goes on without writing", MUTED), ()]
    model = chosen.model or config.model or "none: the first that is ready"
    lines += _row("model", model, width)
    lines += _row("colours", chosen.theme or config.theme, width)
    key = _key(chosen)
    if key:
        lines += _row("key", key, width)
    about = "only these settings change" if exists else "new, every setting with a comment"
    files = [
        ("settings", whole_path(where), about),
        ("history", whole_path(data_dir()), "conversations, until you delete them"),
        ("log", whole_path(log_dir()), "what went wrong, no messages"),
    ]
    lines += [
        (),
        *_rows(files, width),
        (),
        as_line("All of it stays on this machine; what you send goes to the model alone.", MUTED),
        as_line("To change it: the file, /model, /theme, /setup, `chatterm config init`.", MUTED),
    ]
    return lines


def _key(chosen: Chosen) -> str:
    who = chosen.who
    if chosen.given:
        return "in the system keyring"
    if who is None or who.group in {HERE, GIVEN}:
        return ""
    return who.why


def _row(name: str, text: str, width: int) -> list[Line]:
    """What something is, under its own beginning where it takes several rows."""
    rows = wrap([Span(shown(text))], width - _NAMES) or [()]
    names = [name, *[""] * (len(rows) - 1)]
    return [(Span(each.ljust(_NAMES), MUTED), *row) for each, row in zip(names, rows, strict=True)]


def _rows(files: Sequence[tuple[str, str, str]], width: int) -> Iterator[Line]:
    """Files and what is in them: in a column of its own, or below where that has no room."""
    widest = max(cells(path) for _, path, _ in files) + 2
    beside = _NAMES + widest + max(cells(about) for _, _, about in files) <= width
    for name, path, about in files:
        if beside:
            blank = Span(" " * (widest - cells(path)))
            (row,) = _row(name, path, width)
            yield (*row, blank, Span(about, MUTED))
        else:
            yield from _row(name, path, width)
            for row in wrap([Span(about, MUTED)], width - _NAMES):
                yield (Span(" " * _NAMES), *row)


def without_keyring(who: Candidate, reason: str) -> list[Line]:
    """What to do with a key where no keyring keeps it."""
    return list(_without_keyring(who, reason))


def _without_keyring(who: Candidate, reason: str) -> Iterator[Line]:
    variable = who.settings.api_key_env or "THE_KEY"
    yield (Span("A key can't be kept here: ", ERROR), Span(shown(reason)))
    yield as_line("It doesn't go into a file. Instead, do one of these:", MUTED)
    yield ()
    yield as_line("put it into the environment, and start chatterm again")
    yield as_line(f"export {variable}=…", ("accent",))
    yield ()
    yield as_line(f"or name a command that prints it, in {whole_path(config_path().path)}")
    yield as_line(f"[providers.{who.name}]", ("accent",))
    yield as_line(f'api_key_command = ["pass", "{who.name}"]', ("accent",))
