"""Attachments with their content, which the log keeps apart."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from chatterm.errors import StoreError
from chatterm.steps import Attachment, Step, ToolResultStep, Turn

if TYPE_CHECKING:
    from chatterm.store.store import Store


def with_content(turn: Turn, store: Store) -> Turn:
    """A turn whose attachments have their content.

    Raises:
        StoreError: One that the user sent isn't kept any longer. A picture of a tool's result that
            isn't is left without its content: the result says in words what it was.
    """
    sent = turn.input.attachments
    if any(attachment.data is None for attachment in sent):
        found = tuple(_fetched(attachment, store) for attachment in sent)
        turn = replace(turn, input=replace(turn.input, attachments=found))
    if any(_lacking(step) for step in turn.steps):
        steps = tuple(_step_with_content(step, store) for step in turn.steps)
        turn = replace(turn, steps=steps)
    return turn


def _lacking(step: Step) -> bool:
    return isinstance(step, ToolResultStep) and _any_lacking(step.attachments or ())


def _any_lacking(attachments: Iterable[Attachment]) -> bool:
    return any(attachment.data is None for attachment in attachments)


def _step_with_content(step: Step, store: Store) -> Step:
    if not isinstance(step, ToolResultStep) or not step.attachments:
        return step
    attachments = list(step.attachments)
    for number, attachment in enumerate(attachments):
        with suppress(StoreError):
            attachments[number] = _fetched(attachment, store)
    return replace(step, attachments=tuple(attachments))


def _fetched(attachment: Attachment, store: Store) -> Attachment:
    if attachment.data is not None:
        return attachment
    return replace(attachment, data=store.blob(attachment.sha256))
