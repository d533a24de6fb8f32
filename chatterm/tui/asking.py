"""Asking the user about a call: which keys answer, and when they count."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Protocol

from textual import events

from chatterm.agent.questions import Question, Reply
from chatterm.errors import UsageError
from chatterm.permissions.rules import Proposal, Scope
from chatterm.permissions.rulewords import words_of
from chatterm.render.lines import Span
from chatterm.render.sanitize import escape_controls
from chatterm.talking.answering import (
    choices_of,
    edited_arguments,
    edited_rule,
    proposal_for,
    rule_choices,
)
from chatterm.tui.steps.call import CallItem
from chatterm.tui.steps.question import QuestionItem
from chatterm.tui.steps.signs import Signs

_GRACE_S = 0.3
"""So long after a question came up it takes no key: that was meant for something else."""


class Desk(Protocol):
    """What asking needs of the screen."""

    def has_draft(self) -> bool:
        """Whether something is half typed in the prompt."""

    def is_read(self) -> bool:
        """Whether the keys are those of the conversation, in which one reads."""

    def begin(self, item: CallItem) -> None:
        """Show a question's beginning, and all of it where there is room."""

    def rows_shown(self, item: CallItem) -> range:
        """Which rows of an item are on the screen."""

    def show_from(self, item: CallItem, row: int) -> None:
        """Have a row of an item stand high on the screen."""

    def say(self, text: str) -> None:
        """Say something for a moment, where it is seen wherever one reads."""

    def write_line(self, label: str, text: str, done: Callable[[str | None], None]) -> None:
        """Have the user write something; None when it is given up."""

    def end_line(self, text: str | None) -> None:
        """End that; None gives it up."""


class Reading:
    """How far a question was read: row by row, from its first one.

    Attributes:
        to: How many of its rows were on the screen.
        whole: All of them were.
    """

    def __init__(self) -> None:
        self.to = 0
        self.whole = False
        self._rows = 0

    def saw(self, shown: range, rows: int) -> None:
        """Some rows are on the screen, of so many that are to be read.

        Another number of rows is another width: what wasn't read to its end begins anew.
        """
        if rows != self._rows:
            self._rows, self.to = rows, 0
        if shown.start <= self.to < shown.stop:
            self.to = shown.stop
        self.whole = self.whole or self.to >= rows


class Asking:
    """Asks about one call after the other.

    Args:
        desk: The screen.
        signs: The signs.
        clock: Tells seconds.

    Attributes:
        answering: The keys go to the question, although something is typed in the prompt.
    """

    def __init__(
        self, desk: Desk, signs: Signs, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._desk = desk
        self._signs = signs
        self._clock = clock
        self._item: QuestionItem | None = None
        self._call: CallItem | None = None
        self._answer: asyncio.Future[Reply] | None = None
        self._asked_at = 0.0
        self._rule: Proposal | None = None
        self._writes = False
        self._read = Reading()
        self.answering = False

    @property
    def open(self) -> bool:
        """Whether a question waits for its answer."""
        return self._item is not None

    @property
    def item(self) -> QuestionItem | None:
        """The question that waits, as it is shown."""
        return self._item

    async def ask(self, question: Question, call: CallItem) -> Reply:
        """Ask about a call, under it, until there is an answer."""
        self._item = QuestionItem(f"{call.key}/question", question, self._signs)
        self._call = call
        self._rule = None
        self._read = Reading()
        self.answering = False
        self._asked_at = self._clock()
        self._answer = asyncio.get_running_loop().create_future()
        self.draft_changed()
        call.show_question(self._item)
        self._desk.begin(call)
        try:
            return await self._answer
        finally:
            self._item = self._call = self._answer = None
            if self._writes:
                self._desk.end_line(None)
            call.show_question(None)

    def restart_grace(self) -> None:
        """The question comes into sight again: keys may be meant for what was there before."""
        self._asked_at = self._clock()

    def forget_grace(self) -> None:
        """Take keys at once, though the question has only just come up."""
        self._asked_at = self._clock() - _GRACE_S

    def draft_changed(self) -> None:
        """Something was typed, or is no longer there: with a draft no letter answers."""
        item = self._item
        if item is None:
            return
        held = ""
        if self._desk.is_read():
            held = "Esc, then answer"
        elif self._desk.has_draft() and not self.answering:
            held = "Tab to answer"
        if held != item.held:
            item.held = held
            item.restate()

    def takes(self, event: events.Key) -> bool:
        """Whether a key was for the question."""
        item = self._item
        if item is None:
            return False
        if self._clock() - self._asked_at < _GRACE_S:
            # What would answer is lost; what is typed into a draft isn't.
            return not item.held and self._means_something(item, event)
        if item.held:
            if event.key == "tab":
                self.answering = True
                self.draft_changed()
                return True
            return False
        return self._key(item, event)

    def escape(self) -> bool:
        """Esc was pressed: it leaves the choice of a rule, else says no and stops the turn.

        It does so with a draft in the prompt, too, and however soon: a no does no harm.

        Returns:
            Whether there is a question.
        """
        item = self._item
        if item is None:
            return False
        self._do(item, "stop" if self._rule is None else "back")
        return True

    def choose(self, name: str) -> None:
        """An answer was clicked."""
        if self._item is None or self._clock() - self._asked_at < _GRACE_S:
            return
        self.answering = True
        self.draft_changed()
        self._do(self._item, name)

    @staticmethod
    def _means_something(item: QuestionItem, event: events.Key) -> bool:
        keys = {choice.key for choice in item.choices}
        return event.key in {"enter", "tab", "escape"} or (event.character or "") in keys

    def _key(self, item: QuestionItem, event: events.Key) -> bool:
        key, character = event.key, event.character or ""
        if key == "tab":
            if self._rule is None:
                self._write_note(item)
            else:
                self._next_rule(item)
        elif key in {"left", "right"}:
            step = 1 if key == "right" else -1
            last = len(item.choices) - 1
            start = -1 if step > 0 else last + 1
            at = (start if item.chosen is None else item.chosen) + step
            item.chosen = max(0, min(last, at))
            item.restate()
        elif key == "enter" and item.chosen is not None:
            self._do(item, item.choices[item.chosen].name)
        elif key == "escape":  # where that key isn't the app's own any more
            self.escape()
        elif name := next((each.name for each in item.choices if each.key == character), ""):
            self._do(item, name)
        else:
            # Nothing else is typed while a question waits: letters aren't for the prompt then.
            return event.is_printable or key == "enter"
        return True

    def _do(self, item: QuestionItem, name: str) -> None:
        allows = name in {"once", "session", "always", "rest"}
        if name == "rest" and not item.with_others:
            item.show_others()
            self._read = Reading()
            self._say(item, "r again says yes to all of these")
            return
        if allows and not self._was_read():
            self._desk.say("read it to its end first: the same key goes on")
            return
        match name:
            case "once":
                self._reply(Reply(allow=True, note=item.note))
            case "rest":
                self._reply(Reply(allow=True, note=item.note, rest=True))
            case "session":
                proposal = proposal_for(item.question, Scope.SESSION)
                self._reply(
                    Reply(allow=True, note=item.note, scope=Scope.SESSION, rule=proposal.rule)
                )
            case "always":
                self._choose_rule(
                    item, proposal_for(item.question, Scope.PROJECT, Scope.EVERYWHERE)
                )
            case "edit":
                self._edit(item)
            case "no":
                self._reply(Reply(allow=False, note=item.note))
            case "none":
                self._reply(Reply(allow=False, note=item.note, rest=True))
            case "stop":
                self._reply(Reply(allow=False, note=item.note, stop=True))
            case "project" | "everywhere" | "rule" | "back":
                self._rule_do(item, name)

    def look(self) -> None:
        """Something else of the question may be on the screen: that is read then."""
        item, call = self._item, self._call
        if item is not None and call is not None:
            self._read.saw(self._desk.rows_shown(call), _rows_to_read(item))

    def resized(self) -> None:
        """There is another room: what wasn't read to its end begins anew."""
        if self._call is not None and not self._read.whole:
            self._desk.begin(self._call)

    def _was_read(self) -> bool:
        """Whether all that would run was on the screen; if not, the next of it comes there."""
        self.look()
        if self._call is None or self._read.whole:
            return True
        self._desk.show_from(self._call, self._read.to)
        return False

    def _say(self, item: QuestionItem, text: str) -> None:
        item.says = text
        item.restate()

    def _reply(self, reply: Reply) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(reply)

    # --- notes, and changing what would run ---

    def _write_note(self, item: QuestionItem) -> None:
        def done(text: str | None) -> None:
            if text is not None and item is self._item:
                item.note = text
                item.restate()

        self._write("note to the model", item.note, done, "keeps the note")

    def _write(self, label: str, text: str, done: Callable[[str | None], None], does: str) -> None:
        """Have the user write something for the question; it ends with the question.

        Args:
            label: What is written.
            text: What stands there already.
            done: Is told what was written, or None.
            does: What Enter does.
        """
        item = self._item

        def written(text: str | None) -> None:
            self._writes = False
            _tell_writing(item, "")
            done(text)

        self._desk.write_line(label, text, written)  # which gives up what is written already
        self._writes = True
        _tell_writing(item, does)

    def _edit(self, item: QuestionItem) -> None:
        call = item.question.call
        values: Mapping[str, Any] = call.input or {}
        if "command" in values:
            self._write(
                "edit the command, Enter runs it",
                str(values["command"]),
                lambda text: self._edited(
                    item, None if text is None else {**values, "command": text}
                ),
                "runs it",
            )
            return
        import json

        self._write(
            "edit the arguments, Enter runs them",
            json.dumps(values, ensure_ascii=False),
            lambda text: self._edited_json(item, text),
            "runs it with them",
        )

    def _edited_json(self, item: QuestionItem, text: str | None) -> None:
        if text is None:
            return
        try:
            self._edited(item, edited_arguments(text))
        except UsageError as error:
            self._say(item, error.message)

    def _edited(self, item: QuestionItem, values: Mapping[str, Any] | None) -> None:
        if values is not None and item is self._item:
            self._reply(Reply(allow=True, note=item.note, arguments=values))

    # --- rules ---

    def _choose_rule(self, item: QuestionItem, proposal: Proposal) -> None:
        self._rule = proposal
        self._show_rule(item)

    def _show_rule(self, item: QuestionItem) -> None:
        proposal = self._rule
        item.chosen = None
        if proposal is None:
            item.rules = ()
            item.choices = choices_of(item.question, self._signs.dots)
        else:
            rule = Span(escape_controls(words_of(proposal.rule)), ("strong",))
            item.rules = [(), (Span("always allow  ", ("muted",)), rule)]
            item.choices = rule_choices(proposal)
        item.restate()

    def _next_rule(self, item: QuestionItem) -> None:
        others = item.question.proposals
        if self._rule in others:
            self._rule = others[(others.index(self._rule) + 1) % len(others)]
            self._show_rule(item)

    def _rule_do(self, item: QuestionItem, name: str) -> None:
        proposal = self._rule
        if proposal is None:
            return
        if name == "back":
            self._rule = None
            self._show_rule(item)
        elif name == "rule":
            words = words_of(proposal.rule)
            self._write(
                "the rule", words, lambda text: self._rule_edited(item, text), "takes the rule"
            )
        else:
            scope = Scope(name)
            if scope in proposal.scopes:
                self._reply(Reply(allow=True, note=item.note, scope=scope, rule=proposal.rule))

    def _rule_edited(self, item: QuestionItem, text: str | None) -> None:
        if text is None or self._rule is None or item is not self._item:
            return
        try:
            rule = edited_rule(self._rule.rule, text)
        except UsageError as error:
            self._say(item, error.message)
            return
        item.says = ""
        self._rule = replace(self._rule, rule=rule)
        self._show_rule(item)


def _tell_writing(item: QuestionItem | None, does: str) -> None:
    """Have a question show what the keys do while something is written for it."""
    if item is not None:
        item.writing = does
        item.restate()


def _rows_to_read(item: QuestionItem) -> int:
    """How many rows of a call have to be read: its head and what would run."""
    return 1 + item.body_rows(item.width)
