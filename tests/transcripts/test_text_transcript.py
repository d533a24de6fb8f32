"""The plain text transcript: nothing but text, whatever is in it."""

from __future__ import annotations

import pytest
from hypothesis import given

from chatterm.render.sanitize import sanitize
from chatterm.steps import (
    Citation,
    NoticeStep,
    RefusalStep,
    TextStep,
    ThinkingStep,
    ToolCallStep,
    ToolResultStep,
)
from chatterm.transcripts import to_html, to_markdown, to_text
from transcripts.samples import (
    PNG,
    any_text,
    attachment,
    conversation,
    hostile_conversation,
    hostile_turn,
    step,
    turn,
)


def test_a_whole_turn() -> None:
    recorded = turn(
        step(ThinkingStep, text="let me see\n\nyes", summary=True),
        step(ToolCallStep, call_id="a", name="shell", arguments='{"c":1}', input={"c": 1}),
        step(ToolResultStep, call_id="a", name="shell", content="a\tb", exit_code=0),
        step(TextStep, text="It **hangs**.", citations=(Citation("Docs", "https://a.b/"),)),
        step(RefusalStep, text="no more"),
        text="Why?",
        attachments=(attachment(PNG),),
    )
    rule = "─" * 72
    assert (
        to_text(conversation(), [recorded])
        == f"""\
Why it hangs
conversation: c0ffee
begun: 2026-03-04 05:06 UTC
directory: /home/u/project

{rule}

1. You · 2026-03-04 05:06 UTC

Why?

attached: a.png (image/png, 72 bytes)

openai/gpt-5:

[thinking, summarised]
│ let me see
│
│ yes

[shell]
│ {{
│   "c": 1
│ }}

[result, exit status 0]
│ a       b

It **hangs**.

sources:
  1. Docs  https://a.b/

[declined]
│ no more
"""
    )


def test_long_lines_are_not_wrapped() -> None:
    text = "word " * 500 + "end"
    assert text in to_text(conversation(), [turn(step(TextStep, text=text))])


@pytest.mark.parametrize(
    "text",
    ["\x1b[2J\x1b]52;c;aGk=\x07", "\x9b31m", "a\rb", "\u202e", "\ud83d", "\x1b]0;open", "\t"],
)
def test_hostile_text_is_sanitised_in_every_field(text: str) -> None:
    written = to_text(hostile_conversation(text), [hostile_turn(text)])
    assert sanitize(written) == written
    assert not {"\x1b", "\r", "\t", "\x07", "\x9b"} & set(written)


@given(any_text)
def test_any_text_is_sanitised_in_every_field(text: str) -> None:
    written = to_text(hostile_conversation(text), [hostile_turn(text)])
    assert sanitize(written) == written
    written.encode("utf-8")


@pytest.mark.parametrize("to_words", [to_text, to_markdown, to_html])
def test_a_turn_without_words_of_the_user_is_not_said_to_be_theirs(to_words) -> None:
    notice = step(NoticeStep, reason="compacted", text="so")
    made = to_words(conversation(), [turn(notice, text="")])
    assert "You" not in made
    assert "chatterm" in made
    assert "You" in to_words(conversation(), [turn(notice, text="a question")])
