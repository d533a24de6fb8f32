r"""The string values of a JSON object that is still being written.

A model's arguments come piece by piece, and a piece may end anywhere, within an escape too. What
is known of the top-level strings is told as it comes; other values are passed over. The result
depends on the text alone, never on how it was split, and each character is read once.

For a text that `json.loads` takes, the finished values are those it gives. What it would refuse
is read as far as it makes sense, because it is shown, not acted on: an escape that JSON doesn't
know stands for its character, line breaks may stand in strings. Where there is no object, or what
should be a key isn't one, reading ends.
"""

from __future__ import annotations

import re
from enum import Enum, auto
from typing import Final, NamedTuple

# What of a string is whole: an escape that the text's end may have cut off is not.
_WHOLE: Final = re.compile(
    r'(?:[^"\\]++|\\[^u]|\\u(?:[0-9a-fA-F]{4}|(?![0-9a-fA-F]{0,3}\Z)))*+', re.DOTALL
)
_ESCAPE: Final = re.compile(
    r"\\(?:u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|(.))",
    re.DOTALL,
)
# A high surrogate at the very end: what joins it may follow.
_HALF: Final = re.compile(r"u[dD][89abAB][0-9a-fA-F]{2}\Z")
_NAMED: Final = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "u": "\\u"}
_BLANK: Final = re.compile(r"[ \t\n\r]*+")
_STRUCTURE: Final = re.compile(r'["{}\[\],]')


class Piece(NamedTuple):
    """What was read of one value.

    Attributes:
        key: Whose value it is.
        text: What follows the value's earlier pieces.
        first: It is the value's first piece; an earlier value of the same key is void.
        last: The value is whole.
    """

    key: str
    text: str
    first: bool
    last: bool


class _Place(Enum):
    BEFORE = auto()  # the object
    KEY = auto()  # or the object's end
    IN_KEY = auto()
    COLON = auto()
    VALUE = auto()
    IN_VALUE = auto()
    OTHER = auto()  # in a value that isn't a string, or after any value
    IN_OTHER = auto()  # in a string inside of such a value
    END = auto()


class PartialJson:
    """Reads a JSON object as it comes.

    Attributes:
        open_key: The key whose string is being written; None between values.
        done: The object has ended.
    """

    def __init__(self) -> None:
        self.open_key: str | None = None
        self.done = False
        self._place = _Place.BEFORE
        self._held = ""  # an escape that isn't whole
        self._key: list[str] = []
        self._values: dict[str, list[str]] = {}
        self._depth = 0
        self._fresh = False  # a value was opened and no piece of it told
        self._pieces: list[Piece] = []

    @property
    def values(self) -> dict[str, str]:
        """The top-level strings so far, by key, in the order in which they began."""
        for parts in self._values.values():
            if len(parts) > 1:
                parts[:] = ["".join(parts)]
        return {key: parts[0] if parts else "" for key, parts in self._values.items()}

    def feed(self, text: str) -> list[Piece]:
        """Read what has come; what was added to values, in order."""
        text = self._held + text
        self._held = ""
        at = 0
        while at < len(text) and self._place is not _Place.END:
            match self._place:
                case _Place.IN_KEY | _Place.IN_VALUE | _Place.IN_OTHER:
                    at = self._string(text, at)
                case _Place.OTHER:
                    at = self._other(text, at)
                case _:
                    at = self._between(text, at)
        pieces, self._pieces = self._pieces, []
        return pieces

    def _between(self, text: str, at: int) -> int:
        """Where one character, after blanks, says how it goes on."""
        blank = _BLANK.match(text, at)
        at = blank.end() if blank else at
        if at == len(text):
            return at
        match self._place, text[at]:
            case _Place.BEFORE, "{":
                self._place = _Place.KEY
            case _Place.KEY, '"':
                self._key = []
                self._place = _Place.IN_KEY
            case _Place.KEY, "}":
                self._finish(whole=True)
            case _Place.COLON, ":":
                self._place = _Place.VALUE
            case _Place.VALUE, '"':
                self._open_value()
            case _Place.VALUE, _:
                self._values.pop("".join(self._key), None)  # the last of a key counts
                self._place = _Place.OTHER
                return at
            case _:
                self._finish(whole=False)
        return at + 1

    def _open_value(self) -> None:
        self.open_key = "".join(self._key)
        self._values.pop(self.open_key, None)
        self._values[self.open_key] = []
        self._fresh = True
        self._place = _Place.IN_VALUE

    def _string(self, text: str, at: int) -> int:
        whole = _WHOLE.match(text, at)
        end = whole.end() if whole else at
        closed = text.startswith('"', end)
        if self._place is _Place.IN_OTHER:
            self._held = "" if closed else text[end:]
        else:
            self._take(self._decoded(text[at:end], text[end:], closed=closed), closed=closed)
        if not closed:
            return len(text)
        match self._place:
            case _Place.IN_KEY:
                self._place = _Place.COLON
            case _:
                self._place = _Place.OTHER
        return end + 1

    def _decoded(self, source: str, rest: str, *, closed: bool) -> str:
        """What a part of a string stands for; what isn't whole is held for the next time."""
        if not closed:
            self._held = rest
        if "\\" not in source:
            return source

        def character(found: re.Match[str]) -> str:
            high, low, code, named = found.groups()
            if high:
                return chr(0x10000 + ((int(high, 16) - 0xD800) << 10) + int(low, 16) - 0xDC00)
            if not code:
                return _NAMED.get(named, named)
            if not closed and _HALF.match(source, found.start() + 1):
                self._held = found[0] + rest
                return ""
            return chr(int(code, 16))

        return _ESCAPE.sub(character, source)

    def _take(self, text: str, *, closed: bool) -> None:
        if self._place is _Place.IN_KEY:
            self._key.append(text)
            return
        if self.open_key is None or not (text or closed or self._fresh):
            return
        self._values[self.open_key].append(text)
        self._pieces.append(Piece(self.open_key, text, self._fresh, closed))
        self._fresh = False
        if closed:
            self.open_key = None

    def _other(self, text: str, at: int) -> int:
        found = _STRUCTURE.search(text, at)
        if found is None:
            return len(text)
        match found[0]:
            case '"':
                self._place = _Place.IN_OTHER
            case "{" | "[":
                self._depth += 1
            case "," if self._depth == 0:
                self._place = _Place.KEY
            case "}" | "]" if self._depth:
                self._depth -= 1
            case "}":
                self._finish(whole=True)
            case _:
                pass
        return found.end()

    def _finish(self, *, whole: bool) -> None:
        self.done = whole
        self._place = _Place.END
