"""Asking on the controlling terminal whether a tool call may run, for `ask --tool`.

Standard input may be a pipe and standard output a file; the question goes to the terminal that the
user sits at. It is asked only when somebody is there to answer (`open_terminal`).
"""

from __future__ import annotations

import asyncio
import errno
import os
import sys
import termios
from collections.abc import Callable

from chatterm.agent.questions import Question, Reply
from chatterm.permissions.rules import Proposal, Scope
from chatterm.render.console import is_terminal
from chatterm.render.sanitize import escape_controls

# Keys that were pressed before a question could be read are no answer to it.
_GRACE_SECONDS = 0.3
_MOST_BYTES = 4096
_HELP = "y yes · n no · q no, and stop; words after the letter go to the model"
_TAILS = {
    Scope.SESSION: ("s", "for this run"),
    Scope.PROJECT: ("p", "always in this project"),
    Scope.EVERYWHERE: ("a", "always everywhere"),
}


def open_terminal() -> int | None:
    """The controlling terminal, open for reading and writing, when somebody there can answer.

    That takes a terminal at standard error, and chatterm in the terminal's foreground: a job in the
    background would be stopped by the first read.
    """
    if not is_terminal(sys.stderr):
        return None
    try:
        terminal = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        if os.tcgetpgrp(terminal) == os.getpgrp():
            return terminal
    except OSError:
        pass
    os.close(terminal)
    return None


class TerminalAsker:
    """Asks at a terminal, a line an answer.

    Args:
        terminal: Its descriptor, open for reading and writing.
        begin: Called before a question is written, to end a line that is being written.
    """

    def __init__(self, terminal: int, begin: Callable[[], None]) -> None:
        self._terminal = terminal
        self._begin = begin

    async def __call__(self, question: Question) -> Reply:
        """Ask, until there is an answer. The end of input is a no."""
        self._begin()
        self._write("\n" + question_text(question))
        await asyncio.sleep(_GRACE_SECONDS)
        termios.tcflush(self._terminal, termios.TCIFLUSH)
        while True:
            self._write("> ")
            line = await self._line()
            if line is None:
                return Reply(allow=False)
            reply = reply_to(line, question)
            if reply is not None:
                return reply
            self._write(f"{_HELP}\n")

    def _write(self, text: str) -> None:
        data = text.encode("utf-8", "backslashreplace")
        while data:
            data = data[os.write(self._terminal, data) :]

    async def _line(self) -> str | None:
        """A line that is typed, or None at the end of input. Can be cancelled at any time."""
        loop = asyncio.get_running_loop()
        ready: asyncio.Future[None] = loop.create_future()

        def readable() -> None:
            if not ready.done():
                ready.set_result(None)

        loop.add_reader(self._terminal, readable)
        try:
            await ready
        finally:
            loop.remove_reader(self._terminal)
        try:
            data = os.read(self._terminal, _MOST_BYTES)
        except OSError as error:
            if error.errno != errno.EIO:  # the terminal is gone
                raise
            return None
        return data.decode("utf-8", "replace").strip() if data else None


def question_text(question: Question) -> str:
    """The question as it is written: what, where, the exact bytes, why, and the answers."""
    details = question.details()
    remote = "remote_tool" in details
    name = details["remote_tool"] if remote else question.call.name
    head = f"? {_line(name)} wants to run"
    if "command" in details:
        network = "with the network" if details["network"] else "no network"
        cage = question.cage
        head += f"   {'not caged' if cage == 'none' else f'{cage}, {network}'}"
    elif remote:
        head += f"   at the provider, on its server {_line(details['server']) or '(unnamed)'}"
    lines = [head]
    if remote:
        lines += _framed(details["arguments"])
    elif "command" in details:
        lines += _framed(details["command"])
        lines.append(f"  in {_shown(details['directory'])}")
    else:
        lines.append(f"  {_shown(question.summary)}")
    lines += [f"  it asks to write below {_shown(path)}" for path in details.get("writable", ())]
    lines += [_shown(line) for line in question.diff.splitlines()]
    lines.append(f"  {_shown(question.reason)}")
    offers = _offers(question)
    if offers:
        lines.append(f"  rule: {_shown(question.proposals[0].text)}")
    answers = ["y yes", *(f"{key} {text}" for key, text, _ in offers), "n no"]
    lines += ["  " + " · ".join([*answers, "q no, and stop"])]
    return "\n".join(lines) + "\n"


def reply_to(line: str, question: Question) -> Reply | None:
    """What a typed line answers: a letter, then a note to the model; None for anything else."""
    word, _, note = line.partition(" ")
    note = note.strip()
    match word.lower():
        case "y" | "yes":
            return Reply(allow=True, note=note)
        case "n" | "no":
            return Reply(allow=False, note=note)
        case "q" | "quit":
            return Reply(allow=False, note=note, stop=True)
        case letter:
            for key, _, (scope, proposal) in _offers(question):
                if letter == key:
                    return Reply(allow=True, note=note, scope=scope, rule=proposal.rule)
    return None


def _offers(question: Question) -> list[tuple[str, str, tuple[Scope, Proposal]]]:
    """The answers beyond "once": their letter, what they mean, what they make."""
    if len(question.proposals) == 0:
        return []
    proposal = question.proposals[0]
    offers = []
    for scope, (key, text) in _TAILS.items():
        if scope in proposal.scopes:
            offers.append((key, text, (scope, proposal)))
    return offers


def _framed(command: str) -> list[str]:
    """A command whole and exact: what can't be seen is escaped, its own line ends are marked."""
    *others, last = [_shown(line) for line in command.split("\n")]
    return [f"  │ {line} ↵" for line in others] + [f"  │ {last}"]


def _line(text: str) -> str:
    """A name, which is one line whatever is in it."""
    return escape_controls(text).replace("\n", "\\n")


def _shown(text: str) -> str:
    return escape_controls(text)
