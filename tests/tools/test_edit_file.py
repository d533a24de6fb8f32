"""Editing files: exactly the passage that is meant, or nothing."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest

from chatterm.steps import FileEdit
from chatterm.tools.base import ToolError, ToolResult
from chatterm.tools.edit_file import EditFile
from chatterm.tools.read_file import ReadFile
from chatterm.tools.replacing import digest_of
from filetools import SECRET, Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


async def edit(desk: Desk, old: str, new: str, path: str = "a.txt", **more: Any) -> ToolResult:
    return await desk.run(EditFile(desk.places), {"path": path, "old": old, "new": new, **more})


async def read(desk: Desk, path: str = "a.txt") -> None:
    await desk.run(ReadFile(desk.places), {"path": path})


async def test_a_passage_that_is_there_once_is_replaced(desk: Desk) -> None:
    path = desk.write("a.txt", "one\ntwo\nthree")
    path.chmod(0o755)
    result = await edit(desk, "two\n", "2\n2b\n")
    assert path.read_text() == "one\n2\n2b\nthree"
    assert stat.S_IMODE(path.stat().st_mode) == 0o755
    before, after = digest_of(b"one\ntwo\nthree"), digest_of(path.read_bytes())
    assert result.edits == (FileEdit(str(path), before, after),)
    assert desk.kept[before] == b"one\ntwo\nthree"
    assert result.content == "edited a.txt at line 2"
    await edit(desk, "2b", "", "a.txt")  # its own edit isn't taken for somebody else's


async def test_a_passage_that_is_there_often_is_refused(desk: Desk) -> None:
    path = desk.write("a.txt", "x = 1\ny\nx = 1\n")
    with pytest.raises(ToolError, match=r"2 times, at lines 1, 3; .* replace_all"):
        await edit(desk, "x = 1", "x = 2")
    desk.write("b.txt", "aaa")
    with pytest.raises(ToolError, match="2 times"):
        await edit(desk, "aa", "b", "b.txt")  # it may be meant in two ways
    assert path.read_text() == "x = 1\ny\nx = 1\n"


async def test_all_are_replaced_in_a_file_that_was_read(desk: Desk) -> None:
    path = desk.write("a.txt", "x\ny\nx\n")
    with pytest.raises(ToolError, match="read it before"):
        await edit(desk, "x", "z", replace_all=True)
    await read(desk)
    result = await edit(desk, "x", "z", replace_all=True)
    assert path.read_text() == "z\ny\nz\n"
    assert "2 times" in result.content


@pytest.mark.parametrize(
    ("old", "words"),
    [
        ("absent", "isn't in a.txt; read it again"),
        ("indented", "edited"),
        ("indented\nother", "first line is at line 2"),
        ("     2\t    indented", "leave out the line numbers"),
    ],
)
async def test_a_passage_that_is_missing_is_told_with_a_hint(
    desk: Desk, old: str, words: str
) -> None:
    desk.write("a.txt", "first\n    indented\nlast\n")
    try:
        said = (await edit(desk, old, "new")).content
    except ToolError as error:
        said = error.message
    assert words in said


async def test_what_changes_nothing_is_refused(desk: Desk) -> None:
    desk.write("a.txt", "one")
    with pytest.raises(ToolError, match="the same"):
        await edit(desk, "one", "one")
    with pytest.raises(ToolError, match=r"there is no b\.txt"):
        await edit(desk, "one", "two", "b.txt")
    desk.write("bin", b"one\0")
    with pytest.raises(ToolError, match="binary"):
        await edit(desk, "one", "two", "bin")


async def test_a_file_that_changed_since_it_was_read_is_left_alone(desk: Desk) -> None:
    path = desk.write("a.txt", "one two")
    await read(desk)
    path.write_text("one three")
    with pytest.raises(ToolError, match="changed since"):
        await edit(desk, "one", "1")
    await read(desk)
    await edit(desk, "one", "1")
    assert path.read_text() == "1 three"


@pytest.mark.parametrize(
    ("before", "old", "new", "after"),
    [
        ("a\r\nb\r\nc\r\n", "a\nb", "a\nx", "a\r\nx\r\nc\r\n"),
        ("a\r\nb\r\nc\r\n", "b", "b\nx", "a\r\nb\r\nx\r\nc\r\n"),
        ("a\r\nb\r\nc\r\n", "a\r\nb", "x\r\ny", "x\r\ny\r\nc\r\n"),
        ("a\r\nb\nc\n", "a\nb", "x\ny", "x\r\ny\nc\n"),
        ("a\r\nb\nc\n", "b\nc", "x\ny", "a\r\nx\ny\n"),
        ("\ufeffa\n", "a", "b", "\ufeffb\n"),
    ],
)
async def test_line_ends_and_mark_stay(
    desk: Desk, before: str, old: str, new: str, after: str
) -> None:
    path = desk.write("a.txt", before.encode())
    await edit(desk, old, new)
    assert path.read_bytes().decode() == after


async def test_bytes_that_are_no_text_stay_what_they_are(desk: Desk) -> None:
    path = desk.write("a.txt", b"caf\xe9 one\n\xff")
    await edit(desk, "one", "zwölf")
    assert path.read_bytes() == b"caf\xe9 zw\xc3\xb6lf\n\xff"
    path = desk.write("wide.txt", "größe one".encode("utf-16"))
    await edit(desk, "one", "two", "wide.txt")
    assert path.read_bytes().decode("utf-16") == "größe two"
    with pytest.raises(ToolError, match="half a character"):
        await edit(desk, "größe", "\ud800", "wide.txt")


async def test_a_preview_shows_the_difference_or_fails_unasked(desk: Desk) -> None:
    path = desk.write("a.txt", "one\ntwo\n")
    tool = EditFile(desk.places)
    shown = tool.preview({"path": "a.txt", "old": "two", "new": "2"}, desk.bench)
    assert shown.diff == "--- a/a.txt\n+++ b/a.txt\n@@ -1,2 +1,2 @@\n one\n-two\n+2\n"
    assert path.read_text() == "one\ntwo\n"
    with pytest.raises(ToolError, match="isn't in"):
        tool.preview({"path": "a.txt", "old": "three", "new": "3"}, desk.bench)


async def test_a_preview_tells_the_model_nothing_of_what_is_outside(desk: Desk) -> None:
    tool = EditFile(desk.places)
    guess = {"path": str(desk.secret), "old": "guess", "new": "x"}
    assert tool.preview(guess, desk.bench).diff == ""
    right = guess | {"old": SECRET}
    assert f"-{SECRET}" in tool.preview(right, desk.bench).diff
    with pytest.raises(ToolError, match="outside"):
        await desk.run(tool, right)
    await desk.run(tool, right, approved=[desk.secret])
    assert desk.secret.read_text() == "x"


async def test_a_hard_link_to_a_sensitive_file_is_not_edited_unasked(desk: Desk) -> None:
    env = desk.write(".env", "KEY=1")
    (desk.root / "a.txt").hardlink_to(env)
    with pytest.raises(ToolError, match="the same file"):
        await edit(desk, "KEY", "X")
    assert env.read_text() == "KEY=1"
