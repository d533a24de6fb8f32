"""The commands of the linear mode, each with its name and words: those of the app's deeds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chatterm.linear import branching, choosing, guiding, kept, models, reading, saving, turning
from chatterm.linear.own import send_along

if TYPE_CHECKING:
    from chatterm.linear.conversation import Conversation

Run = Callable[["Conversation", str], None]


@dataclass(frozen=True, slots=True)
class Command:
    """Something that can be done.

    Attributes:
        name: What is typed after the slash.
        text: What it does, for people; of a deed of the app, in that deed's words.
        run: Does it. Takes what was typed behind the name.
        takes: What may follow the name.
        aliases: Other names.
    """

    name: str
    text: str
    run: Run
    takes: str = ""
    aliases: tuple[str, ...] = ()


def command_in(text: str) -> tuple[Command, str] | None:
    """The command that a text names, and what it is given; None where it names none."""
    name, _, given = text.removeprefix("/").partition(" ")
    command = BY_NAME.get(name) if text.startswith("/") else None
    return None if command is None else (command, given.strip())


def help_(here: Conversation, given: str) -> None:
    """What can be typed."""
    wanted = given.removeprefix("/")
    found = [each for each in COMMANDS if wanted in {each.name, *each.aliases}]
    found = found or [each for each in COMMANDS if wanted in f"{each.name} {each.text}"]
    prompts = {
        name: about for name, about in guiding.offered(here).items() if wanted in f"{name} {about}"
    }
    for line in _WRITING if not given else ():
        here.say(line)
    for each in found:
        also = f" (also /{', /'.join(each.aliases)})" if each.aliases else ""
        here.say(f"/{each.name} {each.takes}".rstrip() + f": {each.text}{also}")
    for name, about in prompts.items():
        here.say(f"/{name}: {about}")
    if not found and not prompts:
        here.say(f"There is no command about {given[:40]}.")


def quit_(here: Conversation, _: str) -> None:
    """Leave."""
    here.leaving = True


_WRITING = (
    "A line that you type is sent as a message. A backslash at its end continues it.",
    '""" alone on a line begins a message of several lines, and the same ends it.',
    '@path, or @"a path", attaches a file.',
    "!command runs a command of your own; !!command gives it the terminal.",
    "While a turn runs: a line waits for the round's end, Ctrl+C stops the turn.",
    "Ctrl+C at the prompt clears the line, twice leaves; so does Ctrl+D.",
)

COMMANDS: tuple[Command, ...] = (
    Command("help", "the commands, or those about a word", help_, "WORD"),
    Command("model", "who is asked", models.model, "PROVIDER/MODEL"),
    Command("models", "a numbered list of models to choose from", models.models, "WORDS"),
    Command("mode", "the permission mode", choosing.mode, "MODE"),
    Command("effort", "how hard the model thinks", turning.effort, "LEVEL"),
    Command("system", "the system prompt of this conversation", guiding.system, "TEXT"),
    Command("instructions", "AGENTS.md and its like: see, on, off", guiding.instructions, "on|off"),
    Command("prompts", "your prompts and this project's", guiding.prompts),
    Command("trust", "trust this directory", choosing.trust),
    Command("status", "who is asked, the mode, the directory", choosing.status),
    Command("usage", "tokens, cost and context of this conversation", reading.usage),
    Command("new", "begin another conversation", choosing.new),
    Command(
        "resume", "go on with a conversation", choosing.resume, "ID or WORDS", ("conversations",)
    ),
    Command(
        "server",
        "a conversation that the server keeps",
        kept.server,
        "WORDS, rename WORDS or delete WORDS",
    ),
    Command("rename", "give the conversation a title", choosing.rename, "TITLE", ("title",)),
    Command("fork", "another conversation from here", branching.fork),
    Command("retry", "ask the last message again", branching.retry, "", ("regenerate",)),
    Command(
        "edit-last", "edit the last message and send it anew", branching.edit_last, "", ("edit",)
    ),
    Command("branches", "the branches of this conversation, to choose one", branching.branches),
    Command("go-on", "have the model go on", turning.go_on),
    Command("undo", "take back an edit", saving.undo),
    Command("compact", "summarise older turns", turning.compact),
    Command("expand", "undo a summary", turning.expand),
    Command("queue", "keep a message for the turn's end", turning.queue, "MESSAGE"),
    Command("waiting", "the messages that wait", turning.waiting),
    Command("send-waiting", "send what waits", turning.send_waiting),
    Command("edit-queued", "take the last waiting message back", turning.edit_queued),
    Command("raise-queued", "send the last waiting message first", turning.raise_queued),
    Command("drop-queued", "remove the last waiting message", turning.drop_queued),
    Command("editor", "write the message in your editor", turning.editor),
    Command(
        "search-history", "search earlier prompts", turning.search_history, "WORDS", ("history",)
    ),
    Command("find", "find in the conversation", reading.find, "WORDS"),
    Command("read", "tell the last turns again, so many or all", reading.read, "COUNT or all"),
    Command("open", "the last tool's result in full", reading.open_, "", ("last-result",)),
    Command("thinking", "tell thinking or not; alone, the last one", reading.thinking, "on or off"),
    Command("output", "tell what running tools write, or not", reading.output, "on or off"),
    Command("copy", "copy its text", saving.copy),
    Command("copy-block", "copy a block of code", saving.copy_block),
    Command("save-block", "save a block of code to a file", saving.save_block, "FILE"),
    Command("export", "write the conversation to a file", saving.export, "FILE"),
    Command("send-along", "send the output along", send_along),
    Command("open-log", "show the log file", reading.open_log),
    Command("demo", "play the demo", models.demo),
    Command("quit", "quit; nothing is lost", quit_, "", ("exit",)),
)
BY_NAME = {name: each for each in COMMANDS for name in (each.name, *each.aliases)}
