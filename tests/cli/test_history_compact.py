"""Compaction outside the app: by `ask -c` itself, and by hand."""

from __future__ import annotations

import json

import pytest

from faultserver import Answer, FaultServer, Received, sse
from program import Program

SUMMARY = "They counted."
WINDOWS = '[context.windows]\n"p/m" = 1000\n'


def answer(request: Received) -> Answer:
    """A summary to who asks for one; else an answer that is counted as 300 tokens a question."""
    summary = b"<conversation>" in request.body
    tokens = 300 * request.body.count(b'"user"')
    usage = {"prompt_tokens": tokens, "completion_tokens": 1}
    delta = {"content": SUMMARY if summary else "an answer"}
    events = [
        {"choices": [{"index": 0, "delta": delta, "finish_reason": "stop"}]},
        {"choices": [], "usage": usage},
    ]
    return Answer(sse(*map(json.dumps, events), "[DONE]"))


@pytest.fixture
def talked(program: Program, server: FaultServer) -> str:
    """A conversation of three turns that nears the window that the configuration tells."""
    server.script(answer)
    program.provider(server.url, tables=WINDOWS)
    program.run("ask", "-n", "one")
    program.run("ask", "-n", "-c", "two")
    done = program.run("ask", "-n", "-c", "three", "--format", "json")
    return json.loads(done.text)["conversation"]


def said(server: FaultServer) -> list[str]:
    """What the user says in the last request."""
    return [m["content"] for m in server.requests[-1].json["messages"] if m["role"] == "user"]


def test_ask_makes_room_by_itself_and_says_so(
    program: Program, server: FaultServer, talked: str
) -> None:
    done = program.run("ask", "-n", "-c", "four", "--format", "jsonl")
    assert done.status == 0
    assert "a summary of" in done.stderr
    # The events are those of the one turn that was asked for.
    types = [event["type"] for event in done.events]
    assert (types.count("turn.started"), types.count("turn.finished")) == (1, 1)
    assert done.events[0]["input"]["text"] == "four"
    assert SUMMARY in said(server)[0]
    shown = program.run("history", "show", talked)
    assert SUMMARY in shown.text
    assert "one" in shown.text


def test_the_setting_turns_that_off(program: Program, server: FaultServer, talked: str) -> None:
    program.provider(server.url, tables=f"[context]\ncompact = false\n{WINDOWS}")
    program.run("ask", "-n", "-c", "four")
    assert said(server) == ["one", "two", "three", "four"]


def test_by_hand_and_back(program: Program, server: FaultServer, talked: str) -> None:
    done = program.run("history", "compact", talked)
    assert done.status == 0, done.stderr
    assert "a summary of" in done.text
    assert SUMMARY in done.text
    undone = program.run("history", "compact", talked, "--undo")
    assert undone.status == 0
    assert "everything is sent" in undone.text
    program.run("ask", "-n", "-c", "four")
    assert said(server) == ["one", "two", "three", "four"]


def test_what_is_done_to_a_conversation_is_no_turn(program: Program, talked: str) -> None:
    program.run("history", "compact", talked)
    program.run("history", "compact", talked, "--undo")
    program.run("ask", "-n", "-c", "four")

    def turns() -> int:
        row: dict[str, int] = json.loads(program.run("history", "list", "--json").text)
        return row["turns"]

    assert turns() == 4
    program.run("history", "export", talked, "-o", "talk.jsonl")
    text = program.run("history", "export", talked).text
    heads = [line for line in text.splitlines() if line.startswith("## ")]
    assert heads == [
        *("## 1. You", "## p/m", "## 2. You", "## p/m", "## 3. You", "## p/m"),
        *("## chatterm", "## chatterm", "## 4. You", "## p/m"),
    ]
    assert "## chatterm\n\n*" in text
    program.run("history", "delete", talked, "--yes")
    assert program.run("history", "import", "talk.jsonl").status == 0
    assert turns() == 4


def test_where_there_is_nothing_to_do_it_says_so(program: Program, server: FaultServer) -> None:
    server.script(answer)
    program.provider(server.url, tables='[context.windows]\n"p/m" = 100000\n')
    done = program.run("ask", "-n", "one", "--format", "json")
    id_ = json.loads(done.text)["conversation"]
    for options, words in (((), "nothing to summarise"), (("--undo",), "nothing in this")):
        done = program.run("history", "compact", id_, *options)
        assert done.status == 2
        assert words in done.stderr


def test_a_summary_that_fails_changes_nothing(
    program: Program, server: FaultServer, talked: str
) -> None:
    server.script(Answer(b'{"error": {"message": "no such model"}}', status=404))
    done = program.run("history", "compact", talked)
    assert done.status == 4
    assert "no summary was made" in done.text
    server.script(answer)
    program.provider(server.url)
    program.run("ask", "-n", "-c", "four")
    assert said(server) == ["one", "two", "three", "four"]


def test_too_long_a_conversation_is_offered_a_summary(
    program: Program, server: FaultServer, talked: str
) -> None:
    program.provider(server.url)
    words = "This model's maximum context length is 1000 tokens."
    error = {"error": {"message": words, "code": "context_length_exceeded"}}
    server.script(Answer(json.dumps(error).encode(), status=400))
    done = program.run("ask", "-n", "-c", "four")
    assert done.status == 4
    assert f"chatterm history compact {talked}" in done.stderr
