"""Our own JSON Lines, as `history export --format jsonl` writes them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from chatterm.errors import UsageError
from chatterm.importing.base import Imported, Importer
from chatterm.transcripts.jsonl import read_jsonl


class OwnImporter(Importer):
    """Reads an export of chatterm's; everything comes back as it was, ids and all."""

    source = "chatterm's JSON Lines"

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def __iter__(self) -> Iterator[Imported]:
        """Yield the conversations."""
        try:
            with self._path.open("rb") as lines:
                for conversation, turns, blobs in read_jsonl(lines, self.warn):
                    yield Imported(conversation, turns, blobs)
        except OSError as error:
            raise UsageError(f"can't read {self._path}: {error.strerror or error}") from error
