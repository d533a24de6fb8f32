"""Completing what is typed: commands after `/`, files after `@`."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from textual import events

from chatterm.tui.prompt.completion import Completion, Kind, Match, best, completion_at, replaced

if TYPE_CHECKING:
    from chatterm.tui.chat import Chat
    from chatterm.tui.prompt.path_index import PathIndex

_MOST = 50
_KEYS = frozenset({"up", "down", "tab", "enter"})


class Completing:
    """Offers suggestions while something is typed, and takes the one that is chosen.

    Args:
        chat: The screen.
    """

    def __init__(self, chat: Chat) -> None:
        self._chat = chat
        self._completion: Completion | None = None
        self._index: PathIndex | None = None
        self._taken = ""
        self._seen: tuple[str, int] | None = None  # the text and the cursor that are completed

    def typed(self) -> None:
        """The text has changed: other suggestions may fit."""
        prompt = self._chat.prompt
        self._seen = prompt.text, prompt.cursor_offset_in_text
        if not prompt.text.startswith("/") and "@" not in prompt.text:
            self._chat.suggestions.hide()
            return
        if prompt.text == self._taken:
            return
        self._taken = ""
        completion = completion_at(prompt.text, prompt.cursor_offset_in_text)
        self._completion = completion
        if completion is None:
            self._chat.suggestions.hide()
        elif completion.kind is Kind.COMMAND:
            self._chat.suggestions.show(self._commands(completion.query))
        else:
            self._chat.suggestions.show(self._paths(completion.query))

    def takes(self, event: events.Key) -> bool:
        """Whether a key was for the suggestions."""
        if event.key not in _KEYS:
            return False
        prompt, suggestions = self._chat.prompt, self._chat.suggestions
        if self._seen != (prompt.text, prompt.cursor_offset_in_text):
            self.typed()  # the key came together with what was typed, and that wasn't told yet
        if not suggestions.shown or self._completion is None:
            return False
        if event.key in {"up", "down"}:
            suggestions.move(-1 if event.key == "up" else 1)
            return True
        if event.key == "tab":
            self._take(self._completion)
            return True
        if event.key == "enter":
            whole = f"/{suggestions.value}" == self._chat.prompt.text
            if self._completion.kind is Kind.COMMAND and not whole:
                self._take(self._completion)
                return not self._is_whole_command()
            if self._completion.kind is Kind.PATH:
                self._take(self._completion)
                return True
        return False

    def _is_whole_command(self) -> bool:
        """Whether what was taken needs nothing more: then Enter does it."""
        from chatterm.tui.deeds.every import BY_NAME

        deed = BY_NAME.get(self._chat.prompt.text.strip().removeprefix("/"))
        return deed is not None and not deed.takes

    def _take(self, completion: Completion) -> None:
        prompt = self._chat.prompt
        text, cursor = replaced(prompt.text, completion, self._chat.suggestions.value)
        self._taken = text
        prompt.write(text)
        prompt.move_cursor_to_offset(cursor)
        self._chat.suggestions.hide()

    def _commands(self, query: str) -> list[tuple[Match, str]]:
        from chatterm.tui.deeds.every import TYPED

        if not query:
            self._chat.begin_again("templates", partial(self._read_templates))
        about = {deed.slash: deed.text for deed in TYPED if deed.offered(self._chat)}
        about |= self._chat.templates.offered()
        if not query:
            return [(Match(name, 0, ()), text) for name, text in about.items()]
        return [(match, about[match.text]) for match in best(query, about, _MOST)]

    async def _read_templates(self) -> None:
        """Look which templates there are now, and offer them."""
        if await self._chat.templates.read():
            self._more()

    def _paths(self, query: str) -> list[tuple[Match, str]]:
        paths = self._paths_index().paths()
        if not query:
            top = [path for path in paths if "/" not in path.rstrip("/")]
            return [(Match(path, 0, ()), "") for path in top[:_MOST]]
        return [(match, "") for match in best(query, paths, _MOST)]

    def _paths_index(self) -> PathIndex:
        if self._index is None:
            from chatterm.tui.prompt.path_index import PathIndex

            chat = self._chat
            tooling = chat.talk.tooling
            ground = tooling.ground if tooling is not None else None
            index = PathIndex(
                ground.workspace if ground is not None else None,
                chat.directory,
                places=ground.places if ground is not None else None,
                changed=self._changed,
            )
            if not chat.talk.opened:
                return index  # it isn't known yet where that is: another one comes
            self._index = index
        return self._index

    def _changed(self) -> None:
        """The index knows other files now; told in its thread, which may outlive the app."""
        with suppress(RuntimeError):
            self._chat.app.call_from_thread(self._more)

    def _more(self) -> None:
        """The index knows other files now."""
        if self._chat.is_mounted and self._completion is not None:
            self._taken = ""
            self.typed()
