"""The entry: global options, the short form, unknown commands, errors that nobody expected."""

from __future__ import annotations

import logging
import subprocess
from pathlib import Path

import pytest

from chatterm import __version__
from chatterm.cli import logs
from chatterm.cli.interactive import app_options
from chatterm.cli.main import expand_short_form, run
from chatterm.errors import UsageError
from faultserver import Answer, FaultServer, unused_port
from program import COMMAND, Program


def test_version(program: Program) -> None:
    assert program.run("--version").text == f"chatterm {__version__}\n"


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (["-p", "hi"], ["ask", "hi"]),
        (["--config", "f", "-p", "hi"], ["--config", "f", "ask", "hi"]),
        (["ask", "-p"], ["ask", "-p"]),
        (["--debug", "models"], ["--debug", "models"]),
        ([], []),
    ],
)
def test_p_is_short_for_ask(given: list[str], meant: list[str]) -> None:
    assert expand_short_form(given) == meant


@pytest.mark.parametrize("arguments", [("nonsense",), ("ask", "--nonsense"), ()])
def test_what_makes_no_sense_is_a_usage_error(program: Program, arguments: tuple[str, ...]) -> None:
    done = program.run(*arguments)
    assert (done.status, done.text) == (2, "")
    assert done.stderr


@pytest.mark.parametrize("command", ["history", "permissions", "config", "key", "store"])
def test_a_command_that_needs_another_gives_its_help_once(program: Program, command: str) -> None:
    done = program.run(command)
    assert (done.status, done.text) == (2, "")
    assert done.stderr.startswith(f"Usage: chatterm {command} ")
    assert done.stderr.lower().count("usage:") == 1
    assert "says more" not in done.stderr


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        (("histroy",), "history"),
        (("histroy", "list"), "history"),
        (("histroy", "export", "0a1b", "-o", "x"), "history"),
        (("histroy", "--json"), "history"),
        (("modles", "install", "smollm2"), "models"),
        (("aks", "-q", "hello"), None),
        (("askk", "-q", "hello"), "ask"),
        (("--debug", "confg", "check"), "config"),
    ],
)
def test_a_misspelt_command_is_refused(line: tuple[str, ...], meant: str | None) -> None:
    if meant is None:
        assert app_options(line) is None
        return
    with pytest.raises(UsageError) as caught:
        app_options(line)
    assert caught.value.message.endswith(f"; did you mean {meant}?")
    assert "to send it as a message: chatterm -- " in caught.value.hint


@pytest.mark.parametrize(
    "line",
    [
        ("--", "histroy"),
        ("--", "histroy", "list"),
        ("histroy", "of", "Rome"),
        ("histroy list",),
        ("task", "-", "buy milk"),
        ("please", "list", "them"),
    ],
)
def test_a_message_that_only_resembles_a_command_is_sent(line: tuple[str, ...]) -> None:
    options = app_options(line)
    assert options is not None
    assert options.prompt == " ".join(word for word in line if word != "--")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (("ask", "--format", "foo", "hi"), "invalid value for '--format': 'foo' is not one of"),
        (("history", "list", "--jsn"), "no such option: --jsn"),
    ],
)
def test_a_wrong_option_is_told_in_plain_words(
    program: Program, line: tuple[str, ...], said: str
) -> None:
    assert f"chatterm: {said}" in program.run(*line).stderr


def test_only_options_that_are_near_are_suggested(program: Program) -> None:
    assert "--config" not in program.run("--wrong").stderr
    near = program.run("history", "list", "--jsn").stderr
    assert "--json" in near
    assert "--since" not in near


def test_what_named_the_configuration_is_told(program: Program) -> None:
    program.configure("")
    named = ("--config", str(program.config))
    del program.env["CHATTERM_CONFIG"]
    assert "by --config" in program.run(*named, "doctor").text
    by_variable = {"CHATTERM_CONFIG": str(program.config)}
    assert "by CHATTERM_CONFIG" in program.run("doctor", env=by_variable).text


@pytest.mark.parametrize("arguments", [("--help",), ("ask", "--help"), ("models", "-h")])
def test_help_fits_eighty_columns(program: Program, arguments: tuple[str, ...]) -> None:
    done = program.run(*arguments, env={"COLUMNS": "200"})
    assert done.status == 0
    assert max(map(len, done.text.splitlines())) <= 80


def test_an_unexpected_error_is_one_line_and_the_log_has_the_rest(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def broken(_: object) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr("typer.main.get_command", broken)
    logger = logging.getLogger("chatterm")
    before = logger.handlers[:]
    try:
        assert run(["ask"]) == 70
    finally:
        for handler in set(logger.handlers) - set(before):
            logger.removeHandler(handler)
            handler.close()
        logger.propagate = True
    told = capsys.readouterr().err
    (log,) = tmp_path.rglob("chatterm.log")
    assert "ZeroDivisionError: oops" in told
    assert str(log) in told
    assert "Traceback" not in told
    assert "Traceback" in log.read_text()
    assert log.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("arguments", [("config", "show"), ("--help",), ("providers",)])
def test_a_full_disk_and_a_reader_that_left_have_their_own_status(
    program: Program, arguments: tuple[str, ...]
) -> None:
    line = f"{' '.join(COMMAND)} {' '.join(arguments)}"
    done = subprocess.run(
        [
            "bash",
            "-c",
            f"{line} >/dev/full; echo $?; (sleep 2; {line}) | true; echo ${{PIPESTATUS[0]}}",
        ],
        env=program.env,
        cwd=program.home,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.split() == [b"74", b"141"]
    assert b"Traceback" not in done.stderr


def test_paths_of_global_options_are_the_shells(program: Program, tmp_path: Path) -> None:
    (program.home / "a.toml").write_text('model = "demo/echo"')
    done = program.run("--config", "a.toml", "ask", "-n", "hi", "--cwd", str(tmp_path))
    assert done.text == "hi\n"


def test_the_log_is_private_after_a_rotation_too(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    handler = logs._LazyFileHandler()
    for _ in range(3):
        handler.emit(logging.LogRecord("chatterm", 40, "", 0, "x" * 600_000, None, None))
    handler.close()
    written = list(tmp_path.rglob("chatterm.log*"))
    assert len(written) > 1
    assert all(path.stat().st_mode & 0o077 == 0 for path in written)


def test_models_lists_what_the_server_offers(program: Program, server: FaultServer) -> None:
    body = b'{"object":"list","data":[{"id":"small"},{"id":"large","context_length":8192}]}'
    server.script(Answer(body, headers={"Content-Type": "application/json"}))
    program.provider(server.url, models='["mine"]')
    assert program.run("models", "p").text == "p/mine\np/large\np/small\n"
    assert server.requests[0].path == "/models"


def test_models_of_a_server_that_is_not_there_still_lists_the_configured_ones(
    program: Program,
) -> None:
    program.provider(f"http://127.0.0.1:{unused_port()}", models='["mine"]')
    done = program.run("models", "p")
    assert (done.status, done.text) == (5, "p/mine\n")
    assert "chatterm:" in done.stderr


def test_help_tells_of_the_interactive_program(program: Program) -> None:
    told = program.run("--help").text
    for words in ("chatterm [PROMPT]", "--continue", "--resume [ID]", "--mode MODE"):
        assert words in told
