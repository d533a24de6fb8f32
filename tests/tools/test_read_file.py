"""Reading files: lines with numbers, what is left out, what isn't text."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from chatterm.permissions.verdicts import ReadAccess
from chatterm.tools.arguments import check_arguments
from chatterm.tools.base import ToolError, ToolResult
from chatterm.tools.read_file import WHOLE_BYTES, ReadFile
from filetools import SECRET, Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


async def read(desk: Desk, path: str | Path, room: int = 30_000, **arguments: int) -> ToolResult:
    tool = ReadFile(desk.places)
    given = {"path": str(path), **arguments}
    assert check_arguments(tool, given) == ""
    return await desk.run(tool, given, room=room)


async def test_lines_come_with_their_numbers(desk: Desk) -> None:
    desk.write("a.txt", "one\n\n\tthree\n")
    result = await read(desk, "a.txt")
    assert result.content == "     1\tone\n     2\t\n     3\t\tthree"
    assert not result.truncated


async def test_what_was_read_is_remembered(desk: Desk) -> None:
    path = desk.write("a.txt", "one\n")
    (desk.root / "link").symlink_to("a.txt")
    await read(desk, "link")
    assert desk.bench.seen == {path: hashlib.sha256(b"one\n").hexdigest()}


async def test_a_part_says_how_to_go_on(desk: Desk) -> None:
    desk.write("a.txt", "".join(f"l{n}\n" for n in range(1, 5001)))
    result = await read(desk, "a.txt")
    assert "  2000\tl2000\n" in result.content
    assert result.content.endswith("[lines 1 to 2,000 of 5,000; go on with offset 2001]")
    assert result.truncated
    result = await read(desk, "a.txt", offset=4999, limit=5)
    assert result.content.splitlines()[0] == "  4999\tl4999"
    assert result.content.endswith("[lines 4,999 to 5,000 of 5,000]")
    with pytest.raises(ToolError, match="has only 5,000 lines"):
        await read(desk, "a.txt", offset=5001)


@pytest.mark.parametrize("room", [256, 1000, 30_000])
async def test_output_keeps_within_its_room_and_always_goes_on(desk: Desk, room: int) -> None:
    desk.write("a.txt", "€" * 90_000 + "\n" + "short\n" * 9000)
    first = await read(desk, "a.txt", room)
    assert len(first.content.encode()) <= room + 100
    assert "offset 2" in first.content or "     2\tshort" in first.content
    assert "1 long lines are cut" in first.content
    assert len((await read(desk, "a.txt", room, offset=2)).content.encode()) <= room


async def test_a_large_file_is_read_in_parts_and_not_remembered(desk: Desk) -> None:
    line = b"x" * 99 + b"\n"
    path = desk.write("large.log", line * (WHOLE_BYTES // 100 + 5000) + b"the end")
    result = await read(desk, path, offset=WHOLE_BYTES // 100 + 4990)
    assert result.content.splitlines()[-2].endswith("the end")
    result = await read(desk, path, limit=3)
    assert "go on with offset 4" in result.content
    assert desk.bench.seen == {}
    with pytest.raises(ToolError, match="has no line"):
        await read(desk, path, offset=10**6)


async def test_a_sparse_file_of_ten_gigabytes_is_no_harm(desk: Desk) -> None:
    path = desk.root / "sparse"
    with path.open("wb") as file:
        file.truncate(10 * 1024**3)
    with pytest.raises(ToolError, match="binary"):
        await read(desk, path)


async def test_text_that_is_not_utf_8_comes_with_a_note(desk: Desk) -> None:
    name = os.fsdecode(b"caf\xe9.txt")
    desk.write(name, b"caf\xe9\n")
    result = await read(desk, name)
    assert result.content.startswith("     1\tcaf\ufffd\n[the file isn't valid UTF-8")
    desk.write("wide.txt", "größe\n".encode("utf-16"))
    result = await read(desk, "wide.txt")
    assert result.content == "     1\tgröße\n[the file is encoded in UTF-16-LE]"
    desk.write("bom.txt", "\ufeffa\r\nb".encode())
    result = await read(desk, "bom.txt")
    assert result.content.startswith("     1\ta\n     2\tb\n[its lines end with CR LF")
    assert "no newline at its end" in result.content


async def test_an_image_is_attached(desk: Desk) -> None:
    data = b"\x89PNG\r\n\x1a\n" + bytes(100)
    desk.write("picture", data)
    result = await read(desk, "picture")
    (image,) = result.attachments
    assert (image.name, image.media_type, image.data) == ("picture", "image/png", data)
    assert image.sha256 == hashlib.sha256(data).hexdigest()
    desk.write("huge", data + bytes(5 * 1024 * 1024))
    with pytest.raises(ToolError, match="smaller"):
        await read(desk, "huge")


async def test_what_is_neither_text_nor_image_is_told_so(desk: Desk) -> None:
    desk.write("a.pdf", b"%PDF-1.7\n\0")
    desk.write("a.bin", b"\x7fELF\0\0")
    with pytest.raises(ToolError, match="PDF"):
        await read(desk, "a.pdf")
    with pytest.raises(ToolError, match="binary"):
        await read(desk, "a.bin")
    desk.write("empty")
    assert "empty" in (await read(desk, "empty")).content
    with pytest.raises(ToolError, match="directory, not a file"):
        await read(desk, ".")


async def test_outside_needs_a_yes(desk: Desk) -> None:
    tool = ReadFile(desk.places)
    for path in ("../../outside/secret.txt", str(desk.secret), "~/../outside/secret.txt"):
        assert tool.access({"path": path}, desk.bench) == (ReadAccess(desk.secret),)
        with pytest.raises(ToolError, match="outside"):
            await read(desk, path)
    result = await desk.run(tool, {"path": str(desk.secret)}, approved=[desk.secret])
    assert SECRET in result.content


async def test_paths_are_relative_to_the_working_directory(desk: Desk) -> None:
    desk.write("sub/a.txt", "a")
    desk.bench.directory = desk.root / "sub"
    assert "\ta\n" in (await read(desk, "a.txt")).content
    assert "\ta\n" in (await read(desk, "~/work/sub/a.txt")).content


@pytest.mark.parametrize("path", ["", "a\0b", "\ud800"])
def test_what_is_no_path_fails_unasked(desk: Desk, path: str) -> None:
    with pytest.raises(ToolError, match="the path"):
        ReadFile(desk.places).access({"path": path}, desk.bench)


def test_a_summary_is_one_line(desk: Desk) -> None:
    tool = ReadFile(desk.places)
    assert tool.summary({"path": "a\nb", "offset": 3, "limit": 4}) == (
        'read "a\\nb" from line 3, 4 lines'
    )
    assert tool.summary({}) == "read ."
