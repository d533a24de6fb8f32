"""Taking edits back: exactly what they did, and only while it is still so."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from chatterm.steps import FileEdit
from chatterm.tools.edit_file import EditFile
from chatterm.tools.undoing import UndoError, plan, undo
from chatterm.tools.write_file import WriteFile
from filetools import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


async def edit(desk: Desk, path: str, old: str, new: str) -> tuple[FileEdit, ...]:
    arguments = {"path": path, "old": old, "new": new}
    return (await desk.run(EditFile(desk.places), arguments)).edits


async def create(desk: Desk, path: str, content: str) -> tuple[FileEdit, ...]:
    arguments = {"path": path, "content": content}
    return (await desk.run(WriteFile(desk.places), arguments)).edits


def take_back(desk: Desk, edits: tuple[FileEdit, ...]) -> tuple[Path, ...]:
    return undo(plan(edits, desk.kept.get, desk.places), desk.places, desk.bench.seen)


async def test_edits_are_taken_back_with_content_and_mode(desk: Desk) -> None:
    path = desk.write("a.txt", b"caf\xe9 one\r\n")
    path.chmod(0o750)
    edits = await edit(desk, "a.txt", "one", "two")
    edits += await edit(desk, "a.txt", "two", "three")
    edits += await create(desk, "b.txt", "new")
    assert take_back(desk, edits) == (path, desk.root / "b.txt")
    assert path.read_bytes() == b"caf\xe9 one\r\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o750
    assert not (desk.root / "b.txt").exists()
    assert list(desk.bench.seen) == [path]
    await edit(desk, "a.txt", "one", "four")  # what was put back is known


async def test_one_step_is_taken_back_alone(desk: Desk) -> None:
    path = desk.write("a.txt", "one")
    await edit(desk, "a.txt", "one", "two")
    second = await edit(desk, "a.txt", "two", "three")
    take_back(desk, second)
    assert path.read_text() == "two"


async def test_one_file_that_changed_keeps_all_as_they_are(desk: Desk) -> None:
    first, second = desk.write("a.txt", "a"), desk.write("b.txt", "b")
    edits = await edit(desk, "a.txt", "a", "1") + await edit(desk, "b.txt", "b", "2")
    second.write_text("mine")
    with pytest.raises(UndoError, match=r"nothing was undone: .*b\.txt has changed since"):
        take_back(desk, edits)
    assert (first.read_text(), second.read_text()) == ("1", "mine")


async def test_a_change_after_the_plan_is_noticed(desk: Desk) -> None:
    first, second = desk.write("a.txt", "a"), desk.write("b.txt", "b")
    edits = await edit(desk, "a.txt", "a", "1") + await edit(desk, "b.txt", "b", "2")
    steps = plan(edits, desk.kept.get, desk.places)
    second.write_text("mine")
    with pytest.raises(UndoError, match="has changed since"):
        undo(steps, desk.places)
    assert first.read_text() == "1"


async def test_a_change_between_the_edits_is_noticed(desk: Desk) -> None:
    path = desk.write("a.txt", "one")
    edits = await edit(desk, "a.txt", "one", "two")
    path.write_text("two, and mine")
    desk.bench.seen.clear()
    edits += await edit(desk, "a.txt", "two", "three")
    with pytest.raises(UndoError, match="between the edits"):
        take_back(desk, edits)


async def test_what_is_gone_or_not_kept_is_told(desk: Desk) -> None:
    path = desk.write("a.txt", "one")
    edits = await edit(desk, "a.txt", "one", "two")
    desk.kept.clear()
    with pytest.raises(UndoError, match="isn't kept"):
        take_back(desk, edits)
    created = await create(desk, "b.txt", "new")
    (desk.root / "b.txt").unlink()
    with pytest.raises(UndoError, match="is gone"):
        take_back(desk, created)
    assert path.read_text() == "two"


async def test_a_link_in_the_way_is_not_followed(desk: Desk) -> None:
    desk.write("sub/a.txt", "one")
    edits = await edit(desk, "sub/a.txt", "one", "two")
    (desk.root / "sub").rename(desk.root / "moved")
    (desk.root / "sub").symlink_to(desk.outside)
    (desk.outside / "a.txt").write_text("two")
    with pytest.raises(UndoError, match="through a link"):
        take_back(desk, edits)
    assert (desk.outside / "a.txt").read_text() == "two"
