"""Several processes at once, and processes that are killed."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from chatterm.events import Event, TurnFinished, event_from_json
from chatterm.store import Store
from chatterm.store.model import fold
from chatterm.store.pending import is_durable
from store.making import has_in_order, unanswered, whole_turn
from store.streaming_child import read as read_output

TESTS = Path(__file__).parent.parent
ENV = {"PYTHONPATH": f"{TESTS}:{TESTS.parent}", "PATH": os.environ["PATH"]}
CHILD = Path(__file__).with_name("streaming_child.py")
ROUNDS = int(os.environ.get("CHATTERM_KILL_ROUNDS", "200"))
INTERVAL_MS = 30
# What is this much older than the interval has to be there: a loaded machine may not give the
# thread that writes its turn at once.
SLACK_S = 1.0


def run_child(code: str, *arguments: object) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        env=ENV,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def outputs(children: Sequence[subprocess.Popen[bytes]]) -> list[str]:
    results = [child.communicate(timeout=120) for child in children]
    for child, (_, errors) in zip(children, results, strict=True):
        assert child.returncode == 0, errors.decode()
    return [output.decode() for output, _ in results]


# --- at once ---

WRITING = """
import asyncio, sys
from pathlib import Path
from chatterm.store import Store
from store.making import record, whole_turn
async def main(directory, name):
    with Store.open(directory, persist_interval_ms=1) as store:
        parent = None
        for number in range(15):
            turn = f"{name}-{number}"
            await record(store, whole_turn(turn, parent, conversation=f"c{name}"))
            parent = turn
        await record(store, whole_turn(f"{name}-shared", None, conversation="shared"))
        print(len(store.warnings), len(store.search("there")) > 0)
asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
"""


def test_eight_processes_write_at_once(tmp_path: Path) -> None:
    directory = tmp_path / "new"  # which all of them want to create
    children = [run_child(WRITING, directory, number) for number in range(8)]
    assert outputs(children) == ["0 True\n"] * 8
    with Store.open(directory) as store:
        assert store.check() == []
        for name in range(8):
            turns = [f"{name}-{number}" for number in range(15)]
            assert store.path(f"c{name}") == turns
            parents = [None, *turns]
            for turn, parent in zip(store.turns(turns), parents, strict=False):
                expected = whole_turn(turn.id, parent, conversation=f"c{name}")
                assert turn.events == fold(expected)
        # All began the same conversation: one came first, the others are branches of it.
        assert len(store.tree("shared")) == 8
        assert len(store.path("shared")) == 1
        assert len(store.search("there", limit=1000)) == 2 * (8 * 15 + 8)
    assert not [*(directory / "running").iterdir()]


OPENING = """
import sys
from pathlib import Path
from chatterm.store import Store
with Store.open(Path(sys.argv[1])) as store:
    print(len(store.list()), len(store.warnings))
"""


def test_eight_processes_meet_the_same_damage(tmp_path: Path) -> None:
    (tmp_path / "chatterm.db").write_bytes(b"garbage" * 5000)
    children = [run_child(OPENING, tmp_path) for _ in range(8)]
    assert sorted(outputs(children)) == ["0 0\n"] * 7 + ["0 1\n"]
    assert len([path for path in tmp_path.iterdir() if ".damaged-" in path.name]) == 1


# --- killed ---


class Streaming:
    """Starts processes that stream turns into a store, and kills them."""

    def __init__(self) -> None:
        self._server = subprocess.Popen(
            [sys.executable, CHILD, str(INTERVAL_MS)],
            env=ENV,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._lock = threading.Lock()

    def killed(self, directory: Path, seed: int) -> tuple[bytes, float]:
        """Stream turns, kill the process at some moment; what it said, and when it was killed."""
        output = directory.parent / f"{directory.name}-{seed}.said"
        child = self._start(directory, seed, output)
        wait_until(lambda: output.exists() and output.stat().st_size > 0)  # it has begun
        time.sleep(random.Random(seed).random() ** 2 * 1.5)
        at = time.monotonic()
        os.kill(child, signal.SIGKILL)
        wait_until(lambda: not is_running(child))
        return output.read_bytes(), at

    def close(self) -> None:
        self._server.communicate(timeout=60)

    def _start(self, directory: Path, seed: int, output: Path) -> int:
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        with self._lock:
            self._server.stdin.write(json.dumps([str(directory), seed, str(output)]) + "\n")
            self._server.stdin.flush()
            return int(self._server.stdout.readline())


def is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def wait_until(done: Callable[[], bool]) -> None:
    """Wait for what another process does."""
    until = time.monotonic() + 60
    while not done():
        assert time.monotonic() < until
        time.sleep(0.002)


@pytest.fixture(scope="module")
def streaming() -> Iterator[Streaming]:
    running = Streaming()
    yield running
    running.close()


def check_survivors(directory: Path, output: bytes, killed_at: float) -> None:
    said = read_output(output)
    events: dict[str, list[Event]] = {}
    durable: dict[str, int] = {}
    old_enough: dict[str, int] = {}
    for kind, turn, data in said:
        if kind == "@":
            if killed_at - float(data) > INTERVAL_MS / 1000 + SLACK_S:
                old_enough = {turn: len(of) for turn, of in events.items()}
            continue
        events.setdefault(turn, []).append(event_from_json(data))
        if is_durable(events[turn][-1]) or len(events[turn]) == 1:
            durable[turn] = len(events[turn])
    with Store.open(directory) as store:
        assert store.warnings == []
        for turn, live in events.items():
            (recorded,) = store.turns([turn])
            assert not recorded.running
            least = max(durable[turn], old_enough.get(turn, 0))
            check_turn(recorded.events, live, least)
        (conversation,) = store.list()
        store.repair(conversation.conversation.id)
        for turn in store.turns(store.path(conversation.conversation.id)):
            assert unanswered(turn) == []
            assert isinstance(turn.events[-1], TurnFinished)
        assert store.check() == []


def check_turn(recorded: tuple[Event, ...], live: list[Event], least: int) -> None:
    """A turn holds at least so many of its events, in their order; open steps may have grown."""
    expected = fold(live[:least])
    cut = [event.step for event in expected if _is_cut(event)]
    whole = [event for event in expected if not _is_cut(event) and event.type != "usage"]
    assert has_in_order(recorded, whole)
    steps = {event.step.id: event.step for event in recorded if event.type == "step.finished"}
    for step in cut:
        assert _text(steps[step.id]).startswith(_text(step))


def _is_cut(event: Event) -> bool:
    return event.type == "step.finished" and event.step.status == "interrupted"


def _text(step: Any) -> str:
    return step.arguments if step.kind == "tool_call" else step.text


def test_a_killed_process_loses_nothing_that_was_acknowledged(
    tmp_path: Path, streaming: Streaming
) -> None:
    def one(seed: int) -> None:
        directory = tmp_path / str(seed)
        check_survivors(directory, *streaming.killed(directory, seed))

    # They mostly wait for their moment: with few at a time the processors would be idle.
    with ThreadPoolExecutor(6 * (os.cpu_count() or 1)) as pool:
        for result in [pool.submit(one, seed) for seed in range(ROUNDS)]:
            result.result()


@pytest.mark.parametrize("seed", [1, 2])
def test_a_store_survives_many_kills(tmp_path: Path, seed: int, streaming: Streaming) -> None:
    directory, said = tmp_path / "store", b""
    for number in range(5):
        said += streaming.killed(directory, 100 * seed + number)[0]
    turns = {turn for kind, turn, _ in read_output(said) if kind == "D"}
    with Store.open(directory) as store:
        assert store.warnings == []
        assert {turn.id for turn in store.turns(turns)} == turns
        assert store.check() == []
