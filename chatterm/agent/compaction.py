"""Compaction: a summary in place of older turns, as far as the model is concerned.

A compaction is a turn of its own in the log, without words of the user: it holds one notice
(`compacted`) with the summary and the last turn that this stands for. Undoing it is another such
turn (`expanded`). What is sent to the model follows from the turns alone
(`chatterm.providers.history.sendable`), so that both survive resuming, forking and exporting, and
belong to the branch they were done in. Nothing is ever taken out of the log.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any

from chatterm.agent.context import context_use, tokens_of_turn
from chatterm.assembly import StepWriter
from chatterm.events import Event, StepFinished
from chatterm.providers.base import ModelInfo, ModelRequest, Provider, RoundEnd, Settings
from chatterm.providers.history import compaction, last_act, rounds, sendable
from chatterm.steps import (
    FinishReason,
    NoticeStep,
    RefusalStep,
    Status,
    Step,
    TextStep,
    ToolCallStep,
    ToolResultStep,
    Turn,
    UserInput,
)

ACT: Mapping[str, Any] = {"act": True}
"""What such a turn's settings say, so that it isn't counted among those of the conversation."""

_KEPT = 0.25  # the part of the window that may hold turns as they were
_LONGEST_RESULT = 2000  # characters of a tool's result that the summary is made from
_WISH = """\
Below is the earlier part of a conversation between a user and an assistant. It is about to be \
taken out of the assistant's sight, and only your summary will stand in its place. Write down, in \
the conversation's language, all that is needed to go on: what the user wants and has decided, \
what was done and found out, names of files, commands, values and errors word for word where they \
matter, what is still open. Leave out greetings and what was superseded. Don't answer the \
conversation and don't call anything; reply with the summary alone."""
_EXPANDED = "everything is sent to the model again; nothing is summarised until asked for"


def may_compact(turns: Sequence[Turn]) -> bool:
    """Whether a conversation may be compacted without being asked: not after an undo."""
    act = last_act(turns)
    return act is None or act.reason == "compacted"


def is_compacted(turns: Sequence[Turn]) -> bool:
    """Whether a summary stands in place of some of these turns."""
    return compaction(turns) is not None


def to_summarise(turns: Sequence[Turn], window: int | None) -> tuple[Turn, ...]:
    """The turns that a summary should stand for, as they would be sent; none: nothing to gain.

    As many of the newest as fit into a quarter of the window stay as they are. Where the window
    isn't known, it is a quarter of the conversation. A turn's size is estimated; where the whole
    is known to take more than the estimates say, each turn takes its part of that.
    """
    sent = _without_acts(sendable(turns))
    estimates = [tokens_of_turn(turn) for turn in sent]
    total = sum(estimates)
    known = max(total, context_use(turns).tokens)
    sizes = [estimate * known / total for estimate in estimates]
    room = (window or known) * _KEPT
    first_kept = len(sent)
    while first_kept and sizes[first_kept - 1] <= room:
        first_kept -= 1
        room -= sizes[first_kept]
    return sent[:first_kept]


def summary_request(older: Sequence[Turn], model: str) -> ModelRequest:
    """The one request that asks for a summary of these turns.

    They go as text within one message: no server has to be told of tools that aren't on offer, and
    nothing that only their own provider may be sent is needed.
    """
    talk = "\n\n".join(piece for turn in older for piece in _pieces(turn))
    text = f"{_WISH}\n\n<conversation>\n{talk}\n</conversation>"
    turn = Turn("summary", UserInput(text), "")
    return ModelRequest(model, (turn,), settings=Settings(thinking=False))


class Summariser:
    """A provider of one round, whose answer is the notice of a compaction.

    It asks the real provider for the summary. A summary that fails, is cut off or comes out empty
    leaves a failed notice that changes nothing of what is sent.

    Args:
        provider: Who makes the summary.
        model: The model's name.
        older: The turns that it stands for, as `to_summarise` gives them.
    """

    def __init__(self, provider: Provider, model: str, older: Sequence[Turn]) -> None:
        self.name = provider.name
        self._provider = provider
        self._request = summary_request(older, model)
        self._until = older[-1].id
        self._count = "1 earlier turn" if len(older) == 1 else f"{len(older)} earlier turns"

    async def stream(
        self, request: ModelRequest, writer: StepWriter
    ) -> AsyncGenerator[Event | RoundEnd, None]:
        """Write the notice; see `Provider.stream`."""
        notice = writer.open(NoticeStep, reason="compacted")
        writer.append(notice, f"summarising {self._count} for the model")
        for event in writer.take():
            yield event
        end, texts = RoundEnd(), []
        inner = StepWriter("summary")
        try:
            async with aclosing(self._provider.stream(self._request, inner)) as items:
                async for item in items:
                    if isinstance(item, RoundEnd):
                        end = item
                    elif isinstance(item, StepFinished) and isinstance(item.step, TextStep):
                        texts.append(item.step.text)
        finally:
            writer.usage = inner.usage
        summary = "\n\n".join(text.strip() for text in texts).strip()
        if (why := _why_unusable(end, summary)) is not None:
            writer.replace_text(notice, f"no summary was made, the whole is sent: {why}")
            writer.finish(notice, Status.FAILED)
        else:
            text = f"a summary of {self._count} is sent to the model in their place"
            writer.replace_text(notice, text)
            writer.finish(notice, summary=summary, until=self._until)
        for event in writer.take():
            yield event
        yield end

    async def models(self) -> list[ModelInfo]:
        """Nothing beside the model that is asked."""
        return []

    async def aclose(self) -> None:
        """The real provider belongs to somebody else."""


class Expander:
    """A provider of one round that asks nobody, and whose answer undoes a compaction.

    Args:
        name: The name of the conversation's provider.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    async def stream(
        self, request: ModelRequest, writer: StepWriter
    ) -> AsyncGenerator[Event | RoundEnd, None]:
        """Write the notice; see `Provider.stream`."""
        writer.notice("expanded", _EXPANDED)
        for event in writer.take():
            yield event
        yield RoundEnd()

    async def models(self) -> list[ModelInfo]:
        """There are none."""
        return []

    async def aclose(self) -> None:
        """There is nothing to give up."""


def _why_unusable(end: RoundEnd, summary: str) -> str | None:
    if end.failure is not None:
        return end.failure.message
    if end.finish_reason is not FinishReason.STOP:
        return f"the model stopped early ({end.finish_reason})"
    return None if summary else "the model answered with nothing"


def _without_acts(turns: Sequence[Turn]) -> tuple[Turn, ...]:
    return tuple(t for t in turns if t.input.text or t.input.attachments or rounds(t))


def _pieces(turn: Turn) -> list[str]:
    """What was said in a turn, who said it before each piece."""
    files = "".join(f"\n[attached: {file.name}]" for file in turn.input.attachments)
    pieces = [f"User:\n{turn.input.text}{files}"]
    for each in rounds(turn):
        for step in (*each.steps, *each.results):
            pieces.extend(_piece(step))
    return pieces


def _piece(step: Step) -> list[str]:
    match step:
        case TextStep() | RefusalStep():
            return [f"Assistant:\n{step.text}"]
        case ToolCallStep():
            return [f"Assistant calls {step.name}:\n{step.arguments}"]
        case ToolResultStep():
            content = step.content
            if len(content) > _LONGEST_RESULT:
                half = _LONGEST_RESULT // 2
                content = f"{content[:half]}\n[…]\n{content[-half:]}"
            return [f"Result ({step.outcome}):\n{content}"]
        case _:
            return []
