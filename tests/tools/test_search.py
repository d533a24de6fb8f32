"""Searching: the same with ripgrep and without, and never what may not be read."""

from __future__ import annotations

import asyncio
import os
import shutil
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from chatterm.permissions.places import Places
from chatterm.permissions.verdicts import ReadAccess
from chatterm.steps import Outcome
from chatterm.tools import finders
from chatterm.tools.base import ToolError, ToolResult
from chatterm.tools.opening import Opened, open_directory
from chatterm.tools.patterns import for_python
from chatterm.tools.search import MOST_BYTES, Search
from filetools import SECRET, Desk

needs_ripgrep = pytest.mark.skipif(shutil.which("rg") is None, reason="ripgrep isn't installed")


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.fixture(params=[pytest.param("ripgrep", marks=needs_ripgrep), "ourselves"])
def tool(request: pytest.FixtureRequest, desk: Desk) -> Search:
    return Search(desk.places, use_ripgrep=request.param == "ripgrep")


async def search(desk: Desk, tool: Search, pattern: str, **arguments: Any) -> str:
    return (await desk.run(tool, {"pattern": pattern, **arguments})).content


def fill(desk: Desk) -> None:
    """A tree with one of everything."""
    files: dict[str, str | bytes] = {
        "a.txt": "needle one\nnothing\nNeedle two\n",
        "a/b.py": "x = 1\n# needle\n\ny = 2\n",
        "a.b/c.py": "needle",
        "A/upper.py": "a needle here\n" * 3,
        "crlf.txt": b"first\r\nneedle\r\nlast needle\r\n",
        "bom.txt": "\ufeffneedle after the mark\n".encode(),
        "wide.txt": "größe\nneedle\n".encode("utf-16"),
        "latin.txt": b"caf\xe9 needle\n",
        "late-zero.bin": b"needle\n" * 20_000 + b"\0",
        "zero.bin": b"needle\0",
        "-": "needle in a file named like an option\n",
        "-e": "needle\n",
        "with space.txt": "needle\n",
        'quote".txt': "needle\n",
        "new\nline.txt": "needle\n",
        os.fsdecode(b"caf\xe9.txt"): "needle\n",
        ".hidden/x": "needle\n",
        ".hidden.txt": "needle\n",
        ".env": "needle=secret\n",
        "server.pem": "needle\n",
        "sub/.ssh/key": "needle\n",
        "sub/id_rsa": "needle\n",
        ".gitignore": "*.log\n/build/\n!keep.log\n",
        "a.log": "needle\n",
        "keep.log": "needle\n",
        "build/x": "needle\n",
        "sub/build/x": "needle\n",
        "sub/.gitignore": "!*.log\n*.tmp\n",
        "sub/b.log": "needle\n",
        "sub/c.tmp": "needle\n",
        ".ignore": "a.txt\n",
        "long.txt": "x" * 5000 + "needle\n",
        "empty": "",
        "blank.txt": "\n\n\n",
        "unicode.txt": "ÄÖ nädle Straße ΣΑΣ\n",
        "digits.txt": "tel. 030-1234 (x) [y] {z} $5 a.b+c\n",
    }
    for name, content in files.items():
        desk.write(name, content)
    (desk.root / "link.txt").symlink_to("a.txt")
    (desk.root / "outside").symlink_to(desk.outside)
    (desk.root / "loop").symlink_to(".")
    os.mkfifo(desk.root / "pipe")
    with (desk.root / "huge").open("wb") as file:
        file.truncate(10 * 1024**3)
    (desk.outside / "needle.txt").write_text("needle outside\n")
    (desk.root / "innocent.txt").hardlink_to(desk.root / ".env")
    (desk.root / "deep").mkdir(exist_ok=True)
    (desk.root / "deep" / ".env").write_text("needle of a secret\n")
    (desk.root / "nested.txt").hardlink_to(desk.root / "deep" / ".env")
    (desk.root / "twin.txt").hardlink_to(desk.root / "a.txt")


@needs_ripgrep
@pytest.mark.parametrize("repository", [True, False])
@pytest.mark.parametrize(
    "arguments",
    [
        {"pattern": "needle"},
        {"pattern": "needle", "ignore_case": True},
        {"pattern": "NEEDLE|größe", "ignore_case": True, "context": 2},
        {"pattern": "needle", "context": 1, "max_results": 7},
        {"pattern": "needle", "max_results": 1},
        {"pattern": "needle", "glob": "*.py"},
        {"pattern": "needle", "glob": "!*.txt"},
        {"pattern": "needle", "glob": "{a,sub}/**"},
        {"pattern": "needle", "glob": ".hidden*"},
        {"pattern": "needle", "path": "a"},
        {"pattern": "needle", "path": "build"},
        {"pattern": "needle", "path": "a.log"},
        {"pattern": "needle", "path": ".hidden"},
        {"pattern": "needle", "path": "link.txt"},
        {"pattern": "^needle"},
        {"pattern": "needle$"},
        {"pattern": "^$"},
        {"pattern": "x*", "max_results": 1000},
        {"pattern": "(?i)NEEDLE (?P<word>one|two)"},
        {"pattern": "(?P<n>needle) (?:one)"},
        {"pattern": r"\bneedle\b.\w+"},
        {"pattern": r"\d{3}-\d+ \(x\) \[y\] \{z\} \$5 a\.b\+c"},
        {"pattern": r"[]y]|[^\x00-\x7f]{2}"},
        {"pattern": "straße|σας|ä", "ignore_case": True},
        {"pattern": "nothing of the kind"},
        {"pattern": "--pre=x"},
        {"pattern": "= 1"},
        {"pattern": "-"},
    ],
    ids=str,
)
async def test_ripgrep_and_its_stand_in_find_the_same(
    desk: Desk, arguments: dict[str, Any], repository: bool
) -> None:
    fill(desk)
    if repository:
        desk.write(".git/HEAD")
    found, stand_in = [
        await desk.run(Search(desk.places, use_ripgrep=use), arguments) for use in (True, False)
    ]
    assert found.content == stand_in.content
    assert found.truncated == stand_in.truncated


async def test_lines_are_shown_by_file_in_order(desk: Desk, tool: Search) -> None:
    fill(desk)
    found = await search(desk, tool, "needle", path="a", glob="*.py")
    assert found == "a/b.py\n2:# needle"
    found = await search(desk, tool, "needle", glob="{a,A,a.b}/*.py")
    assert found.startswith(
        "A/upper.py\n1:a needle here\n2:a needle here\n3:a needle here\n\n"
        "a/b.py\n2:# needle\n\na.b/c.py\n1:needle\n\n[sensitive"
    )


@needs_ripgrep
@pytest.mark.parametrize("pattern", ["a\0b", "\ud800"], ids=ascii)
async def test_what_no_program_can_be_asked_for_fails_the_call(desk: Desk, pattern: str) -> None:
    desk.write("a.txt", "a\n")
    with pytest.raises(ToolError, match="can't be looked for"):
        await search(desk, Search(desk.places), pattern)


async def test_what_may_not_be_read_is_never_found(desk: Desk, tool: Search) -> None:
    fill(desk)
    found = await search(desk, tool, "needle|KEY|secret", max_results=1000)
    for absent in (
        ".env",
        "innocent",
        "nested",
        "pem",
        "ssh",
        "id_rsa",
        "outside",
        "bin",
        "hidden",
        "build/",
    ):
        assert absent not in found.replace("sub/build/x", "")
    assert "sensitive and so not searched: 4" in found
    assert "larger than 10 MB and so not searched: 1" in found
    assert "keep.log" in found
    assert "sub/b.log" in found
    assert "sub/c.tmp" not in found


async def test_context_is_marked_and_gaps_are_shown(desk: Desk, tool: Search) -> None:
    desk.write("a.txt", "\n".join(str(number) for number in range(1, 21)))
    found = await search(desk, tool, "^(3|5|12)$", context=1)
    assert found == "a.txt\n2-2\n3:3\n4-4\n5:5\n6-6\n--\n11-11\n12:12\n13-13"


async def test_what_is_left_out_is_said(desk: Desk, tool: Search) -> None:
    desk.write("a.txt", "needle\n" * 101)
    desk.write("b.txt", "x" * 5000 + "\n")
    result = await desk.run(tool, {"pattern": "needle"})
    assert result.content.endswith(
        "100:needle\n\n[more than 100 lines match, the rest is left out; narrow the search]"
    )
    assert result.truncated
    result = await desk.run(tool, {"pattern": "needle"}, room=500)
    assert "no room for the rest" in result.content
    assert len(result.content.encode()) <= 500
    result = await desk.run(tool, {"pattern": "needle", "max_results": 101})
    assert not result.truncated
    assert (await search(desk, tool, "xxx")).endswith("x…")


async def test_a_wrong_pattern_is_quoted(desk: Desk, tool: Search) -> None:
    for pattern in ("(", "[a", "*a", "a{2,1}", "(?P<1>a)", r"\8", "(?=a)", "{"):
        with pytest.raises(ToolError, match="pattern: "):
            await search(desk, tool, pattern)


async def test_a_single_file_is_searched_when_it_may_be_read(desk: Desk, tool: Search) -> None:
    fill(desk)
    assert await search(desk, tool, "needle", path="a.log") == "a.log\n1:needle"
    for path, words in {
        ".env": "sensitive",
        "innocent.txt": "the same file",
        "pipe": "named pipe",
        "zero.bin": "binary",
        "huge": "larger than",
        "outside/needle.txt": "outside the workspace",
        "missing": "there is no",
        "x" * 300: "too long",
    }.items():
        with pytest.raises(ToolError, match=words):
            await search(desk, tool, "needle", path=path)
    arguments = {"pattern": "needle", "path": ".env"}
    result = await desk.run(tool, arguments, approved=[desk.root / ".env"])
    assert "1:needle=secret" in result.content


async def test_what_rules_close_is_left_out_and_said(desk: Desk, tool: Search) -> None:
    for name in ("a.txt", "private/b.txt", "src/private/c.txt", "src/d.txt", "src/e.txt"):
        desk.write(name, "needle\n")
    closed = ["private", "**/d.txt", f"{desk.root}/src/e.txt"]
    found = (await desk.run(tool, {"pattern": "needle"}, closed=closed)).content
    assert found == (
        "a.txt\n1:needle\n\nsrc/private/c.txt\n1:needle\n\n"
        "[closed by a rule and so not searched: 3]"
    )
    for path in ("private/b.txt", "src/d.txt"):
        with pytest.raises(ToolError, match="a rule denies"):
            await desk.run(tool, {"pattern": "needle", "path": path}, closed=closed)


async def test_an_allowed_directory_outside_is_searched(desk: Desk, tool: Search) -> None:
    with pytest.raises(ToolError, match="outside the workspace"):
        await search(desk, tool, "secret", path="../../outside")
    desk.outside.joinpath(".env").write_text("secret")
    arguments = {"pattern": "secret", "path": "../../outside"}
    result = await desk.run(tool, arguments, approved=[desk.outside])
    assert f"{desk.secret}\n1:{SECRET}" in result.content
    assert ".env" not in result.content


async def test_a_racing_link_never_lets_the_secret_out(desk: Desk, tool: Search) -> None:
    path = desk.write("a.txt", "the harmless one")
    directory = desk.root / "d"
    directory.mkdir()
    (directory / "secret.txt").write_text("the harmless one")
    desk.write("z.txt", "the harmless one")
    stop = threading.Event()

    def swap() -> None:
        file, link, aside = (desk.root / name for name in (".file", ".link", ".aside"))
        while not stop.is_set():
            link.symlink_to(desk.secret)
            link.replace(path)
            directory.rename(aside)
            directory.symlink_to(desk.outside)
            file.write_text("the harmless one")
            file.replace(path)
            directory.unlink()
            aside.rename(directory)

    swapping = threading.Thread(target=swap)
    swapping.start()
    try:
        found = [await search(desk, tool, "the [sh]") for _ in range(50)]
    finally:
        stop.set()
        swapping.join()
    assert all("z.txt\n1:the harmless one" in each for each in found)
    assert not any("outside" in each for each in found)


async def test_a_pattern_that_takes_for_ever_is_stopped(desk: Desk) -> None:
    desk.write("a.txt", "first aa\n")
    desk.write("b.txt", "a" * 100 + "!\n")
    tool = Search(desk.places, use_ripgrep=False)
    result = await desk.run(tool, {"pattern": "(a|a|aa)+$"}, timeout_s=1)
    assert result.outcome is Outcome.TIMED_OUT
    assert "time limit" in result.content


async def test_a_cancelled_search_leaves_no_process(desk: Desk, tool: Search) -> None:
    desk.write("a.txt", "needle")
    before = children()
    task = asyncio.create_task(desk.run(tool, {"pattern": "needle"}))
    while not children() - before and not task.done():  # noqa: ASYNC110 - nobody tells of it
        await asyncio.sleep(0)
    task.cancel()
    with suppress(asyncio.CancelledError):  # or it was quicker
        await task
    assert children() <= before


def children() -> set[str]:
    found = Path(f"/proc/self/task/{os.getpid()}/children")
    if not found.exists():
        pytest.skip("this system doesn't list the children of a process")
    return set(found.read_text().split())


async def test_a_directory_that_opens_late_is_closed_when_the_search_is_cancelled(
    desk: Desk, tool: Search, monkeypatch: pytest.MonkeyPatch
) -> None:
    opening, go_on = threading.Event(), threading.Event()
    opened: list[Opened] = []

    def late(*arguments: Any) -> Opened:
        opening.set()
        go_on.wait(10)
        opened.append(open_directory(*arguments))
        return opened[0]

    monkeypatch.setattr("chatterm.tools.search.open_directory", late)
    task = asyncio.create_task(desk.run(tool, {"pattern": "needle"}))
    await asyncio.to_thread(opening.wait, 10)
    task.cancel()
    await asyncio.sleep(0.01)
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    while not opened:  # noqa: ASYNC110 - nobody tells of it
        await asyncio.sleep(0.01)
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(opened[0].descriptor)


async def test_stop_ends_between_files(desk: Desk, tool: Search) -> None:
    desk.write("a.txt", "needle")
    stop = asyncio.Event()
    stop.set()
    result: ToolResult = await desk.run(tool, {"pattern": "needle"}, cancelled=stop)
    assert result.outcome is Outcome.CANCELLED


async def test_ripgrep_reads_no_configuration(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.write("a.txt", "needle")
    desk.write("rc", "--pre=touch\n--hidden\n")
    monkeypatch.setenv("RIPGREP_CONFIG_PATH", str(desk.root / "rc"))
    assert await search(desk, Search(desk.places), "needle") == "a.txt\n1:needle"


def test_a_ripgrep_of_the_workspace_is_not_run(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    program = desk.write("bin/rg", "#!/bin/sh\ntouch ran\n")
    program.chmod(0o755)
    for path in (f"{desk.root}/bin", "bin", ""):
        monkeypatch.setenv("PATH", path)
        monkeypatch.chdir(desk.root)
        assert finders.ripgrep(desk.root) is None


@pytest.mark.parametrize(
    "pattern",
    [
        *(r"\p{L}", r"\PN", r"\x{41}", r"\u{41}", r"\A", r"\z", r"\1", r"\n", "\n", r"\h", "\\"),
        *("(?=a)", "(?!a)", "(?<=a)", "(?<!a)", "(?P=a)", "(?>a)", "(?(1)a)", "(?#a)", "a(?i)b"),
        *("(?U)a", "(?x)a", "a++", "a*+", "a{2}+", "a**", "{", "a{,2}", "[[:alpha:]]", "[a&&b]"),
        *("[a--b]", "[a~~b]", r"[\b]", r"\B", r"\<"),
    ],
)
def test_the_stand_in_refuses_what_the_two_do_not_share(pattern: str) -> None:
    with pytest.raises(ToolError, match="pattern: "):
        for_python(pattern)


@pytest.mark.parametrize("pattern", ["a(b|c)*?d{2,3}", "(?:a)", "(?i:a)b", "(?s).", r"[a-z\d\]]"])
def test_what_they_share_stays_as_it_is(pattern: str) -> None:
    assert for_python(pattern) == pattern


def test_a_named_group_may_be_written_in_both_ways() -> None:
    assert for_python("(?<n>a)") == "(?P<n>a)"


def test_a_call_says_what_it_would_touch(desk: Desk) -> None:
    tool = Search(Places.of(desk.root, desk.home))
    assert tool.access({"pattern": "x"}, desk.bench) == (ReadAccess(desk.root, recursive=True),)
    assert tool.summary({"pattern": "a b", "path": "src", "glob": "*.py"}) == (
        "search a b in *.py in src"
    )
    assert tool.summary({"pattern": "x"}) == "search x in ."
    assert MOST_BYTES == 10 * 1024 * 1024
