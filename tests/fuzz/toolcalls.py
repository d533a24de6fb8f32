"""Fuzzing what a model calls tools with: any arguments, for every tool; nothing is run but reading.

Arguments are summed up, held against the schema, and judged without an exception but a ToolError;
and whatever reading the gate allows unasked, no secret of the workspace comes of it.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from chatterm.permissions.sandbox.levels import Level
from chatterm.permissions.verdicts import Decision
from chatterm.tools.arguments import check_arguments
from chatterm.tools.base import CallContext, Tool, ToolError, Workbench
from chatterm.tools.registry import NAMES, open_tools
from fuzz.damage import VALUES
from fuzz.gate import EVERYDAY, PATHS, gate, worlds
from fuzz.target import Target

_READING = ("read_file", "list_files", "search")
_SECRETS = ("SECRET=1", "not yours", "secret\n")


def _tool(name: str) -> tuple[Tool, Workbench]:
    world = worlds()[1]
    places = world.surroundings.places
    [tool] = open_tools([name], level=Level.NONE, places=places)
    return tool, Workbench(world.workspace, world.workspace, lambda data: f"{len(data):064x}")


def check_call(name: str, arguments: dict[str, Any]) -> None:
    """A call of any arguments is shown, refused or judged; reading that is allowed tells no secret."""
    tool, bench = _tool(name)
    assert isinstance(tool.summary(arguments), str)
    if problem := check_arguments(tool, arguments):
        assert isinstance(problem, str)
        return
    assert "\n" not in tool.summary(arguments)
    try:
        access = tool.access(arguments, bench)
        judgement = gate(worlds()[1]).judge(name, access)
        assert "error inside chatterm" not in judgement.reason, judgement.reason
        tool.preview(arguments, bench)
        if name in _READING and judgement.decision is Decision.ALLOW:
            _read(tool, bench, arguments, judgement.approved)
    except ToolError as error:
        assert error.message


def _read(
    tool: Tool, bench: Workbench, arguments: dict[str, Any], approved: frozenset[Path]
) -> None:
    context = CallContext(bench, 20.0, 3000, lambda _: None, approved_paths=approved)
    result = asyncio.run(tool.run(arguments, context))
    if result.whole is not None:
        result.whole.unlink()
    assert not any(secret in result.content for secret in _SECRETS), result.content


_TEXTS = st.sampled_from(("", "a", "a line", "SECRET", ".", ".*", "(a+)+b", "[", "\\", "\0", "\ud800", "é",
                          "**/*", "*.txt", "../**", "{a,b}", "!x", "/", "~", "~nobody/x", "http://a/b",
                          "https://[::1/", "file:///etc/passwd", "http://a@b:99999/", "x" * 5000))  # fmt: skip
_NUMBERS = st.sampled_from((0, 1, -1, 2, 5, 10**6, 2**63, 10**30, 0.5, 1.0, float("nan")))
_ARGUMENTS: dict[str, st.SearchStrategy[Any]] = {
    "path": PATHS | _TEXTS,
    "command": _TEXTS | st.sampled_from(EVERYDAY),
    "workdir": PATHS | _TEXTS,
    "writable": st.lists(PATHS | _TEXTS, max_size=3),
    "timeout_s": _NUMBERS,
    "network": st.booleans(),
    "offset": _NUMBERS,
    "limit": _NUMBERS,
    "depth": _NUMBERS,
    "context": _NUMBERS,
    "max_results": _NUMBERS,
    "glob": _TEXTS,
    "pattern": _TEXTS,
    "ignore_case": st.booleans(),
    "content": _TEXTS | st.text(max_size=20),
    "old": _TEXTS,
    "new": _TEXTS,
    "replace_all": st.booleans(),
    "url": _TEXTS,
}
_NEEDED = {
    "shell": ("command",),
    "read_file": ("path",),
    "search": ("pattern",),
    "write_file": ("path", "content"),
    "edit_file": ("path", "old", "new"),
    "fetch_url": ("url",),
}


@st.composite
def calls(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """A tool's name and arguments: mostly ones that it takes, some of another kind."""
    name = draw(st.sampled_from(NAMES))
    [tool] = open_tools([name], level=Level.NONE, places=worlds()[1].surroundings.places)
    arguments: dict[str, Any] = {}
    for key in tool.parameters["properties"]:
        if key in _NEEDED.get(name, ()) or draw(st.integers(0, 2)) == 0:
            odd = draw(st.integers(0, 15)) == 0
            arguments[key] = draw(VALUES if odd else _ARGUMENTS.get(key, VALUES))
    if draw(st.integers(0, 15)) == 0:
        arguments[draw(st.sampled_from(("x", "path", "")))] = draw(VALUES)
    return name, arguments


TARGETS = [Target("tools/calls", calls(), check_call, 60)]
