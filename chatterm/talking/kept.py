"""Who keeps conversations besides: what is asked of the server, and what it is called."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatterm.render.sanitize import sanitize_line

if TYPE_CHECKING:
    from chatterm.providers.kept import KeptConversation
    from chatterm.talking.asked import Chosen
    from chatterm.talking.talk import Talk

LONGEST_TITLE = 200


def keeps(talk: Talk) -> bool:
    """Whether the server that is asked keeps conversations."""
    from chatterm.providers.server_threads import KEEPING

    chosen = talk.chosen
    return chosen is not None and chosen.resolved.provider.protocol in KEEPING


def who_keeps(talk: Talk) -> Chosen:
    """Whose server is asked for its conversations.

    Raises:
        UsageError: It keeps none.
    """
    from chatterm.providers.keeper import keeps_none

    chosen = talk.chosen
    if chosen is None or not keeps(talk):
        raise keeps_none(sanitize_line(chosen.resolved.provider_name) if chosen else "nobody")
    return chosen


def title_of(kept: KeptConversation) -> str:
    """What a conversation is called there, or its id."""
    return sanitize_line(kept.title[:LONGEST_TITLE]) or sanitize_line(kept.id)


def about(kept: KeptConversation) -> str:
    """Who answered in it last, and when."""
    from chatterm.render.amounts import when

    return sanitize_line("  ".join(filter(None, (kept.model, when(kept.updated_at)))))
