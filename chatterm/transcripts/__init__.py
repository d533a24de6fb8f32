"""Conversations as text: Markdown, HTML, plain text and JSON Lines.

Pure functions of what the store recorded. Markdown, HTML and plain text are for people; JSON Lines
is the whole of it, and reads back identical.

What people read is sanitised, like everything that strangers write: control sequences are dropped
and what can't be seen is made visible. In Markdown and HTML tabs stay tabs, for the sake of code.
Only JSON Lines keeps every character.
"""

from chatterm.transcripts.html import to_html
from chatterm.transcripts.jsonl import from_jsonl, read_jsonl, to_jsonl
from chatterm.transcripts.markdown import to_markdown
from chatterm.transcripts.text import to_text

__all__ = ["from_jsonl", "read_jsonl", "to_html", "to_jsonl", "to_markdown", "to_text"]
