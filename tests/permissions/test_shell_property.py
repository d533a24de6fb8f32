"""What holds of every shell line, however it came about."""

from __future__ import annotations

import random
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatterm.permissions.shell.analysis import Analysis
from chatterm.permissions.shell.structure import commands_of
from chatterm.permissions.shell.syntax import parse
from chatterm.permissions.shell.words import NotUnderstoodError
from chatterm.permissions.verdicts import NeedsApproval, ReadOnly, Unknown
from shellworld import World, clean_world, lines_of, mined_world

CLEAN = [line["cmd"] for line in lines_of("dangerous") if "where" not in line]
MINED = [line["cmd"] for line in lines_of("dangerous") if "where" in line]
EVERYDAY = [line["cmd"] for line in lines_of("everyday")]
# What follows a backslash at the end would belong to it.
SHORT = [line for line in CLEAN if len(line) < 300 and not line.endswith("\\")]

TOKENS = (
    *("ls", "cat", "grep", "rg", "find", "sed", "awk", "jq", "sort", "uniq", "cd", "git", "echo"),
    *("rm", "sh", "bash", "xargs", "env", "test", "[", "]", "[[", "]]", "((", "))", "command"),
    *(
        "|",
        "||",
        "&&",
        "&",
        ";",
        ";;",
        "(",
        ")",
        "{",
        "}",
        "<",
        ">",
        ">>",
        "2>&1",
        ">&",
        "<(",
        "$(",
    ),
    *("`", "'", '"', "\\", "$x", "${x}", "$'a'", "~", "*", "?", "[a]", "!", "#", "\n", "\t", "\r"),
    *("-o", "-i", "-n", "-e", "--", "-", "-exec", "-delete", "--output=x", "--pre", "-c", "-v"),
    *("a.txt", ".env", "/etc/passwd", "src", "../x", "p", "w out", "{print}", "<<EOF", "EOF", "if"),
    *(
        "then",
        "fi",
        "for",
        "in",
        "do",
        "done",
        "while",
        "case",
        "esac",
        "function",
        "x=1",
        "coproc",
    ),
    *("\u202e", "\u200b", "\u00a0", "é", "\0", "\ud800", "/dev/null", "2>/dev/null", "time"),
)


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, World]]:
    """The clean and the mined one."""
    with pytest.MonkeyPatch.context() as patch:
        top = tmp_path_factory.mktemp("worlds").resolve()
        yield clean_world(top, patch), mined_world(top, patch)


def examples(most: int) -> settings:
    return settings(
        max_examples=most,
        derandomize=True,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )


def judged(analysis: Analysis) -> bool:
    return isinstance(analysis.verdict, (ReadOnly, NeedsApproval, Unknown))


# --- what asks, asks however it is spelt ---


def requoted(line: str, dice: random.Random) -> str:
    """The line as bash reads it, spelt in another way; as it is where a quotation isn't plain."""
    pieces = re.findall(r"[ \t]+|'[^']*'|\"[^\"\\$`]*\"|[A-Za-z0-9_./=,:+-]+|.", line, re.DOTALL)
    out = []
    for number, piece in enumerate(pieces):
        if re.fullmatch(r"[ \t]+", piece):
            out.append(piece * dice.choice((1, 1, 2)))
        elif re.fullmatch(r"'[^'\"\\$`!]*'", piece):
            out.append(dice.choice((piece, f'"{piece[1:-1]}"')))
        elif re.fullmatch(r"\"[^'\"\\$`!]*\"", piece):
            out.append(dice.choice((piece, f"'{piece[1:-1]}'")))
        elif re.fullmatch(r"[A-Za-z0-9_./=,:+-]+", piece) and _outside(pieces[:number]):
            out.append(_requoted_word(piece, dice))
        else:
            out.append(piece)
    return "".join(out) + dice.choice(("", "", " ", ";", " ;", "\n"))


def _outside(before: list[str]) -> bool:
    """Whether no quotation that is left open, and nothing that isn't plain, comes before."""
    return not any(piece in {"'", '"', "`", "\\", "$", "<", "#"} for piece in before)


def _requoted_word(word: str, dice: random.Random) -> str:
    if word.isdigit():
        return word  # it may be a descriptor, which it is no more in quotes
    at = dice.randrange(len(word) + 1)
    match dice.randrange(7):
        case 0:
            return f"'{word}'"
        case 1:
            return f'"{word}"'
        case 2:
            return f"{word[:at]}''{word[at:]}"
        case 3:
            return f'{word[:at]}""{word[at:]}'
        case 4:
            return f"{word[:at]}\\{word[at:]}" if at < len(word) else word
        case 5:
            return f"'{word[:at]}'\"{word[at:]}\""
        case _:
            return word


@examples(400)
@given(line=st.sampled_from(SHORT), seed=st.integers(0, 1000))
def test_a_line_that_asks_still_asks_when_its_quoting_differs(worlds, line, seed) -> None:
    spelt = requoted(line, random.Random(seed))
    assert not isinstance(worlds[0].judge(spelt).verdict, ReadOnly), ascii(spelt)


@examples(150)
@given(line=st.sampled_from(MINED), seed=st.integers(0, 1000))
def test_a_secret_is_one_however_its_name_is_quoted(worlds, line, seed) -> None:
    spelt = requoted(line, random.Random(seed))
    assert not isinstance(worlds[1].judge(spelt).verdict, ReadOnly), ascii(spelt)


@examples(200)
@given(
    st.sampled_from(EVERYDAY),
    st.sampled_from(SHORT),
    st.sampled_from((" ; ", " && ", " || ", " | ", "\n", ";", "|", "|&", "& ")),
    st.booleans(),
)
def test_what_asks_asks_in_company_too(worlds, everyday, dangerous, between, first) -> None:
    if not dangerous.strip() or dangerous.lstrip()[0] in "#|;&" or "/dev/null" in dangerous:
        return  # nothing, or half a command, which something before it may complete
    if "cd" in everyday or "#" in everyday or "cd" in dangerous:
        return  # from another directory another file is meant
    pair = (dangerous, everyday) if first else (everyday, dangerous)
    line = between.join(pair)
    assert not isinstance(worlds[0].judge(line).verdict, ReadOnly), ascii(line)


# --- nothing raises ---


@examples(300)
@given(st.text(max_size=200))
def test_any_text_is_judged(worlds, text) -> None:
    assert judged(worlds[0].judge(text))


@examples(200)
@given(st.binary(max_size=200))
def test_any_bytes_are_judged(worlds, data) -> None:
    assert judged(worlds[1].judge(data.decode("utf-8", "surrogateescape")))


@examples(600)
@given(st.lists(st.sampled_from(TOKENS), max_size=25), st.sampled_from((" ", "")))
def test_any_row_of_tokens_is_judged(worlds, tokens, between) -> None:
    line = between.join(tokens)
    assert judged(worlds[1].judge(line))
    assert judged(worlds[1].judge(line, trusted=True))


@examples(300)
@given(line=st.sampled_from(EVERYDAY), at=st.integers(0, 80), put=st.sampled_from(TOKENS))
def test_a_token_put_into_an_everyday_line_makes_it_no_unnoticed_danger(worlds, line, at, put):
    changed = f"{line[:at]} {put} {line[at:]}"
    verdict = worlds[0].judge(changed).verdict
    if isinstance(verdict, ReadOnly):
        programs = {argv[0] for argv in verdict.commands}
        assert not programs & {"rm", "sh", "bash", "xargs", "env", "time"}, changed
        # To these `-exec` is a pattern, or words; to date, `-delete` is the date `elete`; to diff,
        # `-exec` is an ed script of all but what is named `ec`; to join it puts `xec` into gaps.
        patterns = {"echo", "rg", "grep", "egrep", "fgrep", "date", "diff", "join"}
        words = {word for argv in verdict.commands if argv[0] not in patterns for word in argv}
        assert not words & {"-delete", "-exec", "--output=x", "--pre"}, changed


# --- the words are those that bash gives a program ---

PIECES = st.sampled_from(
    (
        *("a", "b1", "-n", "x.y", "/", "=", "%", "@", "+", ":", ",", "^", "é", "日本"),
        *("'a b'", "'*'", "'$x'", "'\\'", "'\"'", "'~'", "'#'", "''", "'`x`'", "'é'", "'{a,b}'"),
        *('"a b"', '"\'"', '"\\""', '"\\\\"', '"\\$x"', '"\\a"', '"$"', '"a$"', '"#"', '"$/"'),
        *('"*"', '""', '"~"', '"!"', '"\\`"', '"$)"', '"a\\*b"', "'a\nb'", '"a\nb"', "]", "x~"),
        *("a#b", "\\(", "\\;", "\\!", "\\a", "\\", "$x", "~", "{a,b}", "{", "}", "!", "#", "$'a'"),
    )
)


@pytest.fixture(scope="module")
def bash(tmp_path_factory: pytest.TempPathFactory) -> Iterator[subprocess.Popen[bytes]]:
    """One bash that tells the words of `printf` lines, in an empty directory."""
    program = shutil.which("bash")
    if program is None:
        pytest.skip("bash isn't installed")
    script = "while IFS= read -r -d '' line; do eval \"$line\"; printf '\\1'; done"
    with subprocess.Popen(
        [program, "--norc", "--noprofile", "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=tmp_path_factory.mktemp("empty"),
        env={"PATH": "/nonexistent", "HOME": "/nonexistent", "LC_ALL": "C.UTF-8"},
    ) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


def words_of(bash: subprocess.Popen[bytes], words: str) -> list[str]:
    assert bash.stdin is not None
    assert bash.stdout is not None
    bash.stdin.write(f"builtin printf '%s\\2' first {words}\0".encode())
    bash.stdin.flush()
    found = b""
    while not found.endswith(b"\1"):
        found += bash.stdout.read(1)
    return found[:-1].decode().split("\2")[1:-1]


@examples(500)
@given(st.lists(st.lists(PIECES, min_size=1, max_size=4).map("".join), min_size=1, max_size=5))
def test_the_words_are_those_that_bash_finds(bash, words) -> None:
    line = " ".join(words)
    try:
        statement = parse(f"echo first {line}")
    except NotUnderstoodError:
        return
    commands = list(commands_of(statement))
    if len(commands) != 1 or any(word.globs for word in commands[0].words):
        return
    # What is run is only printf, with words that the strict reader has found to expand to nothing.
    assert [word.text for word in commands[0].words[2:]] == words_of(bash, line)


# --- where cd leads ---


def wandering(dice: random.Random, depth: int = 0) -> str:
    """A line of `cd` and of what does nothing, joined, piped, negated, grouped and redirected."""
    line = _step(dice, depth)
    for _ in range(dice.randrange(4)):
        line += dice.choice((" && ", " || ", "; ", "\n", " | ", " |& ")) + _step(dice, depth)
    return line


def _step(dice: random.Random, depth: int) -> str:
    steps = ("cd ..", "cd a", "cd b", "cd ./a", "true", "false", "echo x")
    step = dice.choice(steps) if depth > 1 or dice.random() < 0.8 else ""
    step = step or f"({wandering(dice, depth + 1)})"
    step += dice.choice(("", "", "", " 2>/dev/null", " >/dev/null", " 2>&1"))
    return f"! {step}" if dice.random() < 0.2 else step


def test_cd_is_followed_to_where_bash_goes(tmp_path: Path, monkeypatch) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("bash isn't installed")
    world = clean_world(tmp_path.resolve(), monkeypatch)
    maze = world.workspace / "maze"
    for deepest in ("a/b/a/b", "b/a/b/a", "a/a/a/a", "b/b/b/b"):
        (maze / deepest).mkdir(parents=True)
    rooms = [maze, *(path for path in maze.rglob("*"))]
    names = {room: f"here-{number}" for number, room in enumerate(rooms)}
    for room, name in names.items():
        (room / name).symlink_to(tmp_path / "elsewhere/file.txt")
    lines = [f"cd maze/a/b && cd .\n{wandering(random.Random(seed))}" for seed in range(400)]
    # Only builtins that change nothing are run here.
    script = "".join(
        f"( eval {shlex.quote(line)}\nprintf '\\1%s\\2' \"$PWD\" )\n" for line in lines
    )
    done = subprocess.run(
        [bash, "--norc", "--noprofile", "-c", script],
        env={"PATH": "/nonexistent", "HOME": "/nonexistent"},
        cwd=world.workspace,
        capture_output=True,
        text=True,
        check=False,
    )
    ends = [Path(end) for end in re.findall("\1([^\2]*)\2", done.stdout)]
    assert len(ends) == len(lines)
    for line, end in zip(lines, ends, strict=True):
        if end in names:  # from there, and from nowhere else, the link leads outside
            judged = world.judge(f"{line}\ncat {names[end]}")
            assert not isinstance(judged.verdict, ReadOnly), ascii(line)


def test_a_world_is_judged_alike_wherever_it_stands(tmp_path: Path, worlds) -> None:
    with pytest.MonkeyPatch.context() as patch:
        other = clean_world(tmp_path.resolve(), patch)
        for line in EVERYDAY[::10]:
            assert type(other.judge(line).verdict) is type(worlds[0].judge(line).verdict)
