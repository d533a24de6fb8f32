"""`chatterm permissions`: what the gate says of a command, the rules, trusted directories."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chatterm.cli.saying import say
from chatterm.cli.styles import SETTINGS
from chatterm.errors import ExitStatus, UsageError

if TYPE_CHECKING:
    from chatterm.config import Rule
    from chatterm.config.schema import Decision
    from chatterm.permissions.opening import Ground
    from chatterm.permissions.verdicts import Judgement

app = typer.Typer(
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings=SETTINGS,
    no_args_is_help=True,
)

_Json = Annotated[bool, typer.Option("--json", help="JSON, for programs.")]
_Cwd = Annotated[Path | None, typer.Option("--cwd", metavar="DIR", help="As if in DIR.")]
_Project = Annotated[
    bool, typer.Option("--project", help="Only in this project; kept with your data, not in it.")
]
_Text = Annotated[
    str, typer.Argument(metavar="RULE", help="TOOL, shell:COMMAND, read_file:PATTERN …")
]


@app.callback()
def permissions() -> None:
    """What tools may do: ask the gate, keep rules, trust a directory."""


@app.command()
def check(
    command: Annotated[
        list[str] | None, typer.Argument(metavar="COMMAND", help="The line, after a --.")
    ] = None,
    as_json: _Json = False,
    batch: Annotated[
        bool,
        typer.Option("--batch", help='Judge lines like {"cmd": "ls"} from standard input.'),
    ] = False,
    no_rules: Annotated[bool, typer.Option("--no-rules", help="Leave your rules out.")] = False,
    cwd: _Cwd = None,
) -> None:
    """Say what the gate makes of a shell command, without running anything.

    It is judged for the mode confirm, in a directory that isn't trusted. One word is taken as a
    whole line; several are the words of one command. The exit status is 0 where the line would run
    unasked, 6 where it is asked about or denied; with --batch it tells nothing of the lines.

    \b
      chatterm permissions check -- 'ls | head'
      chatterm permissions check --json -- find . -name '*.py'
    """
    if batch and command:
        raise UsageError("--batch reads the commands from standard input; leave COMMAND out")
    if not batch and not command:
        raise UsageError("there is no COMMAND to check", hint="chatterm permissions check -- ls -l")
    judge = _judge(cwd, no_rules=no_rules)
    if batch:
        for answer in _answers(judge):
            say(json.dumps(answer))
        return
    words = command or []
    judgement = judge(words[0] if len(words) == 1 else shlex.join(words))
    if as_json:
        say(json.dumps(_row(judgement)))
    else:
        say(f"{judgement.decision.value}: {_shown(judgement.reason)}")
        for argv in judgement.commands:
            say(f"  {_shown(shlex.join(argv))}")
        if judgement.rule is not None:
            say(f"  rule: {_shown(json.dumps(judgement.rule, ensure_ascii=False))}")
    if judgement.decision.value != "allow":
        raise typer.Exit(ExitStatus.DENIED)


@app.command("list")
def list_rules(as_json: _Json = False, cwd: _Cwd = None) -> None:
    """List the rules that count here, and whether this directory is trusted."""
    ground = _ground(cwd)
    rows = [
        {"rule": text, "decision": rule.decision, "scope": scope}
        for scope, rule, text in _listed(ground)
    ]
    trusted = ground.workspace is not None and ground.memory.trusts(ground.workspace)
    if as_json:
        for row in rows:
            say(json.dumps(row))
        return
    for row in rows:
        say(f"{row['decision']:<5}  {row['scope']:<10}  {_shown(row['rule'])}")
    where = _shown(str(ground.workspace)) if ground.workspace else "the home directory"
    say(f"{'no rules; ' if not rows else ''}{where} is {'' if trusted else 'not '}trusted")


@app.command()
def add(
    rule: _Text,
    deny: Annotated[bool, typer.Option("--deny", help="Refuse what matches.")] = False,
    ask: Annotated[bool, typer.Option("--ask", help="Ask about what matches.")] = False,
    project: _Project = False,
    cwd: _Cwd = None,
) -> None:
    """Keep a rule that allows what matches, or refuses it, or asks.

    \b
      chatterm permissions add 'shell:pytest -q'          # that command
      chatterm permissions add --project 'shell:make *'   # whatever begins so, here
      chatterm permissions add --deny 'write_file:docs/**'
      chatterm permissions add 'mcp:shop/find'            # a tool that the provider runs
    """
    from chatterm.config import config_path
    from chatterm.permissions.rulewords import rule_of
    from chatterm.permissions.saving import add_rule

    made = rule_of(rule, _decision(deny=deny, ask=ask) or "allow")
    if project:
        ground = _ground(cwd)
        ground.memory.add(_workspace(ground), made)
    else:
        add_rule(config_path().path, made)


@app.command()
def remove(
    rule: _Text,
    deny: Annotated[bool, typer.Option("--deny", help="Only one that refuses.")] = False,
    ask: Annotated[bool, typer.Option("--ask", help="Only one that asks.")] = False,
    project: _Project = False,
    cwd: _Cwd = None,
) -> None:
    """Forget a rule, written as `chatterm permissions list` writes it.

    Without --deny and --ask, whatever it decides.
    """
    from chatterm.config import config_path
    from chatterm.permissions.rulewords import rule_of, words_of
    from chatterm.permissions.saving import remove_rule

    ground = _ground(cwd)
    wanted = words_of(rule_of(rule, "allow"))
    decision = _decision(deny=deny, ask=ask)
    scope = "project" if project else "everywhere"
    found = [
        each
        for where, each, text in _listed(ground)
        if where == scope and text == wanted and decision in (None, each.decision)
    ]
    if not found:
        raise UsageError(
            f"there is no such rule {'for this project' if project else 'for everywhere'}",
            hint="`chatterm permissions list` lists them; with --project those for one project",
        )
    for each in found:
        if project:
            ground.memory.remove(_workspace(ground), each)
        else:
            remove_rule(config_path().path, each)


@app.command()
def trust(cwd: _Cwd = None) -> None:
    """Trust this directory as it is now: git may read there unasked, its own rules may allow."""
    ground = _ground(cwd)
    ground.memory.trust(_workspace(ground))
    say(f"{_shown(str(ground.workspace))} is trusted")


@app.command()
def distrust(cwd: _Cwd = None) -> None:
    """Trust this directory no longer."""
    ground = _ground(cwd)
    ground.memory.distrust(_workspace(ground))
    say(f"{_shown(str(ground.workspace))} is not trusted")


def _decision(*, deny: bool, ask: bool) -> Decision | None:
    """What the options say that a rule decides; None where they say nothing."""
    if deny and ask:
        raise UsageError("--deny and --ask don't go together")
    return "deny" if deny else "ask" if ask else None


def _judge(cwd: Path | None, *, no_rules: bool) -> Callable[[str], Judgement]:
    """What judges lines in a directory: the mode is confirm, and nothing is trusted."""
    from chatterm.permissions.gate import Gate, Posture
    from chatterm.permissions.opening import search_path
    from chatterm.permissions.verdicts import ShellAccess

    ground = _ground(cwd)
    directory = _directory(cwd)
    rules: tuple[Rule, ...] = ()
    if not no_rules:
        rules = tuple(rule for scope, rule, _ in _listed(ground) if scope != "its own")
    # No cage is looked for, as that runs something; the rules count as they do with one.
    posture = Posture(mode="confirm", level_chosen=True)
    gate = Gate(ground.places, posture, rules, search=search_path())
    return lambda line: gate.judge("shell", (ShellAccess(line, directory),))


def _answers(judge: Callable[[str], Judgement]) -> Iterator[dict[str, Any]]:
    for raw in sys.stdin.buffer:
        if not raw.strip():
            continue
        try:
            command = json.loads(raw)["cmd"]
        except (ValueError, KeyError, TypeError, RecursionError):
            command = None
        if isinstance(command, str):
            yield _row(judge(command))
        else:
            reason = 'the line isn\'t JSON like {"cmd": "ls"}'
            yield {"decision": "ask", "class": "unknown", "commands": [], "reason": reason} | {
                "rule": None
            }


def _row(judgement: Judgement) -> dict[str, Any]:
    return {
        "decision": judgement.decision.value,
        "class": judgement.call_class.value,
        "commands": [list(argv) for argv in judgement.commands],
        "reason": judgement.reason,
        "rule": judgement.rule,
    }


def _listed(ground: Ground) -> Iterator[tuple[str, Rule, str]]:
    """The rules that count in a directory: their scope, themselves, and as words."""
    from chatterm.config import config_path, load_config, load_project, project_config_path
    from chatterm.permissions.rulewords import words_of

    where = config_path()
    for rule in load_config(where.path, required=where.explicit).permissions.rules:
        yield "everywhere", rule, words_of(rule)
    if ground.workspace is None:
        return
    for rule in ground.memory.of(ground.workspace).rules:
        yield "project", rule, words_of(rule)
    trusted = ground.memory.trusts(ground.workspace)
    path = project_config_path(ground.workspace)
    project = load_project(path, trusts=lambda _path, _digest: trusted)
    for rule in project.rules if project else ():
        yield "its own", rule, words_of(rule)


def _ground(cwd: Path | None) -> Ground:
    from chatterm.config import workspace
    from chatterm.permissions.opening import Ground

    return Ground.of(workspace(_directory(cwd)))


def _directory(cwd: Path | None) -> Path:
    try:
        found = (cwd or Path()).resolve(strict=True)
    except OSError as error:
        raise UsageError(f"can't work in {cwd or '.'}: {error.strerror or error}") from None
    if not found.is_dir():
        raise UsageError(f"{found} isn't a directory")
    return found


def _workspace(ground: Ground) -> Path:
    if ground.workspace is None:
        raise UsageError("the home directory is no project", hint="go to a project's directory")
    return ground.workspace


def _shown(text: str) -> str:
    from chatterm.render.sanitize import escape_controls

    return escape_controls(text)
