"""Past conversations: going on with them, finding, exporting, importing and deleting them."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from pathlib import Path

import pytest

from faultserver import Answer, FaultServer, Stall, sse
from program import COMMAND, Program
from terminals import Terminal

CHUNK = '{"choices":[{"index":0,"delta":{"content":"%s"}}]}'
END = '{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}'


def ask(program: Program, *words: str) -> str:
    """Ask the echo; the id of the conversation."""
    done = program.run("ask", "-n", "-m", "demo/echo", "--format", "json", *words)
    assert done.status == 0, done.stderr
    return json.loads(done.text)["conversation"]


def listed(program: Program, *options: str) -> list[dict]:
    done = program.run("history", "list", "--json", *options)
    return [json.loads(line) for line in done.text.splitlines()]


class TestGoingOn:
    def test_c_goes_on_with_what_ask_began_in_this_directory(
        self, program: Program, server: FaultServer, tmp_path: Path
    ) -> None:
        server.script(Answer(sse(CHUNK % "first answer", END, "[DONE]")))
        program.provider(server.url)
        program.run("ask", "-n", "first")
        program.run("ask", "-n", "elsewhere", "--cwd", str(tmp_path))
        program.run("ask", "-n", "-c", "second")
        assert [message["content"] for message in server.requests[-1].json["messages"]] == [
            "first",
            "first answer",
            "second",
        ]

    def test_r_takes_any_unique_prefix(self, program: Program) -> None:
        first = ask(program, "one")
        assert ask(program, "-r", first[:6], "more") == first
        done = program.run("ask", "-n", "-r", "zzzz", "hi", "-m", "demo/echo")
        assert done.status == 7
        assert "zzzz" in done.stderr

    def test_it_goes_on_with_the_model_it_was_held_with(self, program: Program) -> None:
        ask(program, "one")
        assert program.run("ask", "-n", "-c", "again").text == "again\n"

    def test_with_nothing_to_go_on_with_it_says_so(self, program: Program) -> None:
        done = program.run("ask", "-n", "-c", "hi", "-m", "demo/echo")
        assert done.status == 2
        assert "history list" in done.stderr

    def test_no_save_and_the_setting_keep_nothing(self, program: Program) -> None:
        ask(program, "--no-save", "secret")
        assert listed(program) == []
        program.configure("[store]\nsave_ask = false")
        ask(program, "secret")
        assert listed(program) == []

    def test_a_turn_that_was_killed_has_its_end_when_it_goes_on(
        self, program: Program, server: FaultServer
    ) -> None:
        server.script(Answer([sse(CHUNK % "so far"), Stall()]))
        program.provider(server.url)
        with program.start("ask", "-n", "hi", stdout=subprocess.PIPE) as running:
            assert running.stdout is not None
            running.stdout.read(6)
            running.send_signal(signal.SIGKILL)
        server.script(Answer(sse(CHUNK % "on", END, "[DONE]")))
        assert program.run("ask", "-n", "-c", "go on").text == "on\n"
        messages = server.requests[-1].json["messages"]
        assert [m["role"] for m in messages if m["role"] == "user"] == ["user", "user"]
        assert messages[0]["content"] == "hi"


class TestLists:
    def test_a_line_a_conversation_newest_first(self, program: Program) -> None:
        first, second = ask(program, "one"), ask(program, "two")
        rows = listed(program)
        assert [row["id"] for row in rows] == [second, first]
        assert [row["title"] for row in rows] == ["two", "one"]
        assert rows[0]["model"] == "demo/echo"
        assert (rows[0]["turns"], rows[0]["origin"]) == (1, "ask")
        plain = program.run("history", "list").text
        assert plain.splitlines()[0].startswith(second)

    def test_filters(self, program: Program, tmp_path: Path) -> None:
        ask(program, "here")
        ask(program, "there", "--cwd", str(tmp_path))
        assert [row["title"] for row in listed(program, "--directory", str(tmp_path))] == ["there"]
        assert listed(program, "--model", "demo/none") == []
        assert listed(program, "--until", "2001-01-01") == []
        assert len(listed(program, "--since", "2001-01-01")) == 2
        assert program.run("history", "list", "--since", "yesterday").status == 2

    def test_search_finds_words_and_their_place(self, program: Program) -> None:
        talk = ask(program, "where do pangolins sleep")
        ask(program, "something else")
        done = program.run("history", "search", "--json", "pangolins")
        hits = [json.loads(line) for line in done.text.splitlines()]
        assert {hit["conversation"] for hit in hits} == {talk}
        assert {hit["kind"] for hit in hits} == {"user", "text"}
        start, end = hits[0]["matched"][0]
        assert hits[0]["snippet"][start:end].lower() == "pangolins"
        assert program.run("history", "search", 'odd "syntax OR (').status == 0

    @pytest.mark.parametrize("form", [(), ("--json",)])
    def test_a_search_without_a_hit_says_so_on_stderr(
        self, program: Program, form: tuple[str, ...]
    ) -> None:
        done = program.run("history", "search", *form, "pangolins")
        assert (done.status, done.text, done.stderr) == (0, "", "nothing was found\n")

    def test_a_hit_on_a_terminal_has_its_words_in_bold_and_a_way_on(self, program: Program) -> None:
        number = ask(program, "tell me of pangolins please")
        way_on = f"chatterm -r {number[:8]}"
        assert way_on not in program.run("history", "search", "pangolins").text
        command = [*COMMAND, "history", "search", "pangolins"]
        env = program.env | {"TERM": "xterm-256color"}
        with Terminal(command, env, program.home) as terminal:
            assert terminal.wait(seconds=90) == 0
            assert "of \x1b[1mpangolins\x1b[0m please" in terminal.text
            assert way_on in terminal.text

    def test_hits_are_broken_between_words_on_a_terminal(self, program: Program) -> None:
        words = "pangolins " + " ".join(f"sleepyword{n}" for n in range(12))
        number = ask(program, words)
        env = program.env | {"TERM": "dumb"}
        for command in (["search", "pangolins"], ["delete", number]):
            with Terminal([*COMMAND, "history", *command], env, program.home, columns=60) as seat:
                if command[0] == "delete":
                    seat.read_until("[y/N]: ")
                    seat.type("n\r")
                assert seat.wait(seconds=90) == 0
                lines = [line.rstrip("\r") for line in seat.text.split("\n")]
            assert max(map(len, lines)) <= 60
            broken = re.findall(r"\S*word\S*", "\n".join(lines))
            assert [each for each in broken if not re.match(r"sleepyword\d+", each)] == []


class TestChanging:
    def test_title_fork_and_delete(self, program: Program) -> None:
        talk = ask(program, "one")
        assert program.run("history", "title", talk, "A", "name").status == 0
        fork = program.run("history", "fork", talk[:8]).text.strip()
        assert {row["id"] for row in listed(program)} == {talk, fork}
        assert program.run("history", "delete", talk).status == 2  # nobody can be asked
        assert program.run("history", "delete", talk, "--yes").status == 0
        assert [row["id"] for row in listed(program)] == [fork]
        assert "one" in program.run("history", "show", fork).text

    def test_a_fork_at_a_step_goes_on_from_its_turn(self, program: Program) -> None:
        done = program.run("ask", "-n", "-m", "demo/echo", "--format", "jsonl", "one")
        talk, step = done.events[0]["conversation"], done.steps[0]["id"]
        ask(program, "-r", talk, "two")
        fork = program.run("history", "fork", talk, "--at", step).text.strip()
        rows = {row["id"]: row["turns"] for row in listed(program)}
        assert (rows[talk], rows[fork]) == (2, 1)


class TestExport:
    @pytest.mark.parametrize("form", ["md", "html", "txt"])
    def test_for_people(self, program: Program, form: str) -> None:
        talk = ask(program, "some <b>words</b>")
        text = program.run("history", "export", talk, "--format", form).text
        assert "words" in text
        assert ("<b>words" in text) == (form != "html")

    def test_jsonl_restores_the_same_conversation(self, program: Program) -> None:
        (program.home / "note.txt").write_text("noted")
        talk = ask(program, "one", "-a", "note.txt")
        ask(program, "-r", talk, "two")
        before = program.run("history", "export", talk, "--format", "jsonl", "-o", "talk.jsonl")
        assert before.status == 0
        exported = (program.home / "talk.jsonl").read_bytes()
        assert json.loads(exported.split(b"\n")[0])["type"] == "conversation"
        program.run("history", "delete", talk, "--yes")
        assert program.run("history", "import", "talk.jsonl").status == 0
        again = program.run("history", "export", talk, "--format", "jsonl")
        assert again.stdout == exported
        assert "0 conversations added" in program.run("history", "import", "talk.jsonl").text

    @pytest.mark.parametrize(
        ("name", "begins"),
        [
            ("talk.jsonl", '{"type":"conversation"'),
            ("talk.HTML", "<!doctype html>"),
            ("talk.md", "# "),
            ("talk.bak", "# "),
            ("talk", "# "),
        ],
    )
    def test_the_files_name_says_the_format(self, program: Program, name: str, begins: str) -> None:
        talk = ask(program, "one")
        assert program.run("history", "export", talk, "-o", name).status == 0
        written = (program.home / name).read_text()
        assert written.lower().replace(": ", ":").startswith(begins)
        done = program.run("history", "export", talk, "-o", name, "--format", "txt")
        assert done.status == 0
        assert (program.home / name).read_text() != written

    def test_what_is_no_export_is_refused(self, program: Program) -> None:
        (program.home / "odd").write_text("hello")
        done = program.run("history", "import", "odd")
        assert done.status == 2
        assert "Traceback" not in done.stderr
        assert program.run("history", "export", "x", "--format", "doc").status == 2


class TestStore:
    def test_check_backup_and_compact(self, program: Program) -> None:
        ask(program, "one")
        assert program.run("store", "check").text == "ok\n"
        assert program.run("store", "backup", "copy.db").status == 0
        assert (program.home / "copy.db").stat().st_size > 0
        assert program.run("store", "compact").status == 0
        assert len(listed(program)) == 1

    def test_a_store_that_cannot_be_opened_ends_with_its_own_status(self, program: Program) -> None:
        (program.home / "file").write_text("")
        done = program.run("--data-dir", "file/x", "ask", "-n", "-m", "demo/echo", "hi")
        assert done.status == 7
        assert "file/x" in done.stderr
        assert "--no-save" in done.stderr
        assert "Traceback" not in done.stderr
