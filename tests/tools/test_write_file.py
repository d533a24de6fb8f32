"""Writing whole files: nothing unread is lost, nothing is half written."""

from __future__ import annotations

import asyncio
import os
import stat
from pathlib import Path

import pytest

from chatterm.permissions.verdicts import WriteAccess
from chatterm.steps import FileEdit, Outcome
from chatterm.tools.base import ToolError, ToolResult
from chatterm.tools.read_file import ReadFile
from chatterm.tools.replacing import MOST_BYTES, digest_of
from chatterm.tools.write_file import WriteFile
from filetools import SECRET, Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


async def write(desk: Desk, path: str | Path, content: str, *approved: Path) -> ToolResult:
    tool = WriteFile(desk.places)
    return await desk.run(tool, {"path": str(path), "content": content}, approved=approved)


async def read(desk: Desk, path: str) -> None:
    await desk.run(ReadFile(desk.places), {"path": path})


def preview(desk: Desk, path: str | Path, content: str) -> str:
    return (
        WriteFile(desk.places).preview({"path": str(path), "content": content}, desk.bench)
    ).diff


async def test_a_file_is_created_with_the_directories_above_it(desk: Desk) -> None:
    result = await write(desk, "new/sub/a.txt", "text\n")
    path = desk.root / "new/sub/a.txt"
    assert path.read_text() == "text\n"
    assert result.edits == (FileEdit(str(path), None, digest_of(b"text\n")),)
    assert desk.bench.seen[path] == digest_of(b"text\n")
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~umask
    assert os.listdir(path.parent) == ["a.txt"]  # noqa: PTH208 - nothing else was left


async def test_a_file_that_was_never_read_is_not_replaced(desk: Desk) -> None:
    path = desk.write("a.txt", "old")
    with pytest.raises(ToolError, match="read it first"):
        await write(desk, "a.txt", "new")
    assert path.read_text() == "old"


async def test_what_a_file_held_is_kept_before_it_is_replaced(desk: Desk) -> None:
    path = desk.write("a.sh", "old")
    path.chmod(0o750)
    await read(desk, "a.sh")
    result = await write(desk, "a.sh", "new")
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o750
    assert result.edits == (FileEdit(str(path), digest_of(b"old"), digest_of(b"new")),)
    assert desk.kept == {digest_of(b"old"): b"old"}
    await write(desk, "a.sh", "newer")  # what it wrote itself it knows


async def test_a_file_that_changed_since_it_was_read_is_not_replaced(desk: Desk) -> None:
    path = desk.write("a.txt", "old")
    await read(desk, "a.txt")
    path.write_text("other")
    with pytest.raises(ToolError, match="changed since it was read"):
        await write(desk, "a.txt", "new")
    assert path.read_text() == "other"


async def test_a_change_while_it_is_written_is_noticed(desk: Desk) -> None:
    path = desk.write("a.txt", "old")
    await read(desk, "a.txt")
    keep = desk.keep

    def keep_and_interfere(data: bytes) -> str:
        path.write_text("somebody else's")
        return keep(data)

    desk.bench.keep = keep_and_interfere
    with pytest.raises(ToolError, match="changed while"):
        await write(desk, "a.txt", "new")
    assert path.read_text() == "somebody else's"
    assert os.listdir(desk.root) == ["a.txt"]  # noqa: PTH208


async def test_a_directory_swapped_for_a_link_meanwhile_is_not_followed(desk: Desk) -> None:
    path = desk.write("d/secret.txt", SECRET)
    await read(desk, "d/secret.txt")
    keep = desk.keep

    def keep_and_interfere(data: bytes) -> str:
        path.parent.rename(desk.root / "aside")
        path.parent.symlink_to(desk.outside)
        return keep(data)

    desk.bench.keep = keep_and_interfere
    with pytest.raises(ToolError):
        await write(desk, "d/secret.txt", "new")
    assert desk.secret.read_text() == SECRET
    assert os.listdir(desk.outside) == ["secret.txt"]  # noqa: PTH208


async def test_when_it_cannot_be_kept_it_is_not_written(desk: Desk) -> None:
    path = desk.write("a.txt", "old")
    await read(desk, "a.txt")

    def fail(data: bytes) -> str:
        raise ToolError("the disk is full")

    desk.bench.keep = fail
    with pytest.raises(ToolError, match="full"):
        await write(desk, "a.txt", "new")
    assert path.read_text() == "old"


async def test_line_ends_mark_and_encoding_stay(desk: Desk) -> None:
    path = desk.write("a.txt", "\ufeffa\r\nb\r\n".encode())
    await read(desk, "a.txt")
    result = await write(desk, "a.txt", "c\nd")
    assert path.read_bytes() == "\ufeffc\r\nd".encode()
    assert "CR LF" in result.content
    path = desk.write("wide.txt", "a\n".encode("utf-16"))
    await read(desk, "wide.txt")
    await write(desk, "wide.txt", "ß")
    assert path.read_bytes().decode("utf-16") == "ß"


async def test_nothing_to_do_is_told(desk: Desk) -> None:
    desk.write("a.txt", "same")
    await read(desk, "a.txt")
    with pytest.raises(ToolError, match="holds just that"):
        await write(desk, "a.txt", "same")
    with pytest.raises(ToolError, match="half a character"):
        await write(desk, "b.txt", "\ud800")
    with pytest.raises(ToolError, match="larger than"):
        await write(desk, "b.txt", "x" * (MOST_BYTES + 1))


async def test_a_link_stands_for_its_file_and_stays(desk: Desk) -> None:
    path = desk.write("sub/a.txt", "old")
    (desk.root / "link").symlink_to("sub/a.txt")
    await read(desk, "link")
    await write(desk, "link", "new")
    assert (desk.root / "link").is_symlink()
    assert path.read_text() == "new"


@pytest.mark.parametrize("written", ["link", "up/secret.txt", "../../outside/secret.txt"])
async def test_outside_is_not_written_unasked(desk: Desk, written: str) -> None:
    (desk.root / "link").symlink_to(desk.secret)
    (desk.root / "up").symlink_to(desk.outside)
    for path in (written, "up/new.txt"):
        with pytest.raises(ToolError, match="outside the workspace") as error:
            await write(desk, path, "x")
        assert error.value.outcome is Outcome.DENIED
    assert desk.secret.read_text() == SECRET
    await read_approved(desk, written)
    await write(desk, written, "x", desk.secret)
    assert desk.secret.read_text() == "x"


async def read_approved(desk: Desk, path: str) -> None:
    await desk.run(ReadFile(desk.places), {"path": path}, approved=[desk.secret])


@pytest.mark.parametrize("name", [".git/hooks/pre-commit", ".vscode/tasks.json", ".env"])
async def test_protected_and_sensitive_files_need_a_yes(desk: Desk, name: str) -> None:
    path = desk.root / name
    with pytest.raises(ToolError, match="unasked") as error:
        await write(desk, name, "x")
    assert error.value.outcome is Outcome.DENIED
    assert not path.parent.exists() or path.parent == desk.root
    await write(desk, name, "x", path)
    assert path.read_text() == "x"


async def test_only_regular_files_are_replaced(desk: Desk) -> None:
    os.mkfifo(desk.root / "pipe")
    (desk.root / "dir").mkdir()
    desk.write("file")
    for name, kind in {"pipe": "named pipe", "dir": "directory", "file/x": "directory"}.items():
        with pytest.raises(ToolError, match=kind):
            await write(desk, name, "x")
    with pytest.raises(ToolError, match="no ordinary files"):
        await write(desk, "/proc/self/comm", "x", Path("/proc/self/comm"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everything")
async def test_a_read_only_file_stays(desk: Desk) -> None:
    path = desk.write("a.txt", "old")
    path.chmod(0o444)
    await read(desk, "a.txt")
    with pytest.raises(ToolError, match="read-only"):
        await write(desk, "a.txt", "new")


async def test_a_cancelled_call_changes_nothing_after_it_ended(desk: Desk) -> None:
    path = desk.write("a.txt", "old")
    await read(desk, "a.txt")
    loop, begun = asyncio.get_running_loop(), asyncio.Event()
    keep = desk.keep

    def slow(data: bytes) -> str:
        loop.call_soon_threadsafe(begun.set)
        asyncio.run_coroutine_threadsafe(cancelled.wait(), loop).result(20)
        return keep(data)

    cancelled = asyncio.Event()
    desk.bench.keep = slow
    task = asyncio.create_task(write(desk, "a.txt", "new"))
    await begun.wait()
    task.cancel()
    for _ in range(5):
        await asyncio.sleep(0)  # the task takes note of it
    cancelled.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert path.read_text() == "old"


async def test_a_preview_shows_the_difference_and_changes_nothing(desk: Desk) -> None:
    path = desk.write("a.txt", "".join(f"{n}\n" for n in range(1, 101)))
    assert "+++ b/new.txt\n@@ -0,0 +1,2 @@\n+x\n+y\n\\ No newline" in preview(
        desk, "new.txt", "x\ny"
    )
    assert not (desk.root / "new.txt").exists()
    with pytest.raises(ToolError, match="read it first"):
        preview(desk, "a.txt", "x")
    await read(desk, "a.txt")
    text = path.read_text()
    assert preview(desk, "a.txt", text.replace("50\n", "fifty\n")) == (
        "--- a/a.txt\n+++ b/a.txt\n@@ -47,7 +47,7 @@\n 47\n 48\n 49\n-50\n+fifty\n 51\n 52\n 53\n"
    )
    assert path.read_text() == text
    assert "would be created, empty" in preview(desk, "empty.txt", "")


async def test_a_preview_of_what_is_outside_is_for_the_user_only(desk: Desk) -> None:
    assert preview(desk, desk.secret, "x") == ""  # never read: nothing is said of it
    assert "+x" in preview(desk, desk.outside / "new.txt", "x")


def test_a_call_says_what_it_would_touch(desk: Desk) -> None:
    tool = WriteFile(desk.places)
    arguments = {"path": "a/../b.txt", "content": "x\ny\n"}
    assert tool.access(arguments, desk.bench) == (WriteAccess(desk.root / "b.txt"),)
    assert tool.summary(arguments) == "write a/../b.txt (2 lines)"
