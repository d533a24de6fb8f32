"""A fault struck `ask`; what was printed, what was stored, and how the conversation goes on."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator

from faults import judging
from faults.fault import Fault
from faults.world import World
from nursery import Ran, Runner

NEXT = "Fine, and you?"


def strike(fault: Fault, protocol: str, runner: Runner) -> tuple[list[str], list[str]]:
    """Let a fault strike an `ask`, and the conversation go on.

    Args:
        fault: The fault.
        protocol: Of which protocol the provider is.
        runner: Runs the program.

    Returns:
        What didn't hold of the turn that was struck, and of the one after it.
    """
    key = f"sk-fault-{secrets.token_hex(24)}"
    with World(protocol, key, hasty=fault.hasty, where=fault.where) as world:
        struck: list[Ran] = []
        complaints = list(_strike(fault, world, runner, struck))
        if not struck:
            return complaints, ["it couldn't go on"]
        return complaints, list(_go_on(fault, struck, world, runner))


def _strike(fault: Fault, world: World, runner: Runner, ended: list[Ran]) -> Iterator[str]:
    world.break_with(fault)
    ran = world.run(
        runner, "--debug", "ask", "-n", "--no-input", "-T", "shell", "--format", "jsonl",
        "--capture", str(world.home / "capture"), "How are things?",
    )  # fmt: skip
    yield from judging.judge_process(ran)
    try:
        events = ran.events
    except ValueError as error:
        yield f"standard output isn't JSON Lines: {error}"
        return
    broken = list(judging.judge_events(events))
    yield from broken
    if broken and not events:
        yield f"nothing was printed: {ran.err}"
        return
    yield from judging.judge_status(ran, events)
    yield from judging.judge_end(fault, events)
    yield from judging.judge_text(fault, world.protocol, events)
    yield from judging.judge_requests(fault, world, events)
    exported = world.run(runner, "history", "export", _conversation(ran), "--format", "jsonl")
    yield from judging.judge_process(exported)
    yield from judging.judge_stored(events, exported.events)
    yield from judging.judge_secrets(world, [ran.out, ran.err, exported.out, exported.err])
    ended.append(ran)


def _go_on(fault: Fault, struck: list[Ran], world: World, runner: Runner) -> Iterator[str]:
    ticks = world.ticks
    world.be_good(NEXT)
    world.mend()
    ran = world.run(
        runner, "ask", "-n", "--no-input", "-T", "shell", "--format", "jsonl",
        "-r", _conversation(struck[0]), "And now?",
    )  # fmt: skip
    yield from judging.judge_process(ran)
    events = ran.events
    yield from judging.judge_events(events)
    yield from judging.judge_next(events, NEXT)
    yield from judging.judge_shapes(world, fault)
    if not any("And now?" in json.dumps(request.json) for request in world.asked):
        yield "the next message wasn't sent"
    if world.ticks != ticks:
        yield "the tool ran again when the conversation went on"
    yield from judging.judge_secrets(world, [ran.out, ran.err])


def _conversation(ran: Ran) -> str:
    return str(ran.events[0].get("conversation"))
