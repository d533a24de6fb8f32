"""`chatterm history` about what servers keep: list, fetch, rename and delete it there."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from chatterm.cli.saying import say
from chatterm.errors import ConfigError
from chatterm.render.console import print_line
from chatterm.render.sanitize import sanitize_line

if TYPE_CHECKING:
    from chatterm.config import Config, ProviderConfig
    from chatterm.providers.keeper import Keeper
    from chatterm.providers.kept import KeptConversation
    from chatterm.store import Store

T = TypeVar("T")


def list_kept(provider: str, limit: int, *, as_json: bool) -> None:
    """Print the conversations that a provider's server keeps, at most `limit`; 0 for all."""
    from chatterm.cli.history_output import print_kept

    async def listed(keeper: Keeper) -> list[KeptConversation]:
        return await keeper.conversations()

    kept = _asked(provider, listed)
    print_kept(provider, kept[:limit] if limit else kept, as_json=as_json)


def fetch_kept(provider: str, prefix: str) -> None:
    """Bring a server's conversation into the store; prints the id that it has here."""
    from chatterm.cli.opening import open_store
    from chatterm.fetching import Fetched, fetch

    async def fetched(keeper: Keeper) -> Fetched:
        kept = await keeper.find(prefix)
        # Only opened for something to write: what can't be had leaves no trace.
        with await asyncio.to_thread(open_store) as store:
            return await fetch(store, keeper, kept)

    done = _asked(provider, fetched)
    name = sanitize_line(done.conversation.title)
    print_line(f"chatterm: {name}: {done.words}")
    say(done.conversation.id)


def rename_kept(provider: str, prefix: str, title: str) -> None:
    """Have a server call a conversation something else."""

    async def renamed(keeper: Keeper) -> None:
        await keeper.rename((await keeper.find(prefix)).id, title)

    _asked(provider, renamed)


def delete_kept(provider: str, prefix: str, confirmed: Callable[[str], bool]) -> None:
    """Have a server delete a conversation for good.

    Args:
        provider: The provider's name.
        prefix: The beginning of the conversation's id there.
        confirmed: Is told which conversation it is; whether to go on.
    """

    async def found(keeper: Keeper) -> KeptConversation:
        return await keeper.find(prefix)

    kept = _asked(provider, found)
    name = f"{sanitize_line(kept.id)}  {sanitize_line(kept.title)}".rstrip()
    if not confirmed(f"{name} on {provider}"):
        return

    async def deleted(keeper: Keeper) -> None:
        await keeper.delete(kept.id)

    _asked(provider, deleted)
    say(f"deleted {name} on {provider}; what was fetched of it stays here")


def tell_kept(store: Store, conversation: str) -> Callable[[], None]:
    """Look where a conversation that is about to be deleted is kept besides; tells of it later."""
    from chatterm.fetching import kept_elsewhere

    place = kept_elsewhere(store, conversation)

    def tell() -> None:
        if place is not None:
            provider, id_ = map(sanitize_line, place)
            print_line(
                f"chatterm: {provider} keeps it still; "
                f"`chatterm history delete --server {provider} {id_}` deletes it there"
            )

    return tell


def _asked(name: str, ask: Callable[[Keeper], Awaitable[T]]) -> T:
    """What a provider's server answers.

    Raises:
        ConfigError: No provider is named so, or a setting doesn't fit.
        UsageError: It keeps no conversations.
        ProviderError: It can't be asked.
    """
    from chatterm.config import config_path, load_config
    from chatterm.providers.keeper import keeper_of, keeps_none
    from chatterm.providers.registry import open_named
    from chatterm.providers.server_threads import KEEPING

    where = config_path()
    config = load_config(where.path, required=where.explicit)
    settings = _settings(name, config)
    if settings.protocol not in KEEPING:  # before it is asked for a key
        raise keeps_none(name)
    provider = open_named(name, settings, config.stream)

    async def asked() -> T:
        try:
            return await ask(keeper_of(provider))
        finally:
            await provider.aclose()

    return asyncio.run(asked())


def _settings(name: str, config: Config) -> ProviderConfig:
    from chatterm.config import all_providers, check_name

    providers = all_providers(config)
    if name not in providers:
        raise check_name(f"{name}/", config) or ConfigError(f"no provider is named {name!a}")
    return providers[name]
