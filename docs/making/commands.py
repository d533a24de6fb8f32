"""The reference of the command line, from the commands themselves."""

from __future__ import annotations

import facts
from markdown import code, table
from tree import Command
from tree import commands as all_commands

_HEAD = """\
# Commands

`chatterm COMMAND --help` tells the same in the terminal, `man chatterm` as well where it is
installed. Completion for the shell: `chatterm --install-completion`.

*This page is made from the code.*
"""


def page() -> str:
    """The page, as Markdown."""
    parts = [_HEAD, *map(_command, all_commands())]
    parts += ["## Exit statuses", table(("exit", "meaning"), facts.statuses())]
    rows = [(code(name), text) for name, text in facts.ENVIRONMENT.items()]
    parts += ["## Environment", table(("variable", ""), rows)]
    rows = [(code(name), text) for name, text in facts.FILES.items()]
    parts += ["## Files", "As they are on Linux.", table(("file", ""), rows)]
    return "\n\n".join(part.rstrip() for part in parts) + "\n"


def _command(command: Command) -> str:
    depth = "##" if command.name.count(" ") < 2 else "###"
    parts = [f"{depth} {command.name}", code(f"{command.name} {command.usage}".strip())]
    parts += [_paragraph(part) for part in command.text.split("\n\n")]
    if command.options:
        rows = [(code(name), text) for name, text in command.options]
        parts.append(table(("option", ""), rows))
    return "\n\n".join(part for part in parts if part)


def _paragraph(text: str) -> str:
    if all(line.startswith("  ") for line in text.splitlines()):
        lines = [line[2:] for line in text.splitlines()]
        return "\n".join(["```sh", *lines, "```"]) if text else ""
    return text
