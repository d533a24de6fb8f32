"""What the interactive program was asked to do: its options as plain data, cheap to import."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chatterm.steps import Attachment


@dataclass(frozen=True, slots=True)
class AppOptions:
    """The options of the app, as given.

    Attributes:
        prompt: A message that is sent at once.
        attachments: What goes with it.
        go_on: Go on with the newest conversation of this directory that was begun in the app.
        resume: The conversation to go on with: its id or the beginning of it.
        pick: Begin with choosing a conversation.
        model: `provider/model` or an alias.
        mode: The permission mode.
        debug: Show how fast it is.
        instructions: Whether instructions from files are sent; None as configured.
        plain: Talk line by line, or don't; None decides by the configuration and the terminal.
        is_new: chatterm was never here before.
        set_up: Go through the setup, and end with it.
    """

    prompt: str = ""
    attachments: tuple[Attachment, ...] = ()
    go_on: bool = False
    resume: str | None = None
    pick: bool = False
    model: str | None = None
    mode: str | None = None
    debug: bool = False
    instructions: bool | None = None
    plain: bool | None = None
    is_new: bool = False
    set_up: bool = False
