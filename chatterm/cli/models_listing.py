"""How `chatterm models` comes by its lists: kept ones, the providers all at once, older ones."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chatterm.cli.saying import say
from chatterm.errors import ExitStatus, ProviderError

if TYPE_CHECKING:
    from chatterm.config import Config, ProviderConfig, Stream
    from chatterm.providers.base import ModelInfo
    from chatterm.providers.list_cache import KeptList


@dataclass(slots=True)
class _List:
    """What is known of one provider's models.

    Attributes:
        models: The models.
        asked_at: When they were asked for, in seconds since 1970; 0 where they weren't.
        error: Why they couldn't be asked for just now.
    """

    models: tuple[ModelInfo, ...] = ()
    asked_at: float = 0
    error: ProviderError | None = None


def print_models(
    providers: Mapping[str, ProviderConfig], config: Config, *, as_json: bool, refresh: bool
) -> int:
    """Print what providers offer; the exit status.

    Args:
        providers: Whom to ask.
        config: The configuration.
        as_json: One JSON object a line.
        refresh: Ask even where a list is fresh.

    Raises:
        ConfigError: A provider's settings don't fit.
    """
    lists = asyncio.run(_lists(providers, config.stream, refresh=refresh))
    status = ExitStatus.COMPLETED
    for name, found in lists.items():
        if found.error is not None:
            status = _tell(name, found) or status
    _print(providers, lists, as_json=as_json)
    return status


async def _lists(
    providers: Mapping[str, ProviderConfig], limits: Stream, *, refresh: bool
) -> dict[str, _List]:
    """The lists of providers: fresh ones as they are kept, the others asked for all at once."""
    from chatterm.config import data_dir
    from chatterm.providers.list_cache import KeptList, is_kept, keep_lists, list_key, read_lists

    now = time.time()
    keys = {name: list_key(name, each) for name, each in providers.items() if is_kept(each)}
    kept = read_lists(data_dir()) if keys else {}
    found = await asyncio.gather(
        *(
            _list(name, each, limits, kept.get(keys.get(name, "")), now=now, refresh=refresh)
            for name, each in providers.items()
        )
    )
    lists = dict(zip(providers, found, strict=True))
    new = {
        keys[name]: KeptList(now, each.models)
        for name, each in lists.items()
        if name in keys and each.asked_at == now
    }
    if new:
        keep_lists(data_dir(), new)
    return lists


async def _list(
    name: str,
    settings: ProviderConfig,
    limits: Stream,
    kept: KeptList | None,
    *,
    now: float,
    refresh: bool,
) -> _List:
    from chatterm.providers.listing import listed

    if kept is not None and kept.is_fresh(now) and not refresh:
        return _List(kept.models, kept.at)
    try:
        return _List(tuple(await listed(name, settings, limits)), now)
    except ProviderError as error:
        unreachable = error.exit_status is ExitStatus.TRY_AGAIN
        if kept is not None and unreachable:
            return _List(kept.models, kept.at, error)
        return _List(error=error)


def _tell(name: str, found: _List) -> ExitStatus | None:
    """Say why a provider couldn't be asked; the exit status, where nothing makes up for it."""
    from chatterm.render.console import print_error

    error = found.error
    if error is None:
        return None
    if found.asked_at:
        day = time.strftime("%Y-%m-%d %H:%M", time.localtime(found.asked_at))
        print_error(error.message, f"what {name} listed on {day} is shown instead")
        return None
    print_error(error.message, error.hint)
    return error.exit_status


def _print(
    providers: Mapping[str, ProviderConfig], lists: Mapping[str, _List], *, as_json: bool
) -> None:
    from chatterm.render.console import is_terminal

    if as_json:
        _print_json(providers, lists)
    elif is_terminal(sys.stdout):
        _print_table(providers, lists)
    else:
        from chatterm.render.sanitize import sanitize_line

        for name, _, model in _models(providers, lists):
            say(sanitize_line(f"{name}/{model.id}"))


def _print_json(providers: Mapping[str, ProviderConfig], lists: Mapping[str, _List]) -> None:
    import json

    from chatterm.cli.models_output import offered

    for name, settings, model in _models(providers, lists):
        say(json.dumps(offered(name, settings, model).to_json()))


def _print_table(providers: Mapping[str, ProviderConfig], lists: Mapping[str, _List]) -> None:
    from chatterm.agent.pricing import dated
    from chatterm.cli.models_output import offered, table
    from chatterm.render.console import print_line
    from chatterm.render.wordwrap import width_of

    rows = [offered(*each) for each in _models(providers, lists)]
    for line in table(rows, width_of(sys.stdout)):
        say(line)
    if any(row.priced_at for row in rows):
        print_line(f"prices by {dated()}")
    oldest = min((each.asked_at for each in lists.values() if each.asked_at), default=0)
    if oldest and time.time() - oldest > 60:
        day = time.strftime("%Y-%m-%d %H:%M", time.localtime(oldest))
        print_line(f"listed on {day}; `chatterm models --refresh` asks anew")


def _models(
    providers: Mapping[str, ProviderConfig], lists: Mapping[str, _List]
) -> Iterator[tuple[str, ProviderConfig, ModelInfo]]:
    from chatterm.providers.listing import merged

    for name, settings in providers.items():
        for model in merged(settings.models, lists[name].models):
            yield name, settings, model
