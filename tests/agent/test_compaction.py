"""Compaction: older turns go to the model as a summary; the log keeps them; it can be undone."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from chatterm.agent.compaction import is_compacted, may_compact, summary_request, to_summarise
from chatterm.agent.interrupt import Interrupt
from chatterm.config import Context
from chatterm.events import Event, StepFinished, TurnFinished, TurnStarted, UsageReported
from chatterm.providers.base import ModelInfo, ModelRequest
from chatterm.providers.demo import DemoProvider
from chatterm.providers.history import sendable
from chatterm.providers.script import parse
from chatterm.session import Prompt, Session
from chatterm.steps import (
    Attachment,
    ContextReport,
    NoticeStep,
    Status,
    Step,
    TextStep,
    ToolCallStep,
    ToolResultStep,
    Turn,
    TurnStatus,
    Usage,
    UserInput,
)
from chatterm.store import Store
from chatterm.transcripts.html import to_html
from chatterm.transcripts.jsonl import from_jsonl, to_jsonl
from chatterm.transcripts.markdown import to_markdown
from chatterm.transcripts.text import to_text

SUMMARY = "They spoke of the sea."
WORDS = "w" * 4000  # about a thousand tokens


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "data") as opened:
        yield opened


class Model(DemoProvider):
    """Answers with what it is told to, and keeps the requests; asked for a summary, with one."""

    def __init__(self, window: int | None = None, summary: str = f"text: {SUMMARY}") -> None:
        super().__init__("p", pace=0)
        self.requests: list[ModelRequest] = []
        self.window = window
        self._answer = parse(f"text: {WORDS}\nusage input=50 output=10")
        self._summary = parse(f"usage input=7 output=3\n{summary}")

    def stream(self, request, writer):
        self.requests.append(request)
        wants_summary = request.turns[-1].id == "summary"
        player = DemoProvider("p", self._summary if wants_summary else self._answer, pace=0)
        return player.stream(request, writer)

    async def models(self) -> list[ModelInfo]:
        return [ModelInfo("m", context_window=self.window)]


async def run(events) -> list[Event]:
    return [event async for event in events]


async def talked(store: Store | None, model: Model, turns: int = 4) -> Session:
    """A conversation of turns that are about a thousand tokens each."""
    talk = Session(store, origin="app")
    for number in range(turns):
        await run(talk.run(asking(model, f"question {number}")))
    return talk


def asking(model: Model, text: str = "next") -> Prompt:
    return Prompt(UserInput(text), model, "m")


def notice_of(events: list[Event]) -> NoticeStep:
    (notice,) = [
        event.step
        for event in events
        if isinstance(event, StepFinished) and isinstance(event.step, NoticeStep)
    ]
    return notice


def sent(model: Model) -> list[str]:
    """What the user says in the last request, as it was sent."""
    return [turn.input.text for turn in model.requests[-1].turns]


async def next_request(talk: Session, model: Model) -> list[str]:
    await run(talk.run(asking(model)))
    return sent(model)


ROOM = 8000  # of a window that keeps one turn of a thousand tokens as it is


class TestWhatIsSent:
    async def test_a_summary_stands_before_the_words_of_the_first_turn_that_is_left(self) -> None:
        model = Model()
        talk = await talked(None, model)
        await run(talk.compact(asking(model), window=ROOM))
        first, *rest = await next_request(talk, model)
        assert first.startswith("<summary>")
        assert SUMMARY in first
        assert first.endswith("</summary>\n\nquestion 3")
        assert rest == ["next"]
        # The answers of turns that are left are sent as they were.
        assert model.requests[-1].turns[0].steps == talk.turns[3].steps

    async def test_a_last_turn_that_is_too_long_is_summarised_too(self) -> None:
        model = Model()
        talk = await talked(None, model)
        await run(talk.compact(asking(model), window=100))
        (only,) = await next_request(talk, model)
        assert only.startswith("<summary>")
        assert only.endswith("\n\nnext")

    async def test_it_is_the_same_from_turn_to_turn(self) -> None:
        model = Model()
        talk = await talked(None, model)
        await run(talk.compact(asking(model), window=ROOM))
        before: tuple[Turn, ...] = ()
        for _ in range(3):
            await next_request(talk, model)
            now = model.requests[-1].turns
            assert [turn.input for turn in now[: len(before)]] == [turn.input for turn in before]
            before = now

    async def test_a_second_summary_is_made_from_the_first(self) -> None:
        model = Model()
        talk = await talked(None, model)
        await run(talk.compact(asking(model), window=ROOM))
        for _ in range(3):
            await next_request(talk, model)
        await run(talk.compact(asking(model), window=ROOM))
        (asked,) = model.requests[-1].turns
        assert SUMMARY in asked.input.text
        assert "question 3" in asked.input.text
        assert "question 1" not in asked.input.text
        first, *_ = await next_request(talk, model)
        assert first.count("<summary>") == 1

    def test_a_turn_of_the_user_is_sent_whatever_became_of_it(self) -> None:
        turns = [Turn("a", UserInput("hi"), "p/m"), Turn("b", UserInput("again"), "p/m")]
        assert sendable(turns) == tuple(turns)

    def test_a_summary_of_turns_that_are_not_there_changes_nothing(self) -> None:
        notice = NoticeStep(
            id="b.0",
            index=0,
            round=0,
            status=Status.DONE,
            reason="compacted",
            summary="s",
            until="elsewhere",
        )
        turns = [
            Turn("a", UserInput("hi"), "p/m"),
            Turn("b", UserInput(""), "p/m", (notice,)),
            Turn("c", UserInput("on"), "p/m"),
        ]
        assert sendable(turns) == (turns[0], turns[2])

    async def test_files_of_turns_that_are_summarised_need_not_be_there(self, store: Store) -> None:
        model = Model()
        talk = Session(store, origin="app")
        file = Attachment("a.png", "image/png", 3, store.put_blob(b"png"), b"png")
        await run(talk.run(replace(asking(model), input=UserInput("see", (file,)))))
        await run(talk.compact(asking(model), window=100))
        again = Session.resume(store, store.find(talk.id))
        lost = replace(file, sha256="f" * 64, data=None)  # as if the store had lost it
        first = again.turns[0]
        again._turns = (replace(first, input=UserInput("see", (lost,))), *again.turns[1:])
        events = await run(again.run(asking(model)))
        assert events[-1].status is TurnStatus.COMPLETED


class TestInTheLog:
    async def test_it_is_a_turn_of_its_own_that_can_be_read(self, store: Store) -> None:
        model = Model()
        talk = await talked(store, model)
        events = await run(talk.compact(asking(model), window=ROOM))
        notice = notice_of(events)
        assert notice.reason == "compacted"
        assert notice.text == "a summary of 3 earlier turns is sent to the model in their place"
        assert (notice.summary, notice.until) == (SUMMARY, talk.turns[2].id)
        assert isinstance(events[0], TurnStarted)
        assert events[0].input == UserInput("")
        # Its usage is its own: what the summary took.
        assert [e.usage for e in events if isinstance(e, UsageReported)] == [Usage(7, 3)]
        assert len(store.path(talk.id)) == 5
        recorded = store.turns(store.path(talk.id))
        found = store.find(talk.id)
        for transcript in (to_markdown, to_text, to_html):
            text = transcript(found, recorded)
            text = text if isinstance(text, str) else "".join(text)
            assert SUMMARY in text
            assert "question 0" in text
        assert [hit.kind for hit in store.search("spoke of the sea")] == ["notice"]

    async def test_it_is_the_same_resumed_forked_and_imported_elsewhere(
        self, store: Store, tmp_path: Path
    ) -> None:
        model = Model()
        talk = await talked(store, model)
        await run(talk.compact(asking(model), window=ROOM))
        live = [turn.input for turn in sendable(talk.turns)]
        resumed = Session.resume(store, store.find(talk.id))
        assert [turn.reported for turn in resumed.turns] == [turn.reported for turn in talk.turns]
        forked = Session.resume(store, store.fork(talk.id))
        recorded = store.turns(store.path(talk.id))
        lines = list(to_jsonl(store.find(talk.id), recorded, {}))
        with Store.open(tmp_path / "other") as other:
            for conversation, turns, blobs in from_jsonl(lines):
                other.merge(conversation, turns, blobs)
            imported = Session.resume(other, other.find(talk.id))
            for again in (resumed, forked, imported):
                assert [turn.input for turn in sendable(again.turns)] == live
                assert again.turns == talk.turns

    async def test_a_branch_from_before_it_is_not_compacted(self, store: Store) -> None:
        model = Model()
        talk = await talked(store, model)
        await run(talk.compact(asking(model), window=ROOM))
        branch = Session.resume(store, store.fork(talk.id, at=talk.turns[3].id))
        assert not is_compacted(branch.turns)
        assert await next_request(branch, model) == [*(f"question {n}" for n in range(4)), "next"]
        assert is_compacted(talk.turns)


class TestUndoing:
    async def test_everything_is_sent_again(self, store: Store) -> None:
        model = Model()
        talk = await talked(store, model)
        await run(talk.compact(asking(model), window=ROOM))
        events = await run(talk.expand())
        assert notice_of(events).reason == "expanded"
        for again in (talk, Session.resume(store, store.find(talk.id))):
            assert not is_compacted(again.turns)
        assert await next_request(talk, model) == [*(f"question {n}" for n in range(4)), "next"]

    async def test_then_nothing_is_summarised_until_that_is_asked_for(self) -> None:
        model = Model(window=100)
        talk = await talked(None, model)
        await run(talk.compact(asking(model)))
        await run(talk.expand())
        assert not may_compact(talk.turns)
        assert await run(talk.make_room(asking(model), Context(windows={"p/m": 300}))) == []
        await run(talk.compact(asking(model)))
        assert may_compact(talk.turns)

    async def test_where_nothing_is_compacted_there_is_nothing_to_undo(self) -> None:
        assert await run((await talked(None, Model())).expand()) == []


FULL = Context(windows={"p/m": 4500})  # 4 turns of a thousand tokens fill it to more than 0.8


class Uncounted(Model):
    """A model whose provider reports no usage."""

    def __init__(self, **values) -> None:
        super().__init__(**values)
        self._answer = parse(f"text: {WORDS}")


class TestByItself:
    async def test_a_conversation_that_nears_its_window_is_compacted(self) -> None:
        model = Uncounted()
        talk = await talked(None, model)
        events = await run(talk.make_room(asking(model), FULL))
        assert notice_of(events).summary == SUMMARY
        assert (await talk.context_use(asking(model), FULL)).tokens < 2000

    async def test_the_window_may_be_the_providers_word(self) -> None:
        model = Uncounted(window=4500)
        talk = await talked(None, model)
        assert await run(talk.make_room(asking(model), Context())) != []

    @pytest.mark.parametrize(
        "settings",
        [
            Context(),  # nobody says how much the model takes
            replace(FULL, compact=False),
            replace(FULL, compact_at=1.0),
            Context(windows={"p/m": 100_000}),
        ],
    )
    async def test_else_it_is_left_alone(self, settings: Context) -> None:
        model = Uncounted()
        talk = await talked(None, model)
        assert await run(talk.make_room(asking(model), settings)) == []

    async def test_what_the_provider_counted_comes_before_any_estimate(self) -> None:
        model = Model()  # it counts 60 tokens, whatever the words
        talk = await talked(None, model)
        assert await run(talk.make_room(asking(model), FULL)) == []

    async def test_the_next_words_count(self) -> None:
        model = Uncounted()
        talk = await talked(None, model, turns=3)
        assert await run(talk.make_room(asking(model), FULL)) == []
        assert await run(talk.make_room(asking(model, WORDS), FULL)) != []

    async def test_a_queue_is_run_with_room_made_before_each_turn(self) -> None:
        model = Uncounted()
        talk = await talked(None, model)
        talk.enqueue("second")
        events = await run(talk.run_all(asking(model, "first"), context=FULL))
        inputs = [event.input.text for event in events if isinstance(event, TurnStarted)]
        assert inputs == ["", "first", "second"]


class TestFailing:
    @pytest.mark.parametrize(
        ("summary", "status", "words"),
        [
            ("fail server: it is broken", TurnStatus.FAILED, "it is broken"),
            ("text: half\ncut", TurnStatus.FAILED, "ended before"),
            ("text: half\nfinish length", TurnStatus.INCOMPLETE, "stopped early (length)"),
            ("refuse: no", TurnStatus.INCOMPLETE, "stopped early (refusal)"),
            ("text: ", TurnStatus.COMPLETED, "answered with nothing"),
        ],
    )
    async def test_without_a_summary_everything_is_sent_and_a_notice_says_why(
        self, summary: str, status: TurnStatus, words: str
    ) -> None:
        model = Uncounted(summary=summary)
        talk = await talked(None, model)
        events = await run(talk.run_all(asking(model), context=FULL))
        notice = notice_of(events)
        assert (notice.status, notice.summary) == (Status.FAILED, None)
        assert words in notice.text
        ends = [event.status for event in events if isinstance(event, TurnFinished)]
        assert ends == [status, TurnStatus.COMPLETED]
        assert sent(model) == [*(f"question {n}" for n in range(4)), "next"]

    async def test_an_interrupt_loses_nothing(self, store: Store) -> None:
        class Slow(DemoProvider):
            def stream(self, request, writer):
                writer.usage = Usage(7)
                return super().stream(request, writer)

        talk = await talked(store, Uncounted())
        slow = Prompt(UserInput(""), Slow("p", parse("text: half\nwait 3600")), "m")
        interrupt = Interrupt()
        events = []
        async for event in talk.compact(slow, window=ROOM, interrupt=interrupt):
            events.append(event)
            asyncio.get_running_loop().call_soon(interrupt.request)
        assert notice_of(events).status is Status.INTERRUPTED
        assert events[-1].usage == Usage(7)  # what had been counted by then
        for again in (talk, Session.resume(store, store.find(talk.id))):
            assert not is_compacted(again.turns)
            assert [turn.input.text for turn in sendable(again.turns)][:4] == [
                f"question {n}" for n in range(4)
            ]


class TestTheSummary:
    def test_nothing_to_gain_is_nothing_to_summarise(self) -> None:
        assert to_summarise([], 1000) == ()
        assert to_summarise([Turn("a", UserInput("hi"), "p/m")], 1000) == ()

    def test_without_a_window_a_quarter_of_the_conversation_stays(self) -> None:
        turns = [Turn(f"t{n}", UserInput(WORDS), "p/m") for n in range(8)]
        assert [turn.id for turn in to_summarise(turns, None)] == [f"t{n}" for n in range(6)]

    def test_where_the_provider_counts_more_than_we_fewer_turns_stay(self) -> None:
        turns = [Turn(f"t{n}", UserInput(WORDS), "p/m") for n in range(8)]
        assert [turn.id for turn in to_summarise(turns, 16_000)] == [f"t{n}" for n in range(5)]
        turns[-1] = replace(turns[-1], reported=ContextReport(16_000, 0))
        assert [turn.id for turn in to_summarise(turns, 16_000)] == [f"t{n}" for n in range(6)]

    def test_it_is_asked_for_in_one_message_of_text(self) -> None:
        def step(cls: type[Step], index: int, **values: object) -> Step:
            return cls(id=f"t.{index}", index=index, round=0, status=Status.DONE, **values)

        turn = Turn(
            "t",
            UserInput("look", (Attachment("a.png", "image/png", 3, "0"),)),
            "p/m",
            (
                step(TextStep, 0, text="I look."),
                step(TextStep, 1, text="secret", withdrawn=True),
                step(ToolCallStep, 2, call_id="c", name="read", arguments='{"path": "x"}'),
                step(ToolResultStep, 3, call_id="c", name="read", content="b" * 9000 + "end"),
            ),
        )
        request = summary_request([turn], "m")
        (only,) = request.turns
        assert (request.tools, only.steps, only.input.attachments) == ((), (), ())
        text = only.input.text
        for words in ("look\n[attached: a.png]", "I look.", 'calls read:\n{"path": "x"}', "end"):
            assert words in text
        assert "secret" not in text
        assert len(text) < 4000
