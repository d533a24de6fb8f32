"""ChatGPT's data export: its tree of messages as turns."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from chatterm.steps import (
    Citation,
    FinishReason,
    NoticeStep,
    Outcome,
    TextStep,
    ThinkingStep,
    ToolCallStep,
    ToolResultStep,
    TurnStatus,
)
from importing.reading import finished, is_well_formed, path_to_head, read, started, steps

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def archive(data: Path, tmp_path: Path) -> Path:
    path = tmp_path / "anything"
    with ZipFile(path, "w") as target:
        target.write(data / "chatgpt.json", "export/conversations.json")
        target.writestr("export/user.json", "{}")
        target.writestr("export/file-AbC123-beach.png", PNG)
        target.writestr("export/file-AbC1234-other.png", b"other")
    return path


def test_the_conversation_and_its_branches(data: Path) -> None:
    [imported], _ = read(data / "chatgpt.json")
    is_well_formed(imported)
    about = imported.conversation
    assert (about.title, about.title_from, about.origin) == ("Tide tables", "model", "import")
    assert about.created_at == "2024-06-03T08:00:00.250Z"
    assert about.updated_at == "2024-06-03T09:00:00.000Z"
    assert len(imported.turns) == 3
    first, again, last = imported.turns
    assert [first.parent, again.parent, last.parent] == [None, None, again.id]
    assert path_to_head(imported) == [again, last]
    questions = [started(turn).input.text for turn in imported.turns]
    assert questions == ["When is high tide?", "When is high tide?", "Thanks. As code?"]
    assert [started(turn).model for turn in imported.turns] == [
        "chatgpt/gpt-4o-mini",
        "chatgpt/o3",
        "chatgpt/gpt-4o",
    ]
    assert started(first).at == "2024-06-03T08:00:01.000Z"


def test_the_steps_of_an_answer(archive: Path) -> None:
    [imported], warnings = read(archive)
    thinking, call, result, search, failure, text, note = steps(imported.turns[1])
    assert isinstance(thinking, ThinkingStep)
    assert thinking.summary
    assert thinking.text == "**Looking at the picture**\n\nA beach.\n\nCompute it."
    assert isinstance(call, ToolCallStep)
    assert (call.name, call.arguments, call.input, call.hosted) == (
        "python",
        "print(12)",
        None,
        True,
    )
    assert isinstance(result, ToolResultStep)
    assert (result.call_id, result.name, result.content) == (call.call_id, "python", "12\n")
    assert isinstance(search, ToolCallStep)
    assert search.input == {"query": "tide"}
    assert isinstance(failure, ToolResultStep)
    assert (failure.call_id, failure.ok, failure.outcome) == (
        search.call_id,
        False,
        Outcome.FAILED,
    )
    assert isinstance(text, TextStep)
    assert text.text == "At midnight in Brest."
    assert text.citations == (
        Citation("Tides", "https://tides.example/a"),
        Citation("More", "https://tides.example/b"),
    )
    assert isinstance(note, NoticeStep)
    assert note.text == "attached, but not in the import: file_00ff"
    assert warnings == ["a message of an unknown kind is left out: hologram (odd)"]


def test_how_turns_ended(data: Path) -> None:
    [imported], _ = read(data / "chatgpt.json")
    ends = [finished(turn) for turn in imported.turns]
    assert [end.finish_reason for end in ends] == [
        FinishReason.INTERRUPTED,
        FinishReason.STOP,
        FinishReason.LENGTH,
    ]
    assert ends[2].provider_finish_reason == "max_tokens"
    [code] = steps(imported.turns[2])
    assert isinstance(code, TextStep)
    assert code.text == "```python\ntide = 12\n```"


def test_files_come_out_of_the_archive(archive: Path) -> None:
    [imported], _ = read(archive)
    [picture] = started(imported.turns[0]).input.attachments
    assert (picture.name, picture.media_type, picture.data) == ("beach.png", "image/png", PNG)
    assert imported.blobs == {picture.sha256: PNG}


def test_files_lie_beside_an_unpacked_export(data: Path, tmp_path: Path) -> None:
    shutil.copy(data / "chatgpt.json", tmp_path / "conversations.json")
    (tmp_path / "file_00ff.dat").write_bytes(PNG)
    [imported], _ = read(tmp_path / "conversations.json")
    [picture] = started(imported.turns[0]).input.attachments
    assert (picture.name, picture.size) == ("dat", 8)


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "notes", "", "file-"])
def test_only_files_named_after_ids_are_looked_for(tmp_path: Path, name: str) -> None:
    (tmp_path / "notes.txt").write_text("private")
    (tmp_path / "secret.txt").write_text("private")
    message = node("q", "root", "user", metadata={"attachments": [{"id": name, "name": "x"}]})
    [imported], _ = read(written(tmp_path, [tree(message)]))
    assert not imported.blobs


def test_an_archive_and_its_file_give_the_same_ids_each_time(data: Path, archive: Path) -> None:
    [first], _ = read(data / "chatgpt.json")
    [again], _ = read(data / "chatgpt.json")
    [packed], _ = read(archive)
    assert first == again
    assert [turn.id for turn in first.turns] == [turn.id for turn in packed.turns]
    assert first.conversation == packed.conversation


def node(identity: str, parent: str | None, role: str, **values: Any) -> dict[str, Any]:
    message = {
        "id": identity,
        "author": {"role": role},
        "content": {"content_type": "text", "parts": [f"says {identity}"]},
    }
    return {"id": identity, "parent": parent, "children": [], "message": message | values}


def tree(*nodes: dict[str, Any], **values: Any) -> dict[str, Any]:
    return {"id": "c", "mapping": {each["id"]: each for each in nodes}} | values


def written(directory: Path, records: Any) -> Path:
    path = directory / "conversations.json"
    path.write_text(json.dumps(records))
    return path


def test_a_later_export_adds_only_what_is_new(tmp_path: Path) -> None:
    early = [node("q1", None, "user"), node("a1", "q1", "assistant"), node("q2", "a1", "user")]
    late = [*early, node("a2", "q2", "assistant"), node("q3", "a2", "user")]
    [before], _ = read(written(tmp_path, [tree(*early, current_node="q2")]))
    [after], _ = read(written(tmp_path, [tree(*late, current_node="q3")]))
    assert before.conversation.id == after.conversation.id
    assert before.turns[0] == after.turns[0]
    # The question that has an answer now is a new turn: a known one never changes.
    assert before.turns[1].id not in {turn.id for turn in after.turns}
    assert finished(before.turns[1]).status is TurnStatus.INTERRUPTED
    assert [started(turn).input.text for turn in path_to_head(after)] == [
        "says q1",
        "says q2",
        "says q3",
    ]


def test_an_answer_that_branches_half_way(tmp_path: Path) -> None:
    nodes = [
        node("q", None, "user"),
        node("a", "q", "assistant"),
        node("b", "a", "assistant"),
        node("c", "a", "assistant"),
        node("next", "a", "user"),
    ]
    [imported], _ = read(written(tmp_path, [tree(*nodes, current_node="c")]))
    is_well_formed(imported)
    texts = [
        [step.text for step in steps(turn) if isinstance(step, TextStep)] for turn in imported.turns
    ]
    assert sorted(texts) == [[], ["says a"], ["says a", "says b"], ["says a", "says c"]]
    [head] = path_to_head(imported)
    assert len(steps(head)) == 2


def test_a_conversation_that_begins_with_an_answer(tmp_path: Path) -> None:
    nodes = [node("hello", None, "assistant"), node("q", "hello", "user")]
    [imported], _ = read(written(tmp_path, [tree(*nodes)]))
    is_well_formed(imported)
    assert [started(turn).input.text for turn in imported.turns] == ["", "says q"]
    assert imported.conversation.title == "says q"


def test_a_long_conversation(tmp_path: Path) -> None:
    nodes = [node("0", None, "user")]
    nodes += [node(str(n), str(n - 1), "assistant" if n % 2 else "user") for n in range(1, 4000)]
    [imported], _ = read(written(tmp_path, [tree(*nodes, current_node="3999")]))
    assert len(path_to_head(imported)) == 2000


BROKEN: list[Any] = [
    {},
    {"id": "c", "mapping": {}},
    {"id": "c", "mapping": []},
    {"mapping": {"a": node("a", None, "user")}},
    {"id": "c", "mapping": {"a": None, "b": {"message": 5}}},
    {"id": "c", "mapping": {"a": node("a", "b", "user"), "b": node("b", "a", "user")}},
    {"id": "c", "mapping": {"a": node("a", None, "system")}},
    7,
    None,
]


@pytest.mark.parametrize("broken", BROKEN)
def test_what_is_damaged_is_named_and_the_rest_is_imported(tmp_path: Path, broken: Any) -> None:
    whole = tree(node("q", None, "user"), id="whole")
    found, warnings = read(written(tmp_path, [broken, whole]))
    assert [each.turns[0].events[0].input.text for each in found] == ["says q"]  # type: ignore[union-attr]
    assert len(warnings) == 1
    assert "left out" in warnings[0]


ODD: list[dict[str, Any]] = [
    {"content": None},
    {"content": {"content_type": "text", "parts": None}},
    {"content": {"content_type": "text", "parts": [None, 5, {"text": 3}, "text"]}},
    {"author": None},
    {"metadata": "x", "create_time": "soon"},
    {"create_time": 1e300},
    {"metadata": {"attachments": [None, {"id": 5}], "citations": [1], "content_references": {}}},
    {"content": {"content_type": "thoughts", "thoughts": [None, {"summary": 1}]}},
    {"recipient": 5},
]


@pytest.mark.parametrize("values", ODD)
@pytest.mark.parametrize("role", ["user", "assistant", "tool"])
def test_odd_values_do_no_harm(tmp_path: Path, values: dict[str, Any], role: str) -> None:
    nodes = [node("q", None, "user"), node("odd", "q", role, **values)]
    nodes += [node("a", "odd", "assistant")]
    [imported], _ = read(written(tmp_path, [tree(*nodes, create_time="?", title=5)]))
    is_well_formed(imported)
    last = [step for turn in imported.turns for step in steps(turn)][-1]
    assert isinstance(last, TextStep | NoticeStep)


def test_a_file_cut_off_gives_what_came_before(data: Path, tmp_path: Path) -> None:
    whole = (data / "chatgpt.json").read_text()
    path = tmp_path / "cut.json"
    path.write_text(whole.rstrip()[:-1] + ', {"title": "cut')
    found, warnings = read(path)
    assert len(found) == 1
    assert "cut.json is damaged and can't be read to its end" in warnings[-1]


def test_numbered_parts_of_an_export_are_read_one_after_the_other(tmp_path: Path) -> None:
    path = tmp_path / "export.zip"
    with ZipFile(path, "w") as target:
        for number in range(2):
            record = tree(node("q", None, "user"), id=f"c{number}")
            target.writestr(f"conversations-00{number}.json", json.dumps([record]))
    found, warnings = read(path)
    assert len({each.conversation.id for each in found}) == 2
    assert not warnings


def test_a_picture_in_an_answer_is_named(tmp_path: Path) -> None:
    content = {
        "content_type": "multimodal_text",
        "parts": [{"content_type": "image_asset_pointer", "asset_pointer": "sediment://file_0a"}],
    }
    nodes = [node("q", None, "user"), node("a", "q", "tool", content=content)]
    [imported], _ = read(written(tmp_path, [tree(*nodes)]))
    [result] = steps(imported.turns[0])
    assert isinstance(result, ToolResultStep)
    assert result.content == "[file file_0a]"
