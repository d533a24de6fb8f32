"""Listing directories: in order, bounded, without leaving the directory."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from chatterm.permissions.verdicts import ReadAccess
from chatterm.tools.base import ToolError
from chatterm.tools.globbing import Glob
from chatterm.tools.list_files import ListFiles
from filetools import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


async def listed(desk: Desk, *, room: int = 30_000, **arguments: Any) -> list[str]:
    return (await desk.run(ListFiles(desk.places), arguments, room=room)).content.splitlines()


async def test_names_are_ordered_and_marked(desk: Desk) -> None:
    for name in ("b.txt", "B.txt", "a/deep/x.py", ".hidden", "ü.txt", os.fsdecode(b"\xff")):
        desk.write(name)
    os.mkfifo(desk.root / "pipe")
    (desk.root / "out").symlink_to(desk.outside)
    assert await listed(desk) == [
        ".hidden",
        "B.txt",
        "a/",
        "b.txt",
        f"out -> {desk.outside}",
        "pipe (a named pipe)",
        "ü.txt",
        '"\\udcff"',
    ]


async def test_depth_says_how_deep_and_links_are_not_entered(desk: Desk) -> None:
    desk.write("a/b/c.txt")
    desk.write("a.txt")
    (desk.root / "out").symlink_to(desk.outside)
    (desk.root / "a/loop").symlink_to("..")
    found = await listed(desk, depth=100)
    assert found == ["a/", "a/b/", "a/b/c.txt", "a/loop -> ..", "a.txt", f"out -> {desk.outside}"]
    assert await listed(desk, path="a", depth=1) == ["b/", "loop -> .."]


async def test_what_is_ignored_is_left_out_also_without_a_repository(desk: Desk) -> None:
    desk.write(".gitignore", "*.log\n/build/\n!keep.log\n")
    for name in ("a.log", "keep.log", "build/x", "sub/build/y", "sub/b.log"):
        desk.write(name)
    found = await listed(desk, depth=9)
    assert found == [
        *(".gitignore", "keep.log", "sub/", "sub/build/", "sub/build/y"),
        "[3 ignored by .gitignore]",
    ]
    assert await listed(desk, path="sub") == ["build/", "[1 ignored by .gitignore]"]


async def test_a_pipe_in_place_of_the_rules_keeps_nobody_waiting(desk: Desk) -> None:
    os.mkfifo(desk.root / ".gitignore")
    desk.write("a.txt")
    assert await listed(desk) == [".gitignore (a named pipe)", "a.txt"]


async def test_a_glob_finds_files_at_any_depth(desk: Desk) -> None:
    for name in ("a.py", "sub/b.py", "sub/c.txt", "sub/deep/d.py", ".github/e.py"):
        desk.write(name)
    found = await listed(desk, glob="*.py")
    assert found == [".github/e.py", "a.py", "sub/b.py", "sub/deep/d.py"]
    assert await listed(desk, glob="sub/*.{py,txt}") == ["sub/b.py", "sub/c.txt"]
    assert await listed(desk, glob="*.py", depth=1) == ["a.py"]
    assert await listed(desk, glob="*.rs") == ["[no file fits in " + str(desk.root) + "]"]


async def test_many_entries_are_counted_not_listed(desk: Desk) -> None:
    for number in range(1200):
        desk.write(f"{number:04}")
    found = await listed(desk)
    assert found[-2:] == [
        "0999",
        "[200 entries left out here; list a directory below, or give a glob]",
    ]
    found = await listed(desk, room=1000)
    assert len("\n".join(found).encode()) <= 1000


async def test_the_inside_of_git_and_of_sensitive_directories_stays_there(desk: Desk) -> None:
    desk.write(".git/config")
    desk.write(".ssh/id_rsa")
    assert await listed(desk, depth=5) == [".git/", ".ssh/"]


async def test_what_rules_close_is_left_out_and_said(desk: Desk) -> None:
    for name in ("a.txt", "private/b.txt", "src/d.key"):
        desk.write(name)
    result = await desk.run(
        ListFiles(desk.places), {"depth": 3}, closed=["private/**", "private", "*/*.key"]
    )
    assert result.content == "a.txt\nsrc/\n[closed by a rule and so not listed: 2]"


async def test_what_is_no_directory_and_what_is_outside_is_refused(desk: Desk) -> None:
    desk.write("a.txt")
    with pytest.raises(ToolError, match="no directory"):
        await listed(desk, path="a.txt")
    with pytest.raises(ToolError, match="there is no"):
        await listed(desk, path="b")
    with pytest.raises(ToolError, match="outside"):
        await listed(desk, path=str(desk.outside))
    tool = ListFiles(desk.places)
    result = await desk.run(tool, {"path": "../../outside"}, approved=[desk.outside])
    assert result.content == "secret.txt"
    assert tool.access({}, desk.bench) == (ReadAccess(desk.root, recursive=True),)


@pytest.mark.parametrize(
    ("glob", "fitting", "other"),
    [
        ("*.py", ["a.py", "x/y/a.py"], ["a.pyc", "a.py/b"]),
        ("x/*.py", ["x/a.py"], ["x/y/a.py", "z/x/a.py"]),
        ("**/x/*", ["x/a", "y/x/a"], ["x/y/a"]),
        ("x/**", ["x/a", "x/y/a"], ["x", "y"]),
        ("x/**/a", ["x/a", "x/y/z/a"], ["a", "x/ya"]),
        ("src/", ["src/a", "src/b/c"], ["src", "a/src/b"]),
        ("/a", ["a"], ["b/a"]),
        ("[ab]?.{c,d}", ["ax.c", "bx.d"], ["cx.c", "a.c", "ax.e"]),
        ("[!a-c]", ["d"], ["a", "b"]),
        ("!*.md", ["a.py"], ["a.md", "x/a.md"]),
        (r"\*", ["*"], ["a"]),
        ("[", ["["], ["a"]),
        ("a.b+", ["a.b+"], ["axb+", "a.bb"]),
    ],
)
def test_a_glob_fits_what_it_says(glob: str, fitting: list[str], other: list[str]) -> None:
    assert [name for name in fitting + other if Glob(glob).fits(name)] == fitting


def test_a_glob_cannot_take_long() -> None:
    glob = Glob("*a" * 30 + "b")
    assert not glob.fits("a" * 30)
    with pytest.raises(ToolError, match="braces"):
        Glob("{a,b}" * 20)
    with pytest.raises(ToolError, match="longer"):
        Glob("x" * 2000)
