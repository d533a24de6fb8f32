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
from collections.abc import Callable, Sequence
from dataclasses import replace

from chatterm.agent.questions import Question, Reply
from chatterm.errors import UsageError
from chatterm.permissions.rules import Proposal, Scope
from chatterm.permissions.rulewords import words_of
from chatterm.render.console import is_terminal
from chatterm.render.sanitize import escape_controls
from chatterm.talking.answering import edited_rule, rule_choices

# Keys that were pressed before a question could be read are no answer to it.
_GRACE_SECONDS = 0.3
_MOST_BYTES = 4096
_COLUMNS = 80
_HELP = "y yes · n no · q no, and stop; words after the letter go to the model"
_REACHES = {"project": Scope.PROJECT, "everywhere": Scope.EVERYWHERE}
_GAP = " · "


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
        self._write("\n" + question_text(question, self._width))
        await asyncio.sleep(_GRACE_SECONDS)
        termios.tcflush(self._terminal, termios.TCIFLUSH)
        while True:
            line = await self._ask("> ")
            if line is None:
                return Reply(allow=False)
            word, _, note = line.partition(" ")
            if word.lower() == "a" and (offers := _always_offers(question)):
                reply = await self._always(offers, note.strip())
                if reply is not None:
                    return reply
                self._write(answers_text(question, self._width))
                continue
            reply = reply_to(line, question)
            if reply is not None:
                return reply
            self._write(f"{_HELP}\n")

    async def _always(self, offers: list[Proposal], note: str) -> Reply | None:
        """Which rule is to be kept, and how far it reaches; None goes back."""
        at = 0
        while True:
            proposal = offers[at]
            self._write(rule_text(proposal, len(offers), self._width))
            line = await self._ask("rule> ")
            if line is None:
                return Reply(allow=False)
            choices = {each.key: each.name for each in rule_choices(proposal)}
            name = choices.get(line.lower(), "")
            if not line:
                return None
            if name in _REACHES:
                return Reply(allow=True, note=note, scope=_REACHES[name], rule=proposal.rule)
            if name == "rule":
                offers[at] = await self._edited(proposal)
            elif line.lower() == "t":
                at = (at + 1) % len(offers)

    async def _edited(self, proposal: Proposal) -> Proposal:
        """The same with its rule as the user wants it."""
        text = await self._ask("the rule, Enter leaves it: ")
        if not text:
            return proposal
        try:
            return replace(proposal, rule=edited_rule(proposal.rule, text))
        except UsageError as error:
            self._write(f"{_shown(error.message)}\n")
            return proposal

    async def _ask(self, prompt: str) -> str | None:
        self._write(prompt)
        return await self._line()

    @property
    def _width(self) -> int:
        try:
            return os.get_terminal_size(self._terminal).columns or _COLUMNS
        except OSError:
            return _COLUMNS

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


def question_text(question: Question, width: int = _COLUMNS) -> str:
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
    if question.proposals:
        lines.append(f"  rule: {_shown(question.proposals[0].text)}")
    return "\n".join(lines) + "\n" + answers_text(question, width)


def answers_text(question: Question, width: int) -> str:
    """The answers to a question, in as many lines as it takes, each answer on one line."""
    answers = ["y yes"]
    if _for_this_run(question) is not None:
        answers.append("s for this run")
    if _always_offers(question):
        answers.append("a always…")
    return _row([*answers, "n no", "q no, and stop"], width)


def rule_text(proposal: Proposal, count: int, width: int) -> str:
    """What can be done with a rule that would always allow such calls."""
    choices = [each for each in rule_choices(proposal) if each.name != "back"]
    answers = [f"{each.key} {each.label}" for each in choices]
    more = ["t another rule"] if count > 1 else []
    words = _shown(words_of(proposal.rule))
    return f"  always allow {words}\n" + _row([*answers, *more, "Enter back"], width)


def _row(answers: Sequence[str], width: int) -> str:
    rows = [""]
    for answer in answers:
        if rows[-1] and 2 + len(rows[-1] + _GAP + answer) > width:
            rows.append("")
        rows[-1] += f"{_GAP if rows[-1] else ''}{answer}"
    return "".join(f"  {row}\n" for row in rows)


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
        case "s" if (proposal := _for_this_run(question)) is not None:
            return Reply(allow=True, note=note, scope=Scope.SESSION, rule=proposal.rule)
    return None


def _for_this_run(question: Question) -> Proposal | None:
    """The rule that a yes for this run makes: the one that is shown."""
    first = question.proposals[0] if question.proposals else None
    return first if first is not None and Scope.SESSION in first.scopes else None


def _always_offers(question: Question) -> list[Proposal]:
    """The rules that may be kept for longer than this run."""
    wanted = set(_REACHES.values())
    return [each for each in question.proposals if wanted & set(each.scopes)]


def _framed(command: str) -> list[str]:
    """A command whole and exact: what can't be seen is escaped, its own line ends are marked."""
    *others, last = [_shown(line) for line in command.split("\n")]
    return [f"  │ {line} ↵" for line in others] + [f"  │ {last}"]


def _line(text: str) -> str:
    """A name, which is one line whatever is in it."""
    return escape_controls(text).replace("\n", "\\n")


def _shown(text: str) -> str:
    return escape_controls(text)
