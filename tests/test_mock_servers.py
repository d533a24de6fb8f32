"""Servers that others wrote, asked by the real program: what they mean is what comes out.

`aimock` answers in each protocol from the same fixtures; `llmock` breaks answers and grades what
clients make of that. All protocols are asked at once, each as a provider and model of its own name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from mockservers import aimock, get, llmock, post
from program import Finished, Program

PATHS = {
    "chat": "/v1",
    "responses": "/v1",
    "anthropic": "/v1",
    "gemini": "",
    "ollama": "",
}
BROKEN_PATHS = {
    "chat": "/v1",
    "responses": "/v1",
    "anthropic": "/anthropic/v1",
    "gemini": "/gemini",
}
READ = [{"name": "read_file", "arguments": {"path": name}} for name in ("a.txt", "b.txt")]
LONG = "Grüße 🌍, and a sentence. " * 40
SUM = f"1 + 2 = 3. {LONG}".strip()


def _says(text: str, reply: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"match": {"userMessage": text}, "response": reply, **more}


def _at_last(protocol: str) -> list[dict[str, Any]]:
    """Too many requests, then no room, and an answer then."""
    match = {"userMessage": "busy", "model": f"m-{protocol}"}
    replies: list[dict[str, Any]] = [
        {"error": {"message": "Slow down", "type": "rate_limit_error"}, "status": 429},
        {"error": {"message": "Overloaded", "type": "overloaded_error"}, "status": 529},
        {"content": "At last."},
    ]
    return [
        {"match": match | {"sequenceIndex": number}, "response": reply}
        for number, reply in enumerate(replies)
    ]


FIXTURES = [
    {
        "match": {"userMessage": "read", "hasToolResult": False},
        "response": {"reasoning": "I need both.", "content": "I read both.", "toolCalls": READ},
    },
    {
        "match": {"userMessage": "read", "hasToolResult": True},
        "response": {"reasoning": "That is easy.", "content": SUM},
    },
    _says("locked", {"error": {"message": "No", "type": "authentication_error"}, "status": 401}),
    _says("cut", {"content": LONG}, truncateAfterChunks=12, latency=20),
    _says("garbled", {"content": "never read"}, chaos={"malformedRate": 1}),
    *(row for protocol in PATHS for row in _at_last(protocol)),
]


class Asking:
    """The real program with a provider of each protocol at a mock server.

    Args:
        program: The program.
        url: The server's address.
        paths: What of the address each protocol's own begins with.
    """

    def __init__(self, program: Program, url: str, paths: dict[str, str]) -> None:
        self._program = program
        self._protocols = tuple(paths)
        self._work = program.home / "work"
        self._work.mkdir()
        (self._work / "a.txt").write_text("1\n")
        (self._work / "b.txt").write_text("2\n")
        tables = [
            f'[providers.{protocol}]\nprotocol = "{protocol}"\nbase_url = "{url}{path}"\n'
            'api_key_env = "MOCK_KEY"\n'
            for protocol, path in paths.items()
        ]
        program.configure("\n".join([*tables, "[stream]\nretries = 2\nidle_timeout_s = 20\n"]))
        program.env["MOCK_KEY"] = "key-of-the-mock"

    def __call__(self, prompt: str, *options: str) -> dict[str, Finished]:
        """Ask over all protocols; what each came to."""

        def ask(protocol: str) -> Finished:
            model = f"{protocol}/m-{protocol}"
            arguments = ("ask", "--format", "jsonl", "-m", model, *options, prompt)
            return self._program.run(*arguments, cwd=self._work)

        with ThreadPoolExecutor(len(self._protocols)) as together:
            return dict(zip(self._protocols, together.map(ask, self._protocols), strict=True))


def told(run: Finished, kind: str, field: str = "text") -> list[Any]:
    """A field of all steps of a kind."""
    return [step[field] for step in run.steps if step["kind"] == kind]


def notices(run: Finished) -> list[str]:
    return told(run, "notice", "reason")


def failure(run: Finished) -> tuple[int, str]:
    """The exit status, and what kind of error it was."""
    return run.status, run.events[-1]["error"]["kind"]


# --- answers as they should be ----------------------------------------------------------------


@pytest.fixture(scope="module")
def mock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with aimock(FIXTURES, tmp_path_factory.mktemp("aimock")) as url:
        yield url


@pytest.fixture
def ask(program: Program, mock: str) -> Asking:
    return Asking(program, mock, PATHS)


def test_text_thinking_and_parallel_calls(ask: Asking) -> None:
    for protocol, run in ask("read", "-T", "read_file").items():
        assert (protocol, run.status, run.stderr) == (protocol, 0, "")
        assert told(run, "tool_call", "name") == ["read_file"] * 2
        results = told(run, "tool_result", "content")
        assert [result.split()[-1] for result in results] == ["1", "2"]
        assert [text.strip() for text in told(run, "text")] == ["I read both.", SUM]
        # Ollama's own field for thinking isn't the one that this server uses.
        thought = [] if protocol == "ollama" else ["I need both.", "That is easy."]
        assert told(run, "thinking") == thought
        assert run.events[-1]["finish_reason"] == "stop"
        pieces = [event for event in run.events if event["type"] == "step.delta"]
        assert len(pieces) > 10


def test_a_key_that_is_refused_is_not_tried_again(ask: Asking) -> None:
    for run in ask("locked").values():
        assert failure(run) == (3, "key_rejected")
        assert run.steps == []


def test_a_server_without_room_is_asked_again(ask: Asking) -> None:
    for run in ask("busy").values():
        assert (run.status, notices(run)) == (0, ["retry", "retry"])
        assert ["(429)" in text for text in told(run, "notice")] == [True, False]
        assert ["(529)" in text for text in told(run, "notice")] == [False, True]
        assert told(run, "text")[-1] == "At last."


def test_an_answer_that_is_cut_keeps_what_came(ask: Asking) -> None:
    for run in ask("cut").values():
        assert failure(run) == (5, "stream_cut")
        assert notices(run) == ["stream_cut"]
        [text] = [step for step in run.steps if step["kind"] == "text"]
        assert text["status"] == "interrupted"
        assert text["text"]
        assert LONG.startswith(text["text"])


def test_an_answer_that_cant_be_read_is_an_error(ask: Asking) -> None:
    for run in ask("garbled").values():
        assert run.status == 5
        assert notices(run) == ["retry", "retry"]
        assert told(run, "text") == []


# --- answers that are broken on purpose, and the verdict on us ---------------------------------


@pytest.fixture(scope="module")
def chaos() -> Iterator[str]:
    with llmock() as url:
        yield url


class Breaking:
    """The program at a server that breaks answers as it is told."""

    def __init__(self, program: Program, url: str) -> None:
        self._ask = Asking(program, url, BROKEN_PATHS)
        self._url = f"{url}/_llmock"

    def __call__(
        self, behaviors: Sequence[dict[str, Any]], *options: str
    ) -> tuple[dict[str, Finished], list[str]]:
        """What each protocol came to when this was in its way, and what the server found amiss."""
        post(f"{self._url}/reset", {})
        rows = [
            behavior | {"match": {"model": f"m-{protocol}"}}
            for protocol in BROKEN_PATHS
            for behavior in behaviors
        ]
        post(f"{self._url}/scenario", {"behaviors": rows})
        runs = self._ask("hello", *options)
        findings = get(f"{self._url}/verdict")["findings"]
        return runs, sorted({finding["code"] for finding in findings})


@pytest.fixture
def breaking(program: Program, chaos: str) -> Breaking:
    return Breaking(program, chaos)


def test_parallel_calls_of_another_server(breaking: Breaking) -> None:
    runs, amiss = breaking(
        [{"type": "reply", "tool_calls": READ}, {"type": "reply", "text": "Both are read."}],
        "-T",
        "read_file",
    )
    assert amiss == []
    for run in runs.values():
        assert (run.status, told(run, "text")) == (0, ["Both are read."])
        results = told(run, "tool_result", "content")
        assert [result.split()[-1] for result in results] == ["1", "2"]


def test_the_wait_that_a_server_asks_for_is_kept(breaking: Breaking) -> None:
    runs, amiss = breaking([{"type": "fail", "status": 429, "retry_after": 1}])
    assert amiss == []
    for run in runs.values():
        assert (run.status, notices(run)) == (0, ["retry"])


def test_a_request_that_is_refused_is_not_sent_again(breaking: Breaking) -> None:
    runs, amiss = breaking([{"type": "fail", "status": 400}])
    assert amiss == []
    assert {failure(run) for run in runs.values()} == {(4, "bad_request")}


@pytest.mark.parametrize("kind", ["disconnect", "truncate"])
def test_half_an_answer_is_never_taken_for_a_whole_one(breaking: Breaking, kind: str) -> None:
    runs, amiss = breaking([{"type": "stream_fault", "kind": kind, "after_chunks": 3}])
    # It sees no more than that it wasn't asked again, which we don't once something was shown.
    assert set(amiss) <= {"gave_up", "truncated_stream_accepted"}
    for run in runs.values():
        if run.status == 0:  # nothing had been shown
            assert notices(run) == ["retry"]
            continue
        assert failure(run) == (5, "stream_cut")
        assert notices(run) == ["stream_cut"]
        assert told(run, "text", "status") == ["interrupted"]


def test_a_piece_that_cant_be_read_is_passed_over(breaking: Breaking) -> None:
    runs, amiss = breaking([{"type": "stream_fault", "kind": "malformed", "after_chunks": 3}])
    assert set(amiss) <= {"malformed_chunk_ignored"}
    assert {run.status for run in runs.values()} == {0}
