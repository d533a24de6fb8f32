"""Deeds that choose: the model, a conversation, a theme, the mode; the palette and the help."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

from chatterm.errors import ChattermError, ConfigError, ErrorKind
from chatterm.talking.offering import MODE_TEXTS
from chatterm.tui.deeds.deed import Deed

if TYPE_CHECKING:
    from chatterm.config.schema import Mode
    from chatterm.tui.chat import Chat


async def palette(chat: Chat, _: str) -> None:
    """Everything that can be done, by name."""
    from chatterm.tui.deeds.every import DEEDS
    from chatterm.tui.screens.picker import Choice, Picker

    choices = [
        Choice(
            deed.name,
            deed.text,
            chat.keys_of(deed.name) or f"/{deed.slash}",
            deed.group,
            search=deed.slash,
        )
        for deed in DEEDS
        if not deed.hidden and deed.name != "palette" and deed.offered(chat)
    ]
    choices += [
        Choice(f"/{name}", about, f"/{name}", "Prompts", search=name)
        for name, about in chat.templates.offered().items()
    ]
    picked = await chat.app.push_screen_wait(Picker(chat.palette, "Do", choices))
    if picked is None:
        return
    if picked.choice.key.startswith("/"):
        chat.prompt.put_back(f"{picked.choice.key} ")
        chat.prompt.focus()
    else:
        chat.do(picked.choice.key)


def help_(chat: Chat, _: str) -> None:
    """The keys."""
    from chatterm.tui.deeds.every import DEEDS
    from chatterm.tui.screens.help import Help

    groups: dict[str, list[tuple[str, str]]] = {}
    for deed in DEEDS:
        if deed.hidden or not deed.offered(chat):
            continue
        keys = chat.keys_of(deed.name)
        given = f"/{deed.slash} {deed.takes}".rstrip()
        groups.setdefault(deed.group, []).append((keys or given, deed.text))
    for name, about in chat.templates.offered().items():
        groups.setdefault("Prompts", []).append((f"/{name}", about))
    send, later, newline = (_prompt_keys(chat, name) for name in ("send", "send_later", "newline"))
    prompt = [
        (send, "send; while a turn runs, at the next round's end"),
        (later, "send; while a turn runs, at its end"),
        (f"{newline}, \\ {send}", "a new line"),
        ("Up, Down", "earlier prompts"),
        ("Ctrl+_, Ctrl+Y", "undo, redo"),
        ("@", "attach a file"),
        ("/", "a command"),
        ("!", "run a command yourself"),
        ("Ctrl+D", "quit, when the prompt is empty"),
        ("Tab", "to the conversation, with an empty prompt"),
    ]
    chat.app.push_screen(Help(chat.palette, [("The prompt", prompt), *groups.items()]))


def _prompt_keys(chat: Chat, name: str) -> str:
    from chatterm.tui.keys import prompt_keys, shown_key

    return ", ".join(map(shown_key, prompt_keys(chat.talk.config.ui.keys, name)))


async def pick_model(chat: Chat, given: str) -> None:
    """Choose who is asked."""
    from chatterm.tui.choosing_models import pick

    name = given or await pick(chat)
    if name:
        try:
            await chat.talk.choose(name)
            chat.say(f"from now on: {chat.model_name}")
        except ChattermError as error:
            _tell(chat, error)


def _tell(chat: Chat, error: ChattermError) -> None:
    """Tell of a name that is none for a moment; of all else where it stays."""
    if isinstance(error, ConfigError) and error.kind is ErrorKind.NOT_FOUND:
        near = "did you mean" in error.message or not error.hint
        chat.say(error.message if near else f"{error.message}; {error.hint}")
    else:
        chat.on_trouble(error)


async def conversations(chat: Chat, given: str) -> None:
    """Choose a conversation to go on with, of those that words find."""
    from chatterm.tui.choosing_conversations import pick

    await pick(chat, given)


async def server(chat: Chat, _: str) -> None:
    """Choose one of the conversations that the provider's server keeps."""
    from chatterm.tui.choosing_kept import pick

    await pick(chat)


def _keeps(chat: Chat) -> bool:
    from chatterm.talking.kept import keeps

    return keeps(chat.talk)


async def new(chat: Chat, _: str) -> None:
    """Begin another conversation."""
    await chat.begin_anew()


async def theme(chat: Chat, given: str) -> None:
    """Choose the colours, with a preview."""
    from chatterm.tui.choosing_themes import pick

    try:
        await pick(chat, given)
    except ChattermError as error:
        _tell(chat, error)


async def mode(chat: Chat, given: str) -> None:
    """Choose the permission mode."""
    from chatterm.config import MODES
    from chatterm.render.lines import Span
    from chatterm.tui.screens.picker import Choice, Picker

    if not given:
        widest = max(map(len, MODES))
        choices = [
            Choice(name, (Span(f"{name:{widest}}  "), Span(MODE_TEXTS[name], ("muted",))))
            for name in MODES
        ]
        picked = await chat.app.push_screen_wait(
            Picker(chat.palette, "Mode", choices, current=chat.talk.mode)
        )
        given = picked.choice.key if picked is not None else ""
    if given in MODES:
        await _set_mode(chat, cast("Mode", given))
    elif given:
        chat.say(f"there is no mode {given[:20]!a}; there are {', '.join(MODES)}")


async def next_mode(chat: Chat, _: str) -> None:
    """The next mode; never yolo."""
    from chatterm.config import MODES

    tooling = chat.talk.tooling
    caged = tooling is not None and tooling.level.caged
    modes = [name for name in MODES if name != "yolo" and (name != "caged" or caged)]
    at = modes.index(chat.talk.mode) if chat.talk.mode in modes else -1
    await _set_mode(chat, cast("Mode", modes[(at + 1) % len(modes)]))


async def _set_mode(chat: Chat, wanted: Mode) -> None:
    if wanted == "yolo" and chat.talk.mode != "yolo":
        from chatterm.tui.screens.entry import Entry

        def typed(text: str) -> str | None:
            return None if text.strip() == "yolo" else "type yolo, or press Esc"

        title = "Nothing will be asked any more, only deny rules hold. Type yolo to want that."
        if await chat.app.push_screen_wait(Entry(chat.palette, title, validate=typed)) is None:
            return
    try:
        chat.talk.set_mode(wanted)
    except ChattermError as error:
        chat.on_trouble(error)
    if (counts := chat.talk.mode_in_force) != chat.talk.mode:
        chat.say(f"the project's configuration asks for {counts}, which is stricter")


async def rename(chat: Chat, given: str) -> None:
    """Give the conversation another title."""
    from chatterm.tui.screens.entry import Entry

    if chat.talk.session.head is None:
        chat.say("there is no conversation yet")
        return
    title: str | None = given
    if not given:
        title = await chat.app.push_screen_wait(Entry(chat.palette, "Title", chat.talk.title))
    if title and title.strip():
        await chat.talk.rename(title.strip())


async def export(chat: Chat, given: str) -> None:
    """Write the conversation to a file: .md, .txt, .html, .jsonl."""
    from chatterm.tui.exporting import export as write

    await write(chat, given)


async def trust(chat: Chat, _: str) -> None:
    """Trust this directory: its own configuration and instructions count in full."""
    from chatterm.tui.screens.entry import Confirm

    tooling = chat.talk.tooling
    if tooling is None or tooling.ground.workspace is None:
        chat.say("there is no workspace here to trust")
        return
    workspace = tooling.ground.workspace
    if await chat.app.push_screen_wait(Confirm(chat.palette, f"Trust {workspace}?")):
        await asyncio.to_thread(tooling.ground.memory.trust, workspace)
        from dataclasses import replace

        tooling.gate.posture = replace(tooling.gate.posture, trusted=True)
        chat.say("trusted")


async def setup(chat: Chat, _: str) -> None:
    """Find a model and try it, choose the colours, write the configuration."""
    from chatterm.tui.setup.flow import set_up

    outcome = await set_up(chat)
    chat.say(outcome.said)


def open_log(chat: Chat, _: str) -> None:
    """Show the log file."""
    from chatterm.config import log_dir

    path = log_dir() / "chatterm.log"
    try:
        text = path.read_text("utf-8", "replace")[-500_000:]
    except OSError as error:
        chat.say(f"can't read {path}: {error.strerror or error}")
        return
    chat.run_worker(chat.show_text(str(path), text))


_G = "Choosing"
CHOOSING = (
    Deed("palette", "everything that can be done", _G, palette, "ctrl+p"),
    Deed("help", "the keys", _G, help_, "f1"),
    Deed("help_here", "the keys", _G, help_, "question_mark", reading=True, hidden=True),
    Deed("model", "who is asked", _G, pick_model, "ctrl+o", takes="PROVIDER/MODEL"),
    Deed("pick_model", "change the model", _G, pick_model, hidden=True),
    Deed("conversations", "go on with another conversation", _G, conversations, "ctrl+s"),
    Deed("server", "a conversation that the server keeps", _G, server, offered=_keeps),
    Deed("new", "begin another conversation", _G, new, "ctrl+n"),
    Deed("rename", "give the conversation a title", _G, rename, takes="TITLE"),
    Deed("export", "write the conversation to a file", _G, export, takes="FILE"),
    Deed("mode", "the permission mode", _G, mode, takes="MODE"),
    Deed("next_mode", "the next mode", _G, next_mode, "shift+tab"),
    Deed("trust", "trust this directory", _G, trust),
    Deed("theme", "the colours", _G, theme, "f2", takes="NAME"),
    Deed("setup", "find a model, try it, write the configuration", _G, setup),
    Deed("open_log", "show the log file", _G, open_log),
)
