"""What the decoders of all protocols have in common.

A decoder is pure: parsed events go in, steps are written through a `StepWriter`, and what the
round came to is read from its attributes. It does no I/O and doesn't know how the bytes were cut.
"""

from __future__ import annotations

import json
import math
from typing import Any, Protocol, runtime_checkable

from chatterm.errors import ErrorKind, Failure
from chatterm.providers.base import RoundEnd
from chatterm.steps import FinishReason, Usage

BUDGET_THOUGHT_AWAY = "the token limit was reached while thinking, before any answer"
FILTERED = "the provider's content filter stopped the reply"
MODERATED = "the provider's moderation flagged this exchange"


class Decoder(Protocol):
    """Reads one protocol's events into steps."""

    @property
    def ended(self) -> bool:
        """The protocol's last word has come: nothing more need be read."""
        ...

    @property
    def answered(self) -> bool:
        """The reply is known to be whole, though trailing events (usage) may follow.

        Where a server says so with every event, it is known no longer once the reply has gone on.
        """
        ...

    def event(self, name: str | None, data: Any) -> None:
        """Read one event: the frame's name, if it had one, and its parsed data."""
        ...

    def close(self, failure: Failure | None = None) -> RoundEnd:
        """The body has ended (or `ended` is true): close what is open and say what it came to.

        Args:
            failure: Why it ended, where that is known better than from what came: the way to the
                server failed.
        """
        ...


@runtime_checkable
class TextReader(Protocol):
    """A decoder that also reads bodies which are the answer as it is, ended by end of file.

    Attributes:
        plain: Such a body was asked for.
    """

    plain: bool

    def text(self, piece: str) -> None:
        """Read a piece of the answer."""
        ...


def stream_cut(text_shown: bool) -> Failure:
    """The failure of a stream that ended without its protocol's last word."""
    kept = "; what came is kept" if text_shown else ""
    return Failure(
        ErrorKind.STREAM_CUT,
        f"the provider's stream ended before the reply was finished{kept}",
        retryable=True,
        hint="ask again, or ask it to continue",
    )


def failed(failure: Failure, *, word: str | None = None, usage: Usage | None = None) -> RoundEnd:
    """The end of a round that failed."""
    return RoundEnd(FinishReason.ERROR, word, usage or Usage(), failure)


def parse_json(text: str) -> Any:
    """A value that a server sent. Numbers that JSON doesn't have (NaN, an infinity) are null.

    What is kept of a reply is written as JSON again, to other servers and other programs.

    Raises:
        ValueError: It isn't JSON.
        RecursionError: It is nested too deeply.
    """
    return _LENIENT.decode(text)


def parse_arguments(text: str) -> Any:
    """The arguments that a model wrote, by the letter of JSON: with NaN in them they aren't any.

    Raises:
        ValueError: They aren't JSON.
        RecursionError: They are nested too deeply.
    """
    return _STRICT.decode(text)


def _finite(text: str) -> float | None:
    value = float(text)
    return value if math.isfinite(value) else None


def _refused(text: str) -> float:
    raise ValueError(f"JSON has no {text[:20]}")


def _finite_only(text: str) -> float:
    value = float(text)
    return value if math.isfinite(value) else _refused(text)


_LENIENT = json.JSONDecoder(parse_float=_finite, parse_constant=lambda _: None)
_STRICT = json.JSONDecoder(parse_float=_finite_only, parse_constant=_refused)


def integer(value: Any) -> int | None:
    """A count as a provider sent it, or None for anything that isn't one."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if 0 <= value < 2**63 else None  # nor NaN or an infinity


def number(value: Any) -> float | None:
    """An amount as a provider sent it, or None for anything that isn't one."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < 2**63 else None


def text_of(value: Any) -> str:
    """A string as it is, anything else as none."""
    return value if isinstance(value, str) else ""


def mapping(value: Any) -> dict[str, Any]:
    """A JSON object as it is, anything else as an empty one."""
    return value if isinstance(value, dict) else {}


def sequence(value: Any) -> list[Any]:
    """A JSON array as it is, anything else as an empty one."""
    return value if isinstance(value, list) else []


def flagged(moderation: dict[str, Any]) -> bool:
    """Whether any result of OpenAI's `moderation` object was flagged."""
    return any(
        mapping(result).get("flagged") is True
        for side in moderation.values()
        for result in sequence(mapping(side).get("results"))
    )
