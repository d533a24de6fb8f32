"""A conversation of the store as the bytes of a file, in one of the formats."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from chatterm.errors import StoreError
from chatterm.events import TurnStarted
from chatterm.render.encoding import encode

if TYPE_CHECKING:
    from pathlib import Path

    from chatterm.store import Conversation, RecordedTurn, Store

FORMATS = ("md", "html", "jsonl", "txt")
"""The formats, by the suffix of their files."""


def format_of(path: Path | None) -> str:
    """The format that a file's name says; Markdown where it says nothing, or there is no file."""
    said = path.suffix.removeprefix(".").lower() if path is not None else ""
    return said if said in FORMATS else "md"


def exported(
    store: Store, conversation: Conversation, form: str, warn: Callable[[str], None]
) -> Iterator[bytes]:
    """A conversation in one of `FORMATS`, in pieces.

    `jsonl` holds all branches and contents; the others the path to the head.

    Args:
        store: Where it is kept.
        conversation: Which.
        form: The format.
        warn: Is told of each content that isn't kept any more and so is missing in `jsonl`.

    Raises:
        StoreError: It can't be read.
    """
    if form == "jsonl":
        from chatterm.transcripts.jsonl import to_jsonl

        ids = [turn for turn, _ in store.tree(conversation.id)]
        turns = store.turns(ids)
        yield from to_jsonl(conversation, turns, _blobs(store, turns, warn))
        return
    turns = store.turns(store.path(conversation.id))
    if form == "html":
        from chatterm.transcripts.html import to_html

        yield encode(to_html(conversation, [_with_content(turn, store) for turn in turns]))
    elif form == "txt":
        from chatterm.transcripts.text import to_text

        yield encode(to_text(conversation, turns))
    else:
        from chatterm.transcripts.markdown import to_markdown

        yield encode(to_markdown(conversation, turns))


def _blobs(
    store: Store, turns: Sequence[RecordedTurn], warn: Callable[[str], None]
) -> dict[str, bytes]:
    """The contents that these turns name."""
    from chatterm.store.rows import digests_in

    found = {}
    for digest in sorted({d for turn in turns for event in turn.events for d in digests_in(event)}):
        try:
            found[digest] = store.blob(digest)
        except StoreError as error:
            warn(f"the export goes on without a content: {error.message}")
    return found


def _with_content(turn: RecordedTurn, store: Store) -> RecordedTurn:
    """A turn whose attachments have their content, so that pictures can be shown."""
    events = list(turn.events)
    for place, event in enumerate(events):
        if isinstance(event, TurnStarted) and event.input.attachments:
            attachments = tuple(
                replace(a, data=store.blob(a.sha256)) for a in event.input.attachments
            )
            events[place] = replace(event, input=replace(event.input, attachments=attachments))
    return replace(turn, events=tuple(events))
