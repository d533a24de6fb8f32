"""Which rows are tried: a fault, a protocol, and through what."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby

from faults.catalogue import FAULTS
from faults.certificates import CAN_BE_MADE
from faults.fault import Fault, Where
from faults.replies import PROTOCOLS

_OVER_TLS = (Where.UNTRUSTED, Where.OTHER_NAME, Where.EXPIRED, Where.TLS)


class Through(StrEnum):
    """Through what a fault is met. The first two are columns of one run, as the last two are."""

    ASK = "ask"
    ASK_AGAIN = "ask -r"
    APP = "app"
    APP_AGAIN = "app -r"


@dataclass(frozen=True, slots=True)
class Row:
    """One fault of one protocol."""

    fault: Fault
    protocol: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What is tried.

    Attributes:
        asks: Through `ask`, forked; each goes on with `ask -r`.
        started: The same with a Python of its own each time.
        sittings: Through the app: the rows that one app takes in turn.
        alone: Through an app for that row alone, which is opened again with `-r`.
    """

    asks: tuple[Row, ...]
    started: tuple[Row, ...]
    sittings: tuple[tuple[Row, ...], ...]
    alone: tuple[Row, ...]


def every_row(faults: Sequence[Fault] = FAULTS) -> list[Row]:
    """Every fault with every protocol it is about."""
    possible = [fault for fault in faults if CAN_BE_MADE or fault.where not in _OVER_TLS]
    return [Row(fault, protocol) for fault in possible for protocol in fault.protocols]


def full(words: str = "", protocol: str = "") -> Plan:
    """Everything; or what is about faults with some words in their name, or about a protocol.

    An app that is opened again costs seconds: of what an app can meet after other faults, every
    sixth has one too, with one protocol after the other.
    """
    rows = [
        row
        for row in every_row()
        if words in f"{row.fault.chapter}: {row.fault.name}" and protocol in ("", row.protocol)
    ]
    direct = [row for row in rows if _in_turn(row)]
    between = [row for row in rows if not _in_turn(row)]
    turning = [row for row in direct if row.protocol == _turn(row.fault)] or direct[:1]
    sittings = tuple(_sittings(direct))
    return Plan(tuple(rows), tuple(turning[::4]), sittings, (*between, *turning[::6]))


def short() -> Plan:
    """Every fault with one protocol in its turn through `ask`, and a part of them by the rest."""
    chosen = []
    for number, fault in enumerate(each for each in FAULTS if not each.long):
        mine = fault.protocols[number % len(fault.protocols)]
        chosen += [row for row in every_row([fault]) if row.protocol == mine]
    direct = [row for row in chosen if _in_turn(row)]
    between = [row for row in chosen if not _in_turn(row)]
    calm = [row for row in direct if not row.fault.hasty]
    hasty = [row for row in direct if row.fault.hasty][::9]
    sittings = tuple(_sittings([*calm[::12], *hasty]))
    alone = (*between[2::12], *direct[5::150])
    return Plan(tuple(chosen), tuple(chosen[7::60]), sittings, alone)


def _in_turn(row: Row) -> bool:
    # Whether an app can meet it after others: at the same address, in a conversation that is made.
    fault = row.fault
    return fault.where is Where.PLAIN and not fault.opening and row.protocol not in fault.anew


def _turn(fault: Fault) -> str:
    return fault.protocols[sum(fault.name.encode()) % len(fault.protocols)]


def _sittings(rows: Sequence[Row]) -> Iterator[tuple[Row, ...]]:
    def key(row: Row) -> tuple[int, bool]:
        return PROTOCOLS.index(row.protocol), row.fault.hasty

    # What goes back out of shape does so for the rest of a conversation: it comes last.
    ordered = sorted(rows, key=lambda row: row.fault.shapeless)
    for _, together in groupby(sorted(ordered, key=key), key):
        yield tuple(together)
