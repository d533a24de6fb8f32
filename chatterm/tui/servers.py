"""Model servers on this machine, offered where no model is set up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from chatterm.talking.offering import NOTHING, instead_of_model, offers

if TYPE_CHECKING:
    from chatterm.config import ProviderConfig
    from chatterm.providers.finding import FoundServer
    from chatterm.tui.chat import Chat

# What was found, for as long as the process runs.
_FOUND: list[FoundServer] = []


def found_providers(configured: Mapping[str, ProviderConfig]) -> list[str]:
    """The providers, known or configured, whose servers were found here."""
    names = (found.provider_in(configured) for found in _FOUND)
    return [name for name in names if name is not None]


async def offer_servers(chat: Chat) -> None:
    """Look for model servers, and offer their models in the greeting; asks nothing but loopback."""
    from chatterm.providers import finding

    if chat.welcome is None or not has_no_model(chat):
        return
    found = await finding.find_servers(finding.PORTS)
    _FOUND[:] = found
    if found and chat.welcome is not None and has_no_model(chat):
        chat.welcome.offer_models(offers(found, chat.talk.config.providers))


def has_no_model(chat: Chat) -> bool:
    """Whether the demo plays because nothing else can be asked."""
    named = chat.options.model or chat.talk.config.model
    return instead_of_model(chat.talk.chosen, named) == NOTHING
