"""`chatterm ask`: one question, one answer."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from chatterm.cli import completing
from chatterm.cli.styles import SETTINGS
from chatterm.oneshot.options import AskOptions, Format

app = typer.Typer(
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings=SETTINGS,
)


@app.command()
def ask(
    prompt: Annotated[
        list[str] | None,
        typer.Argument(metavar="PROMPT", help="The question; - reads it from stdin."),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "-m",
            "--model",
            metavar="NAME",
            help="provider/model, or an alias.",
            autocompletion=completing.models,
        ),
    ] = None,
    system: Annotated[
        str | None, typer.Option("-s", "--system", metavar="TEXT", help="The system prompt.")
    ] = None,
    template: Annotated[
        str | None,
        typer.Option(
            "-t", "--template", metavar="NAME", help="Give PROMPT's words to that template."
        ),
    ] = None,
    list_templates: Annotated[
        bool, typer.Option("--list-templates", help="List the templates there are.")
    ] = False,
    instructions: Annotated[
        bool | None,
        typer.Option(
            "--instructions/--no-instructions",
            help="Send AGENTS.md and its like; with --tool they are sent.",
        ),
    ] = None,
    attach: Annotated[
        list[Path] | None,
        typer.Option("-a", "--attach", metavar="FILE", help="Send a text, image or PDF file too."),
    ] = None,
    go_on: Annotated[
        bool, typer.Option("-c", "--continue", help="Go on with the last one asked here.")
    ] = False,
    resume: Annotated[
        str | None,
        typer.Option(
            "-r",
            "--resume",
            metavar="ID",
            help="Go on with that conversation.",
            autocompletion=completing.conversations,
        ),
    ] = None,
    output_format: Annotated[
        Format | None,
        typer.Option(
            "--format",
            metavar="pretty|text|json|jsonl",
            help="pretty on a terminal, else text, unless given.",
        ),
    ] = None,
    extract: Annotated[
        bool, typer.Option("-x", "--extract", help="Print only the first code block.")
    ] = False,
    schema: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Ask for JSON that fits this JSON Schema; print it."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Write the answer there.")
    ] = None,
    effort: Annotated[
        str | None,
        typer.Option(
            metavar="LEVEL",
            help="How hard to think: low, medium, high …",
            autocompletion=completing.efforts,
        ),
    ] = None,
    thinking: Annotated[
        bool | None, typer.Option("--thinking/--no-thinking", help="Show thinking on stderr.")
    ] = None,
    no_stdin: Annotated[
        bool, typer.Option("-n", "--no-stdin", help="Leave standard input alone.")
    ] = False,
    max_rounds: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="The most model calls.")
    ] = None,
    timeout: Annotated[
        float | None,
        typer.Option(min=0.001, metavar="S", help="Give up so many seconds after asking."),
    ] = None,
    cwd: Annotated[Path | None, typer.Option(metavar="DIR", help="Work in this directory.")] = None,
    capture: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write the raw traffic there, without keys.")
    ] = None,
    sanitize: Annotated[
        bool, typer.Option("--sanitize", help="Strip control sequences, into a pipe too.")
    ] = False,
    quiet: Annotated[
        bool, typer.Option("-q", "--quiet", help="Nothing on stderr but errors.")
    ] = False,
    no_input: Annotated[
        bool, typer.Option("--no-input", help="Never ask anything on the terminal.")
    ] = False,
    tool: Annotated[
        list[str] | None,
        typer.Option(
            "-T",
            "--tool",
            metavar="NAME",
            help="Let the model use a tool, or all.",
            autocompletion=completing.tools,
        ),
    ] = None,
    allow: Annotated[
        list[str] | None,
        typer.Option(metavar="RULE", help="Allow what matches: TOOL, shell:COMMAND …"),
    ] = None,
    deny: Annotated[
        list[str] | None, typer.Option(metavar="RULE", help="Refuse what matches.")
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Allow all that no rule denies; needs a sandbox.")
    ] = False,
    sandbox: Annotated[
        str | None,
        typer.Option(
            metavar="LEVEL",
            help="auto, bubblewrap, landlock, sandbox-exec or none.",
            autocompletion=completing.sandboxes,
        ),
    ] = None,
    no_save: Annotated[
        bool, typer.Option("--no-save", help="Don't keep the conversation.")
    ] = False,
) -> int:
    """Ask one question and print the answer.

    The prompt and standard input go together; either alone is taken as it is.

    \b
      chatterm ask "why is the sky blue?"
      git diff | chatterm ask "write a commit message" > message
      chatterm ask -x "a shell line that counts files" | sh
      chatterm ask --schema person.json -a letter.txt "who wrote this?"
      chatterm ask -t translate French < letter.txt

    \b
    A template is a Markdown file: prompts/NAME.md beside the configuration file,
    or .chatterm/prompts/NAME.md in a project.
    """
    if list_templates:
        from chatterm.cli.ask_templates import list_templates as listing

        return listing()
    from chatterm.oneshot.ask import ask as run  # the heavy part, and `--help` needs none of it

    return run(
        AskOptions(
            words=tuple(prompt or ()),
            model=model,
            system=system,
            files=tuple(attach or ()),
            format=output_format,
            extract=extract,
            schema=schema,
            output=output,
            effort=effort,
            thinking=thinking,
            read_stdin=not no_stdin,
            max_rounds=max_rounds,
            timeout_s=timeout,
            directory=cwd,
            capture=capture,
            sanitize=sanitize,
            quiet=quiet,
            go_on=go_on,
            resume=resume,
            save=not no_save,
            tools=tuple(tool or ()),
            allow=tuple(allow or ()),
            deny=tuple(deny or ()),
            yes=yes,
            sandbox=sandbox,
            may_ask=not no_input,
            template=template,
            instructions=instructions,
        )
    )
