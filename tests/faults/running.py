"""Trying a plan's rows, several at a time, and the table of what came of it."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field

from faults import asking, in_app
from faults.rows import Plan, Row, Through
from nursery import Nursery, Runner, Started


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of a row.

    Attributes:
        row: The row.
        through: Through what it was met.
        complaints: What didn't hold; nothing where it survived.
    """

    row: Row
    through: Through
    complaints: tuple[str, ...]


@dataclass(slots=True)
class Results:
    """What became of all rows."""

    tried: list[Tried] = field(default_factory=list)

    @property
    def fallen(self) -> list[Tried]:
        """Those that didn't survive."""
        return [each for each in self.tried if each.complaints]

    def table(self) -> str:
        """The table `faults tried / survived`, a line a chapter and a column a way."""
        chapters = list(dict.fromkeys(each.row.fault.chapter for each in self.tried))
        lines = [["faults tried / survived", *Through, "all"]]
        for chapter in [*chapters, ""]:
            line = [chapter or "all"]
            for through in [*Through, None]:
                own = [
                    each
                    for each in self.tried
                    if chapter in ("", each.row.fault.chapter) and through in (None, each.through)
                ]
                survived = sum(not each.complaints for each in own)
                line.append(f"{len(own)} / {survived}" if own else "-")
            lines.append(line)
        widths = [max(len(line[n]) for line in lines) for n in range(len(lines[0]))]
        return "\n".join(
            "  ".join(
                cell.rjust(w) if n else cell.ljust(w)
                for n, (cell, w) in enumerate(zip(line, widths, strict=True))
            )
            for line in lines
        )

    def story(self) -> str:
        """Every row that didn't survive, and why."""
        lines = []
        for each in self.fallen:
            fault = each.row.fault
            lines.append(f"{fault.chapter}: {fault.name} ({each.row.protocol}, {each.through})")
            lines += [f"    {complaint[:2000]}" for complaint in each.complaints]
        return "\n".join(lines)


def asks(rows: tuple[Row, ...], runner: Runner, jobs: int) -> Iterator[Tried]:
    """Try rows through `ask`."""
    yield from _several([lambda row=row: _ask(row, runner) for row in rows], jobs)  # type: ignore[misc]


def apps(plan: Plan, jobs: int) -> Iterator[Tried]:
    """Try a plan's rows through the app."""
    work: list[Callable[[], list[Tried]]] = []
    work += [lambda rows=rows: _sit(rows) for rows in plan.sittings]  # type: ignore[misc]
    work += [lambda row=row: _alone(row) for row in plan.alone]  # type: ignore[misc]
    yield from _several(work, jobs)


def everything(plan: Plan, jobs: int) -> Iterator[Tried]:
    """Try all of a plan."""
    with Nursery() as nursery:
        yield from asks(plan.asks, nursery, jobs)
    yield from asks(plan.started, Started(), max(2, jobs // 2))
    yield from apps(plan, max(2, jobs // 3))


def _several(work: list[Callable[[], list[Tried]]], jobs: int) -> Iterator[Tried]:
    with ThreadPoolExecutor(jobs) as pool:
        running: list[Future[list[Tried]]] = [pool.submit(each) for each in work]
        try:
            for done in as_completed(running):
                yield from done.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _ask(row: Row, runner: Runner) -> list[Tried]:
    try:
        struck, again = asking.strike(row.fault, row.protocol, runner)
    except Exception:  # noqa: BLE001 - a defect of the run is a row that isn't survived
        struck = again = [traceback.format_exc()]
    return [
        Tried(row, Through.ASK, tuple(struck)),
        Tried(row, Through.ASK_AGAIN, tuple(again)),
    ]


def _sit(rows: tuple[Row, ...]) -> list[Tried]:
    faults = [row.fault for row in rows]
    return [
        Tried(Row(fault, rows[0].protocol), Through.APP, tuple(complaints))
        for fault, complaints in in_app.in_turn(faults, rows[0].protocol)
    ]


def _alone(row: Row) -> list[Tried]:
    complaints = in_app.alone(row.fault, row.protocol)
    return [Tried(row, Through.APP_AGAIN, tuple(complaints))]
