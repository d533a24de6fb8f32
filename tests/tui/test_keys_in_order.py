"""Keys that come at once, as a slow line or a busy machine hands them over: in their order."""

from __future__ import annotations

from typing import ClassVar

import pytest
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.events import Key

from chatterm.tui.prompt.prompt import Prompt
from tui.app_driver import Driver, Place, place
from tui.screens_app import wait_until

__all__ = ["place"]


def come_at_once(app: Driver, *keys: str) -> None:
    """Hand keys over as the terminal's reader does, without waiting for any of them."""
    for key in keys:
        app.app.post_message(Key(key, key if len(key) == 1 else None))


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        ((*"abc", "backspace", *"d"), "abd"),
        ((*"wrong", "ctrl+u", *"right"), "right"),
        ((*"one ", *"two", "ctrl+w", *"three"), "one three"),
        ((*"bc", "home", *"a", "end", *"d"), "abcd"),
        ((*"ac", "left", *"b"), "abc"),
    ],
)
async def test_what_edits_the_prompt_counts_before_what_is_typed_after_it(
    place: Place, keys: tuple[str, ...], text: str
) -> None:
    async with place.app() as app:
        come_at_once(app, *keys, "!")
        await app.until(lambda: "!" in app.chat.prompt.text)
        await app.pilot.pause()
        assert app.chat.prompt.text.replace("!", "") == text


async def test_what_is_sent_holds_what_was_typed_before_and_nothing_else(place: Place) -> None:
    async with place.app() as app:
        come_at_once(app, *"hullo", "backspace", "ctrl+u", *"hello", "enter", *"more")
        await app.until(lambda: app.chat.talk.session.turns)
        await app.idle()
        (turn,) = app.chat.talk.session.turns
        assert turn.input.text == "hello"
        assert app.chat.prompt.text == "more"


async def test_a_key_of_the_app_counts_for_what_was_typed_before_it(place: Place) -> None:
    async with place.app() as app:
        come_at_once(app, *"not that", "ctrl+c", *"this")
        await app.until(lambda: app.chat.prompt.text == "this")
        come_at_once(app, "ctrl+u", "ctrl+d")
        await app.until(lambda: not app.app.is_running)


async def test_enter_completes_what_stands_there_not_what_stood_there_before(
    place: Place,
) -> None:
    async with place.app() as app:
        await app.type("/mod")
        await app.until(lambda: app.chat.suggestions.shown)
        come_at_once(app, *"el s/y", "enter")
        await app.until(lambda: app.chat.prompt.empty and app.chat.model_name == "s/y")


async def test_a_command_is_completed_however_quickly_enter_follows(place: Place) -> None:
    async with place.app() as app:
        come_at_once(app, *"/renam", "enter")
        await app.until(lambda: app.chat.prompt.text == "/rename ")


class Remapped(App[None]):
    """A prompt on a screen one of whose keys the user has set."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("f2", "mark", "mark", id="mark")]

    def __init__(self) -> None:
        super().__init__()
        self.prompt = Prompt()
        self.marked = ""

    def compose(self) -> ComposeResult:
        yield self.prompt

    def on_mount(self) -> None:
        self.set_keymap({"mark": "f8"})
        self.prompt.focus()

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return {"muted": "#808080"}

    def action_mark(self) -> None:
        self.marked = self.prompt.text


async def test_keys_that_the_user_has_set_count_in_their_order_too() -> None:
    app = Remapped()
    async with app.run_test() as pilot:
        for key in ("a", "f2", "b", "f8", "c"):
            app.post_message(Key(key, key if len(key) == 1 else None))
        await pilot.pause()
        await wait_until(pilot, lambda: app.prompt.text == "abc")
        assert app.marked == "ab"
