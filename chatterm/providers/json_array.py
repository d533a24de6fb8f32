"""Cutting one JSON array into its elements while it is still coming.

Gemini answers so when it isn't asked for an event stream. Strings and nesting are all that is
looked at: whether an element is JSON shows when it is parsed.
"""

from __future__ import annotations

import re

_OUTSIDE = re.compile(rb'["\[\]{},]')
_INSIDE = re.compile(rb'["\\]')


class ArrayCutter:
    """Hands out the elements of an array as they are whole; linear in what comes.

    Attributes:
        held: The element that is still coming.
    """

    def __init__(self) -> None:
        self.held = bytearray()
        self._at = 0  # up to where `held` was looked at; one beyond it after a last backslash
        self._depth = 0
        self._quoted = False

    def feed(self, chunk: bytes) -> list[bytes]:
        """The elements that these bytes complete."""
        self.held += chunk
        elements: list[bytes] = []
        begin, at = 0, self._at
        while found := (_INSIDE if self._quoted else _OUTSIDE).search(self.held, at):
            sign, at = found.group(), found.end()
            if self._quoted or sign == b'"':
                self._quoted = sign != b'"' or not self._quoted
                at += sign == b"\\"
            elif sign in b"[{":
                self._depth += 1
                begin = at if self._depth == 1 else begin
            else:
                self._depth -= sign in b"]}"
                if self._depth == (sign == b","):
                    elements.append(bytes(self.held[begin : at - 1]))
                    begin = at
        self._at = max(at, len(self.held)) - begin
        del self.held[:begin]
        return elements

    def finish(self) -> bytes:
        """What is left: an element that was cut off, or what isn't an array."""
        rest = bytes(self.held)
        self.held.clear()
        return rest
