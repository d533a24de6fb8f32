"""`ask --list-templates`: the templates there are, whose they are, and what is wrong with some."""

from __future__ import annotations

from chatterm.cli.saying import say
from chatterm.prompts.library import Entry
from chatterm.prompts.opening import open_library
from chatterm.render.sanitize import escape_controls, sanitize_line


def list_templates() -> int:
    """Print a line for each; the exit status."""
    entries = open_library().entries()
    heads = [_head(entry) for entry in entries]
    widest = min(40, max(map(len, heads), default=0))
    for entry, head in zip(entries, heads, strict=True):
        path = escape_controls(str(entry.path))
        say(f"{head:{widest}}  {path}{_about(entry)}")
    if not entries:
        say("there are no templates: `chatterm ask --help` says where they belong")
    return 0


def _head(entry: Entry) -> str:
    takes = entry.template.takes if entry.template is not None else ""
    return f"{entry.name} {takes}".rstrip()


def _about(entry: Entry) -> str:
    if entry.problem:
        return f"\n    {sanitize_line(entry.problem)}"
    text = entry.template.head.description if entry.template is not None else ""
    return f"\n    {sanitize_line(text)}" if text else ""
