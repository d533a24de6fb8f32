"""`ask` as a Unix program: pipes, closed and silent streams, signals, full disks, job control."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from fcntl import ioctl
from pathlib import Path
from termios import FIONREAD

import pytest

from chatterm.render.sanitize import sanitize
from faultserver import Answer, FaultServer, Received, Stall, sse
from program import COMMAND, Program

CHUNK = '{"choices":[{"index":0,"delta":{"content":"%s"}}]}'
END = '{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}'
ECHO = ("ask", "-m", "demo/echo")


def shell(program: Program, line: str) -> subprocess.CompletedProcess[bytes]:
    """Run a shell line in which `$ct` is the program."""
    env = program.env | {"ct": " ".join(COMMAND)}
    return subprocess.run(
        ["bash", "-c", line],
        env=env,
        cwd=program.home,
        capture_output=True,
        timeout=60,
        check=False,
    )


def said_back(request: Received) -> Answer:
    """What the user said, in large pieces: `demo/echo` gives a token at a time."""
    text = request.json["messages"][-1]["content"]
    pieces = [text[start : start + 10_000] for start in range(0, len(text), 10_000)]
    return Answer(sse(*(CHUNK % json.dumps(piece)[1:-1] for piece in pieces), END, "[DONE]"))


class TestInput:
    def test_a_prompt_alone_is_taken_as_it_is(self, program: Program) -> None:
        assert program.run(*ECHO, "why is", "the sky blue?").text == "why is the sky blue?\n"

    def test_standard_input_alone_is_taken_as_it_is(self, program: Program) -> None:
        assert program.run(*ECHO, stdin=b"two\nlines\n").text == "two\nlines\n"

    def test_both_go_together_the_input_in_a_labelled_block(self, program: Program) -> None:
        assert program.run(*ECHO, "sum up", stdin=b"data\n").text == (
            "sum up\n\n<stdin>\ndata\n</stdin>\n"
        )

    def test_a_dash_reads_the_prompt_from_standard_input(self, program: Program) -> None:
        assert program.run(*ECHO, "-", stdin=b"asked\n").text == "asked\n"

    def test_neither_is_a_usage_error(self, program: Program) -> None:
        done = program.run(*ECHO)
        assert (done.status, done.text) == (2, "")
        assert "nothing to ask" in done.stderr

    def test_n_leaves_standard_input_to_the_loop_around(self, program: Program) -> None:
        done = shell(
            program, r"printf 'a\nb\n' | while read -r l; do $ct ask -n -m demo/echo $l; done"
        )
        assert done.stdout == b"a\nb\n"

    def test_closed_standard_input(self, program: Program) -> None:
        assert shell(program, "$ct ask -m demo/echo hi <&-").stdout == b"hi\n"

    def test_an_open_silent_pipe_is_waited_for_three_seconds_and_named(
        self, program: Program
    ) -> None:
        read, write = os.pipe()
        try:
            done = program.run(*ECHO, "hi", stdin=read)
        finally:
            os.close(read)
            os.close(write)
        assert (done.status, done.text) == (0, "hi\n")
        assert "standard input gave nothing for 3 s" in done.stderr

    def test_an_input_that_is_late_but_not_silent_is_read_whole(self, program: Program) -> None:
        done = shell(program, "(sleep 1; echo late; sleep 1; echo later) | $ct ask -m demo/echo hi")
        assert done.stdout == b"hi\n\n<stdin>\nlate\nlater\n</stdin>\n"

    def test_five_megabytes_through_a_pipe_and_back(
        self, program: Program, server: FaultServer
    ) -> None:
        server.script(said_back)
        program.provider(server.url)
        done = shell(program, "yes | head -c 5M | $ct ask n | tee answer | wc -c")
        whole = b"n\n\n<stdin>\n" + b"y\n" * (5 * 512 * 1024) + b"</stdin>\n"
        assert int(done.stdout) == len(whole)
        assert (program.home / "answer").read_bytes() == whole

    def test_an_empty_file_and_dev_null_add_nothing(self, program: Program) -> None:
        assert shell(program, "$ct ask -m demo/echo hi </dev/null").stdout == b"hi\n"

    def test_input_that_is_not_utf8_is_sent_with_replacements_and_a_warning(
        self, program: Program
    ) -> None:
        done = program.run(*ECHO, stdin=b"caf\xe9")
        assert done.text == "caf\N{REPLACEMENT CHARACTER}\n"
        assert "isn't UTF-8" in done.stderr

    def test_a_directory_cannot_be_attached(self, program: Program) -> None:
        done = program.run(*ECHO, "hi", "-a", ".")
        assert done.status == 2
        assert "can't attach .: Is a directory" in done.stderr


class TestOutput:
    def test_the_answer_ends_in_exactly_one_newline(self, program: Program) -> None:
        assert program.run(*ECHO, stdin=b"text\n\n\n").text == "text\n"

    def test_nothing_but_the_answer_is_on_standard_output_and_nothing_else_in_a_pipe(
        self, program: Program
    ) -> None:
        done = program.run(*ECHO, "hi")
        assert (done.text, done.stderr) == ("hi\n", "")

    def test_a_reader_that_leaves_ends_it_quietly(self, program: Program) -> None:
        done = shell(program, "$ct ask -q -m demo/tour x | head -1; echo ${PIPESTATUS[0]}")
        assert done.stdout.endswith(b"\n141\n")
        assert done.stderr == b""

    def test_a_full_disk_is_named(self, program: Program) -> None:
        done = shell(program, "$ct ask -m demo/echo hi >/dev/full")
        assert done.returncode == 74
        assert b"No space left" in done.stderr

    def test_closed_standard_output_is_named(self, program: Program) -> None:
        done = shell(program, "$ct ask -m demo/echo hi >&-")
        assert done.returncode == 74
        assert b"closed" in done.stderr

    def test_closed_standard_error_is_no_reason_to_fail(self, program: Program) -> None:
        assert shell(program, "$ct ask -m demo/echo hi 2>&-").stdout == b"hi\n"

    def test_into_a_file(self, program: Program) -> None:
        done = program.run(*ECHO, "hi", "-o", "answer.md")
        assert done.text == ""
        assert (program.home / "answer.md").read_text() == "hi\n"

    def test_a_failure_leaves_the_file_as_it_was(self, program: Program) -> None:
        kept = program.home / "answer.md"
        kept.write_text("before")
        assert program.run("ask", "-m", "demo/fail", "hi", "-o", "answer.md").status == 5
        assert kept.read_text() == "before"
        assert [path.name for path in program.home.glob(".answer*")] == []

    def test_a_file_that_cannot_be_written_is_named_before_anything_is_asked(
        self, program: Program, server: FaultServer
    ) -> None:
        program.provider(server.url)
        done = program.run("ask", "hi", "-o", "/nowhere/answer.md")
        assert done.status == 74
        assert "/nowhere/answer.md" in done.stderr
        assert server.requests == []

    def test_what_is_only_part_of_an_answer_leaves_the_file_alone(self, program: Program) -> None:
        kept = program.home / "answer.md"
        kept.write_text("before")
        assert program.run(*ECHO, "no code here", "-x", "-o", "answer.md").status == 8
        assert kept.read_text() == "before"
        done = shell(program, "ulimit -f 1; $ct ask --no-save -m demo/tour hi -o answer.md")
        assert done.returncode == 74
        assert kept.read_text() == "before"

    def test_a_file_that_stands_for_a_descriptor_is_appended_to(self, program: Program) -> None:
        done = shell(program, "echo log >l; $ct ask -m demo/echo hi -o /dev/stdout >>l; cat l")
        assert done.stdout == b"log\nhi\n"

    def test_links_stay_links(self, program: Program) -> None:
        (program.home / "real").write_text("before")
        (program.home / "soft").symlink_to("real")
        (program.home / "hard").hardlink_to(program.home / "real")
        program.run(*ECHO, "soft", "-o", "soft")
        assert (program.home / "soft").is_symlink()
        assert (program.home / "hard").read_text() == "soft\n"

    def test_nothing_is_left_behind_when_it_is_killed_while_reading(self, program: Program) -> None:
        with program.start(*ECHO, "-", "-o", "answer.md", stdin=subprocess.PIPE) as running:
            time.sleep(1)
            running.terminate()
            running.wait(20)
        assert [path.name for path in program.home.iterdir() if path.is_file()] == []

    def test_a_pipe_gets_the_models_own_bytes(self, program: Program) -> None:
        assert program.run(*ECHO, "\x1b[31mred").stdout == b"\x1b[31mred\n"

    def test_sanitize_strips_them_in_a_pipe_too(self, program: Program) -> None:
        assert program.run(*ECHO, "--sanitize", "\x1b[31mred\x1b]0;title\x07").text == "red\n"

    def test_in_the_background(self, program: Program) -> None:
        done = shell(program, "$ct ask -m demo/echo hi & wait $!; echo $?")
        assert done.stdout == b"hi\n0\n"

    def test_from_cron_with_no_key_set(self, program: Program) -> None:
        done = program.run("ask", "hi", env={"TERM": "", "LANG": ""})
        assert done.status == 3
        assert "OPENAI_API_KEY" in done.stderr
        assert "-m demo" in done.stderr


def wait_until_full(pipe: int) -> None:
    """Wait until a pipe takes no more, and its writer has had the time to notice."""
    waiting, until = b"", time.monotonic() + 30
    while (now := ioctl(pipe, FIONREAD, b"\0" * 4)) != waiting or not any(now):
        assert time.monotonic() < until
        waiting = now
        time.sleep(0.3)


class TestSignals:
    @pytest.mark.parametrize(
        ("number", "status"),
        [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)],
    )
    def test_what_came_is_kept_and_the_turn_ends_as_interrupted(
        self, program: Program, server: FaultServer, number: signal.Signals, status: int
    ) -> None:
        server.script(Answer([sse(CHUNK % "kept so far"), Stall()]))
        program.provider(server.url)
        with program.start(
            "ask", "-n", "hi", "--format", "jsonl", stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as running:
            assert running.stdout is not None
            lines = [running.stdout.readline() for _ in range(3)]  # until the delta has come
            running.send_signal(number)
            out, err = running.communicate(timeout=20)
        events = [json.loads(line) for line in [*lines, *out.splitlines()]]
        assert running.returncode == status
        assert events[-2]["step"] | {"duration_ms": 0} == events[-2]["step"] | {
            "duration_ms": 0,
            "status": "interrupted",
            "text": "kept so far",
        }
        assert (events[-1]["type"], events[-1]["status"]) == ("turn.finished", "interrupted")
        assert err == b""
        assert server.requests[0].left.wait(10)  # the connection was closed at once

    @pytest.mark.parametrize("how", ["SIGINT", "SIGTERM", "--timeout"])
    def test_a_reader_that_does_not_read_holds_nothing_up(self, program: Program, how: str) -> None:
        read, write = os.pipe()
        limit = ("--timeout", "6") if how == "--timeout" else ()
        (program.home / "long").write_bytes(b"x" * 300_000)
        with (
            (program.home / "long").open("rb") as text,
            program.start(
                *ECHO, *limit, stdin=text, stdout=write, stderr=subprocess.DEVNULL
            ) as running,
        ):
            os.close(write)
            if not limit:
                wait_until_full(read)
                running.send_signal(signal.Signals[how])
            status = running.wait(20)
        os.close(read)
        assert status == {"SIGINT": 130, "SIGTERM": 143, "--timeout": 74}[how]

    def test_an_ignored_interrupt_stays_ignored(
        self, program: Program, server: FaultServer
    ) -> None:
        server.script(Answer(sse(CHUNK % "done", END, "[DONE]")))
        program.provider(server.url)
        done = shell(
            program, "trap '' INT; $ct ask -n hi & sleep 0.6; kill -INT $!; wait $!; echo $?"
        )
        assert done.stdout == b"done\n0\n"

    def test_a_deadline_is_a_failure_that_is_worth_trying_again(
        self, program: Program, server: FaultServer
    ) -> None:
        server.script(Answer([sse(CHUNK % "begun"), Stall()]))
        program.provider(server.url)
        done = program.run("ask", "-n", "hi", "--timeout", "1")
        assert (done.status, done.text) == (5, "begun\n")
        assert "within 1 s" in done.stderr


class TestTerminal:
    """In a real pseudo-terminal."""

    def run(self, program: Program, *arguments: str, columns: int = 80, **env: str) -> str:
        import fcntl
        import pty
        import struct
        import termios

        parent, child = pty.openpty()
        fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        with program.start(
            *arguments,
            stdin=subprocess.DEVNULL,
            stdout=child,
            stderr=subprocess.DEVNULL,
            env={"TERM": "xterm-256color"} | env,
        ) as running:
            os.close(child)
            read = _read_all(parent)
            running.wait(20)
        os.close(parent)
        return read.replace("\r\n", "\n")

    def test_markdown_is_rendered(self, program: Program) -> None:
        shown = self.run(program, *ECHO, "some **bold** text")
        assert "**" not in shown
        assert "\x1b[" in shown

    def test_sources_are_listed_with_their_real_addresses(self, program: Program) -> None:
        (program.home / "a.demo").write_text("text: seen[1]\ncite https://a.example/b: A title")
        program.configure('model = "s/x"\n[providers.s]\nprotocol = "demo"\nscript = "a.demo"\n')
        shown = sanitize(self.run(program, "ask", "-n", "hi"))
        assert shown.endswith("\nseen[1]\n\n[1] A title — https://a.example/b\n")

    def test_nothing_hostile_reaches_it(self, program: Program) -> None:
        for form in ("pretty", "text", "json", "jsonl"):
            text = "a\x1b]52;c;AAAA\x07b\x9b2Jc\u202ed"
            shown = self.run(program, *ECHO, text, "--format", form)
            assert "\x1b]" not in shown
            assert "\x9b" not in shown
            assert "\u202e" not in shown

    def test_no_color_means_none(self, program: Program) -> None:
        shown = self.run(
            program, *ECHO, "# heading\n\n`code`\n\n```python\nx = 1\n```", NO_COLOR="1"
        )
        assert "\x1b[3" not in shown.replace("\x1b[3m", "")

    def test_a_dumb_terminal_gets_plain_text(self, program: Program) -> None:
        shown = self.run(program, *ECHO, "some **bold** text", TERM="dumb")
        assert shown == "some **bold** text\n"

    def test_twenty_columns_are_enough(self, program: Program) -> None:
        shown = self.run(
            program,
            *ECHO,
            "a sentence that is longer than that\n\n| a | b |\n|-|-|\n| 1 | 2 |",
            columns=20,
        )
        lines = sanitize(shown).split("\n")
        assert max(map(len, lines)) <= 20


def _read_all(descriptor: int) -> str:
    blocks = []
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            block = os.read(descriptor, 65536)
        except OSError:  # the other end was closed
            break
        if not block:
            break
        blocks.append(block)
    return b"".join(blocks).decode("utf-8")


def test_cwd_is_where_it_works_and_files_are_the_shells(program: Program, tmp_path: Path) -> None:
    (program.home / "note.txt").write_text("noted")
    done = program.run(*ECHO, "hi", "-a", "note.txt", "--cwd", str(tmp_path))
    assert done.status == 0
    assert program.run(*ECHO, "hi", "--cwd", "/nowhere").status == 2
