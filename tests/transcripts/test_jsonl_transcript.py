"""JSON Lines: everything comes back identical, and damage is named by its line."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatterm.errors import UsageError
from chatterm.events import StepFinished, TurnFinished, event_to_json
from chatterm.steps import FinishReason, TextStep, TurnStatus
from chatterm.store.model import Conversation, RecordedTurn
from chatterm.transcripts import from_jsonl, read_jsonl, to_jsonl
from transcripts.samples import (
    PNG,
    attachment,
    blobs,
    conversation,
    conversations,
    step,
    trees,
    turn,
)

Record = tuple[Conversation, list[RecordedTurn], dict[str, bytes]]
relaxed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def lines_of(*records: Record) -> list[bytes]:
    return [line for record in records for line in to_jsonl(*record)]


def example() -> Record:
    picture = attachment(PNG)
    turns = [
        turn(step(TextStep, text="one"), id="t1", attachments=(picture,)),
        turn(step(TextStep, text="two"), id="t2", parent="t1"),
        turn(step(TextStep, text="three"), id="t3", parent="t1"),
    ]
    return conversation(), turns, {picture.sha256: PNG}


@relaxed
@given(st.lists(st.tuples(conversations, trees(), blobs), max_size=3))
def test_what_is_read_back_is_identical(records: list[Record]) -> None:
    lines = lines_of(*records)
    assert all(line.endswith(b"\n") and line.count(b"\n") == 1 for line in lines)
    again = list(from_jsonl(lines))
    assert again == records
    assert lines_of(*again) == lines


@relaxed
@given(conversations, trees(), blobs)
def test_reading_with_patience_gives_the_same_and_no_warning(
    about: Conversation, turns: list[RecordedTurn], kept: dict[str, bytes]
) -> None:
    warnings: list[str] = []
    assert list(read_jsonl(lines_of((about, turns, kept)), warnings.append)) == [
        (about, turns, kept)
    ]
    assert not warnings


@relaxed
@given(trees(), st.randoms(use_true_random=False))
def test_parents_are_written_before_their_children(turns: list[RecordedTurn], chance: Any) -> None:
    shuffled = list(turns)
    chance.shuffle(shuffled)
    [(_, again, _)] = from_jsonl(to_jsonl(conversation(), shuffled, {}))
    places = {each.id: place for place, each in enumerate(again)}
    assert sorted(places) == sorted(each.id for each in turns)
    assert all(places[each.parent] < places[each.id] for each in again if each.parent is not None)


def test_a_ring_of_parents_is_written_all_the_same() -> None:
    ring = [turn(id="a", parent="b"), turn(id="b", parent="a")]
    [(_, again, _)] = from_jsonl(to_jsonl(conversation(), ring, {}))
    assert sorted(each.id for each in again) == ["a", "b"]


def test_the_form_is_the_documented_one() -> None:
    objects = [json.loads(line) for line in lines_of(example())]
    assert objects[0]["type"] == "conversation"
    assert objects[0]["conversation"]["id"] == "c0ffee"
    kinds = [each["type"] for each in objects[1:]]
    assert kinds == [*["turn.started", "step.finished", "turn.finished"] * 3, "blob"]
    assert objects[1] == event_to_json(example()[1][0].events[0])


def test_empty_lines_and_a_byte_order_mark_do_no_harm() -> None:
    lines = lines_of(example())
    assert list(from_jsonl([b"\xef\xbb\xbf" + lines[0], b"\n", *lines[1:], b" \n"])) == [example()]


def test_fields_of_a_later_version_are_passed_over() -> None:
    first, *rest = lines_of(example())
    data = json.loads(first)
    data["conversation"]["colour"] = "red"
    assert list(from_jsonl([json.dumps(data).encode(), *rest])) == [example()]


DAMAGE = [
    (0, b"", "line 2: a conversation has to come first"),
    (0, b'{"type":"conversation"}', "line 1: a conversation has to be an object"),
    (0, b'{"type":"conversation","conversation":{"id":"a"}}', "line 1: not a whole conversation"),
    (1, b"{", "line 2: it isn't JSON"),
    (1, b"[]", "line 2: it isn't a JSON object"),
    (1, b"\xff", "line 2: it isn't UTF-8"),
    (1, b"[" * 100_000, "line 2: it is nested too deeply"),
    (1, b'{"type":"new"}', "line 2: unknown type of event: 'new'"),
    (1, b'{"type":"step.finished"}', "line 2: not a whole step.finished event"),
    (1, b'{"type":"step.finished","step":"x"}', "line 2: not a whole step.finished event"),
    (2, b'{"type":"step.finished","step":{"kind":"song"}}', "line 3: unknown kind of step"),
    (1, b"", "line 3: step.finished belongs to no turn"),
    (4, b"", "line 6: step.finished comes after the end of its turn"),
    (10, b'{"type":"blob","sha256":"ab","data":"AA=="}', "line 11: the content of a blob"),
    (10, b'{"type":"blob","sha256":"ab","data":"?"}', "line 11: not a whole blob"),
]


@pytest.mark.parametrize(("place", "line", "message"), DAMAGE)
def test_an_error_names_the_line(place: int, line: bytes, message: str) -> None:
    lines = lines_of(example())
    lines[place] = line
    with pytest.raises(UsageError) as caught:
        list(from_jsonl(lines))
    assert caught.value.message.startswith(message)


@pytest.mark.parametrize(
    ("at", "field", "value"),
    [(1, "turn", 5), (1, "settings", []), (2, "step", {"kind": "text", "id": "a", "index": "b"})],
)
def test_a_value_of_another_type_is_an_error(at: int, field: str, value: Any) -> None:
    lines = lines_of(example())
    lines[at] = json.dumps(json.loads(lines[at]) | {field: value}).encode()
    with pytest.raises(UsageError, match=f"line {at + 1}: "):
        list(from_jsonl(lines))


def read_patiently(lines: list[bytes]) -> tuple[list[Record], list[str]]:
    warnings: list[str] = []
    return list(read_jsonl(lines, warnings.append)), warnings


def test_a_damaged_step_is_left_out_and_the_rest_stays() -> None:
    lines = lines_of(example())
    lines[5] = lines[5][:-9]
    [(about, turns, kept)], warnings = read_patiently(lines)
    assert (about, kept) == (example()[0], example()[2])
    assert [each.id for each in turns] == ["t1", "t2", "t3"]
    assert not any(isinstance(event, StepFinished) for event in turns[1].events)
    assert len(warnings) == 1
    assert warnings[0].startswith("line 6 is left out: it isn't JSON")


def test_a_turn_whose_beginning_is_damaged_is_left_out_whole() -> None:
    lines = lines_of(example())
    lines[4] = b"{"
    [(_, turns, _)], warnings = read_patiently(lines)
    assert turns == [example()[1][0], example()[1][2]]
    assert [warning.split(" is")[0] for warning in warnings] == ["line 5", "line 6", "line 7"]


def test_a_turn_that_lost_its_end_is_interrupted() -> None:
    lines = lines_of(example())
    lines[6] = b'{"type":"turn.fin'
    [(_, turns, _)], _ = read_patiently(lines)
    end = turns[1].events[-1]
    assert isinstance(end, TurnFinished)
    assert (end.status, end.finish_reason) == (TurnStatus.INTERRUPTED, FinishReason.INTERRUPTED)


def test_a_conversation_whose_first_line_is_damaged_is_left_out_whole() -> None:
    first, second = example(), (conversation(id="other"), [turn(id="t9")], {})
    lines = [b'{"type":"conversation","conversation":{}}', *lines_of(first)[1:], *lines_of(second)]
    found, warnings = read_patiently(lines)
    assert found == [second]
    assert len(warnings) == 1


def test_a_file_cut_off_anywhere_gives_what_stands_before_the_cut() -> None:
    data = b"".join(lines_of(example()))
    for length in range(0, len(data), 7):
        found, _ = read_patiently(data[:length].splitlines(keepends=True))
        assert len(found) <= 1
        for _, turns, _ in found:
            assert [each.id for each in turns] == ["t1", "t2", "t3"][: len(turns)]
