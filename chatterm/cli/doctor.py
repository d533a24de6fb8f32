"""`chatterm doctor`: what this machine offers, and what is missing."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chatterm.cli.saying import say
from chatterm.cli.styles import SETTINGS

if TYPE_CHECKING:
    from chatterm.config import Config

app = typer.Typer(
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings=SETTINGS,
)


@app.command()
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, for programs.")] = False,
) -> int:
    """Look at everything that chatterm needs or could use here, and change nothing.

    Providers that have a key are asked for their models. Ends with 3 when the configuration is
    broken; whatever else is missing is only told.
    """
    from chatterm.cli import doctor_checks as checks
    from chatterm.errors import ExitStatus

    config, problems = checks.configuration()
    report: dict[str, Any] = {
        **checks.versions(),
        "paths": checks.paths(),
        "problems": problems,
        **asyncio.run(_looked_around(config)),
        "terminal": checks.terminal(os.environ),
        "store": checks.store(),
        "tools": checks.tools(os.environ),
    }
    if as_json:
        import json

        say(json.dumps(report))
    else:
        _print(report)
    return ExitStatus.CONFIG if problems else ExitStatus.COMPLETED


async def _looked_around(config: Config) -> dict[str, Any]:
    """What takes a while to find out, all at once."""
    from chatterm.cli import doctor_checks as checks

    providers, servers, keyring, sandbox = await asyncio.gather(
        checks.providers(config, os.environ),
        checks.servers(config),
        asyncio.to_thread(checks.keyring),
        asyncio.to_thread(checks.sandbox),
    )
    return {"providers": providers, "servers": servers, "keyring": keyring, "sandbox": sandbox}


def _print(report: dict[str, Any]) -> None:
    import sys

    from chatterm.cli.doctor_text import heading, laid_out, tables
    from chatterm.render.console import is_terminal, wants_colour
    from chatterm.render.sanitize import sanitize_line

    marks = {"ok": "32", "!!": "31"} if wants_colour(sys.stdout) else {}
    width = report["terminal"]["columns"] if is_terminal(sys.stdout) else None
    say(sanitize_line(heading(report)))
    for subject, found in tables(report).items():
        say("")
        say(subject)
        rows = [(mark, sanitize_line(name), sanitize_line(text)) for mark, name, text in found]
        for mark, text in laid_out(rows, width):
            shown = f"\x1b[{marks[mark]}m{mark}\x1b[0m" if mark in marks else mark
            say(f"  {shown}  {text}" if mark else text)
