"""`chatterm history` about conversations that a server keeps: listed, fetched, gone on with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from faultserver import Answer, FaultServer, unused_port
from keptservers import KeptLightspeed, KeptLuxx, as_json, turn
from program import COMMAND, Program
from terminals import Terminal

FIRST = "aaaa1111-0000"
SECOND = "aaaa2222-0000"


@pytest.fixture
def lightspeed(program: Program, server: FaultServer) -> KeptLightspeed:
    kept = KeptLightspeed()
    server.script(kept)
    program.provider(server.url, "lightspeed", auth='"none"')
    return kept


@pytest.fixture
def luxx(program: Program, server: FaultServer) -> KeptLuxx:
    kept = KeptLuxx()
    server.script(kept)
    program.provider(f"{server.url}/api", "luxx", auth='"none"')
    return kept


def fetch(program: Program, id_: str) -> str:
    """Fetch a conversation; the id it has here."""
    done = program.run("history", "fetch", "p", id_)
    assert (done.status, done.text.count("\n")) == (0, 1), done.stderr
    return done.text.strip()


def shown(program: Program, id_: str) -> str:
    done = program.run("history", "show", id_)
    assert done.status == 0
    return done.text


def listed(program: Program, *options: str) -> list[dict[str, Any]]:
    done = program.run("history", "list", "--json", *options)
    assert done.status == 0, done.stderr
    return [json.loads(line) for line in done.text.splitlines()]


def exported(program: Program, id_: str) -> list[dict[str, Any]]:
    return program.run("history", "export", id_, "--format", "jsonl").events


def steps_of(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [event["step"] for event in events if event["type"] == "step.finished"]


def on_a_terminal(program: Program, *arguments: str) -> str:
    """What a command writes to a terminal."""
    with Terminal([*COMMAND, *arguments], program.env, program.home) as terminal:
        assert terminal.wait() == 0
        return terminal.text


# --- lists ---------------------------------------------------------------------------------------


def test_a_servers_conversations_are_listed_newest_first(
    program: Program, lightspeed: KeptLightspeed
) -> None:
    lightspeed.hold(FIRST, "Deployments", ("how?", "so"))
    lightspeed.hold(SECOND, None, ("why?", "because"), ("really?", "yes"))
    assert listed(program, "--server", "p") == [
        {
            "provider": "p",
            "id": SECOND,
            "title": "",
            "created_at": "2026-01-06T09:00:00.000Z",
            "updated_at": "2026-01-06T10:00:05.000Z",
            "messages": 2,
            "model": "openai/gpt-4o-mini",
        },
        {
            "provider": "p",
            "id": FIRST,
            "title": "Deployments",
            "created_at": "2026-01-05T09:00:00.000Z",
            "updated_at": "2026-01-05T09:00:05.000Z",
            "messages": 1,
            "model": "openai/gpt-4o-mini",
        },
    ]
    plain = program.run("history", "list", "--server", "p", "-n", "1", env={"TZ": "UTC"})
    assert plain.text == f"{SECOND}\t2026-01-06 10:00\t2\topenai/gpt-4o-mini\t\n"


def test_a_table_shows_as_much_of_ids_as_tells_them_apart(
    program: Program, lightspeed: KeptLightspeed
) -> None:
    for number in (1, 2):
        lightspeed.hold(f"conv-0000-0000-{number}-end", "A title", ("a", "b"))
    text = on_a_terminal(program, "history", "list", "--server", "p")
    assert "conv-0000-0000-1" in text
    assert "messages" in text
    assert "conv-0000-0000-2" in text
    assert "-end" not in text


def test_all_pages_of_a_list_are_asked_for(program: Program, luxx: KeptLuxx) -> None:
    for number in range(1, 6):
        luxx.hold(str(number), f"number {number}", ("a", "b"))
    assert [each["id"] for each in listed(program, "--server", "p")] == ["5", "4", "3", "2", "1"]


HOSTILE = "\x1b]0;owned\x07\x1b[31mred \u202eend\nline"


def test_hostile_titles_do_nothing(program: Program, lightspeed: KeptLightspeed) -> None:
    lightspeed.hold(FIRST, HOSTILE, (HOSTILE, HOSTILE))
    lightspeed.hold(SECOND, "x" * 10_000, ("a", "b"))
    table = on_a_terminal(program, "history", "list", "--server", "p")
    assert "owned" not in table
    assert "red" in table
    assert "x…" in table
    for output in (
        program.run("history", "list", "--server", "p").text,
        program.run("history", "fetch", "p", FIRST).stderr,
        program.run("history", "fetch", "p", SECOND).stderr,
        program.run("history", "list").text,
    ):
        assert all(line.replace("\t", "").isprintable() for line in output.splitlines())
    titles = {each["title"] for each in listed(program)}
    assert "x" * 200 in titles


# --- fetching ------------------------------------------------------------------------------------


def test_a_fetched_conversation_is_one_of_ours(
    program: Program, lightspeed: KeptLightspeed
) -> None:
    told = turn(
        "Which pods fail?",
        "One of them.",
        tool_calls=[
            {"id": "t1", "name": "pods", "args": {"all": True}, "type": "tool_call"},
            {"id": "t2", "name": "logs", "args": {}, "type": "tool_call"},
            {"id": "t3", "name": "logs", "args": {"more": 1}, "type": "tool_call"},
        ],
        tool_results=[
            {"id": "t1", "status": "success", "content": "a b", "type": "r", "round": 1},
            {"id": "t2", "status": "success", "content": "ok", "type": "r", "round": 1},
            {"id": "t3", "status": "failure", "content": "none", "type": "r", "round": 2},
        ],
        referenced_documents=[{"doc_url": "https://docs.test/pods", "doc_title": "Pods"}],
    )
    lightspeed.hold(FIRST, "Failing pods", told)
    id_ = fetch(program, FIRST)
    (row,) = listed(program)
    assert (row["id"], row["title"], row["origin"]) == (id_, "Failing pods", "import")
    assert (row["turns"], row["model"]) == (1, "p/openai/gpt-4o-mini")
    events = exported(program, id_)
    begun = next(event for event in events if event["type"] == "turn.started")
    assert begun["input"]["text"] == "Which pods fail?"
    assert begun["at"] == "2026-01-05T09:00:00.000Z"
    steps = steps_of(events)
    assert [(step["kind"], step["round"]) for step in steps] == [
        ("tool_call", 0),
        ("tool_call", 0),
        ("tool_result", 0),
        ("tool_result", 0),
        ("tool_call", 1),
        ("tool_result", 1),
        ("text", 2),
    ]
    assert all(step["hosted"] for step in steps if step["kind"] == "tool_call")
    assert [step["outcome"] for step in steps if step["kind"] == "tool_result"] == [
        *("done", "done", "failed")
    ]
    assert steps[0]["input"] == {"all": True}
    assert steps[-1]["text"] == "One of them."
    assert steps[-1]["citations"] == [{"title": "Pods", "url": "https://docs.test/pods"}]
    assert events[-1]["status"] == "completed"


def test_the_next_question_goes_on_in_the_servers_own_conversation(
    program: Program, lightspeed: KeptLightspeed
) -> None:
    lightspeed.hold(FIRST, "A title", ("one", "1"), ("two", "2"))
    id_ = fetch(program, FIRST)
    done = program.run("ask", "-r", id_, "three")
    assert (done.status, done.text) == (0, "answer 3\n")
    assert lightspeed.asked == [
        {
            "query": "three",
            "conversation_id": FIRST,
            "provider": "openai",
            "model": "gpt-4o-mini",
        }
    ]
    program.run("ask", "-r", id_, "four")
    assert lightspeed.asked[-1]["conversation_id"] == FIRST


def test_the_same_with_luxx(program: Program, luxx: KeptLuxx) -> None:
    steps = [
        {"id": "step-0", "index": 0, "type": "thinking", "content": "hm"},
        {"id": "step-1", "index": 1, "type": "tool_call", "id_ref": "t", "name": "search"},
        {"id": "step-2", "index": 2, "type": "tool_result", "id_ref": "t", "content": "found"},
        {"id": "step-3", "index": 3, "type": "text", "content": "It rains."},
    ]
    luxx.hold("7", "Weather", ("And today?", steps), ("And then?", "Sun."))
    id_ = fetch(program, "7")
    kinds = [step["kind"] for step in steps_of(exported(program, id_))]
    assert kinds == ["thinking", "tool_call", "tool_result", "text", "text"]
    for question in ("Why?", "Really?"):
        assert program.run("ask", "-r", id_, question).text == "it goes on\n"
    assert [(where, body["content"]) for where, body in luxx.asked] == [
        *(("7", "Why?"), ("7", "Really?"))
    ]
    assert luxx.made == []


def test_another_model_is_told_what_was_said(program: Program, luxx: KeptLuxx) -> None:
    # What a conversation there was made with, its model among it, can't be changed.
    luxx.hold("7", "Weather", ("And today?", "It rains."))
    id_ = fetch(program, "7")
    luxx.hold("made1", "")
    assert program.run("ask", "-r", id_, "-m", "p/other", "Why?").status == 0
    ((where, body),) = luxx.asked
    assert where == "made1"
    assert "It rains." in body["content"]
    assert luxx.made[0]["model"] == "other"


def test_a_branch_from_an_earlier_turn_is_retold(
    program: Program, lightspeed: KeptLightspeed
) -> None:
    lightspeed.hold(FIRST, "A title", ("one", "1"), ("two", "2"))
    id_ = fetch(program, FIRST)
    first = steps_of(exported(program, id_))[0]["id"]
    fork = program.run("history", "fork", id_, "--at", first).text.strip()
    program.run("ask", "-r", fork, "not two")
    assert "conversation_id" not in lightspeed.asked[0]
    assert "<earlier_conversation>" in lightspeed.asked[0]["query"]


# --- fetching again ------------------------------------------------------------------------------


def test_what_the_server_has_beyond_ours_is_appended(
    program: Program, lightspeed: KeptLightspeed
) -> None:
    lightspeed.hold(FIRST, None, ("one", "1"))
    id_ = fetch(program, FIRST)
    assert program.run("history", "fetch", "p", FIRST).stderr.endswith("nothing is new\n")
    lightspeed.hold(FIRST, "Numbers", ("two", "2"), ("three", "3"))
    done = program.run("history", "fetch", "p", FIRST)
    assert done.text.strip() == id_
    assert done.stderr == "chatterm: Numbers: 2 of 3 turns are new\n"
    (row,) = listed(program)
    assert (row["turns"], row["title"]) == (3, "Numbers")
    program.run("ask", "-r", id_, "four")
    assert lightspeed.asked[0]["conversation_id"] == FIRST


def test_what_was_asked_from_here_is_recognised(
    program: Program, lightspeed: KeptLightspeed
) -> None:
    lightspeed.hold(FIRST, None, ("one", "1"))
    id_ = fetch(program, FIRST)
    program.run("ask", "-r", id_, "Go on.", stdin=b"a file")
    program.run("ask", "-r", id_, "Go on.")
    lightspeed.hold(FIRST, None, ("five", "5"))
    assert fetch(program, FIRST) == id_
    (row,) = listed(program)
    assert row["turns"] == 4
    assert shown(program, id_).count("Go on.") == 2
    assert fetch(program, FIRST) == id_
    assert listed(program)[0]["turns"] == 4


def test_a_conversation_begun_from_here_is_brought_up_to_date(
    program: Program, lightspeed: KeptLightspeed
) -> None:
    program.run("ask", "one")
    (ours,) = listed(program)
    lightspeed.hold("made-0", "From elsewhere", ("two", "2"))
    assert fetch(program, "made") == ours["id"]
    (row,) = listed(program)
    assert (row["turns"], row["title"], row["origin"]) == (2, "From elsewhere", "ask")


def test_branches_of_ours_are_kept(program: Program, lightspeed: KeptLightspeed) -> None:
    lightspeed.hold(FIRST, None, ("one", "1"))
    id_ = fetch(program, FIRST)
    program.run("ask", "-r", id_, "-m", "demo", "beside the server")
    lightspeed.hold(FIRST, None, ("two", "2"))
    done = program.run("history", "fetch", "p", FIRST)
    assert "what was said here meanwhile is a branch" in done.stderr
    text = shown(program, id_)
    assert "two" in text
    assert "beside the server" not in text
    asked = [e["input"]["text"] for e in exported(program, id_) if e["type"] == "turn.started"]
    assert "beside the server" in asked
    program.run("ask", "-r", id_, "three")
    assert lightspeed.asked[-1]["conversation_id"] == FIRST


def test_a_title_of_the_users_stays(program: Program, lightspeed: KeptLightspeed) -> None:
    lightspeed.hold(FIRST, "Theirs", ("one", "1"))
    id_ = fetch(program, FIRST)
    program.run("history", "title", id_, "Mine")
    lightspeed.hold(FIRST, "Theirs too", ("two", "2"))
    fetch(program, FIRST)
    assert listed(program)[0]["title"] == "Mine"
    assert lightspeed.titles[FIRST] == "Theirs too"


def test_a_question_that_is_answered_later_is_brought_up_to_date(
    program: Program, luxx: KeptLuxx
) -> None:
    luxx.hold("7", "Weather", ("And today?", "It rains."))
    answer = luxx.messages["7"].pop()
    id_ = fetch(program, "7")
    assert "the server holds no answer to this" in shown(program, id_)
    luxx.messages["7"].append(answer)
    assert fetch(program, "7") == id_
    assert "It rains." in shown(program, id_)
    program.run("ask", "-r", id_, "Why?")
    assert luxx.asked[0][0] == "7"


# --- ids and errors ------------------------------------------------------------------------------


def test_a_unique_prefix_will_do(program: Program, lightspeed: KeptLightspeed) -> None:
    lightspeed.hold(FIRST, "one", ("a", "b"))
    lightspeed.hold(SECOND, "two", ("a", "b"))
    lightspeed.hold(f"{SECOND}-more", "three", ("a", "b"))
    fetch(program, "aaaa1")
    fetch(program, SECOND)
    assert [row["title"] for row in listed(program)] == ["two", "one"]
    several = program.run("history", "fetch", "p", "aaaa")
    assert (several.status, several.text) == (2, "")
    assert f"begin with 'aaaa': {SECOND}-more, {SECOND}, {FIRST}" in several.stderr
    none = program.run("history", "fetch", "p", "b")
    assert none.status == 4
    assert "p keeps no conversation 'b'" in none.stderr
    assert "history list --server p" in none.stderr


PAGE = Answer(b"<html><title>Sign in</title></html>", headers={"Content-Type": "text/html"})


@pytest.mark.parametrize(
    ("answer", "status", "words"),
    [
        (as_json({"detail": {"response": "no", "cause": "token"}}, 401), 3, "rejected the key"),
        (as_json({"detail": "Not Found"}, 404), 4, "p doesn't list its conversations"),
        (as_json({"detail": {"response": "down"}}, 503), 5, "down"),
        (PAGE, 5, "didn't list its conversations"),
        (Answer(b"[[[", headers={"Content-Type": "application/json"}), 5, "isn't JSON"),
    ],
)
@pytest.mark.parametrize("command", [("list", "--server", "p"), ("fetch", "p", "x")], ids=" ".join)
def test_failures_are_told_with_their_exit_status(
    program: Program,
    server: FaultServer,
    command: tuple[str, ...],
    answer: Answer,
    status: int,
    words: str,
) -> None:
    server.script(answer)
    program.provider(server.url, "lightspeed", auth='"none"')
    done = program.run("history", *command)
    assert (done.status, done.text) == (status, ""), done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_server_that_is_not_there(program: Program) -> None:
    program.provider(f"http://127.0.0.1:{unused_port()}", "lightspeed", auth='"none"')
    assert program.run("history", "list", "--server", "p").status == 5


def test_providers_that_keep_none_say_so(program: Program) -> None:
    program.provider("http://127.0.0.1:9")
    for command in (("list", "--server", "p"), ("fetch", "demo", "x")):
        done = program.run("history", *command)
        assert done.status == 2
        assert "keeps no conversations that could be listed" in done.stderr
        assert "lightspeed or luxx" in done.stderr
    assert program.run("history", "list", "--server", "nobody").status == 3
    assert program.run("history", "list", "--server", "p", "--since", "2026-01-01").status == 2


def test_an_empty_conversation_is_nothing_to_fetch(
    program: Program, lightspeed: KeptLightspeed
) -> None:
    lightspeed.hold(FIRST, "Nothing yet")
    done = program.run("history", "fetch", "p", FIRST)
    assert (done.status, listed(program)) == (2, [])
    assert "is empty" in done.stderr


def test_no_key_is_told(program: Program, server: FaultServer) -> None:
    server.script(lambda _: as_json({"error": {"message": "bad key sk-secret-123456"}}, 401))
    program.provider(server.url, "lightspeed", api_key_env='"P_KEY"')
    done = program.run("history", "list", "--server", "p", env={"P_KEY": "sk-secret-123456"})
    assert done.status == 3
    assert "sk-secret" not in done.stderr
    assert server.requests[0].headers["authorization"] == "Bearer sk-secret-123456"


# --- renaming and deleting -----------------------------------------------------------------------


@pytest.mark.parametrize("protocol", ["lightspeed", "luxx"])
def test_renamed_and_deleted_there(
    program: Program, request: pytest.FixtureRequest, protocol: str
) -> None:
    kept = request.getfixturevalue(protocol)
    kept.hold("abc", "Old", ("one", "1"))
    id_ = fetch(program, "abc")
    assert program.run("history", "title", "ab", "New", "one", "--server", "p").status == 0
    assert kept.titles["abc"] == "New one"
    assert listed(program)[0]["title"] == "Old"
    asked = program.run("history", "delete", "--server", "p", "abc")
    assert asked.status == 2
    done = program.run("history", "delete", "--server", "p", "abc", "--yes")
    assert done.text == "deleted abc  New one on p; what was fetched of it stays here\n"
    assert listed(program, "--server", "p") == []
    assert [row["id"] for row in listed(program)] == [id_]


def test_a_server_that_does_not_delete(program: Program, lightspeed: KeptLightspeed) -> None:
    lightspeed.hold(FIRST, None, ("one", "1"))
    lightspeed.undeletable = True
    done = program.run("history", "delete", "--server", "p", FIRST, "--yes")
    assert (done.status, done.text) == (4, "")
    assert "Conversation cannot be deleted" in done.stderr


def test_deleting_here_says_that_the_server_keeps_it(
    program: Program, lightspeed: KeptLightspeed
) -> None:
    lightspeed.hold(FIRST, "Kept", ("one", "1"))
    id_ = fetch(program, FIRST)
    done = program.run("history", "delete", id_, "--yes")
    assert done.status == 0
    assert f"p keeps it still; `chatterm history delete --server p {FIRST}`" in done.stderr
    assert FIRST in lightspeed.turns
    assert fetch(program, FIRST) == id_
    program.run("ask", "--format", "text", "-m", "demo", "hi")
    demo = next(row["id"] for row in listed(program) if row["id"] != id_)
    assert program.run("history", "delete", demo, "--yes").stderr == ""


def test_other_clients_conversations_leave_no_trace_until_they_are_fetched(
    program: Program, lightspeed: KeptLightspeed
) -> None:
    program.env["CHATTERM_DATA_DIR"] = str(program.home / "data")
    lightspeed.hold(FIRST, "one", ("a", "b"))
    listed(program, "--server", "p")
    program.run("history", "fetch", "p", "nothing")
    assert not Path(program.env["CHATTERM_DATA_DIR"]).exists()
