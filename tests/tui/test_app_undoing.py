"""Undoing edits in the app: told as it stands, live and after resuming."""

from __future__ import annotations

from chatterm.talking.undoing import Edits
from chatterm.tui.steps.call import CallItem
from tui.app_driver import Driver, Place, place

__all__ = ["place"]

WRITES = """
call write_file: {"path": "n.txt", "content": "one\\n"}
round
call edit_file: {"path": "n.txt", "old": "one", "new": "two"}
round
text: Written.
"""
MODE = '[permissions]\nmode = "accept-edits"\n'


def calls(app: Driver) -> list[CallItem]:
    return [item for item in app.chat.pane.items if isinstance(item, CallItem)]


def states(app: Driver) -> list[Edits]:
    return [call.edits for call in calls(app)]


async def write(app: Driver) -> str:
    """Have a file written and then edited; the conversation's id."""
    await app.send("write")
    await app.until(lambda: app.says("Written.") or app.chat.asking.open)
    while app.chat.asking.open:
        app.chat.asking.forget_grace()
        await app.press("y")
        await app.until(lambda: app.says("Written.") or app.chat.asking.open)
    await app.idle()
    return app.chat.talk.session.id


async def test_only_what_can_be_undone_is_offered(place: Place) -> None:
    place.configure(WRITES, MODE)
    path = place.work / "n.txt"
    async with place.app() as app:
        await write(app)
        assert path.read_text() == "two\n"
        await app.until(lambda: states(app) == [Edits.CHANGED, Edits.THERE])
        assert app.says("changed since")
        app.chat.do("undo")
        await app.until(lambda: states(app) == [Edits.THERE, Edits.UNDONE])
        assert path.read_text() == "one\n"
        app.chat.do("undo")
        await app.until(lambda: states(app) == [Edits.UNDONE, Edits.UNDONE])
        assert not path.exists()
        app.chat.do("undo")
        await app.until(lambda: app.says("there is no edit to undo"))


async def test_who_reads_undoes_only_the_edit_at_the_cursor(place: Place) -> None:
    place.configure(WRITES, MODE)
    path = place.work / "n.txt"
    async with place.app() as app:
        await write(app)
        app.chat.pane.focus()
        for kind in ("user", "text"):
            steps = [each for each in app.chat.pane.items if getattr(each, "kind", "") == kind]
            app.chat.pane.set_cursor(steps[-1].key)
            app.chat.say("")
            await app.press("u")
            await app.until(lambda: app.says("nothing to undo at the cursor"))
            assert path.read_text() == "two\n"
        app.chat.pane.set_cursor(calls(app)[1].key)
        await app.press("u")
        await app.until(lambda: app.says("undone: n.txt"))
        assert path.read_text() == "one\n"


async def test_the_command_names_the_file_of_the_last_edit(place: Place) -> None:
    place.configure(WRITES, MODE)
    async with place.app() as app:
        await write(app)
        await app.send("/undo")
        await app.until(lambda: app.says("undone: n.txt"))
        assert (place.work / "n.txt").read_text() == "one\n"


async def test_a_resumed_conversation_tells_what_was_undone(place: Place) -> None:
    place.configure(WRITES, MODE)
    async with place.app() as app:
        id_ = await write(app)
        app.chat.do("undo")
        await app.until(lambda: Edits.UNDONE in states(app))
    async with place.app(resume=id_) as app:
        await app.until(lambda: states(app) == [Edits.THERE, Edits.UNDONE])
        app.chat.pane.set_cursor(calls(app)[1].key)
        app.chat.do("undo")
        await app.until(lambda: app.says("it is undone already"))


async def test_a_file_that_somebody_else_changed_is_told(place: Place) -> None:
    place.configure(WRITES, MODE)
    path = place.work / "n.txt"
    async with place.app() as app:
        id_ = await write(app)
    path.write_text("by hand\n")
    async with place.app(resume=id_) as app:
        await app.until(lambda: states(app) == [Edits.CHANGED, Edits.CHANGED])
        app.chat.pane.set_cursor(calls(app)[1].key)
        app.chat.do("undo")
        await app.until(lambda: app.says("has changed since it was edited"))
        assert path.read_text() == "by hand\n"


async def test_what_was_told_before_the_first_message_stays(place: Place) -> None:
    caged = "[permissions]\nmode = 'caged'\n[tools.shell]\nsandbox = 'none'"
    place.configure("text: Hello.", caged)
    async with place.app() as app:
        assert app.says("needs a sandbox")
        await app.ask("hi")
        assert app.says("needs a sandbox")
        assert app.says("Hello.")


async def test_a_new_conversation_has_read_no_file(place: Place) -> None:
    place.configure(WRITES, MODE)
    path = place.work / "n.txt"
    async with place.app() as app:
        await write(app)
        assert app.chat.talk.tooling is not None
        seen = app.chat.talk.tooling.bench.seen
        assert path in seen
        await app.chat.begin_anew()
        assert path not in seen
