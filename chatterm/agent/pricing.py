"""What models cost, where the provider doesn't tell: from the price list of `genai-prices`.

The list is part of an installed package; nothing is fetched. It is loaded when somebody first asks
for a price (a third of a second, and pydantic), so callers keep the first question off an event
loop. What isn't in it is unknown, never free.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from chatterm.address import host_of, is_loopback
from chatterm.steps import Usage

if TYPE_CHECKING:
    from chatterm.config import ProviderConfig

log = logging.getLogger(__name__)

Price = Callable[[Usage], float | None]
"""Tells what a round cost, in US dollars; None where that isn't known."""


@dataclass(frozen=True, slots=True)
class ListedModel:
    """What the price list says of a model. None is unknown.

    Attributes:
        context_window: The most tokens it takes.
        input_usd_per_mtok: US dollars for a million tokens sent, for the shortest prompts.
        output_usd_per_mtok: US dollars for a million tokens generated.
        inputs: What it takes beside text, as far as that has a price of its own.
    """

    context_window: int | None = None
    input_usd_per_mtok: float | None = None
    output_usd_per_mtok: float | None = None
    inputs: tuple[str, ...] = ()


def price_for(model: str, provider: ProviderConfig) -> Price | None:
    """What works out the cost of a provider's rounds; None where nothing is charged for them."""
    address = provider.base_url
    if not _may_be_priced(address):
        return None
    return lambda usage: cost_of(model, address or "", usage)


def load_list(provider: ProviderConfig) -> None:
    """Load the list where a provider's rounds need it; may be run in any thread."""
    if _may_be_priced(provider.base_url):
        cost_of("", provider.base_url or "", Usage(0, 0))


def cost_of(model: str, provider: str, usage: Usage) -> float | None:
    """What a round cost by the list, in US dollars.

    Args:
        model: The model, as the provider knows it.
        provider: The provider's address, or the name of one that chatterm knows.
        usage: What one round took; prices can depend on how much one request holds.

    Returns:
        None where the model isn't in the list, or the usage isn't whole.
    """
    if usage.input is None or usage.output is None:
        return None
    address = _address(provider)
    if address is None:
        return None
    try:
        return _cost(model, address, usage)
    except Exception as error:  # noqa: BLE001 - a list of others' making never costs a turn
        log.warning("no price for this usage: %s", type(error).__name__)
        return None


def _cost(model: str, address: str, usage: Usage) -> float | None:
    entry = _entry(model, address)
    prices = _prices(entry) if entry is not None else None
    if prices is None or prices.input_mtok is None or prices.output_mtok is None:
        return None
    from genai_prices import Usage as Amounts

    amounts = Amounts(
        input_tokens=usage.input,
        output_tokens=usage.output,
        cache_read_tokens=usage.cached_input or 0,
        cache_write_tokens=usage.cache_write or 0,
    )
    return float(prices.calc_price(amounts)["total_price"])


def listed_model(model: str, provider: str) -> ListedModel:
    """What the list says of a model; all of it unknown where it isn't in the list.

    Args:
        model: The model, as the provider knows it.
        provider: The provider's address, or the name of one that chatterm knows.
    """
    address = _address(provider)
    entry = _entry(model, address) if address else None
    if entry is None:
        return ListedModel()
    prices = _prices(entry)
    sent, made = (_base(getattr(prices, f"{way}_mtok", None)) for way in ("input", "output"))
    known = None not in (sent, made)
    return ListedModel(
        context_window=entry.context_window,
        input_usd_per_mtok=sent if known else None,
        output_usd_per_mtok=made if known else None,
        inputs=("image",) if getattr(prices, "input_image_mtok", None) is not None else (),
    )


def brief_price(model: str, provider: str) -> str:
    """What a million tokens cost, sent and generated: "$1.25/$10"; empty where unknown.

    Args:
        model: The model, as the provider knows it.
        provider: The provider's address, or the name of one that chatterm knows.
    """
    found = listed_model(model, provider)
    if found.input_usd_per_mtok is None or found.output_usd_per_mtok is None:
        return ""
    return f"{dollars(found.input_usd_per_mtok)}/{dollars(found.output_usd_per_mtok)}"


def dollars(amount: float) -> str:
    """A price as people write it: `$10`, `$1.25`, `$0.075`."""
    if amount == round(amount):
        return f"${amount:.0f}"
    words = f"{amount:.4f}".rstrip("0")
    cents = words.partition(".")[2]
    return f"${words}" if len(cents) > 1 else f"${amount:.2f}"


def dated() -> str:
    """Which list the prices are from, and how new it is at least."""
    day = priced_at()
    return f"{list_name()}, newest change {day}" if day else list_name()


def list_name() -> str:
    """The package that the list is from, with its version."""
    from importlib.metadata import version

    return f"genai-prices {version('genai-prices')}"


@cache
def priced_at() -> str | None:
    """The day of the newest change that the list knows of, or None; it has no date of its own."""
    import datetime as dt

    today = dt.datetime.now(dt.UTC).date()
    days = (day for provider in _providers() for day in _days(provider))
    newest = max((day for day in days if day <= today), default=None)
    return newest.isoformat() if newest else None


def _days(provider: Any) -> list[Any]:
    found = []
    for model in provider.models:
        conditional = model.prices if isinstance(model.prices, list) else []
        for each in (*conditional, *(model.price_variants or ())):
            day = getattr(each.constraint, "start_date", None)
            if day is not None:
                found.append(day)
    return found


def _may_be_priced(address: str | None) -> bool:
    """Whether an address is somebody else's: what runs on this machine costs no money."""
    return bool(address) and not is_loopback(host_of(address))


def _address(provider: str) -> str | None:
    """The address to look for, or None where there is nothing to be found."""
    from chatterm.config.known import KNOWN

    known = {each.name: each.base_url for each in KNOWN}
    address = known.get(provider, provider)
    return address if _may_be_priced(address) else None


def _entry(model: str, address: str) -> Any:
    """The list's entry for a model, or None."""
    from genai_prices.data_snapshot import get_snapshot

    try:
        return get_snapshot().find_provider_model(model, None, None, address)[1]
    except LookupError:
        return None


def _prices(entry: Any) -> Any:
    import datetime as dt

    return entry.get_prices(dt.datetime.now(dt.UTC))


def _providers() -> Any:
    from genai_prices.data_snapshot import get_snapshot

    return get_snapshot().providers


def _base(price: Any) -> float | None:
    """A price, or that of the shortest prompts where it depends on their length."""
    if price is None:
        return None
    return float(getattr(price, "base", price))
