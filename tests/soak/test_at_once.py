"""Many processes on one store: eight `ask` and two apps, at the same time.

Each is a real process that asks a real server; everything is recorded, and nothing of one is in the
conversation of another.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from chatterm.store import RecordedTurn, Store
from soak.measuring import prepare, store_check
from soak.model import Model
from soak.user import PATIENCE_S, User, environment, processes_in

_PLAIN = ("c/one", "r/two", "a/one")
_TOOLS = ("-T", "read_file", "-T", "list_files", "-T", "shell", "--allow", "shell:seq *")


@pytest.fixture
def model(tmp_path: Path) -> Iterator[Model]:
    with Model() as running:
        prepare(tmp_path, running)
        yield running
        assert running.wrong == []


def start(base: Path, message: str, *arguments: str) -> subprocess.Popen[str]:
    """Start an `ask`."""
    command = [sys.executable, "-m", "chatterm", "ask", "-n", "--format", "jsonl", "--no-input"]
    return subprocess.Popen(
        [*command, *arguments, message],
        env=environment(base),
        cwd=base / "work",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(child: subprocess.Popen[str]) -> list[dict[str, Any]]:
    """The events of an `ask` that went well."""
    output, errors = child.communicate(timeout=2 * PATIENCE_S)
    assert child.returncode == 0, errors
    return [json.loads(line) for line in output.splitlines()]


def talk(user: User, name: int) -> list[str]:
    """Hold a conversation in an app; what was said, in its order."""
    user.until(lambda: user.model, "the model to be known")
    said = [f"tale {name}1", f"tools {name}2", f"slow {name}3", f"shell {name}4", f"think {name}5"]
    for message in said:
        if message.startswith("slow"):
            user.send(message)
            user.pump(0.5)
            user.stop()
        else:
            user.ask(message)
    user.type("\x04")
    assert user.wait(seconds=PATIENCE_S) == 0
    return said


def all_turns(store: Store) -> dict[str, list[RecordedTurn]]:
    """All turns, of all branches, by their conversations."""
    found = {}
    for row in store.list(limit=1000):
        id_ = row.conversation.id
        found[id_] = store.turns([turn for turn, _ in store.tree(id_)])
    return found


def test_eight_asks_and_two_apps(tmp_path: Path, model: Model) -> None:
    first = ended(start(tmp_path, "think 1"))
    continued = first[0]["conversation"]
    arguments = [
        *(("tale", "-m", name) for name in _PLAIN),
        *(("tools", "-m", name, *_TOOLS) for name in _PLAIN[:2]),
        ("shell", *_TOOLS),
        ("think", "-r", continued),
        ("tale", "-r", continued, "-m", "a/two"),
    ]
    with ExitStack() as stack:
        apps = [stack.enter_context(User(tmp_path)) for _ in range(2)]
        pool = stack.enter_context(ThreadPoolExecutor(10))
        talks = [pool.submit(talk, app, 50 + number) for number, app in enumerate(apps)]
        children = [
            start(tmp_path, f"{kind} {80 + number}", *more)
            for number, (kind, *more) in enumerate(arguments)
        ]
        asks = [pool.submit(ended, child) for child in children]
        heard = [ask.result() for ask in asks]
        said = [each.result() for each in talks]
    assert processes_in(tmp_path / "work") == []
    assert store_check(tmp_path) == ""
    with Store.open(tmp_path / "data") as store:
        assert store.warnings == []
        turns = all_turns(store)
        # Each app's conversation is what was said in it, in that order, and nothing else.
        for app, messages in zip(apps, said, strict=True):
            path = store.turns(store.path(app.conversation))
            assert [turn.turn().input.text for turn in path] == messages
            assert len(turns[app.conversation]) == len(messages)
    # One conversation for each app and each `ask` that didn't go on with another.
    assert len(turns) == 1 + 6 + 2
    ids = [turn.id for each in turns.values() for turn in each]
    assert len(set(ids)) == len(ids) == 1 + 8 + sum(map(len, said))
    # What each `ask` printed is what the log has of its turn, step by step.
    for events in heard:
        began, end = events[0], events[-1]
        assert end["status"] == "completed"
        (turn,) = (turn for turn in turns[began["conversation"]] if turn.id == began["turn"])
        printed = [event["step"] for event in events if event["type"] == "step.finished"]
        recorded = [step.id for step in turn.turn().steps]
        assert recorded == [step["id"] for step in sorted(printed, key=lambda each: each["index"])]
    # Those that went on with the same conversation follow one of its turns each, whole.
    assert len(turns[continued]) == 3
    known = {turn.id for turn in turns[continued]}
    assert {turn.parent for turn in turns[continued]} <= {None, *known}
    again = ended(start(tmp_path, "tools 99", "-c", *_TOOLS))
    assert again[-1]["status"] == "completed"


def test_two_apps_in_the_same_conversation(tmp_path: Path, model: Model) -> None:
    """One of them goes on with it; what is said in the other becomes a branch beside that."""
    with User(tmp_path) as user:
        user.until(lambda: user.model, "the model to be known")
        user.ask("think 1")
        here = user.conversation
        user.type("\x04")
        assert user.wait(seconds=PATIENCE_S) == 0
    with ExitStack() as stack:
        apps = [stack.enter_context(User(tmp_path, ["-r", here])) for _ in range(2)]
        for app in apps:
            app.until(lambda app=app: app.model, "the conversation to be resumed")
        pool = stack.enter_context(ThreadPoolExecutor(2))
        said = list(pool.map(talk, apps, (60, 70)))
        assert [app.conversation for app in apps] == [here, here]
    assert store_check(tmp_path) == ""
    with Store.open(tmp_path / "data") as store:
        tree = dict(store.tree(here))
        turns = {turn.id: turn for turn in store.turns(list(tree))}
    assert len(turns) == 1 + sum(map(len, said))
    (root,) = (turn for turn, parent in tree.items() if parent is None)
    for messages in said:
        branch, at = [], next(t for t in turns if turns[t].turn().input.text == messages[-1])
        while at != root:
            branch.append(turns[at].turn().input.text)
            at = tree[at] or root
        assert branch[::-1] == messages
