"""A question about a call, in lines: what would run byte for byte, why it is asked, the answers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from chatterm.agent.questions import Question, Reply
from chatterm.errors import UsageError
from chatterm.linear.told import Ended
from chatterm.permissions.rules import Proposal, Scope
from chatterm.permissions.rulewords import words_of
from chatterm.render.sanitize import escape_controls
from chatterm.talking.answering import (
    Choice,
    choices_of,
    command_of,
    edited_arguments,
    edited_rule,
    proposal_for,
    remote_in,
    remote_of,
    server_and_tool,
    waiting_of,
)

if TYPE_CHECKING:
    from chatterm.config.schema import Rule
    from chatterm.linear.terminal import Terminal
    from chatterm.permissions.verdicts import RemoteAccess
    from chatterm.steps import ToolCallStep

_LETTERS = {"stop": "q"}
_LABELS = {
    "once": "yes, this once",
    "session": "yes, and in this session",
    "always": "yes, always: choose a rule",
    "edit": "edit it, and run that",
    "no": "no",
    "none": "no to all of them",
    "stop": "no, and stop the turn",
}
_REACHES = {Scope.PROJECT: "in this project", Scope.EVERYWHERE: "everywhere"}
_SAYING_NO = Reply(allow=False)


class Asking:
    """Asks at a terminal.

    Args:
        terminal: The terminal.
    """

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal

    def ask(self, question: Question) -> Reply:
        """Ask, until there is an answer. An empty line and the end of input are a no.

        Ctrl+C is a no that stops the turn; so is being told to end.
        """
        self._tell(question)
        choices = choices_of(question)
        self._offer(question, choices)
        try:
            self._terminal.say("Words after the answer go to the model as a note.")
            line = self._terminal.ask("answer, Enter is no: ")
            while True:
                reply = self._reply(line, question, choices)
                if reply is not None:
                    return reply
                line = self._terminal.read("answer, Enter is no: ")
        except (KeyboardInterrupt, Ended):
            return Reply(allow=False, stop=True)

    # --- what is asked ---

    def _tell(self, question: Question) -> None:
        terminal = self._terminal
        details = question.details()
        remote, command = remote_of(question), command_of(question)
        who = "the provider" if remote is not None else _shown(question.call.name)
        terminal.say(f"permission: {who} wants to run{' a call' if remote is not None else ''}")
        if remote is not None:
            self._called(remote)
        elif command is not None:
            self._exactly("command", command)
            terminal.exact(f"directory: {_shown(str(details['directory']))}")
            network = "with the network" if details["network"] else "without the network"
            cage = "not caged" if question.cage == "none" else f"caged by {question.cage}"
            terminal.say(f"cage: {cage}, {network}")
        else:
            self._exactly("what", question.summary)
        for path in details.get("writable", ()):
            terminal.exact(f"it asks to write below {_shown(path)}")
        if question.diff:
            terminal.exact("change:")
            terminal.exact(_shown(question.diff.rstrip("\n")))
        terminal.say(f"why: {_shown(question.reason)}")
        if question.judgement is not None and question.judgement.sensitive:
            terminal.say("warning: this is sensitive: look twice")

    def _called(self, remote: RemoteAccess) -> None:
        server, tool = server_and_tool(remote)
        self._terminal.exact(f"the provider's server: {server}")
        self._terminal.exact(f"is to run: {tool}")
        self._exactly("arguments", remote.arguments)

    def _exactly(self, label: str, text: str) -> None:
        """A text whole and exact: what can't be seen is escaped, each line has its number."""
        lines = _shown(text).split("\n")
        if len(lines) == 1:
            self._terminal.exact(f"{label}: {lines[0]}")
            return
        self._terminal.exact(f"{label}, {len(lines)} lines:")
        for number, line in enumerate(lines, start=1):
            self._terminal.exact(f"line {number}: {line}")

    def _offer(self, question: Question, choices: Sequence[Choice]) -> None:
        for number, choice in enumerate(choices, start=1):
            label = _LABELS.get(choice.name, choice.label)
            if choice.name == "session":
                rule = proposal_for(question, Scope.SESSION).rule
                label = f"{label}: {_shown(words_of(rule))}"
            self._terminal.exact(f"{number} or {_letter(choice)}: {label}")

    # --- what is answered ---

    def _reply(
        self, line: str | None, question: Question, choices: Sequence[Choice]
    ) -> Reply | None:
        word, _, note = (line or "").strip().partition(" ")
        note = note.strip()
        if not word:
            return _SAYING_NO
        choice = _chosen(word.lower(), choices)
        match choice.name if choice is not None else "":
            case "once":
                return Reply(allow=True, note=note)
            case "session":
                rule = proposal_for(question, Scope.SESSION).rule
                return Reply(allow=True, note=note, scope=Scope.SESSION, rule=rule)
            case "always":
                return self._always(question, note)
            case "edit":
                return self._edit(question, note)
            case "rest":
                return self._with_the_rest(question.others, note)
            case "no":
                return Reply(allow=False, note=note)
            case "none":
                return Reply(allow=False, note=note, rest=True)
            case "stop":
                return Reply(allow=False, note=note, stop=True)
        numbers = f"1 to {len(choices)}"
        self._terminal.say(f"That is no answer: give a number, {numbers}, or a letter.")
        return None

    def _with_the_rest(self, others: Sequence[ToolCallStep], note: str) -> Reply | None:
        """A yes to all the calls that wait, once all of them were told."""
        for call in others:
            self._terminal.say(f"also waiting: {_shown(call.name)}")
            remote = remote_in(call)
            if remote is not None:
                self._called(remote)
                continue
            self._exactly(*waiting_of(call))
        answer = self._terminal.ask("yes to all of these? y or n, Enter is no: ")
        if (answer or "").strip().lower() in {"y", "yes"}:
            return Reply(allow=True, note=note, rest=True)
        self._terminal.say("Then about the first one alone.")
        return None

    def _edit(self, question: Question, note: str) -> Reply | None:
        """What is to run instead; None where it is given up."""
        values: Mapping[str, Any] = question.call.input or {}
        command = values.get("command")
        if isinstance(command, str) and _shown(command) == command and "\n" not in command:
            typed = self._changed("command", command)
            changed = {**values, "command": typed}
            return Reply(allow=True, note=note, arguments=changed) if typed else None
        # Everything that isn't ASCII is written out: what is edited is what will run.
        typed = self._changed("arguments", json.dumps(values))
        if not typed:
            return None
        try:
            return Reply(allow=True, note=note, arguments=edited_arguments(typed))
        except UsageError as error:
            self._terminal.say(_shown(error.message))
            return None

    def _always(self, question: Question, note: str) -> Reply | None:
        """The rule that is written down, and how far it reaches; None goes back."""
        offers = [
            (proposal, scope)
            for proposal in question.proposals
            for scope in _REACHES
            if scope in proposal.scopes
        ]
        while True:
            for number, (proposal, scope) in enumerate(offers, start=1):
                words = _shown(words_of(proposal.rule))
                self._terminal.exact(f"{number}: always allow {words}, {_REACHES[scope]}")
            self._terminal.say("e and a number edits that rule first.")
            answer = self._terminal.read("rule, Enter goes back: ")
            word = (answer or "").strip().lower()
            if not word:
                return None
            digits = word.removeprefix("e").strip()
            if not digits.isdecimal() or not 1 <= int(digits) <= len(offers):
                self._terminal.say(f"There is no rule {_shown(word)[:20]}.")
                continue
            at = int(digits) - 1
            proposal, scope = offers[at]
            if not word.startswith("e"):
                return Reply(allow=True, note=note, scope=scope, rule=proposal.rule)
            offers[at] = (self._with_edited_rule(proposal), scope)

    def _with_edited_rule(self, proposal: Proposal) -> Proposal:
        typed = self._changed("rule", words_of(proposal.rule))
        if not typed:
            return proposal
        try:
            rule: Rule = edited_rule(proposal.rule, typed)
        except UsageError as error:
            self._terminal.say(_shown(error.message))
            return proposal
        return replace(proposal, rule=rule)

    def _changed(self, what: str, text: str) -> str:
        """A text as the user wants it; empty where it is given up."""
        shown = _shown(text)
        self._terminal.exact(f"{what} as it is: {shown}")
        filled = text if shown == text else ""
        return (self._terminal.read(f"{what}, empty goes back: ", filled) or "").strip()


def _letter(choice: Choice) -> str:
    return _LETTERS.get(choice.name, choice.key)


def _chosen(word: str, choices: Sequence[Choice]) -> Choice | None:
    word = {"yes": "y", "no": "n", "quit": "q"}.get(word, word)
    if word.isdecimal() and 1 <= int(word) <= len(choices):
        return choices[int(word) - 1]
    return next((each for each in choices if _letter(each) == word), None)


def _shown(text: str) -> str:
    return escape_controls(text)
