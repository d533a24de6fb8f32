"""Conversations that a server keeps: which of them goes on with a turn, and what it must be told.

Some servers take one question at a time and remember what was said. The id of their conversation
lies in the opaque data of a turn's first step. What the server hasn't heard (turns with another
provider, or all of them when its conversation can't go on) is retold in front of the question.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from chatterm.providers.decoding import mapping, text_of
from chatterm.providers.history import Round, binary_files, rounds, text_with_files
from chatterm.steps import (
    Attachment,
    RefusalStep,
    Step,
    TextStep,
    ToolCallStep,
    ToolResultStep,
    Turn,
    UserInput,
)

KEEPING = ("lightspeed", "luxx")
"""The protocols whose servers keep conversations, under whose names records lie."""
LONGEST_RESULT = 4000  # characters of a tool's result that are retold

_RETOLD = """\
<earlier_conversation>
What was said in this conversation so far that isn't in your memory of it, retold by chatterm.

{messages}
</earlier_conversation>"""


@dataclass(frozen=True, slots=True)
class Thread:
    """What is asked in a server's conversation.

    Attributes:
        conversation: The conversation's id, or None for a new one.
        unheard: The earlier turns that it doesn't hold, oldest first.
        turn: The turn under way.
    """

    conversation: str | None
    unheard: tuple[Turn, ...]
    turn: Turn

    def question(self, accepts: Callable[[Attachment], bool]) -> str:
        """The whole of it as one text.

        Args:
            accepts: Whether a file that isn't text goes to the server on its own.
        """
        asked = _asked(self.turn.input, accepts)
        if retold := [message for turn in self.unheard for message in _retold(turn)]:
            block = _RETOLD.format(messages="\n".join(retold))
            return f"{block}\n\n{asked}" if asked else block
        return asked


class Threads:
    """Finds the conversation that goes on, for the servers of one protocol.

    A conversation there is a line, ours are trees: it goes on only from the last turn that was
    asked in it, as far as this process has seen, or from one that was fetched from there since.

    Args:
        protocol: The protocol's name, under which records lie in opaque data.
    """

    def __init__(self, protocol: str) -> None:
        self._protocol = protocol
        self._last: dict[str, str] = {}  # conversation: the last turn that was asked in it
        self._gone: set[str] = set()

    def thread(self, turns: tuple[Turn, ...], provider: str, made: str = "") -> Thread:
        """What goes to the server for the last of these turns.

        Args:
            turns: The conversation so far, the turn under way last.
            provider: The provider's name.
            made: What the conversation must have been made with, where that can't be changed.
        """
        *earlier, turn = turns
        ids = [each.id for each in earlier]
        for number, before in reversed(list(enumerate(earlier))):
            record = self._record(before, provider)
            conversation = text_of(record.get("conversation"))
            if not conversation:
                continue
            branched = self._last.get(conversation, before.id) not in ids[: number + 1]
            if branched or conversation in self._gone or not _is_made(record, made, before, turn):
                break
            return Thread(conversation, tuple(earlier[number + 1 :]), turn)
        return Thread(None, tuple(earlier), turn)

    def record(self, conversation: str, turn: Turn, made: str = "") -> dict[str, Any]:
        """The opaque data of a turn that is asked in this conversation, from now on its last."""
        self._last[conversation] = turn.id
        self._gone.discard(conversation)
        record = {"conversation": conversation} | ({"made": made} if made else {})
        return {self._protocol: record}

    def forget(self, conversation: str) -> None:
        """The server doesn't have this conversation any more."""
        self._gone.add(conversation)

    def _record(self, turn: Turn, provider: str) -> dict[str, Any]:
        # Of whatever became of the turn: what was broken off is in the server's memory too.
        if turn.provider != provider:
            return {}
        records = (mapping((step.opaque or {}).get(self._protocol)) for step in turn.steps)
        return next((record for record in records if record), {})


def kept_in(turn: Turn) -> tuple[str, str] | None:
    """The provider and the id of its conversation that holds a turn; None where none does."""
    for step in turn.steps:
        for protocol in KEEPING:
            record = mapping((step.opaque or {}).get(protocol))
            if conversation := text_of(record.get("conversation")):
                return turn.provider, conversation
    return None


def _is_made(record: dict[str, Any], made: str, before: Turn, turn: Turn) -> bool:
    """Whether a conversation fits what is asked; of a fetched one only the model is known."""
    if record.get("fetched") is True:
        return before.model == turn.model
    return text_of(record.get("made")) == made


def left_out(user_input: UserInput, accepts: Callable[[Attachment], bool]) -> list[Attachment]:
    """The attached files that can't go along."""
    return [file for file in binary_files(user_input) if not accepts(file)]


def left_out_words(files: Iterable[Attachment]) -> str:
    """What to say of files that can't go along; empty for none."""
    names = ", ".join(f"{file.name} ({file.media_type})" for file in files)
    return f"not sent, since this server doesn't take such files: {names}" if names else ""


def nothing_else(_: Attachment) -> bool:
    """For servers that take only text."""
    return False


def retold_answer(turn: Turn) -> str:
    """All that came of a turn as one text, calls and their results included."""
    return "\n\n".join(part for each in rounds(turn) for part in _parts(each))


def asked_text(user_input: UserInput) -> str:
    """What the user sent, for a server that takes only text."""
    return _asked(user_input, nothing_else)


def _asked(user_input: UserInput, accepts: Callable[[Attachment], bool]) -> str:
    lines = [f"[attached, but not sent: {file.name}]" for file in left_out(user_input, accepts)]
    text = text_with_files(user_input)
    return "\n\n".join([*lines, text] if text else lines)


def _retold(turn: Turn) -> Iterator[str]:
    if asked := asked_text(turn.input):
        yield _message("user", asked)
    if answer := retold_answer(turn):
        yield _message("assistant", answer)


def _message(role: str, text: str) -> str:
    # No text may end its own message and speak as somebody else.
    for tag in ("message", "earlier_conversation"):
        text = text.replace(f"</{tag}", f"<\\/{tag}")
    return f'<message from="{role}">\n{text}\n</message>'


def _parts(each: Round) -> Iterator[str]:
    results = {result.call_id: result for result in each.results}
    for step in each.steps:
        yield from _step_parts(step)
        if isinstance(step, ToolCallStep) and step.call_id in results:
            yield from _step_parts(results[step.call_id])


def _step_parts(step: Step) -> Iterator[str]:
    match step:
        case TextStep() | RefusalStep():
            if text := step.text.strip():
                yield text
        case ToolCallStep():
            yield f"[called the tool {step.name} with {step.arguments or '{}'}]"
        case ToolResultStep():
            content = step.content
            if len(content) > LONGEST_RESULT:
                content = f"{content[:LONGEST_RESULT]}…"
            yield f"[{step.name} {'gave' if step.ok else 'failed'}: {content}]"
