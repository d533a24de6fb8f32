"""The main states of the app, each made on the stage."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from chatterm.assembly import Clock
from chatterm.errors import ErrorKind, Failure
from chatterm.providers.demo import DemoProvider
from chatterm.session import Prompt, Session
from chatterm.steps import (
    Attachment,
    Citation,
    FinishReason,
    Outcome,
    Status,
    TurnStatus,
    UserInput,
)
from chatterm.tui.screens.help import Help
from chatterm.tui.screens.menu import Menu
from chatterm.tui.screens.pager import Pager
from chatterm.tui.screens.picker import Picker
from chatterm.tui.side import WIDE
from chatterm.tui.timeline import TimelineScreen
from tui.stage import BEGAN, Stage, Told, edit_of

Play = Callable[[Stage], Awaitable[None]]


@dataclass(frozen=True)
class Scene:
    """A state of the app.

    Attributes:
        play: Brings the app there.
        size: Columns and rows.
        theme: The theme's name; empty is none, as with NO_COLOR.
        rows: Only so many of the last rows are looked at; 0 is all.
        plain: With the signs of ASCII.
    """

    play: Play
    size: tuple[int, int] = (80, 24)
    theme: str = "dark"
    rows: int = 0
    plain: bool = False


SCENES: dict[str, Scene] = {}

QUESTION = "Why does the parser drop the last event when the server closes early?"
THOUGHT = (
    "The buffer is only flushed on a blank line, so if the connection closes between the last "
    "data line and the blank line we lose it. Let me check where the stream ends in the "
    "transport, and who calls it. If nobody calls finish(), that is where the event goes."
)
ANSWER = """The decoder only emits an event at a **blank line**, so a stream that ends
without one loses what is in the buffer. Two places matter:

1. `feed()` keeps the partial event in `self._data` until a blank line comes.
2. nothing calls `finish()` when the body ends.

```python
def finish(self) -> Iterator[Event]:
    if self._data:  # the last event
        yield self._emit("message")
```

Calling it from the transport's `finally` block mends both."""
READ = "".join(f"{n:>5}\tline {n}\n" for n in range(40, 97))
FOUND = "src/wire/sse.py\n  12: flush\n  40: flush()\nsrc/wire/transport.py\n  7: flush\n  9: flush"
COMMAND = "pytest -q tests/wire && git diff --stat"
DIFF = """--- a/src/wire/sse.py
+++ b/src/wire/sse.py
@@ -88,7 +88,12 @@
     def feed(self, chunk: bytes) -> Iterator[Event]:
         self._data += chunk
-        return self._lines()
+        yield from self._lines()
+
+    def finish(self) -> Iterator[Event]:
+        if self._data:
+            yield self._emit()

     def _lines(self) -> Iterator[Event]:
"""
EDIT = {
    "path": "src/wire/sse.py",
    "old": "        return self._lines()\n",
    "new": "        yield from self._lines()\n\n    def finish(self) -> Iterator[Event]:\n"
    "        if self._data:\n            yield self._emit()\n",
}
OUTPUT = (
    "exit status 1, 3.2 s\n"
    "\x1b[1m============ test session starts ============\x1b[0m\n"
    + "".join(f"tests/wire/test_sse.py::test_{n} \x1b[32mPASSED\x1b[0m\n" for n in range(30))
    + "tests/wire/test_end.py::test_close \x1b[31mFAILED\x1b[0m\n"
    "\x1b[31m1 failed\x1b[0m, \x1b[32m30 passed\x1b[0m in 3.12s\n"
)


def scene(*names: str, **options: object) -> Callable[[Play], Play]:
    """Register a scene under its function's name, or several under a name each."""

    def register(play: Play) -> Play:
        SCENES[names[0] if names else play.__name__] = Scene(play, **options)  # type: ignore[arg-type]
        return play

    return register


def looked(stage: Stage) -> Told:
    """A turn that has thought and looked at the code."""
    told = stage.turn(QUESTION)
    told.think(THOUGHT)
    read = told.call("read_file", {"path": "src/wire/sse.py", "offset": 40, "limit": 57})
    found = told.call("search", {"pattern": "flush", "path": "src", "glob": "**.py"})
    told.result(read, READ)
    told.result(found, FOUND)
    return told


def answered(stage: Stage) -> Told:
    """A turn that has ended."""
    told = looked(stage)
    cited = ANSWER.index("both") + 4
    source = Citation("Server-sent events", "https://html.spec.whatwg.org", cited - 4, cited)
    told.say(ANSWER, citations=(source,))
    told.end(input=31_200, output=1_412, reasoning=840, cost_usd=0.041)
    return told


def found_call(stage: Stage, name: str) -> object:
    return next(item for item in stage.chat.pane.items if getattr(item, "kind", "") == name)


# --- beginning ---


@scene()
async def empty(stage: Stage) -> None:
    await stage.until(lambda: stage.says("Pick up again"))


@scene()
async def no_model(stage: Stage) -> None:
    await stage.until(lambda: stage.says("Pick up again"))
    talk = stage.chat.talk
    talk.config = replace(talk.config, model=None)
    await talk.choose("demo")


@scene(size=(100, 130))
async def demo(stage: Stage) -> None:
    session = Session(None, origin="app", clock=Clock(lambda: BEGAN, lambda: 0.0))
    prompt = Prompt(UserInput("What can you do?"), DemoProvider(pace=0), "demo", turn="tour")
    stage.play([event async for event in session.run_all(prompt)])


# --- a turn ---


@scene()
async def finished(stage: Stage) -> None:
    answered(stage)


@scene(size=(120, 40))
async def finished_wide(stage: Stage) -> None:
    answered(stage)


@scene()
async def thinking(stage: Stage) -> None:
    told = stage.turn(QUESTION)
    told.think(THOUGHT, 4.0, ends=False)


@scene()
async def thinking_unfolded(stage: Stage) -> None:
    told = stage.turn(QUESTION)
    told.think(THOUGHT, summary=True)
    told.say("It is the buffer.", ends=False)
    found_call(stage, "thinking").fold(unfolded=True)


@scene()
async def writing_shell(stage: Stage) -> None:
    told = looked(stage)
    told.write("shell", '{"command": "pytest -q tests/wire && \\\\\\n  git diff --st')


@scene()
async def writing_edit(stage: Stage) -> None:
    told = looked(stage)
    told.write(
        "edit_file",
        '{"path": "src/wire/sse.py", "old": "        return self._lines()\\n", '
        '"new": "        yield from self._lines()\\n\\n    def finish(self):\\n        if self',
    )


@scene()
async def running(stage: Stage) -> None:
    told = looked(stage)
    call = told.call("shell", {"command": COMMAND})
    waiting = told.call("shell", {"command": "git log --oneline"})
    told.allow(call)
    told.output(call, OUTPUT.split("\n", 1)[1], 3.0)
    assert waiting


@scene()
async def finished_calls(stage: Stage) -> None:
    told = looked(stage)
    test = told.call("shell", {"command": COMMAND})
    edit = told.call("edit_file", EDIT)
    denied = told.call("shell", {"command": "git push --force"})
    told.result(test, OUTPUT, 3.2, Outcome.FAILED, exit_code=1)
    told.result(edit, "edited", edits=edit_of("src/wire/sse.py"))
    told.result(denied, "the user said no: not yet", outcome=Outcome.DENIED)
    told.end(input=31_200, output=1_412, cost_usd=0.041)


@scene(size=(80, 60))
async def unfolded_calls(stage: Stage) -> None:
    await finished_calls(stage)
    for item in stage.chat.pane.items:
        if getattr(item, "kind", "") == "tool" and item.call.name != "read_file":
            item.fold(unfolded=True)


@scene()
async def interrupted(stage: Stage) -> None:
    told = looked(stage)
    call = told.call("shell", {"command": COMMAND})
    told.result(call, "exit status -15, 2.0 s\n=== test session starts", 2.0, Outcome.CANCELLED)
    written = "The decoder only emits an event at a blank"
    text = told.say(written, ends=False)
    told.finish(text, Status.INTERRUPTED, text=written)
    told.end(TurnStatus.INTERRUPTED, FinishReason.INTERRUPTED, input=9_000, output=300)


@scene()
async def failed(stage: Stage) -> None:
    told = stage.turn(QUESTION)
    told.think(THOUGHT, 3.0)
    failure = Failure(
        ErrorKind.OVERLOADED,
        "the server is overloaded: too many requests, please try again later",
        529,
        "req_011CSHoEeqs5C35K2UUqR7Fy",
        retryable=True,
        hint="it was tried 3 times; wait a little, or change the model",
    )
    told.end(TurnStatus.FAILED, FinishReason.ERROR, failure)


@scene()
async def refusal(stage: Stage) -> None:
    told = stage.turn("How do I pick this lock?")
    told.refuse("I can't help with opening a lock that isn't yours.")
    told.end(TurnStatus.INCOMPLETE, FinishReason.REFUSAL, input=300, output=30)


@scene()
async def notices(stage: Stage) -> None:
    told = stage.turn(QUESTION)
    told.notice("compacted", "12 older turns are summarised from here on: 84k tokens became 3.1k")
    told.notice("retry", "the server didn't answer in time; asked again after 2 s")
    told.say("The decoder only emits an event at a blank line, so a stream that ends without")
    told.end(TurnStatus.INCOMPLETE, FinishReason.LENGTH, input=9_000, output=4_096)


@scene()
async def message_long(stage: Stage) -> None:
    lines = "\n".join(f"line {n} of what was pasted" for n in range(30))
    files = [
        Attachment("screenshot.png", "image/png", 84_213, "0"),
        Attachment("sse.py", "", 0, "1"),
    ]
    told = stage.turn(f"Look at this:\n{lines}", *files)
    told.say("I see.")
    told.end(input=300, output=3)


# --- asking ---


@scene()
async def asking_shell(stage: Stage) -> None:
    told = looked(stage)
    await stage.ask_about(told, told.call("shell", {"command": COMMAND}))


@scene()
async def asking_long(stage: Stage) -> None:
    told = stage.turn(QUESTION)
    command = "cat <<'EOF' > notes.md\n# Notes\n\nA line that is much longer than the box is wide, "
    command += "so that it has to go on in the next row\n\tindented\u202e with a trap\nEOF"
    call = told.call("shell", {"command": command})
    others = (told.call("shell", {"command": "date"}), told.call("shell", {"command": "ls"}))
    await stage.ask_about(told, call, others=others, reason="it writes a file in the workspace")


@scene(size=(80, 32))
async def asking_edit(stage: Stage) -> None:
    told = looked(stage)
    await stage.ask_about(told, told.call("edit_file", EDIT), diff=DIFF)


@scene()
async def asking_rule(stage: Stage) -> None:
    await asking_shell(stage)
    await stage.press("a")


@scene()
async def asking_note(stage: Stage) -> None:
    await asking_shell(stage)
    await stage.press("tab")
    await stage.type("run only the wire tests")


@scene()
async def asking_noted(stage: Stage) -> None:
    await asking_note(stage)
    await stage.press("enter", "right", "right")


@scene()
async def asking_draft(stage: Stage) -> None:
    await stage.type("and then also")
    await asking_shell(stage)


@scene(size=(50, 30))
async def asking_narrow(stage: Stage) -> None:
    await asking_shell(stage)


# --- the prompt ---


@scene()
async def queued(stage: Stage) -> None:
    await thinking(stage)
    session = stage.chat.talk.session
    for text in ("look at the transport first", "also add a test for CRLF, and one for a stream"):
        session.enqueue(text)
    stage.chat.on_change()


@scene()
async def queued_many(stage: Stage) -> None:
    await thinking(stage)
    for number in range(1, 8):
        stage.chat.talk.session.enqueue(f"message {number}")
    stage.chat.on_change()


@scene()
async def prompt_lines(stage: Stage) -> None:
    answered(stage)
    stage.chat.prompt.write("Then please:\n- call finish() in the transport\n- add a test")


@scene()
async def commands(stage: Stage) -> None:
    await stage.type("/mo")
    await stage.until(lambda: stage.chat.suggestions.shown)


@scene()
async def files(stage: Stage) -> None:
    await stage.type("look at @sse")
    await stage.until(lambda: stage.says("src/wire/sse.py"))


# --- reading ---


@scene()
async def finding(stage: Stage) -> None:
    answered(stage)
    stage.chat.do("find")
    await stage.pilot.pause()
    await stage.type("event")


@scene()
async def found(stage: Stage) -> None:
    answered(stage)
    stage.chat.do("find:event")


@scene()
async def cursor(stage: Stage) -> None:
    answered(stage)
    await stage.settle()
    await stage.press("ctrl+up", "ctrl+up")


@scene()
async def menu(stage: Stage) -> None:
    await cursor(stage)
    await stage.press("m")
    await stage.until(lambda: isinstance(stage.app.screen, Menu))


@scene(size=(80, 32))
async def branches(stage: Stage) -> None:
    answered(stage)
    item = found_call(stage, "user")
    item.tell_branch(2, 3)


@scene()
async def editing(stage: Stage) -> None:
    answered(stage)
    await stage.settle()
    stage.chat.do("edit_last")


@scene(size=(100, 32))
async def timeline(stage: Stage) -> None:
    answered(stage)
    stage.chat.do("timeline")
    beside = stage.chat.size.width >= WIDE
    await stage.until(lambda: beside or isinstance(stage.app.screen, TimelineScreen))
    await stage.until(lambda: stage.says("total"))


@scene()
async def timeline_running(stage: Stage) -> None:
    await running(stage)
    stage.chat.do("timeline")
    await stage.until(lambda: isinstance(stage.app.screen, TimelineScreen))


@scene()
async def pager(stage: Stage) -> None:
    await finished_calls(stage)
    tools = [item for item in stage.chat.pane.items if getattr(item, "kind", "") == "tool"]
    stage.chat.pane.set_cursor(tools[2].key)
    stage.chat.do("open")
    await stage.until(lambda: isinstance(stage.app.screen, Pager))


@scene()
async def pager_search(stage: Stage) -> None:
    await pager(stage)
    await stage.pilot.pause()
    await stage.press("/", *"test", "enter", "n")


# --- choosing ---


async def _picker(stage: Stage, deed: str, words: str) -> None:
    await stage.until(lambda: stage.chat.talk.tooling is not None)
    stage.chat.do(deed)
    await stage.until(lambda: isinstance(stage.app.screen, Picker) and stage.says(words))


@scene()
async def models(stage: Stage) -> None:
    await _picker(stage, "model", "gemma3")
    await stage.until(lambda: stage.says("$1.25/$10"))


@scene(size=(120, 40))
async def conversations(stage: Stage) -> None:
    await _picker(stage, "conversations", "it is there")


@scene(size=(100, 32))
async def theme_picker(stage: Stage) -> None:
    await _picker(stage, "theme", "found")


@scene()
async def mode_picker(stage: Stage) -> None:
    await _picker(stage, "mode", "yolo")


@scene()
async def palette(stage: Stage) -> None:
    await _picker(stage, "palette", "Message and turn")


@scene(size=(100, 32))
async def help_screen(stage: Stage) -> None:
    answered(stage)
    stage.chat.do("help")
    await stage.until(lambda: isinstance(stage.app.screen, Help) and stage.says("Message and turn"))


# --- the setup ---


async def _setup(stage: Stage, *steps: tuple[str, str]) -> None:
    """Go through the setup: what has to be on the screen, and the key that is pressed then."""
    await stage.until(lambda: stage.chat.talk.tooling is not None)
    stage.chat.do("setup")
    await stage.until(lambda: stage.says("ollama"))
    await stage.until(lambda: not stage.says("looking at"))
    for words, key in steps:
        await stage.until(lambda words=words: stage.says(words))
        await stage.press(key)


@scene()
async def setup_who(stage: Stage) -> None:
    await _setup(stage)


@scene()
async def setup_tried(stage: Stage) -> None:
    await _setup(stage, ("setup 1/5", "down"), ("setup 1/5", "enter"))
    await stage.until(lambda: stage.says("it works"))


@scene()
async def setup_rejected(stage: Stage) -> None:
    await _setup(stage, ("setup 1/5", "enter"))
    await stage.until(lambda: stage.says("rejected"))


@scene()
async def setup_without_keyring(stage: Stage) -> None:
    await _setup(stage)
    await stage.type("anthropic")
    await stage.press("enter")
    await stage.until(lambda: stage.says("A key can't be kept here"))


@scene()
async def setup_end(stage: Stage) -> None:
    chosen = ("setup 1/5", "down"), ("setup 1/5", "enter")
    await _setup(stage, *chosen, ("it works", "enter"), ("setup 3/5", "enter"))
    await stage.until(lambda: stage.says("setup 4/5"))
    await stage.press("tab")
    await stage.until(lambda: stage.says("setup 5/5"))


# --- sizes and themes ---

for _width in (40, 80, 120, 300):
    SCENES[f"status_{_width}"] = Scene(queued, (_width, 24), rows=6)
for _theme in ("light", "contrast", "ansi", ""):
    _name = _theme or "no_colour"
    SCENES[f"theme_{_name}"] = Scene(finished_calls, theme=_theme)
    SCENES[f"theme_{_name}_asking"] = Scene(asking_noted, theme=_theme)
    SCENES[f"theme_{_name}_picker"] = Scene(models, theme=_theme)
    SCENES[f"theme_{_name}_text"] = Scene(found, theme=_theme)
SCENES["timeline_wide"] = Scene(timeline, (170, 32))
SCENES["ascii"] = Scene(finished_calls, plain=True)
SCENES["ascii_asking"] = Scene(asking_long, plain=True)
SCENES["small"] = Scene(finished, (40, 15))
SCENES["small_empty"] = Scene(empty, (40, 15))
for _name, _scene in {"who": setup_who, "end": setup_end}.items():
    SCENES[f"setup_{_name}_small"] = Scene(_scene, (40, 15))
    SCENES[f"setup_{_name}_wide"] = Scene(_scene, (120, 40), theme="light")
SCENES["small_no_model"] = Scene(no_model, (40, 15))
SCENES["small_asking"] = Scene(asking_shell, (40, 15))
