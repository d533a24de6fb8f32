"""What `ask` sends: the prompt's words, standard input and attached files."""

from __future__ import annotations

import os
import select
import stat
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from chatterm.agent.attaching import (
    MOST_BYTES,
    attach,
    attachment_of,
    decoded,
    media_type_of_content,
)
from chatterm.errors import UsageError
from chatterm.steps import UserInput

# How long a pipe beside a prompt may stay silent before `ask` goes on without it.
SILENCE_S = 3.0
_BLOCK = 1 << 16


def gather_input(
    words: Sequence[str],
    files: Sequence[Path],
    *,
    read_stdin: bool,
    warn: Callable[[str], None],
) -> UserInput:
    """Put together what is sent.

    The prompt and standard input go together: the prompt, then the input in a labelled block.
    Either alone is taken as it is.

    Args:
        words: The prompt's words; a single `-` stands for standard input.
        files: The files to attach.
        read_stdin: False leaves standard input alone.
        warn: Called with a sentence for the user.

    Raises:
        UsageError: There is nothing to send, or a file can't be read or sent.
    """
    from_stdin = list(words) == ["-"]
    if from_stdin and not read_stdin:
        raise UsageError("`-` reads the prompt from standard input, which `-n` leaves alone")
    prompt = "" if from_stdin else " ".join(words)
    attachments = [attach(path, warn) for path in files]
    data = b""
    if from_stdin or read_stdin:
        wait = SILENCE_S if (prompt.strip() or attachments) and not from_stdin else None
        data = _standard_input(wait, warn, ask_terminal=from_stdin)
    kind = media_type_of_content(data)
    if kind is not None:
        attachments.append(attachment_of("stdin", kind, data))
        data = b""
    text = decoded(data, "standard input", warn)
    if prompt.strip() and text.strip():
        text = f"{prompt}\n\n<stdin>\n{text.rstrip(chr(10))}\n</stdin>"
    elif prompt.strip():
        text = prompt
    if not text.strip() and not attachments:
        raise UsageError(
            "there is nothing to ask: no prompt was given and standard input is empty",
            hint='for example: chatterm ask "why is the sky blue?", or … | chatterm ask "sum up"',
        )
    return UserInput(text, tuple(attachments))


def _standard_input(
    silence: float | None, warn: Callable[[str], None], *, ask_terminal: bool
) -> bytes:
    """All of standard input; nothing where it is closed or a terminal that wasn't asked for.

    Args:
        silence: Seconds a pipe or socket may give nothing, or None to wait for ever.
        warn: Called when it gave nothing.
        ask_terminal: Read a terminal too, to its end of file.
    """
    try:
        number = sys.stdin.fileno() if sys.stdin is not None else None
        if number is None or (os.isatty(number) and not ask_terminal):
            return b""
        mode = os.fstat(number).st_mode
    except (OSError, ValueError):  # closed
        return b""
    may_be_silent = stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)
    if silence is not None and may_be_silent and not select.select([number], [], [], silence)[0]:
        warn(f"standard input gave nothing for {silence:g} s; going on without it (-n skips this)")
        return b""
    return _read_all(number)


def _read_all(number: int) -> bytes:
    blocks, size = [], 0
    try:
        while block := _read_block(number):
            blocks.append(block)
            size += len(block)
            if size > MOST_BYTES:
                raise UsageError(f"standard input is larger than {MOST_BYTES >> 20} MiB")
    except OSError as error:
        raise UsageError(f"can't read standard input: {error.strerror or error}") from error
    return b"".join(blocks)


def _read_block(number: int) -> bytes:
    """The next block of a descriptor, which another process may have made non-blocking."""
    while True:
        try:
            return os.read(number, _BLOCK)
        except BlockingIOError:
            select.select([number], [], [])
