"""The manual page, in man(7)'s language, from the commands themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import facts
from chatterm import __version__
from tree import Command, commands

_EXAMPLES = {
    "Talk": "chatterm",
    "Ask once, in a pipe": 'git diff | chatterm ask "write a commit message" > message',
    "Go on with the newest conversation of this directory": "chatterm -c",
    "Search all that was said": 'chatterm history search "last event"',
    "Look at what this machine offers": "chatterm doctor",
}


def page() -> str:
    """The page, as roff."""
    whole = list(commands())
    app, others = whole[0], whole[1:]
    lines = [f'.TH CHATTERM 1 "" "chatterm {__version__}" "User Commands"']
    lines += [".SH NAME", r"chatterm \- chat with language models in a terminal"]
    lines += [".SH SYNOPSIS", ".B chatterm", "[OPTIONS] [PROMPT]", ".br"]
    lines += [".B chatterm ask", "[OPTIONS] [PROMPT]...", ".br", ".B chatterm", "COMMAND ..."]
    lines += [".SH DESCRIPTION", *_paragraphs(app.text)]
    lines += [".SH OPTIONS", *_entries(dict(app.options))]
    lines.append(".SH COMMANDS")
    for command in others:
        lines += _command(command)
    lines += [".SH EXIT STATUS", *_entries(dict(facts.statuses()))]
    lines += [".SH ENVIRONMENT", *_entries(facts.ENVIRONMENT)]
    lines += [".SH FILES", *_entries(facts.FILES)]
    lines.append(".SH EXAMPLES")
    for told, line in _EXAMPLES.items():
        lines += [".PP", f"{_roff(told)}:", ".PP", ".nf", ".RS", _roff(line), ".RE", ".fi"]
    return "\n".join(lines) + "\n"


def _command(command: Command) -> Iterator[str]:
    yield f".SS {_roff(command.name)} {_roff(command.usage)}".rstrip()
    yield from _paragraphs(command.text)
    if not command.group:
        yield from _entries(dict(command.options))


def _paragraphs(text: str) -> Iterator[str]:
    for part in filter(None, text.split("\n\n")):
        yield ".PP"
        if all(line.startswith("  ") for line in part.splitlines()):
            yield from [".nf", ".RS"]
            yield from (_roff(line[2:]) for line in part.splitlines())
            yield from [".RE", ".fi"]
        else:
            yield _roff(part)


def _entries(entries: Mapping[str, str]) -> Iterator[str]:
    for name, text in entries.items():
        yield from [".TP", f".B {_roff(name)}", _roff(text)]


def _roff(text: str) -> str:
    """A text that roff takes as it is; code is set in bold."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    text = re.sub(r"`([^`\n]+)`", r"\\fB\1\\fP", text)
    return "\n".join(f"\\&{line}" if line[:1] in (".", "'") else line for line in text.split("\n"))
