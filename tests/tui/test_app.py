"""The app as a user has it: what is typed, what is shown, what is kept."""

from __future__ import annotations

import asyncio

from chatterm.store import Store
from tui.app_driver import Place, place

__all__ = ["place"]

TOOLS = """
text: I look.
call read_file: {"path": "a.txt"}
call shell: {"command": "touch made.txt"}
usage input=100 output=20
round
text: Done.
usage input=300 output=30
"""
SLOW = """
pace 1 40
think: Let me think about it for a while, and for a while more.
text: One two three four five six seven eight nine ten eleven twelve.
usage input=10 output=20
"""


async def test_an_answer_is_shown_and_kept(place: Place) -> None:
    place.configure("think: hm\ntext: **Hello** there.\nusage input=10 output=3")
    async with place.app() as app:
        await app.ask("hi")
        assert app.says("› hi")
        assert app.says("∴ ▸ thought for")
        assert app.says("Hello there.")
        assert app.says("10 → 3 tokens")
        id_ = app.chat.talk.session.id
    with Store.open(place.data) as store:
        (row,) = store.list()
        assert row.conversation.id == id_
        assert row.conversation.origin == "app"


async def test_leaving_tells_how_to_go_on(place: Place) -> None:
    async with place.app() as app:
        await app.ask("What is it?")
        id_ = app.chat.talk.session.id
        app.chat.leave()
        await app.until(lambda: app.app._exit)
        assert f"chatterm -r {id_[:6]}" in str(app.app.return_value)


async def test_resumed_looks_as_it_did_live(place: Place) -> None:
    place.configure(TOOLS)
    (place.work / "a.txt").write_text("one\ntwo\n")
    async with place.app() as app:
        await app.send("go on")
        await app.asked()
        await app.press("y")
        await app.idle()
        live = app.lines()
        id_ = app.chat.talk.session.id
    for size in ((100, 32), (60, 32), (140, 32)):
        async with place.app(size=size, resume=id_) as app:
            await app.until(lambda app=app: app.says("Done."))
            if size == (100, 32):
                assert app.lines()[:-2] == live[:-2]


async def test_a_call_asks_under_itself(place: Place) -> None:
    place.configure(TOOLS)
    (place.work / "a.txt").write_text("one\ntwo\n")
    async with place.app() as app:
        await app.send("go on")
        await app.asked()
        assert app.says("shell  wants to run")
        assert app.says("│ touch made.txt")
        assert app.says("y once")
        await app.press("n")
        await app.idle()
        assert app.says("denied")
        assert not (place.work / "made.txt").exists()


async def test_keys_that_come_too_soon_answer_nothing(place: Place) -> None:
    place.configure(TOOLS)
    async with place.app() as app:
        await app.send("go on")
        await app.until(lambda: app.chat.asking.open)
        await app.press("y")
        assert app.chat.asking.open
        assert app.chat.prompt.text == ""


async def test_a_draft_takes_the_letters_until_tab(place: Place) -> None:
    place.configure("pace 1 50\nthink: so many words that one can type\n" + TOOLS)
    async with place.app() as app:
        await app.send("go on")
        await app.type("yes")
        await app.asked()
        await app.press("y")
        assert app.chat.prompt.text == "yesy"
        assert app.chat.asking.open
        assert app.says("Tab to answer")
        await app.press("tab", "y")
        await app.idle()
        assert (place.work / "made.txt").exists()
        assert app.chat.prompt.text == "yesy"


async def test_escape_stops_and_keeps_what_came(place: Place) -> None:
    place.configure(SLOW)
    async with place.app() as app:
        await app.send("count")
        await app.until(lambda: app.says("One two"))
        await app.press("escape")
        await app.idle()
        assert app.says("interrupted")
        assert app.says("One two")
        turn = app.chat.talk.session.turns[-1]
        assert turn.steps


async def test_messages_wait_where_they_are_seen(place: Place) -> None:
    place.configure(SLOW)
    async with place.app() as app:
        await app.send("count")
        await app.until(lambda: app.chat.talk.session.running)
        await app.send("steer")
        app.chat.prompt.write("later")
        await app.press("alt+enter")
        assert app.says("next: steer")
        assert app.says("queued: later")
        await app.until(lambda: len(app.chat.talk.session.turns) == 3)
        await app.idle()
        texts = [turn.input.text for turn in app.chat.talk.session.turns]
        assert texts == ["count", "steer", "later"]


async def test_what_is_typed_after_enter_is_no_part_of_the_message(place: Place) -> None:
    place.configure(SLOW)
    async with place.app() as app:
        await app.send("count")
        await app.pilot.press(*"one", "enter", *"two", "enter")
        await app.until(lambda: len(app.chat.talk.waiting) == 2)
        assert [each.input.text for each in app.chat.talk.waiting] == ["one", "two"]


async def test_an_edited_message_makes_a_branch(place: Place) -> None:
    async with place.app() as app:
        await app.ask("first")
        await app.ask("second")
        app.chat.do("edit_last")
        await app.pilot.pause()
        assert app.chat.prompt.text == "second"
        await app.send("second, better")
        await app.until(lambda: app.says("› second, better") and not app.chat.talk.running)
        await app.until(lambda: app.says("branch 2/2"))
        texts = [turn.input.text for turn in app.chat.talk.session.turns]
        assert texts == ["first", "second, better"]
        app.chat.pane.set_cursor(app.chat.pane.items[-3].key)
        app.chat.do("branch_before")
        await app.until(lambda: app.says("branch 1/2"))
        assert app.says("second")
        assert not app.says("better")


async def test_what_is_typed_survives_leaving(place: Place) -> None:
    async with place.app() as app:
        await app.type("half a thought")
    async with place.app() as app:
        await app.until(lambda: app.chat.prompt.text == "half a thought")


async def test_a_command_is_completed_and_run(place: Place) -> None:
    async with place.app() as app:
        await app.type("/mod")
        await app.until(lambda: app.chat.suggestions.shown)
        assert app.says("model")
        app.chat.prompt.write("/mode plan")
        await app.press("enter")
        await app.until(lambda: app.chat.talk.mode == "plan")
        assert app.says("plan")


async def test_an_edit_is_undone_in_one_key(place: Place) -> None:
    place.configure(
        'call write_file: {"path": "n.txt", "content": "new\\n"}\nround\ntext: Written.'
    )
    async with place.app() as app:
        await app.send("write")
        await app.asked()
        assert app.says("+new")
        await app.press("y")
        await app.idle()
        path = place.work / "n.txt"
        assert path.read_text() == "new\n"
        await app.press("ctrl+up")
        app.chat.pane.set_cursor(
            next(item.key for item in app.chat.pane.items if getattr(item, "kind", "") == "tool")
        )
        await app.press("u")
        await app.until(lambda: not path.exists())
        assert app.says("undone")


async def test_finding_marks_and_counts(place: Place) -> None:
    async with place.app() as app:
        await app.ask("apples and pears")
        await app.ask("plums")
        app.chat.do("find:pears")
        await app.pilot.pause()
        assert app.says("1 of 1")
        item = app.chat.pane.cursor
        assert getattr(item, "text", "") == "apples and pears"


async def test_a_provider_that_fails_leaves_the_conversation_usable(place: Place) -> None:
    place.configure("text: So\nfail overloaded status=529: too many people ask")
    async with place.app() as app:
        await app.ask("hello")
        assert app.says("too many people ask")
        assert app.says("ask again")
        await app.ask("still there?")
        assert len(app.chat.talk.session.turns) == 2


async def test_without_any_provider_the_demo_plays(place: Place) -> None:
    place.config.write_text("")
    async with place.app() as app:
        await app.until(lambda: app.says("No model is set up"))
        assert app.says("demo/")


async def test_the_screen_holds_at_every_size(place: Place) -> None:
    place.configure(TOOLS)
    (place.work / "a.txt").write_text("one\ntwo\n")
    async with place.app(size=(40, 15)) as app:
        await app.send("a message that is longer than forty cells are wide, so that it wraps")
        await app.asked()
        for width, height in ((40, 15), (80, 24), (120, 40), (300, 80), (20, 6), (41, 15)):
            await app.pilot.resize_terminal(width, height)
            await app.pilot.pause(0.05)
            assert len(app.lines()) == height
        while app.chat.asking.open:  # it wants to be read at the last width, too
            app.chat.asking.forget_grace()
            await app.press("y")
        await app.idle()


async def test_own_commands_run_and_can_be_sent_along(place: Place) -> None:
    async with place.app() as app:
        app.chat.prompt.write("!echo mine")
        await app.press("enter")
        await app.until(lambda: app.says("send along"))
        assert app.says("mine")
        item = app.chat.pane.items[-1]
        app.chat.pane.set_cursor(item.key)
        app.chat.do("send_along")
        await app.pilot.pause()
        assert "mine" in app.chat.prompt.message


async def test_each_of_several_own_commands_can_be_stopped(place: Place) -> None:
    async with place.app() as app:
        for command in ("!sleep 60", "!echo mine"):
            app.chat.prompt.write(command)
            await app.press("enter")
        await app.until(lambda: app.says("send along"))
        await app.press("escape")
        await app.until(lambda: app.says("exit 130"))
        assert not app.chat.own_running


async def test_a_file_is_attached_by_its_name(place: Place) -> None:
    (place.work / "notes.txt").write_text("remember the milk\n")
    place.configure("echo")
    async with place.app() as app:
        app.chat.prompt.write("see @notes.txt")
        await app.press("enter")
        await app.until(lambda: len(app.chat.talk.session.turns) == 1)
        (attached,) = app.chat.talk.session.turns[0].input.attachments
        assert attached.name == "notes.txt"
        assert app.says("+ notes.txt")
        await asyncio.sleep(0)


async def test_the_place_on_the_screen_is_found_again(place: Place) -> None:
    place.configure("text:\n" + "\n\n".join(f"  paragraph {n}" for n in range(60)))
    async with place.app() as app:
        await app.ask("tell")
        app.chat.pane.scroll_rows(-40)
        await app.pilot.pause()
        before = app.lines()[:20]
        id_ = app.chat.talk.session.id
    async with place.app(resume=id_) as app:
        await app.until(lambda: app.lines()[:20] == before)


async def test_the_timeline_stands_beside_on_a_wide_screen(place: Place) -> None:
    place.configure("think: hm\ntext: One two three.\nusage input=10 output=3")
    async with place.app(size=(170, 30)) as app:
        await app.ask("hi")
        await app.press("f4")
        await app.until(lambda: app.says("tokens") and app.says("total"))
        assert app.says("One two three.")
        await app.press("f4")
        await app.until(lambda: app.chat.side is None)
    async with place.app(size=(80, 24)) as app:
        await app.ask("hi")
        await app.press("f4")
        await app.until(lambda: len(app.app.screen_stack) == 2)
        await app.press("escape")


async def test_a_start_in_the_background_takes_keys_later(place: Place) -> None:
    async with place.app() as app:
        app.chat.set_focus(None)
        app.app.app_focus = False  # nothing has the focus that could get it back
        await app.type("hi")
        assert app.chat.prompt.text == "hi"


async def test_a_row_stays_free_above_the_prompt_where_there_is_room(place: Place) -> None:
    for rows, free in ((24, 1), (15, 0)):
        async with place.app(size=(80, rows)) as app:
            assert app.chat.bottom.region.y - app.chat.pane.region.bottom == free


async def test_a_slash_alone_lists_every_command(place: Place) -> None:
    async with place.app() as app:
        await app.type("/")
        await app.until(lambda: app.says("everything that can be done"))
        assert app.says(" more\n")
        assert not app.says("next-mode")
        await app.press(*["down"] * 8)
        assert app.chat.suggestions.value == "next-mode"
        assert app.says("next-mode")
        await app.press(*["up"] * 9)
        assert app.says(app.chat.suggestions.value)  # from the first to the last, in sight
        assert not app.says(" more\n")


async def test_the_greeting_says_in_full_how_to_get_a_model(place: Place) -> None:
    place.config.write_text("")
    async with place.app(size=(40, 24)) as app:
        await app.until(lambda: app.says("No model is set up"))
        assert app.says("type /setup")


WRITES = 'call write_file: {"path": "n.txt", "content": "new\\n"}\nround\ntext: Written.'


async def test_esc_leaves_the_choice_of_a_rule_and_the_question_stays(place: Place) -> None:
    place.configure(WRITES)
    async with place.app() as app:
        await app.send("write")
        await app.asked()
        await app.press("a")
        await app.until(lambda: app.says("always allow"))
        assert app.says("p in this project   g everywhere   e edit the rule   Esc back")
        assert not app.says("y once")
        await app.press("escape")
        await app.until(lambda: app.says("y once"))
        assert app.chat.asking.open
        await app.press("y")
        await app.idle()
        assert app.says("Written.")


async def test_esc_says_no_with_the_note_and_stops(place: Place) -> None:
    place.configure(WRITES)
    async with place.app() as app:
        await app.send("write")
        await app.asked()
        await app.press("tab")
        await app.type("not there")
        await app.press("enter", "escape")
        await app.idle()
        assert app.says("not there")
        assert not app.says("Written.")


async def test_a_rule_is_made_with_a_key(place: Place) -> None:
    place.configure(WRITES)
    async with place.app() as app:
        await app.send("write")
        await app.asked()
        await app.press("a", "p")
        await app.idle()
        assert app.says("Written.")
        await app.ask("again")
        assert not app.chat.asking.open


async def test_what_waits_is_told_as_it_is_sent_and_as_it_isnt(place: Place) -> None:
    place.configure(SLOW)
    async with place.app() as app:
        await app.send("one")
        await app.until(lambda: app.says("thinking"))
        await app.send("two")
        await app.until(lambda: app.says("next: two"))
        await app.press("escape")
        await app.until(lambda: app.says("not sent: two"))
        assert app.says("send · edit · remove")
        await app.send("/send-waiting")
        await app.until(lambda: app.says("› two"))
        await app.until(lambda: not app.says("not sent: two"))
        await app.send("three")
        await app.until(lambda: app.says("next: three"))
        await app.until(lambda: app.says("› three"))
        await app.until(lambda: not app.says("next: three"))
        assert app.chat.talk.running


async def test_a_line_stands_below_its_label_where_there_is_little_room(place: Place) -> None:
    place.configure(TOOLS)
    (place.work / "a.txt").write_text("one\n")
    for columns, below in ((40, True), (100, False)):
        async with place.app(size=(columns, 24)) as app:
            await app.send("go on")
            await app.asked()
            await app.press("e")
            await app.until(lambda app=app: app.says("edit the command, Enter runs it"))
            await app.pilot.pause()
            label = app.chat.bottom.sign.region
            line = app.chat.bottom.line.region
            assert (line.y > label.y) is below
            assert line.width > 30
            await app.press("escape", "escape")
            await app.idle()
            assert app.chat.prompt.region.y == app.chat.bottom.sign.region.y


async def test_another_chatterm_in_the_same_conversation_is_told_of(place: Place) -> None:
    async with place.app() as one:
        await one.ask("first")
        id_ = one.chat.talk.session.id
        async with place.app(resume=id_) as other:
            await other.until(lambda: other.says("first"))
            await one.ask("from one")
            await other.ask("from other")
            await other.until(lambda: other.says("another chatterm went on"))
            await other.until(lambda: other.says("branch 2/2"))


async def test_a_long_command_cant_be_allowed_before_all_of_it_was_seen(place: Place) -> None:
    lines = "\\n".join(f"echo {n}" for n in range(40))
    place.configure(f'call shell: {{"command": "{lines}\\ntouch made.txt"}}\nround\ntext: Ran.')
    async with place.app(size=(80, 24)) as app:
        await app.send("go on")
        await app.asked()
        seen = set()
        for _ in range(20):
            await app.pilot.pause(0.05)
            seen |= {line.split("│")[1].strip(" ↵") for line in app.lines() if "│" in line}
            if not app.chat.asking.open:
                break
            await app.press("y")
        await app.idle()
        assert app.says("Ran.")  # the end is followed again
        assert seen >= {f"echo {n}" for n in range(40)} | {"touch made.txt"}


async def test_esc_leaves_insert_mode_before_anything_else(place: Place) -> None:
    script = SLOW.replace("text:", "wait 600\ntext:")
    place.configure(script, '[ui.keys]\nvim = "on"\nsend = "ctrl+x"')
    async with place.app() as app:
        await app.send("count")
        await app.press("ctrl+x")
        await app.until(lambda: app.says("thinking"))
        await app.type("one two")
        await app.press("escape")
        await app.type("b")
        await app.type("dw")
        assert app.chat.prompt.text == "one "
        assert app.chat.talk.running
        await app.press("escape", "escape")
        await app.until(lambda: app.says("interrupted"))
        await app.press("ctrl+x")
        await app.type("insert mode again")
        assert app.chat.prompt.text == "insert mode again"


async def test_the_help_tells_the_keys_that_were_set(place: Place) -> None:
    place.configure("text: hi", '[ui.keys]\nsend = "ctrl+x"')
    async with place.app() as app:
        await app.press("f1")
        await app.until(lambda: app.says("Ctrl+X"))


async def test_the_cage_is_told_once(place: Place) -> None:
    async with place.app() as app:
        await app.until(lambda: app.chat.talk.tooling is not None)
        if app.chat.talk.tooling is not None and app.chat.talk.tooling.level.caged:
            await app.send("/mode caged")
            await app.until(lambda: app.chat.talk.mode == "caged")
            await app.pilot.pause()
            assert app.lines()[-1].count("caged") == 1


async def test_the_demo_isnt_asked_for_a_title(place: Place) -> None:
    place.configure("text: **This is a demo** and no title.")
    async with place.app() as app:
        await app.ask("What is it?")
        app.chat.leave()
        await app.until(lambda: app.app._exit)
    with Store.open(place.data) as store:
        assert store.list()[0].conversation.title == "What is it?"
