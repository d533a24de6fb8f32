"""No fault of a server breaks `ask`: the short form of the fault run (`run.py` is all of it)."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from faults.catalogue import FAULTS
from faults.fault import KEY, Fault, sent
from faults.replies import reply
from faults.rows import Row, short
from faults.running import Results, asks
from faults.world import World
from nursery import Nursery, Started

JOBS = 4 * (os.cpu_count() or 1)  # most of their time is waiting
NAMED = {fault.name: fault for fault in FAULTS}


def test_every_fault_is_survived(nursery: Nursery, capsys: pytest.CaptureFixture[str]) -> None:
    plan = short()
    results = Results([*asks(plan.asks, nursery, JOBS)])
    with capsys.disabled():
        print(f"\n{results.table()}")
    assert not results.fallen, results.story()
    assert {tried.row.fault.name for tried in results.tried} >= {
        fault.name for fault in FAULTS if not fault.long and fault.where == "plain"
    }


def test_so_it_is_by_a_program_that_was_started_for_it() -> None:
    results = Results([*asks(short().started, Started(), 2)])
    assert not results.fallen, results.story()


@pytest.mark.parametrize(
    ("fault", "complaint"),
    [
        (replace(NAMED["status 401"], ends=("server",)), "it came to key_rejected"),
        (replace(NAMED["no end"], keeps=lambda _: "The cat"), "doesn't begin with"),
        (replace(NAMED["no end"], keeps=lambda _: "The"), "isn't 'The'"),
        (replace(NAMED["ended by the connection"], whole=False), "the tool ran 1 times"),
        (replace(NAMED["status 500"], sends=1), "2 requests, not 1"),
    ],
)
def test_what_is_not_survived_is_told(nursery: Nursery, fault: Fault, complaint: str) -> None:
    (tried, again) = asks((Row(fault, "chat"),), nursery, 1)
    assert any(complaint in each for each in tried.complaints), tried
    assert not again.complaints
    assert "1 / 0" in Results([tried]).table()


def test_a_key_that_is_shown_is_told(nursery: Nursery) -> None:
    """A model that says the key is no fault of ours, and shows that it would be found."""
    said = sent(lambda good: reply(good.protocol, [KEY], call=False).body)
    fault = Fault("the key said", "key", said, ("completed",), free=True)
    (tried, _) = asks((Row(fault, "chat"),), nursery, 1)
    found = " ".join(tried.complaints)
    assert all(place in found for place in ("in the output", "in data/")), found


def test_a_process_that_is_left_is_told(nursery: Nursery) -> None:
    with World("chat", "sk-fault-0123456789abcdef") as world:
        told = world.work / "key"
        told.write_text(f"setsid sleep 60 >/dev/null 2>&1 & echo {world.key}\n")
        config = world.home / "config.toml"
        own, other = 'api_key_env = "FAULT_KEY"', f'api_key_command = ["sh", "{told}"]'
        config.write_text(config.read_text().replace(own, other))
        world.be_good("Fine.")
        ran = world.run(nursery, "ask", "-n", "How are things?")
    assert (ran.status, ran.out) == (0, b"Fine.\n")
    assert any("sleep 60" in each for each in ran.left)
