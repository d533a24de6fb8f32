"""Token counts of the Anthropic Messages protocol, normalised.

On the wire `input_tokens` excludes what was read from or written to the cache; ours includes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chatterm.providers.decoding import integer, mapping
from chatterm.steps import Usage


def read_usage(data: Mapping[str, Any]) -> Usage:
    """A usage object, in our terms."""
    fresh = integer(data.get("input_tokens"))
    read = integer(data.get("cache_read_input_tokens"))
    written = integer(data.get("cache_creation_input_tokens"))
    sent = [count for count in (fresh, read, written) if count is not None]
    return Usage(
        input=sum(sent) if sent else None,
        output=integer(data.get("output_tokens")),
        reasoning=integer(mapping(data.get("output_tokens_details")).get("thinking_tokens")),
        cached_input=read,
        cache_write=written,
    )
