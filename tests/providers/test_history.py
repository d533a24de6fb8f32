"""The conversation as requests need it."""

from __future__ import annotations

import pytest

from chatterm.errors import UsageError
from chatterm.providers.history import (
    UNANSWERED,
    binary_files,
    data_url,
    opaque_of,
    rounds,
    text_with_files,
)
from chatterm.steps import (
    Attachment,
    NoticeStep,
    Outcome,
    RefusalStep,
    Status,
    Step,
    TextStep,
    ThinkingStep,
    ToolCallStep,
    ToolResultStep,
    Turn,
    UserInput,
)


def turn(*steps: Step) -> Turn:
    return Turn("t", UserInput("go on"), "openai/gpt-5", steps)


def call(index: int, call_id: str, status: Status = Status.DONE, **more: object) -> ToolCallStep:
    return ToolCallStep(
        id=f"t.{index}",
        index=index,
        round=0,
        status=status,
        call_id=call_id,
        name="f",
        arguments="{}",
        input={},
        **more,  # type: ignore[arg-type]
    )


def result(index: int, call_id: str, content: str) -> ToolResultStep:
    return ToolResultStep(id=f"t.{index}", index=index, round=0, call_id=call_id, content=content)


def text(index: int, round_: int, words: str, **more: object) -> TextStep:
    return TextStep(
        id=f"t.{index}",
        index=index,
        round=round_,
        status=Status.DONE,
        text=words,
        **more,  # type: ignore[arg-type]
    )


def test_steps_are_told_apart_by_round_and_kept_in_order() -> None:
    found = rounds(turn(text(2, 1, "c"), text(1, 0, "b"), text(0, 0, "a")))
    assert [[step.index for step in each.steps] for each in found] == [[0, 1], [2]]
    assert [each.text for each in found] == ["ab", "c"]


def test_every_call_has_its_answer_in_the_calls_order() -> None:
    [each] = rounds(turn(call(0, "a"), call(1, "b"), result(2, "b", "B"), result(3, "a", "A")))
    assert [step.call_id for step in each.calls] == ["a", "b"]
    assert [answer.content for answer in each.results] == ["A", "B"]


def test_a_call_nobody_answered_has_an_unknown_result() -> None:
    [each] = rounds(turn(call(0, "a"), call(1, "b"), result(2, "a", "A")))
    known, unknown = each.results
    assert known.content == "A"
    assert (unknown.call_id, unknown.content) == ("b", UNANSWERED)
    assert (unknown.ok, unknown.outcome) == (False, Outcome.UNKNOWN)


def test_calls_with_the_same_id_each_take_one_answer() -> None:
    [each] = rounds(turn(call(0, "a"), call(1, "a"), result(2, "a", "1"), result(3, "a", "2")))
    assert [answer.content for answer in each.results] == ["1", "2"]


def test_the_same_id_in_another_round_is_another_call() -> None:
    second = ToolCallStep(id="t.2", index=2, round=1, status=Status.DONE, call_id="a", name="f")
    first, last = rounds(turn(call(0, "a"), result(1, "a", "A"), second))
    assert [answer.content for answer in first.results] == ["A"]
    assert [answer.outcome for answer in last.results] == [Outcome.UNKNOWN]


@pytest.mark.parametrize("status", [Status.INTERRUPTED, Status.FAILED, Status.OPEN])
def test_a_call_that_was_cut_off_is_left_out(status: Status) -> None:
    assert rounds(turn(call(0, "a", status))) == []


def test_a_call_that_the_server_ran_waits_for_no_answer() -> None:
    [each] = rounds(turn(call(0, "a", hosted=True), result(1, "a", "A")))
    assert (each.calls, each.results) == ((), ())
    assert [step.kind for step in each.steps] == ["tool_call", "tool_result"]


def test_what_must_not_be_sent_again_is_left_out() -> None:
    [each] = rounds(
        turn(
            text(0, 0, "taken back", withdrawn=True),
            text(1, 0, ""),
            NoticeStep(id="t.2", index=2, round=0, text="retried", reason="retry"),
            RefusalStep(id="t.3", index=3, round=0, text="no"),
            text(4, 0, "half", phase="final_answer"),
        )
    )
    assert [step.index for step in each.steps] == [3, 4]
    assert each.text == "nohalf"


def test_a_round_with_nothing_to_send_is_left_out() -> None:
    assert rounds(turn(text(0, 0, ""), text(1, 1, "b")))[0].text == "b"
    assert rounds(turn()) == []


def test_opaque_data_goes_only_to_the_provider_it_came_from_and_only_whole() -> None:
    opaque = {"item": {"id": "rs_1"}}
    done = ThinkingStep(id="t.0", index=0, round=0, status=Status.DONE, opaque=opaque)
    cut = ThinkingStep(id="t.1", index=1, round=0, status=Status.INTERRUPTED, opaque=opaque)
    bare = ThinkingStep(id="t.2", index=2, round=0, status=Status.DONE)
    conversation = turn(done, cut, bare)
    assert opaque_of(done, conversation, "openai") is opaque
    assert opaque_of(done, conversation, "azure") == {}
    assert opaque_of(cut, conversation, "openai") == {}
    assert opaque_of(bare, conversation, "openai") == {}


def attachment(name: str, media_type: str, data: bytes | None) -> Attachment:
    return Attachment(name, media_type, len(data or b""), "00", data)


def test_text_files_stand_before_the_text_each_under_its_name() -> None:
    sent = UserInput(
        "compare",
        (
            attachment("a.txt", "text/plain", "ü\n".encode()),
            attachment("p.png", "image/png", b"\x89"),
            attachment('b"&.json', "application/json", b"{}\xff"),
        ),
    )
    assert text_with_files(sent) == (
        '<file name="a.txt">\nü\n</file>\n\n'
        '<file name="b&quot;&amp;.json">\n{}\ufffd\n</file>\n\n'
        "compare"
    )
    assert [each.name for each in binary_files(sent)] == ["p.png"]


def test_a_file_alone_needs_no_text() -> None:
    sent = UserInput("", (attachment("a.txt", "text/plain", b"x"),))
    assert text_with_files(sent) == '<file name="a.txt">\nx\n</file>'


def test_a_picture_goes_as_an_address() -> None:
    assert (
        data_url(attachment("p.png", "image/png", b"\x89PNG")) == "data:image/png;base64,iVBORw=="
    )


def test_a_file_whose_content_is_gone_is_named() -> None:
    with pytest.raises(UsageError, match=r"a\.pdf"):
        data_url(attachment("a.pdf", "application/pdf", None))


def test_what_the_provider_took_back_is_left_out_and_what_came_since_stays() -> None:
    notice = NoticeStep(id="t.2", index=2, round=0, status=Status.DONE, reason="withdrawn")
    [found] = rounds(turn(text(0, 0, "first"), call(1, "a"), notice, text(3, 0, "anew")))
    assert (found.text, found.calls, found.results) == ("anew", (), ())


def test_a_part_of_the_reply_that_is_not_shown_is_kept_for_its_provider() -> None:
    part = NoticeStep(
        id="t.0", index=0, round=0, status=Status.DONE, reason="x", opaque={"block": {}}
    )
    plain = NoticeStep(id="t.1", index=1, round=0, status=Status.DONE, reason="retry")
    [found] = rounds(turn(part, plain))
    assert found.steps == (part,)
