"""The words that transcripts share: times, sizes, endings, addresses."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import quote

from chatterm.events import TurnFinished
from chatterm.render import amounts
from chatterm.render.sanitize import sanitize, sanitize_line
from chatterm.steps import (
    Attachment,
    FinishReason,
    Outcome,
    Status,
    Step,
    ToolCallStep,
    ToolResultStep,
    Usage,
)

if TYPE_CHECKING:
    from chatterm.store.model import Conversation
    from chatterm.transcripts.outline import ToolUse

_ENDINGS = {
    FinishReason.LENGTH: "cut off at the length limit",
    FinishReason.CONTENT_FILTER: "stopped by a content filter",
    FinishReason.REFUSAL: "declined",
    FinishReason.ROUND_LIMIT: "stopped at the limit of rounds",
    FinishReason.INTERRUPTED: "interrupted",
    FinishReason.ERROR: "failed",
}
_OUTCOMES = {
    Outcome.FAILED: "failed",
    Outcome.DENIED: "denied",
    Outcome.CANCELLED: "cancelled",
    Outcome.TIMED_OUT: "timed out",
    Outcome.UNKNOWN: "outcome unknown",
}
_LINK = re.compile(r"(?:https?://|mailto:)[^\s]+", re.IGNORECASE)


def clean(text: str) -> str:
    """A text without control sequences and without anything that can't be seen; tabs stay.

    What goes to a file isn't laid out in columns, and in code a tab matters.
    """
    if "\t" not in text:
        return sanitize(text)
    return "\t".join(sanitize(piece) for piece in text.split("\t"))


def title_of(conversation: Conversation) -> str:
    """A conversation's title in one line."""
    return sanitize_line(conversation.title.strip()) or "untitled"


def facts(conversation: Conversation) -> list[tuple[str, str]]:
    """What is known about a conversation beside its title: labels and values, each one line."""
    found = [("conversation", conversation.id), ("begun", moment(conversation.created_at))]
    if conversation.updated_at != conversation.created_at:
        found.append(("changed", moment(conversation.updated_at)))
    if conversation.directory:
        found.append(("directory", conversation.directory))
    return [(label, sanitize_line(value)) for label, value in found if value]


def moment(timestamp: str) -> str:
    """A timestamp of the log for people: UTC, to the minute."""
    try:
        parsed = datetime.fromisoformat(timestamp)
        if parsed.tzinfo is not None:
            parsed = parsed.astimezone(UTC)
    except (ValueError, OverflowError):
        return sanitize_line(timestamp)
    return f"{parsed:%Y-%m-%d %H:%M} UTC"


def attachment_line(attachment: Attachment) -> str:
    """An attachment's name, kind and size, in one line."""
    kind = sanitize_line(attachment.media_type)
    return f"{sanitize_line(attachment.name) or 'unnamed'} ({kind}, {size(attachment.size)})"


def size(count: int) -> str:
    """A number of bytes for people."""
    return amounts.size(count, "bytes")


def usage_line(usage: Usage) -> str:
    """The tokens and the cost of a turn; an empty string where nothing is known."""
    parts = []
    if usage.input is not None:
        cached = f" ({usage.cached_input:,} cached)" if usage.cached_input else ""
        parts.append(f"{usage.input:,} tokens in{cached}")
    if usage.output is not None:
        reasoning = f" ({usage.reasoning:,} reasoning)" if usage.reasoning else ""
        parts.append(f"{usage.output:,} tokens out{reasoning}")
    if usage.cost_usd is not None:
        parts.append(f"${usage.cost_usd:.4f}")
    return ", ".join(parts)


def ending(finished: TurnFinished | None) -> str:
    """How a turn ended, when it didn't come to its own end; else an empty string."""
    if finished is None:
        return "not finished"
    if finished.error is not None:
        hint = f" ({finished.error.hint})" if finished.error.hint else ""
        return sanitize_line(f"failed: {finished.error.message}{hint}".strip())
    return _ENDINGS.get(finished.finish_reason, "")


def remark(step: Step | ToolUse, end: str = "") -> str:
    """What is to be said about a step's status; an empty string for one that is whole.

    Args:
        step: The step. Of a call and its result `call_remark` and `result_remark` speak.
        end: What is said about the whole turn, and so needn't be said of the step.
    """
    if not isinstance(step, Step) or step.status in {Status.DONE, Status.OPEN}:
        return ""
    return "" if step.status.value == end else step.status.value


def result_remark(result: ToolResultStep) -> str:
    """What is to be said about a result beside its content."""
    parts = [_OUTCOMES.get(result.outcome, "" if result.ok else "failed")]
    if result.exit_code is not None:
        parts.append(f"exit status {result.exit_code}")
    if result.truncated:
        parts.append("shortened")
    return ", ".join(part for part in parts if part)


def call_remark(use: ToolUse) -> str:
    """What is to be said about a call beside its arguments."""
    parts = []
    if use.call is not None:
        parts.append(remark(use.call))
    if use.decision:
        parts.append(f"asked: {sanitize_line(use.decision)}")
    if use.call is not None and use.result is None and not use.call.hosted:
        parts.append("no result")
    return ", ".join(part for part in parts if part)


def arguments_of(call: ToolCallStep) -> tuple[str, str]:
    """The language and the text of a call's arguments, for reading."""
    if call.input is not None:
        return "json", clean(json.dumps(call.input, ensure_ascii=False, indent=2))
    return "", clean(call.arguments)


def safe_url(address: str) -> str | None:
    """An address that may become a link, percent-encoded where it must; None for any other.

    Only http, https and mailto: whatever else a model names stays text.
    """
    address = address.strip()
    if not _LINK.fullmatch(address) or sanitize_line(address) != address:
        return None
    return quote(address, safe="!#$%&'()*+,/:;=?@[]~-._")
