"""What a shell completes a command line to: commands, options, and values that are known here."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from chatterm.config import load_config
from chatterm.providers.list_cache import FILE_NAME, list_key
from program import Program


def completed(program: Program, line: str) -> list[str]:
    """What bash is offered at the end of a line, the last word as far as it is typed."""
    words = line.split(" ")
    env = {
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(words) - 1),
        "_CHATTERM_COMPLETE": "complete_bash",
    }
    done = program.run(env=env)
    assert done.stderr == ""
    return done.text.split()


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("chatterm his", "history"),
        ("chatterm history ex", "export"),
        ("chatterm ask --ext", "--extract"),
        ("chatterm ask --format js", "jsonl"),
        ("chatterm ask -T read", "read_file"),
        ("chatterm ask --effort h", "high"),
        ("chatterm ask --sandbox land", "landlock"),
        ("chatterm --mode acc", "accept-edits"),
        ("chatterm key set openr", "openrouter"),
        ("chatterm models mis", "mistral"),
    ],
)
def test_names_are_completed(program: Program, line: str, word: str) -> None:
    assert word in completed(program, line)


def test_models_are_those_that_ready_providers_have_listed_before(program: Program) -> None:
    program.provider("http://127.0.0.1:9/v1", models='["first"]', tables='[aliases]\nnear = "p/m"')
    assert completed(program, "chatterm ask -m ") == ["near", "p/first"]

    data = program.home / "data"
    data.mkdir()
    key = list_key("p", load_config(program.config).providers["p"])
    row = {"name": "", "context_window": None, "inputs": []}
    listed = [row | {"id": each} for each in ("second", "$(touch x)", "a b", "é")]
    kept = {"format": 1, "lists": {key: {"at": 1.0, "models": listed}}}
    (data / FILE_NAME).write_text(json.dumps(kept))
    program.env["CHATTERM_DATA_DIR"] = str(data)
    assert completed(program, "chatterm ask -m p/") == ["p/first", "p/second"]


def test_conversations_are_completed_by_id_and_told_by_title(program: Program) -> None:
    program.run("ask", "-m", "demo", "-n", "the first question")
    (row,) = program.run("history", "list", "--json").text.splitlines()
    name = json.loads(row)["id"]
    assert completed(program, f"chatterm history show {name[:2]}") == [name[:8]]
    assert completed(program, f"chatterm ask -r {name[:11]}") == [name[:11]]

    env = {"_CHATTERM_COMPLETE": "complete_zsh", "_TYPER_COMPLETE_ARGS": "chatterm -r "}
    assert "the first question" in program.run(env=env).text


def test_a_title_that_a_model_made_runs_nothing_in_a_shell(program: Program) -> None:
    program.run("ask", "-m", "demo", "-n", "`touch here` $(touch here) ';touch here'\"")
    env = {"_CHATTERM_COMPLETE": "complete_zsh", "_TYPER_COMPLETE_ARGS": "chatterm -r "}
    told = program.run(env=env).text
    assert "touch here touch here" in told.replace("  ", " ")
    assert not set("`$(;") & set(told.partition('":"')[2].partition('"')[0])


def test_where_nothing_is_known_nothing_is_said(program: Program) -> None:
    assert completed(program, "chatterm history show ") == []
    program.configure("this is no configuration")
    assert completed(program, "chatterm ask -m ") == []
    assert not Path(program.env["XDG_DATA_HOME"]).exists()


def test_the_script_works_in_bash(program: Program, tmp_path: Path) -> None:
    """As a user has it: the script is read, a word is begun, and Tab is pressed."""
    (tmp_path / "chatterm").write_text(
        f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m chatterm "$@"\n'
    )
    (tmp_path / "chatterm").chmod(0o755)
    script = """
        eval "$(chatterm --show-completion bash)"
        COMP_WORDS=(chatterm ask --ext) COMP_CWORD=2
        "$(complete -p chatterm | sed 's/.*-F \\([^ ]*\\).*/\\1/')" chatterm
        echo "${COMPREPLY[@]}"
    """
    env = program.env | {"PATH": f"{tmp_path}:{program.env['PATH']}"}
    done = subprocess.run(
        ["bash", "--norc", "-c", script], env=env, capture_output=True, text=True, check=False
    )
    assert (done.stdout.strip(), done.stderr) == ("--extract", "")
