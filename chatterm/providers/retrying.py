"""Sending a request again: whether, after how long, and how to say so. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime

from chatterm.errors import ErrorKind, Failure
from chatterm.providers.error_words import lower_names, read_body

_FINAL_KINDS = frozenset({ErrorKind.QUOTA, ErrorKind.KEY_REJECTED, ErrorKind.TOO_LONG})
_NEVER = 1e9  # seconds: nobody who asks to wait longer than thirty years means it


def should_retry(status: int, headers: Mapping[str, str], failure: Failure) -> bool:
    """Whether the same request may succeed when it is sent again.

    Used-up quota, a bad key and a prompt too long stay what they are, whatever the headers say.
    """
    if failure.kind in _FINAL_KINDS:
        return False
    told = lower_names(headers).get("x-should-retry", "").strip().lower()
    if told in ("true", "false"):
        return told == "true"
    return status in (408, 409, 429) or status >= 500


def retry_after(headers: Mapping[str, str], body: bytes, now: float) -> float | None:
    """How many seconds the provider asks to wait; None when it doesn't say.

    Args:
        headers: The answer's headers; their names in any case.
        body: The answer's body: Gemini says it there.
        now: Seconds since the epoch, against which a date is read.
    """
    lower = lower_names(headers)
    milliseconds = _seconds(lower.get("retry-after-ms", ""))
    if milliseconds is not None:
        return milliseconds / 1000
    value = lower.get("retry-after", "").strip()
    seconds = _seconds(value)
    if seconds is None and value:
        seconds = _seconds_until(value, now)
    if seconds is None and body:
        said = read_body(body)
        seconds = _seconds(said.retry_delay.removesuffix("s"))
        found = re.search(_DELAY_WORDS, said.message, re.IGNORECASE)
        if seconds is None and found:
            seconds = float(found[1])
    return seconds


_DELAY_WORDS = r"(?:retry|try again) in (\d{1,6}(?:\.\d{1,12})?) ?s"


def _seconds(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 <= value < _NEVER else None  # nor NaN or an infinity


def _seconds_until(date: str, now: float) -> float | None:
    from email.utils import parsedate_to_datetime  # rarely needed, and slow to load

    try:
        moment = parsedate_to_datetime(date)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max(0.0, moment.timestamp() - now), _NEVER)


def duration(seconds: float) -> str:
    """A number of seconds for people."""
    if seconds < 120:
        return f"{max(1, math.ceil(seconds))} s"
    minutes = math.ceil(seconds / 60)
    if minutes < 120:
        return f"{minutes} min"
    hours = math.ceil(minutes / 60)
    return f"{hours} h" if hours < 48 else f"{math.ceil(hours / 24)} days"


def until(now: float, seconds: float) -> str:
    """When so much time will have passed, on the user's clock; with the date unless it is today.

    Args:
        now: Seconds since the epoch.
        seconds: How long from then.
    """
    today = datetime.fromtimestamp(now, UTC).astimezone()
    moment = datetime.fromtimestamp(math.ceil((now + seconds) / 60) * 60, UTC).astimezone()
    return f"{moment:%H:%M}" if moment.date() == today.date() else f"{moment:%Y-%m-%d %H:%M}"
