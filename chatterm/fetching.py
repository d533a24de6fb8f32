"""Bringing a conversation that a server keeps into the store, as often as it went on there.

What is here already is recognised: turns that were fetched before, by their ids, and those that
were asked from here, by what was asked, in their order. The others are added where the server has
them. Nothing that is here is changed or lost: what was gone on with here beside the server's
conversation stays as a branch.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from chatterm.assembly import StepWriter
from chatterm.errors import StoreError, UsageError
from chatterm.events import Event, StepFinished, TurnFinished, TurnStarted, UsageReported
from chatterm.importing.base import derived_id, title_from
from chatterm.moments import NO_TIME
from chatterm.providers.base import RoundEnd
from chatterm.providers.server_threads import kept_in
from chatterm.steps import (
    FinishReason,
    NoticeStep,
    Status,
    Step,
    TextStep,
    TurnStatus,
    UserInput,
)
from chatterm.store.model import Conversation, ConversationRow, RecordedTurn

if TYPE_CHECKING:
    from chatterm.providers.keeper import Keeper
    from chatterm.providers.kept import KeptConversation, KeptTurn
    from chatterm.store import Store

SERVERS_CHOICE = "default"
"""The model's name where nobody says who answered, and the server chooses who answers next."""
_LONGEST_TITLE = 200
_LOOKED_AT = 20
"""In how many of a conversation's last turns it is looked where it is kept besides."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """What fetching a conversation came to.

    Attributes:
        conversation: The conversation as it is in the store now.
        added: Whether it wasn't there before.
        turns: How many turns the server has.
        new: How many of them weren't here.
        left: The conversation stood elsewhere: where it stood is a branch now.
    """

    conversation: Conversation
    added: bool
    turns: int
    new: int
    left: bool = False

    @property
    def words(self) -> str:
        """What it came to, for people."""
        if not self.new:
            return "nothing is new"
        told = "one turn" if self.turns == 1 else f"{self.new} of {self.turns} turns are new"
        return f"{told}; what was said here meanwhile is a branch" if self.left else told


async def fetch(store: Store, keeper: Keeper, kept: KeptConversation) -> Fetched:
    """Bring a server's conversation into the store, or up to date there.

    Raises:
        ProviderError: The server doesn't tell what was said in it.
        StoreError: The store can't be used.
        UsageError: There is nothing in it.
    """
    turns = await keeper.turns(kept.id)
    if not turns:
        raise UsageError(f"the conversation {kept.id!a} of {keeper.name} is empty")
    return await asyncio.to_thread(_taken_in, store, keeper, kept, turns)


def as_recorded(
    keeper: Keeper, kept: KeptConversation, turns: Sequence[KeptTurn]
) -> tuple[ConversationRow, list[RecordedTurn]]:
    """A server's conversation as if it were in the store, to be looked at."""
    line = _Line(keeper, kept, turns)
    made = [line.made(number, line.ids[number - 1] if number else None) for number in line.numbers]
    row = ConversationRow(line.conversation(), len(made), line.model(-1), RoundEnd().usage)
    return row, made


def kept_elsewhere(store: Store, conversation: str) -> tuple[str, str] | None:
    """The provider whose server keeps a conversation, too, and by which id; None where none does.

    Raises:
        StoreError: There is no such conversation, or it can't be read.
    """
    turns = store.turns(store.path(conversation)[-_LOOKED_AT:])
    return next((place for turn in reversed(turns) if (place := kept_in(turn.turn()))), None)


class _Line:
    """The turns of a server's conversation, which follow each other.

    Attributes:
        id: What the conversation is called here where it isn't known yet.
        ids: The turns' ids: the same each time, so that nothing comes twice. A turn that was
            answered since is another one.
        unanswered: The ids that they have while nothing has been answered.
    """

    def __init__(self, keeper: Keeper, kept: KeptConversation, turns: Sequence[KeptTurn]) -> None:
        self.keeper = keeper
        self.kept = kept
        self.turns = turns
        self.id = derived_id("server", keeper.name, keeper.address, kept.id)
        self.unanswered = [self._id(number, "") for number in self.numbers]
        self.ids = [
            self._id(number, "answered") if turns[number].events else self.unanswered[number]
            for number in self.numbers
        ]

    @property
    def numbers(self) -> range:
        """The turns' places, from 0."""
        return range(len(self.turns))

    def _id(self, number: int, state: str) -> str:
        return derived_id(self.id, str(number), self.turns[number].asked, state)

    def model(self, number: int) -> str:
        """Who answered a turn, as `provider/model`."""
        name = self.turns[number].model or self.kept.model or SERVERS_CHOICE
        return f"{self.keeper.name}/{name}"

    def conversation(self, head: str | None = None) -> Conversation:
        """The conversation, standing at a turn, or at its last."""
        times = [time for turn in self.turns for time in (turn.at, turn.ended_at) if time]
        begun = self.kept.created_at or min(times, default=NO_TIME)
        title = " ".join(self.kept.title.split())[:_LONGEST_TITLE]
        return Conversation(
            id=self.id,
            title=title or title_from([turn.asked for turn in self.turns]),
            title_from="model" if title else "first_message",
            directory=None,
            origin="import",
            head=head or self.ids[-1],
            created_at=begun,
            updated_at=max(begun, self.kept.updated_at, *times),
        )

    def made(self, number: int, parent: str | None, home: str = "") -> RecordedTurn:
        """A turn, as if it had been recorded; the last one carries by what it is gone on with.

        A branch from an earlier one can't go on in the server's conversation: it is retold.
        """
        turn, id_ = self.turns[number], self.ids[number]
        at = turn.at or self.kept.created_at or NO_TIME
        end = RoundEnd(FinishReason.INTERRUPTED)
        steps: list[Step] = []
        if turn.events:
            steps, end = self.keeper.answer(turn, StepWriter(id_))
        if number == len(self.turns) - 1:
            steps = steps or [_no_answer(id_)]
            steps[0] = replace(steps[0], opaque=self.keeper.record(self.kept.id))
        asked, model, home = UserInput(turn.asked), self.model(number), home or self.id
        # When each step began isn't known, nor how long it took.
        dated = [replace(step, started_at=at, duration_ms=None) for step in steps]
        events: list[Event] = [TurnStarted(home, id_, parent, asked, None, model, {}, at)]
        events += [StepFinished(step) for step in dated]
        events += [UsageReported(end.usage)] if end.usage else []
        failed = end.failure is not None
        status = TurnStatus.FAILED if failed else end.finish_reason.turn_status
        word, usage = end.provider_finish_reason, end.usage
        events.append(TurnFinished(status, end.finish_reason, word, usage, (), end.failure))
        return RecordedTurn(id_, parent, home, tuple(events))


def _no_answer(turn: str) -> NoticeStep:
    text = "the server holds no answer to this"
    status = Status.DONE
    return NoticeStep(id=f"{turn}.0", index=0, round=0, status=status, text=text, reason="import")


def _taken_in(
    store: Store, keeper: Keeper, kept: KeptConversation, turns: Sequence[KeptTurn]
) -> Fetched:
    line = _Line(keeper, kept, turns)
    here, asked_here = _here(store, line)
    known = _known(store, [*([asked_here.conversation] if asked_here else []), line.id])
    home = known.id if known is not None else line.id
    new: list[RecordedTurn] = []
    parent: str | None = None
    for number in line.numbers:
        if number not in here:
            new.append(line.made(number, parent, home))
        parent = here.get(number, line.ids[number])
    conversation = replace(line.conversation(parent), id=home)
    store.merge(conversation, new, {})
    _retitle(store, conversation, known)
    left = False
    if known is not None and line.numbers[-1] not in here:
        if store.find(home).head != parent:  # it stood elsewhere, or is said to be newer
            store.set_head(home, parent)
        left = known.head not in {None, *store.path(home), *line.unanswered}
    return Fetched(store.find(home), known is None, len(turns), len(new), left)


def _here(store: Store, line: _Line) -> tuple[dict[int, str], RecordedTurn | None]:
    """Which of the server's turns are in the store, by their places; the last one asked from here.

    What was asked from here stands in the server's conversation in the same order, perhaps with
    more in front of the question: files, and what was retold.
    """
    fetched = {turn.id for turn in store.turns(line.ids)}
    place = (line.keeper.name, line.kept.id)
    theirs = {*line.ids, *line.unanswered}
    ids = [each for each in store.turns_holding(*place) if each not in theirs]
    own = [turn for turn in store.turns(ids) if kept_in(turn.turn()) == place and _reached(turn)]
    here: dict[int, str] = {}
    last = None
    for number, turn in enumerate(line.turns):
        if line.ids[number] in fetched:
            here[number] = line.ids[number]
            continue
        at = next((n for n, mine in enumerate(own) if _is_asked(mine, turn.asked)), None)
        if at is not None:
            last = own[at]
            here[number] = last.id
            own = own[at + 1 :]
    return here, last


def _reached(turn: RecordedTurn) -> bool:
    """Whether the server surely has a turn: one that failed before anything came it hasn't."""
    end = turn.events[-1]
    failed = isinstance(end, TurnFinished) and end.status is TurnStatus.FAILED
    return not failed or any(isinstance(step, TextStep) for step in turn.steps)


def _is_asked(mine: RecordedTurn, asked: str) -> bool:
    text = mine.turn().input.text.strip()
    return asked.strip().endswith(text) if text else not asked.strip()


def _known(store: Store, ids: Sequence[str]) -> Conversation | None:
    """The first of these conversations that is in the store."""
    for id_ in ids:
        try:
            found = store.find(id_)
        except StoreError:
            continue  # it was deleted, and its turns are another's
        if found.id == id_:
            return found
    return None


def _retitle(store: Store, conversation: Conversation, known: Conversation | None) -> None:
    """Call a known conversation what the server calls it now, unless the user calls it so."""
    if known is None or known.title_from == "user" or conversation.title_from != "model":
        return
    store.set_title(known.id, conversation.title, "model", instead_of=known.title_from)
