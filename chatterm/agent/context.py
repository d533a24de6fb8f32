"""How much of a model's context a conversation has in use, and how much there is.

What a provider reports counts. What it doesn't is estimated, and every number with an estimate in
it says so. How much a model takes is never guessed: it is what the configuration or the provider
says, or unknown.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil

from chatterm.errors import ProviderError
from chatterm.providers.base import Provider
from chatterm.providers.history import is_image, is_text, rounds, sendable
from chatterm.steps import (
    Attachment,
    NoticeStep,
    RefusalStep,
    Step,
    TextStep,
    ThinkingStep,
    ToolCallStep,
    ToolResultStep,
    Turn,
    UserInput,
)

SMALLEST_WINDOW = 2048  # tokens; with fewer in use no provider is asked how many a model takes
_IMAGE = 1500  # tokens; providers count from under 100 to about 1,600, by size
_DOCUMENT = 3000  # tokens; a PDF file of a page or two
_OVERHEAD = 4  # tokens that frame a message
_LIST_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class ContextUse:
    """How full a model's context is.

    Attributes:
        tokens: What the next request sends, without the user's next words.
        window: The most that the model takes, or None where that isn't known.
        estimated: Whether any part of `tokens` is an estimate of ours, not the provider's count.
    """

    tokens: int
    window: int | None = None
    estimated: bool = False

    @property
    def share(self) -> float | None:
        """The part of the window that is in use, from 0; None where the window isn't known."""
        return self.tokens / self.window if self.window else None


def context_use(
    turns: Sequence[Turn], *, window: int | None = None, system: str | None = None
) -> ContextUse:
    """How full the context is after these turns.

    The last report since the conversation was last compacted (or that undone) counts, with an
    estimate of what came after it; without one, everything is estimated.

    Args:
        turns: The path from the first turn to the last.
        window: The most tokens that the model takes.
        system: The system text, which a report holds and an estimate adds.
    """
    sent = sendable(turns)
    after = 0  # estimated tokens that are behind the last report
    for turn in reversed(turns):
        if _is_notice_of_act(turn):
            break
        if turn.reported is not None:
            tail = turn.steps[turn.reported.steps :]
            after += sum(_tokens_of_step(step) for step in tail)
            return ContextUse(turn.reported.tokens + after, window, estimated=after > 0)
        after += tokens_of_turn(turn)
    tokens = sum(map(tokens_of_turn, sent)) + tokens_of_text(system or "")
    return ContextUse(tokens, window, estimated=tokens > 0)


async def window_of(provider: Provider, model: str, windows: Mapping[str, int]) -> int | None:
    """The most tokens that a model takes, or None where nobody says.

    The configuration comes first; else the provider is asked for its list of models. A provider
    that can't be asked, or doesn't answer soon, is one that doesn't say.

    Args:
        provider: Who offers the model.
        model: The model's name, as the provider knows it.
        windows: What the configuration says, by `provider/model`.
    """
    known = windows.get(f"{provider.name}/{model}")
    if known is not None:
        return known
    try:
        async with asyncio.timeout(_LIST_TIMEOUT_S):
            offered = await provider.models()
    except (ProviderError, TimeoutError):
        return None
    return next((each.context_window for each in offered if each.id == model), None)


# --- estimates --------------------------------------------------------------------------------


def tokens_of_text(text: str) -> int:
    """About how many tokens a text is: a quarter of its ASCII characters, a third of other bytes.

    A third of the bytes of UTF-8 is about one token a character in Chinese, Japanese and Korean,
    and two for three letters in Greek, Cyrillic, Arabic and the like.
    """
    plain = len(text.encode("ascii", "ignore"))
    other = len(text.encode("utf-8", "surrogatepass")) - plain
    return ceil(plain / 4 + other / 3)


def tokens_of_input(user_input: UserInput) -> int:
    """About how many tokens a user's message is, its files included."""
    files = sum(map(_tokens_of_file, user_input.attachments))
    return _OVERHEAD + tokens_of_text(user_input.text) + files


def tokens_of_turn(turn: Turn) -> int:
    """About how many tokens a turn is in later requests."""
    total = tokens_of_input(turn.input)
    for each in rounds(turn):
        total += _OVERHEAD + sum(map(_tokens_of_step, (*each.steps, *each.results)))
    return total


def _tokens_of_step(step: Step) -> int:
    match step:
        case TextStep(withdrawn=True):
            return 0
        case TextStep() | RefusalStep():
            return tokens_of_text(step.text)
        case ToolCallStep():
            return _OVERHEAD + tokens_of_text(step.name) + tokens_of_text(step.arguments)
        case ToolResultStep():
            images = sum(map(_tokens_of_file, step.attachments or ()))
            return _OVERHEAD + tokens_of_text(step.content) + images
        case ThinkingStep():
            return tokens_of_text(step.text) if step.opaque else 0
        case _:
            return 0


def _tokens_of_file(attachment: Attachment) -> int:
    if is_image(attachment):
        return _IMAGE
    return ceil(attachment.size / 4) if is_text(attachment) else _DOCUMENT


def _is_notice_of_act(turn: Turn) -> bool:
    """Whether a turn changed what is sent, so that reports before it say nothing any more."""
    return any(
        isinstance(step, NoticeStep) and step.reason in ("compacted", "expanded")
        for step in turn.steps
    )
