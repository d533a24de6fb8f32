"""Reading in the app: what is selected, folded and found while the conversation changes."""

from __future__ import annotations

from collections.abc import Sequence

from chatterm.events import Event, StepFinished, TurnFinished, TurnStarted
from chatterm.steps import FinishReason, Status, TextStep, TurnStatus, UserInput
from chatterm.tui.branching import Tree
from chatterm.tui.pane.selecting import Place, Selection
from chatterm.tui.screens.help import Help
from tui.app_driver import Driver, place
from tui.app_driver import Place as Where

__all__ = ["place"]

LONG_WORDS = " ".join(f"word{number}" for number in range(40))
CODE = "Before it.\n\n```python\nprint(1)\nprint(2)\n```\n\nAfter it."


def script(text: str) -> str:
    """A script that answers with a text of several lines."""
    lines = "\n".join(f"  {line}" for line in text.split("\n"))
    return f"text:\n{lines}\n"


def turn(number: int, text: str = "An answer.") -> tuple[str, Sequence[Event]]:
    """A recorded turn."""
    at, name = "2026-01-01T00:00:00+00:00", f"t{number}"
    step = TextStep(
        id="s", index=0, round=0, status=Status.DONE, started_at=at, duration_ms=1, text=text
    )
    begun = TurnStarted("c", name, None, UserInput(f"question {number}"), None, "s/x", {}, at)
    ended = TurnFinished(TurnStatus.COMPLETED, FinishReason.STOP)
    return name, [begun, StepFinished(step), ended]


def select(app: Driver, first: str, last: str) -> str:
    """Select from the words on one row to the end of those on another; what is selected then."""
    pane = app.chat.pane
    lines = app.lines()
    start = next(n for n, line in enumerate(lines) if first in line)
    end = next(n for n, line in enumerate(lines) if last in line)
    begin = pane.place_at(lines[start].index(first), start)
    stop = pane.place_at(lines[end].index(last) + len(last), end)
    assert begin is not None
    assert stop is not None
    pane._anchor = begin
    pane._selection = Selection.between(begin, stop)
    return pane.selection_text


# --- selecting ---


async def test_a_selection_across_steps_is_copied_without_gutter_and_breaks(place: Where) -> None:
    place.configure(script(LONG_WORDS))
    async with place.app(size=(60, 24)) as app:
        await app.ask("say many words")
        assert select(app, "many words", "word39") == f"many words\n\n{LONG_WORDS}"


async def test_a_selection_over_code_has_the_code_and_nothing_beside_it(place: Where) -> None:
    place.configure(script(CODE))
    async with place.app(size=(60, 24)) as app:
        await app.ask("code, please")
        assert app.says("copy")
        selected = select(app, "Before it.", "After it.")
        assert "copy" not in selected
        assert "print(1)\nprint(2)" in selected.replace("  print", "print")


async def test_a_selection_has_no_branch_and_no_time(place: Where) -> None:
    place.configure("text: Hello.", "[ui]\ntimestamps = true")
    async with place.app() as app:
        await app.ask("first")
        app.chat.do("retry")
        await app.until(lambda: app.says("branch 2/2"))
        await app.idle()
        assert select(app, "first", "Hello.") == "first\n\nHello."


async def test_a_drag_selects(place: Where) -> None:
    async with place.app() as app:
        await app.ask("hi there")
        row = next(n for n, line in enumerate(app.lines()) if "hi there" in line)
        column = app.lines()[row].index("there")
        await app.pilot.mouse_down(offset=(column, row))
        await app.pilot.hover(offset=(column + 4, row))
        await app.pilot.mouse_up(offset=(column + 4, row))
        await app.pilot.pause()
        assert app.chat.pane.selection_text == "there"


async def test_a_selection_stays_when_earlier_turns_come(place: Where) -> None:
    async with place.app() as app:
        await app.ask("hi there")
        assert select(app, "there", "Hello.") == "there\n\nHello."
        app.chat.transcript.prepend(app.chat.transcript.made([turn(1), turn(2)]))
        await app.pilot.pause()
        assert app.chat.pane.selection_text == "there\n\nHello."


async def test_nothing_is_selected_in_what_is_gone(place: Where) -> None:
    async with place.app() as app:
        await app.ask("hi there")
        select(app, "there", "Hello.")
        app.chat.do("retry")
        await app.until(lambda: app.says("branch 2/2"))
        await app.idle()
        assert app.chat.pane.selection_text == ""
        select(app, "there", "Hello.")
        app.chat.do("new")
        await app.until(lambda: app.chat.welcome is not None)
        assert app.chat.pane.selection_text == ""


async def test_nothing_is_selected_at_another_width(place: Where) -> None:
    place.configure(script(LONG_WORDS))
    async with place.app(size=(60, 24)) as app:
        await app.ask("say many words")
        select(app, "many", "word39")
        await app.pilot.resize_terminal(40, 24)
        await app.pilot.pause()
        assert app.chat.pane.selection_text == ""


async def test_ctrl_c_copies_once_and_then_stops(place: Where) -> None:
    place.configure("pace 1 20\n" + script(LONG_WORDS))
    async with place.app() as app:
        await app.send("count")
        await app.until(lambda: app.says("word0"))
        app.chat.prompt.write("draft")
        await app.press("shift+home", "ctrl+c")
        assert app.says("copied")
        await app.press("ctrl+c")
        await app.idle()
        assert app.says("interrupted")


async def test_what_is_typed_after_a_click_goes_to_the_prompt(place: Where) -> None:
    async with place.app() as app:
        await app.ask("hi there")
        row = next(n for n, line in enumerate(app.lines()) if "Hello." in line)
        await app.pilot.click(offset=(5, row))
        await app.type("can")
        assert app.chat.prompt.text == "can"


# --- much at once ---


async def test_all_steps_unfold_and_fold_again(place: Where) -> None:
    output = "\\n".join(f"row {number}" for number in range(40))
    place.configure(f'call shell: {{"command": "printf \'{output}\'"}}\nround\ntext: Done.')
    async with place.app(size=(80, 60)) as app:
        await app.send("go on")
        await app.until(lambda: app.says("Done.") or app.chat.asking.open)
        if app.chat.asking.open:
            app.chat.asking.forget_grace()
            await app.press("y")
        await app.idle()
        folded = app.lines()
        assert not app.says("row 20")
        await app.press("ctrl+t")
        assert app.says("row 20")
        await app.press("ctrl+t")
        assert app.lines()[:-1] == folded[:-1]


async def test_folding_all_looks_once_at_where_things_stand(place: Where) -> None:
    async with place.app() as app:
        app.chat.transcript.show([turn(number) for number in range(300)])
        await app.pilot.pause()
        pane = app.chat.pane
        looked = 0
        plain = pane._lay_out

        def lay_out() -> None:
            nonlocal looked
            looked += 1
            plain()

        pane._lay_out = lay_out  # type: ignore[method-assign]
        app.chat.do("fold_all")
        assert looked < 5


def test_branches_of_a_conversation() -> None:
    tree = Tree([("a", None), ("b", "a"), ("c", "a"), ("d", "b"), ("e", None)])
    assert tree.siblings("b") == ["b", "c"]
    assert tree.siblings("e") == ["a", "e"]
    assert tree.siblings("x") == []
    assert tree.newest_leaf("a") == "c"
    assert tree.newest_leaf("b") == "d"


def test_a_place_moves_with_what_comes_before() -> None:
    selection = Selection(Place(1, 2, 3), Place(4, 5, 6))
    assert selection.moved(2) == Selection(Place(3, 2, 3), Place(6, 5, 6))


# --- what is found elsewhere ---


async def test_a_hit_opens_at_the_step_that_has_the_words(place: Where) -> None:
    place.configure(script("\n\n".join(f"paragraph {n} of it" for n in range(60))))
    async with place.app() as app:
        await app.ask("tell about sourdough and bread")
        for _ in range(3):
            await app.ask("again")
        await app.press("ctrl+n")
        await app.until(lambda: app.says("Ask something"))
        await app.press("ctrl+s")
        await app.until(lambda: app.says("Conversations"))
        await app.type("bread sourdough")
        await app.until(lambda: app.says("1") and not app.says("searching"))
        await app.press("enter")
        await app.until(lambda: app.says("tell about sourdough and bread"))
        cursor = app.chat.pane.cursor
        assert cursor is not None
        assert cursor.kind == "user"
        assert app.chat.pane.marks.words in {"bread", "sourdough"}


# --- finding in the conversation ---


async def test_finding_goes_from_step_to_step_and_through_long_ones(place: Where) -> None:
    paragraphs = [f"paragraph {n}{' has plums' if n in (2, 30, 58) else ''}" for n in range(60)]
    place.configure(script("\n\n".join(paragraphs)))
    async with place.app(size=(100, 24)) as app:
        await app.ask("tell about plums")
        await app.ask("once more")
        app.chat.do("first")
        await app.press("ctrl+f")
        await app.type("plums")
        await app.press("enter")
        app.chat.pane.set_cursor(app.chat.pane.items[0].key)
        forth = [(2, 2), (2, 30), (2, 58), (3, 2), (3, 30), (3, 58)]
        back = [(3, 30), (3, 2), (2, 58), (2, 30), (2, 2), (1, 2)]
        for key, places in {"n": forth, "N": back}.items():
            for step, paragraph in places:
                await app.press(key)
                await app.idle()
                await app.until(lambda told=f"{step} of 3 steps": app.says(told))
                await app.until(lambda row=f"paragraph {paragraph} has plums": app.says(row))


# --- keys ---


async def test_a_question_mark_shows_the_keys_while_reading(place: Where) -> None:
    async with place.app() as app:
        await app.ask("hi")
        await app.press("tab", "question_mark")
        await app.until(lambda: isinstance(app.app.screen, Help))
        await app.press("escape")
        assert app.chat.prompt.empty


async def test_the_timeline_tells_its_keys_and_how_to_leave_where_there_is_little_room(
    place: Where,
) -> None:
    async with place.app(size=(50, 20)) as app:
        await app.ask("hi")
        await app.press("f4")
        await app.until(lambda: app.says("Where the time went"))
        await app.until(lambda: app.says("Esc close"))
        await app.press("f1")
        await app.until(lambda: app.says("go to the step"))
        assert isinstance(app.app.screen, Help)
        await app.press("escape")
        await app.until(lambda: app.says("Where the time went"))
