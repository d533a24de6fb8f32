"""The shell tool: a line, its output, where it ended; whatever the line does."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cages import Bench
from chatterm.permissions.sandbox.levels import Level
from chatterm.permissions.verdicts import ShellAccess
from chatterm.steps import Outcome
from chatterm.tools.arguments import check_arguments
from chatterm.tools.base import ToolError
from chatterm.tools.capture import plain


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path, Level.NONE)
    yield made
    made.shell.close()


async def test_output_and_exit_status_come_back(bench: Bench) -> None:
    result = await bench.run("echo out; echo err >&2; exit 3")
    assert (result.outcome, result.exit_code) == (Outcome.FAILED, 3)
    first, *rest = result.content.splitlines()
    assert first.startswith("exit status 3, ")
    assert rest == ["", "out", "err"]
    assert (await bench.run("true")).content.endswith("(no output)")


async def test_a_signal_is_named(bench: Bench) -> None:
    result = await bench.run("kill -SEGV $$")
    assert result.content.startswith("killed by SIGSEGV")
    assert result.exit_code is None


@pytest.mark.parametrize(
    "line", ["cd sub", "cd sub; exit 1", "cd sub && exec true", "cd sub; false", "pushd sub"]
)
async def test_where_a_line_ended_the_next_begins(bench: Bench, line: str) -> None:
    (bench.root / "sub").mkdir()
    result = await bench.run(line)
    assert f"now in {bench.root / 'sub'}" in result.content
    assert str(bench.root / "sub") in (await bench.run("pwd")).content


async def test_it_never_stays_outside_the_workspace(bench: Bench) -> None:
    result = await bench.run(f"cd {bench.outside}")
    assert "outside the workspace" in result.content
    assert bench.bench.directory == bench.root


async def test_a_directory_for_one_call_is_left_again(bench: Bench) -> None:
    (bench.root / "sub").mkdir()
    assert str(bench.root / "sub") in (await bench.run("pwd", {"workdir": "sub"})).content
    assert bench.bench.directory == bench.root
    with pytest.raises(ToolError, match="there is no directory"):
        await bench.run("pwd", {"workdir": "nowhere"})


@pytest.mark.parametrize(
    "arguments",
    [
        {"workdir": "a\0b"},
        {"workdir": "\ud800"},
        {"workdir": "x" * 5000},
        {"writable": ["a\0b"]},
        {"writable": ["~nobody-of-that-name/x"]},
    ],
    ids=ascii,
)
def test_what_cannot_be_a_path_fails_the_call(bench: Bench, arguments: dict[str, Any]) -> None:
    with pytest.raises(ToolError, match=r"can't be a path|there is no directory"):
        bench.shell.access({"command": "pwd", **arguments}, bench.bench)


async def test_a_removed_directory_is_no_harm(bench: Bench) -> None:
    result = await bench.run("mkdir gone; cd gone; rmdir ../gone; echo still here")
    assert "still here" in result.content
    assert bench.bench.directory == bench.root


async def test_start_up_files_are_not_read(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    (bench.outside / ".bashrc").write_text("echo hello from bashrc")
    monkeypatch.setenv("HOME", str(bench.outside))
    monkeypatch.setenv("BASH_ENV", str(bench.outside / ".bashrc"))
    assert "hello" not in (await bench.run("true")).content


async def test_much_output_is_kept_whole_and_told_in_part(bench: Bench) -> None:
    result = await bench.run("seq 1 100000")
    assert result.truncated
    assert len(result.content.encode()) < 31_000
    assert "\n1\n2\n" in result.content
    assert result.content.rstrip().endswith("100000")
    assert "bytes left out here" in result.content
    assert result.whole is not None
    assert result.whole.read_bytes().count(b"\n") == 100_000


async def test_output_is_text_whatever_it_was(bench: Bench) -> None:
    result = await bench.run(r"printf 'a\xffb \x1b[31mred\x1b[0m \x00 50%%\r100%%\n\xc3'")
    assert "a\ufffdb red  " not in result.content  # a redrawn line keeps its last state
    assert "100%" in result.content
    assert "\x1b" not in result.content
    assert "\0" not in result.content


async def test_an_unterminated_sequence_takes_nothing_with_it(bench: Bench) -> None:
    result = await bench.run(r"printf 'a\033]0;b\nc\n\033Pd\n\033]2;gone\007e\n'")
    assert result.content.splitlines()[2:] == ["a0;b", "c", "d", "e"]


def test_a_long_line_costs_no_more_than_its_length() -> None:
    line = "x" * 1_000_000  # with a try at each character this would take minutes
    assert plain(f"{line}\rlast\n{line}") == f"last\n{line}"


async def test_output_comes_while_it_runs(bench: Bench) -> None:
    task = asyncio.create_task(bench.run("echo first; sleep 20"))
    async with asyncio.timeout(10):
        while "".join(bench.live) != "first\n":  # noqa: ASYNC110 - nobody tells of it
            await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_the_models_time_limit_counts(bench: Bench) -> None:
    result = await bench.run("sleep 30", {"timeout_s": 0.3})
    assert result.outcome is Outcome.TIMED_OUT
    assert "0.3 s, its time limit" in result.content


async def test_two_commands_run_at_once(bench: Bench) -> None:
    one, two = await asyncio.gather(bench.run("echo one"), bench.run("echo two"))
    assert "one" in one.content
    assert "two" in two.content


async def test_no_descriptor_and_no_file_is_left(bench: Bench) -> None:
    await bench.run("true")
    before = set(os.listdir("/proc/self/fd"))  # noqa: PTH208 - descriptors, not paths
    for _ in range(5):
        await bench.run("echo x")
    assert len(set(os.listdir("/proc/self/fd")) - before) == 0  # noqa: PTH208


@pytest.mark.parametrize("command", ["", "  \n", "a\0b", "x" * 200_000, "ls \ud800"])
async def test_what_is_no_command_is_refused(bench: Bench, command: str) -> None:
    with pytest.raises(ToolError, match=r"empty|zero byte|longer than|half a character"):
        bench.shell.access({"command": command}, bench.bench)


def test_a_call_says_what_it_would_touch(bench: Bench) -> None:
    arguments = {"command": "make", "network": True, "writable": ["../outside"]}
    (access,) = bench.shell.access(arguments, bench.bench)
    assert access == ShellAccess("make", bench.root, network=True, writable=(bench.outside,))
    assert bench.shell.summary({"command": "a\n  b"}) == "a b"
    assert len(bench.shell.summary({"command": "x" * 500})) == 200


def test_arguments_are_checked_against_the_schema(bench: Bench) -> None:
    assert check_arguments(bench.shell, {"command": "ls", "timeout_s": 3}) == ""
    assert "timeout_s" in check_arguments(bench.shell, {"command": "ls", "timeout_s": "3"})
    wrong = check_arguments(bench.shell, {"cmd": "ls"})
    assert "'command' is a required property" in wrong
    assert "'cmd' was unexpected" in wrong
