"""What the app tells beside the conversation: notifications, the window's title, times."""

from __future__ import annotations

import re
import time

import pytest
from textual.events import AppBlur, AppFocus

from chatterm.permissions.sandbox import probing
from chatterm.permissions.sandbox.levels import Finding, Level
from chatterm.render.amounts import time_of_day
from chatterm.steps import UserInput
from chatterm.tui import notifying
from tui.app_driver import Driver, Place, place

__all__ = ["place"]

ASKS = """
call shell: {"command": "touch made.txt"}
round
text: Done.
"""


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is written to the terminal beside the screen."""
    found: list[str] = []
    monkeypatch.setenv("TERM", "xterm-kitty")
    monkeypatch.setattr(notifying, "write", lambda _app, sequence: found.append(sequence))
    return found


async def go_on(app: Driver, text: str) -> None:
    """Send a message without a key, by which the terminal would show that it has the focus."""
    app.chat.send_message(UserInput(text))
    await app.until(lambda: app.chat.talk.running)


async def look_away(app: Driver) -> None:
    app.app.post_message(AppBlur())
    await app.until(lambda: not app.app.app_focus)


async def look_back(app: Driver) -> None:
    app.app.post_message(AppFocus())
    await app.until(lambda: app.app.app_focus)


async def test_who_looks_away_is_told_that_a_turn_is_done(place: Place, written: list[str]) -> None:
    place.configure("text: Because.", '[titles]\nmodel = "off"')
    async with place.app() as app:
        await app.ask("Why is that?")
        assert not any("is done" in each for each in written)
        await look_away(app)
        await go_on(app, "And that?")
        await app.idle()
        assert any("Why is that? is done" in each and each.endswith("\a") for each in written)
        assert "Why is that? is done" in written[-1]
        await look_back(app)
        assert "Why is that? · chatterm" in written[-1]


async def test_who_looks_away_is_told_of_a_question(place: Place, written: list[str]) -> None:
    place.configure(ASKS)
    async with place.app() as app:
        await look_away(app)
        await go_on(app, "go on")
        await app.asked()
        assert any("waits for your answer" in each for each in written)
        await look_back(app)
        app.chat.asking.forget_grace()
        await app.press("n")
        await app.idle()


async def test_an_interrupted_turn_is_not_done(place: Place, written: list[str]) -> None:
    place.configure(ASKS)
    async with place.app() as app:
        await app.send("go on")
        await app.asked()
        await look_away(app)
        app.chat.talk.interrupt()
        await app.idle()
        assert not any("is done" in each for each in written)


async def test_a_message_tells_when_it_was_sent(place: Place) -> None:
    place.configure("text: Hello.", "[ui]\ntimestamps = true")
    async with place.app(size=(60, 20)) as app:
        await app.ask("a message that is long enough to fill the first of its rows")
        (row,) = (line for line in app.lines() if "› a message" in line)
        assert re.search(r" \d\d:\d\d$", row)
        assert app.says("rows")
        await app.pilot.resize_terminal(20, 20)
        await app.pilot.pause(0.05)
        assert app.says("› a message")


async def test_a_message_tells_no_time_unless_it_is_wanted(place: Place) -> None:
    async with place.app() as app:
        await app.ask("hi")
        (row,) = (line for line in app.lines() if "› hi" in line)
        assert row.strip() == "› hi"


async def test_frames_come_no_faster_than_is_wanted(place: Place) -> None:
    place.configure("text: Hello.", "[ui]\nfps = 5")
    async with place.app() as app:
        assert app.chat.pane._clock.interval == pytest.approx(1 / 5)
        await app.ask("hi")
        assert app.chat.pane._clock.interval >= 1 / 5


@pytest.mark.parametrize(
    ("at", "now", "words"),
    [
        (1_700_000_000, 1_700_000_060, "22:13"),
        (1_700_000_000, 1_700_100_000, "2023-11-14 22:13"),
    ],
)
def test_a_time_has_its_date_when_that_is_not_today(
    at: float, now: float, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    try:
        assert time_of_day(at, now) == words
    finally:
        time.tzset()


# --- who answers, in the status row ---


async def test_what_answers_by_a_script_of_ones_own_is_told_to_be_one(place: Place) -> None:
    async with place.app() as app:
        assert app.says("s/x (a script)")


async def test_a_script_that_nobody_named_is_no_lack_of_one(place: Place) -> None:
    script = place.config.parent / "mine.demo"
    script.write_text("text: Hello.\n")
    place.config.write_text(f'[providers.demo]\nprotocol = "demo"\nscript = "{script}"\n')
    async with place.app() as app:
        assert app.says("demo/demo (a script)")
        assert not app.says("No model is set up")


async def test_a_demo_that_was_asked_for_is_a_script(place: Place) -> None:
    async with place.app(model="demo/echo") as app:
        assert app.says("demo/echo (a script)")


async def test_the_demo_stands_in_where_there_is_no_model(place: Place) -> None:
    place.config.write_text("")
    async with place.app() as app:
        assert app.says("demo/demo (no model)")
        assert app.says("No model is set up")


@pytest.mark.parametrize("width", [100, 34])
async def test_how_commands_are_caged_is_told_apart_from_the_mode(
    place: Place, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setattr(probing, "choose", lambda _: Finding(Level.BUBBLEWRAP, works=True))
    async with place.app((width, 24)) as app:
        await app.until(lambda: "confirm · shell caged" in app.lines()[-1])


@pytest.mark.parametrize("width", [100, 34])
async def test_that_commands_are_not_caged_is_told_apart_from_the_mode(
    place: Place, width: int
) -> None:
    place.configure("text: Hello.", '[tools.shell]\nsandbox = "none"')
    async with place.app((width, 24)) as app:
        await app.until(lambda: "confirm · shell not caged" in app.lines()[-1])


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("/theme nope", "there is no theme named 'nope'; there are auto"),
        ("/model nope/x", "no provider is named 'nope'; there are"),
        ("/mode wild", "there is no mode 'wild'"),
        ("/nosuch", "there is no command /nosuch"),
    ],
)
async def test_a_name_that_is_none_is_told_for_a_moment(
    place: Place, typed: str, said: str
) -> None:
    async with place.app(size=(160, 32)) as app:
        await app.send(typed)
        await app.until(lambda: said in app.lines()[-1])
        assert not [item for item in app.chat.pane.items if item.kind == "trouble"]
