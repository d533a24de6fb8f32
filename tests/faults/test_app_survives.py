"""No fault of a server breaks the app: the short form of the fault run (`run.py` is all of it)."""

from __future__ import annotations

import pytest

from faults.rows import short
from faults.running import Results, apps


def test_every_fault_is_survived(capsys: pytest.CaptureFixture[str]) -> None:
    plan = short()
    results = Results([*apps(plan, 2)])
    with capsys.disabled():
        print(f"\n{results.table()}")
    assert not results.fallen, results.story()
    assert len(results.tried) == len(plan.alone) + sum(map(len, plan.sittings))
