"""The conversation in the pane: events become items, live ones and recorded ones alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from chatterm.events import (
    Event,
    PermissionAnswered,
    PermissionAsked,
    StepDelta,
    StepFinished,
    StepStarted,
    StepUpdated,
    ToolOutput,
    TurnFinished,
    TurnStarted,
)
from chatterm.render.amounts import moment
from chatterm.steps import (
    NoticeStep,
    RefusalStep,
    Step,
    TextStep,
    ThinkingStep,
    ToolCallStep,
    ToolResultStep,
    UserInput,
)
from chatterm.tui.edited_calls import EditedCalls
from chatterm.tui.pane.items import Item
from chatterm.tui.pane.reading import ReadingPane
from chatterm.tui.steps.call import CallItem
from chatterm.tui.steps.looks import Looks
from chatterm.tui.steps.remarks import EndItem, NoticeItem, RefusalItem
from chatterm.tui.steps.step_item import StepItem
from chatterm.tui.steps.text import TextItem
from chatterm.tui.steps.thinking import ThinkingItem
from chatterm.tui.steps.user import UserItem

StepLike = ThinkingItem | TextItem | CallItem | NoticeItem | RefusalItem
_QUIET = (ThinkingItem, CallItem, NoticeItem)


class TurnItems:
    """The items of one turn.

    Args:
        turn: The turn's id.
        looks: How they are shown.
        add: Takes each new item.
        edited: Is told of each call that edited files.
    """

    __slots__ = (
        "_add",
        "_began",
        "_calls",
        "_edited",
        "_ended",
        "_last",
        "_looks",
        "_steps",
        "turn",
    )

    def __init__(
        self,
        turn: str,
        looks: Looks,
        add: Callable[[Item], None],
        edited: Callable[[CallItem], None],
    ) -> None:
        self.turn = turn
        self._edited = edited
        self._looks = looks
        self._add = add
        self._steps: dict[str, StepLike] = {}
        self._calls: dict[str, CallItem] = {}
        self._last: Item | None = None
        self._began: float | None = None
        self._ended: float | None = None

    def event(self, event: Event) -> None:
        """Show what an event tells."""
        match event:
            case TurnStarted(input=sent, at=at):
                self._began = moment(at)
                self._show_input(sent)
            case StepStarted(step):
                self._step(step)
            case StepDelta(id_, text):
                if (item := self._steps.get(id_)) is not None:
                    item.feed(text)
            case StepUpdated(step) | StepFinished(step):
                self._step(step)
                if isinstance(event, StepFinished):
                    self._note_end(step)
            case PermissionAsked() | PermissionAnswered() | ToolOutput():
                if (call := self.call(event.id)) is not None:
                    _tell(call, event)
            case TurnFinished():
                for call in self._calls.values():
                    call.end_turn()
                self._show(EndItem(f"{self.turn}/end", self.turn, self._looks, event, self._took))

    def replay(self, events: Sequence[Event]) -> None:
        """Show a turn out of the log: as it looked when it had ended."""
        steps = sorted(
            (each for each in events if isinstance(each, StepFinished)),
            key=lambda each: each.step.index,
        )
        results = [each for each in steps if isinstance(each.step, ToolResultStep)]
        others = [each for each in steps if each not in results]
        asked = [each for each in events if isinstance(each, PermissionAsked | PermissionAnswered)]
        begun = [each for each in events if isinstance(each, TurnStarted)]
        ended = [each for each in events if isinstance(each, TurnFinished)]
        for event in (*begun, *others, *asked, *results, *ended):
            self.event(event)

    def call(self, step: str) -> CallItem | None:
        """The item of a call, by its step's id."""
        item = self._steps.get(step)
        return item if isinstance(item, CallItem) else None

    def call_of_result(self, result: str) -> CallItem | None:
        """The item of the call that has a result, by the result's id."""
        for call in self.calls:
            if call.result is not None and call.result.id == result:
                return call
        return None

    @property
    def calls(self) -> Iterable[CallItem]:
        """The items of all calls."""
        return self._calls.values()

    @property
    def running(self) -> Iterable[StepItem]:
        """The items that move."""
        return [
            item for item in self._steps.values() if isinstance(item, StepItem) and item.running
        ]

    @property
    def _took(self) -> float | None:
        """How long the turn took, as far as its steps tell."""
        if self._began is None or self._ended is None:
            return None
        return max(0.0, self._ended - self._began)

    def _note_end(self, step: Step) -> None:
        began = moment(step.started_at)
        if began is not None:
            end = began + (step.duration_ms or 0) / 1000
            self._ended = max(self._ended or end, end)

    def _show_input(self, sent: UserInput) -> None:
        if sent.text.strip() or sent.attachments:
            key = _message_key(self.turn)
            self._show(UserItem(key, self.turn, self._looks, sent, self._began))

    def _step(self, step: Step) -> None:
        if isinstance(step, ToolResultStep):
            self._result(step)
            return
        item = self._steps.get(step.id)
        if item is not None:
            item.update(step)  # type: ignore[arg-type]
            return
        made = self._made(step)
        if made is not None:
            self._steps[step.id] = made
            if isinstance(made, CallItem):
                self._calls[made.call.call_id] = made
            self._show(made)

    def _result(self, result: ToolResultStep) -> None:
        call = self._calls.get(result.call_id)
        if call is None:
            # A server told a result without its call.
            call = CallItem(
                _step_key(self.turn, result.id),
                self.turn,
                self._looks,
                ToolCallStep(
                    id=result.id,
                    index=result.index,
                    round=result.round,
                    status=result.status,
                    call_id=result.call_id,
                    name=result.name,
                    hosted=True,
                ),
            )
            self._calls[result.call_id] = call
            self._show(call)
        call.finish(result)
        if result.edits:
            self._edited(call)

    def _made(self, step: Step) -> StepLike | None:
        key, turn, looks = _step_key(self.turn, step.id), self.turn, self._looks
        match step:
            case ThinkingStep():
                return ThinkingItem(key, turn, looks, step)
            case TextStep():
                item = TextItem(key, turn, looks, step)
                item.update(step)
                return item
            case ToolCallStep():
                return CallItem(key, turn, looks, step)
            case RefusalStep():
                return RefusalItem(key, turn, looks, step)
            case NoticeStep() if step.reason != "stream_cut":  # that is why the turn failed
                return NoticeItem(key, turn, looks, step)
        return None

    def _show(self, item: Item) -> None:
        item.gap = self._gap(item)
        self._last = item
        self._add(item)

    def _gap(self, item: Item) -> int:
        """Quiet steps stand close to each other; all else has room around it."""
        if isinstance(item, _QUIET) and isinstance(self._last, _QUIET):
            return 0
        if isinstance(item, EndItem) and not item.failed:
            return 0 if isinstance(self._last, NoticeItem) else 1
        return 1


class Made(NamedTuple):
    """Recorded turns, ready to be shown."""

    turns: dict[str, TurnItems]
    items: list[Item]
    edited: list[CallItem]


class Transcript:
    """Shows a conversation in a pane.

    Args:
        pane: The pane.
        looks: How items are shown.

    Attributes:
        edited: The calls that edited files.
    """

    def __init__(self, pane: ReadingPane, looks: Looks) -> None:
        self._pane = pane
        self._looks = looks
        self._turns: dict[str, TurnItems] = {}
        self._current: TurnItems | None = None
        self.edited = EditedCalls()

    @property
    def turns(self) -> Sequence[str]:
        """The turns that are shown, in order."""
        return tuple(self._turns)

    def event(self, event: Event) -> None:
        """Show what a live event tells."""
        if isinstance(event, TurnStarted):
            self._current = self._turns[event.turn] = TurnItems(
                event.turn, self._looks, self._pane.append, self.edited.add
            )
        if self._current is not None:
            self._current.event(event)

    def show(self, recorded: Iterable[tuple[str, Sequence[Event]]]) -> None:
        """Show recorded turns and nothing else, at their end."""
        made = self.made(recorded)
        self._turns = made.turns
        self._current = None
        self._pane.replace(made.items)
        self.edited = EditedCalls()
        self._add_edited(made)

    def prepend(self, made: Made) -> None:
        """Show recorded turns before all others."""
        self._turns = made.turns | self._turns
        self._pane.prepend(made.items)
        self._add_edited(made)

    def _add_edited(self, made: Made) -> None:
        for call in made.edited:
            self.edited.add(call)

    def cut(self, turn: str) -> None:
        """Show a turn, and those after it, no longer."""
        names = list(self._turns)
        gone = set(names[names.index(turn) :])
        first = next((item.key for item in self._pane.items if _turn_of(item) in gone), None)
        for name in gone:
            for call in self._turns.pop(name).calls:
                self.edited.drop(call)
        if first is not None:
            self._pane.cut(first)

    def message(self, turn: str) -> UserItem | None:
        """The item of a turn's message."""
        item = self._pane.item(_message_key(turn))
        return item if isinstance(item, UserItem) else None

    def showing(self, turn: str, step: str | None) -> Item | None:
        """The item that shows a step, a result at its call; without a step, the turn's message."""
        if step is None:
            return self.message(turn)
        own = self._pane.item(_step_key(turn, step))
        if own is not None or turn not in self._turns:
            return own
        return self._turns[turn].call_of_result(step)

    def call(self, step: str) -> CallItem | None:
        """The item of a call, by its step's id, among all turns."""
        for turn in reversed(self._turns.values()):
            if (item := turn.call(step)) is not None:
                return item
        return None

    def tick(self, frame: int) -> bool:
        """Time has passed; whether anything still moves."""
        if self._current is None:
            return False
        moving = list(self._current.running)
        for item in moving:
            item.tick(frame)
            view = self._pane.view_of(item.key)
            if view is not None:
                view.mark_changed()
        return bool(moving)

    def made(self, recorded: Iterable[tuple[str, Sequence[Event]]]) -> Made:
        """The items of recorded turns; may be run in any thread."""
        made = Made({}, [], [])
        for turn, events in recorded:
            items = made.turns[turn] = TurnItems(
                turn, self._looks, made.items.append, made.edited.append
            )
            items.replay(events)
        return made


def _message_key(turn: str) -> str:
    return f"{turn}/user"


def _step_key(turn: str, step: str) -> str:
    return f"{turn}/{step}"


def _turn_of(item: Any) -> str:
    turn: str = getattr(item, "turn", "")
    return turn


def _tell(call: CallItem, event: PermissionAsked | PermissionAnswered | ToolOutput) -> None:
    match event:
        case PermissionAsked(details=details):
            call.ask(details)
        case PermissionAnswered(decision=decision, rule=rule):
            call.answer(decision, rule)
        case ToolOutput(text=text):
            call.output(text)
