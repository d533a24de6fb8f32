"""The toolbox: what may run runs, beside others where it can; the rest is asked or refused."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from chatterm.agent.calls import Answered, CallEvent, Told
from chatterm.agent.questions import Question, Reply
from chatterm.agent.toolbox import Limits, Toolbox
from chatterm.config.schema import Rule, Tools
from chatterm.events import PermissionAnswered, PermissionAsked, ToolOutput
from chatterm.permissions.rules import Scope
from chatterm.permissions.verdicts import Access, CallClass, Decision, Judgement, WriteAccess
from chatterm.steps import Outcome, Status, ToolCallStep
from chatterm.tools.base import CallContext, Preview, ToolError, ToolResult, Workbench


class Write:
    """Says what it was given, after a while; touches nothing."""

    name = "write"
    description = "Write."
    parameters: Mapping[str, Any] = {
        "type": "object",
        "properties": {"path": {"type": "string"}, "wait": {"type": "number"}},
        "required": ["path"],
        "additionalProperties": False,
    }

    def __init__(self, *, independent: bool = True) -> None:
        self.independent = independent
        self.running = 0
        self.most = 0
        self.ran: list[str] = []
        self.stopped: list[str] = []

    def summary(self, arguments: Mapping[str, Any]) -> str:
        return str(arguments.get("path", ""))

    def access(self, arguments: Mapping[str, Any], bench: Workbench) -> tuple[Access, ...]:
        if not arguments["path"]:
            raise ToolError("the path is empty")
        return (WriteAccess(bench.directory / arguments["path"]),)

    def preview(self, arguments: Mapping[str, Any], bench: Workbench) -> Preview:
        return Preview(f"+{arguments['path']}")

    async def run(self, arguments: Mapping[str, Any], context: CallContext) -> ToolResult:
        path = arguments["path"]
        self.running += 1
        self.most = max(self.most, self.running)
        context.output(f"writing {path}\n")
        try:
            await asyncio.sleep(arguments.get("wait", 0))
        except asyncio.CancelledError:
            self.stopped.append(path)
            raise
        finally:
            self.running -= 1
        self.ran.append(path)
        if path == "broken":
            raise ZeroDivisionError("oops")
        if path == "full":
            raise ToolError("the disk is full")
        return ToolResult(f"wrote {path}")


@dataclass
class FixedGate:
    """Decides by the file's name."""

    decisions: dict[str, Decision] = field(default_factory=dict)
    granted: list[tuple[Rule, Scope]] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def judge(self, tool: str, access: Sequence[Access]) -> Judgement:
        name = access[0].path.name
        decision = self.decisions.get(name, Decision.ALLOW)
        sensitive = name == ".env"
        return Judgement(
            decision,
            CallClass.NEEDS_APPROVAL,
            f"{name} is {decision}",
            rule={"tool": "write_file", "decision": decision.value},
            sensitive=sensitive,
        )

    def proposals(self, tool: str, access: Sequence[Access], judgement: Judgement) -> tuple[()]:
        return ()

    def grant(self, rule: Rule, scope: Scope) -> None:
        self.granted.append((rule, scope))

    def complaints(self) -> tuple[str, ...]:
        found, self.wrong = self.wrong, []
        return tuple(found)


class User:
    """Answers questions in order."""

    def __init__(self, *replies: Reply) -> None:
        self.replies = list(replies)
        self.questions: list[Question] = []

    async def __call__(self, question: Question) -> Reply:
        self.questions.append(question)
        return self.replies.pop(0)


def call(number: int, arguments: str | dict[str, Any], name: str = "write") -> ToolCallStep:
    raw = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return ToolCallStep(
        id=f"t.{number}",
        index=number,
        round=0,
        status=Status.DONE,
        call_id=f"call-{number}",
        name=name,
        arguments=raw,
        input=None if isinstance(arguments, str) else arguments,
    )


class Play:
    """A toolbox over one tool, and what came out of it."""

    def __init__(
        self,
        tmp_path: Path,
        tool: Write | None = None,
        gate: FixedGate | None = None,
        asker: User | None = None,
        parallel: int = 4,
    ) -> None:
        self.tool = tool or Write()
        self.gate = gate or FixedGate()
        bench = Workbench(tmp_path, tmp_path, lambda data: hashlib.sha256(data).hexdigest())
        limits = Limits(Tools(), parallel)
        self.toolbox = Toolbox([self.tool], self.gate, bench, limits, asker=asker)
        self.events: list[CallEvent] = []

    async def answer(self, *calls: ToolCallStep) -> list[Answered]:
        async for event in self.toolbox.answer(calls):
            self.events.append(event)
        return [event for event in self.events if isinstance(event, Answered)]


async def test_independent_calls_run_at_once_and_are_answered_in_order(tmp_path: Path) -> None:
    play = Play(tmp_path)
    answers = await play.answer(call(0, {"path": "slow", "wait": 0.05}), call(1, {"path": "quick"}))
    assert play.tool.ran == ["quick", "slow"]
    assert [each.answer.content for each in answers] == ["wrote slow", "wrote quick"]


async def test_what_is_wrong_with_the_rules_is_told_before_a_call_runs(tmp_path: Path) -> None:
    play = Play(tmp_path, gate=FixedGate(wrong=["config.toml is broken"]))
    await play.answer(call(0, {"path": "a"}), call(1, {"path": "b"}))
    assert play.events[0] == Told("rules", "config.toml is broken")
    assert len([each for each in play.events if isinstance(each, Told)]) == 1


async def test_no_more_run_at_once_than_may(tmp_path: Path) -> None:
    play = Play(tmp_path, parallel=2)
    await play.answer(*(call(n, {"path": f"{n}", "wait": 0.01}) for n in range(6)))
    assert play.tool.most == 2


async def test_calls_that_depend_on_one_another_run_one_by_one(tmp_path: Path) -> None:
    play = Play(tmp_path, Write(independent=False))
    await play.answer(*(call(n, {"path": f"{n}", "wait": 0.01}) for n in range(3)))
    assert (play.tool.most, play.tool.ran) == (1, ["0", "1", "2"])


async def test_a_permission_is_told_before_its_call_runs(tmp_path: Path) -> None:
    play = Play(tmp_path)
    async for event in play.toolbox.answer([call(0, {"path": "a"})]):
        if isinstance(event, PermissionAnswered):
            assert (event.id, event.decision, play.tool.ran) == ("t.0", "allow", [])
            assert event.rule == {"tool": "write_file", "decision": "allow"}
            break
    else:
        pytest.fail("no permission was told")


async def test_live_output_comes_before_the_result(tmp_path: Path) -> None:
    play = Play(tmp_path)
    await play.answer(call(0, {"path": "a"}))
    kinds = [type(event) for event in play.events]
    assert kinds == [PermissionAnswered, ToolOutput, Answered]


async def test_what_a_rule_denies_is_not_run_and_nobody_is_asked(tmp_path: Path) -> None:
    play = Play(tmp_path, gate=FixedGate({"a": Decision.DENY}), asker=User())
    [answered] = await play.answer(call(0, {"path": "a"}))
    assert (answered.answer.outcome, answered.answer.nobody_asked) == (Outcome.DENIED, False)
    assert play.tool.ran == []


async def test_where_nobody_can_be_asked_asking_is_denying(tmp_path: Path) -> None:
    play = Play(tmp_path, gate=FixedGate({"a": Decision.ASK}))
    [answered] = await play.answer(call(0, {"path": "a"}))
    assert (answered.answer.outcome, answered.answer.nobody_asked) == (Outcome.DENIED, True)
    assert [type(event) for event in play.events[:2]] == [PermissionAsked, PermissionAnswered]
    assert play.tool.ran == []


async def test_the_user_is_shown_what_would_change(tmp_path: Path) -> None:
    user = User(Reply(allow=True, note="mind the tests"))
    play = Play(tmp_path, gate=FixedGate({"a": Decision.ASK}), asker=user)
    [answered] = await play.answer(call(0, {"path": "a"}))
    [question] = user.questions
    assert (question.summary, question.diff, question.reason) == ("a", "+a", "a is ask")
    assert answered.answer.content == "wrote a\n\n[the user adds: mind the tests]"


async def test_a_no_carries_its_note_to_the_model(tmp_path: Path) -> None:
    user = User(Reply(allow=False, note="use b"))
    play = Play(tmp_path, gate=FixedGate({"a": Decision.ASK}), asker=user)
    [answered] = await play.answer(call(0, {"path": "a"}))
    assert answered.answer.content == "denied by the user: use b"
    assert not answered.answer.nobody_asked


async def test_the_user_may_change_the_call(tmp_path: Path) -> None:
    user = User(Reply(allow=True, arguments={"path": "b"}))
    play = Play(tmp_path, gate=FixedGate({"a": Decision.ASK, "b": Decision.ASK}), asker=user)
    [answered] = await play.answer(call(0, {"path": "a"}))
    assert play.tool.ran == ["b"]
    assert answered.answer.content.startswith("[the user changed the call before allowing it: b]")


async def test_what_the_user_makes_of_a_call_has_to_fit_the_tool(tmp_path: Path) -> None:
    user = User(Reply(allow=True, arguments={"file": "b"}))
    play = Play(tmp_path, gate=FixedGate({"a": Decision.ASK}), asker=user)
    [answered] = await play.answer(call(0, {"path": "a"}))
    assert (play.tool.ran, answered.answer.outcome) == ([], Outcome.FAILED)
    assert "file" in answered.answer.content


async def test_a_changed_call_does_not_get_past_a_deny_rule(tmp_path: Path) -> None:
    user = User(Reply(allow=True, arguments={"path": "b"}))
    play = Play(tmp_path, gate=FixedGate({"a": Decision.ASK, "b": Decision.DENY}), asker=user)
    [answered] = await play.answer(call(0, {"path": "a"}))
    assert (play.tool.ran, answered.answer.outcome) == ([], Outcome.DENIED)


async def test_an_answer_may_stand_for_the_rest_of_the_round(tmp_path: Path) -> None:
    user = User(Reply(allow=True, rest=True), Reply(allow=False))
    asks = dict.fromkeys(("a", "b", ".env"), Decision.ASK)
    play = Play(tmp_path, gate=FixedGate(asks), asker=user)
    answers = await play.answer(*(call(n, {"path": name}) for n, name in enumerate(asks)))
    assert play.tool.ran == ["a", "b"]
    # What is sensitive is asked about all the same.
    assert [question.summary for question in user.questions] == ["a", ".env"]
    assert answers[2].answer.outcome is Outcome.DENIED


async def test_a_no_that_stops_leaves_the_rest_unasked(tmp_path: Path) -> None:
    user = User(Reply(allow=False, stop=True))
    asks = dict.fromkeys(("a", "b"), Decision.ASK)
    play = Play(tmp_path, Write(independent=False), FixedGate(asks), user)
    answers = await play.answer(*(call(n, {"path": name}) for n, name in enumerate(asks)))
    assert [each.answer.stop for each in answers] == [True, False]
    assert answers[1].answer.outcome is Outcome.CANCELLED
    assert len(user.questions) == 1


async def test_a_yes_for_longer_makes_a_rule(tmp_path: Path) -> None:
    rule = Rule(tool="write_file", path="a", decision="allow")
    user = User(Reply(allow=True, scope=Scope.SESSION, rule=rule))
    play = Play(tmp_path, gate=FixedGate({"a": Decision.ASK}), asker=user)
    await play.answer(call(0, {"path": "a"}))
    assert play.gate.granted == [(rule, Scope.SESSION)]
    answered = next(event for event in play.events if isinstance(event, PermissionAnswered))
    assert answered.rule["scope"] == "session"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ('{"path": "a', "the arguments are not valid JSON"),
        ('["a"]', "the arguments are not a JSON object"),
        ({"path": 7}, "path"),
        ({"path": "a", "mode": 1}, "mode"),
        ({}, "path"),
    ],
)
async def test_arguments_that_do_not_fit_go_back_with_the_schema(
    tmp_path: Path, arguments: str | dict[str, Any], said: str
) -> None:
    play = Play(tmp_path)
    [answered] = await play.answer(call(0, arguments))
    assert said in answered.answer.content
    assert '"additionalProperties": false' in answered.answer.content
    assert (answered.answer.outcome, play.tool.ran) == (Outcome.FAILED, [])


async def test_an_unknown_tool_is_a_failed_result_that_names_the_others(tmp_path: Path) -> None:
    play = Play(tmp_path)
    [answered] = await play.answer(call(0, {}, name="read"))
    assert answered.answer.content == "there is no tool named 'read'; the tools on offer: write"


async def test_a_call_that_makes_no_sense_fails_unasked(tmp_path: Path) -> None:
    play = Play(tmp_path, asker=User())
    [answered] = await play.answer(call(0, {"path": ""}))
    assert answered.answer.content == "the path is empty"


async def test_a_tools_failure_and_defect_fail_their_call_alone(tmp_path: Path, caplog) -> None:
    play = Play(tmp_path)
    names = ("full", "broken", "a")
    answers = await play.answer(*(call(n, {"path": name}) for n, name in enumerate(names)))
    assert [each.answer.outcome for each in answers] == [
        Outcome.FAILED,
        Outcome.FAILED,
        Outcome.DONE,
    ]
    assert answers[0].answer.content == "the disk is full"
    assert "ZeroDivisionError" in caplog.text


async def test_an_interrupt_stops_what_runs_and_keeps_what_is_done(tmp_path: Path) -> None:
    play = Play(tmp_path)
    calls = [call(0, {"path": "slow", "wait": 60}), call(1, {"path": "quick"})]

    async def consume() -> None:
        async for event in play.toolbox.answer(calls):
            play.events.append(event)

    task = asyncio.create_task(consume())
    while play.tool.ran != ["quick"]:  # noqa: ASYNC110 - the tool knows nothing of this test
        await asyncio.sleep(0.001)
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert play.tool.stopped == ["slow"]
    slow, quick = (play.toolbox.cut_short(each) for each in calls)
    assert (slow.outcome, "writing slow" in slow.content) == (Outcome.CANCELLED, True)
    assert (quick.outcome, quick.content) == (Outcome.DONE, "wrote quick")


async def test_a_call_that_never_began_was_not_run(tmp_path: Path) -> None:
    play = Play(tmp_path)
    assert play.toolbox.cut_short(call(0, {"path": "a"})).content.startswith("not run")


async def test_going_on_with_a_failing_call_is_the_users_to_say(tmp_path: Path) -> None:
    asked = Play(tmp_path, asker=User(Reply(allow=True)))
    items = [item async for item in asked.toolbox.go_on_failing(call(0, {"path": "a"}))]
    assert [type(item) for item in items] == [PermissionAsked, PermissionAnswered, bool]
    assert items[-1] is True
    alone = Play(tmp_path)
    assert [item async for item in alone.toolbox.go_on_failing(call(0, {"path": "a"}))] == [False]
