"""The cage: what a permitted command can't do, in each level that this machine has."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from cages import LEVELS, Bench, processes_of, skip_where_missing, wait_until
from chatterm.permissions.sandbox.covered import usual
from chatterm.permissions.sandbox.levels import Level
from chatterm.permissions.sandbox.probing import choose, probe
from chatterm.steps import Outcome
from chatterm.tools.processes import protect_self

CAGED = [level for level in LEVELS if level.caged]


@pytest.fixture(params=LEVELS, ids=str)
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    """Every level."""
    skip_where_missing(request.param)
    made = Bench(tmp_path, request.param)
    yield made
    made.shell.close()


@pytest.fixture(params=CAGED, ids=str)
def caged(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    """Every level that restricts."""
    skip_where_missing(request.param)
    made = Bench(tmp_path, request.param)
    yield made
    made.shell.close()


def test_a_level_is_found_by_running_a_command_in_it() -> None:
    findings = probe()
    assert [found.level for found in findings.each][-1] is Level.NONE
    assert findings.of(Level.NONE).works
    assert findings.best.caged == any(found.works and found.level.caged for found in findings.each)
    assert choose("auto").level is findings.best
    for found in findings.each:
        assert found.works or found.reason


# --- files ---


async def test_it_writes_in_the_workspace_and_its_temporary_directory(caged: Bench) -> None:
    result = await caged.run('echo a > a && echo b > "$TMPDIR/b" && cat a "$TMPDIR/b"')
    assert result.outcome is Outcome.DONE
    assert (caged.root / "a").read_text() == "a\n"


@pytest.mark.parametrize(
    "command",
    [
        "echo x > {outside}/x",
        "cp /etc/hostname {outside}/x",
        "ln -s {outside} link && echo x > link/x",
        "mkdir -p {outside}/x",
        "mv {outside}/there {outside}/x",
        "rm -f {outside}/there; ls {outside}/there || touch {outside}/x",
        "chmod 777 {outside}/there && touch {outside}/x",
        "(cd {outside} && touch x)",
        "python3 -c \"open('{outside}/x', 'w')\"",
    ],
)
async def test_it_writes_nowhere_else(caged: Bench, command: str) -> None:
    there = caged.outside / "there"
    there.write_text("there")
    await caged.run(command.format(outside=caged.outside))
    assert there.read_text() == "there"
    assert not (caged.outside / "x").exists()


async def test_more_paths_may_be_opened_for_one_call(caged: Bench) -> None:
    command = f"echo x > {caged.outside}/x"
    result = await caged.run(command, writable=(caged.outside,))
    assert result.outcome is Outcome.DONE
    assert (caged.outside / "x").exists()


async def test_what_is_hidden_outside_the_workspace_cannot_be_read(caged: Bench) -> None:
    (caged.outside / "secret").write_text("the-key")
    result = await caged.run(f"cat {caged.outside}/secret")
    assert "the-key" not in result.content


@pytest.mark.parametrize("there", [False, True], ids=["missing", "there"])
async def test_what_is_protected_cannot_be_made_or_changed(caged: Bench, there: bool) -> None:
    git = caged.root / ".git"
    (git / "objects").mkdir(parents=True)
    if there:
        (git / "hooks").mkdir()
        (git / "hooks" / "pre-commit.sample").write_text("sample")
        (git / "config").write_text("[core]\n")
    await caged.run("mkdir -p .git/hooks; echo evil > .git/hooks/pre-commit; sleep 0.1")
    await caged.run("echo evil >> .git/config; sleep 0.1")
    await caged.run("mv .git elsewhere; mkdir -p .git/hooks; echo evil > .git/hooks/x; sleep 0.1")
    await caged.run("echo evil > .envrc; sleep 0.1")
    await caged.run("echo ../evil > .git/commondir; sleep 0.1")
    hooks = git / "hooks"
    assert hooks.exists() == there
    assert sorted(path.name for path in hooks.glob("*")) == ["pre-commit.sample"] * there
    assert (git / "config").exists() == there
    assert not there or (git / "config").read_text() == "[core]\n"
    assert not (caged.root / ".envrc").exists()
    assert not (git / "commondir").exists()


async def test_nothing_is_left_of_what_locks_missing_files(caged: Bench) -> None:
    (caged.root / ".git").mkdir()
    await caged.run("true")
    assert list((caged.root / ".git").iterdir()) == []
    assert sorted(path.name for path in caged.root.iterdir()) == [".git"]


async def test_git_works_in_the_cage(caged: Bench) -> None:
    await asyncio.to_thread(new_repository, caged)
    (caged.root / "a").write_text("a")
    identity = "-c user.name=a -c user.email=a@b.invalid"
    result = await caged.run(f"git add a && git {identity} commit -qm one && git log --oneline")
    assert result.outcome is Outcome.DONE, result.content
    assert "one" in result.content


def new_repository(bench: Bench) -> None:
    environment = {"PATH": os.environ["PATH"], "HOME": str(bench.outside)}
    subprocess.run(["git", "init", "-q"], cwd=bench.root, check=True, env=environment)


# --- the network ---


@pytest.fixture
def listening() -> Iterator[tuple[socket.socket, int]]:
    """A server on loopback that says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.3)
        yield server, server.getsockname()[1]


def was_reached(server: socket.socket) -> bool:
    try:
        server.accept()[0].close()
    except TimeoutError:
        return False
    return True


CONNECT = "python3 -c \"import socket; socket.create_connection(('127.0.0.1', {port}), 2)\""


async def test_it_does_not_reach_the_network(
    caged: Bench, listening: tuple[socket.socket, int]
) -> None:
    server, port = listening
    result = await caged.run(CONNECT.format(port=port))
    assert result.outcome is Outcome.FAILED
    await caged.run(f"exec 3<>/dev/tcp/127.0.0.1/{port}")
    assert not was_reached(server)


async def test_it_reaches_the_network_where_that_was_allowed(
    caged: Bench, listening: tuple[socket.socket, int]
) -> None:
    server, port = listening
    result = await caged.run(CONNECT.format(port=port), network=True)
    assert result.outcome is Outcome.DONE, result.content
    assert was_reached(server)


async def test_sockets_of_other_programs_are_out_of_reach(caged: Bench, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        path = tmp_path / "outside" / "s"
        server.bind(str(path))
        server.listen()
        server.settimeout(0.3)
        code = f"import socket; socket.socket(socket.AF_UNIX).connect('{path}')"
        await caged.run(f'python3 -c "{code}"')
        # Namespaces don't close a socket in a directory that is shown; /run and /tmp are covered.
        if caged.shell.level is not Level.BUBBLEWRAP or str(path).startswith("/tmp"):
            assert not was_reached(server)


# --- keys ---


async def test_keys_never_reach_a_command(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "MY_VARIABLE"):
        monkeypatch.setenv(name, "the-key")
    result = await bench.run("env; echo $PAGER $TERM")
    assert "the-key" not in result.content
    assert "cat dumb" in result.content


PARENT = """
import asyncio, os, sys
from pathlib import Path
from cages import Bench
from chatterm.permissions.sandbox.levels import Level
from chatterm.tools.processes import protect_self
protect_self()
async def main():
    bench = Bench(Path(sys.argv[1]), Level(sys.argv[2]))
    look = "for p in /proc/[0-9]*; do tr '\\\\0' '\\\\n' < $p/environ; done 2>/dev/null"
    print((await bench.run(look)).content)
    bench.shell.close()
asyncio.run(main())
"""


@pytest.mark.parametrize("level", LEVELS, ids=str)
def test_keys_of_the_parent_cannot_be_read(level: Level, tmp_path: Path) -> None:
    skip_where_missing(level)
    if os.geteuid() == 0 and level is Level.NONE:
        pytest.skip("root reads everything where there is no cage")
    tests = Path(__file__).parent.parent
    done = subprocess.run(
        [sys.executable, "-c", PARENT, tmp_path, level],
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": f"{tests}:{tests.parent}",
            "OPENAI_API_KEY": "the-parents-key",
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "PAGER=cat" in done.stdout  # it has looked
    assert "the-parents-key" not in done.stdout


def test_protecting_ourselves_can_be_done_twice() -> None:
    code = "from chatterm.tools.processes import protect_self as p; p(); p()"
    env = {"PYTHONPATH": str(Path(__file__).parent.parent.parent)}
    subprocess.run([sys.executable, "-c", code], check=True, env=env)
    assert callable(protect_self)


# --- ending ---

LONG_RUNNING = {
    "a plain child": "sleep 300 {mark} & wait",
    "in the foreground": "sleep 300 {mark}",
    "a session of its own": "setsid sleep 300 {mark} & sleep 300",
    "nohup": "nohup sleep 300 {mark} > /dev/null 2>&1 & sleep 300",
    "a double fork": "(setsid sh -c 'sleep 300 {mark} & exit' &) ; sleep 300",
    "deaf to signals": "trap '' TERM INT HUP; sleep 300 {mark} & sleep 300",
}
# `sleep` takes several times and adds them up: one of them marks the process.


@pytest.mark.parametrize("how", LONG_RUNNING)
async def test_nothing_outlives_a_cancel(bench: Bench, how: str) -> None:
    mark = f"0.{uuid.uuid4().int % 10**15:015d}"
    task = asyncio.create_task(bench.run(LONG_RUNNING[how].format(mark=mark)))
    assert await asyncio.to_thread(wait_until, lambda: processes_of(mark))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asyncio.to_thread(wait_until, lambda: not processes_of(mark))


async def test_nothing_outlives_the_time_limit(bench: Bench) -> None:
    mark = f"0.{uuid.uuid4().int % 10**15:015d}"
    result = await bench.run(f"echo begun; setsid sleep 300 {mark} & sleep 300", timeout_s=0.5)
    assert result.outcome is Outcome.TIMED_OUT
    assert "begun" in result.content
    assert await asyncio.to_thread(wait_until, lambda: not processes_of(mark))


async def test_what_runs_in_the_background_ends_with_its_command(bench: Bench) -> None:
    mark = f"0.{uuid.uuid4().int % 10**15:015d}"
    result = await bench.run(f"sleep 300 {mark} & echo done")
    assert "done" in result.content
    assert "in the background" in result.content
    assert await asyncio.to_thread(wait_until, lambda: not processes_of(mark))


async def test_a_command_that_cannot_wait_for_input_goes_on(bench: Bench) -> None:
    result = await bench.run("cat; read x; echo over", timeout_s=10)
    assert "over" in result.content
    assert "not a tty" in (await bench.run("tty")).content


async def test_output_without_end_is_bounded(tmp_path: Path) -> None:
    bench = Bench(tmp_path, Level.NONE, hard_cap=3_000_000)
    result = await bench.run("yes", timeout_s=30)
    assert result.outcome is Outcome.FAILED
    assert "its output passed 3,000,000 bytes" in result.content
    assert len(result.content) < 40_000
    assert result.whole is not None
    assert result.whole.stat().st_size <= 3_000_000
    assert sum(map(len, bench.live)) < 3_000_000
    bench.shell.close()


def test_what_is_usually_covered_names_keys_and_hooks(tmp_path: Path) -> None:
    covered = usual(tmp_path / "w", tmp_path / "home", (tmp_path / "own",))
    assert tmp_path / "w" / ".git" / "hooks" in covered.protected
    assert tmp_path / "home" / ".ssh" in covered.hidden
    assert tmp_path / "own" in covered.hidden
    opened = covered.without([tmp_path / "home" / ".ssh"])
    assert tmp_path / "home" / ".ssh" not in opened.hidden


async def test_git_sees_nothing_of_what_is_locked(tmp_path: Path) -> None:
    skip_where_missing(Level.BUBBLEWRAP)
    bench = Bench(tmp_path, Level.BUBBLEWRAP)
    try:
        subprocess.run(["git", "init", "-q", bench.root], check=True)  # noqa: ASYNC221 - it is quick
        result = await bench.run("git status --short --ignored")
        assert result.content.endswith("(no output)"), result.content
    finally:
        bench.shell.close()
