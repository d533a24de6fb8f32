"""The queue: messages that wait can be seen, changed, moved and taken out, each by its id."""

from __future__ import annotations

import pytest

from chatterm.agent.queue import MessageQueue, When
from chatterm.errors import UsageError
from chatterm.steps import UserInput


def queue(*messages: tuple[str, When]) -> MessageQueue:
    made = MessageQueue()
    for text, when in messages:
        made.add(UserInput(text), when)
    return made


def texts(waiting: MessageQueue) -> list[str]:
    return [message.input.text for message in waiting]


def id_of(waiting: MessageQueue, text: str) -> str:
    return next(message.id for message in waiting if message.input.text == text)


ABC = (("a", When.TURN), ("b", When.ROUND), ("c", When.TURN))


def test_messages_wait_in_their_order_under_ids_of_their_own() -> None:
    waiting = queue(*ABC)
    assert texts(waiting) == ["a", "b", "c"]
    assert len({message.id for message in waiting}) == len(waiting) == 3


def test_at_a_turns_end_the_first_goes() -> None:
    waiting = queue(*ABC)
    assert [waiting.take().input.text for _ in range(3)] == ["a", "b", "c"]
    assert waiting.take() is None


def test_between_rounds_the_first_that_steers_goes() -> None:
    waiting = queue(*ABC)
    assert waiting.steers
    assert waiting.take(steering=True).input.text == "b"
    assert not waiting.steers
    assert waiting.take(steering=True) is None
    assert texts(waiting) == ["a", "c"]


def test_a_message_can_be_edited_in_its_place() -> None:
    waiting = queue(*ABC)
    changed = waiting.edit(id_of(waiting, "a"), UserInput("A"), when=When.ROUND)
    assert (changed.input.text, changed.when) == ("A", When.ROUND)
    assert texts(waiting) == ["A", "b", "c"]
    waiting.edit(changed.id, when=When.TURN)
    assert [message.when for message in waiting] == [When.TURN, When.ROUND, When.TURN]


@pytest.mark.parametrize(
    ("place", "order"),
    [(0, "cab"), (1, "acb"), (2, "abc"), (99, "abc"), (-1, "cab")],
)
def test_a_message_can_be_moved(place: int, order: str) -> None:
    waiting = queue(*ABC)
    waiting.move(id_of(waiting, "c"), place)
    assert texts(waiting) == list(order)


def test_a_message_can_be_removed() -> None:
    waiting = queue(*ABC)
    assert waiting.remove(id_of(waiting, "b")).input.text == "b"
    assert texts(waiting) == ["a", "c"]


def test_one_that_was_sent_meanwhile_is_told_of() -> None:
    waiting = queue(*ABC)
    sent = waiting.take()
    for change in (waiting.edit, waiting.remove, lambda id_: waiting.move(id_, 0)):
        with pytest.raises(UsageError, match="doesn't wait any more"):
            change(sent.id)
    assert texts(waiting) == ["b", "c"]
