"""`ask` with background responses: broken connections, Ctrl+C, and a process that was killed."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from faultserver import Action, Answer, FaultServer, Received, Reset, Stall
from program import Program
from responses_server import KeptResponses, call, message

WHOLE = "Whatever becomes of you, this answer is written to its very end."
PART = b"becomes of"


def cut(*then: Action) -> Any:
    """Break off the first answer of all."""

    def of(request: Received, data: bytes) -> list[Action]:
        if request.method == "POST" and b'"resp_1"' in data:
            return [data[: data.index(PART) + 20], *then]
        return [data]

    return of


def configure(program: Program, server: FaultServer, **settings: str) -> None:
    program.provider(server.url, "responses", background="true", **settings)


def begun(program: Program, work: Path) -> subprocess.Popen[bytes]:
    """An ask whose answer has begun to come, and is kept as far as it has."""
    running = program.start(
        "ask", "-n", "go on", cwd=work, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert running.stdout is not None
    seen = b""
    while PART not in seen:
        piece = running.stdout.read1(4096)
        assert piece, f"it ended with {seen!r}"
        seen += piece
    return running


def recorded(program: Program) -> str:
    """The one conversation, as far as it is on the disk."""
    (row,) = program.run("history", "list", "--json").events
    return program.run("history", "show", row["id"]).text


def killed(program: Program, work: Path) -> None:
    """Begin an ask, and kill it once what came of its answer is on the disk."""
    with begun(program, work) as running:
        while PART.decode() not in recorded(program):
            assert running.poll() is None
        running.kill()
        running.wait(60)


@pytest.fixture
def work(tmp_path: Path) -> Path:
    directory = tmp_path / "work"
    directory.mkdir()
    return directory


def test_a_broken_connection_is_made_up_for(
    program: Program, server: FaultServer, work: Path
) -> None:
    server.script(KeptResponses([[message(WHOLE)]], cut(Reset())))
    configure(program, server)
    done = program.run("ask", "--format", "jsonl", "go on", cwd=work)
    assert done.status == 0
    assert [step["text"] for step in done.steps if step["kind"] == "text"] == [WHOLE]
    (notice,) = [step for step in done.steps if step["kind"] == "notice"]
    assert notice["reason"] == "resumed"


def test_ctrl_c_cancels_it_on_the_server(program: Program, server: FaultServer, work: Path) -> None:
    kept = KeptResponses([[message(WHOLE)]], cut(Stall()))
    server.script(kept)
    configure(program, server)
    with begun(program, work) as running:
        running.send_signal(signal.SIGINT)
        assert running.wait(60) == 130
    assert kept.seen[-1] == ("POST", "/responses/resp_1/cancel")


@pytest.mark.parametrize("state", ["false", "true"])
def test_what_went_on_after_a_kill_is_fetched_with_the_next_request(
    program: Program, server: FaultServer, work: Path, state: str
) -> None:
    output = [message(WHOLE), call("shell", command="true")]
    kept = KeptResponses([output, [message("Next.")], [message("Last.")]], cut(Stall()))
    server.script(kept)
    settings = {"persist_interval_ms": 0}
    tables = "\n".join(["[stream]", *(f"{k} = {v}" for k, v in settings.items())])
    configure(program, server, server_state=state, tables=tables)
    killed(program, work)
    done = program.run("ask", "-c", "--format", "jsonl", "and now?", cwd=work)
    assert done.status == 0
    texts = [step["text"] for step in done.steps if step["kind"] == "text"]
    assert texts == [WHOLE, "Next."]
    assert [step["reason"] for step in done.steps if step["kind"] == "notice"] == ["resumed"]
    second = kept.asked[1]["input"]
    assert second[1]["content"][0]["text"] == WHOLE
    assert second[3]["output"].startswith("not run")
    assert second[4] == {"role": "user", "content": "and now?"}
    assert program.run("ask", "-c", "at last?", cwd=work).text.strip() == "Last."
    fetches = [path for method, path in kept.seen if method == "GET"]
    assert fetches == ["/responses/resp_1"]
    third = kept.asked[2]
    if state == "true":
        assert third["previous_response_id"] == "resp_2"
        assert third["input"] == [{"role": "user", "content": "at last?"}]
    else:
        assert third["input"][: len(second)] == second


@pytest.mark.parametrize(
    ("fetched", "words"),
    [(Answer(status=404), "can't be had"), ("in_progress", "still works on"), ("cancelled", "")],
)
def test_what_cannot_be_fetched_is_gone_on_without(
    program: Program, server: FaultServer, work: Path, fetched: Any, words: str
) -> None:
    kept = KeptResponses([[message(WHOLE)], [message("Next.")]], cut(Stall()))

    def answers(request: Received) -> Answer:
        refused = isinstance(fetched, Answer) and request.method == "GET"
        return fetched if refused else kept(request)

    if isinstance(fetched, str):
        kept.statuses = [fetched]
    server.script(answers)
    configure(program, server, tables="[stream]\npersist_interval_ms = 0")
    killed(program, work)
    done = program.run("ask", "-c", "--format", "jsonl", "and now?", cwd=work)
    assert done.status == 0
    notices = [step["text"] for step in done.steps if step["kind"] == "notice"]
    assert len(notices) == (1 if words else 0)
    assert all(words in text for text in notices)
    said = kept.asked[1]["input"]
    assert [item.get("role") for item in said] == ["user", "assistant", "user"]
    assert PART.decode() in said[1]["content"][0]["text"]
