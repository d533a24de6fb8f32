"""`ask` with a provider that wants its own calls of other servers' tools approved."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from faultserver import FaultServer
from hostile import FORBIDDEN
from program import Finished, Program
from responses_server import KeptResponses, approval, call, message, remote_call
from terminals import Terminal

SHOP = 'body = { tools = [{ type = "mcp", server_label = "shop", server_url = "https://x.test" }] }'
ARGUMENTS = '{"what":  "nuts & bolts"}'
SCRIPT = [
    [approval("shop", "find", ARGUMENTS)],
    [remote_call("shop", "find", "3 boxes"), message("There are three.")],
]


@pytest.fixture
def work(tmp_path: Path) -> Path:
    directory = tmp_path / "work"
    directory.mkdir()
    return directory


@pytest.fixture
def kept(server: FaultServer) -> KeptResponses:
    made = KeptResponses(SCRIPT)
    server.script(made)
    return made


def configure(program: Program, server: FaultServer, *lines: str, more: str = "") -> None:
    head = ['model = "p/gpt-5"', more, "[providers.p]", 'protocol = "responses"']
    program.configure("\n".join([*head, f'base_url = "{server.url}"', SHOP, *lines, ""]))


@pytest.fixture
def asking(program: Program, server: FaultServer, kept: KeptResponses) -> Program:
    configure(program, server)
    return program


def terminal(program: Program, work: Path, *arguments: str) -> Terminal:
    return program.terminal("ask", "-n", *arguments, "go on", cwd=work)


def answers(kept: KeptResponses) -> list[dict[str, Any]]:
    """The answers to what was to be approved, in the last request."""
    items = kept.asked[-1]["input"]
    return [item for item in items if item.get("type") == "mcp_approval_response"]


def answer(approve: bool, **more: str) -> dict[str, Any]:
    kind = "mcp_approval_response"
    return {"type": kind, "approval_request_id": "item_1_0", "approve": approve, **more}


def run(program: Program, work: Path, *arguments: str) -> Finished:
    return program.run("ask", "-n", *arguments, "go on", cwd=work)


def test_a_yes_has_the_provider_run_it(asking: Program, kept: KeptResponses, work: Path) -> None:
    with terminal(asking, work) as seat:
        seat.read_until("q no, and stop")
        assert "? find wants to run   at the provider, on its server shop" in seat.text
        assert f"│ {ARGUMENTS}" in seat.text
        assert "no sandbox holds it" in seat.text
        seat.read_until("> ")
        seat.type("y\r")
        assert seat.wait() == 0
    assert answers(kept) == [answer(True)]
    assert "There are three." in seat.text


def test_a_no_goes_back_with_its_note(asking: Program, kept: KeptResponses, work: Path) -> None:
    with terminal(asking, work) as seat:
        seat.read_until("> ")
        seat.type("n look in the cellar\r")
        assert seat.wait() == 0
    assert answers(kept) == [answer(False, reason="look in the cellar")]


def test_a_stop_asks_nothing_more(asking: Program, kept: KeptResponses, work: Path) -> None:
    with terminal(asking, work) as seat:
        seat.read_until("> ")
        seat.type("q\r")
        assert seat.wait() == 130
    assert len(kept.asked) == 1
    with terminal(asking, work, "-c") as seat:
        assert seat.wait() == 0
    assert answers(kept) == [answer(False)]


def test_a_question_that_was_left_open_is_a_no(
    asking: Program, kept: KeptResponses, work: Path
) -> None:
    with terminal(asking, work) as seat:
        seat.read_until("> ")
        seat.type("\x03")
        assert seat.wait() == 130
    with terminal(asking, work, "-c") as seat:
        assert seat.wait() == 0
    assert answers(kept) == [answer(False)]


def test_always_is_kept_as_a_rule(asking: Program, kept: KeptResponses, work: Path) -> None:
    with terminal(asking, work) as seat:
        seat.read_until("> ")
        assert "rule: mcp shop/find" in seat.text
        seat.type("a\r")
        seat.read_until("everywhere")
        seat.type("g\r")
        assert seat.wait() == 0
    assert "allow  everywhere  mcp:shop/find" in asking.run("permissions", "list", cwd=work).text
    kept.asked.clear()
    assert run(asking, work).status == 0
    assert answers(kept) == [answer(True)]
    asking.run("permissions", "remove", "mcp:shop/find", cwd=work)
    kept.asked.clear()
    assert run(asking, work).status == 6


def test_where_nobody_can_be_asked_it_is_denied(
    asking: Program, kept: KeptResponses, work: Path
) -> None:
    done = run(asking, work)
    assert done.status == 6
    assert answers(kept) == [answer(False)]
    assert "There are three." in done.text


@pytest.mark.parametrize(
    ("options", "approved", "status"),
    [
        (["--allow", "mcp:shop/find"], True, 0),
        (["--allow", "mcp:shop"], True, 0),
        (["--allow", "mcp:*/find"], True, 0),
        (["--allow", "mcp:shop/sell"], False, 6),
        (["--allow", "mcp:shop/find", "--deny", "mcp:shop"], False, 0),
        (["--yes"], True, 0),
        (["--yes", "--deny", "mcp"], False, 0),
    ],
)
def test_rules_decide_beforehand(
    asking: Program,
    kept: KeptResponses,
    work: Path,
    options: list[str],
    approved: bool,
    status: int,
) -> None:
    assert run(asking, work, *options).status == status
    (said,) = answers(kept)
    assert said["approve"] is approved


def test_the_mode_plan_denies_it(
    program: Program, server: FaultServer, kept: KeptResponses, work: Path
) -> None:
    configure(program, server)
    program.config.write_text(f'{program.config.read_text()}\n[permissions]\nmode = "plan"\n')
    assert run(program, work).status == 0
    (said,) = answers(kept)
    assert said == answer(False, reason="denied: the mode is plan: it only reads")


def test_it_stands_beside_our_own_calls(program: Program, server: FaultServer, work: Path) -> None:
    kept = KeptResponses([[call("list_files", path="."), SCRIPT[0][0]], SCRIPT[1]])
    server.script(kept)
    configure(program, server, "server_state = true")
    with terminal(program, work, "-T", "list_files") as seat:
        seat.read_until("> ")
        seat.type("y\r")
        assert seat.wait() == 0
    last = kept.asked[-1]
    assert last["previous_response_id"] == "resp_1"
    kinds = [item["type"] for item in last["input"]]
    assert kinds == ["mcp_approval_response", "function_call_output"]
    assert {tool.get("name") or tool["server_label"] for tool in last["tools"]} == {
        "list_files",
        "shop",
    }


HOSTILE = "\x1b[2J\x1b]0;owned\x07a\u202eb\u2066\nc\x9b31m" + "x" * 10_000


@pytest.mark.parametrize("where", ["label", "name", "arguments"])
def test_what_strangers_name_is_written_out(
    program: Program, server: FaultServer, work: Path, where: str
) -> None:
    asked = {"label": "shop", "name": "find", "arguments": "{}"}
    asked[where] = json.dumps({"a": 1}) + HOSTILE if where == "arguments" else HOSTILE
    hostile = approval(asked["label"], asked["name"], asked["arguments"])
    server.script(KeptResponses([[hostile], [message("Well.")]]))
    configure(program, server)
    with terminal(program, work) as seat:
        seat.read_until("> ")
        shown = seat.text
        seat.type("n\r")
        assert seat.wait() == 0
    asked_from = shown.index("? ")
    question = shown[asked_from:].replace("\r\n", "\n")
    assert "\\x1b[2J\\x1b]0;owned\\x07a\\u202eb\\u2066" in question
    assert "x" * 10_000 in question
    assert not FORBIDDEN & set(question)
    if where != "arguments":
        assert "rule:" not in question, "a name that means more than itself makes no rule"


def test_an_unknown_kind_of_rule_says_what_there_is(asking: Program, work: Path) -> None:
    done = run(asking, work, "--allow", "mpc:shop/find")
    assert done.status == 2
    assert "did you mean mcp?" in done.stderr
