"""`chatterm doctor`: everything it looks at is told; only a broken configuration fails."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest

from chatterm.cli.doctor_checks import colours
from chatterm.cli.doctor_terminal import Answers, abilities, understood
from chatterm.cli.doctor_text import laid_out, tables
from faultserver import Answer, FaultServer, unused_port
from program import COMMAND, Program
from terminals import Terminal

JSON = {"Content-Type": "application/json"}
MODELS = Answer(b'{"data":[{"id":"one"},{"id":"two"}]}', headers=JSON)


def report(program: Program, *, status: int = 0) -> dict[str, Any]:
    done = program.run("doctor", "--json")
    assert (done.status, done.stderr) == (status, "")
    return json.loads(done.text)


def row(found: dict[str, Any], name: str) -> dict[str, Any]:
    return next(each for each in found["providers"] if each["name"] == name)


def test_everything_is_looked_at(program: Program) -> None:
    found = report(program)
    assert set(found) == {
        *("version", "python", "system", "paths", "problems", "providers", "servers", "keyring"),
        *("sandbox", "terminal", "store", "tools"),
    }
    assert found["problems"] == []
    assert found["paths"]["config_exists"] is False
    assert {each["level"] for each in found["sandbox"]} > {"none"}
    assert {each["name"] for each in found["tools"]} >= {"rg", "git", "xllamacpp"}


def test_nothing_is_changed(program: Program) -> None:
    program.run("doctor")
    made = {path.name for path in program.home.rglob("*") if path.is_file()}
    assert not made & {"chatterm.db", "models.json", "config.toml"}
    assert report(program)["store"]["exists"] is False


def test_a_provider_that_answers(program: Program, server: FaultServer) -> None:
    server.script(MODELS)
    program.provider(server.url)
    found = row(report(program), "p")
    assert (found["configured"], found["reachable"], found["models"]) == (True, True, 2)
    assert "  ok  p " in program.run("doctor").text
    assert "on this machine; 2 models" in program.run("doctor").text


def test_a_provider_that_does_not_answer_is_told_and_is_no_failure(program: Program) -> None:
    program.provider(f"http://127.0.0.1:{unused_port()}")
    found = row(report(program), "p")
    assert (found["reachable"], found["models"]) == (False, None)
    assert found["problem"]
    done = program.run("doctor")
    assert done.status == 0
    assert "  !!  p " in done.text


def test_where_the_key_is_from_and_that_it_is_rejected(
    program: Program, server: FaultServer
) -> None:
    server.script(Answer(b"{}", status=401, headers=JSON))
    program.provider(server.url, auth='"bearer"', api_key_env='"MY_KEY"')
    program.env["MY_KEY"] = "sk-0123456789abcdef0123"
    found = row(report(program), "p")
    assert found["why"] == "key from MY_KEY"
    assert (found["reachable"], found["kind"]) == (True, "key_rejected")
    assert "0123456789abcdef" not in program.run("doctor", "--json").text


def test_a_provider_without_its_key_is_not_asked(program: Program, server: FaultServer) -> None:
    program.provider(server.url, auth='"bearer"', api_key_env='"MY_KEY"')
    found = row(report(program), "p")
    assert (found["reachable"], found["kind"]) == (None, "key_missing")
    assert server.requests == []


def test_known_providers_without_a_key_are_not_asked(program: Program) -> None:
    found = row(report(program), "openai")
    assert (found["configured"], found["reachable"]) == (False, None)


def test_a_broken_configuration_ends_with_3_and_the_rest_is_told(program: Program) -> None:
    program.configure('modell = "x"\n[stream]\nretries = "many"\n')
    found = report(program, status=3)
    assert [(each["line"], each["key"]) for each in found["problems"]] == [
        (1, "modell"),
        (3, "stream.retries"),
    ]
    assert found["sandbox"]
    done = program.run("doctor")
    assert done.status == 3
    assert "line 1, modell" in done.text


def test_what_only_the_app_knows_of_is_told_with_the_rest(program: Program) -> None:
    program.configure('theme = "nowhere"\nmodell = "x"\n[ui.keys]\nundo = "ctrl+nothing"\n')
    told = report(program, status=3)["problems"]
    assert [(each["line"], each["key"]) for each in told] == [
        (1, "theme"),
        (2, "modell"),
        (4, "ui.keys.undo"),
    ]


def test_a_model_that_does_not_exist_breaks_the_configuration(program: Program) -> None:
    program.configure('model = "nobody/nothing"\n')
    (problem,) = report(program, status=3)["problems"]
    assert problem["key"] == "model"


def test_a_projects_configuration_is_looked_at_too(program: Program) -> None:
    work = program.home / "work"
    (work / ".chatterm").mkdir(parents=True)
    (work / ".chatterm" / "config.toml").write_text("[providers.evil]\n")
    done = program.run("doctor", cwd=work)
    assert done.status == 3
    assert "providers" in done.text


def test_the_size_of_a_store(program: Program) -> None:
    program.run("ask", "-m", "demo/short", "hello")
    assert report(program)["store"]["conversations"] == 1


def test_what_a_server_says_reaches_no_terminal(program: Program, server: FaultServer) -> None:
    body = json.dumps({"error": {"message": "no\x1b[2Jway"}}).encode()
    server.script(Answer(body, status=400, headers=JSON))
    program.provider(server.url)
    assert "\x1b" not in program.run("doctor").text


def test_on_a_terminal_marks_are_coloured(program: Program) -> None:
    program.env["TERM"] = "xterm-256color"
    with Terminal([*COMMAND, "doctor"], program.env, program.home, columns=91) as terminal:
        terminal.read_until("Tools")
        assert "\x1b[32mok\x1b[0m" in terminal.text
        assert "256 colours" in terminal.text
        assert "91 x 30" in terminal.text


@pytest.mark.parametrize(
    ("environ", "count"),
    [
        ({}, 0),
        ({"TERM": "dumb", "COLORTERM": "truecolor"}, 0),
        ({"TERM": "xterm"}, 16),
        ({"TERM": "screen-256color"}, 256),
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, 1 << 24),
        ({"TERM": "xterm-kitty"}, 1 << 24),
    ],
)
def test_colours(environ: dict[str, str], count: int) -> None:
    assert colours(environ) == count


def test_a_sandbox_that_is_missing_says_why_and_what_would_mend_it(program: Program) -> None:
    found = report(program)
    bwrap = {"level": "bubblewrap", "works": False, "reason": "no bwrap", "remedy": "install it"}
    landlock = {"level": "landlock", "works": True, "reason": "", "remedy": ""}
    assert tables(found | {"sandbox": [bwrap, landlock]})["Sandbox"] == [
        ("--", "bubblewrap", "no bwrap"),
        ("", "", "install it"),
        ("ok", "landlock", "works, tried with a command"),
    ]
    assert tables(found | {"sandbox": [bwrap]})["Sandbox"] == [
        ("!!", "bubblewrap", "no bwrap"),
        ("", "", "install it"),
        ("--", "so", "commands run without a cage, and each is asked about"),
    ]


def test_servers_on_this_machine_and_how_to_ask_them(program: Program) -> None:
    here = {"kind": "Ollama", "url": "http://127.0.0.1:11434", "models": ["m"]}
    elsewhere = {"kind": "vLLM", "url": "http://127.0.0.1:8000", "models": []}
    servers = [
        here | {"provider": "ollama", "configuration": None},
        elsewhere | {"provider": None, "configuration": "providers.vllm = {}"},
    ]
    assert tables(report(program) | {"servers": servers})["Servers on this machine"] == [
        ("ok", "Ollama", "http://127.0.0.1:11434, 1 model"),
        ("", "", "ask it with: chatterm -m ollama/m"),
        ("ok", "vLLM", "http://127.0.0.1:8000, 0 models"),
        ("", "", "to use it, configure: providers.vllm = {}"),
    ]


def test_a_store_that_is_broken_is_told_and_is_no_failure(program: Program) -> None:
    data = program.home / "xdg-data" / "chatterm"
    data.mkdir(parents=True)
    (data / "chatterm.db").write_bytes(b"no database at all" * 100)
    done = program.run("doctor")
    assert done.status == 0
    assert "  !!  store  " in done.text
    assert report(program)["store"]["problem"]


def test_names_stand_in_a_column_and_what_is_long_goes_on_below_itself() -> None:
    rows = [("ok", "rg", "/usr/bin/rg"), ("--", "xclip", "not there; it is for copying under X11")]
    assert laid_out(rows, 40) == [
        ("ok", "rg     /usr/bin/rg"),
        ("--", "xclip  not there; it is for"),
        ("", "             copying under X11"),
    ]
    assert laid_out(rows, None)[1] == ("--", "xclip  not there; it is for copying under X11")


KITTY = b"\x1b[?0u\x1b_Gi=31;OK\x1b\\\x1bP>|kitty(0.40.0)\x1b\\\x1b[?62;52;c"


def test_what_a_terminal_answers_is_what_it_can() -> None:
    assert understood(KITTY) == Answers(
        answered=True,
        name="kitty(0.40.0)",
        keyboard=True,
        kitty_images=True,
        attributes=frozenset({62, 52}),
    )
    assert understood(b"") == Answers()
    found = abilities({"TERM": "xterm-kitty"}, understood(KITTY))
    assert (found["links"], found["images"], found["keyboard"]) == (True, "kitty", True)
    assert found["clipboard"]["terminal"] is True
    found = abilities({"TERM": "xterm"}, understood(b"\x1b[?64;4c"))
    assert (found["links"], found["images"], found["keyboard"]) == (None, "sixel", False)


def test_a_terminal_is_asked_and_left_as_it_was(program: Program) -> None:
    program.env["TERM"] = "xterm-256color"
    command = ["/bin/sh", "-c", 'before=$(stty -g); "$@"; [ "$before" = "$(stty -g)" ]; echo "=$?"']
    with Terminal([*command, "sh", *COMMAND, "doctor"], program.env, program.home) as terminal:
        terminal.read_until("\x1b[c")
        os.write(terminal._terminal, KITTY)
        terminal.read_until("=0")
    assert "every key is told apart" in terminal.text
    assert "kitty(0.40.0)" in terminal.text
    assert "?62;52;c" not in terminal.text  # it was read, not echoed


@pytest.mark.parametrize("term", ["dumb", "linux"])
def test_a_terminal_that_would_show_the_questions_is_not_asked(program: Program, term: str) -> None:
    program.env["TERM"] = term
    with Terminal([*COMMAND, "doctor"], program.env, program.home, columns=80) as terminal:
        terminal.wait()
    assert "\x1b[?u" not in terminal.text
    assert "not known: the terminal wasn't asked" in terminal.text
