"""The conversation as requests need it: rounds, in which every call has its answer.

The log keeps everything; a request leaves out what must not be sent again: withdrawn text, calls
that were cut off, and opaque data of another provider.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from chatterm.errors import UsageError
from chatterm.steps import (
    Attachment,
    NoticeStep,
    Outcome,
    RefusalStep,
    Status,
    Step,
    TextStep,
    ThinkingStep,
    ToolCallStep,
    ToolResultStep,
    Turn,
    UserInput,
)

UNANSWERED = (
    "The result of this call is unknown: chatterm stopped before it was recorded. "
    "The call may or may not have had its effect."
)


_SUMMARY = """\
<summary>
What was said earlier in this conversation was taken out to save space. This summary of it stands \
in its place; chatterm made it, the user didn't write it.

{summary}
</summary>"""


def sendable(turns: Sequence[Turn]) -> tuple[Turn, ...]:
    """The turns as a request sends them: where they were compacted, a summary and what came since.

    The summary stands before the words of the first turn that is left, so that questions and
    answers go on taking turns. Nothing but the turns decides, and nothing that is behind a turn: a
    request begins with the bytes of the one before it until the next compaction, a branch from
    before one isn't compacted, and a resumed conversation is sent as it was live.

    Args:
        turns: The path from the first turn to the one under way, which is always sent.
    """
    act = compaction(turns)
    ids = [turn.id for turn in turns]
    if act is None or act.until not in ids[:-1]:
        return tuple(turn for turn in turns if turn is turns[-1] or not _is_act(turn))
    since = turns[ids.index(act.until) + 1 :]
    first, *rest = (turn for turn in since if turn is since[-1] or not _is_act(turn))
    block = _SUMMARY.format(summary=act.summary)
    text = f"{block}\n\n{first.input.text}" if first.input.text else block
    return (replace(first, input=replace(first.input, text=text)), *rest)


def compaction(turns: Sequence[Turn]) -> NoticeStep | None:
    """The compaction in force after these turns: the last one, unless it was undone since."""
    act = last_act(turns)
    return act if act is not None and act.reason == "compacted" else None


def last_act(turns: Sequence[Turn]) -> NoticeStep | None:
    """The last notice that says that from there on less, or everything again, is sent."""
    for turn in reversed(turns):
        for step in reversed(turn.steps):
            if isinstance(step, NoticeStep) and step.status is Status.DONE:
                summed_up = step.reason == "compacted" and step.summary is not None
                if summed_up or step.reason == "expanded":
                    return step
    return None


def _is_act(turn: Turn) -> bool:
    """Whether a turn is something done to the conversation, with nothing in it to send."""
    return not (turn.input.text or turn.input.attachments or rounds(turn))


@dataclass(frozen=True, slots=True)
class Round:
    """One model call's steps, and the answers to the calls chatterm ran.

    Attributes:
        steps: What came from the model and its server, in order, as far as it may be sent again;
            results of hosted calls are among them.
        results: The answer to each call that chatterm ran, in the calls' order.
    """

    steps: tuple[Step, ...]
    results: tuple[ToolResultStep, ...]

    @property
    def calls(self) -> tuple[ToolCallStep, ...]:
        """The calls that chatterm ran."""
        return tuple(s for s in self.steps if isinstance(s, ToolCallStep) and not s.hosted)

    @property
    def text(self) -> str:
        """The answer's text and refusals, joined."""
        return "".join(s.text for s in self.steps if isinstance(s, TextStep | RefusalStep))

    @property
    def thinking(self) -> tuple[ThinkingStep, ...]:
        """The thinking steps."""
        return tuple(s for s in self.steps if isinstance(s, ThinkingStep))


def rounds(turn: Turn) -> list[Round]:
    """The rounds of a turn, in order; those that hold nothing to send are left out."""
    ordered = sorted(turn.steps, key=lambda step: (step.round, step.index))
    found = [_round(list(steps)) for _, steps in groupby(ordered, key=lambda step: step.round)]
    return [each for each in found if each.steps]


def opaque_of(step: Step, turn: Turn, provider: str) -> dict[str, Any]:
    """A step's opaque data, when it may go to this provider; else nothing."""
    if step.opaque is None or turn.provider != provider or step.status is not Status.DONE:
        return {}
    return step.opaque


def _round(steps: list[Step]) -> Round:
    sent = [step for step in _standing(steps) if _may_be_sent(step)]
    answers = []
    for call in [step for step in sent if isinstance(step, ToolCallStep) and not step.hosted]:
        results = (step for step in sent if isinstance(step, ToolResultStep))
        answer = next((result for result in results if result.call_id == call.call_id), None)
        if answer is not None:
            sent.remove(answer)
        answers.append(answer or _unknown(call))
    return Round(tuple(sent), tuple(answers))


def _standing(steps: list[Step]) -> list[Step]:
    """The steps of a round that the provider didn't take back: those since the notice of it."""
    for number, step in reversed(list(enumerate(steps))):
        if isinstance(step, NoticeStep) and step.reason == "withdrawn":
            return steps[number + 1 :]
    return steps


def _may_be_sent(step: Step) -> bool:
    match step:
        case NoticeStep():
            return step.opaque is not None  # a part of the reply that isn't shown
        case TextStep():
            return bool(step.text) and not step.withdrawn
        case ToolCallStep():
            return step.status is Status.DONE
        case ThinkingStep() | ToolResultStep():
            return True
        case RefusalStep():
            return bool(step.text)
        case _:
            return False


def _unknown(call: ToolCallStep) -> ToolResultStep:
    return ToolResultStep(
        id=f"{call.id}.result",
        index=call.index,
        round=call.round,
        status=Status.DONE,
        call_id=call.call_id,
        name=call.name,
        content=UNANSWERED,
        ok=False,
        outcome=Outcome.UNKNOWN,
    )


# --- what the user sent -----------------------------------------------------------------------


def user_content(
    user_input: UserInput, text_type: str, part: Callable[[Attachment], dict[str, Any]]
) -> str | list[dict[str, Any]]:
    """The content of a user message: text alone, or parts with the files first.

    Args:
        user_input: What the user sent.
        text_type: The type of a part that holds text.
        part: Makes the part of a picture or PDF.
    """
    text = text_with_files(user_input)
    files = [part(attachment) for attachment in binary_files(user_input)]
    if not files:
        return text
    return [*files, {"type": text_type, "text": text}] if text else files


def text_with_files(user_input: UserInput) -> str:
    """The user's text, with attached text files in labelled blocks before it."""
    blocks = [
        f'<file name="{_attribute(attachment.name)}">\n{_decoded(attachment)}\n</file>'
        for attachment in user_input.attachments
        if is_text(attachment)
    ]
    return "\n\n".join([*blocks, user_input.text] if user_input.text else blocks)


def binary_files(user_input: UserInput) -> Iterable[Attachment]:
    """The attachments that go as parts of their own: images and PDF files."""
    return (a for a in user_input.attachments if not is_text(a))


def is_text(attachment: Attachment) -> bool:
    """Whether an attachment is sent as text."""
    return not (is_image(attachment) or attachment.media_type == "application/pdf")


def is_image(attachment: Attachment) -> bool:
    """Whether an attachment is a picture."""
    return attachment.media_type.startswith("image/")


def images_of(result: ToolResultStep) -> tuple[Attachment, ...]:
    """The pictures that go with a result; one whose content is gone is left out."""
    return tuple(a for a in result.attachments or () if is_image(a) and a.data is not None)


def data_url(attachment: Attachment) -> str:
    """An attachment's content as a `data:` address."""
    return f"data:{attachment.media_type};base64,{base64_of(attachment)}"


def base64_of(attachment: Attachment) -> str:
    """An attachment's content in base64."""
    return base64.b64encode(content_of(attachment)).decode("ascii")


def _decoded(attachment: Attachment) -> str:
    return content_of(attachment).decode("utf-8", "replace").rstrip("\n")


def content_of(attachment: Attachment) -> bytes:
    """An attachment's content.

    Raises:
        UsageError: It is gone.
    """
    if attachment.data is None:
        raise UsageError(
            f"the content of the attachment {attachment.name} is no longer there",
            hint="attach the file again",
        )
    return attachment.data


def _attribute(name: str) -> str:
    return name.replace("&", "&amp;").replace('"', "&quot;")
