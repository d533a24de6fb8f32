"""Others' times, in whatever form they give them, as the log writes a time."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any, Final

NO_TIME: Final = "1970-01-01T00:00:00.000Z"


def timestamp_of(value: Any, default: str = NO_TIME) -> str:
    """A time in seconds since the epoch, or in ISO 8601, as the log writes it.

    A time without a zone is taken as UTC, as the databases that leave it out mean it.
    """
    try:
        if isinstance(value, str) and value:
            moment = datetime.fromisoformat(value)
            moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        elif isinstance(value, int | float) and math.isfinite(value) and value > 0:
            moment = datetime.fromtimestamp(value, UTC)
        else:
            return default
        stamp = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    except (ValueError, OverflowError, OSError):
        return default
    return stamp.replace("+00:00", "Z")
