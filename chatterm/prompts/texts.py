"""Reading a text that lies in a project or beside the configuration, as a stranger's.

What is opened is a regular file that lies where it may, read up to a limit and not by its size.
Nothing in it is followed, run or included.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from chatterm.permissions.places import Places
from chatterm.render.sanitize import escape_controls, sanitize
from chatterm.tools.base import ToolError
from chatterm.tools.decoding import decode, is_binary
from chatterm.tools.opening import Opened, open_regular, real_path

_SHOWN = re.compile(r"⟨U\+[0-9A-F]{4,6}⟩")


@dataclass(frozen=True, slots=True)
class Spot:
    """A place where a text may be.

    Attributes:
        path: Its absolute path.
        name: What it is called on the screen and to the model.
        mine: It is the user's own: links in it are followed wherever they lead, and it has to
            belong to the user. Another one may not lead out of the workspace.
        within: For one that is neither: the real path of the directory that it has to be in.
    """

    path: Path
    name: str
    mine: bool = False
    within: Path | None = None


@dataclass(frozen=True, slots=True)
class Text:
    """A text that was read.

    Attributes:
        name: What it is called.
        text: What it says; what can't be seen in it is written out.
        size: How many bytes were taken.
        cut: There is more of it.
        note: What is to be said about it, or empty.
        identity: Tells it from every other file.
    """

    name: str
    text: str
    size: int
    cut: bool = False
    note: str = ""
    identity: tuple[int, int] = (0, 0)


def exists(path: Path) -> bool:
    """Whether there is anything of that name, be it a link that leads nowhere."""
    return os.path.lexists(path)


def read_text(spot: Spot, places: Places, limit: int) -> Text:
    """Read a text.

    Args:
        spot: Where it is.
        places: What is where.
        limit: The most bytes; what is beyond them is left out.

    Raises:
        ToolError: It can't be read, may not be, or is no text.
    """
    with opened(spot, places) as file:
        data = file.read(limit + 1)
    cut = len(data) > limit
    data = data[:limit]
    if is_binary(data):
        raise ToolError(f"{escape_controls(spot.name)} is no text")
    if cut:
        data = data[: data.rfind(b"\n") + 1] or data
    decoded = decode(data)
    text = visible(decoded.text)
    note = "it isn't valid UTF-8" if not decoded.exact else ""
    if len(_SHOWN.findall(text)) > len(_SHOWN.findall(decoded.text)):
        note = "; ".join(filter(None, (note, "it holds hidden characters, which are shown")))
    identity = file.status.st_dev, file.status.st_ino
    return Text(spot.name, text.strip("\n"), len(data), cut, note, identity)


def opened(spot: Spot, places: Places) -> Opened:
    """Open a text, to be used in a `with`.

    Raises:
        ToolError: It can't be opened, or may not be.
    """
    if not spot.mine:
        return open_regular(spot.path, places, within=spot.within)
    file = open_regular(spot.path, places, frozenset({real_path(spot.path)}))
    if file.status.st_uid not in (os.geteuid(), 0):
        with file:
            raise ToolError(f"{escape_controls(spot.name)} belongs to another user")
    return file


def visible(text: str) -> str:
    """A text without what a screen wouldn't show: the model reads what the user can read."""
    return "\t".join(sanitize(part) for part in text.split("\t"))


def names_in(directory: Path, *, mine: bool, places: Places) -> Iterator[str]:
    """The names in a directory, if it may be looked into; none where it may not.

    Raises:
        ToolError: It is there, and may not be looked into.
    """
    from chatterm.tools.opening import NOTHING, open_directory

    if not exists(directory):
        return
    approved = frozenset({real_path(directory)}) if mine else NOTHING
    with open_directory(directory, places, approved) as file:
        if mine and file.status.st_uid not in (os.geteuid(), 0):
            raise ToolError(f"{escape_controls(str(directory))} belongs to another user")
        yield from sorted(os.listdir(file.descriptor))  # noqa: PTH208 - what is open has no path


def size_words(size: int) -> str:
    """A size as it is told: kilobytes are of a thousand bytes."""
    return f"{size / 1000:.1f} kB" if size >= 100 else f"{size} bytes"
