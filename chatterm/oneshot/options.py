"""What `ask` was asked to do: its options as plain data, cheap to import."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class Format(StrEnum):
    """How the answer is printed."""

    PRETTY = "pretty"
    TEXT = "text"
    JSON = "json"
    JSONL = "jsonl"


@dataclass(frozen=True, slots=True)
class AskOptions:
    """The options of `ask`, as given; None where one wasn't.

    Attributes:
        words: The prompt's words; a single `-` stands for standard input.
        model: `provider/model` or an alias.
        system: The system text.
        files: Files to attach.
        format: How to print.
        extract: Print only the first code block.
        schema: A file with the JSON Schema that the reply must fit.
        output: A file for the answer, instead of standard output.
        effort: How hard to think.
        thinking: Whether to show thinking on standard error.
        read_stdin: Whether standard input is looked at.
        max_rounds: The most model calls.
        timeout_s: Seconds for the whole turn.
        directory: The directory to work in.
        capture: A directory for the raw traffic.
        sanitize: Strip control sequences wherever the answer goes.
        quiet: Nothing on standard error but errors.
        go_on: Go on with the newest conversation that `ask` began in this directory.
        resume: The conversation to go on with: its id or the beginning of it.
        save: Keep the conversation.
        tools: The tools that the model may use; `all` stands for those that are enabled.
        allow: Rules that allow, as words.
        deny: Rules that deny, as words.
        yes: Allow all that no rule denies.
        sandbox: How commands are caged.
        may_ask: The user may be asked at the terminal.
        template: The template that the words are given to.
        instructions: Whether instructions from files are sent.
    """

    words: tuple[str, ...] = ()
    model: str | None = None
    system: str | None = None
    files: tuple[Path, ...] = ()
    format: Format | None = None
    extract: bool = False
    schema: Path | None = None
    output: Path | None = None
    effort: str | None = None
    thinking: bool | None = None
    read_stdin: bool = True
    max_rounds: int | None = None
    timeout_s: float | None = None
    directory: Path | None = None
    capture: Path | None = None
    sanitize: bool = False
    quiet: bool = False
    go_on: bool = False
    resume: str | None = None
    save: bool = True
    tools: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    yes: bool = False
    sandbox: str | None = None
    may_ask: bool = True
    template: str | None = None
    instructions: bool | None = None
