"""`chatterm history`: conversations that were held: list, read, search, export, change."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chatterm.cli import completing
from chatterm.cli.saying import say
from chatterm.cli.styles import SETTINGS

if TYPE_CHECKING:
    from chatterm.store import Filter, Store

app = typer.Typer(
    help="Conversations that were held: list, read, search, export, change.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    context_settings=SETTINGS,
)

_Id = Annotated[
    str,
    typer.Argument(
        metavar="ID",
        help="The conversation; a unique prefix will do.",
        autocompletion=completing.conversations,
    ),
]
_Json = Annotated[bool, typer.Option("--json", help="One JSON object a line, for programs.")]
_Directory = Annotated[
    Path | None, typer.Option("--directory", metavar="DIR", help="Only those held in DIR.")
]
_Model = Annotated[
    str | None,
    typer.Option(
        "-m",
        "--model",
        metavar="NAME",
        help="Only those with this model.",
        autocompletion=completing.models,
    ),
]
_Since = Annotated[
    str | None, typer.Option("--since", metavar="DATE", help="Only from this day on (2026-01-31).")
]
_Until = Annotated[
    str | None, typer.Option("--until", metavar="DATE", help="Only up to this day, inclusive.")
]

_Server = Annotated[
    str | None,
    typer.Option("--server", metavar="PROVIDER", help="One that this provider's server keeps."),
]


@app.command("list")
def list_conversations(
    directory: _Directory = None,
    model: _Model = None,
    since: _Since = None,
    until: _Until = None,
    limit: Annotated[
        int, typer.Option("-n", "--limit", min=0, metavar="N", help="At most N; 0 for all.")
    ] = 50,
    server: Annotated[
        str | None,
        typer.Option("--server", metavar="PROVIDER", help="Those that its server keeps instead."),
    ] = None,
    as_json: _Json = False,
) -> None:
    """List conversations, the newest first.

    With --server they are those that a Lightspeed or Luxx server keeps: `history fetch` brings one
    here, to be read and gone on with.
    """
    if server is not None:
        from chatterm.cli.history_server import list_kept
        from chatterm.errors import UsageError

        if directory or model or since or until:
            raise UsageError("--server lists all that the server keeps: only --limit goes with it")
        list_kept(server, limit, as_json=as_json)
        return
    from chatterm.cli.history_output import print_rows

    with _store() as store:
        rows = store.list(_filter(directory, model, since, until), limit=limit or None)
    print_rows(rows, as_json=as_json)


@app.command()
def show(conversation: _Id) -> None:
    """Print a conversation: rendered on a terminal, as Markdown elsewhere."""
    from chatterm.cli.history_output import print_markdown
    from chatterm.transcripts.markdown import to_markdown

    with _store() as store:
        found = store.find(conversation)
        print_markdown(to_markdown(found, store.turns(store.path(found.id))))


@app.command()
def search(
    words: Annotated[list[str], typer.Argument(metavar="WORDS", help="All of them must occur.")],
    directory: _Directory = None,
    model: _Model = None,
    since: _Since = None,
    until: _Until = None,
    limit: Annotated[
        int, typer.Option("-n", "--limit", min=1, metavar="N", help="At most N.")
    ] = 20,
    as_json: _Json = False,
) -> None:
    """Search everything that was said, thought, called and answered."""
    from chatterm.cli.history_output import print_hits

    with _store() as store:
        wanted = _filter(directory, model, since, until)
        hits = store.search(" ".join(words), limit=limit, filter=wanted)
    print_hits(hits, as_json=as_json)


@app.command()
def export(
    conversation: _Id,
    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="md|html|jsonl|txt",
            help="How it is written; else as FILE's name says, or as Markdown.",
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Write it there.")
    ] = None,
) -> None:
    """Write a conversation out; `jsonl` holds everything and can be imported again."""
    from chatterm.errors import UsageError
    from chatterm.oneshot.output import FileOutput, standard_output
    from chatterm.render.console import print_error
    from chatterm.transcripts.exporting import FORMATS, exported, format_of

    form = form if form is not None else format_of(output)
    if form not in FORMATS:
        raise UsageError(f"there is no format {form!a}", hint="there are md, html, jsonl and txt")
    with _store() as store:
        found = store.find(conversation)
        target = FileOutput(output) if output else standard_output()
        whole = False
        try:
            for piece in exported(store, found, form, print_error):
                target.write_bytes(piece)
            whole = True
        finally:
            target.close(keep=whole)


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What to import.")],
) -> None:
    """Import our own JSON Lines, ChatGPT's or Claude's data export, or llm's log database.

    What it is, is recognised by its content. Importing what is there already changes nothing.
    """
    from chatterm.importing import recognise
    from chatterm.render.console import print_line
    from chatterm.render.sanitize import sanitize_line

    importer = recognise(file)
    added = updated = turns = 0
    with _store() as store:
        for conversation, recorded, blobs in importer:
            result = store.merge(conversation, recorded, blobs)
            added += result.conversations_added
            updated += result.conversations_updated
            turns += result.turns_added
    for warning in importer.warnings:
        print_line(f"chatterm: {sanitize_line(warning)}")
    say(f"{_count(added, 'conversation')} added, {updated} changed, {_count(turns, 'turn')} new")


@app.command()
def fetch(
    provider: Annotated[str, typer.Argument(metavar="PROVIDER", help="Whose server keeps it.")],
    conversation: Annotated[
        str, typer.Argument(metavar="ID", help="Its id there; a unique prefix will do.")
    ],
) -> None:
    """Bring a conversation that a server keeps here, or up to date; prints the id it has here.

    The next question in it (`ask -r ID`, `chatterm -r ID`) goes on in the server's own
    conversation. What was said here meanwhile is kept, as a branch where need be.
    """
    from chatterm.cli.history_server import fetch_kept

    fetch_kept(provider, conversation)


@app.command()
def fork(
    conversation: _Id,
    at: Annotated[
        str | None,
        typer.Option(metavar="STEP", help="Go on after the turn of this step, not after the last."),
    ] = None,
) -> None:
    """Begin a new conversation that shares this one's past; prints its id."""
    with _store() as store:
        say(store.fork(store.find(conversation).id, at=at).id)


@app.command()
def undo(
    conversation: _Id,
    step: Annotated[
        str | None,
        typer.Argument(metavar="STEP", help="The call to take back; without it they are listed."),
    ] = None,
    and_later: Annotated[
        bool, typer.Option("--and-later", help="Take back the edits after it, too.")
    ] = False,
) -> None:
    """Take back what a tool changed in files, as long as they haven't changed since.

    Without STEP the edits of the conversation are listed. What commands changed isn't covered.
    """
    from chatterm.cli.history_undo import list_edits, undo_edits

    if step is None:
        if and_later:
            from chatterm.errors import UsageError

            raise UsageError("--and-later needs the STEP to begin with")
        list_edits(conversation)
    else:
        undo_edits(conversation, step, and_later=and_later)


@app.command()
def delete(
    conversation: _Id,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
    server: _Server = None,
) -> int:
    """Delete a conversation for good.

    A copy that a server keeps stays there; with --server that one is deleted, and what is here
    stays.
    """
    from chatterm.cli.history_server import delete_kept, tell_kept
    from chatterm.errors import ExitStatus
    from chatterm.render.sanitize import sanitize_line

    if server is not None:
        delete_kept(server, conversation, lambda name: yes or _confirmed(name))
        return ExitStatus.COMPLETED
    with _store() as store:
        found = store.find(conversation)
        name = f"{found.id}  {sanitize_line(found.title)}"
        if not (yes or _confirmed(name)):
            return ExitStatus.COMPLETED
        tell = tell_kept(store, found.id)
        store.delete(found.id)
    say(f"deleted {name}")
    tell()
    return ExitStatus.COMPLETED


def _confirmed(name: str) -> bool:
    from chatterm.errors import UsageError
    from chatterm.render.console import is_terminal
    from chatterm.render.wordwrap import width_of, wrapped

    if not is_terminal(sys.stdin):
        raise UsageError("nobody can be asked whether to delete it", hint="add --yes")
    answers = " [y/N]: "
    question = wrapped(f"delete {name}?", width_of(sys.stderr) - len(answers))
    return typer.confirm(question, default=False, err=True)


@app.command()
def title(
    conversation: _Id,
    text: Annotated[list[str], typer.Argument(metavar="TEXT", help="The new title.")],
    server: _Server = None,
) -> None:
    """Give a conversation a title; with --server one that a server keeps, there."""
    from chatterm.errors import UsageError

    words = " ".join(" ".join(text).split())
    if not words:
        raise UsageError("the title is empty")
    if server is not None:
        from chatterm.cli.history_server import rename_kept

        rename_kept(server, conversation, words)
        return
    with _store() as store:
        store.set_title(store.find(conversation).id, words, "user")


@app.command()
def compact(
    conversation: _Id,
    undo: Annotated[bool, typer.Option("--undo", help="Send everything again.")] = False,
    model: Annotated[
        str | None, typer.Option("-m", "--model", metavar="NAME", help="Who makes the summary.")
    ] = None,
) -> int:
    """Have older turns summarised for the model; nothing is deleted, and it can be undone."""
    from chatterm.cli.history_compact import compact_conversation, expand_conversation

    if undo:
        return expand_conversation(conversation)
    return compact_conversation(conversation, model)


def _store() -> Store:
    from chatterm.cli.opening import open_store

    return open_store()


def _filter(
    directory: Path | None, model: str | None, since: str | None, until: str | None
) -> Filter:
    from chatterm.store import Filter

    return Filter(
        directory=str(directory.resolve()) if directory else None,
        model=model,
        since=_day(since) if since else None,
        until=_day(until, after=True) if until else None,
    )


def _day(text: str, *, after: bool = False) -> str:
    """A day in local time as the UTC time of its beginning, or of the day's after it."""
    from datetime import UTC, datetime, timedelta

    from chatterm.errors import UsageError

    try:
        day = datetime.strptime(text, "%Y-%m-%d").astimezone()
    except ValueError as error:
        raise UsageError(f"{text!a} is not a date", hint="for example 2026-01-31") from error
    if after:
        day += timedelta(days=1)
    return day.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
