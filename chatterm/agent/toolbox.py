"""Running the calls of a round: what may run runs, beside others where it can, within limits."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from chatterm.agent.admission import UNSETTLED, Admission, Gate, Ticket, asks_of_shell
from chatterm.agent.calls import Answered, CallAnswer, CallEvent
from chatterm.agent.questions import Asker, Question
from chatterm.config.schema import ToolConfig, Tools
from chatterm.events import PermissionAnswered, PermissionAsked, ToolOutput
from chatterm.permissions.verdicts import Decision, Judgement
from chatterm.providers.base import ToolSpec
from chatterm.steps import Outcome, ToolCallStep
from chatterm.tools.base import CallContext, Tool, ToolError, ToolResult, Workbench

log = logging.getLogger(__name__)

# A tool stops by itself at its time limit; one that doesn't is given up so much later.
_GRACE_SECONDS = 10.0
# How much of its output a call that was cut short still shows the model.
_TAIL_CHARACTERS = 4000


@dataclass(frozen=True, slots=True)
class Limits:
    """What the calls of a turn may take.

    Attributes:
        tools: The limits of each tool.
        parallel: How many calls run at once.
        caged: Whether commands run inside a cage.
    """

    tools: Tools
    parallel: int = 4
    caged: bool = True

    def of(self, name: str) -> ToolConfig:
        """The limits of one tool."""
        found = getattr(self.tools, name, None)
        return found if isinstance(found, ToolConfig) else ToolConfig()


class Toolbox:
    """Answers a model's calls with tools, behind the gate.

    Args:
        tools: The tools on offer.
        gate: Decides which calls run.
        bench: What the tools share.
        limits: What calls may take.
        asker: Asks the user; None where nobody can be asked.
        cage: The sandbox level, in a word, for the questions.
        keeps: Whether what `bench.keep` is given can be had again.
    """

    def __init__(
        self,
        tools: Iterable[Tool],
        gate: Gate,
        bench: Workbench,
        limits: Limits,
        *,
        asker: Asker | None = None,
        cage: str = "none",
        keeps: bool = True,
    ) -> None:
        self._tools = {tool.name: tool for tool in tools}
        self._gate = gate
        self._bench = bench
        self._limits = limits
        self._asker = asker
        self._cage = cage
        self._keeps = keeps
        self._cut: dict[str, CallAnswer] = {}

    @property
    def specs(self) -> tuple[ToolSpec, ...]:
        """The tools on offer, as the model is told of them."""
        return tuple(
            ToolSpec(tool.name, tool.description, tool.parameters) for tool in self._tools.values()
        )

    async def answer(self, calls: Sequence[ToolCallStep]) -> AsyncGenerator[CallEvent, None]:
        """Answer the calls of a round, in their order.

        Calls of independent tools that follow one another run at once; any other runs alone, after
        all before it have their answers, so that it is asked about what it will really find.
        """
        self._cut = {}
        admission = Admission(self._tools, self._gate, self._bench, self._asker, self._cage)
        left = deque(calls)
        for batch in self._batches(calls):
            settled: list[Ticket | Answered] = []
            for call in batch:
                left.popleft()
                async for item in admission.admit(call, tuple(left)):
                    if isinstance(item, Ticket | Answered):
                        settled.append(item)
                    else:
                        yield item
            async for event in self._run(settled):
                yield event

    def cut_short(self, call: ToolCallStep) -> CallAnswer:
        """The answer to a call of a round whose answering was cancelled."""
        return self._cut.get(call.id, UNSETTLED)

    async def go_on_failing(self, call: ToolCallStep) -> AsyncGenerator[CallEvent | bool, None]:
        """Ask whether a call that fails again and again may be tried further."""
        if self._asker is None:
            yield False
            return
        tool = self._tools.get(call.name)
        summary = tool.summary(call.input or {}) if tool else call.name
        question = Question(call, summary, "the model repeats this failing call; let it go on?")
        yield PermissionAsked(call.id, call.call_id, call.name, question.details())
        reply = await self._asker(question)
        decision = Decision.ALLOW if reply.allow else Decision.DENY
        yield PermissionAnswered(call.id, decision.value)
        yield reply.allow

    def _batches(self, calls: Sequence[ToolCallStep]) -> Iterator[list[ToolCallStep]]:
        batch: list[ToolCallStep] = []
        for call in calls:
            tool = self._tools.get(call.name)
            if not call.hosted and tool is not None and tool.independent:
                batch.append(call)
                continue
            if batch:
                yield batch
                batch = []
            yield [call]
        if batch:
            yield batch

    async def _run(self, settled: list[Ticket | Answered]) -> AsyncGenerator[CallEvent, None]:
        """Run what may run, all at once; the answers come in the calls' order."""
        queue: asyncio.Queue[ToolOutput | Answered] = asyncio.Queue()
        places = asyncio.Semaphore(self._limits.parallel)
        answers: dict[str, Answered] = {}
        tasks = []
        for each in settled:
            if isinstance(each, Answered):
                answers[each.call.id] = each
            else:
                tasks.append(asyncio.create_task(self._run_one(each, queue, places)))
        waiting = deque(each.call for each in settled)
        try:
            while waiting:
                answered = answers.pop(waiting[0].id, None)
                if answered is not None:
                    waiting.popleft()
                    self._cut.pop(answered.call.id, None)
                    yield answered
                    continue
                item = await queue.get()
                if isinstance(item, Answered):
                    answers[item.call.id] = item
                    self._cut[item.call.id] = item.answer  # should this wait be cut short
                else:
                    yield item
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _run_one(
        self,
        ticket: Ticket,
        queue: asyncio.Queue[ToolOutput | Answered],
        places: asyncio.Semaphore,
    ) -> None:
        call = ticket.call
        tail: deque[str] = deque(maxlen=64)

        def output(text: str) -> None:
            tail.append(text)
            queue.put_nowait(ToolOutput(call.id, text))

        async with places:
            began = time.monotonic()
            try:
                answer = await self._answer_of(ticket, self._context(ticket, output))
            except asyncio.CancelledError:
                self._cut[call.id] = _cut(time.monotonic() - began, "".join(tail))
                raise
            seconds = time.monotonic() - began
        queue.put_nowait(Answered(call, replace(answer, seconds=seconds)))

    async def _answer_of(self, ticket: Ticket, context: CallContext) -> CallAnswer:
        try:
            async with asyncio.timeout(context.timeout_s + _GRACE_SECONDS):
                result = await ticket.tool.run(ticket.arguments, context)
            return await self._answered(ticket, result)
        except ToolError as error:
            return CallAnswer(error.message, error.outcome)
        except TimeoutError:
            message = f"stopped: it took longer than {context.timeout_s:g} s, the limit of the tool"
            return CallAnswer(message, Outcome.TIMED_OUT)
        except Exception as error:  # the edge: a defect in a tool fails its call, not the turn
            log.exception("the tool %s failed", ticket.tool.name)
            message = f"the tool failed: an error inside chatterm: {type(error).__name__}: {error}"
            return CallAnswer(message, Outcome.FAILED)

    async def _answered(self, ticket: Ticket, result: ToolResult) -> CallAnswer:
        content = result.content
        if ticket.changed:
            summary = ticket.tool.summary(ticket.arguments)
            content = f"[the user changed the call before allowing it: {summary}]\n{content}"
        if ticket.note:
            content = f"{content}\n\n[the user adds: {ticket.note}]"
        whole = await asyncio.to_thread(self._kept, result.whole) if result.whole else None
        for attachment in result.attachments:
            if attachment.data is not None:
                await asyncio.to_thread(self._bench.keep, attachment.data)
        return CallAnswer(
            content,
            result.outcome,
            exit_code=result.exit_code,
            truncated=result.truncated,
            full_output=whole,
            attachments=result.attachments,
            edits=result.edits,
        )

    def _kept(self, whole: Path) -> str | None:
        """Keep the whole output in the store, and remove the file it came in."""
        try:
            return self._bench.keep(whole.read_bytes()) if self._keeps else None
        finally:
            whole.unlink(missing_ok=True)

    def _context(self, ticket: Ticket, output: Any) -> CallContext:
        limits = self._limits.of(ticket.tool.name)
        shell, judgement = asks_of_shell(ticket.access), ticket.judgement
        return CallContext(
            bench=self._bench,
            timeout_s=limits.timeout_s,
            max_output_bytes=limits.max_output_bytes,
            output=output,
            caged=self._limits.caged,
            network=shell is not None and shell.network,
            writable=shell.writable if shell else (),
            approved_paths=judgement.approved if judgement else frozenset(),
            closed_paths=judgement.closed if judgement else frozenset(),
            environment=_hardening(judgement),
        )


def _hardening(judgement: Judgement | None) -> Mapping[str, str]:
    if judgement is None or judgement.hardened is None:
        return {}
    from chatterm.permissions.shell.git import hardened

    return hardened(judgement.hardened)


def _cut(seconds: float, output: str) -> CallAnswer:
    message = f"stopped after {seconds:.1f} s: the turn was interrupted"
    tail = output[-_TAIL_CHARACTERS:]
    if tail:
        message = f"{message}; the end of its output:\n{tail}"
    return CallAnswer(message, Outcome.CANCELLED, seconds=seconds)
