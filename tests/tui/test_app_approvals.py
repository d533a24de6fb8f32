"""In the app: a call that the provider itself would run is asked about like any other."""

from __future__ import annotations

import pytest

from chatterm.events import PermissionAnswered
from chatterm.steps import Outcome, ToolCallStep, ToolResultStep
from chatterm.store import Store
from faultserver import FaultServer
from hostile import FORBIDDEN
from responses_server import Item, KeptResponses, approval, message, remote_call
from tui.app_driver import Driver, Place, place

__all__ = ["place"]

ARGUMENTS = '{"what":  "nuts"}'
FIND = approval("shop", "find", ARGUMENTS)
FOUND = [remote_call("shop", "find", "3 boxes"), message("There are three.")]


def configure(
    place: Place, server: FaultServer, *script: list[Item], more: str = ""
) -> KeptResponses:
    kept = KeptResponses(script)
    server.script(kept)
    shop = '[{ type = "mcp", server_label = "shop", server_url = "https://x.test" }]'
    place.config.write_text(
        f'model = "p/gpt-5"\n{more}\n[titles]\nmodel = "off"\n[providers.p]\n'
        f'protocol = "responses"\nbase_url = "{server.url}"\nserver_state = true\n'
        f"body = {{ tools = {shop} }}\n"
    )
    return kept


def answered(kept: KeptResponses, number: int = -1) -> list[tuple[bool, str]]:
    """The answers to what was to be approved in a request, with their notes."""
    return [
        (item["approve"], item.get("reason", ""))
        for item in kept.asked[number]["input"]
        if item.get("type") == "mcp_approval_response"
    ]


def results(app: Driver) -> list[ToolResultStep]:
    turns = app.chat.talk.session.turns
    return [step for turn in turns for step in turn.steps if isinstance(step, ToolResultStep)]


async def test_a_yes_has_the_provider_run_it(place: Place, server: FaultServer) -> None:
    kept = configure(place, server, [FIND], FOUND)
    async with place.app() as app:
        await app.send("go on")
        await app.asked()
        assert app.says("the provider's server shop")
        assert app.says("is to run find")
        assert app.says(ARGUMENTS)
        assert app.says("no sandbox holds it")
        assert not app.says("e edit"), "its arguments are the server's"
        await app.press("y")
        await app.idle()
        assert app.says("There are three.")
        approved, found = results(app)
        assert (approved.content, found.content) == ("approved by the user", "3 boxes")
        hosted = [
            step for step in app.chat.talk.session.turns[0].steps if isinstance(step, ToolCallStep)
        ]
        assert all(step.hosted for step in hosted)
        id_ = app.chat.talk.session.id
    assert answered(kept) == [(True, "")]
    assert kept.asked[1]["previous_response_id"] == "resp_1"
    with Store.open(place.data) as store:
        (turn,) = store.turns(store.path(id_))
        (decided,) = [each for each in turn.events if isinstance(each, PermissionAnswered)]
        assert decided.decision == "allow"


async def test_a_yes_for_the_session_answers_the_next(place: Place, server: FaultServer) -> None:
    kept = configure(place, server, [FIND], FOUND, [FIND], FOUND)
    async with place.app() as app:
        await app.send("go on")
        await app.asked()
        assert app.says("s this session")
        await app.press("s")
        await app.idle()
        await app.send("and again")
        await app.until(lambda: len(kept.asked) == 4)
        await app.idle()
    assert answered(kept, 1) == answered(kept, 3) == [(True, "")]


async def test_a_no_goes_back_with_its_note(place: Place, server: FaultServer) -> None:
    kept = configure(place, server, [FIND], FOUND)
    async with place.app() as app:
        await app.send("go on")
        await app.asked()
        await app.press("tab")
        await app.type("look in the cellar")
        await app.press("enter")
        await app.press("n")
        await app.idle()
        assert results(app)[0].outcome is Outcome.DENIED
    assert answered(kept) == [(False, "look in the cellar")]


async def test_escape_says_no_and_the_next_request_says_so(
    place: Place, server: FaultServer
) -> None:
    kept = configure(place, server, [FIND], [message("Very well.")])
    async with place.app() as app:
        await app.send("go on")
        await app.asked()
        await app.press("escape")
        await app.idle()
        assert len(kept.asked) == 1
        await app.send("something else")
        await app.until(lambda: len(kept.asked) == 2)
        await app.idle()
    assert answered(kept) == [(False, "")]
    assert kept.asked[1]["input"][-1] == {"role": "user", "content": "something else"}


@pytest.mark.parametrize(("mode", "approve"), [("yolo", True), ("plan", False)])
async def test_modes_decide_unasked(
    place: Place,
    server: FaultServer,
    mode: str,
    approve: bool,
) -> None:
    kept = configure(place, server, [FIND], FOUND)
    async with place.app(mode=mode) as app:
        await app.send("go on")
        await app.until(lambda: len(kept.asked) == 2)
        await app.idle()
    ((said, _),) = answered(kept)
    assert said is approve


async def test_several_are_shown_whole_before_one_answer_counts_for_all(
    place: Place, server: FaultServer
) -> None:
    sell = approval("market", "sell", '{"all": true}')
    kept = configure(place, server, [FIND, sell], FOUND)
    async with place.app() as app:
        await app.send("go on")
        await app.asked()
        await app.press("r")
        assert app.says("the provider's server market")
        assert app.says('{"all": true}')
        assert len(kept.asked) == 1
        await app.press("r")
        await app.idle()
    assert answered(kept) == [(True, ""), (True, "")]


HOSTILE = "\x1b[2J\x1b]0;owned\x07a\u202eb\u2066\nc\x9b31m"


@pytest.mark.parametrize("where", ["label", "name", "arguments"])
async def test_what_strangers_name_is_written_out_and_has_to_be_read(
    place: Place, server: FaultServer, where: str
) -> None:
    asked = {"label": "shop", "name": "find", "arguments": "{}"}
    asked[where] = HOSTILE + "x" * 10_000
    hostile = approval(asked["label"], asked["name"], asked["arguments"])
    kept = configure(place, server, [hostile], FOUND)
    async with place.app() as app:
        await app.send("go on")
        await app.asked()
        assert app.says("\\x1b[2J\\x1b]0;owned\\x07a\\u202eb\\u2066")
        assert not FORBIDDEN & set(app.text())
        await app.press("y")
        assert len(kept.asked) == 1, "a yes doesn't count before its end was on the screen"
        assert not FORBIDDEN & set(app.text())
        if where != "arguments":
            assert not app.says("this session")
        await app.press("escape")
        await app.idle()
    assert len(kept.asked) == 1
