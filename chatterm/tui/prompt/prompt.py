"""The prompt: where a message is written, several lines if need be."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Protocol, cast

from textual import events
from textual.binding import Binding, BindingType
from textual.cache import LRUCache
from textual.message import Message
from textual.widgets import TextArea

from chatterm.tui.keys_in_order import act

if TYPE_CHECKING:
    from textual.document._document import Document

    from chatterm.talking.past_prompts import PromptHistory
    from chatterm.tui.prompt.pasting import Folded
    from chatterm.tui.prompt.vim import Vim

_BURST_S = 0.12
"""So long after a paste Enter is part of it: it never sends."""
_MOST_ROWS = 10
_MOST_ROWS_KEPT = 64


class Sent(Protocol):
    """Is told that the text is to be sent; at once, so that what is typed next isn't part of it."""

    def __call__(self, *, later: bool) -> None:
        """Send it; `later`: it waits for the turn's end, when one is under way."""


class Prompt(TextArea):
    """Takes a message.

    Attributes:
        taking: Is offered every key first, and says whether it has taken it.
        sent: Is told that the text is to be sent.
        past: Earlier prompts, once they are known.
        vim: The vim keys, where they are wanted.
        send_keys: The keys that send.
        newline_keys: The keys that begin a line.
    """

    DEFAULT_CSS = """
    Prompt {
        height: 1; width: 1fr; border: none; padding: 0; background: $background;
        scrollbar-size-vertical: 1;
        & .text-area--cursor-line { background: $background; }
        & .text-area--placeholder { color: $muted; }
    }
    """

    # Ctrl+Z is the shell's; where it isn't bound this is what shells undo with.
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+underscore,ctrl+z", "undo", "undo", show=False),
    ]

    class Typed(Message):
        """The text, or the place of the cursor in it, has changed."""

    def __init__(self, id: str = "prompt") -> None:  # noqa: A002 - textual's own name
        super().__init__(
            theme="css", compact=True, highlight_cursor_line=False, id=id, max_checkpoints=200
        )
        self.cursor_blink = False  # an idle app does nothing
        # Each row with the cursor at each of its places is one: a thousand take some megabytes.
        self._line_cache = LRUCache(_MOST_ROWS_KEPT)
        self.taking: Callable[[events.Key], bool] = lambda _key: False
        self.sent: Sent = lambda **_: None
        self.past: PromptHistory | None = None
        self.vim: Vim | None = None
        self._folded: Folded | None = None
        self.send_keys: Sequence[str] = ("enter",)
        self.newline_keys: Sequence[str] = ("ctrl+j", "shift+enter")
        self.later_keys: Sequence[str] = ("alt+enter", "ctrl+enter")
        self._pasted_at = 0.0
        self._most_rows = _MOST_ROWS

    @property
    def folded(self) -> Folded:
        """What stands for long pastes; loaded with the first of them."""
        if self._folded is None:
            from chatterm.tui.prompt.pasting import Folded

            self._folded = Folded()
        return self._folded

    # --- the text ---

    @property
    def empty(self) -> bool:
        """Whether nothing is written."""
        return not self.text

    @property
    def message(self) -> str:
        """The message: long pastes put back."""
        return self.text if self._folded is None else self._folded.unfold(self.text)

    @property
    def _document(self) -> Document:
        return cast("Document", self.document)

    def write(self, text: str) -> None:
        """Have this text and no other, the cursor at its end; can be undone."""
        self.replace(text, self.document.start, self.document.end, maintain_selection_offset=False)
        self.move_cursor(self.document.end)

    def insert_at_cursor(self, text: str) -> None:
        """Put a text where the cursor is."""
        self.replace(text, *self.selection)

    def take(self) -> str:
        """The message, which is gone from the prompt then; undoing brings it back."""
        text = self.message
        self.write("")
        if self.past is not None:
            self.past.reset()
        if self.vim is not None:
            self.vim.reset()
        return text

    @property
    def cursor_offset_in_text(self) -> int:
        """Where the cursor is: an offset in the text."""
        return self._document.get_index_from_location(self.cursor_location)

    def move_cursor_to_offset(self, offset: int) -> None:
        """Put the cursor at an offset in the text."""
        self.move_cursor(self._document.get_location_from_index(offset))

    def replace_range(self, start: int, end: int, text: str) -> None:
        """Put a text in the place of another, given by offsets."""
        locate = self._document.get_location_from_index
        self.replace(text, locate(start), locate(end), maintain_selection_offset=False)
        self.move_cursor(locate(start + len(text)))

    def attach_files(self, paths: Sequence[Path]) -> None:
        """Mention files."""
        from chatterm.talking.mention import written

        self.insert_at_cursor("".join(f"{written(str(path))} " for path in paths))

    def limit_rows(self, rows: int) -> None:
        """Be at most so high."""
        self._most_rows = max(1, min(_MOST_ROWS, rows))
        self._fit()

    # --- keys ---

    async def _on_key(self, event: events.Key) -> None:
        if self._takes(event) or await act(self, event):
            event.stop()
            event.prevent_default()

    def _takes(self, event: events.Key) -> bool:
        if self.taking(event):
            return True
        if self.vim is not None and self.vim.key(event.key, event.character, self):
            self.post_message(self.Typed())
            return True
        if event.key in self.newline_keys:
            self.insert_at_cursor("\n")
            return True
        if event.key in self.later_keys:
            self._send(later=True)
            return True
        if event.key in self.send_keys:
            self._enter()
            return True
        if event.key == "enter":
            self.insert_at_cursor("\n")
            return True
        if event.key in {"up", "down"}:
            return self._walk(event.key)
        if event.key in {"backspace", "delete"}:
            return self._delete_placeholder(event.key)
        return event.key in {"tab", "shift+tab"}

    def leave_mode(self) -> bool:
        """Esc for the vim keys; whether they had something to leave."""
        taken = self.vim is not None and self.vim.key("escape", None, self)
        if taken:
            self.post_message(self.Typed())
        return taken

    def _enter(self) -> None:
        row, column = self.cursor_location
        if time.monotonic() - self._pasted_at < _BURST_S:
            self.insert_at_cursor("\n")
        elif column and self.document.get_line(row)[column - 1] == "\\":
            self.replace("\n", (row, column - 1), (row, column))
        else:
            self._send(later=False)

    def _send(self, *, later: bool) -> None:
        if self.text.strip() or self.id == "line":
            self.sent(later=later)

    def _walk(self, key: str) -> bool:
        """Up on the first row and Down on the last one go through earlier prompts."""
        history = self.past
        if history is None or self.selection.start != self.selection.end:
            return False
        wrapped = self.wrapped_document
        row = wrapped.location_to_offset(self.cursor_location).y
        if key == "up" and row == 0:
            older = history.older(self.text)
            if older is not None:
                self.write(older)
            return older is not None
        if key == "down" and row == wrapped.height - 1 and history.walking:
            newer = history.newer()
            if newer is not None:
                self.write(newer)
            return newer is not None
        return False

    def _delete_placeholder(self, key: str) -> bool:
        """What stands for a long paste goes as one."""
        if self.selection.start != self.selection.end or self._folded is None:
            return False
        at = self.cursor_offset_in_text
        found = self.folded.placeholder_at(self.text, at)
        if found is None or at == (found[0] if key == "backspace" else found[1]):
            return False
        self.replace_range(*found, "")
        return True

    async def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()
        self._pasted_at = time.monotonic()
        self.take_paste(event.text)

    def take_paste(self, text: str) -> None:
        """Take a text that was pasted: files that were dropped, a long text, or a short one."""
        from chatterm.tui.prompt.pasting import dropped_paths

        paths = dropped_paths(text)
        if paths:
            self.attach_files(paths)
        else:
            self.insert_at_cursor(self.folded.fold(text))

    def put_back(self, text: str) -> None:
        """Write a text that was written before, long as it may be."""
        from chatterm.tui.prompt.pasting import cleaned

        self.write(cleaned(text))

    # --- its height ---

    def on_text_area_changed(self) -> None:
        """As many rows as the text takes."""
        self._fit()
        self.post_message(self.Typed())

    def on_text_area_selection_changed(self) -> None:
        """The cursor has moved."""
        self.post_message(self.Typed())

    def on_resize(self) -> None:
        """Another width may take other rows."""
        self.call_after_refresh(self._fit)

    def _fit(self) -> None:
        rows = max(1, min(self._most_rows, self.wrapped_document.height))
        if self.styles.height is None or self.styles.height.value != rows:
            self.styles.height = rows
