"""Reading what a program wrote to a terminal: what is text, and what would be obeyed."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from hostile import FORBIDDEN

_SEQUENCE = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"  # OSC
    r"|\x1b[PX^_k].*?\x1b\\"  # the other strings
    r"|\x1b[ -/]*[0-~]"
    r"|\x1b"
    r"|[\x00-\x1f\x7f-\x9f]",
    re.DOTALL,
)
_COLOUR = r"[34]8;2;\d{1,3};\d{1,3};\d{1,3}"
# What the app's own painting is made of, and nothing else: attributes (neither concealed nor
# blinking) and colours of 24 bits, in the one form in which they are written.
_PAINTING = re.compile(
    rf"\x1b\[(?:0|(?:(?:[123479]|{_COLOUR})(?:;(?:[123479]|{_COLOUR}))*))?m"
    r"|\x1b\[\d+;\d+H"  # the cursor, always at a place
    r"|\x1b\[\?(?:2026|25)[hl]"  # synchronized output, the cursor's being seen
    r"|\r|\n"
)
# What is written as the app begins and ends, and the questions it asks.
_SETTING_UP = re.compile(
    r"\x1b\[\?(?:1049|1000|1003|1015|1006|1004|2004|2048|7|1016)[hl]"
    r"|\x1b\[\?(?:2026|2048)\$p"
    r"|\x1b\[>\d+u|\x1b\[<u|\x1b\[c"  # the keyboard, what kind of terminal it is
    r"|\x1b\[2[23];2t"  # the window's title, kept and brought back
    r"|\x1b\]11;\?\x07|\x1b\]22;[a-z-]+\x07"  # its background, the mouse's looks
)
_TITLE = re.compile(r"\x1b\]2;([^\x07\x1b]*)\x1b\\")
_CLIPBOARD = re.compile(r"\x1b\]52;c;([A-Za-z0-9+/=]*)\x07")


@dataclass
class Output:
    """What was written.

    Attributes:
        text: All characters that would be shown.
        titles: What the window was called.
        copied: What went to the clipboard.
        set_up: The sequences that belong to beginning and ending, in order.
        strange: Everything that no program of ours has to write.
    """

    text: str = ""
    titles: list[str] = field(default_factory=list)
    copied: list[str] = field(default_factory=list)
    set_up: list[str] = field(default_factory=list)
    strange: list[str] = field(default_factory=list)


def read_output(data: bytes | bytearray) -> Output:
    """Read all that was written; what isn't UTF-8 is strange."""
    found = Output()
    text = data.decode("utf-8", "surrogateescape")
    shown: list[str] = []
    for piece, is_sequence in _pieces(text):
        if is_sequence:
            _sort(piece, found)
        else:
            shown.append(piece)
    found.text = "".join(shown)
    bad = FORBIDDEN.intersection("".join((found.text, *found.titles)))
    found.strange += [f"U+{ord(each):04X} as text" for each in sorted(bad)]
    return found


def _pieces(text: str) -> Iterator[tuple[str, bool]]:
    at = 0
    for match in _SEQUENCE.finditer(text):
        yield text[at : match.start()], False
        yield match[0], True
        at = match.end()
    yield text[at:], False


def _sort(sequence: str, found: Output) -> None:
    if _PAINTING.fullmatch(sequence):
        return
    if _SETTING_UP.fullmatch(sequence):
        found.set_up.append(sequence)
    elif title := _TITLE.fullmatch(sequence):
        found.titles.append(title[1])
    elif copied := _CLIPBOARD.fullmatch(sequence):
        try:
            found.copied.append(base64.b64decode(copied[1], validate=True).decode())
        except (binascii.Error, UnicodeDecodeError):
            found.strange.append(sequence)
    else:
        found.strange.append(sequence)
