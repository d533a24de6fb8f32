"""How a turn's end leaves its steps: a failure is told once, and nothing runs for ever."""

from __future__ import annotations

import json

import pytest

from chatterm.steps import Status, ToolCallStep
from faultserver import Answer, Cut, FaultServer, sse
from tui.app_driver import Place, place
from tui.stage import Theatre, theatre

__all__ = ["place", "theatre"]


@pytest.mark.parametrize(
    "came",
    [{"reasoning_content": "hm"}, {"content": "Half an ans"}],
    ids=["thinking", "text"],
)
async def test_a_failed_turn_tells_the_failure_alone(
    place: Place, server: FaultServer, came: dict[str, str]
) -> None:
    delta = json.dumps({"choices": [{"index": 0, "delta": came}]})
    server.script(Answer([sse(delta), Cut()]))
    place.config.write_text(
        f'model = "p/m"\n[stream]\nretries = 0\n[titles]\nmodel = "off"\n'
        f'[providers.p]\nprotocol = "chat"\nbase_url = "{server.url}"\nauth = "none"\n',
        "utf-8",
    )
    async with place.app() as app:
        await app.ask("hi")
        assert "interrupted" not in app.text()
        assert app.text().count("was cut before the reply was finished") == 1
        assert app.says("ask again · go on")


async def test_a_hosted_call_without_a_result_says_so_once_the_turn_is_over(
    theatre: Theatre,
) -> None:
    async with theatre.play() as stage:
        told = stage.turn("look it up")
        step = told._open(ToolCallStep, call_id="h", name="web_search", hosted=True)
        told.finish(step, Status.DONE, arguments="{}", input={})
        await stage.settle()
        assert stage.says("the provider runs it")
        told.say("Nothing was found.")
        told.end()
        await stage.settle()
        assert stage.says("no result came")
        assert not stage.says("the provider runs it")
        assert not any(getattr(item, "running", False) for item in stage.chat.pane.items)


async def test_ascii_marks_have_no_blocks_in_the_scroll_bar(theatre: Theatre) -> None:
    async with theatre.play(plain=True) as stage:
        told = stage.turn("count")
        told.say("\n\n".join(map(str, range(101))))
        told.end()
        await stage.settle()
        for _ in range(7):  # wherever its ends come to lie
            assert stage.chat.pane.show_vertical_scrollbar
            assert stage.text().isascii()
            stage.chat.pane.scroll_rows(-5)
            await stage.settle()
