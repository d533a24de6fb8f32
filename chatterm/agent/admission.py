"""Whether one call may run: its arguments, the gate, the user's answer."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from chatterm.agent.calls import (
    NOT_RUN,
    Answered,
    CallAnswer,
    Told,
    nobody_to_approve,
    unknown_tool,
)
from chatterm.agent.questions import Asker, Question, Reply
from chatterm.config.schema import Rule
from chatterm.errors import ConfigError
from chatterm.events import PermissionAnswered, PermissionAsked
from chatterm.permissions.rules import Proposal, Scope
from chatterm.permissions.rulewords import table_of
from chatterm.permissions.verdicts import (
    Access,
    Decision,
    Judgement,
    RemoteAccess,
    ShellAccess,
)
from chatterm.providers.approvals import wanted_by
from chatterm.steps import Outcome, ToolCallStep
from chatterm.tools.arguments import check_arguments
from chatterm.tools.base import Tool, ToolError, Workbench

log = logging.getLogger(__name__)

REMOTE = "mcp"  # the tool that rules about calls of the provider's server name

_STOPPED = CallAnswer("not run: the user stopped the turn", Outcome.CANCELLED)


class Gate(Protocol):
    """What decides about calls."""

    def judge(self, tool: str, access: Sequence[Access]) -> Judgement:
        """What is to happen to a call of a tool that would touch these."""
        ...

    def proposals(
        self, tool: str, access: Sequence[Access], judgement: Judgement
    ) -> tuple[Proposal, ...]:
        """The rules that a yes beyond "once" may make."""
        ...

    def grant(self, rule: Rule, scope: Scope) -> None:
        """Keep a rule for a scope.

        Raises:
            ConfigError: It can't be written down.
        """
        ...

    def complaints(self) -> tuple[str, ...]:
        """What is wrong with the rules that the user wasn't told yet."""
        ...


@dataclass(frozen=True, slots=True)
class Ticket:
    """A call that may run.

    Attributes:
        call: The call.
        tool: What runs it.
        arguments: What it is run with.
        access: What it may touch.
        judgement: What the gate said of it.
        asked: The user allowed it, asked about just this call.
        note: What the user wants the model to be told with the result.
        changed: The user changed the arguments.
    """

    call: ToolCallStep
    tool: Tool
    arguments: Mapping[str, Any]
    access: tuple[Access, ...]
    judgement: Judgement | None = None
    asked: bool = False
    note: str = ""
    changed: bool = False


@dataclass(slots=True)
class Admission:
    """Decides about the calls of one round, one after the other.

    Attributes:
        tools: The tools on offer, by name.
        gate: What decides.
        bench: What the tools share.
        asker: Asks the user; None where nobody can be asked.
        cage: The sandbox level that commands run in, in a word.
        stopped: The user has stopped the turn: nothing else is asked or run.
    """

    tools: Mapping[str, Tool]
    gate: Gate
    bench: Workbench
    asker: Asker | None
    cage: str
    stopped: bool = False
    _rest: bool | None = None

    async def admit(
        self, call: ToolCallStep, others: Sequence[ToolCallStep]
    ) -> AsyncGenerator[PermissionAsked | PermissionAnswered | Told | Answered | Ticket, None]:
        """Decide about a call; the last thing that is yielded is its answer or a ticket.

        Args:
            call: A whole call.
            others: The calls of the round that come after it.
        """
        if self.stopped:
            yield Answered(call, _STOPPED)
            return
        if call.hosted:
            async for approval in self._approve(call, others):
                yield approval
            return
        prepared = self._prepared(call)
        if isinstance(prepared, CallAnswer):
            yield Answered(call, prepared)
            return
        try:
            judgement = await asyncio.to_thread(
                self.gate.judge, prepared.tool.name, prepared.access
            )
            for complaint in self.gate.complaints():
                yield Told("rules", complaint)
            prepared = replace(prepared, judgement=judgement)
            if judgement.decision is Decision.ASK:
                async for item in self._ask(prepared, judgement, others):
                    yield item
                return
        except ToolError as error:
            yield Answered(call, CallAnswer(error.message, error.outcome))
            return
        yield PermissionAnswered(call.id, judgement.decision.value, judgement.rule)
        if judgement.decision is Decision.ALLOW:
            yield prepared
        else:
            yield Answered(call, _refused(judgement))

    def _prepared(self, call: ToolCallStep) -> Ticket | CallAnswer:
        """The call as it would run, or why it can't."""
        tool = self.tools.get(call.name)
        if tool is None:
            return CallAnswer(unknown_tool(call.name, list(self.tools)), Outcome.FAILED)
        arguments = call.input if call.arguments.strip() else {}
        if arguments is None:
            return _misfit(tool, f"the arguments are not {_json_problem(call.arguments)}")
        if problem := check_arguments(tool, arguments):
            return _misfit(tool, problem)
        try:
            return Ticket(call, tool, arguments, tool.access(arguments, self.bench))
        except ToolError as error:
            return CallAnswer(error.message, error.outcome)

    async def _ask(
        self, ticket: Ticket, judgement: Judgement, others: Sequence[ToolCallStep]
    ) -> AsyncGenerator[PermissionAsked | PermissionAnswered | Answered | Ticket, None]:
        call, tool = ticket.call, ticket.tool
        preview = await asyncio.to_thread(tool.preview, ticket.arguments, self.bench)
        question = Question(
            call,
            summary=tool.summary(ticket.arguments),
            reason=judgement.reason,
            judgement=judgement,
            access=ticket.access,
            diff=preview.diff,
            cage=self.cage,
            proposals=self.gate.proposals(tool.name, ticket.access, judgement),
            others=tuple(others),
        )
        yield PermissionAsked(call.id, call.call_id, call.name, question.details())
        if self.asker is None:
            yield PermissionAnswered(call.id, Decision.DENY.value)
            yield Answered(call, _nobody_asked(judgement.reason))
            return
        reply = await self._reply(question, sensitive=judgement.sensitive)
        if reply.allow:
            reply = await asyncio.to_thread(self._granted, reply)
            settled = await asyncio.to_thread(self._settled, ticket, reply)
        else:
            settled = CallAnswer(_denied(reply), Outcome.DENIED, stop=reply.stop)
        allowed = isinstance(settled, Ticket)
        decision = Decision.ALLOW if allowed else Decision.DENY
        yield PermissionAnswered(call.id, decision.value, _kept_rule(reply) if allowed else None)
        yield settled if isinstance(settled, Ticket) else Answered(call, settled)

    async def _reply(self, question: Question, *, sensitive: bool) -> Reply:
        """The user's answer; an earlier one for the rest of the round stands for it."""
        if self._rest is not None and not (self._rest and sensitive):
            return Reply(allow=self._rest)
        if self.asker is None:
            raise AssertionError("only called where somebody can be asked")
        reply = await self.asker(question)
        if reply.rest:
            self._rest = reply.allow
        self.stopped = self.stopped or reply.stop
        return reply

    def _granted(self, reply: Reply) -> Reply:
        """The answer, with its rule kept as far as that can be."""
        if reply.rule is None or reply.scope is Scope.ONCE:
            return reply
        try:
            self.gate.grant(reply.rule, reply.scope)
        except ConfigError as error:
            log.warning("a rule is kept for this session only: %s", error.message)
            return replace(reply, scope=Scope.SESSION)
        return reply

    def _settled(self, ticket: Ticket, reply: Reply) -> Ticket | CallAnswer:
        """The ticket after a yes: with what the user changed, which no deny rule may forbid."""
        settled = replace(ticket, asked=True, note=reply.note)
        if reply.arguments is None or reply.arguments == ticket.arguments:
            return settled
        if problem := check_arguments(ticket.tool, reply.arguments):
            return CallAnswer(f"the user changed the call, wrongly: {problem}", Outcome.FAILED)
        try:
            access = ticket.tool.access(reply.arguments, self.bench)
        except ToolError as error:
            return CallAnswer(error.message, error.outcome)
        judgement = self.gate.judge(ticket.tool.name, access)
        if judgement.decision is Decision.DENY:
            return _refused(judgement)
        return replace(
            settled, arguments=reply.arguments, access=access, judgement=judgement, changed=True
        )

    async def _approve(
        self, call: ToolCallStep, others: Sequence[ToolCallStep]
    ) -> AsyncGenerator[PermissionAsked | PermissionAnswered | Told | Answered, None]:
        """Decide about a call that the provider's server wants to make."""
        wanted = wanted_by(call)
        access = (RemoteAccess(wanted.server, wanted.tool, wanted.arguments),)
        judgement = await asyncio.to_thread(self.gate.judge, REMOTE, access)
        for complaint in self.gate.complaints():
            yield Told("rules", complaint)
        if judgement.decision is not Decision.ASK:
            yield PermissionAnswered(call.id, judgement.decision.value, judgement.rule)
            yield Answered(call, _judged(judgement))
            return
        question = Question(
            call,
            summary=f"{wanted.server}/{wanted.tool}",
            reason=judgement.reason,
            judgement=judgement,
            access=access,
            proposals=self.gate.proposals(REMOTE, access, judgement),
            others=tuple(others),
        )
        yield PermissionAsked(call.id, call.call_id, call.name, question.details())
        if self.asker is None:
            yield PermissionAnswered(call.id, Decision.DENY.value)
            yield Answered(call, nobody_to_approve(call))
            return
        reply = await self._reply(question, sensitive=judgement.sensitive)
        if reply.allow:
            reply = await asyncio.to_thread(self._granted, reply)
        decision = Decision.ALLOW if reply.allow else Decision.DENY
        yield PermissionAnswered(
            call.id, decision.value, _kept_rule(reply) if reply.allow else None
        )
        outcome = Outcome.DONE if reply.allow else Outcome.DENIED
        content = "approved by the user" if reply.allow else _denied(reply)
        opaque = {"approve": reply.allow} | ({"reason": reply.note} if reply.note else {})
        yield Answered(call, CallAnswer(content, outcome, stop=reply.stop, opaque=opaque))


def asks_of_shell(access: Sequence[Access]) -> ShellAccess | None:
    """What a call asks of the shell, when it does."""
    return next((each for each in access if isinstance(each, ShellAccess)), None)


def _misfit(tool: Tool, problem: str) -> CallAnswer:
    schema = json.dumps(tool.parameters, ensure_ascii=False)
    return CallAnswer(f"{problem}; the schema of {tool.name}: {schema}", Outcome.FAILED)


def _json_problem(arguments: str) -> str:
    try:
        json.loads(arguments)
    except ValueError as error:
        return f"valid JSON: {error}"
    except RecursionError:
        return "valid JSON: they are nested too deeply"
    return "a JSON object"


def _refused(judgement: Judgement) -> CallAnswer:
    return CallAnswer(f"denied: {judgement.reason}", Outcome.DENIED)


def _judged(judgement: Judgement) -> CallAnswer:
    """The answer to a server's call that nobody was asked about."""
    if judgement.decision is Decision.ALLOW:
        return CallAnswer(f"approved: {judgement.reason}", opaque={"approve": True})
    reason = f"denied: {judgement.reason}"
    return CallAnswer(reason, Outcome.DENIED, opaque={"approve": False, "reason": reason})


def _nobody_asked(reason: str) -> CallAnswer:
    content = f"denied: it needs the user's permission ({reason}), and nobody could be asked"
    return CallAnswer(content, Outcome.DENIED, nobody_asked=True)


def _denied(reply: Reply) -> str:
    return f"denied by the user: {reply.note}" if reply.note else "denied by the user"


def _kept_rule(reply: Reply) -> dict[str, Any] | None:
    """The rule that a yes has made, as the event of answering tells it."""
    if reply.rule is None or reply.scope is Scope.ONCE:
        return None
    return table_of(reply.rule) | {"scope": reply.scope.value}


UNSETTLED = CallAnswer(NOT_RUN, Outcome.CANCELLED)
