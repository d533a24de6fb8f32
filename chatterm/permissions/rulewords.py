"""Rules as words: how the command line and lists write them, and how the configuration does.

`TOOL` is about every call of a tool. `shell:WORDS` is about one command, its words quoted as for a
shell, and with ` *` at its end about whatever begins so. `read_file:PATTERN` (or another file tool)
is about paths, and `fetch_url:HOST` about a host. `mcp:SERVER/TOOL` is about a tool that the
provider's own server would run, `mcp:SERVER` about all tools of that server.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import asdict
from difflib import get_close_matches
from typing import Any, cast

from chatterm.config.schema import RULE_TOOLS, Decision, Rule, RuleTool
from chatterm.errors import UsageError

_SYNTAX = (
    "a rule is TOOL, shell:COMMAND, shell:BEGINNING *, read_file:PATTERN, fetch_url:HOST or "
    "mcp:SERVER/TOOL"
)

_QUOTED = r"""\\.|'[^']*'|"(?:\\.|[^"\\])*["]"""


def rule_of(text: str, decision: Decision) -> Rule:
    """The rule that a text stands for.

    Raises:
        UsageError: It stands for none.
    """
    name, colon, about = text.strip().partition(":")
    name, about = name.strip(), about.strip()
    if name not in RULE_TOOLS:
        near = get_close_matches(name, RULE_TOOLS, 1)
        meant = f"; did you mean {near[0]}?" if near else f"; there are {', '.join(RULE_TOOLS)}"
        raise UsageError(
            f"there is no tool {name[:40]!a} to make a rule about{meant}", hint=_SYNTAX
        )
    tool = cast("RuleTool", name)
    if not colon:
        return Rule(tool=tool, decision=decision)
    if not about:
        raise UsageError(f"nothing follows the colon of {text[:80]!a}", hint=_SYNTAX)
    if tool == "shell":
        return _about_command(about, decision)
    if tool == "fetch_url":
        return Rule(tool=tool, decision=decision, host=about)
    if tool == "mcp":
        return Rule(tool=tool, decision=decision, remote=about)
    return Rule(tool=tool, decision=decision, path=about)


def _about_command(text: str, decision: Decision) -> Rule:
    try:
        words = shlex.split(text)
    except ValueError as error:
        problem = str(error).lower()
        raise UsageError(f"the rule shell:{text[:80]} can't be read: {problem}") from None
    if (operator := _operator_in(text)) is not None:
        raise UsageError(
            f"the rule shell:{text[:80]} holds {operator}: a rule is about one command",
            hint="make one for each command of a line; quote what is a word: shell:grep 'a|b'",
        )
    prefix = len(words) > 1 and text.endswith(" *")
    if prefix:
        words.pop()
    if not words or not words[0]:
        raise UsageError("a rule about a command needs its words", hint=_SYNTAX)
    return Rule(tool="shell", decision=decision, argv=tuple(words), prefix=prefix)


def _operator_in(text: str) -> str | None:
    """What isn't a word in a command's text, but means something to a shell; unquoted."""
    bare = re.sub(_QUOTED, "", text, flags=re.DOTALL)
    found = re.search(r"[|&;<>()]+|[`\n]", bare)
    return None if found is None else "a line's end" if found[0] == "\n" else found[0]


def words_of(rule: Rule) -> str:
    """A rule as `rule_of` reads it, its decision left out."""
    if rule.argv is not None:
        return f"shell:{shlex.join(rule.argv)}{' *' if rule.prefix else ''}"
    about = rule.path or rule.host or rule.remote
    return f"{rule.tool}:{about}" if about else rule.tool


def table_of(rule: Rule) -> dict[str, Any]:
    """A rule as the configuration and the events write it."""
    given = {name: value for name, value in asdict(rule).items() if value not in (None, False)}
    if rule.argv is not None:
        given["argv"] = list(rule.argv)
    return given
