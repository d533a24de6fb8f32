"""How full a context is: what providers report, and estimates that say that they are."""

from __future__ import annotations

import asyncio

import pytest

from chatterm.agent import context
from chatterm.agent.context import (
    ContextUse,
    context_use,
    tokens_of_input,
    tokens_of_text,
    window_of,
)
from chatterm.errors import ErrorKind, Failure, ProviderError
from chatterm.events import Event, StepFinished, UsageReported, context_report
from chatterm.providers.base import ModelInfo
from chatterm.providers.demo import DemoProvider
from chatterm.steps import (
    Attachment,
    ContextReport,
    NoticeStep,
    Status,
    Step,
    TextStep,
    ToolResultStep,
    Turn,
    Usage,
    UserInput,
)


def text(index: int, words: str = "x" * 400, **more: object) -> TextStep:
    return TextStep(id=f"t.{index}", index=index, round=0, status=Status.DONE, text=words, **more)


def finished(index: int) -> StepFinished:
    return StepFinished(text(index))


def turn(id_: str, *steps: Step, said: str = "x" * 400, reported: int | None = None) -> Turn:
    report = None if reported is None else ContextReport(reported, len(steps))
    return Turn(id_, UserInput(said), "p/m", steps, report)


def compacted(id_: str, until: str, reason: str = "compacted") -> Turn:
    summary = "s" * 40 if reason == "compacted" else None
    notice = NoticeStep(
        id=f"{id_}.0",
        index=0,
        round=0,
        status=Status.DONE,
        reason=reason,
        summary=summary,
        until=until if summary else None,
    )
    return Turn(id_, UserInput(""), "p/m", (notice,), ContextReport(9999, 1))


class TestReports:
    """Usage is the turn's total so far; a round's own is what it adds."""

    @pytest.mark.parametrize(
        ("events", "report"),
        [
            ([], None),
            ([finished(0)], None),
            ([finished(0), UsageReported(Usage(100, 20))], ContextReport(120, 1)),
            # Three rounds: 100 + 20, then 130 + 10, then 150 + 5.
            (
                [
                    finished(0),
                    UsageReported(Usage(100, 20)),
                    finished(1),
                    finished(2),
                    UsageReported(Usage(230, 30)),
                    finished(3),
                    UsageReported(Usage(380, 35)),
                ],
                ContextReport(155, 4),
            ),
            # A round that reports nothing, or no input, leaves the report before it.
            (
                [finished(0), UsageReported(Usage(100, 20)), finished(1)],
                ContextReport(120, 1),
            ),
            (
                [finished(0), UsageReported(Usage(100, 20)), UsageReported(Usage(100, 25))],
                ContextReport(120, 1),
            ),
            ([finished(0), UsageReported(Usage(output=5))], None),
            ([finished(0), UsageReported(Usage(cost_usd=0.1))], None),
            ([finished(0), UsageReported(Usage(100))], ContextReport(100, 1)),
        ],
    )
    def test_the_last_rounds_input_and_output_count(
        self, events: list[Event], report: ContextReport | None
    ) -> None:
        assert context_report(events) == report


class TestUse:
    def test_nothing_is_nothing(self) -> None:
        assert context_use([]) == ContextUse(0)

    def test_what_the_provider_reported_is_no_estimate(self) -> None:
        turns = [turn("a", text(0), reported=500), turn("b", text(0), reported=900)]
        assert context_use(turns, window=1000) == ContextUse(900, 1000)
        assert context_use(turns, window=1000).share == 0.9
        assert context_use(turns).share is None

    def test_what_came_after_the_report_is_added_and_said_to_be_an_estimate(self) -> None:
        result = ToolResultStep(id="a.1", index=1, round=0, content="y" * 400)
        cut = Turn("a", UserInput("hi"), "p/m", (text(0), result), ContextReport(500, 1))
        assert context_use([cut]) == ContextUse(604, estimated=True)
        unreported = turn("b", text(0))
        assert context_use([turn("a", text(0), reported=500), unreported]) == ContextUse(
            500 + 4 + 100 + 4 + 100, estimated=True
        )

    def test_without_any_report_everything_is_an_estimate(self) -> None:
        use = context_use([turn("a", text(0))], system="z" * 40)
        assert use == ContextUse(4 + 100 + 4 + 100 + 10, estimated=True)

    @pytest.mark.parametrize("reason", ["compacted", "expanded"])
    def test_a_report_from_before_a_compaction_or_its_undoing_says_nothing(
        self, reason: str
    ) -> None:
        turns = [turn("a", text(0), reported=50_000), compacted("b", "a", reason)]
        use = context_use(turns)
        assert use.estimated
        assert use.tokens < 1000
        again = [*turns, turn("c", text(0), reported=700)]
        assert context_use(again) == ContextUse(700)

    def test_what_was_withdrawn_is_not_sent_and_not_counted(self) -> None:
        withdrawn = turn("a", text(0, withdrawn=True))
        assert context_use([withdrawn]).tokens == context_use([turn("a")]).tokens


class TestEstimates:
    @pytest.mark.parametrize(
        ("words", "tokens"),
        [
            ("", 0),
            ("abcd", 1),
            ("abcde", 2),
            ("漢字仮名", 4),
            ("привет", 4),
            ("한국어", 3),
            ("\ud800", 1),
        ],
    )
    def test_by_script(self, words: str, tokens: int) -> None:
        assert tokens_of_text(words) == tokens

    def test_files_count_by_kind(self) -> None:
        image = Attachment("a.png", "image/png", 5_000_000, "0")
        document = Attachment("a.pdf", "application/pdf", 5_000_000, "1")
        plain = Attachment("a.txt", "text/plain", 4000, "2")
        words = tokens_of_input(UserInput("hi"))
        counted = [tokens_of_input(UserInput("hi", (file,))) - words for file in (image, document)]
        assert counted == [1500, 3000]
        assert tokens_of_input(UserInput("hi", (plain,))) - words == 1000


class Listing(DemoProvider):
    """Offers one model, or can't be asked."""

    def __init__(
        self, window: int | None = None, failure: bool = False, slow: bool = False
    ) -> None:
        super().__init__("p")
        self.asked = 0
        self._window, self._failure, self._slow = window, failure, slow

    async def models(self) -> list[ModelInfo]:
        self.asked += 1
        if self._failure:
            raise ProviderError(Failure(ErrorKind.NETWORK, "unreachable"))
        if self._slow:
            await asyncio.sleep(3600)
        return [ModelInfo("other", context_window=1), ModelInfo("m", context_window=self._window)]


class TestWindows:
    async def test_the_configuration_comes_first(self) -> None:
        provider = Listing(8000)
        assert await window_of(provider, "m", {"p/m": 4000}) == 4000
        assert provider.asked == 0

    @pytest.mark.parametrize(
        ("provider", "window"),
        [(Listing(8000), 8000), (Listing(), None), (Listing(8000, failure=True), None)],
    )
    async def test_else_the_provider_says(self, provider: Listing, window: int | None) -> None:
        assert await window_of(provider, "m", {}) == window

    async def test_a_provider_that_takes_too_long_does_not_say(self, monkeypatch) -> None:
        monkeypatch.setattr(context, "_LIST_TIMEOUT_S", 0.01)
        assert await window_of(Listing(8000, slow=True), "m", {}) is None
