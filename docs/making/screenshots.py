"""Takes the screenshots in `docs/screenshots/`: `python docs/making/screenshots.py [NAME …]`.

The real app runs headless in a little repository, its tools work there, and a server on this
machine plays the model. Nothing is painted by hand, so what is seen is what there is.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from faultserver import Answer, FaultServer, Pause  # noqa: E402
from tui.app_driver import Driver, Place  # noqa: E402
from wire_replies import chat_stream  # noqa: E402

SHOTS = ROOT / "docs" / "screenshots"
SIZE = (100, 32)
THINKING_S = 1.6
THEMES = ("dark", "light")

SOURCE = '''"""Server-sent events, as they come from the wire."""

from collections.abc import Iterator


class Decoder:
    """Reads events from pieces of a stream."""

    def __init__(self) -> None:
        self._buffer = b""
        self._data: list[bytes] = []

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """Give a piece of the stream; yields the events that it completes."""
        self._buffer += piece
        while b"\\n" in self._buffer:
            line, _, self._buffer = self._buffer.partition(b"\\n")
            if line:
                self._data.append(line.removeprefix(b"data:").strip())
            elif self._data:
                yield self._flush()

    def _flush(self) -> bytes:
        event, self._data = b"\\n".join(self._data), []
        return event
'''
QUESTION = "Why does the parser drop the last event when the server closes early?"
THOUGHT = (
    "An event ends at a blank line. If the connection closes between the last data line and that "
    "blank line, it stays in the buffer. Let me see where it is flushed, and who calls that."
)
ANSWER = """An event is only yielded at a **blank line**, so a stream that ends without one keeps
its last event for ever. Two places matter:

1. `feed()` leaves the open event in `self._data`.
2. Nothing is called when the body ends.

```python
def finish(self) -> Iterator[bytes]:
    \"\"\"The stream is over; yields the event that it left open.\"\"\"
    if self._data:
        yield self._flush()
```

Call it once, when the body has ended.
"""
EDIT = {
    "path": "src/wire/sse.py",
    "old": "    def _flush(self) -> bytes:\n",
    "new": '    def finish(self) -> Iterator[bytes]:\n        """The stream is over; yields '
    'the event that it left open."""\n        if self._data:\n            yield self._flush()\n\n'
    "    def _flush(self) -> bytes:\n",
}
EARLIER = (
    "What does a 529 mean, and is it worth trying again?",
    "A regular expression for ISO dates, with the time zone",
    "Compare WAL and a rollback journal for many short writes",
)


def call(name: str, arguments: dict[str, Any], number: int) -> dict[str, Any]:
    """A tool call, as Chat Completions streams it."""
    function = {"name": name, "arguments": json.dumps(arguments)}
    return {"tool_calls": [{"index": number, "id": f"call_{number}", "function": function}]}


def reply(*deltas: dict[str, Any], prompt: int, completion: int) -> Answer:
    """An answer of the model."""
    body = chat_stream(list(deltas))
    usage = {"prompt_tokens": prompt, "completion_tokens": completion}
    told = json.dumps({"choices": [], "usage": usage})
    end = b"data: [DONE]"
    body = body.replace(end, b"data: " + told.encode() + b"\n\n" + end)
    first, *others = body.split(b"\n\n", 1)
    return Answer([first + b"\n\n", Pause(THINKING_S), *others])


LOOKED = reply(
    {"reasoning_content": THOUGHT},
    call("read_file", {"path": "src/wire/sse.py"}, 0),
    call("search", {"pattern": "_flush", "path": "src"}, 1),
    prompt=2_840,
    completion=112,
)
EXPLAINED = reply({"content": ANSWER}, prompt=3_410, completion=236)
EDITED = reply(
    {"reasoning_content": "The edit is small; the test that shows it comes after."},
    call("edit_file", EDIT, 0),
    prompt=3_702,
    completion=148,
)


async def conversation(driver: Driver) -> None:
    """A question, answered with a look at the code."""
    await driver.ask(QUESTION)


async def question(driver: Driver) -> None:
    """An edit that waits for a yes."""
    await driver.ask(QUESTION)
    await driver.send("Please do that.")
    await driver.asked()


async def conversations(driver: Driver) -> None:
    """Earlier conversations, found by a word."""
    for each in EARLIER:
        await driver.ask(each)
        await driver.press("ctrl+n")
        await driver.idle()
    await driver.ask(QUESTION)
    await driver.press("ctrl+s")
    await driver.until(lambda: driver.says("Compare"))
    await driver.pilot.pause(0.5)


async def timeline(driver: Driver) -> None:
    """Where a turn's time went."""
    await driver.ask(QUESTION)
    await driver.press("f4")
    await driver.pilot.pause(0.5)


async def palette(driver: Driver) -> None:
    """All that can be done, by name."""
    await driver.ask(QUESTION)
    await driver.press("ctrl+p")
    await driver.pilot.pause(0.5)


def short(text: str) -> Answer:
    """A short answer."""
    return reply({"content": text}, prompt=420, completion=38)


Play = Callable[[Driver], Awaitable[None]]
SCENES: dict[str, tuple[Play, tuple[Answer, ...]]] = {
    "conversation": (conversation, (LOOKED, EXPLAINED)),
    "question": (question, (LOOKED, EXPLAINED, EDITED)),
    "conversations": (
        conversations,
        (*(short("Yes: it is an overload, and passes.") for _ in EARLIER), LOOKED, EXPLAINED),
    ),
    "timeline": (timeline, (LOOKED, EXPLAINED)),
    "palette": (palette, (LOOKED, EXPLAINED)),
}


async def take(name: str, theme: str, folder: Path) -> str:
    """Play a scene, and return its picture as SVG."""
    play, answers = SCENES[name]
    work = folder / "src" / "parser"
    (work / "src" / "wire").mkdir(parents=True)
    (work / ".git").mkdir()
    (work / "src" / "wire" / "sse.py").write_text(SOURCE, "utf-8")
    for key in [key for key in os.environ if key.endswith("_API_KEY")]:
        del os.environ[key]
    os.environ |= {"HOME": str(folder), "CHATTERM_DATA_DIR": str(folder / "data"), "TERM": "xterm"}
    os.environ |= {f"XDG_{each}_HOME": str(folder / each) for each in ("CONFIG", "DATA", "STATE")}
    os.chdir(work)
    config = folder / "config.toml"
    with FaultServer() as server:
        server.script(*answers)
        config.write_text(
            'model = "desk/qwen3-coder"\n[titles]\nmodel = "off"\n[context.windows]\n'
            '"desk/qwen3-coder" = 262144\n[providers.desk]\nprotocol = "chat"\n'
            f'base_url = "{server.url}/v1"\n'
        )
        os.environ["CHATTERM_CONFIG"] = str(config)
        place = Place(work, config, folder / "data")
        async with place.app(SIZE, theme) as driver:
            await play(driver)
            await driver.pilot.pause(0.3)
            return driver.app.export_screenshot(title="chatterm")


def settled(picture: str) -> str:
    """A picture without what differs from one run to the next: the ids of its styles."""
    return re.sub(r"terminal-\d+", "terminal", picture)


def main(names: list[str]) -> None:
    """Take the pictures of these names, or all."""
    SHOTS.mkdir(exist_ok=True)
    here = Path.cwd()
    for name in names or SCENES:
        for theme in THEMES:
            with tempfile.TemporaryDirectory() as folder:
                picture = asyncio.run(take(name, theme, Path(folder).resolve()))
                os.chdir(here)
            file = SHOTS / f"{name}-{theme}.svg"
            file.write_text(settled(picture), "utf-8")
            print(file.relative_to(ROOT))


if __name__ == "__main__":
    main(sys.argv[1:])
