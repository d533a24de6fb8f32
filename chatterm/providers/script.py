"""The script language: what a provider streams, as a person would write it down.

The demo is such a script, and tests use it wherever they need a provider that does just this. One
command a line. A command that takes text has a colon, with the text behind it or, indented by two
spaces, on the lines below: there it is taken as it is (Markdown, code fences, empty lines).

    # a comment
    think: Somebody wants the files.
    text:
      Here they *are*:
    call list_files: {"path": "."}

    pace CHARS [PER_SECOND]     pieces of CHARS characters (0: whole texts), so many a second (left
                                out or 0: without waiting); a script begins with `pace 4`
    think [summary]: TEXT       thinking, raw or as a summary
    text [PHASE]: TEXT          text; PHASE is commentary or final_answer
    echo                        text: what the user sent
    more: TEXT                  more of the step before (to wait or cite in the middle of it)
    cite URL[: TITLE]           a source of the text before
    call NAME[: ARGUMENTS]      a tool call, its arguments as they are streamed, valid or not
    hosted NAME[: ARGUMENTS]    a call that the provider's server runs
    result [failed]: TEXT       what the hosted call before gave
    refuse: TEXT                a refusal; the round ends as one unless `finish` says otherwise
    notice REASON: TEXT         a notice
    usage NAME=COUNT ...        input, output, reasoning, cached_input, cache_write, cost_usd
    wait SECONDS                nothing, for that long
    finish REASON [WORD]        ends the round (by itself it ends in stop): stop, length,
                                content_filter or refusal, and the provider's own word for it
    fail KIND [status=NUMBER] [request_id=ID] [retryable=yes|no]: TEXT
                                ends the round in a failure; by default retryable as its kind is
    cut                         ends the round as a connection that broke
    round                       what follows answers the next model call of the same turn
    when tool NAME              only when the request offers that tool
    when result OUTCOME         only when the turn's last tool result is done, failed, denied ...
    otherwise                   in no other case (a further `when` is one); `end` ends the choice
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from chatterm.errors import ConfigError, ErrorKind, ExitStatus, Failure
from chatterm.steps import (
    Citation,
    FinishReason,
    NoticeStep,
    Outcome,
    RefusalStep,
    Step,
    TextStep,
    ThinkingStep,
    ToolCallStep,
    ToolResultStep,
    Usage,
)


@dataclass(frozen=True, slots=True)
class Pace:
    """How text comes: `chars` a piece (0: whole), `per_second` pieces (0: without waiting)."""

    chars: int = 4
    per_second: float = 0.0


@dataclass(frozen=True, slots=True)
class Write:
    """A step, written piece by piece, or (None) more of the one before.

    A text of None is what the user sent.
    """

    step: type[Step] | None
    text: str | None
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing, for some seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class End:
    """The round ends. In an error without a failure of its own the connection breaks."""

    reason: FinishReason
    word: str | None = None
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class Branch:
    """One case: a tool is on offer, or the turn's last result came out so, or (no two) else."""

    tool: str | None
    outcome: Outcome | None
    commands: tuple[Command, ...]


Command = (
    Pace | Write | Citation | Usage | Wait | End | tuple[Branch, ...]
)  # of branches, the first that fits


@dataclass(frozen=True, slots=True)
class Script:
    """What a provider streams.

    Attributes:
        rounds: The answers to the successive model calls of a turn.
    """

    rounds: tuple[tuple[Command, ...], ...]


def parse(text: str, source: str = "script") -> Script:
    """Read a script.

    Args:
        text: The script.
        source: What errors call it: a path or a name.

    Raises:
        ConfigError: It isn't one; the message names the line and what was expected there.
    """
    rounds: list[list[Command]] = [[]]
    statements = _statements(text, source)
    for statement in statements:
        if statement.word == "round":
            statement.bare()
            rounds.append([])
        else:
            _add(rounds[-1], statement, statements)
    return Script(tuple(tuple(commands) for commands in rounds))


# --- lines ------------------------------------------------------------------------------------

_INDENT = "  "
_COLON = re.compile(r":(?=\s|\Z)")


@dataclass(frozen=True, slots=True)
class _Statement:
    source: str
    line: int
    word: str
    arguments: str  # with single spaces
    text: str | None

    def expected(self, what: str) -> ConfigError:
        return ConfigError(f"{self.source}:{self.line}: `{self.word}`: expected {what}")

    def bare(self) -> None:
        if self.arguments or self.text is not None:
            raise self.expected("nothing behind it")


def _statements(text: str, source: str) -> Iterator[_Statement]:
    lines = [line.removesuffix("\r") for line in text.removeprefix("\ufeff").split("\n")]
    at = 0
    while at < len(lines):
        line, number, at = lines[at], at + 1, at + 1
        if not line.strip() or line.startswith("#"):
            continue
        head, body = line, None
        if colon := _COLON.search(line):
            head, body = line[: colon.start()], line[colon.end() :].strip()
            if not body:
                body, at = _block(lines, at)
        word, _, arguments = (" ".join(head.split()) or ":").partition(" ")
        statement = _Statement(source, number, word, arguments, body)
        if line[0].isspace():
            raise statement.expected("no indent, which only the text below a colon has")
        yield statement


def _block(lines: list[str], start: int) -> tuple[str, int]:
    end = start
    while end < len(lines) and (lines[end].startswith(_INDENT) or not lines[end].strip()):
        end += 1
    while end > start and not lines[end - 1].strip():
        end -= 1
    return "\n".join(line.removeprefix(_INDENT) for line in lines[start:end]), end


# --- where a command may stand ----------------------------------------------------------------


def _add(commands: list[Command], statement: _Statement, rest: Iterator[_Statement]) -> None:
    if commands and isinstance(commands[-1], End):
        raise statement.expected("`round` before it, as the line above ended the round")
    if statement.word == "when":
        commands.append(_choice(statement, rest))
        return
    form = _FORMS.get(statement.word)
    if form is None:
        known = ", ".join(sorted([*_FORMS, "round", "when"]))
        raise statement.expected(f"a command here, one of {known}")
    command = form.read(statement)
    _check_place(command, _last_step(commands), statement)
    commands.append(command)


def _check_place(command: Command, last: Write | None, statement: _Statement) -> None:
    match command:
        case Write(None) if last is None or last.step is ToolResultStep:
            raise statement.expected("a step before it")
        case Citation() if last is None or last.step is not TextStep:
            raise statement.expected("a text before it")
        case Write(step) if step is ToolResultStep and not (last and last.values.get("hosted")):
            raise statement.expected("a hosted call before it")


def _last_step(commands: list[Command]) -> Write | None:
    for command in reversed(commands):
        if isinstance(command, tuple):
            break
        if isinstance(command, Write) and command.step is not None:
            return command
    return None


def _choice(first: _Statement, rest: Iterator[_Statement]) -> tuple[Branch, ...]:
    branches: list[Branch] = []
    commands: list[Command] = []
    opener, (tool, outcome) = first, _condition(first)
    for statement in rest:
        if statement.word == "round":
            break
        if statement.word not in ("when", "otherwise", "end"):
            _add(commands, statement, rest)
            continue
        branches.append(Branch(tool, outcome, tuple(commands)))
        if statement.word == "end":
            statement.bare()
            return tuple(branches)
        if opener.word == "otherwise":
            raise statement.expected("`end` before it: nothing is left after `otherwise`")
        opener, (tool, outcome) = statement, _condition(statement)
        commands = []
    raise first.expected("an `end` to it in the same round")


_OUTCOMES = "|".join(outcome.value for outcome in Outcome)


def _condition(statement: _Statement) -> tuple[str | None, Outcome | None]:
    if statement.word == "otherwise":
        statement.bare()
        return None, None
    match = re.fullmatch(rf"tool (\S+)|result ({_OUTCOMES})", statement.arguments)
    if match is None or statement.text is not None:
        raise statement.expected(f"`when tool NAME` or `when result {_OUTCOMES}`")
    return match[1], Outcome(match[2]) if match[2] else None


# --- how a command is written -----------------------------------------------------------------

_Build = Callable[[tuple[str, ...], str], Command]


@dataclass(frozen=True, slots=True)
class _Form:
    usage: str  # as errors show it; its colon says whether there must or may be text
    arguments: str  # a pattern, whose groups are handed to `build`, empty where they are missing
    build: _Build

    def read(self, statement: _Statement) -> Command:
        match = re.fullmatch(self.arguments, statement.arguments, re.ASCII)
        fits = "[: " in self.usage or (": " in self.usage) == (statement.text is not None)
        if match is None or not fits:
            raise statement.expected(f"`{self.usage}`")
        return self.build(match.groups(""), statement.text or "")


def _step(step: type[Step], name: str = "", **values: Any) -> _Build:
    """Build a step whose field `name` is the only argument, if there is one."""
    return lambda given, text: Write(step, text, values | ({name: given[0]} if any(given) else {}))


def _usage(pairs: tuple[str, ...], _: str) -> Command:
    counts = dict(pair.split("=") for pair in pairs[0].split())
    cost = counts.pop("cost_usd", None)
    tokens = {name: int(count) for name, count in counts.items()}
    return Usage(**tokens, cost_usd=None if cost is None else float(cost))


def _fail(given: tuple[str, ...], text: str) -> Command:
    kind, status, request_id, said = given
    retryable = said == "yes" if said else ErrorKind(kind).exit_status is ExitStatus.TRY_AGAIN
    code = int(status) if status else None
    failure = Failure(ErrorKind(kind), text, code, request_id or None, retryable)
    return End(FinishReason.ERROR, failure=failure)


_NUMBER = r"\d{1,9}(?:\.\d{1,9})?"
_PAIR = rf"(?:(?:input|output|reasoning|cached_input|cache_write)=\d{{1,15}}|cost_usd={_NUMBER})"
_REASONS = "stop|length|content_filter|refusal"
_KINDS = "|".join(kind.value for kind in ErrorKind)

_FORMS = {
    "pace": _Form(
        "pace CHARS [PER_SECOND]",
        rf"(\d{{1,6}})(?: ({_NUMBER}))?",
        lambda given, _: Pace(int(given[0]), float(given[1] or 0)),
    ),
    "think": _Form(
        "think [summary]: TEXT",
        "(summary)?",
        lambda given, text: Write(ThinkingStep, text, {"summary": bool(given[0])}),
    ),
    "text": _Form(
        "text [commentary|final_answer]: TEXT",
        "(commentary|final_answer)?",
        _step(TextStep, "phase"),
    ),
    "echo": _Form("echo", "", lambda _, __: Write(TextStep, None)),
    "more": _Form("more: TEXT", "", lambda _, text: Write(None, text)),
    "cite": _Form("cite URL[: TITLE]", r"(\S+)", lambda given, text: Citation(text, given[0])),
    "call": _Form("call NAME[: ARGUMENTS]", r"(\S+)", _step(ToolCallStep, "name")),
    "hosted": _Form("hosted NAME[: ARGUMENTS]", r"(\S+)", _step(ToolCallStep, "name", hosted=True)),
    "result": _Form(
        "result [failed]: TEXT",
        "(failed)?",
        lambda given, text: Write(ToolResultStep, text, {"ok": not given[0]}),
    ),
    "refuse": _Form("refuse: TEXT", "", _step(RefusalStep)),
    "notice": _Form("notice REASON: TEXT", r"(\S+)", _step(NoticeStep, "reason")),
    "usage": _Form("usage NAME=COUNT ...", rf"({_PAIR}(?: {_PAIR})*)", _usage),
    "wait": _Form("wait SECONDS", rf"({_NUMBER})", lambda given, _: Wait(float(given[0]))),
    "finish": _Form(
        f"finish {_REASONS} [WORD]",
        rf"({_REASONS})(?: (\S+))?",
        lambda given, _: End(FinishReason(given[0]), given[1] or None),
    ),
    "fail": _Form(
        f"fail {_KINDS} [status=NUMBER] [request_id=ID] [retryable=yes|no]: TEXT",
        rf"({_KINDS})(?: status=(\d{{3}}))?(?: request_id=(\S+))?(?: retryable=(yes|no))?",
        _fail,
    ),
    "cut": _Form("cut", "", lambda _, __: End(FinishReason.ERROR)),
}
