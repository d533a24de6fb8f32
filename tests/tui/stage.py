"""A stage for snapshots: the app with a clock that stands still, and turns that are told to it.

What happens is told event by event, as the session tells it, so that every state between can be
held and looked at: nothing depends on how quickly this machine is.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from chatterm.agent.questions import Question, Reply
from chatterm.agent.trying import Trial
from chatterm.assembly import Clock
from chatterm.config import load_config
from chatterm.config.schema import Rule
from chatterm.errors import ErrorKind, Failure
from chatterm.events import (
    Event,
    PermissionAnswered,
    PermissionAsked,
    StepDelta,
    StepFinished,
    StepStarted,
    ToolOutput,
    TurnFinished,
    TurnStarted,
    UsageReported,
)
from chatterm.permissions.rules import Proposal
from chatterm.permissions.sandbox import probing
from chatterm.permissions.sandbox.levels import Finding, Level
from chatterm.permissions.verdicts import CallClass, Decision, Judgement, ShellAccess, WriteAccess
from chatterm.providers.base import ModelInfo
from chatterm.providers.finding import FoundServer
from chatterm.steps import (
    Attachment,
    FileEdit,
    FinishReason,
    NoticeStep,
    Outcome,
    RefusalStep,
    Status,
    Step,
    TextStep,
    ThinkingStep,
    ToolCallStep,
    ToolResultStep,
    TurnStatus,
    Usage,
    UserInput,
)
from chatterm.store import Store
from chatterm.talking.options import AppOptions
from chatterm.tui.app import ChattermApp
from chatterm.tui.steps.looks import Looks
from chatterm.tui.steps.signs import ASCII, UNICODE
from chatterm.tui.themes import chosen_theme, no_colour_theme
from store.making import record, whole_turn
from tui.app_driver import Driver

BEGAN = 1_767_261_600.0  # 2026-01-01T10:00:00Z
MODEL = "openai/gpt-5"
SOURCE = Path("/home/me/src/parser")
_CONFIG = f"""
model = "{MODEL}"
[aliases]
fast = "openai/gpt-5-mini"
[context.windows]
"{MODEL}" = 400000
[providers.lab]
protocol = "chat"
base_url = "http://127.0.0.1:9/v1"
auth = "none"
"""
_LISTED = {
    "openai": [
        ModelInfo("gpt-5", "", 400_000),
        ModelInfo("gpt-5-mini", "", 400_000),
        ModelInfo("gpt-4.1", "", 1_047_576),
    ],
    "lab": [ModelInfo("qwen3-30b", "Qwen 3, 30B", 40_960), ModelInfo("gemma3", "Gemma 3")],
}


@dataclass
class Told:
    """A turn, told step by step. Times are those of the stage's clock, which tells move on."""

    stage: Stage
    turn: str
    text: str
    attachments: tuple[Attachment, ...] = ()
    _steps: int = 0
    _began: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        sent = UserInput(self.text, self.attachments)
        at = self.stage.clock.timestamp()
        self._tell(TurnStarted("c", self.turn, None, sent, None, MODEL, {}, at))

    def think(self, text: str, took: float = 12.0, *, summary: bool = False, ends: bool = True):
        return self._step(ThinkingStep, took, ends, text=text, summary=summary)

    def say(self, text: str, took: float = 6.0, *, ends: bool = True, **values: Any):
        return self._step(TextStep, took, ends, text=text, **values)

    def refuse(self, text: str):
        return self._step(RefusalStep, 1.0, True, text=text)

    def notice(self, reason: str, text: str):
        return self._step(NoticeStep, 0.0, True, reason=reason, text=text)

    def call(self, name: str, values: dict[str, Any], took: float = 0.4) -> ToolCallStep:
        """A call, written whole."""
        arguments = json.dumps(values, ensure_ascii=False)
        call_id = f"call-{self._steps}"
        step = self._open(ToolCallStep, call_id=call_id, name=name)
        self._tell(StepDelta(step.id, arguments))
        return self._end(step, took, arguments=arguments, input=values)

    def write(self, name: str, arguments: str) -> ToolCallStep:
        """A call, written so far."""
        step = self._open(ToolCallStep, call_id=f"call-{self._steps}", name=name)
        self._tell(StepDelta(step.id, arguments))
        return step

    def allow(self, call: ToolCallStep, decision: str = "allow") -> None:
        self._tell(PermissionAsked(call.id, call.call_id, call.name))
        self._tell(PermissionAnswered(call.id, decision))

    def output(self, call: ToolCallStep, text: str, took: float = 0.0) -> None:
        self._tell(ToolOutput(call.id, text))
        self.stage.pass_time(took)

    def result(
        self,
        call: ToolCallStep,
        content: str,
        took: float = 0.1,
        outcome: Outcome = Outcome.DONE,
        **values: Any,
    ) -> None:
        ok = outcome is Outcome.DONE
        values = {"call_id": call.call_id, "name": call.name, "ok": ok} | values
        self._step(ToolResultStep, took, True, content=content, outcome=outcome, **values)

    def spend(self, **usage: Any) -> None:
        self._tell(UsageReported(Usage(**usage)))

    def end(
        self,
        status: TurnStatus = TurnStatus.COMPLETED,
        reason: FinishReason = FinishReason.STOP,
        error: Failure | None = None,
        **usage: Any,
    ) -> None:
        if usage:
            self.spend(**usage)
        self._tell(TurnFinished(status, reason, None, Usage(**usage), (), error))

    def _step(self, kind: type[Step], took: float, ends: bool, **values: Any) -> Any:
        text = values.pop("text", None)
        step = self._open(kind, **(values if text is None else values | {"text": ""}))
        if text is None:
            return self._end(step, took)
        self._tell(StepDelta(step.id, text))
        if ends:
            return self._end(step, took, text=text)
        self.stage.pass_time(took)
        return step

    def _open(self, kind: type[Any], **values: Any) -> Any:
        at = self.stage.clock.timestamp()
        number = self._steps
        self._steps += 1
        step = kind(id=f"{self.turn}.{number}", index=number, round=0, started_at=at, **values)
        self._began[step.id] = self.stage.clock.now()
        self._tell(StepStarted(step))
        return step

    def finish(self, step: Any, status: Status = Status.DONE, **values: Any) -> Any:
        """End a step that was left open."""
        return self._end(step, 0.0, status=status, **values)

    def _end(self, step: Any, took: float, status: Status = Status.DONE, **values: Any) -> Any:
        self.stage.pass_time(took)
        lasted = round((self.stage.clock.now() - self._began[step.id]) * 1000)
        ended = replace(step, status=status, duration_ms=lasted, **values)
        self._tell(StepFinished(ended))
        return ended

    def _tell(self, event: Event) -> None:
        self.stage.chat.on_session_event(event)


@dataclass
class Stage(Driver):
    """The app on the stage."""

    _now: list[float] = field(default_factory=lambda: [BEGAN])
    _turns: int = 0
    _asked: list[asyncio.Task[Reply]] = field(default_factory=list)

    @property
    def clock(self) -> Clock:
        return Clock(now=lambda: self._now[0], monotonic=lambda: self._now[0])

    def pass_time(self, seconds: float) -> None:
        self._now[0] += seconds

    def turn(self, text: str, *attachments: Attachment) -> Told:
        self._turns += 1
        return Told(self, f"turn{self._turns}", text, attachments)

    def play(self, events: Iterable[Event]) -> None:
        """Tell events that something else has made."""
        for event in events:
            self.chat.on_session_event(event)

    async def ask_about(self, told: Told, call: ToolCallStep, **values: Any) -> None:
        """Have a question come up under a call."""
        question = question_about(call, **values)
        told._tell(PermissionAsked(call.id, call.call_id, call.name, question.details()))
        self._asked.append(asyncio.create_task(self.chat.ask(question)))
        await self.asked()

    async def settle(self) -> None:
        """Wait until everything is on the screen."""
        chat, telling = self.chat, self.chat.telling
        await self.until(lambda: not chat.pane.busy)
        await self.until(lambda: not telling._window_of or telling._figures.window)
        chat.transcript.tick(1)
        chat.telling.tick()
        for _ in range(3):
            await self.pilot.pause()

    def clear(self) -> None:
        """Leave nothing behind that waits."""
        for task in self._asked:
            task.cancel()


def question_about(call: ToolCallStep, **values: Any) -> Question:
    """What is asked about a call of the shell, or about an edit."""
    given = call.input or {}
    judgement = Judgement(Decision.ASK, CallClass.NEEDS_APPROVAL, "")
    if call.name == "shell":
        access: Any = ShellAccess(str(given["command"]), SOURCE)
        words = tuple(str(given["command"]).split()[:2])
        rules = (Rule(tool="shell", decision="allow", argv=words, prefix=True),)
        defaults = {"summary": str(given["command"]), "cage": "bubblewrap"}
        defaults["reason"] = f"{words[0]} runs the project's own code"
    else:
        access = WriteAccess(SOURCE / str(given["path"]))
        rules = (Rule(tool=call.name, decision="allow", path="src/**"),)
        defaults = {"summary": f"edit {given['path']}", "reason": "it changes a file"}
    proposals = tuple(map(Proposal, rules))
    options = defaults | {"judgement": judgement, "access": (access,), "proposals": proposals}
    return Question(call, **(options | values))


def edit_of(path: str) -> tuple[FileEdit, ...]:
    return (FileEdit(str(SOURCE / path), "0" * 64, "1" * 64),)


@dataclass
class Theatre:
    """A home with a project in it, a configuration and a store: nothing of this machine."""

    home: Path

    @property
    def work(self) -> Path:
        return self.home / "src" / "parser"

    async def remember(self, *conversations: tuple[str, str, str]) -> None:
        """Keep conversations: an id, a title, and when they were."""
        for id_, title, at in conversations:
            moment = datetime.fromisoformat(at).timestamp()
            with pytest.MonkeyPatch.context() as patched:
                patched.setattr("chatterm.store.log.Clock", lambda at=moment: Clock(lambda: at))
                with await asyncio.to_thread(Store.open, self.home / "data") as store:
                    turn = whole_turn(f"{id_}t", conversation=id_, text=title, at=at, model=MODEL)
                    await record(store, turn, directory=str(self.work), origin="app", title=title)

    @asynccontextmanager
    async def play(
        self, size: tuple[int, int] = (80, 24), theme: str = "dark", *, plain: bool = False
    ) -> AsyncIterator[Stage]:
        """Run the app."""
        now = [BEGAN]
        looks = Looks(ASCII if plain else UNICODE, still=True, now=lambda: now[0])
        colours = chosen_theme(theme, dark=True, own=None) if theme else no_colour_theme()
        config = load_config(self.home / "config.toml")
        app = ChattermApp(AppOptions(), config, colours, looks)
        async with app.run_test(size=size) as pilot:
            stage = Stage(app, pilot, _now=now)
            await stage.until(lambda: app.chat.talk.opened)
            yield stage
            stage.clear()
            app.chat.leave()
            await stage.until(lambda: app._exit)
        await asyncio.sleep(0)


@contextmanager
def utc() -> Iterator[None]:
    """Local time is UTC."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = "UTC"
    time.tzset()
    yield
    if before is None:
        del os.environ["TZ"]
    else:
        os.environ["TZ"] = before
    time.tzset()


@pytest.fixture
def theatre(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Theatre]:
    """A stage that looks the same on every machine."""
    home = Theatre(tmp_path)
    (home.work / ".git").mkdir(parents=True)
    for name in ("src/wire/sse.py", "src/wire/transport.py", "tests/wire/test_sse.py", "README.md"):
        path = home.work / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n", "utf-8")
    (tmp_path / "config.toml").write_text(_CONFIG, "utf-8")
    for name, value in {
        "HOME": tmp_path,
        "CHATTERM_CONFIG": tmp_path / "config.toml",
        "CHATTERM_DATA_DIR": tmp_path / "data",
        "XDG_STATE_HOME": tmp_path / "state",
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
        "OPENAI_API_KEY": "none",
        "COLORTERM": "truecolor",
    }.items():
        monkeypatch.setenv(name, str(value))
    for name in (*(each for each in os.environ if each.endswith("_API_KEY")), "NO_COLOR"):
        if name != "OPENAI_API_KEY":
            monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(home.work)
    _still(monkeypatch)
    with utc():
        yield home


def _still(monkeypatch: pytest.MonkeyPatch) -> None:
    """What would be different elsewhere, or later, is given."""
    stopped = SimpleNamespace(monotonic=lambda: 1000.0)
    monkeypatch.setattr("chatterm.tui.telling.time", stopped)
    monkeypatch.setattr("chatterm.tui.figures.time", stopped)
    monkeypatch.setattr(probing, "choose", lambda _: Finding(Level.BUBBLEWRAP, works=True))

    async def listed(name: str, *_: object) -> list[ModelInfo]:
        return _LISTED.get(name, [])

    # The setup first, which is loaded with it: it holds the function by a name of its own.
    monkeypatch.setattr("chatterm.tui.setup.flow.listed", listed)
    monkeypatch.setattr("chatterm.providers.listing.listed", listed)

    async def servers(_: object) -> list[FoundServer]:
        return [FoundServer("Ollama", "http://127.0.0.1:11434", ("qwen3:8b", "llama3.2"))]

    async def tried(name: str, *_: object) -> Trial:
        rejected = Failure(ErrorKind.KEY_REJECTED, f"{name} rejected the key", hint="try another")
        return Trial(0.8, rejected if name == "lab" else None)

    monkeypatch.setattr("chatterm.providers.finding.find_servers", servers)
    monkeypatch.setattr("chatterm.tui.setup.flow.try_out", tried)
    priced = {"gpt-5": "$1.25/$10", "gpt-5-mini": "$0.25/$2", "gpt-4.1": "$2/$8"}
    monkeypatch.setattr("chatterm.agent.pricing.brief_price", lambda id_, _: priced.get(id_, ""))
    from chatterm.tui import choosing_models

    choosing_models.forget()
