"""Asking in the app: which keys answer, what has to be read first, what is recorded."""

from __future__ import annotations

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
