"""What can be done in the app: each deed has a name, words, keys; this is the one list of it.

Key bindings, the palette, slash commands, the help and clicks all find deeds here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chatterm.tui.chat import Chat

Run = Callable[["Chat", str], Awaitable[None] | None]


def always(_: Chat) -> bool:
    """What most deeds are offered."""
    return True


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that can be done.

    Attributes:
        name: Its name: that of `ui.keys` and, with dashes, of its slash command.
        text: What it does, for people.
        group: What it belongs to.
        run: Does it. Takes what was given with it: a slash command's words, what was clicked.
        keys: The keys that do it, separated by commas.
        reading: Its keys count while the pane has the focus; else they always do.
        takes: What may follow its slash command.
        hidden: It is only clicked, and stands in no list.
        offered: Whether it stands in lists now; it can be typed all the same, and says why not.
    """

    name: str
    text: str
    group: str
    run: Run
    keys: str = ""
    reading: bool = False
    takes: str = ""
    hidden: bool = False
    offered: Callable[[Chat], bool] = always

    @property
    def slash(self) -> str:
        """The name as a slash command has it."""
        return self.name.replace("_", "-")


def no_key(deed: Deed) -> str:
    """What stands for the keys of a deed that has none: no key is called that."""
    return f"no_key_for_{deed.name}"


def by_name(deeds: tuple[Deed, ...]) -> Mapping[str, Deed]:
    """Deeds by their names, and by those of their slash commands."""
    return {each.slash: each for each in deeds} | {each.name: each for each in deeds}
