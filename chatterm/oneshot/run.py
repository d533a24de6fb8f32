"""Running `ask`: one turn, stopped by signals or a deadline, printed as it comes."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field
from types import FrameType

from chatterm.agent.interrupt import Interrupt
from chatterm.errors import ErrorKind, ExitStatus, Failure, OutputError, StoreError
from chatterm.events import Event, StepFinished, TurnFinished
from chatterm.oneshot.output import Output
from chatterm.oneshot.printers import Printer
from chatterm.steps import Step, TurnStatus

_STATUS_OF_SIGNAL = {
    signal.SIGINT: ExitStatus.INTERRUPTED,
    signal.SIGTERM: ExitStatus.TERMINATED,
    signal.SIGHUP: ExitStatus.HUNG_UP,
}


@dataclass(slots=True)
class Result:
    """What became of the turn.

    Attributes:
        steps: The finished steps.
        end: The turn's last event; None when printing broke off before it.
        stopped_by: The exit status of the signal that stopped it.
        output_error: Why the answer couldn't be written.
        store_error: Why the turn couldn't be kept.
    """

    steps: list[Step] = field(default_factory=list)
    end: TurnFinished | None = None
    stopped_by: ExitStatus | None = None
    output_error: OutputError | None = None
    store_error: StoreError | None = None


async def run_ask(
    turn: AsyncGenerator[Event, None],
    interrupt: Interrupt,
    printer: Printer,
    output: Output,
    *,
    timeout_s: float | None = None,
) -> Result:
    """Run a turn to its end and print it.

    SIGINT, SIGTERM and SIGHUP stop the turn, keep what came and let it end as interrupted; a second
    one ends the process at once. When the output breaks, the turn is stopped as well.

    Args:
        turn: The turn's events, as they come about.
        interrupt: Stops that turn.
        printer: Prints the events.
        output: Where it prints them; a signal or the deadline ends a wait for its reader.
        timeout_s: Seconds after which the turn fails.
    """
    gc.freeze()  # what start-up has made stays for good
    gc.enable()
    result = Result()
    with _signals(interrupt, result, output), _deadline(interrupt, output, timeout_s):
        try:
            async with aclosing(turn) as events:
                async for event in events:
                    _take(result, event)
                    _print(printer, event, result, interrupt)
        except OutputError as error:
            result.output_error = error
        except StoreError as error:
            result.store_error = error
        _close(printer, result)
    return result


def exit_status(result: Result) -> ExitStatus:
    """The exit status of a turn: of several that fit, the first in the contract's order."""
    if result.stopped_by is not None:
        return result.stopped_by
    if result.output_error is not None:
        return result.output_error.exit_status
    if result.store_error is not None:
        return result.store_error.exit_status
    end = result.end
    if end is None:
        return ExitStatus.INTERNAL
    if end.error is not None:
        return end.error.kind.exit_status
    if end.denied:
        return ExitStatus.DENIED
    match end.status:
        case TurnStatus.COMPLETED:
            return ExitStatus.COMPLETED
        case TurnStatus.INTERRUPTED:
            return ExitStatus.INTERRUPTED
        case _:
            return ExitStatus.INCOMPLETE


def _take(result: Result, event: Event) -> None:
    match event:
        case StepFinished(step):
            result.steps.append(step)
        case TurnFinished():
            result.end = event
            result.steps.sort(key=lambda step: step.index)
        case _:
            pass


def _print(printer: Printer, event: Event, result: Result, interrupt: Interrupt) -> None:
    if result.output_error is not None:
        return  # the turn is only being brought to its end
    try:
        printer.event(event)
    except OutputError as error:
        result.output_error = error
        interrupt.request()


def _close(printer: Printer, result: Result) -> None:
    try:
        if result.output_error is None:
            printer.close()
    except OutputError as error:
        result.output_error = error


@contextmanager
def _signals(interrupt: Interrupt, result: Result, output: Output) -> Iterator[None]:
    """Turn the first signal into an interrupt. What the parent had ignored stays ignored.

    The handlers are Python's own, not the loop's: they also run while a write waits for a reader.
    """
    loop = asyncio.get_running_loop()

    def stop(number: int, _frame: FrameType | None) -> None:
        status = _STATUS_OF_SIGNAL[signal.Signals(number)]
        if result.stopped_by is not None:  # the user insists: nothing that might wait is done
            output.discard()
            os._exit(status)
        result.stopped_by = status
        loop.call_soon_threadsafe(interrupt.request)
        if output.waiting:
            raise OutputError(f"nobody reads {output.name}")

    before = {s: signal.getsignal(s) for s in _STATUS_OF_SIGNAL}
    caught = [number for number, handler in before.items() if handler is not signal.SIG_IGN]
    for number in caught:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number in caught:
            signal.signal(number, before[number])


@contextmanager
def _deadline(interrupt: Interrupt, output: Output, timeout_s: float | None) -> Iterator[None]:
    if not timeout_s:
        yield
        return
    output.give_up_at = time.monotonic() + timeout_s
    failure = Failure(
        ErrorKind.TIMEOUT,
        f"the answer wasn't finished within {timeout_s:g} s",
        retryable=True,
        hint="give it more with --timeout",
    )
    handle = asyncio.get_running_loop().call_later(timeout_s, interrupt.request, failure)
    try:
        yield
    finally:
        handle.cancel()
