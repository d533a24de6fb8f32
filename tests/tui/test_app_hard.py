"""The whole app under what is hard: much text, long lines, wide characters, every kind of step."""

from __future__ import annotations

import asyncio
import json
import os
import random
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from chatterm.assembly import StepWriter
from chatterm.config import Config
from chatterm.errors import ErrorKind, Failure
from chatterm.providers.base import RoundEnd
from chatterm.render.lines import line_text
from chatterm.steps import (
    Citation,
    FinishReason,
    NoticeStep,
    RefusalStep,
    Status,
    Step,
    TextStep,
    ThinkingStep,
    ToolCallStep,
    ToolResultStep,
    Usage,
)
from chatterm.store import Store
from chatterm.talking import talk
from tui.app_driver import Driver, Place, place
from tui.playing import Round, play

__all__ = ["place"]

MEGABYTES = int(os.environ.get("CHATTERM_STREAMED_MB", "1"))
QUIET = '[titles]\nmodel = "off"\n'
CITED = "It is so, as some say, and others don't."


def said(*texts: str) -> Round:
    """A round of texts, each at once."""

    async def run(write: StepWriter) -> AsyncIterator[RoundEnd | None]:
        for text in texts:
            write.add(TextStep, text=text)
            yield None

    return run


def called(*calls: tuple[str, dict[str, Any]], text: str = "") -> Round:
    """A round of calls."""

    async def run(write: StepWriter) -> AsyncIterator[RoundEnd | None]:
        if text:
            write.add(TextStep, text=text, phase="commentary")
        for number, (name, values) in enumerate(calls):
            call = write.open(ToolCallStep, call_id=f"{write.round}.{number}", name=name)
            for piece in json.dumps(values).split(" "):
                write.append(call, piece if piece.startswith("{") else f" {piece}")
                yield None
            write.finish(call, input=values)
        yield RoundEnd(usage=Usage(100, 20))

    return run


async def everything(write: StepWriter) -> AsyncIterator[RoundEnd | None]:
    """Thinking, summaries, text with sources, a hosted call, notices, text that is taken back."""
    for text, summary in (("I *think* so.\n\nStill.", False), ("**A summary**\n\nof it", True)):
        thought = write.open(ThinkingStep, summary=summary)
        for each in text:
            write.append(thought, each)
            yield None
        write.finish(thought)
    sources = (
        Citation("Some", "https://some.example/a", 0, 22),
        Citation("Others", "https://öthers.example/b", 23, len(CITED)),
        Citation("", "https://third.example/c"),
    )
    cited = write.open(TextStep)
    write.append(cited, CITED)
    yield None
    write.finish(cited, citations=sources)
    back = write.open(TextStep)
    write.append(back, "This was *wrong* of me.")
    yield None
    write.update(back, withdrawn=True)
    write.finish(back)
    write.add(NoticeStep, reason="moderated", text="somebody looked at it\nand said so")
    search = write.open(ToolCallStep, call_id="h", name="web_search", hosted=True)
    write.append(search, '{"query": "it"}')
    write.finish(search, input={"query": "it"})
    yield None
    write.add(TextStep, text=MARKDOWN)
    yield RoundEnd(usage=Usage(3000, 400, reasoning=50, cost_usd=0.01))


MARKDOWN = """# A heading that is rather long, so that it is wrapped on a narrow screen

A paragraph with **bold**, `code`, a [link](https://example.org/a/b), and 漢字 or e\u0301 in it.

1. one
   - [x] nested, with words enough to be wrapped where there are forty cells
2. two

| a | b | what is in the third column |
|---|--:|---|
| 1 | 2 | words that need a cell of their own |

> quoted[^1]

```python
def code() -> str:
    return "a line of code that is longer than a narrow screen is wide, or so it was meant"
```

[^1]: A note.
"""


async def refused(write: StepWriter) -> AsyncIterator[RoundEnd | None]:
    write.add(RefusalStep, text="I'd rather not.\nNor would you.")
    yield RoundEnd(FinishReason.REFUSAL, usage=Usage(10, 5))


async def failed(write: StepWriter) -> AsyncIterator[RoundEnd | None]:
    write.add(TextStep, text="So far", status=Status.INTERRUPTED)
    error = Failure(ErrorKind.OVERLOADED, "too many ask", 529, "req_1", retryable=True, hint="wait")
    yield RoundEnd(FinishReason.ERROR, failure=error)


async def cut_by_length(write: StepWriter) -> AsyncIterator[RoundEnd | None]:
    write.add(TextStep, text="and so on and", status=Status.INTERRUPTED)
    yield RoundEnd(FinishReason.LENGTH, "max_tokens")


async def forever(write: StepWriter) -> AsyncIterator[RoundEnd | None]:
    write.append(write.open(ThinkingStep), "hm, hm")
    write.append(write.open(TextStep), "It goes on and")
    while True:
        yield None
        await asyncio.sleep(0.01)


# --- resumed equals live ---


def rendered(app: Driver) -> list[tuple[Any, ...]]:
    """All items as they are shown, row by row."""
    pane = app.chat.pane
    width = pane.text_width
    return [
        (item.key, item.gap, item.mark, item.band, row, item.line(row, width))
        for item in pane.items
        for row in range(item.rows(width))
    ]


async def at_width(app: Driver, width: int) -> list[tuple[Any, ...]]:
    """All items at a width: folded, and unfolded."""
    await app.pilot.resize_terminal(width, 40)
    await app.until(lambda: app.app.size.width == width and app.chat.pane.size.width == width)
    rendered(app)  # what is far from the screen begins to be rendered here
    await app.idle()
    shown = rendered(app)
    app.chat.do("fold_all")
    rendered(app)
    await app.idle()
    shown += rendered(app)
    app.chat.do("fold_all")
    return shown


async def answer(app: Driver, key: str) -> None:
    """Answer the question that comes next."""
    await app.asked()
    question = app.chat.asking._item
    await app.press(key)
    await app.until(lambda: app.chat.asking._item is not question)


async def converse(app: Driver, place: Place) -> None:
    """A conversation with every kind of step and of end."""
    (place.work / "a.txt").write_text("one\ntwo\nthree\n")
    play(app, everything)
    await app.ask("Tell me *everything*\n\n  about it.")
    edit = {"path": "a.txt", "old": "two", "new": "zwei\nand more"}
    play(
        app,
        called(
            ("list_files", {"path": "."}),
            ("read_file", {"path": "a.txt"}),
            ("read_file", {"path": "missing.txt"}),
            ("nothing", {"of": "this"}),
            text="I look.",
        ),
        called(("edit_file", edit)),
        called(("write_file", {"path": "b.txt", "content": "new\n" * 20})),
        called(("shell", {"command": "printf '\\033[31mred\\033[0m\\n%s\\n' one two; exit 3"})),
        called(("shell", {"command": "seq 20; sleep 60", "timeout_s": 1})),
        called(("shell", {"command": "touch no"})),
        said("All was tried."),
    )
    await app.send("do it")
    for key in "yyyn":
        await answer(app, key)
    await app.idle()
    play(app, called(("shell", {"command": "echo begun; sleep 60"})))
    await app.send("run")
    await app.until(lambda: app.says("    begun"))
    await app.press("escape")
    await app.idle()
    play(app, forever)
    await app.send("on")
    await app.until(lambda: app.says("It goes on and"))
    await app.press("escape")
    await app.idle()
    play(app, refused, failed, cut_by_length)
    for text in ("may I?", "and now?", "or so?"):
        await app.ask(text)
    play(app, said("A summary of what was said."))
    app.chat.do("compact")
    await app.until(lambda: app.says("summar") and not app.chat.talk.running)
    play(app, said("The last answer."))
    await app.ask("\n".join(f"line {number}" for number in range(30)))


async def test_resumed_equals_live_at_every_width(place: Place) -> None:
    place.configure("text: unused", QUIET)
    widths = (40, 80, 120, 300)
    async with place.app(size=(100, 70)) as app:
        await converse(app, place)
        live = {width: await at_width(app, width) for width in widths}
        id_ = app.chat.talk.session.id
    assert any("as some say,[1] and" in line_text(row[-1]) for row in live[80])
    kinds = {key.partition("/")[2].partition("/")[0] for key, *_ in live[80]}
    assert len(kinds) > 10
    for width in widths:
        async with place.app(size=(width, 40), resume=id_) as app:
            await app.until(lambda app=app: app.says("The last answer."))
            resumed = await at_width(app, width)
        for before, after in zip(live[width], resumed, strict=False):
            assert after == before
        assert len(resumed) == len(live[width])


# --- quick ---


async def test_what_is_sent_before_the_store_is_open_is_kept_and_has_tools(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.configure('call list_files: {"path": "."}\nround\ntext: Done.', QUIET)
    may_open, open_store = threading.Event(), talk.open_store

    def slowly(config: Config) -> Any:
        may_open.wait()
        return open_store(config)

    monkeypatch.setattr(talk, "open_store", slowly)
    async with place.app(opened=False) as app:
        await app.send("first")
        await app.send("second")
        may_open.set()
        await app.until(lambda: len(app.chat.talk.session.turns) == 2)
        await app.idle()
        steps = [step for turn in app.chat.talk.session.turns for step in turn.steps]
        results = [step for step in steps if isinstance(step, ToolResultStep)]
        assert [result.ok for result in results] == [True, True], app.text()
    with Store.open(place.data) as store:
        (row,) = store.list()
        assert row.turns == 2


# --- much, long, wide ---


def streamed(text: str, size: int, cls: type[Step] = TextStep, *, pause: float = 0) -> Round:
    """A round of one step, in pieces of a size, with a pause after each."""

    async def run(write: StepWriter) -> AsyncIterator[RoundEnd | None]:
        opened = write.open(cls)
        for start in range(0, len(text), size):
            write.append(opened, text[start : start + size])
            yield None
            await asyncio.sleep(pause)
        write.finish(opened)
        yield RoundEnd(usage=Usage(10, len(text) // 4))

    return run


def resident() -> int:
    """The memory that this process has, in megabytes."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") >> 20


def assert_exact(app: Driver) -> None:
    """Every row of the screen is exactly as wide as it, and there are as many as it has."""
    width, height = app.app.size
    rows = app.app.screen._compositor.render_strips()
    assert len(rows) == height
    for row in rows:
        assert sum(cell_len(segment.text) for segment in row) == width


async def assert_takes_keys(app: Driver) -> None:
    """What is typed arrives in the prompt."""
    before = app.chat.prompt.text
    await app.type("xy")
    await app.until(lambda: app.chat.prompt.text == f"{before}xy")


PARAGRAPH = (
    "Words **in bold** and `code`, a [link](https://a.example), 漢字, and so on. " * 5 + "\n\n"
)


async def test_an_answer_of_megabytes(place: Place) -> None:
    place.configure("text: unused", QUIET)
    text = PARAGRAPH * (MEGABYTES * 1_000_000 // len(PARAGRAPH)) + "the very end"
    async with place.app(size=(80, 24)) as app:
        before = resident()
        play(app, streamed(text, 40_000))
        await app.send("go")
        await app.until(lambda: app.says("Words in bold"))
        await assert_takes_keys(app)
        app.patience = 20.0 * MEGABYTES
        await app.idle()
        assert app.says("the very end")
        assert_exact(app)
        await assert_takes_keys(app)
        assert resident() - before < 100 + 60 * MEGABYTES


async def test_a_storm_of_resizes_while_it_streams(place: Place) -> None:
    place.configure("text: unused", QUIET)
    chance = random.Random(1)
    text = (MARKDOWN + "\n\n") * 40 + "the very end"
    async with place.app(size=(80, 24)) as app:
        play(app, streamed("*hm* " * 2000, 100, ThinkingStep), called(("list_files", {})))
        await app.ask("go")
        play(app, streamed(text, 100, pause=0.005))
        await app.send("on")
        await app.until(lambda: app.says("third column"))
        for number in range(30):
            size = chance.randint(20, 300), chance.randint(6, 80)
            await app.pilot.resize_terminal(*size)
            if number % 5 == 0:
                await app.until(lambda size=size: app.app.size == size)
                assert_exact(app)
                await app.type("x")
                app.chat.pane.scroll_rows(chance.randint(-200, 200))
        await app.pilot.resize_terminal(80, 24)
        app.chat.do("last")
        await app.idle()
        assert app.says("the very end")
        assert app.chat.prompt.text == "x" * 6
        assert_exact(app)


LONG = 100_000
RIGHT_TO_LEFT = "שלום עולם, this is mixed עם אנגלית. مرحبا بالعالم 123 نص "
WIDE = "漢字かな交じり文，한국어 ｆｕｌｌ ｗｉｄｔｈ 👨‍👩‍👧‍👦👍🏽🇨🇭❤️✈︎ "
COMBINED = "e\u0301a\u0300\u0316\u0317 Z\u0336a\u0336l\u0336g\u0336o\u0336 नमस्ते ไทยภาษา กำ 각 "
MIXED = (RIGHT_TO_LEFT, WIDE, COMBINED)


def table(rows: int) -> str:
    """A table with something of everything in its cells."""
    head = "| number | right to left | wide | combined |\n|--:|---|:-:|---|\n"
    return head + "".join(f"| {n} | {' | '.join(MIXED)} |\n" for n in range(rows))


def whole_result(content: str) -> Round:
    """A call that the provider runs, and its result."""

    async def run(write: StepWriter) -> AsyncIterator[RoundEnd | None]:
        call = write.open(ToolCallStep, call_id=write.turn, name="run", hosted=True)
        write.append(call, content[:200])
        write.finish(call)
        write.add(ToolResultStep, call_id=write.turn, name="run", content=content)
        write.add(TextStep, text="That was it.")
        yield RoundEnd()

    return run


HARD: dict[str, Round] = {
    "a long word": streamed("x" * LONG, 5000),
    "a long line": streamed("word " * (LONG // 5), 5000),
    "a long line of code": streamed("```python\n" + "f(x) + " * (LONG // 7) + "\n```", 5000),
    "a long line thought": streamed("漢字" * (LONG // 2), 5000, ThinkingStep),
    "a long line put out": whole_result("\x1b[31m" + "é" * LONG),
    "20,000 lines put out": whole_result("".join(f"{n} {MIXED[n % 3]}\n" for n in range(20_000))),
    "a table of 500 rows": streamed(table(500), 2000),
    "wide, combined, right to left": streamed(
        "\n\n".join(f"{each * 20}\n\n- {each * 5}\n\n> **{each * 9}**" for each in MIXED), 100
    ),
    "wide code": streamed("```\n" + "\n".join(each * 9 for each in MIXED) + "\n```", 100),
    "only marks": streamed("\u0301" * 3000 + "\n\n" + "\u200d" * 3000 + "\ufe0f" * 3000, 500),
    "many short lines": streamed("a\n" * 5_000, 5000),
    "deep quotes and lists": streamed("> " * 200 + "x\n\n" + "- " * 200 + "y\n\n", 50),
}


async def test_what_is_hard_to_show(place: Place) -> None:
    place.configure("text: unused", QUIET)
    async with place.app(size=(100, 30)) as app:
        pane = app.chat.pane
        begins: list[str] = []
        for hard in HARD.values():
            play(app, hard)
            await app.ask(f"{MIXED[0]}\n{MIXED[1]} {'y' * 500}")
            assert_exact(app)
            begins.append(next(item.key for item in reversed(pane.items) if is_user(item)))
        await assert_takes_keys(app)
        app.chat.do("fold_all")
        for width in (20, 133):  # what is long is still being wrapped when the next one comes
            await app.pilot.resize_terminal(width, 30)
            await app.until(lambda width=width: app.app.size.width == width)
            for key in begins:
                pane.show_item(key)
                await app.pilot.pause()
                assert_exact(app)
                app.chat.do("page_down")
                await app.pilot.pause()
                assert_exact(app)
        app.chat.do("last")
        await assert_takes_keys(app)


def is_user(item: Any) -> bool:
    return getattr(item, "kind", "") == "user"
