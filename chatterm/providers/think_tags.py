"""Splitting `<think>…</think>` off the start of a message whose server leaves it in the text.

Tags count only where a reasoning model writes them: an opener as the first thing of the message,
and the first closer after it. A closer that comes first of all tags ends thinking whose opener was
part of the prompt: then all text before it was thinking, unless it is quoted, for then the answer
is talking about tags. After the first pair everything is text.
"""

from __future__ import annotations

import re
from enum import Enum, auto
from typing import NamedTuple

OPENER = "<think>"
CLOSER = "</think>"
_TAG = re.compile(r"</?think>")
_QUOTES = frozenset("`\"'\u201c\u2018")


class Part(Enum):
    """What a piece of split text is."""

    THINKING = auto()
    TEXT = auto()
    TEXT_WAS_THINKING = auto()  # a closer without an opener: all text so far was thinking


class Piece(NamedTuple):
    """A piece of split text."""

    part: Part
    text: str


class _State(Enum):
    START = auto()  # only white space so far
    THINKING = auto()  # between the tags
    TEXT = auto()  # no tag so far
    DONE = auto()  # no tag can come any more


class ThinkTagSplitter:
    """Splits the text of one message, fed in pieces; exact to the character."""

    def __init__(self) -> None:
        self._state = _State.START
        self._held = ""
        self._last = ""

    @property
    def untouched(self) -> bool:
        """Whether no text has come yet."""
        return self._state is _State.START and not self._held

    def stop(self) -> None:
        """Thinking came by another way: whatever looks like a tag from here on is text."""
        if self._state is not _State.THINKING:
            self._state = _State.DONE

    def lets_pass(self, text: str) -> bool:
        """Whether this text is certainly just text, so that it need not be fed."""
        if self._state is _State.TEXT and not self._held and "<" not in text:
            self._last = text[-1:] or self._last
            return True
        return self._state is _State.DONE and not self._held

    def feed(self, text: str) -> list[Piece]:
        """The pieces that are certain after this text."""
        if self._held:
            text = self._held + text
            self._held = ""
        pieces: list[Piece] = []
        while text:
            match self._state:
                case _State.START:
                    text = self._open(text)
                case _State.THINKING:
                    text = self._close(text, pieces)
                case _State.TEXT:
                    text = self._watch(text, pieces)
                case _State.DONE:
                    pieces.append(Piece(Part.TEXT, text))
                    text = ""
        return pieces

    def finish(self) -> list[Piece]:
        """What was held back, at the end of the message or before something that isn't text."""
        held, self._held = self._held, ""
        if held.strip() and self._state is _State.START:
            self._state = _State.TEXT
        part = Part.THINKING if self._state is _State.THINKING else Part.TEXT
        return [Piece(part, held)] if held else []

    def _open(self, text: str) -> str:
        bare = text.lstrip()
        if bare.startswith(OPENER):
            self._state = _State.THINKING
            return bare[len(OPENER) :]
        if OPENER.startswith(bare):  # may still become one; so may white space alone
            self._held = text
            return ""
        self._state = _State.TEXT
        return text

    def _close(self, text: str, pieces: list[Piece]) -> str:
        thinking, closer, rest = text.partition(CLOSER)
        if closer:
            self._state = _State.DONE
        else:
            thinking = self._hold_back(thinking)
        if thinking:
            pieces.append(Piece(Part.THINKING, thinking))
        return rest

    def _watch(self, text: str, pieces: list[Piece]) -> str:
        match = _TAG.search(text)
        if not match:
            text = self._hold_back(text)
            if text:
                pieces.append(Piece(Part.TEXT, text))
                self._last = text[-1]
            return ""
        self._state = _State.DONE
        before = text[: match.start()]
        last = before[-1:] or self._last
        if match.group() == OPENER or last in _QUOTES:
            return text
        if before:
            pieces.append(Piece(Part.TEXT, before))
        pieces.append(Piece(Part.TEXT_WAS_THINKING, ""))
        return text[match.end() :]

    def _hold_back(self, text: str) -> str:
        """Keep back an ending that may become a tag, and return the rest."""
        start = text.rfind("<", -len(CLOSER))
        ending = text[start:] if start >= 0 else ""
        if ending and (OPENER.startswith(ending) or CLOSER.startswith(ending)):
            self._held = ending
            return text[:start]
        return text
