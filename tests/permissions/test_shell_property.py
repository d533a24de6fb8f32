"""Shell analysis, by property: quoting allows nothing, and words are what bash takes them for."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from chatterm.permissions.shell.syntax import commands_of, parse
from chatterm.permissions.shell.words import NotUnderstoodError
from chatterm.permissions.verdicts import ReadOnly
from shellworld import World, lines_of, mined_world


def often(times: int) -> settings:
    """Settings for so many examples, however long each takes."""
    return settings(max_examples=times, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def work() -> Iterator[World]:
    with tempfile.TemporaryDirectory() as base, pytest.MonkeyPatch.context() as patch:
        yield mined_world(Path(base).resolve(), patch)


@cache
def dangerous() -> list[str]:
    lines = (each["cmd"] for each in lines_of("dangerous"))
    # One that ends in an operator isn't whole: what follows would make another one of it.
    return [line for line in lines if len(line) < 200 and line.rstrip()[-1:] not in "|&\\"]


def _between(line: str, at: int, what: str) -> str:
    """Put something between two letters or digits of a line."""
    places = [found.end() for found in re.finditer(r"\w(?=\w)", line, re.ASCII)]
    if not places:
        return line
    place = places[at % len(places)]
    return line[:place] + what + line[place:]


def _around(line: str, at: int, mark: str) -> str:
    """Quote a letter or digit of a line."""
    places = [found.start() for found in re.finditer(r"\w", line, re.ASCII)]
    if not places:
        return line
    place = places[at % len(places)]
    return f"{line[:place]}{mark}{line[place]}{mark}{line[place + 1 :]}"


def _blank(line: str, at: int) -> str:
    words = line.split(" ")
    place = at % len(words)
    return " ".join([*words[:place], "", *words[place:]])


# Each leaves a line as dangerous as it is: bash reads the same, or runs something more.
Mutation = Callable[[str, int], str]
ALWAYS: list[Mutation] = [
    lambda line, _: f"{line};",
    lambda line, _: f"ls; {line}",
    lambda line, _: f"ls && {line}",
    lambda line, _: f"ls\n{line}",
    lambda line, _: f"{line}\nls",
    lambda line, _: f"{line} | cat",
    lambda line, _: f"({line})",
    lambda line, _: f"  {line}  ",
    lambda line, _: f"\t{line}",
]
WITHOUT_DOUBLE_QUOTES: list[Mutation] = [lambda line, at: _between(line, at, "''")]
WITHOUT_QUOTES: list[Mutation] = [
    lambda line, at: _between(line, at, '""'),
    lambda line, at: _between(line, at, "\\\n"),
    lambda line, at: _around(line, at, "'"),
    lambda line, at: _around(line, at, '"'),
    lambda line, at: _between(line, at, "\\"),
    _blank,
]


def mutations_of(line: str) -> list[Mutation]:
    """The mutations that leave what a line does."""
    found = list(ALWAYS)
    if '"' not in line and "\\" not in line:
        found += WITHOUT_DOUBLE_QUOTES
        if "'" not in line:
            found += WITHOUT_QUOTES
    return found


@often(2500)
@given(data=st.data())
def test_no_quoting_of_a_refused_command_is_allowed(work: World, data: st.DataObject) -> None:
    line = data.draw(st.sampled_from(dangerous()))
    for _ in range(data.draw(st.integers(1, 3))):
        change = data.draw(st.sampled_from(mutations_of(line)))
        line = change(line, data.draw(st.integers(0, 10_000)))
    assert not isinstance(work.judge(line).verdict, ReadOnly)


PIECES = st.sampled_from(
    [
        *("ls", "cat", "echo", "rm", "a.txt", "-la", "src", "x", "|", "||", "&&", ";", "&", "\n"),
        *("(", ")", "{", "}", "<", ">", "2>&1", "2>/dev/null", "$(", "`", "$x", '"', "'", "\\"),
        *("$'", "#", "!", "*", "?", "[", "]", "~", "=", "x=1", "if", "then", "fi", "for", "do"),
        *("done", "while", "case", "esac", "function", "<<EOF", "EOF", "<<<", "\t", " ", "  "),
        *("--", "-", "-n", "find", "-exec", "sed", "-n 1p", "awk", "'{print}'", "sort", "-o"),
    ]
)


@often(1500)
@given(pieces=st.lists(PIECES, max_size=14), glue=st.sampled_from([" ", ""]))
@example(pieces=["a=(", "x"], glue="")
def test_what_is_allowed_is_made_of_programs_that_read(
    work: World, pieces: list[str], glue: str
) -> None:
    verdict = work.judge(glue.join(pieces)).verdict
    if isinstance(verdict, ReadOnly):
        assert verdict.commands
        readers = {"ls", "cat", "echo", "find", "sed", "awk", "sort", "[", "true"}
        assert {argv[0] for argv in verdict.commands} <= readers


@often(600)
@given(text=st.text(max_size=200))
@example(text="\x00")
@example(text="$" * 500)
@example(text="[" * 500)
@example(text="a=(" * 500)
def test_no_text_makes_it_fail(work: World, text: str) -> None:
    work.judge(text)
    work.judge(f"ls {text}")


@often(300)
@given(data=st.binary(max_size=200))
def test_no_bytes_make_it_fail(work: World, data: bytes) -> None:
    work.judge(data.decode("utf-8", "surrogateescape"))
    work.judge(data.decode("latin-1"))


WORD = st.text(st.sampled_from("ab '\"\\$`!*?[]{}~#;&|<>()=-\t."), min_size=1, max_size=8)


@often(400)
@given(words=st.lists(WORD, min_size=1, max_size=4))
@example(words=["a", "#b", "c"])
@example(words=["-v"])
def test_words_are_read_as_bash_reads_them(words: list[str]) -> None:
    line = "tell " + " ".join(words)
    try:
        commands = list(commands_of(parse(line)))
    except NotUnderstoodError:
        return
    if len(commands) != 1 or commands[0].redirects:
        return
    if any(word.globs for word in commands[0].words):
        return
    assert tuple(word.text for word in commands[0].words[1:]) == _told(line)


def _told(line: str) -> tuple[str, ...]:
    """What bash hands on when it reads a line that begins with `tell`, which only tells that."""
    function = "tell() { for word; do printf '%s\\1' \"$word\"; done; }"
    done = subprocess.run(
        ["/bin/bash", "--noprofile", "--norc", "-r", "-c", f"{function}\n{line}"],
        capture_output=True,
        stdin=subprocess.DEVNULL,
        env={"PATH": "/nonexistent"},
        timeout=20,
        check=False,
    )
    return tuple(done.stdout.decode("utf-8", "surrogateescape").split("\1")[:-1])
