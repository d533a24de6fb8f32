"""Claude's data export."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from chatterm.steps import (
    Citation,
    FinishReason,
    NoticeStep,
    TextStep,
    ThinkingStep,
    ToolCallStep,
    ToolResultStep,
    TurnStatus,
)
from importing.reading import finished, is_well_formed, path_to_head, read, started, steps


def test_a_conversation_in_a_single_line(data: Path) -> None:
    [imported, _], warnings = read(data / "claude.json")
    is_well_formed(imported)
    about = imported.conversation
    assert (about.title, about.title_from) == ("Bread", "model")
    assert about.created_at == "2025-05-01T10:00:00.123Z"
    assert about.updated_at == "2025-05-01T10:05:00.000Z"
    assert path_to_head(imported) == imported.turns
    assert [started(turn).input.text for turn in imported.turns] == ["How long?", "And rye?"]
    assert {started(turn).model for turn in imported.turns} == {"claude/unknown"}
    assert warnings == [
        "message 5 of 'Bread' is left out: it has no sender or no id",
        "a block of an unknown kind is left out: mystery (a1)",
    ]


def test_the_steps_of_an_answer(data: Path) -> None:
    [imported, _], _ = read(data / "claude.json")
    thinking, search, found, repl, crash, text, note = steps(imported.turns[0])
    assert isinstance(thinking, ThinkingStep)
    assert (thinking.text, thinking.started_at) == ("Look it up.", "2025-05-01T10:00:01.500Z")
    assert isinstance(search, ToolCallStep)
    assert (search.call_id, search.input, search.hosted) == ("toolu_1", {"query": "bread"}, True)
    assert json.loads(search.arguments) == search.input
    assert isinstance(found, ToolResultStep)
    assert (found.call_id, found.ok) == ("toolu_1", True)
    assert found.content.startswith("40 minutes\n")
    assert '"title": "Oven"' in found.content
    assert isinstance(repl, ToolCallStep)
    assert (repl.arguments, repl.input) == ('"1+1"', None)
    assert isinstance(crash, ToolResultStep)
    assert (crash.call_id, crash.ok, crash.content) == (repl.call_id, False, "crashed")
    assert isinstance(text, TextStep)
    assert text.citations == (Citation("Bread", "https://bread.example"),)
    assert isinstance(note, NoticeStep)
    assert note.text == "attached, but not in the import: loaf.jpg"
    [rye] = steps(imported.turns[1])
    assert isinstance(rye, TextStep)
    assert rye.text == "Fifty."
    assert finished(imported.turns[1]).finish_reason is FinishReason.LENGTH


def test_the_text_of_an_attachment(data: Path) -> None:
    [imported, _], _ = read(data / "claude.json")
    [recipe] = started(imported.turns[0]).input.attachments
    content = "Flour é".encode()
    assert (recipe.name, recipe.media_type, recipe.data) == ("recipe.pdf", "text/plain", content)
    assert imported.blobs == {recipe.sha256: content}


def test_messages_that_name_their_parents_are_branches(data: Path) -> None:
    [_, imported], _ = read(data / "claude.json")
    is_well_formed(imported)
    assert imported.conversation.title == "A joke?"
    assert imported.conversation.title_from == "first_message"
    answers = [
        [step.text for step in steps(turn) if isinstance(step, TextStep)] for turn in imported.turns
    ]
    assert answers == [["Knock knock."], ["No."], []]
    assert {turn.parent for turn in imported.turns} == {None}
    assert path_to_head(imported) == [imported.turns[0]]
    assert finished(imported.turns[2]).status is TurnStatus.INTERRUPTED


def test_twice_and_packed_gives_the_same(data: Path, tmp_path: Path) -> None:
    path = tmp_path / "export"
    with ZipFile(path, "w") as target:
        target.writestr("users.json", "[]")
        target.write(data / "claude.json", "conversations.json")
    first, _ = read(data / "claude.json")
    again, _ = read(data / "claude.json")
    packed, _ = read(path)
    assert first == again == packed


def written(directory: Path, *messages: Any, **values: Any) -> Path:
    path = directory / "c.json"
    path.write_text(json.dumps([{"uuid": "c", "chat_messages": list(messages)} | values]))
    return path


@pytest.mark.parametrize(
    "odd",
    [
        {"content": None, "text": None},
        {"content": [None, 5, {"type": "text", "text": None}]},
        {"content": [{"type": "tool_use"}, {"type": "tool_result", "content": 5}]},
        {"content": [{"type": "thinking", "thinking": ""}]},
        {"attachments": [None, {}], "files": "x"},
        {"created_at": 5, "stop_reason": []},
        {"content": [{"type": "text", "text": "x", "citations": [None, {"details": 1}]}]},
    ],
)
def test_odd_values_do_no_harm(tmp_path: Path, odd: dict[str, Any]) -> None:
    human = {"uuid": "h", "sender": "human", "text": "hi", "created_at": "?"}
    asked, answered = human | odd, {"uuid": "a", "sender": "assistant", "text": "x"} | odd
    [imported], _ = read(written(tmp_path, asked, answered, name=5))
    is_well_formed(imported)


def test_a_conversation_without_messages_is_named(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    whole = {"uuid": "d", "chat_messages": [{"uuid": "h", "sender": "human", "text": "hi"}]}
    path.write_text(json.dumps([{"uuid": "c", "name": "Empty", "chat_messages": []}, whole]))
    found, warnings = read(path)
    assert len(found) == 1
    assert warnings == ["the conversation 'Empty' is left out: it has no messages"]


def test_pictures_that_are_gone_leave_something_to_say(tmp_path: Path) -> None:
    human = {"uuid": "h", "sender": "human", "text": "", "files": [{"file_name": "a.png"}]}
    [imported], _ = read(written(tmp_path, human))
    assert started(imported.turns[0]).input.text == "[a.png]"
