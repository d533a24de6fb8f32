"""How a question about a call may be answered, and what becomes of arguments and rules edited."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from chatterm.agent.questions import Question
from chatterm.config.schema import Rule
from chatterm.errors import UsageError
from chatterm.permissions.rules import Proposal, Scope
from chatterm.permissions.rulewords import rule_of
from chatterm.permissions.verdicts import RemoteAccess, ShellAccess
from chatterm.providers.approvals import wanted_by
from chatterm.render.sanitize import escape_controls
from chatterm.steps import ToolCallStep


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer.

    Attributes:
        key: The key that gives it.
        label: What it means.
        name: What it does.
    """

    key: str
    label: str
    name: str


def choices_of(question: Question, dots: str = "…") -> list[Choice]:
    """The answers that a question can be given."""
    found = [Choice("y", "once", "once")]
    scopes = {scope for proposal in question.proposals for scope in proposal.scopes}
    if Scope.SESSION in scopes:
        found.append(Choice("s", "this session", "session"))
    if scopes & {Scope.PROJECT, Scope.EVERYWHERE}:
        found.append(Choice("a", f"always{dots}", "always"))
    if question.call.input is not None and not question.call.hosted:
        found.append(Choice("e", "edit", "edit"))
    if question.others:
        count = len(question.others)
        others = "other one" if count == 1 else f"other {count}"
        found.append(Choice("r", f"yes to the {others} too", "rest"))
    found.append(Choice("n", "no", "no"))
    if question.others:
        found.append(Choice("x", "no to all", "none"))
    found.append(Choice("Esc", "no, and stop", "stop"))
    return found


def rule_choices(proposal: Proposal) -> list[Choice]:
    """What can be done with a rule that would always allow such calls."""
    found = []
    if Scope.PROJECT in proposal.scopes:
        found.append(Choice("p", "in this project", "project"))
    if Scope.EVERYWHERE in proposal.scopes:
        found.append(Choice("g", "everywhere", "everywhere"))
    return [*found, Choice("e", "edit the rule", "rule"), Choice("Esc", "back", "back")]


def proposal_for(question: Question, *scopes: Scope) -> Proposal:
    """The first rule on offer that reaches as far as one of these scopes."""
    return next(each for each in question.proposals if set(scopes) & set(each.scopes))


def edited_rule(before: Rule, text: str) -> Rule:
    """The rule that the user made of one that was proposed.

    Args:
        before: The rule as it was proposed.
        text: The words it was changed to.

    Raises:
        UsageError: It is no rule, or not one about such calls alone.
    """
    rule = rule_of(text, "allow")
    tool, every = before.tool, Rule(tool=before.tool, decision="allow")
    if rule.tool != tool:
        raise UsageError(f"the call is one of {tool}: so must the rule be")
    if rule == every and before != every:
        raise UsageError(f"that would allow every call of {tool}: say which")
    return rule


def edited_arguments(text: str) -> dict[str, Any]:
    """The arguments of a call as the user wrote them, in JSON.

    Raises:
        UsageError: They aren't a JSON object.
    """
    try:
        values = json.loads(text)
    except ValueError as error:
        raise UsageError(f"that isn't JSON: {error}") from None
    if not isinstance(values, dict):
        raise UsageError("the arguments have to be a JSON object")
    return values


def command_of(question: Question) -> str | None:
    """The command line that a call would run; None where it runs none."""
    for access in question.access:
        if isinstance(access, ShellAccess):
            return access.command
    return None


def waiting_of(call: ToolCallStep) -> tuple[str, str]:
    """All that a call would run that isn't asked about yet: what it is, and its text.

    A command that nothing comes with, such as a wish for the network, or else the arguments whole.
    """
    given = call.input or {}
    command = given.get("command")
    if isinstance(command, str) and len(given) == 1:
        return "command", command
    return "arguments", call.arguments


def remote_of(question: Question) -> RemoteAccess | None:
    """What a call would have the provider's server do; None where it runs here."""
    return next((each for each in question.access if isinstance(each, RemoteAccess)), None)


def remote_in(call: ToolCallStep) -> RemoteAccess | None:
    """The same of a call that isn't asked about yet."""
    if not call.hosted:
        return None
    wanted = wanted_by(call)
    return RemoteAccess(wanted.server, wanted.tool, wanted.arguments)


def server_and_tool(remote: RemoteAccess) -> tuple[str, str]:
    """Which server would run which tool, each written out on one line."""
    server, tool = (escape_controls(each) for each in (remote.server, remote.tool))
    return server.replace("\n", "\\n") or "(unnamed)", tool.replace("\n", "\\n")
