"""Strangers' text in the whole app, in a real terminal: it is read, and never obeyed.

Every text of the hostile corpus is shown at each place of the app that shows what others wrote, and
all that the program wrote to its terminal is read: nothing in it may be a control sequence that
isn't the app's own, nor a character that changes how others read.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from chatterm.assembly import StepWriter
from chatterm.events import Event, TurnFinished, TurnStarted
from chatterm.steps import (
    Attachment,
    Citation,
    FinishReason,
    NoticeStep,
    Outcome,
    RefusalStep,
    TextStep,
    ThinkingStep,
    ToolCallStep,
    ToolResultStep,
    TurnStatus,
    Usage,
    UserInput,
)
from chatterm.store import Store
from faultserver import Answer, FaultServer, Received, sse
from hostile import DROPPED_WHOLE, OVERLONG, REWRITTEN
from nursery import Nursery
from terminal_output import Output, read_output
from terminals import Terminal

CORPUS = [*DROPPED_WHOLE.values(), *(text for text, _ in REWRITTEN.values())]
# Those that a command's arguments or a file can have: no zero byte, no half of a character.
WRITABLE = [each for each in CORPUS if not re.search(r"[\0\ud800-\udfff]", each)]
LONG = [text for text, _ in OVERLONG.values()]
AT = "2026-01-01T00:00:00.000Z"
CTRL_O, CTRL_T, CTRL_END, PAGE_UP, PAGE_DOWN = "\x0f", "\x14", "\x1b[1;5F", "\x1b[5~", "\x1b[6~"


def numbered(texts: Iterable[str] = CORPUS, letter: str = "n") -> list[str]:
    """The texts, each behind a name that is looked for on the terminal."""
    return [f"{letter}{number:03} {text} ok" for number, text in enumerate(texts)]


def file_names(letter: str) -> list[str]:
    """The texts as names of files, as far as a file can have them."""
    found = []
    for said in numbered(CORPUS, letter):
        name = said.replace("/", "_").replace("\0", "")[:80]
        found.append(name.encode("utf-8", "replace").decode())
    return found


def names(letter: str, count: int = len(CORPUS)) -> list[str]:
    return [f"{letter}{number:03}" for number in range(count)]


@dataclass
class World:
    """A home, a directory to work in, a provider on loopback."""

    home: Path
    server: FaultServer
    nursery: Nursery

    @property
    def work(self) -> Path:
        return self.home / "work"

    @property
    def data(self) -> Path:
        return self.home / "data"

    def run(
        self, *arguments: str, rows: int = 100, columns: int = 150, cwd: Path | None = None
    ) -> Terminal:
        env = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "CHATTERM_CONFIG": str(self.home / "config.toml"),
            "CHATTERM_DATA_DIR": str(self.data),
            "XDG_STATE_HOME": str(self.home / "state"),
            "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
            "LANG": "C.UTF-8",
            "SHELL": "/bin/sh",
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
        }
        place = cwd or self.work
        return Terminal(arguments, env, place, columns=columns, rows=rows, nursery=self.nursery)


@pytest.fixture
def world(tmp_path: Path, server: FaultServer, nursery: Nursery) -> World:
    (tmp_path / "work" / ".git").mkdir(parents=True)
    (tmp_path / "config.toml").write_text(
        'model = "p/m"\ntheme = "dark"\n[titles]\nmodel = "off"\n[ui]\nreduced_motion = true\n'
        "[stream]\nretries = 0\n"
        f'[providers.p]\nprotocol = "responses"\nbase_url = "{server.url}"\nmodels = ["m"]\n'
    )
    return World(tmp_path, server, nursery)


def until(terminal: Terminal, words: str) -> None:
    """Read until words were shown."""
    try:
        terminal.read_until(words)
    except AssertionError:
        seen = re.sub(r" {3,}", "\n", read_output(terminal.seen).text)
        pytest.fail(f"{words!r} was never shown, but at last:\n{seen[-3000:]}", pytrace=False)


def look_through(terminal: Terminal) -> None:
    """Scroll from the end to the beginning, so that everything is painted."""
    turn_page(terminal, CTRL_END)
    for _ in range(100):
        if not turn_page(terminal, PAGE_UP):
            break
    turn_page(terminal, CTRL_END)


def say_no(terminal: Terminal, about: str) -> None:
    """Refuse a call, once the question about it is shown down to its last answer.

    A key that comes when there is no question yet would begin a draft, and with one none answers.
    """
    until(terminal, about)
    shown = terminal.seen.index(about.encode())
    for _ in range(600):
        if terminal.seen.find(b"no, and stop", shown) >= 0:
            break
        terminal.read_for(0.1)
    else:
        pytest.fail(f"the question about {about} is never whole")
    terminal.read_for(0.7)  # no key answers at first
    terminal.type("n")


def opens(terminal: Terminal, command: str, words: str) -> None:
    """Type a command, and read until words were painted from then on.

    What is typed before its screen is there goes to the prompt, so that words which something else
    has shown already tell nothing.
    """
    painted, at = terminal.seen.count(words.encode()), len(terminal.seen)
    terminal.type(command)
    for _ in range(300):
        if terminal.seen.count(words.encode()) > painted:
            return
        terminal.read_for(0.1)
    seen = re.sub(r" {3,}", "\n", read_output(terminal.seen[at:]).text)
    said = f"{words!r} was never shown after {command!r}, but:\n{seen[-3000:]}"
    pytest.fail(said, pytrace=False)


def page_through(terminal: Terminal, wanted: Sequence[str]) -> None:
    """Scroll down a page at a time until all was shown."""
    for _ in range(30):
        if all(name.encode() in terminal.seen for name in wanted):
            return
        turn_page(terminal, PAGE_DOWN)


def turn_page(terminal: Terminal, key: str) -> bool:
    """Press a key, and read until what it brings is painted: the next would skip it.

    Returns:
        Whether it brought anything.
    """
    terminal.type(key)
    if not any(terminal.read_for(0.1) for _ in range(20)):
        return False
    while terminal.read_for(0.15):
        pass
    return True


def closes(terminal: Terminal) -> None:
    """Close what lies over the conversation: the cursor is behind what is typed to the prompt.

    What else is painted tells nothing: rows under what lies there may be painted at any time.
    """
    for _ in range(10):
        terminal.type("\x1b")
        while terminal.read_for(0.3):
            pass
        at = len(terminal.seen)
        terminal.type("z")
        for _ in range(20):
            if terminal.seen.find(f"\x1b[{terminal.rows - 1};5H".encode(), at) >= 0:
                terminal.type("\x15")
                return
            terminal.read_for(0.1)
        terminal.type("\x15")  # it has gone elsewhere
    pytest.fail("the prompt is never typed to")


def leave(terminal: Terminal) -> Output:
    """Quit, and read all that was written."""
    terminal.type("\x04")
    for _ in range(5):
        if terminal.ends(seconds=15):  # what is typed after its end is echoed
            break
        terminal.type("\x1b")  # on a busy machine what was typed last may have come as one key
        terminal.read_for(1)
        terminal.type("\x15\x04")
    assert terminal.wait() == 0
    return read_output(terminal.seen)


def check(output: Output, *shown: Iterable[str]) -> None:
    """Nothing but text and the app's own painting was written, and all of the names were shown."""
    assert not output.strange
    assert output.set_up.count("\x1b[?1049h") == 1
    missing = [name for several in shown for name in several if name not in output.text]
    assert not missing, f"never shown: {' '.join(missing)}"


# --- what the provider answers ---


def answer(*items: Sequence[dict[str, Any]], **more: Any) -> Answer:
    """A streamed answer of these items, each given as its events."""
    events = [
        {**event, "output_index": number} for number, item in enumerate(items) for event in item
    ]
    end = {"type": "response.completed", "response": {"status": "completed", "output": []} | more}
    return Answer(sse(*map(json.dumps, [*events, end])))


def text(
    said: str, *, size: int = 0, cited: Sequence[tuple[str, str]] = ()
) -> list[dict[str, Any]]:
    """A text, whole or in pieces of a size."""
    sources = [{"type": "url_citation", "title": title, "url": url} for title, url in cited]
    part = {"type": "output_text", "text": said, "annotations": sources}
    item = {"type": "message", "role": "assistant", "content": [part]}
    return [
        {"type": "response.output_item.added", "item": item | {"content": []}},
        *({"type": "response.output_text.delta", "delta": each} for each in pieces(said, size)),
        {"type": "response.output_item.done", "item": item},
    ]


def thinking(said: str, *, size: int = 0) -> list[dict[str, Any]]:
    item = {"type": "reasoning", "content": [{"type": "reasoning_text", "text": said}]}
    return [
        {"type": "response.output_item.added", "item": {"type": "reasoning"}},
        *({"type": "response.reasoning_text.delta", "delta": each} for each in pieces(said, size)),
        {"type": "response.output_item.done", "item": item},
    ]


def call(number: int, name: str, **arguments: Any) -> list[dict[str, Any]]:
    item = {"type": "function_call", "call_id": f"c{number}", "name": name, "status": "completed"}
    written = json.dumps(arguments)
    kind = "response.function_call_arguments.delta"
    return [
        {"type": "response.output_item.added", "item": item | {"arguments": ""}},
        *({"type": kind, "delta": each} for each in pieces(written, 5)),
        {"type": "response.output_item.done", "item": item | {"arguments": written}},
    ]


def pieces(said: str, size: int) -> list[str]:
    step = size or max(1, len(said))
    return [said[start : start + step] for start in range(0, len(said), step)]


# --- tests ---


def test_in_what_a_model_says(world: World) -> None:
    whole, single = numbered(letter="w"), numbered(letter="s")
    cited = [text("look", cited=[(each, f"https://a.example/{each}")]) for each in numbered()]
    world.server.script_posts(
        answer(*map(text, whole), text("first end")),
        answer(*(text(each, size=1) for each in single), text("second end")),
        answer(*cited, text("third end")),
        answer(*map(text, numbered(LONG, "l")), text("fourth end")),
    )
    with world.run(rows=460) as terminal:
        until(terminal, "keys")
        for number in ("first", "second", "third", "fourth"):
            terminal.type(f"{number}\r")
            until(terminal, f"{number} end")
            look_through(terminal)  # what came at once may be above the screen already
        output = leave(terminal)
    check(output, names("w"), names("s"), names("n"), names("l", len(LONG)))


def test_in_what_a_model_thinks(world: World) -> None:
    thoughts = [thinking(each, size=1 + number % 3) for number, each in enumerate(numbered())]
    world.server.script_posts(answer(*thoughts, text("the end")))
    with world.run(rows=460) as terminal:
        until(terminal, "keys")
        terminal.type("go\r")
        until(terminal, "the end")
        terminal.type(CTRL_T)  # they are folded to a line each
        until(terminal, names("n")[-1])
        output = leave(terminal)
    check(output, names("n"))


def test_in_calls_and_what_they_give(world: World) -> None:
    (world.work / "hostile.txt").write_text("\n".join(numbered(CORPUS, "o")), errors="replace")
    folder = world.work / "folder"
    folder.mkdir()
    for name in file_names("f"):
        (folder / name).touch()
    named = [call(n, f"t{n:03}{said}", **{f"key {said}": said}) for n, said in enumerate(CORPUS)]
    edits = [
        call(n, "write_file", path=f"made/{name}", content="\n".join(CORPUS[n : n + 4]))
        for n, name in enumerate(file_names("p"))
        if n % 4 == 0
    ]
    world.server.script_posts(
        answer(*named),
        answer(text("first end")),
        answer(
            call(1, "shell", command="cat hostile.txt"),
            call(2, "list_files", path="folder"),
            call(3, "read_file", path="hostile.txt"),
            call(4, "search", pattern="ok", path="."),
        ),
        answer(text("second end")),
        answer(*edits),
        answer(text("third end")),
    )
    with world.run("--mode", "yolo", rows=150) as terminal:
        until(terminal, "keys")
        for said, end in (("the very first", "first"), ("on", "second"), ("on", "third")):
            terminal.type(f"{said}\r")
            until(terminal, f"{end} end")
        look_through(terminal)
        terminal.type(CTRL_T)
        until(terminal, "▾")
        look_through(terminal)
        output = leave(terminal)
    # Of a line of a command's output that is drawn over and over the last state is shown.
    lines = [name for name, said in zip(names("o"), CORPUS, strict=True) if "\r" not in said]
    check(output, names("t"), lines, names("f"), names("p")[::4])


def test_in_what_is_asked(world: World) -> None:
    command = "\n".join(f"echo {each}" for each in numbered(WRITABLE, "q"))
    content = "\n".join(numbered(WRITABLE, "d"))
    last = len(WRITABLE) - 1
    world.server.script_posts(
        answer(call(1, "shell", command=command)),
        answer(call(2, "write_file", path=file_names("p")[40], content=content)),
        answer(text("the end")),
    )
    with world.run(rows=300) as terminal:
        until(terminal, "keys")
        terminal.type("go\r")
        say_no(terminal, f"q{last:03}")
        say_no(terminal, f"d{last:03}")
        until(terminal, "the end")
        output = leave(terminal)
    check(output, names("q", last + 1), names("d", last + 1))


def test_in_what_a_provider_says_is_wrong(world: World) -> None:
    texts = numbered()[:96]  # what follows an unterminated sequence may become a part of it
    errors = ["; ".join(texts[start : start + 15]) for start in range(0, len(texts), 15)]
    streamed = [
        Answer(sse(json.dumps({"type": "error", "code": "x", "message": each}))) for each in errors
    ]
    body = json.dumps({"error": {"message": "z000 " + errors[0]}}).encode()
    told = {
        "Content-Type": "application/json",
        "x-request-id": "\x9b31m\u202e".encode().decode("latin-1"),
    }
    world.server.script_posts(*streamed, Answer(body, 400, told, "length"))
    with world.run(rows=120) as terminal:
        until(terminal, "keys")
        for first in [*(each[:4] for each in texts[::15]), "z000"]:
            terminal.type("go\r")
            until(terminal, first)
            terminal.read_for(0.1)
        output = leave(terminal)
    check(output, (each[:4] for each in texts))


def test_in_what_is_remembered(world: World) -> None:
    with Store.open(world.data) as store:
        asyncio.run(remember(store))
    with world.run("-r", rows=150) as terminal:
        until(terminal, "c000")
        page_through(terminal, names("c"))
        terminal.type("c000")
        terminal.read_for(0.5)
        terminal.type("\r")  # the conversation of that title
        until(terminal, "the end")
        look_through(terminal)
        terminal.type(CTRL_T)
        until(terminal, "▾")
        look_through(terminal)
        output = leave(terminal)
    # In one text, what follows an unterminated sequence may become a part of it.
    check(output, names("m")[:96], *(names(letter) for letter in "unaerhicx"))


async def remember(store: Store) -> None:
    """Conversations of every title, of which the last has everything that a turn may have."""
    for number, title in reversed(list(enumerate(numbered(CORPUS, "c")))):
        conversation = f"{number:032x}"
        sent = UserInput(title)
        if number == 0:
            images = (Attachment(each, "image/png", 1, "0" * 64) for each in numbered(CORPUS, "x"))
            sent = UserInput("\n".join(numbered(CORPUS, "m")), tuple(images))
        begun = TurnStarted(conversation, f"{conversation}.1", None, sent, None, "p/m", {}, AT)
        log = await store.begin(begun, directory="/work/\x1b[31m\u202e", origin="app", title=title)
        for event in whole(begun.turn) if number == 0 else []:
            await log.record(event)
        await log.record(TurnFinished(TurnStatus.COMPLETED, FinishReason.STOP, "stop", Usage()))
        log.close()


def whole(turn: str) -> list[Event]:
    """A turn with every text of the corpus in steps of every kind."""
    write = StepWriter(turn)
    for number, said in enumerate(CORPUS):
        write.add(NoticeStep, text=f"n{number:03} {said}", reason=said)
        write.add(RefusalStep, text=f"r{number:03} {said}")
        write.add(ThinkingStep, text=f"h{number:03} {said}", summary=bool(number % 2))
        write.add(TextStep, text="", citations=(Citation(f"e{number:03} {said}", said),))
        call = write.add(ToolCallStep, call_id=said, name=f"a{number:03}{said}", arguments=said)
        image = Attachment(f"i{number:03} {said}", said, 1, "0" * 64)
        write.add(
            ToolResultStep,
            call_id=said,
            name=call.name,
            content=f"u{number:03} {said}",
            ok=bool(number % 2),
            outcome=Outcome.DONE if number % 2 else Outcome.FAILED,
            attachments=(image,),
            full_output=said,
        )
    write.add(TextStep, text="the end")
    return write.take()


def test_in_what_a_user_meets(world: World) -> None:
    for name in file_names("f"):
        (world.work / name).touch()
    (world.work / "output").write_text("\n".join(numbered(CORPUS, "o")), errors="replace")
    listed = [{"id": each, "object": "model"} for each in numbered(CORPUS, "l")]

    def give(received: Received) -> Answer:
        if received.method == "GET":
            kind = {"Content-Type": "application/json"}
            return Answer(json.dumps({"data": listed}).encode(), headers=kind, framing="length")
        return answer(text(f"got {len(received.body)} bytes"))

    world.server.script(give)
    with world.run(rows=150) as terminal:
        until(terminal, "keys")
        terminal.type("!cat output\r")
        until(terminal, "send along")
        terminal.type(CTRL_T)
        until(terminal, "o050")
        terminal.type("see @f08")
        until(terminal, "⟨U+E01EF⟩ ok")
        terminal.type("\t and @f079 ")
        terminal.read_for(0.2)
        terminal.type("\r")
        until(terminal, " bytes")
        terminal.type(CTRL_O)
        until(terminal, "l000")
        page_through(terminal, names("l"))
        terminal.type("\r")  # asked from now on
        until(terminal, "from now on")
        terminal.type("\x12")  # what was typed before
        until(terminal, "see @")
        terminal.type("\x1b")
        terminal.read_for(0.3)
        terminal.type("\x15")
        output = leave(terminal)
    lines = [name for name, said in zip(names("o"), CORPUS, strict=True) if "\r" not in said]
    check(output, lines, names("l"))


def test_in_what_the_model_is_told(world: World) -> None:
    inner = world.work / file_names("k")[0] / "k \x1b[31m\u202e\n"  # instructions are named by it
    inner.mkdir(parents=True)
    for name in (inner / "AGENTS.md", world.work / ".chatterm" / "system.md"):
        name.parent.mkdir(exist_ok=True)
        letter = "g" if name.name == "AGENTS.md" else "y"
        name.write_text("\n".join(numbered(WRITABLE, letter)), errors="replace")
    prompts = world.work / ".chatterm" / "prompts"
    prompts.mkdir()
    for number, said in enumerate(WRITABLE):
        about = "".join(f"\\U{ord(each):08X}" for each in said)
        head = f'+++\ndescription = "d{number:03} {about} ok"\n+++\n'
        (prompts / f"p{number:03}.md").write_text(f"{head}x{number:03} {said} end", "utf-8")
    for name in file_names("b"):
        (prompts / f"{name}.md").touch()
    world.server.script_posts(answer(text("first end")), answer(text("second end")))
    with world.run(rows=460, cwd=inner) as terminal:
        until(terminal, "keys")
        last = f"{len(WRITABLE) - 1:03}"
        opens(terminal, "/instructions\r", f"g{last}")
        closes(terminal)
        opens(terminal, "/system\r", f"g{last}")
        closes(terminal)
        opens(terminal, "/prompts\r", "/p000")
        page_through(terminal, names("b"))
        closes(terminal)
        opens(terminal, "/p0", "d000")  # what fits is painted by itself in the name
        terminal.type("\x15/p000\r")
        until(terminal, "first end")
        terminal.type("/p001 and more\r")
        until(terminal, "second end")
        output = leave(terminal)
    told = [names(letter, len(WRITABLE)) for letter in "gyd"]
    check(output, *told, names("b"), ["x000", "x001"])
