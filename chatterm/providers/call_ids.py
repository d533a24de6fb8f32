"""Ids of calls as a server takes them: of its characters, not too long, and no two alike.

Some models number their calls from the beginning in every reply, and some give no ids at all, so
that ours do. What a model reads of another's calls must still tell which result is whose.
"""

from __future__ import annotations

import hashlib
import re

_DIGEST = 8  # characters that tell apart two long ids which begin alike


class CallIds:
    """The ids of the calls in one request. The same calls in the same order give the same ids.

    Args:
        longest: The most characters an id may have.
        exactly: How many letters and digits an id must have, nothing else being taken.
    """

    def __init__(self, longest: int = 64, exactly: int | None = None) -> None:
        self._longest = longest
        self._exactly = exactly
        self._taken: set[str] = set()

    def own(self, call_id: str) -> str:
        """The id of a call that the server's own model made: it goes back as it came."""
        self._taken.add(call_id)
        return call_id

    def valid(self, call_id: str) -> str:
        """The id for the next call, whoever made it."""
        found, number = self._fitting(call_id), 2
        while found in self._taken:
            found, number = self._fitting(call_id, f"_{number}"), number + 1
        self._taken.add(found)
        return found

    def _fitting(self, call_id: str, ending: str = "") -> str:
        if self._exactly:
            return _digest(f"{call_id}{ending}")[: self._exactly]
        plain = re.sub(r"[^a-zA-Z0-9_-]", "_", call_id) or "call"
        room = self._longest - len(ending)
        if len(plain) > room:
            plain = f"{plain[: room - _DIGEST - 1]}_{_digest(call_id)[:_DIGEST]}"
        return f"{plain}{ending}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
