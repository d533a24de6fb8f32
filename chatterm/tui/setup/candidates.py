"""Who could be asked: whose key is there, which servers run here, whom a key could be given for.

Keys are told by where they are, never by what they are.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from chatterm.config import (
    Config,
    Need,
    ProviderConfig,
    all_providers,
    default_model,
    has_stored_key,
    keyring_state,
    need_of,
    parse_config,
)
from chatterm.providers import finding
from chatterm.providers.finding import FoundServer
from chatterm.providers.listing import ready
from chatterm.providers.registry import IMPLEMENTED

KEYS, HERE, GIVEN = "Keys that were found", "On this machine", "With a key of yours"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A provider that could be asked.

    Attributes:
        name: Its name.
        settings: Its settings.
        group: How it came to be one: `KEYS`, `HERE` or `GIVEN`.
        why: What speaks for it, in a few words.
        models: What it offers, as far as that is known.
        is_new: The configuration doesn't know it yet.
    """

    name: str
    settings: ProviderConfig
    group: str
    why: str
    models: tuple[str, ...] = ()
    is_new: bool = False

    @property
    def where(self) -> str:
        """What speaks for it where there is less room: of a server, what it is and its port."""
        kind, _, address = self.why.partition(" at ")
        return f"{kind}, port {address.rpartition(':')[2]}" if address else self.why

    @property
    def model(self) -> str | None:
        """The model to try it with."""
        return default_model(self.name, self.settings) or next(iter(self.models), None)


def with_keys(config: Config, environ: Mapping[str, str]) -> list[Candidate]:
    """Those whose key is in the environment or given by a command, or that are set up without."""
    found = []
    for name, settings in ready(config, environ).items():
        variable = settings.api_key_env
        if settings.protocol in {"demo", "replay"}:
            continue
        if settings.protocol == "local" and name not in config.providers:
            continue  # it is told with what is on this machine
        if variable and environ.get(variable, "").strip():
            why = f"{variable} is set"
        elif settings.api_key_command:
            why = "a command gives the key"
        elif need_of(settings) is Need.REQUIRED:
            continue
        else:
            why = "it is in the configuration"
        found.append(Candidate(name, settings, KEYS, why))
    return found


def to_be_given(config: Config, without: Collection[str]) -> list[Candidate]:
    """Those that a key could be given for: all that need one and have none, less some."""
    return [
        Candidate(name, each, GIVEN, f"or set {each.api_key_env}" if each.api_key_env else "")
        for name, each in all_providers(config).items()
        if name not in without
        and need_of(each) is Need.REQUIRED
        and not each.api_key_command
        and each.protocol in IMPLEMENTED
    ]


async def in_keyring(config: Config, without: Collection[str]) -> list[Candidate]:
    """Those whose key is in the system keyring, which may take its time."""

    def look() -> list[Candidate]:
        if not keyring_state().usable:
            return []
        asked = to_be_given(config, without)
        found = [each for each in asked if has_stored_key(each.name)]
        return [replace(each, group=KEYS, why="a key is in the keyring") for each in found]

    return await asyncio.to_thread(look)


async def on_this_machine(config: Config) -> list[Candidate]:
    """The servers that answer here, and the model that was installed; nobody else is asked."""
    servers, installed = await asyncio.gather(
        finding.find_servers(finding.PORTS), asyncio.to_thread(_installed, config)
    )
    taken = set(all_providers(config))
    return [*(_server(each, config, taken) for each in servers), *installed]


def _server(found: FoundServer, config: Config, taken: set[str]) -> Candidate:
    why = f"{found.kind} at {found.url.removeprefix('http://')}"
    known = found.provider_in(config.providers)
    if known is not None:
        return Candidate(known, all_providers(config)[known], HERE, why, found.models)
    ((name, settings),) = parse_config(found.table, Path("found")).providers.items()
    name = next(each for each in _names(name) if each not in taken)
    taken.add(name)
    return Candidate(name, settings, HERE, why, found.models, is_new=True)


def _names(name: str) -> Iterator[str]:
    yield name
    number = 2
    while True:
        yield f"{name}{number}"
        number += 1


def _installed(config: Config) -> list[Candidate]:
    from chatterm.providers.local.models import CATALOGUE, engine_is_here, path_of

    here = tuple(name for name in CATALOGUE if path_of(name).exists())
    if not here or not engine_is_here():
        return []
    why = "a tiny model, good for a try"
    return [Candidate("local", all_providers(config)["local"], HERE, why, here)]
