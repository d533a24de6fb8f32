"""Amounts for people, in few characters: seconds, tokens, bytes, money."""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chatterm.steps import Usage


from chatterm.render.sanitize import sanitize_line

_KILO = 1024.0


def seconds(amount: float) -> str:
    """A time that something took."""
    if amount < 10:
        return f"{amount:.1f} s"
    if amount < 60:
        return f"{amount:.0f} s"
    minutes, rest = divmod(round(amount), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min"


def whole_seconds(amount: float) -> str:
    """A time that goes on: no tenths that flicker."""
    return f"{int(amount)} s" if amount < 60 else seconds(amount)


def tokens(count: int) -> str:
    """A number of tokens."""
    if count < 1000:
        return str(count)
    if count < 99_950:
        return f"{count / 1000:.1f}".removesuffix(".0") + "k"
    if count < 999_500:
        return f"{count / 1000:.0f}k"
    return f"{count / 1_000_000:.1f}".removesuffix(".0") + "M"


def guessed_tokens(characters: int) -> str:
    """About how many tokens a text has, told as a guess."""
    return f"~{tokens(max(1, round(characters / 4)))} tokens"


def size(count: int, one: str = "B") -> str:
    """A number of bytes; `one` is what single ones are called."""
    amount = float(count)
    for unit in (one, "kB", "MB"):
        if amount < _KILO:
            return f"{amount:.0f} {unit}" if unit == one else f"{amount:.1f} {unit}"
        amount /= _KILO
    return f"{amount:.1f} GB"


def money(usd: float) -> str:
    """A price in US dollars."""
    return f"${usd:.4f}" if 0 < usd < 0.01 else f"${usd:.2f}"


def usage(spent: Usage, arrow: str = "→") -> list[str]:
    """Tokens and cost, each a part of a line; nothing for what isn't known."""
    parts = []
    if spent.input is not None or spent.output is not None:
        sent = "?" if spent.input is None else tokens(spent.input)
        came = "?" if spent.output is None else tokens(spent.output)
        parts.append(f"{sent} {arrow} {came} tokens")
    if spent.cost_usd is not None:
        parts.append(money(spent.cost_usd))
    return parts


def count(number: int, one: str, many: str | None = None) -> str:
    """A number and what is counted: `1 line`, `57 lines`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def when(timestamp: str, now: datetime | None = None) -> str:
    """A timestamp of the log in few characters: the time where it is of today, else the day.

    Args:
        timestamp: As the log has it.
        now: What time it is, and where; None is now and here.
    """
    now = now or datetime.now().astimezone()
    found = local(timestamp, now.tzinfo)
    if found is None:
        return sanitize_line(timestamp)
    return f"{found:%H:%M}" if found.date() == now.date() else f"{found:%Y-%m-%d}"


def local(timestamp: str, zone: tzinfo | None = None) -> datetime | None:
    """A timestamp of the log in local time; None where it can't be read."""
    try:
        return datetime.fromisoformat(timestamp).astimezone(zone)
    except (ValueError, OverflowError):
        return None


def time_of_day(at: float, now: float) -> str:
    """When something was, where one lives: the time, with its date when that isn't today's."""
    then = datetime.fromtimestamp(at).astimezone()
    today = datetime.fromtimestamp(now).astimezone().date()
    return f"{then:%H:%M}" if then.date() == today else f"{then:%Y-%m-%d %H:%M}"


def moment(timestamp: str) -> float | None:
    """A timestamp of the log as seconds since the epoch; None where it can't be read."""
    try:
        return datetime.fromisoformat(timestamp).timestamp()
    except (ValueError, OverflowError):
        return None
