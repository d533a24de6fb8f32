"""The way into the app: its few options are read here, so that nothing heavy comes before it."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from chatterm.cli.commands import COMMANDS
from chatterm.cli.logs import set_up_logging
from chatterm.errors import UsageError
from chatterm.talking.options import AppOptions

if TYPE_CHECKING:
    from chatterm.steps import Attachment

_MOST_BYTES = 64 * 1024 * 1024
_WITH_VALUE = frozenset({"--config", "--data-dir", "--mode", "-m", "--model"})
_FLAGS = frozenset(
    {
        *("-c", "--continue", "--debug", "--plain", "--no-plain"),
        *("--instructions", "--no-instructions"),
    }
)
_RESUME = frozenset({"-r", "--resume"})


@dataclass(slots=True)
class _Read:
    """A command line as it was read."""

    words: list[str]
    values: dict[str, str]
    flags: set[str]
    resume: str | None = None
    after: str = ""  # what stands behind the first word
    message: bool = False  # it stands behind `--`


def app_options(arguments: Sequence[str]) -> AppOptions | None:
    """The options of the app; None where the command line is for a command, or asks for help.

    Args:
        arguments: The words after the program's name.

    Raises:
        UsageError: It is for the app, and wrong.
    """
    read = _Read([], {}, set())
    for_app = _read(list(arguments), read)
    _check_command(read)
    if not for_app:
        return None
    mode = read.values.get("--mode")
    if mode is not None:
        _check_mode(mode)
    go_on = bool({"-c", "--continue"} & read.flags)
    if go_on and read.resume is not None:
        raise UsageError("--continue and --resume don't go together")
    if read.values.get("--config"):
        from chatterm.config.paths import use_config

        use_config(read.values["--config"])
    if read.values.get("--data-dir"):
        os.environ["CHATTERM_DATA_DIR"] = str(Path(read.values["--data-dir"]).absolute())
    if "--debug" in read.flags:
        os.environ["CHATTERM_DEBUG"] = "1"
    return AppOptions(
        prompt=" ".join(read.words),
        go_on=go_on,
        resume=read.resume or None,
        pick=read.resume == "",
        model=read.values.get("--model") or read.values.get("-m"),
        mode=mode,
        debug=bool(os.environ.get("CHATTERM_DEBUG")),
        instructions=_instructions(read.flags),
        plain=_plain(read.flags),
    )


def run_app(options: AppOptions) -> int:
    """Run the app, or the same line by line, and return its exit status.

    Raises:
        ChattermError: It can't begin.
    """
    from dataclasses import replace

    set_up_logging(debug=options.debug)
    if not os.isatty(1):
        raise UsageError(
            "the app needs a terminal, and standard output isn't one",
            hint='`chatterm ask "…"` answers into a pipe or a file',
        )
    from chatterm.config import config_path, load_config
    from chatterm.linear.wanted import reason

    where = config_path()
    config = load_config(where.path, required=where.explicit)
    why = reason(options.plain, config.ui.plain, os.environ)
    attachment = _piped()
    if attachment is not None:
        options = replace(options, attachments=(attachment,))
    if why is not None:
        from chatterm.linear.start import start as start_linear

        return start_linear(options, config, why)
    from chatterm.tui.start import start

    return start(options, config)


def _plain(flags: set[str]) -> bool | None:
    """What the command line says of the linear mode."""
    said = {"--plain", "--no-plain"} & flags
    if len(said) > 1:
        raise UsageError("--plain and --no-plain don't go together")
    return None if not said else "--plain" in said


def _instructions(flags: set[str]) -> bool | None:
    if "--no-instructions" in flags:
        return False
    return True if "--instructions" in flags else None


def _check_mode(mode: str) -> None:
    from chatterm.config import MODES

    if mode not in MODES:
        raise UsageError(f"there is no mode {mode[:40]!a}", hint=f"there are {', '.join(MODES)}")


def _check_command(read: _Read) -> None:
    """Refuse what was meant as a command and is misspelt: it would be sent as a message.

    Raises:
        UsageError: It is near the name of a command, and alone, or goes on as that command does.
    """
    word = read.words[0] if read.words else ""
    if read.message or not word or " " in word or word in COMMANDS:
        return
    from difflib import get_close_matches

    alone = len(read.words) == 1
    near = get_close_matches(word, COMMANDS, 1, 0.75 if alone else 0.8)
    if not near or not (alone or _goes_on(near[0], read.after)):
        return
    begin = word if alone else f"{word} {read.after}"
    raise UsageError(
        f"there is no command {word[:40]!a}; did you mean {near[0]}?",
        hint=f"to send it as a message: chatterm -- {begin[:40]}{'' if alone else ' …'}",
    )


def _goes_on(command: str, after: str) -> bool:
    """Whether what stands after a command's name is an option, or a command of its own."""
    if after.startswith("-"):
        return after != "-"
    from importlib import import_module

    commands = import_module(COMMANDS[command][0]).app.registered_commands
    names = {each.name or each.callback.__name__.replace("_", "-") for each in commands}
    return after in (names if len(commands) > 1 else {"install"} if command == "models" else ())


def _read(arguments: list[str], read: _Read) -> bool:
    """Read a command line as the app's; whether it is."""
    plain = False
    while arguments:
        word = arguments.pop(0)
        if plain or not word.startswith("-") or word == "-":
            if not read.words:
                if not plain and word in COMMANDS:
                    return False
                read.after, read.message = arguments[0] if arguments else "", plain
            read.words.append(word)
            continue
        name, equals, value = word.partition("=")
        if word == "--":
            plain = True
        elif name in _RESUME:
            read.resume = value if equals else _id_after(arguments)
        elif name in _WITH_VALUE:
            if not equals and not arguments:
                raise UsageError(f"{name} needs a value", hint="`chatterm --help` says more")
            read.values[name] = value if equals else arguments.pop(0)
        elif word in _FLAGS:
            read.flags.add(word)
        else:
            return False  # help, the version, completion, or what isn't an option at all
    return True


def _id_after(arguments: list[str]) -> str:
    """The id that may follow `--resume`: of hexadecimal digits, so that a message isn't one."""
    if arguments and all(each in "0123456789abcdef" for each in arguments[0].lower()):
        return arguments.pop(0)
    return ""


def _piped() -> Attachment | None:
    """What is piped in, as an attachment; keys come from the terminal then."""
    try:
        if sys.stdin is None or os.isatty(0):
            return None
        blocks, size = [], 0
        while block := os.read(0, 1 << 16):
            blocks.append(block)
            size += len(block)
            if size > _MOST_BYTES:
                raise UsageError(f"standard input is larger than {_MOST_BYTES >> 20} MiB")
    except OSError:
        return None  # closed
    try:
        terminal = os.open("/dev/tty", os.O_RDWR)
    except OSError as error:
        raise UsageError(
            f"there is no terminal to take keys from: {error.strerror or error}",
            hint='`… | chatterm ask "…"` needs none',
        ) from error
    os.dup2(terminal, 0)
    os.close(terminal)
    data = b"".join(blocks)
    if not data.strip():
        return None
    from chatterm.agent.attaching import attachment_of, decoded, media_type_of_content

    kind = media_type_of_content(data)
    if kind is None:
        data = decoded(data, "standard input", lambda _said: None).encode()
        kind = "text/plain"
    return attachment_of("stdin", kind, data)
