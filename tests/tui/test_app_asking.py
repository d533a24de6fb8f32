"""Asking in the app: which keys answer, what has to be read first, what is recorded."""

from __future__ import annotations

import time

import pytest
from textual.events import AppBlur, AppFocus

from chatterm.errors import ConfigError
from chatterm.events import PermissionAnswered
from chatterm.steps import Outcome, ToolResultStep
from chatterm.store import Store
from tui.app_driver import Driver, Place, place

__all__ = ["place"]

ONE = """
call shell: {"command": "touch made.txt"}
round
text: Done.
"""


def results(app: Driver) -> list[ToolResultStep]:
    """The results of all calls so far."""
    turns = app.chat.talk.session.turns
    return [step for turn in turns for step in turn.steps if isinstance(step, ToolResultStep)]


async def test_escape_says_no_and_stops_the_turn(place: Place) -> None:
    place.configure(ONE)
    async with place.app() as app:
        await app.send("go on")
        await app.asked()
        await app.press("escape")
        await app.idle()
        (result,) = results(app)
        assert result.outcome is Outcome.DENIED
        assert app.says("interrupted")
        assert not app.says("Done.")
        id_ = app.chat.talk.session.id
    with Store.open(place.data) as store:
        (turn,) = store.turns(store.path(id_))
        (answered,) = [each for each in turn.events if isinstance(each, PermissionAnswered)]
        assert answered.decision == "deny"


async def test_escape_leaves_the_choice_of_a_rule_for_the_question(place: Place) -> None:
    place.configure(ONE)
    async with place.app() as app:
        await app.send("go on")
        await app.asked()
        await app.press("a")
        assert app.says("always allow")
        await app.press("escape")
        assert not app.says("always allow")
        assert app.chat.asking.open
        await app.press("y")
        await app.idle()
        assert (place.work / "made.txt").exists()


LONG = "\\n".join(f"touch f{number}" for number in range(60))
TALL = f"""
call shell: {{"command": "{LONG}"}}
round
text: Done.
"""
SEVERAL = """
call shell: {"command": "touch one.txt"}
call shell: {"command": "touch two.txt"}
call shell: {"command": "touch three.txt"}
round
text: Done.
"""


async def test_a_question_taller_than_the_screen_begins_with_its_beginning(place: Place) -> None:
    place.configure(TALL)
    async with place.app() as app:
        await app.send("go on")
        await app.asked()
        assert app.says("shell  wants to run")
        assert app.says("touch f0")
        assert not app.says("touch f59")


async def test_nothing_is_allowed_before_all_of_it_was_on_the_screen(place: Place) -> None:
    place.configure(TALL)
    async with place.app() as app:
        await app.send("go on")
        await app.asked()
        seen: set[str] = set()
        pressed = 0
        while app.chat.asking.open:
            seen |= {line.split("│")[1].strip(" ↵") for line in app.lines() if "│ touch" in line}
            await app.press("y")
            pressed += 1
            assert pressed < 10
        assert seen == {f"touch f{number}" for number in range(60)}
        await app.idle()
        assert app.says("Done.")


async def test_a_jump_to_the_end_of_a_question_is_no_reading(place: Place) -> None:
    place.configure(TALL)
    async with place.app() as app:
        await app.send("go on")
        await app.asked()
        await app.press("ctrl+end")
        assert app.says("touch f59")
        await app.press("y")
        assert app.chat.asking.open
        assert app.says("read it to its end first")


async def test_what_was_read_by_scrolling_is_allowed_with_one_key(place: Place) -> None:
    place.configure(TALL)
    async with place.app() as app:
        await app.send("go on")
        await app.asked()
        for _ in range(6):
            await app.press("pagedown")
        await app.press("y")
        await app.idle()
        assert app.says("Done.")


async def test_a_click_allows_no_sooner_than_a_key(place: Place) -> None:
    place.configure(TALL)
    async with place.app() as app:
        await app.send("go on")
        await app.asked()
        await app.press("ctrl+end")
        app.chat.do("answer:once")
        await app.pilot.pause()
        assert app.chat.asking.open
        app.chat.do("answer:no")
        await app.idle()
        assert results(app)[0].outcome is Outcome.DENIED


async def test_a_yes_to_the_others_shows_them_first(place: Place) -> None:
    place.configure(SEVERAL)
    async with place.app() as app:
        await app.send("go on")
        await app.asked()
        assert app.says("yes to the other 2 too")
        await app.press("r")
        assert app.chat.asking.open
        assert app.says("│ touch two.txt")
        assert app.says("│ touch three.txt")
        await app.press("r")
        await app.idle()
        names = sorted(path.name for path in place.work.glob("*.txt"))
        assert names == ["one.txt", "three.txt", "two.txt"]


async def test_what_another_call_asks_for_beside_its_command_is_shown(place: Place) -> None:
    wishes = '"network": true, "writable": ["/opt"], "workdir": "sub"'
    place.configure(
        'call shell: {"command": "touch one.txt"}\n'
        f'call shell: {{"command": "touch two.txt", {wishes}}}\nround\ntext: Done.\n'
    )
    async with place.app() as app:
        await app.send("go on")
        await app.asked()
        await app.press("r")
        assert app.says(wishes)
        await app.press("x")
        await app.idle()


async def test_a_no_to_all_denies_all(place: Place) -> None:
    place.configure(SEVERAL)
    async with place.app() as app:
        await app.send("go on")
        await app.asked()
        await app.press("x")
        await app.idle()
        assert [result.outcome for result in results(app)] == [Outcome.DENIED] * 3


async def test_what_is_written_for_a_question_ends_with_it(place: Place) -> None:
    place.configure(ONE)
    async with place.app() as app:
        await app.send("go on")
        await app.asked()
        await app.press("e")
        assert app.chat.writing_line
        app.chat.talk.interrupt()
        await app.idle()
        assert not app.chat.writing_line
        await app.type("on")
        assert app.chat.prompt.text == "on"


async def test_an_edited_command_runs_instead(place: Place) -> None:
    place.configure(ONE)
    async with place.app() as app:
        await app.send("go on")
        await app.asked()
        await app.press("e")
        app.chat.bottom.line.write("touch other.txt")
        await app.press("enter")
        await app.idle()
        assert [path.name for path in place.work.glob("*.txt")] == ["other.txt"]


async def test_a_note_goes_to_the_model(place: Place) -> None:
    place.configure(ONE)
    async with place.app() as app:
        await app.send("go on")
        await app.asked()
        await app.press("tab")
        await app.type("not here")
        await app.until(lambda: app.says("Enter keeps the note   Esc gives it up"))
        assert not app.says("y once")
        assert not app.says("add a note")
        await app.press("enter")
        assert app.says("note: not here")
        assert app.says("y once")
        await app.press("n")
        await app.idle()
        assert results(app)[0].content == "denied by the user: not here"


async def test_a_note_is_given_up_when_something_else_is_written(place: Place) -> None:
    place.configure(ONE)
    async with place.app() as app:
        await app.send("go on")
        await app.asked()
        await app.press("tab")
        await app.type("not here")
        await app.press("ctrl+f")
        await app.until(lambda: app.says("y once"))
        assert not app.says("keeps the note")
        app.chat.asking.choose("edit")
        await app.until(lambda: app.says("Enter runs it"))
        await app.press("escape")
        await app.until(lambda: app.says("y once"))
        await app.press("ctrl+f")
        await app.type("touch")
        await app.until(lambda: app.chat.pane.marks.words == "touch")
        await app.press("ctrl+f")
        assert app.chat.bottom.line.text == "touch"
        await app.until(lambda: app.chat.pane.marks.words == "touch")
        app.chat.asking.choose("edit")
        assert not app.chat.pane.marks.words
        await app.press("enter")
        await app.idle()
        assert (place.work / "made.txt").exists()


async def test_letters_in_the_conversation_are_no_answers(place: Place) -> None:
    place.configure(ONE)
    async with place.app() as app:
        await app.send("go on")
        await app.asked()
        await app.press("ctrl+up")
        assert app.says("Esc, then answer")
        await app.press("y", "n")
        assert app.chat.asking.open
        await app.press("escape")
        assert app.says("y once")
        await app.press("y")
        await app.idle()
        assert (place.work / "made.txt").exists()


def no_time_passes(app: Driver) -> None:
    """However slow the machine is, a question was shown just now."""
    now = time.monotonic()
    app.chat.asking._clock = lambda: now


async def test_a_question_that_comes_into_sight_again_takes_no_key_at_once(place: Place) -> None:
    place.configure(ONE)
    async with place.app() as app:
        await app.send("go on")
        await app.asked()
        no_time_passes(app)
        await app.press("f1")
        await app.press("escape", "y")
        assert app.chat.asking.open
        app.chat.asking._clock = time.monotonic
        app.chat.asking.forget_grace()
        await app.press("y")
        await app.idle()
        assert (place.work / "made.txt").exists()


async def edit_rule(app: Driver, words: str) -> None:
    await app.press("e")
    assert app.chat.writing_line
    app.chat.bottom.line.write(words)
    await app.press("enter")


async def test_a_rule_is_edited_before_it_is_kept(place: Place) -> None:
    place.configure(ONE)
    async with place.app() as app:
        await app.send("go on")
        await app.asked()
        await app.press("a")
        assert app.says("always allow  shell:touch made.txt")
        await edit_rule(app, "shell:touch *")
        assert app.says("always allow  shell:touch *")
        await app.press("p")
        await app.idle()
        answered = recorded_answer(app)
        assert answered.rule is not None
        assert answered.rule["argv"] == ["touch"]
        assert answered.rule["prefix"]
        assert answered.rule["scope"] == "project"
        await app.send("again")
        await app.until(lambda: len(app.chat.talk.session.turns) == 2)


async def test_a_rule_that_says_too_much_or_nothing_is_not_taken(place: Place) -> None:
    place.configure(ONE)
    async with place.app() as app:
        await app.send("go on")
        await app.asked()
        await app.press("a")
        for words, said in (
            ("shell", "every call of shell"),
            ("read_file:a.txt", "so must the rule be"),
            ("shell:'", "can't be read"),
        ):
            await edit_rule(app, words)
            assert app.says(said)
            assert app.says("always allow  shell:touch made.txt")
        await app.press("escape", "n")
        await app.idle()


async def test_a_rule_that_cannot_be_written_down_counts_for_the_session(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.configure(ONE)
    async with place.app() as app:
        tooling = app.chat.talk.tooling
        assert tooling is not None

        def fails(*_: object) -> None:
            raise ConfigError("the disk is full")

        monkeypatch.setattr(tooling.gate, "keep", fails)
        await app.send("go on")
        await app.asked()
        await app.press("a", "p")
        await app.idle()
        answered = recorded_answer(app)
        assert answered.rule is not None
        assert answered.rule["scope"] == "session"


def recorded_answer(app: Driver) -> PermissionAnswered:
    """The only answer in the log."""
    store, id_ = app.chat.talk.store, app.chat.talk.session.id
    assert store is not None
    events = [event for turn in store.turns(store.path(id_)) for event in turn.events]
    (answered,) = [each for each in events if isinstance(each, PermissionAnswered)]
    return answered


async def test_what_gave_the_terminal_its_focus_answers_nothing(place: Place) -> None:
    place.configure(ONE)
    async with place.app() as app:
        await app.send("go on")
        await app.asked()
        no_time_passes(app)
        app.app.post_message(AppBlur())
        await app.until(lambda: not app.app.app_focus)
        app.app.post_message(AppFocus())
        await app.until(lambda: app.app.app_focus)
        app.chat.do("answer:once")
        await app.pilot.pause()
        assert app.chat.asking.open


async def test_yolo_is_typed_and_seen(place: Place) -> None:
    async with place.app(size=(24, 12)) as app:
        app.chat.do("mode:yolo")
        await app.until(lambda: app.app.screen is not app.chat)
        await app.type("yes")
        await app.press("enter")
        assert app.chat.talk.mode == "confirm"
        await app.press("escape")
        app.chat.do("mode:yolo")
        await app.until(lambda: app.app.screen is not app.chat)
        await app.type("yolo")
        await app.press("enter")
        await app.until(lambda: app.chat.talk.mode == "yolo")
        app.chat.say("something that would fill the whole of the row by itself")
        await app.pilot.pause()
        assert "yolo" in app.lines()[-1]


async def test_how_commands_are_caged_is_always_told(place: Place) -> None:
    async with place.app(size=(40, 15)) as app:
        await app.ask("hi")
        row = app.lines()[-1]
        assert "confirm" in row
        assert "caged" in row


async def test_a_question_ends_when_one_goes_to_another_conversation(place: Place) -> None:
    async with place.app() as app:
        await app.ask("first")
        first = app.chat.talk.session.id
        app.chat.do("new")
        await app.until(lambda: app.chat.welcome is not None)
        place.configure(ONE)
        await app.chat.talk.choose("s/x")
        await app.send("go on")
        await app.asked()
        second = app.chat.talk.session
        app.chat.do(f"resume:{first}")
        await app.until(lambda: app.chat.talk.session.id == first and app.says("› first"))
        assert not app.chat.asking.open
        assert not app.says("wants to run")
        (result,) = (step for step in second.turns[-1].steps if isinstance(step, ToolResultStep))
        assert result.outcome is Outcome.CANCELLED
        await app.type("yes")
        assert app.chat.prompt.text == "yes"


async def test_a_question_that_is_open_keeps_nobody_from_leaving(place: Place) -> None:
    place.configure(ONE)
    async with place.app() as app:
        await app.send("go on")
        await app.asked()
        id_ = app.chat.talk.session.id
        app.chat.leave()
        await app.until(lambda: app.app._exit)
    async with place.app(resume=id_) as app:
        await app.until(lambda: app.says("interrupted"))
        assert not app.chat.asking.open
        assert not app.says("wants to run")


async def test_ctrl_c_ends_a_question_with_its_turn(place: Place) -> None:
    place.configure(ONE)
    async with place.app() as app:
        await app.send("go on")
        await app.asked()
        await app.press("ctrl+c")
        await app.idle()
        assert not app.chat.asking.open
        assert results(app)[0].outcome is Outcome.CANCELLED
        assert not (place.work / "made.txt").exists()


async def test_while_arguments_are_edited_the_question_tells_what_the_keys_do(
    place: Place,
) -> None:
    place.configure(ONE)
    async with place.app() as app:
        await app.send("go on")
        await app.asked()
        await app.press("e")
        await app.until(lambda: app.says("Enter runs it   Esc gives it up"))
        assert not app.says("y once")
        await app.press("escape")
        await app.until(lambda: app.says("y once"))


async def test_why_a_call_failed_is_told_in_full(place: Place) -> None:
    (place.work / "a.txt").write_text("one\n")
    place.configure(
        'call edit_file: {"path": "a.txt", "old": "two", "new": "three"}\nround\ntext: Ah.'
    )
    async with place.app(size=(50, 24)) as app:
        await app.send("go on")
        await app.until(lambda: app.says("give the passage exactly") or app.says("y once"))
        if app.says("y once"):
            await app.asked()
            await app.press("y")
        await app.idle()
        assert app.says("give the passage exactly")
        assert not app.says("…")
