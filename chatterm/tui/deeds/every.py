"""All deeds together, in the order in which they are listed."""

from __future__ import annotations

from chatterm.tui.deeds.acting import ACTING
from chatterm.tui.deeds.choosing import CHOOSING
from chatterm.tui.deeds.deed import Deed, by_name
from chatterm.tui.deeds.guiding import GUIDING
from chatterm.tui.deeds.reading import READING
from chatterm.tui.deeds.talking import TALKING

DEEDS: tuple[Deed, ...] = (*TALKING, *READING, *ACTING, *CHOOSING, *GUIDING)
BY_NAME = by_name(DEEDS)

# What is offered as a slash command, and the order in which it is: what newcomers look for first,
# and nothing that only a key can mean.
TYPED: tuple[Deed, ...] = tuple(
    deed
    for deed in (*CHOOSING, *GUIDING, *TALKING, *READING, *ACTING)
    if not deed.hidden and deed.name not in {"escape", "interrupt"}
)
