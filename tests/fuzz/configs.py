"""Fuzzing the configuration's reader: TOML from a grammar, with mutated keys, types and bytes.

A file is read, or its problems are told with the file's name and each with its place, and no key in
any of them; and a project's file never loosens anything.
"""

from __future__ import annotations

import atexit
import json
import tempfile
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from chatterm.config import (
    Config,
    ConfigFileError,
    Permissions,
    load_project,
    parse_config,
    tighten,
)
from chatterm.config.example import example_toml
from chatterm.config.schema import EFFORTS, MODES, PROTOCOLS, TOOLS, ProviderConfig, Rule
from fuzz.damage import spoilt
from fuzz.target import Target

HERE = Path("/nowhere/config.toml")
SECRET = "sk-ant-api03-" + "Zq9xV7" * 8

# --- files ------------------------------------------------------------------------------------

_TABLES = [each.name for each in fields(Config)]
_PARTS = [value for name in _TABLES if is_dataclass(value := getattr(Config(), name))]
_KEYS = sorted({each.name for part in (*_PARTS, ProviderConfig, Rule) for each in fields(part)})
_ODD_KEYS = ("", "a.b", "é", "\x1b[31m", "\u202e", "x" * 300, SECRET, "api_key", "token", "0", "-")
_STRINGS = (*PROTOCOLS, *TOOLS, *MODES, *EFFORTS, "openai/gpt-5", "anthropic", "a/b/c", "", " ", "~", "~x",
            "\0", "/etc", "http://a", "https://u:p@h/", "http://h?q", "ftp://h", "allow", "deny", "ask",
            SECRET, "git", "**", "*.example.com", "auto", "\x1b]0;x\x07", "\ud7ff", "x" * 2000)  # fmt: skip
_SCALARS = st.one_of(
    st.sampled_from(_STRINGS).map(json.dumps),
    st.integers(-(2**70), 2**70).map(str),
    st.sampled_from(("true", "false", "nan", "inf", "-inf", "1e400", "0.5", "-0.0", "1979-05-27",
                     "07:32:00", "1979-05-27T07:32:00Z", "0x_1", "0xff", "'''a\nb'''", '"""\n[x]\n"""',
                     "[", "{", "{}", "[]", "[[]]", "[1, 'a']", "00", "1__0", "", "''", '"\\u0000"',
                     '"\\q"', "[" * 200 + "]" * 200, "[" * 3000)),
)  # fmt: skip
_NAMES = st.sampled_from((*_TABLES, *_KEYS, *_ODD_KEYS)) | st.text(max_size=3)


def _key(name: str) -> str:
    bare = name.replace("_", "").replace("-", "").isalnum() and name.isascii()
    return name if bare else json.dumps(name)


_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda each: f"[{', '.join(each)}]"),
        st.lists(st.tuples(_NAMES, inner), max_size=4).map(
            lambda pairs: "{" + ", ".join(f"{_key(k)} = {v}" for k, v in pairs) + "}"
        ),
    ),
    max_leaves=6,
)
_RULES = st.builds(
    "{{ tool = {}, decision = {}, {} }}".format,
    st.sampled_from((*TOOLS, "shel", "")).map(json.dumps),
    st.sampled_from(("allow", "ask", "deny", "Allow", "")).map(json.dumps),
    st.sampled_from(("argv = ['git']", "prefix = true", "path = '**'", "host = 'h'", "argv = []",
                     "argv = ['a'], prefix = true", "x = 1")),
)  # fmt: skip
_LINES = st.one_of(
    st.builds("{} = {}".format, _NAMES.map(_key), _VALUES),
    st.builds("{}.{} = {}".format, _NAMES.map(_key), _NAMES.map(_key), _VALUES),
    st.builds("[{}]".format, _NAMES.map(_key)),
    st.builds("[[{}]]".format, _NAMES.map(_key)),
    st.builds("[providers.{}]".format, _NAMES.map(_key)),
    st.builds("[permissions]\nrules = [{}]".format, st.lists(_RULES, max_size=3).map(", ".join)),
    st.builds("[[permissions.rules]]\ntool = 'shell'\ndecision = {}".format, _VALUES),
    st.builds("permissions.mode = {}".format, st.sampled_from(MODES).map(json.dumps)),
    st.sampled_from(("# a comment", "", "\r", "\ufeff", "model", "=", "[", "]]", '"""', "\0", "\x0b")),
)  # fmt: skip
FILES = st.lists(_LINES, max_size=9).map("\n".join)
_SEEDS = st.lists(st.integers(0, 2**32), max_size=4)


@cache
def _example() -> str:
    """The example with every key in force."""
    lines = example_toml().split("\n")
    return "\n".join(line.removeprefix("# ") if " = " in line else line for line in lines)


@st.composite
def spoilt_files(draw: st.DrawFn) -> bytes:
    """A part of the example, or of a made-up file, with bytes put in, dropped or flipped."""
    whole = draw(st.one_of(FILES, st.just(None)))
    if whole is None:
        lines = _example().split("\n")
        start = draw(st.integers(0, len(lines)))
        whole = "\n".join(lines[start : start + draw(st.integers(0, 60))])
    return spoilt(whole.encode("utf-8", "surrogatepass"), draw(_SEEDS))


# --- checks -----------------------------------------------------------------------------------


def _check_error(error: ConfigFileError, path: Path, data: bytes) -> None:
    """It names the file and a place for each problem, and holds neither a key nor a control."""
    message = str(error)
    assert str(path) in message
    assert error.problems
    for problem in error.problems:
        assert problem.message
        assert problem.key or problem.line or len(error.problems) == 1
        assert problem.line is None or 1 <= problem.line <= data.count(b"\n") + 1
    assert "".join(message.split("\n")).isprintable(), ascii(message)
    assert SECRET not in message


def check_config(data: bytes) -> None:
    """A configuration, or its problems."""
    try:
        config = parse_config(data, HERE)
    except ConfigFileError as error:
        _check_error(error, HERE, data)
    else:
        assert isinstance(config, Config)


@cache
def _project() -> Path:
    top = tempfile.TemporaryDirectory(prefix="chatterm-fuzz-")
    atexit.register(top.cleanup)
    path = Path(top.name).resolve() / ".chatterm" / "config.toml"
    path.parent.mkdir()
    return path


_ORDER = {"plan": 0, "confirm": 1, "caged": 2, "accept-edits": 2, "yolo": 3}


def check_project(data: bytes) -> None:
    """A project's file that isn't trusted tightens, or is refused."""
    path = _project()
    path.write_bytes(data)
    try:
        project = load_project(path)
    except ConfigFileError as error:
        _check_error(error, path, data)
        return
    assert project is not None
    assert not any(rule.decision == "allow" for rule in project.rules)
    own = (Rule(tool="shell", decision="allow", argv=("ls",)),)
    for mode in MODES:
        before = Permissions(mode=mode, rules=own)  # type: ignore[arg-type]
        after = tighten(before, project)
        assert _ORDER[after.mode] <= _ORDER[mode]
        assert after.rules[: len(own)] == own
        assert {rule.decision for rule in after.rules[len(own) :]} <= {"ask", "deny"}


_bytes: st.SearchStrategy[Any] = FILES.map(lambda text: text.encode("utf-8", "surrogatepass"))
_project_files = st.builds(
    lambda a, b: b"\n".join((a, b)), _bytes, _bytes
) | st.lists(
    st.one_of(
        st.builds("[permissions]\nrules = [{}]".format, st.lists(_RULES, max_size=3).map(", ".join)),
        st.builds("[permissions]\nmode = {}".format, st.sampled_from(MODES).map(json.dumps)),
    ),
    max_size=2,
).map(lambda parts: "\n".join(parts).encode())  # fmt: skip

TARGETS = [
    Target("config/grammar", st.tuples(_bytes), check_config, 80),
    Target("config/bytes", st.tuples(spoilt_files()), check_config, 50),
    Target("config/project", st.tuples(_project_files), check_project, 60),
]
