"""`!command`: the user's own command, in their own shell; its output can go to the model."""

from __future__ import annotations

import asyncio
import subprocess
from typing import TYPE_CHECKING

from chatterm.errors import ChattermError
from chatterm.linear.telling import Flow
from chatterm.render.sanitize import sanitize_line
from chatterm.talking.own_commands import captured, shell, typed
from chatterm.tools.capture import plain

if TYPE_CHECKING:
    from chatterm.linear.conversation import Conversation


def run_typed(here: Conversation, command: str) -> None:
    """Run a command that was typed after `!`.

    Raises:
        ChattermError: It can't be run.
    """
    wanted = typed(command)
    if not wanted.line:
        return
    try:
        if wanted.terminal:
            here.terminal.end_line()
            done = subprocess.run(shell(wanted.line), cwd=here.talk.directory, check=False)
            status = done.returncode if done.returncode >= 0 else 128 - done.returncode
        else:
            text, status = _captured(here, wanted.line)
            here.own_output = f"$ {wanted.line}\n{text}".rstrip("\n") + "\n"
    except OSError as error:
        raise ChattermError(f"the command can't be run: {error.strerror or error}") from error
    also = "" if wanted.terminal else "; /send-along sends its output with your next message"
    here.say(f"command ended: exit status {status}{also}")


def send_along(here: Conversation, _: str) -> None:
    """Have the last own command's output go with the next message."""
    if not here.own_output:
        here.say("There is no output; !command runs a command of your own.")
        return
    here.along = here.own_output
    here.say(f"It goes with your next message: {sanitize_line(here.own_output.splitlines()[0])}")


def _captured(here: Conversation, line: str) -> tuple[str, int]:
    flow = Flow(here.terminal, "", prose=False)
    cancelled = asyncio.Event()

    def came(text: str) -> None:
        here.stage.post(lambda: flow.feed(plain(text)))

    work = captured(line, here.talk.directory, came, cancelled)
    try:
        ran = here.wait(work, stop=cancelled.set)
        here.stage.make_calls()
        return ran
    finally:
        flow.finish()
