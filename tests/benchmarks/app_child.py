"""Apps that the benchmarks run in a pseudo-terminal.

    python app_child.py MODE [ARGUMENT…]

`bare`       a minimal Textual app with a prompt
`pane`       the pane over a prompt
`ours N`     N characters at 2,000 a second, in the pane
`hard K [N]` the Kth of the documents that break renderers, or its first N characters, at 20,000 a
             second, in the pane
`theirs N`   N characters at 2,000 a second in Textual's own Markdown, by its MarkdownStream
`append N`   the same by `Markdown.append`, thirty times a second at most
`update N`   the same by `Markdown.update` with all that has come; it is given half a minute
`http URL`   an answer from a server, in the pane

What was measured goes to the file that CHATTERM_BENCH names, as JSON, when Ctrl+Q ends the app, or
by itself when the text has ended. `READY` is on the screen from the first frame on.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from textual.app import App, ComposeResult
from textual.widgets import Static, TextArea

sys.path.insert(0, str(Path(__file__).parents[1]))

PIECE, A_SECOND = 4, 2000
_BEAT_S = 0.005
_GIVEN_S = 30


class Measured(App[None]):
    """An app that notes how late its event loop is."""

    CSS = """
    Static { height: 1; } TextArea { height: 3; }
    ConversationPane, VerticalScroll { height: 1fr; }
    """
    ENABLE_COMMAND_PALETTE = False
    BEATS = False

    def __init__(self) -> None:
        super().__init__()
        self.prompt = TextArea()
        self.late: list[float] = []
        self.found: dict[str, Any] = {}

    def compose(self) -> ComposeResult:
        yield Static("READY")
        yield from self.parts()
        yield self.prompt

    def parts(self) -> ComposeResult:
        """What stands over the prompt."""
        yield from ()

    def on_mount(self) -> None:
        self.prompt.focus()
        self.run_worker(self._measured())

    async def play(self) -> None:
        """What is measured."""
        await asyncio.Event().wait()

    async def _measured(self) -> None:
        await asyncio.sleep(0.2)
        gc.collect()
        gc.freeze()  # what start-up has made stays for good
        beating = asyncio.create_task(self._beat()) if self.BEATS else None
        cpu = time.process_time()
        await self.play()
        await asyncio.sleep(0.3)  # the last frame
        self.found["cpu"] = time.process_time() - cpu
        if beating is not None:
            beating.cancel()
            late = sorted(self.late)
            self.found["p99_ms"] = 1000 * late[int(len(late) * 0.99)]
            self.found["longest_ms"] = 1000 * late[-1]
        self._write()
        self.exit()

    async def _beat(self) -> None:
        while True:
            began = time.perf_counter()
            await asyncio.sleep(_BEAT_S)
            self.late.append(time.perf_counter() - began - _BEAT_S)

    def _write(self) -> None:
        status = Path("/proc/self/status").read_text()
        peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
        self.found["peak_mb"] = int(peak.split()[1]) / 1024
        Path(os.environ["CHATTERM_BENCH"]).write_text(json.dumps(self.found))


class WithPane(Measured):
    """The pane over a prompt."""

    def parts(self) -> ComposeResult:
        from chatterm.tui.pane.conversation_pane import ConversationPane

        self.pane = ConversationPane()
        self.prompt.cursor_blink = False  # as it is in ours: an idle app does nothing
        yield self.pane


class Ours(WithPane):
    """Characters at a pace, in the pane."""

    BEATS = True

    async def play(self) -> None:
        from chatterm.tui.pane.markdown_item import MarkdownItem

        item = MarkdownItem("live")
        self.pane.append(item)
        await self.feed(item.feed)
        item.finish()
        while self.pane.busy:  # noqa: ASYNC110 - it says so to nobody
            await asyncio.sleep(0.05)
        self.found["frames"] = self.pane.frames

    async def feed(self, feed: Callable[[str], None]) -> None:
        """Feed what comes."""
        from documents import answer

        await paced(answer(int(sys.argv[2])), feed)


class Hard(Ours):
    """A document that breaks renderers, quicker than any model writes."""

    async def feed(self, feed: Callable[[str], None]) -> None:
        from documents import pathological

        _, text = list(pathological())[int(sys.argv[2])]
        length = int(sys.argv[3]) if len(sys.argv) > 3 else len(text)
        await paced(text[:length], feed, piece=40, a_second=20_000)


class Theirs(Measured):
    """The same in Textual's own widgets."""

    BEATS = True

    def parts(self) -> ComposeResult:
        from textual.containers import VerticalScroll
        from textual.widgets import Markdown

        self.markdown = Markdown()
        with VerticalScroll() as scroll:
            yield self.markdown
        scroll.anchor()

    async def play(self) -> None:
        from textual.widgets import Markdown

        from documents import answer

        stream = Markdown.get_stream(self.markdown)
        waiting: list[asyncio.Task[None]] = []

        def feed(text: str) -> None:
            waiting.append(asyncio.create_task(stream.write(text)))

        await paced(answer(int(sys.argv[2])), feed)
        await asyncio.gather(*waiting)
        await stream.stop()


class Appended(Theirs):
    """The same without its stream: at a frame's pace what has come is appended."""

    async def play(self) -> None:
        from documents import answer

        self.text = ""
        feeding = asyncio.create_task(paced(answer(int(sys.argv[2])), self._take))
        shown = 0
        try:
            async with asyncio.timeout(_GIVEN_S):
                while shown < len(self.text) or not feeding.done():
                    new = self.text[shown:]
                    shown += len(new)
                    await self.show(new)
                    await asyncio.sleep(1 / 30)
        except TimeoutError:
            self.found["gave_up"] = True
        feeding.cancel()

    def _take(self, text: str) -> None:
        self.text += text

    async def show(self, new: str) -> None:
        """Show what has come."""
        await self.markdown.append(new)


class Updated(Appended):
    """The same with all that has come, each time."""

    async def show(self, new: str) -> None:
        await self.markdown.update(self.text)


class OverHttp(WithPane):
    """An answer from a server, in the pane."""

    async def play(self) -> None:
        from chatterm.assembly import StepWriter
        from chatterm.events import StepDelta
        from chatterm.providers.base import ModelRequest
        from chatterm.providers.http import HttpProvider
        from chatterm.providers.registry import wire_protocol
        from chatterm.providers.transport import Transport
        from chatterm.providers.wire import Endpoint
        from chatterm.steps import Turn, UserInput
        from chatterm.tui.pane.markdown_item import MarkdownItem

        item = MarkdownItem("live")
        self.pane.append(item)
        provider = HttpProvider(wire_protocol("chat"), Endpoint("p", sys.argv[2]), Transport())
        request = ModelRequest("m", (Turn("t", UserInput("hello"), "p/m"),))
        async for event in provider.stream(request, StepWriter("t")):
            if isinstance(event, StepDelta):
                item.feed(event.text)
        ended = time.perf_counter()
        item.finish()
        await provider.aclose()
        while self.pane.busy:  # noqa: ASYNC110 - it says so to nobody
            await asyncio.sleep(0.001)
        self.found["late_s"] = time.perf_counter() - ended


async def paced(
    text: str, feed: Callable[[str], None], piece: int = PIECE, a_second: int = A_SECOND
) -> None:
    """Feed a text in pieces, so many characters a second."""
    began = time.perf_counter()
    for start in range(0, len(text), piece):
        wait = began + start / a_second - time.perf_counter()
        await asyncio.sleep(max(0.0, wait))
        feed(text[start : start + piece])


if __name__ == "__main__":
    MODES = {
        "bare": Measured,
        "pane": WithPane,
        "ours": Ours,
        "hard": Hard,
        "theirs": Theirs,
        "append": Appended,
        "update": Updated,
        "http": OverHttp,
    }
    MODES[sys.argv[1]]().run()
