"""What is typed before the list is there that the command line asked for."""

from __future__ import annotations

import hashlib

from textual.events import Key, Paste

from chatterm.steps import Attachment
from chatterm.tui.screens.field import Field
from tui.app_driver import Driver, Place, place

__all__ = ["place"]


def come_at_once(app: Driver, *keys: str) -> None:
    """Hand keys over as the terminal's reader does, without waiting for any of them."""
    for key in keys:
        app.app.post_message(Key(key, key if len(key) == 1 else None))


async def talked(place: Place, *messages: str) -> None:
    for message in messages:
        async with place.app() as app:
            await app.ask(message)


async def test_what_is_typed_before_conversations_are_listed_is_for_their_filter(
    place: Place,
) -> None:
    await talked(place, "alpha words", "beta words")
    async with place.app(pick=True, opened=False) as app:
        come_at_once(app, *"bex", "backspace")
        app.app.post_message(Paste("ta"))
        come_at_once(app, "enter", "enter")
        await app.until(lambda: app.says("beta words"))
        assert app.app.screen is not app.chat
        await app.until(lambda: not app.says("alpha words"))
        await app.press("enter")
        await app.until(lambda: app.chat.talk.title == "beta words")
        assert app.chat.prompt.empty
        assert len(app.chat.talk.session.turns) == 1
        await app.press("escape")  # from where the words stand
        await app.type("and on")
        assert app.chat.prompt.text == "and on"


async def test_words_behind_the_command_are_for_the_filter_too(place: Place) -> None:
    await talked(place, "alpha words", "beta words")
    async with place.app() as app:
        await app.send("/conversations alpha")
        await app.until(lambda: app.says("alpha words"))
        assert not app.says("beta words")


async def test_the_setup_that_was_asked_for_comes_first_and_takes_what_is_typed(
    place: Place,
) -> None:
    async with place.app(set_up=True, opened=False) as app:
        assert not app.says("Ask something")
        come_at_once(app, *"opena", "enter")
        await app.until(lambda: app.says("Which model?"))
        assert not app.says("Ask something")
        field = app.app.screen.query_one(Field)
        await app.until(lambda: field.value == "opena")
        assert app.chat.prompt.empty
        assert app.chat.talk.session.turns == ()
        await app.press("escape")
        await app.until(lambda: app.app.return_value)
        assert "nothing was changed" in app.app.return_value


# --- a message for the conversation that is picked ---


async def test_a_message_waits_in_the_prompt_and_the_draft_there_is_kept(place: Place) -> None:
    await talked(place, "alpha words")
    async with place.app() as app:
        await app.type("half a thought")
    async with place.app(pick=True, prompt="and the message", opened=False) as app:
        await app.until(lambda: app.says("alpha words"))
        await app.until(lambda: app.chat.prompt.text == "and the message")
        await app.press("enter")
        await app.until(lambda: app.chat.talk.title == "alpha words")
        await app.press("enter")
        await app.until(lambda: app.says("› and the message"))
        await app.idle()
        assert len(app.chat.talk.session.turns) == 2
        await app.press("up", "up")
        assert app.chat.prompt.text == "half a thought"


async def test_a_file_piped_in_goes_with_the_next_message(place: Place) -> None:
    await talked(place, "alpha words")
    content = b"piped in"
    digest = hashlib.sha256(content).hexdigest()
    piped = Attachment("input.txt", "text/plain", len(content), digest, content)
    async with place.app(pick=True, attachments=(piped,), opened=False) as app:
        await app.until(lambda: app.says("alpha words"))
        await app.press("enter")
        await app.until(lambda: app.chat.talk.title == "alpha words")
        await app.ask("read it")
        (sent,) = app.chat.talk.session.turns[-1].input.attachments
        assert sent.name == "input.txt"
