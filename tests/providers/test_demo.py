"""The demo: what it plays, and what every kind of command becomes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace

import pytest

from chatterm.assembly import StepWriter
from chatterm.errors import ConfigError, ErrorKind
from chatterm.events import Event, StepDelta, StepFinished, StepStarted
from chatterm.providers.base import ModelRequest, Provider, RoundEnd, ToolSpec
from chatterm.providers.demo import DemoProvider, load
from chatterm.providers.script import parse
from chatterm.steps import (
    STEP_KINDS,
    Citation,
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
    Turn,
    Usage,
    UserInput,
)

QUESTION = "What is a terminal?"


def request(model: str = "", tools: Iterable[str] = (), steps: Iterable[Step] = ()) -> ModelRequest:
    turn = Turn("t", UserInput(QUESTION), f"demo/{model}", tuple(steps))
    return ModelRequest(model, (turn,), tools=tuple(ToolSpec(name, "", {}) for name in tools))


async def play(
    provider: DemoProvider, asked: ModelRequest, *, round_number: int = 0
) -> tuple[list[Event], RoundEnd]:
    writer = StepWriter("t")
    writer.round = round_number
    *events, end = [item async for item in provider.stream(asked, writer)]
    assert isinstance(end, RoundEnd)
    return events, end


def finished(events: Iterable[Event]) -> list[Step]:
    return [event.step for event in events if isinstance(event, StepFinished)]


async def steps_of(script: str, asked: ModelRequest | None = None) -> list[Step]:
    events, _ = await play(DemoProvider(script=parse(script)), asked or request())
    return finished(events)


async def end_of(script: str) -> RoundEnd:
    return (await play(DemoProvider(script=parse(script)), request()))[1]


async def turn(provider: DemoProvider, asked: ModelRequest, outcome: Outcome) -> list[Step]:
    """A whole turn, in which every call comes out alike."""
    steps: list[Step] = []
    for number in range(5):
        now = replace(asked, turns=(replace(asked.turns[0], steps=tuple(steps)),))
        events, _ = await play(provider, now, round_number=number)
        steps += finished(events)
        calls = [s for s in finished(events) if isinstance(s, ToolCallStep) and not s.hosted]
        if not calls:
            return steps
        steps += [
            ToolResultStep(id=f"r{n}", index=0, round=number, outcome=outcome)
            for n, _ in enumerate(calls)
        ]
    raise AssertionError("the demo never stops calling")


# --- commands ---------------------------------------------------------------------------------


async def test_each_writing_command_makes_its_step():
    script = """
think summary: Hm.
text commentary: Looking.
echo
call ls: {"path": "."}
hosted find: {}
result failed: No.
refuse: Never.
notice retry: Again.
"""
    kinds = [ThinkingStep, TextStep, TextStep, ToolCallStep, ToolCallStep]
    steps = await steps_of(script)
    assert [type(s) for s in steps] == [*kinds, ToolResultStep, RefusalStep, NoticeStep]
    thinking, looking, echo, call, hosted, result, refusal, notice = steps
    assert (thinking.text, thinking.summary) == ("Hm.", True)
    assert (looking.text, looking.phase) == ("Looking.", "commentary")
    assert echo.text == QUESTION
    assert (call.name, call.arguments, call.input) == ("ls", '{"path": "."}', {"path": "."})
    assert hosted.hosted
    assert not call.hosted
    assert (result.call_id, result.name, result.content) == (hosted.call_id, "find", "No.")
    assert (result.ok, result.outcome) == (False, Outcome.FAILED)
    assert (refusal.text, notice.text, notice.reason) == ("Never.", "Again.", "retry")
    assert {s.status for s in steps} == {Status.DONE}


async def test_text_comes_in_pieces_of_the_pace_that_make_up_the_step():
    events, _ = await play(DemoProvider(script=parse("pace 3\ntext: abcdefgh")), request())
    assert [e.text for e in events if isinstance(e, StepDelta)] == ["abc", "def", "gh"]
    events, _ = await play(DemoProvider(script=parse("pace 0\ntext: abcdefgh")), request())
    assert [e.text for e in events if isinstance(e, StepDelta)] == ["abcdefgh"]


async def test_arguments_stream_too():
    events, _ = await play(DemoProvider(script=parse('call ls: {"path": "."}')), request())
    assert [e.text for e in events if isinstance(e, StepDelta)] == ['{"pa', 'th":', ' "."', "}"]


async def test_more_goes_on_with_the_step_before():
    (text,) = await steps_of("text: a\ncite x: X\nwait 1\nmore: b\ncite y")
    assert text.text == "ab"
    assert text.citations == (Citation("X", "x"), Citation("", "y"))


async def test_call_ids_are_unique_in_a_turn_and_always_the_same():
    script = "call a\ncall a\nround\nhosted a\nresult: b\ncall a\nround"
    ids = []
    for _ in range(2):
        steps = await turn(DemoProvider(script=parse(script)), request(), Outcome.DONE)
        ids.append([s.call_id for s in steps if isinstance(s, ToolCallStep)])
    assert len(set(ids[0])) == 4
    assert ids[0] == ids[1]


@pytest.mark.parametrize(
    ("arguments", "ending", "status", "parsed"),
    [
        ("", "", Status.DONE, {}),
        ("{", "", Status.DONE, None),
        ("[]", "", Status.DONE, None),
        ("{", "finish length", Status.INTERRUPTED, None),
        ("{}", "finish length", Status.DONE, {}),
        ("{}", "cut", Status.INTERRUPTED, {}),
    ],
)
async def test_a_call_that_the_end_cuts_off_is_interrupted(arguments, ending, status, parsed):
    (call,) = await steps_of(f"call ls: {arguments}\n{ending}")
    assert (call.status, call.input, call.arguments) == (status, parsed, arguments)


async def test_how_a_round_ends():
    usage = Usage(input=3, cost_usd=0.5)
    assert await end_of("text: a") == RoundEnd()
    assert await end_of("text: a\nusage input=3 cost_usd=0.5") == RoundEnd(usage=usage)
    assert await end_of("refuse: a") == RoundEnd(FinishReason.REFUSAL)
    assert await end_of("refuse: a\nfinish stop end_turn") == RoundEnd(
        FinishReason.STOP, "end_turn"
    )
    assert await end_of("finish content_filter SAFETY") == RoundEnd(
        FinishReason.CONTENT_FILTER, "SAFETY"
    )


async def test_a_failure_keeps_what_came():
    script = "usage input=3\ntext: half\nfail server status=500: Broken."
    events, end = await play(DemoProvider(script=parse(script)), request())
    assert end.finish_reason is FinishReason.ERROR
    assert (end.failure.kind, end.failure.message) == (ErrorKind.SERVER, "Broken.")
    assert end.usage == Usage(input=3)
    (text,) = finished(events)
    assert (text.text, text.status) == ("half", Status.INTERRUPTED)


async def test_a_cut_is_a_stream_cut():
    end = await end_of("text: half\ncut")
    assert end.failure.kind is ErrorKind.STREAM_CUT
    assert "what came is kept" in end.failure.message
    assert "what came is kept" not in (await end_of("cut")).failure.message


async def test_a_choice_follows_the_tools_on_offer():
    script = "when tool ls\ntext: ls\nwhen tool cat\ntext: cat\notherwise\ntext: none\nend"

    async def said(*tools: str) -> str:
        (step,) = await steps_of(script, request(tools=tools))
        return step.text

    assert await said("cat", "ls") == "ls"
    assert await said("cat") == "cat"
    assert await said() == "none"
    assert await steps_of("when tool ls\ntext: ls\nend") == []


async def test_a_choice_follows_the_last_result():
    script = "call ls\nround\nwhen result denied\ntext: no\notherwise\ntext: yes\nend"
    provider = DemoProvider(script=parse(script))
    assert (await turn(provider, request(), Outcome.DENIED))[-1].text == "no"
    assert (await turn(provider, request(), Outcome.DONE))[-1].text == "yes"


async def test_an_end_inside_a_choice_ends_the_round():
    script = "when tool ls\nfinish length\nend\ntext: on"
    assert await steps_of(script, request(tools=["ls"])) == []
    assert [s.text for s in await steps_of(script)] == ["on"]


# --- rounds and time --------------------------------------------------------------------------


async def test_rounds_are_played_in_turn_and_then_nothing():
    provider = DemoProvider(script=parse("call a\nround\ntext: b"))
    steps = await turn(provider, request(), Outcome.DONE)
    assert [s.kind for s in steps] == ["tool_call", "tool_result", "text"]
    events, end = await play(provider, request(steps=steps))
    assert (events, end) == ([], RoundEnd())


async def test_the_next_turn_begins_the_script_again():
    asked = request(steps=[TextStep(id="t.0", index=0, round=0)])
    asked = replace(asked, turns=(*asked.turns, Turn("u", UserInput("again"), "demo")))
    events, _ = await play(DemoProvider(script=parse("text: a\nround\ntext: b")), asked)
    assert [s.text for s in finished(events)] == ["a"]


async def test_notices_and_results_alone_are_no_round():
    notice = NoticeStep(id="t.0", index=0, round=0)
    steps = await steps_of("text: a\nround\ntext: b", request(steps=[notice]))
    assert [s.text for s in steps] == ["a"]


@pytest.mark.parametrize(("pace", "slept"), [(1, [0.5, 0.5, 2]), (3, [1.5, 1.5, 6]), (0, [0] * 3)])
async def test_waits_follow_the_scripts_pace_and_the_callers(pace, slept):
    asked_for = []

    async def sleep(seconds: float) -> None:
        asked_for.append(seconds)

    script = parse("pace 2 2\ntext: abc\nwait 2")
    await play(DemoProvider(script=script, pace=pace, sleep=sleep), request())
    assert asked_for == slept


async def test_closing_early_leaves_the_open_step_to_the_caller():
    writer = StepWriter("t")
    stream = DemoProvider(script=parse("text: abcdefgh")).stream(request(), writer)
    assert isinstance(await anext(stream), StepStarted)
    assert await anext(stream) == StepDelta("t.0", "abcd")
    await stream.aclose()
    (text,) = writer.interrupt()
    assert (text.text, text.status) == ("abcd", Status.INTERRUPTED)


async def test_a_script_comes_from_a_file_too(tmp_path):
    path = tmp_path / "a.demo"
    path.write_text("text: ✓", "utf-8")
    events, _ = await play(DemoProvider("mine", path), request("whatever"))
    assert [s.text for s in finished(events)] == ["✓"]
    assert [m.id for m in await DemoProvider("mine", path).models()] == ["script"]


def test_a_file_that_is_no_script_is_a_config_error_with_its_path(tmp_path):
    path = tmp_path / "a.demo"
    with pytest.raises(ConfigError, match=r"can't read the script .*a\.demo: No such file"):
        load(path)
    path.write_bytes(b"\xff")
    with pytest.raises(ConfigError, match=r"a\.demo: it isn't UTF-8"):
        DemoProvider(script=path)
    path.write_text("tell: me")
    with pytest.raises(ConfigError, match=r"a\.demo:1: `tell`"):
        DemoProvider(script=path)


# --- what is built in -------------------------------------------------------------------------


async def built_in(model: str, tools: Iterable[str] = ()) -> tuple[list[Step], RoundEnd]:
    events, end = await play(DemoProvider(pace=0), request(model, tools))
    return finished(events), end


async def test_it_is_a_provider():
    provider: Provider = DemoProvider()
    assert [m.id for m in await provider.models()] == [
        "tour",
        "glance",
        "words",
        "short",
        "echo",
        "tools",
        "refusal",
        "length",
        "cut",
        "fail",
    ]
    await provider.aclose()


async def test_every_model_that_is_listed_plays():
    for model in await DemoProvider().models():
        steps, end = await built_in(model.id)
        assert steps or end.failure


@pytest.mark.parametrize("name", ["", "demo", "tour", "demo/tour"])
async def test_the_tour_goes_by_several_names(name):
    steps, _ = await built_in(name)
    assert steps[0].reason == "demo"


async def test_an_unknown_model_is_not_found():
    steps, end = await built_in("shrot")
    assert (steps, end.failure.kind) == ([], ErrorKind.NOT_FOUND)
    assert "did you mean short?" in end.failure.hint


async def test_the_tour_says_at_once_that_it_is_no_model_and_how_to_get_one():
    (notice, _, text, *_), _ = await built_in("tour")
    assert "no model" in notice.text
    assert text.text.startswith("**This is a demo, not a model.**")
    for way in ("OPENAI_API_KEY", "llama.cpp", "chatterm config init"):
        assert way in text.text


@pytest.mark.parametrize(
    "feature",
    [
        "## ",
        "*emphasised*",
        "**strong**",
        "~~taken back~~",
        "`literal`",
        "\\\n",
        "\n    - ",
        "\n  1. ",
        "- [x] ",
        "- [ ] ",
        "> > ",
        "|:---",
        "```python",
        "```sh",
        "$e^{",
        "$$\n",
        "\n---\n",
        "](https://",
        "[^note]",
        "端末",
        "👩‍🔬",
    ],
)
async def test_the_tour_shows_every_markdown_feature(feature):
    steps, _ = await built_in("tour")
    assert any(feature in s.text for s in steps if isinstance(s, TextStep))


async def test_the_tour_shows_every_other_kind_of_step_but_a_refusal():
    steps = await turn(DemoProvider(pace=0), request("tour", ["list_files"]), Outcome.DONE)
    assert {s.kind for s in steps} == STEP_KINDS.keys() - {"refusal"}
    assert any(s.citations for s in steps if isinstance(s, TextStep))
    assert any(s.hosted for s in steps if isinstance(s, ToolCallStep))
    assert any(s.summary for s in steps if isinstance(s, ThinkingStep))


@pytest.mark.parametrize("tool", ["list_files", "read_file"])
async def test_the_tour_calls_a_tool_that_is_on_offer_and_speaks_of_the_result(tool):
    for outcome, word in [
        (Outcome.DONE, "it ran"),
        (Outcome.DENIED, "was denied"),
        (Outcome.FAILED, "didn't give"),
    ]:
        steps = await turn(DemoProvider(pace=0), request("tour", [tool]), outcome)
        (call,) = [s for s in steps if isinstance(s, ToolCallStep) and not s.hosted]
        assert call.name == tool
        assert any(word in s.text for s in steps if isinstance(s, TextStep) and s.round == 1)


async def test_the_tour_without_tools_is_complete_after_one_round():
    steps, end = await built_in("tour")
    assert end.finish_reason is FinishReason.STOP
    assert end.usage.output
    assert all(s.hosted for s in steps if isinstance(s, ToolCallStep))


async def test_the_tour_takes_ten_to_fifteen_seconds():
    waited = 0.0

    async def sleep(seconds: float) -> None:
        nonlocal waited
        waited += seconds
        await asyncio.sleep(0)

    provider = DemoProvider(sleep=sleep)
    await turn(provider, request("tour", ["list_files"]), Outcome.DONE)
    assert 10 <= waited <= 15


async def test_the_other_models_are_what_their_names_say():
    assert [s.text for s in (await built_in("short"))[0]] == ["This is the demo, not a model."]
    assert [s.text for s in (await built_in("echo"))[0]] == [QUESTION]
    assert (await built_in("refusal"))[1].finish_reason is FinishReason.REFUSAL
    assert (await built_in("length"))[1].finish_reason is FinishReason.LENGTH
    assert (await built_in("cut"))[1].failure.kind is ErrorKind.STREAM_CUT
    assert (await built_in("fail"))[1].failure.kind is ErrorKind.OVERLOADED


async def test_the_tools_model_calls_what_is_on_offer():
    offered = request("tools", ["list_files", "read_file", "shell"])
    steps = await turn(DemoProvider(pace=0), offered, Outcome.DONE)
    calls = [(s.round, s.name) for s in steps if isinstance(s, ToolCallStep)]
    assert calls == [(0, "list_files"), (0, "read_file"), (1, "shell")]
    assert not any(isinstance(s, ToolCallStep) for s in (await built_in("tools"))[0])
