"""The demo: a provider that plays a script and asks no model.

It shows a newcomer the whole program before there is a key, and stands in for a model in tests. Its
models are scripts: `tour` (what plain `demo` means) lies beside this module, the others below.
"""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator
from importlib import resources
from pathlib import Path
from typing import Any

from chatterm.assembly import OpenStep, StepWriter
from chatterm.errors import ConfigError, ErrorKind, Failure
from chatterm.events import Event
from chatterm.providers.base import ModelInfo, ModelRequest, RoundEnd
from chatterm.providers.decoding import failed, stream_cut
from chatterm.providers.script import Branch, Command, End, Pace, Script, Wait, Write, parse
from chatterm.providers.tool_slots import read_arguments
from chatterm.steps import (
    Citation,
    FinishReason,
    NoticeStep,
    Outcome,
    RefusalStep,
    Status,
    Step,
    TextStep,
    ToolCallStep,
    ToolResultStep,
    Usage,
)

Sleep = Callable[[float], Awaitable[object]]

_TOUR = "tour"
_MODELS = {
    _TOUR: "a tour of the program",
    "glance": "the tour in brief",
    "words": "the tour in brief, without a call",
    "short": "one line",
    "echo": "what you sent",
    "tools": "several tool calls",
    "refusal": "an answer that is declined",
    "length": "an answer that runs into the token limit",
    "cut": "a connection that breaks",
    "fail": "a server that is overloaded",
}
_GLANCE = """
pace 3 45
notice demo: this is the built-in demo: a script plays, no model is asked
think: Somebody starts chatterm for the first time. Thinking flows here, beside the answer.
text:
  **This is a demo, not a model.** Nothing leaves this machine; an answer looks like this.

  - Text comes as it is written, with *emphasis*, `code` and lists.
  - Code keeps its lines, and is copied with a key:

  ```python
  def greet(name: str) -> str:
      return f"hello, {name}"
  ```
"""
_SCRIPTS = {
    "words": f"{_GLANCE}usage input=80 output=110 reasoning=20\n",
    "glance": f"""{_GLANCE}
  - Tools ask before they change anything; this one only lists files:

when tool list_files
call list_files: {{"path": "."}}
end
usage input=80 output=140 reasoning=20
round
text: That was a real call, through the same gate as a model's.
usage input=260 output=14
""",
    "short": """
text: This is the demo, not a model.
usage input=8 output=9
""",
    "echo": """
echo
""",
    "tools": """
pace 4 75
think: Whatever is on offer is called: two tools at once, then a command.
text commentary: Calls follow, of those tools that are on offer.
when tool list_files
call list_files: {"path": "."}
end
when tool read_file
call read_file: {"path": "README.md"}
end
usage input=300 output=60 reasoning=12
round
when tool shell
call shell: {"command": "date"}
otherwise
text: That is all the demo calls.
end
usage input=900 output=24
round
text: That is all the demo calls.
usage input=980 output=10
""",
    "refusal": """
pace 4 75
think summary: This is a demo of being told no.
refuse: The demo declines to answer. It declines everything, whatever the question.
usage input=8 output=30 reasoning=12
""",
    "length": """
pace 4 75
text: The demo was asked to be brief, and so this sentence stops in the
usage input=8 output=16
finish length max_tokens
""",
    "cut": """
pace 4 75
text: The connection of this demo breaks before the end of the
wait 0.3
cut
""",
    "fail": """
wait 0.3
fail overloaded status=529 request_id=req_demo: the demo plays a server that is overloaded
""",
}


class DemoProvider:
    """Plays a script: its n-th round answers the n-th model call of a turn.

    After the last round it answers with nothing, which ends the turn; the next turn begins the
    script again.

    Args:
        name: The user's name for the provider.
        script: A script to play whatever the model is called, or the path of one; otherwise the
            model's name chooses among the built-in ones.
        pace: What waits are multiplied with; 0 is as fast as possible.
        sleep: Waits for some seconds.

    Raises:
        ConfigError: The file can't be read or isn't a script.
    """

    def __init__(
        self,
        name: str = "demo",
        script: Script | Path | None = None,
        *,
        pace: float = 1.0,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self.name = name
        self._script = load(script) if isinstance(script, Path) else script
        self._pace = pace
        self._sleep = sleep

    async def stream(
        self, request: ModelRequest, writer: StepWriter
    ) -> AsyncGenerator[Event | RoundEnd, None]:
        """Play one round."""
        script = self._script or _built_in(request.model)
        if script is None:
            yield failed(_unknown(request.model))
            return
        number = rounds_played(request)
        player = _Player(request, writer, number)
        commands = script.rounds[number] if number < len(script.rounds) else ()
        for pause in player.play(commands):
            for event in writer.take():
                yield event
            await self._sleep(pause * self._pace)
        end = player.end()
        for event in writer.take():
            yield event
        yield end

    async def models(self) -> list[ModelInfo]:
        """The built-in scripts, or the one that was given."""
        if self._script is not None:
            return [ModelInfo("script", "a script of your own")]
        return [ModelInfo(model, name) for model, name in _MODELS.items()]

    async def aclose(self) -> None:
        """There is nothing to give up."""


def load(path: Path) -> Script:
    """Read a script from a file.

    Raises:
        ConfigError: The file can't be read or isn't a script.
    """
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise ConfigError(f"can't read the script {path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"can't read the script {path}: it isn't UTF-8 text") from error
    return parse(text, str(path))


def rounds_played(request: ModelRequest) -> int:
    """How many model calls of the turn under way have already been answered."""
    steps = request.turns[-1].steps if request.turns else ()
    return len({step.round for step in steps if not isinstance(step, ToolResultStep | NoticeStep)})


def _built_in(model: str) -> Script | None:
    name = model.removeprefix("demo").removeprefix("/") or _TOUR
    if name == _TOUR:
        source = resources.files("chatterm.providers").joinpath("demo.script")
        return parse(source.read_text("utf-8"), "demo.script")
    return parse(_SCRIPTS[name], f"demo/{name}") if name in _SCRIPTS else None


def _unknown(model: str) -> Failure:
    near = difflib.get_close_matches(model, _MODELS, 1)
    known = f"the demo plays {', '.join(_MODELS)}"
    return Failure(
        ErrorKind.NOT_FOUND,
        f"the demo has no model {model!r}",
        hint=f"did you mean {near[0]}? {known}" if near else known,
    )


class _Player:
    """Writes one round's steps, and hands out the seconds to wait between the pieces."""

    def __init__(self, request: ModelRequest, writer: StepWriter, number: int) -> None:
        self._request = request
        self._writer = writer
        self._round = number
        self._calls = 0
        self._pace = Pace()
        self._step: OpenStep | None = None
        self._written = False
        self._usage = Usage()
        self._end = End(FinishReason.STOP)
        self._ended = False

    def play(self, commands: Iterable[Command]) -> Iterator[float]:
        for command in commands:
            if self._ended:
                return
            match command:
                case tuple():  # a choice
                    yield from self.play(_chosen(command, self._request))
                case Write(step, text, values):
                    if step is not None:
                        self._begin(step, dict(values))
                    yield from self._type(_question(self._request) if text is None else text)
                case Wait(seconds):
                    yield seconds
                case Pace():
                    self._pace = command
                case Citation():
                    self._cite(command)
                case Usage():
                    self._usage = command
                case End():
                    self._end, self._ended = command, True

    def end(self) -> RoundEnd:
        """Close what is open and say what the round came to."""
        end = self._end
        if end.reason is FinishReason.ERROR:
            self._close(Status.INTERRUPTED)
            return failed(end.failure or stream_cut(self._written), usage=self._usage)
        self._close()
        return RoundEnd(end.reason, end.word, self._usage)

    def _begin(self, step: type[Step], values: dict[str, Any]) -> None:
        called = self._step.step if self._step else None
        self._close()
        if step is ToolCallStep:
            values["call_id"] = f"demo-{self._round}-{self._calls}"
            self._calls += 1
        elif step is ToolResultStep and isinstance(called, ToolCallStep):
            outcome = Outcome.DONE if values["ok"] else Outcome.FAILED
            values |= {"call_id": called.call_id, "name": called.name, "outcome": outcome}
        elif step is RefusalStep:
            self._end = End(FinishReason.REFUSAL)
        self._step = self._writer.open(step, **values)

    def _type(self, text: str) -> Iterator[float]:
        if self._step is None:
            return
        pause = 1 / self._pace.per_second if self._pace.per_second else 0.0
        if isinstance(self._step.step, ToolResultStep):  # a result comes whole
            self._writer.amend(self._step, content=text)
            yield pause
            return
        size = self._pace.chars or len(text)
        for start in range(0, len(text), size):
            self._writer.append(self._step, text[start : start + size])
            self._written = True
            yield pause

    def _cite(self, citation: Citation) -> None:
        if self._step is not None and isinstance(self._step.step, TextStep):
            citations = (*self._step.step.citations, citation)
            self._writer.update(self._step, citations=citations)

    def _close(self, status: Status = Status.DONE) -> None:
        opened, self._step = self._step, None
        if opened is None:
            return
        if not isinstance(opened.step, ToolCallStep):
            self._writer.finish(opened, status)
            return
        arguments, whole = read_arguments(opened.text)
        if not whole and self._end.reason is not FinishReason.STOP:
            status = Status.INTERRUPTED  # the end came in the middle of it: it must never run
        self._writer.finish(opened, status, input=arguments)


def _question(request: ModelRequest) -> str:
    return request.turns[-1].input.text if request.turns else ""


def _chosen(branches: tuple[Branch, ...], request: ModelRequest) -> tuple[Command, ...]:
    offered = {tool.name for tool in request.tools}
    steps = request.turns[-1].steps if request.turns else ()
    results = (step.outcome for step in reversed(steps) if isinstance(step, ToolResultStep))
    outcome = next(results, None)
    for branch in branches:
        if branch.tool in (None, *offered) and branch.outcome in (None, outcome):
            return branch.commands
    return ()
