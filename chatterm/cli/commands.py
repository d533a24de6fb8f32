"""The commands by name: known without loading any of them, nor what reads command lines."""

from __future__ import annotations

from collections.abc import Mapping

# name: (module that holds `app`, help). A command's module is imported when it is named.
COMMANDS: Mapping[str, tuple[str, str]] = {
    "ask": ("chatterm.cli.ask", "Ask one question and print the answer."),
    "history": ("chatterm.cli.history", "Conversations that were held: list, search, export."),
    "store": ("chatterm.cli.store", "The conversation store: check, back up, compact."),
    "models": ("chatterm.cli.models", "List the models that providers offer."),
    "providers": ("chatterm.cli.providers", "List the providers and whether they are ready."),
    "config": ("chatterm.cli.config", "Where the configuration is, what it says, its errors."),
    "permissions": ("chatterm.cli.permissions", "What tools may do: ask the gate, keep rules."),
    "doctor": ("chatterm.cli.doctor", "What this machine offers: providers, sandbox, terminal."),
    "key": ("chatterm.cli.key", "Store or delete a provider's API key."),
}
