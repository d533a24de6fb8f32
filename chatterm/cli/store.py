"""`chatterm store`: the health and size of what is kept."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from chatterm.cli.opening import open_store
from chatterm.cli.saying import say
from chatterm.cli.styles import SETTINGS

app = typer.Typer(
    help="The conversation store: check, back up, compact.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    context_settings=SETTINGS,
)


@app.command()
def check() -> int:
    """Look for damage; ends with 7 when there is any."""
    from chatterm.errors import ExitStatus
    from chatterm.render.sanitize import sanitize_line

    with open_store() as store:
        problems = store.check()
    for problem in problems:
        say(sanitize_line(problem))
    if not problems:
        say("ok")
    return ExitStatus.STORE if problems else ExitStatus.COMPLETED


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where the copy goes.")],
) -> None:
    """Write a whole copy of the store, while it is in use."""
    with open_store() as store:
        store.backup(file)
    say(str(file))


@app.command()
def compact() -> None:
    """Rebuild the search index and give unused space back to the disk."""
    with open_store() as store:
        store.reindex()
        before, after = store.compact()
    say(f"{before:,} → {after:,} bytes")
