"""Conversations on the disk: an append-only log of events, a tree of turns, names for its heads."""

from chatterm.store.log import TurnLog
from chatterm.store.model import (
    Conversation,
    ConversationRow,
    Filter,
    Hit,
    ImportResult,
    RecordedTurn,
    TurnKnown,
)
from chatterm.store.store import Store

__all__ = [
    "Conversation",
    "ConversationRow",
    "Filter",
    "Hit",
    "ImportResult",
    "RecordedTurn",
    "Store",
    "TurnKnown",
    "TurnLog",
]
