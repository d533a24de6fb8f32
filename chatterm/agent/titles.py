"""Titles of conversations: from the first message at once, better ones from the model later."""

from __future__ import annotations

import re
from contextlib import aclosing
from dataclasses import replace

from chatterm.assembly import StepWriter
from chatterm.events import StepFinished
from chatterm.providers.base import ModelRequest, Provider, RoundEnd, Settings
from chatterm.steps import TextStep, Turn, UserInput

LONGEST = 60  # characters of a title
_EXCERPT = 2000  # characters of question and answer that a title is made from
_WISH = (
    "Give this conversation a title of two to six words, in its own language. "
    "Reply with the title alone: no quotation marks, no final stop."
)


def title_of(user_input: UserInput) -> str:
    """A title from what the user sent first: its first line that says something, shortened."""
    for line in user_input.text.splitlines():
        words = " ".join(line.strip(" \t#>*-`").split())
        if words and not words.startswith("<"):
            return _shortened(words)
    names = ", ".join(attachment.name for attachment in user_input.attachments)
    return _shortened(names) if names else "untitled"


async def improved_title(provider: Provider, model: str, turn: Turn) -> str | None:
    """A title that the model gives a conversation by its first turn, or None where it doesn't.

    Never raises for what a provider does: a conversation without a better title keeps its own.

    Args:
        provider: Who is asked, once.
        model: The model's name, as the provider knows it.
        turn: The conversation's first turn, finished.
    """
    answer = "".join(step.text for step in turn.steps if isinstance(step, TextStep))
    question = turn.input.text[:_EXCERPT]
    text = "\n\n".join(
        (
            _WISH,
            f"<question>\n{question}\n</question>",
            f"<answer>\n{answer[:_EXCERPT]}\n</answer>",
        )
    )
    request = ModelRequest(
        model,
        (replace(turn, input=UserInput(text), steps=()),),
        settings=Settings(thinking=False),
    )
    texts: list[str] = []
    async with aclosing(provider.stream(request, StepWriter(turn.id))) as items:
        async for item in items:
            if isinstance(item, StepFinished) and isinstance(item.step, TextStep):
                texts.append(item.step.text)
            elif isinstance(item, RoundEnd) and item.failure is not None:
                return None
    return _plain_title("".join(texts))


def _plain_title(reply: str) -> str | None:
    """The first line of a reply as a title, without the marks that models put around one."""
    lines = [line.strip() for line in reply.strip().splitlines() if line.strip()]
    if not lines:
        return None
    words = re.sub(r"^(?:#+\s*|title:\s*)", "", lines[0], flags=re.IGNORECASE)
    words = " ".join(words.strip(" \t\"'*_`“”«»").rstrip(".").split())
    return _shortened(words) if words else None


def _shortened(words: str) -> str:
    if len(words) <= LONGEST:
        return words
    cut = words[: LONGEST - 1]
    return f"{cut.rsplit(' ', 1)[0] if ' ' in cut[LONGEST // 2 :] else cut}…"
