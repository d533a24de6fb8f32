"""Calls that a provider's server wants approved before it has another server run them."""

from __future__ import annotations

from dataclasses import dataclass

from chatterm.providers.decoding import mapping, text_of
from chatterm.steps import ToolCallStep


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the server would do.

    Attributes:
        server: What it calls the other server; empty where it doesn't say.
        tool: The tool's name there.
        arguments: What it would be called with, as the model wrote it.
    """

    server: str
    tool: str
    arguments: str


def wanted_by(call: ToolCallStep) -> Wanted:
    """What is to be approved, as the server put it."""
    item = mapping((call.opaque or {}).get("item"))
    tool = text_of(item.get("name")) or call.name
    arguments = text_of(item.get("arguments")) or call.arguments
    return Wanted(text_of(item.get("server_label")), tool, arguments)
