"""Tools by name: those that are asked for, and no module of any other."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from chatterm.config.schema import ToolName
from chatterm.errors import ConfigError
from chatterm.permissions.places import Places
from chatterm.permissions.sandbox.levels import Level
from chatterm.tools.registry import NAMES, open_tools
from filetools import Desk


def test_tools_come_in_the_order_they_are_named_in(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    names = ["search", "shell", "read_file", "list_files", "write_file", "edit_file", "search"]
    tools = open_tools(names, level=Level.NONE, places=desk.places)
    assert [tool.name for tool in tools] == names[:-1]
    assert {tool.name for tool in tools if tool.independent} == {
        *("search", "read_file", "list_files"),
    }


def test_every_tool_that_can_be_configured_is_there() -> None:
    assert set(NAMES) == set(get_args(ToolName))


def test_an_unknown_name_is_an_error_that_lists_the_names() -> None:
    with pytest.raises(ConfigError, match="no tool 'editor'") as error:
        open_tools(["editor"], level=Level.NONE, places=Places(None, None))
    assert "read_file, list_files, search" in error.value.hint


def test_a_tool_that_is_not_asked_for_is_not_loaded() -> None:
    code = (
        "import sys; from chatterm.tools.registry import open_tools;"
        "from chatterm.permissions.places import Places;"
        "from chatterm.permissions.sandbox.levels import Level;"
        "open_tools(['read_file'], level=Level.NONE, places=Places(None, None));"
        "print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    loaded = set(done.stdout.split())
    assert "chatterm.tools.read_file" in loaded
    assert loaded.isdisjoint(
        {
            *("chatterm.tools.search", "chatterm.tools.shell", "chatterm.tools.edit_file"),
            *("chatterm.tools.fetch_url", "pathspec", "jsonschema", "difflib", "httpx"),
        }
    )
