"""What `chatterm models` shows: a table for people, JSON and bare names for programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chatterm.config import ProviderConfig
    from chatterm.providers.base import ModelInfo

COLUMNS = ("model", "context", "inputs", "a million tokens")
_UNKNOWN = "unknown"
_GAP = 2
_GIVING_WAY = ("inputs", "context", "a million tokens")


@dataclass(frozen=True, slots=True)
class Offered:
    """A model with what is known of it. None is unknown.

    Attributes:
        name: `provider/model`.
        title: Its name for people; may be empty.
        context_window: The most tokens it takes.
        inputs: What it takes: `text`, `image`, `pdf`, …
        input_usd_per_mtok: US dollars for a million tokens sent.
        output_usd_per_mtok: US dollars for a million tokens generated.
        priced_at: How new the price list is at least.
    """

    name: str
    title: str = ""
    context_window: int | None = None
    inputs: tuple[str, ...] | None = None
    input_usd_per_mtok: float | None = None
    output_usd_per_mtok: float | None = None
    priced_at: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The object that programs get."""
        return {
            "model": self.name,
            "name": self.title,
            "context_window": self.context_window,
            "inputs": None if self.inputs is None else list(self.inputs),
            "input_usd_per_mtok": self.input_usd_per_mtok,
            "output_usd_per_mtok": self.output_usd_per_mtok,
            "priced_at": self.priced_at,
        }

    def cells(self) -> dict[str, str]:
        """The texts of its row, fit for a terminal."""
        from chatterm.agent.pricing import dollars
        from chatterm.render.sanitize import sanitize_line

        sent, made = self.input_usd_per_mtok, self.output_usd_per_mtok
        told = sent is not None and made is not None
        window = self.context_window
        return {
            "model": sanitize_line(self.name),
            "context": f"{window:,}" if window else _UNKNOWN,
            "inputs": sanitize_line(", ".join(self.inputs)) if self.inputs else _UNKNOWN,
            "a million tokens": (
                f"{dollars(sent or 0)} in, {dollars(made or 0)} out" if told else _UNKNOWN
            ),
        }


def offered(name: str, settings: ProviderConfig, model: ModelInfo) -> Offered:
    """A model with what its provider says of it, and what the price list says beside that."""
    from chatterm.agent.pricing import list_name, listed_model, priced_at

    found = listed_model(model.id, settings.base_url or "")
    inputs = model.inputs or (("text", *found.inputs) if found.inputs else None)
    priced = found.input_usd_per_mtok is not None
    return Offered(
        name=f"{name}/{model.id}",
        title=model.name,
        context_window=model.context_window or found.context_window,
        inputs=inputs,
        input_usd_per_mtok=found.input_usd_per_mtok,
        output_usd_per_mtok=found.output_usd_per_mtok,
        priced_at=(priced_at() or list_name()) if priced else None,
    )


def table(models: Sequence[Offered], width: int) -> Iterator[str]:
    """The lines of the table. A model's name always stays whole: it is there to be copied.

    Args:
        models: The models.
        width: Columns of the screen.
    """
    from rich.cells import cell_len

    rows = [dict(zip(COLUMNS, COLUMNS, strict=True)), *(model.cells() for model in models)]
    widths = {name: max(cell_len(row[name]) for row in rows) for name in COLUMNS}
    for name in _GIVING_WAY:
        if sum(widths.values()) + _GAP * (len(widths) - 1) <= width:
            break
        del widths[name]
    for row in rows:
        cells = []
        for name, size in widths.items():
            blank = " " * (size - cell_len(row[name]))
            cells.append(blank + row[name] if name == "context" else row[name] + blank)
        yield (" " * _GAP).join(cells).rstrip()
