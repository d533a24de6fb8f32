"""The commands and their options, as the command line itself has them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import typer

from chatterm.cli.main import _app


@dataclass(frozen=True)
class Command:
    """A command.

    Attributes:
        name: The words that name it, `chatterm` first.
        usage: What may follow.
        text: What it does, in paragraphs; lines that stand as they are begin with two spaces.
        options: Options and arguments with what they do.
        group: It only holds others.
    """

    name: str
    usage: str
    text: str
    options: tuple[tuple[str, str], ...]
    group: bool


def commands() -> Iterator[Command]:
    """All commands, those of a group after it."""
    yield from _walk(typer.main.get_command(_app), "chatterm", None)


def _walk(command: Any, name: str, parent: Any) -> Iterator[Command]:
    own = name.rpartition(" ")[2]
    settings = command.context_settings
    context = command.context_class(command, info_name=own, parent=parent, **settings)
    if command.hidden:
        return
    group = hasattr(command, "list_commands")
    options = [
        (_name(param), param.help or "")
        for param in command.get_params(context)
        if not param.hidden
    ]
    usage = " ".join(command.collect_usage_pieces(context))
    text = _text(command.help or "")
    yield Command(name, usage, text, tuple(options), group)
    if group:
        for each in command.list_commands(context):
            yield from _walk(command.get_command(context, each), f"{name} {each}", context)


def _name(param: Any) -> str:
    """An option or argument with what it takes, whichever version of typer is installed."""
    if param.param_type_name == "argument":
        return str(param.metavar or param.name.upper())
    names = ", ".join(sorted(param.opts, key=len))
    if param.secondary_opts:
        names += f", {', '.join(param.secondary_opts)}"
    return names if param.is_flag or not param.metavar else f"{names} {param.metavar}"


def _text(text: str) -> str:
    return "\n".join(line for line in text.strip().splitlines() if line.strip() != "\b")
