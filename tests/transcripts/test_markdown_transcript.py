"""The Markdown transcript: readable, and a document whose parts stay apart."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from markdown_it import MarkdownIt
from markdown_it.token import Token

from chatterm.errors import ErrorKind, Failure
from chatterm.events import PermissionAnswered, PermissionAsked, TurnFinished
from chatterm.render.sanitize import sanitize
from chatterm.steps import (
    Citation,
    FinishReason,
    NoticeStep,
    Outcome,
    RefusalStep,
    Status,
    TextStep,
    ThinkingStep,
    ToolCallStep,
    ToolResultStep,
    TurnStatus,
    Usage,
)
from chatterm.transcripts import to_markdown
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

HOSTILE = [
    "<script>alert(1)</script>",
    "# heading\n\n---\n\n## another",
    "\x1b[31mred\x1b[0m \x9b2J \x1b]0;title\x07",
    "a\u202egnp.exe",
    "``` ```` `````",
    "[click](javascript:alert(1)) ![x](https://evil.example/x.png)",
    "half \ud83d",
    "",
    "> quoted\n\n- item",
]


def tokens(text: str) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse(text)


def headings(text: str) -> list[str]:
    parsed = tokens(text)
    return [
        parsed[at + 1].content
        for at, token in enumerate(parsed)
        if token.type == "heading_open" and token.level == 0
    ]


def test_a_whole_turn() -> None:
    finished = TurnFinished(
        TurnStatus.COMPLETED,
        FinishReason.STOP,
        "end_turn",
        Usage(1234, 567, 89, 1000, None, 0.01234),
    )
    recorded = turn(
        step(ThinkingStep, text="let me see\n\nyes"),
        step(ToolCallStep, call_id="a", name="shell", arguments='{"c":1}', input={"c": 1}),
        step(ToolResultStep, call_id="a", name="shell", content="gone", ok=False, exit_code=2),
        step(NoticeStep, text="tried again", reason="retry"),
        step(TextStep, text="It **hangs**.", citations=(Citation("Docs", "https://a.b/c d"),)),
        text="Why?",
        attachments=(attachment(PNG),),
        system="Be brief.",
        between=(PermissionAsked("q", "a", "shell", {}), PermissionAnswered("q", "allow")),
        finished=finished,
    )
    assert (
        to_markdown(conversation(), [recorded])
        == """\
# Why it hangs

- conversation: c0ffee
- begun: 2026-03-04 05:06 UTC
- directory: /home/u/project

---

## 1. You

*2026-03-04 05:06 UTC*

> **System**
>
> Be brief.

Why?

Attached:

- a.png (image/png, 72 bytes)

## openai/gpt-5

> **Thinking**
>
> let me see
>
> yes

Tool **shell** (asked: allow):

```json
{
  "c": 1
}
```

Result (failed, exit status 2):

```
gone
```

> **Note**
>
> tried again

It **hangs**.

Sources:

1. [Docs](<https://a.b/c d>)

*1,234 tokens in (1,000 cached), 567 tokens out (89 reasoning), $0.0123*
""".replace("[Docs](<https://a.b/c d>)", "Docs, https://a.b/c d")
    )


@pytest.mark.parametrize("inside", ["```", "````\n```", "a ``` b", "~~~", ""])
def test_a_fence_is_longer_than_any_inside(inside: str) -> None:
    recorded = turn(
        step(ToolCallStep, call_id="a", name="t", arguments=inside),
        step(ToolResultStep, call_id="a", name="t", content=f"{inside}\nend"),
    )
    fences = [each for each in tokens(to_markdown(conversation(), [recorded])) if each.tag]
    contents = [each.content for each in fences if each.type == "fence"]
    assert contents == [f"{inside}\n", f"{inside}\nend\n"]


@pytest.mark.parametrize(
    "cut",
    [
        "```python\nx = 1",
        "text\n\n~~~~\nx",
        "`````\n```\n",
        "<!-- a comment",
        "<script>\nalert(1)",
        "<pre>\n\nx",
        "<?php",
        "<![CDATA[ x",
        "<!DOCTYPE",
        "- item\n\n  ```\n  x",
        "> ```\n> x",
        "1. a\n   - b\n\n     ~~~\n     c",
        "<div>\n<b>",
        "| a |\n|---|\n| b",
        "[a]: https://x\n'open title",
        "    indented",
        "\\",
    ],
)
def test_what_a_text_leaves_open_ends_with_it(cut: str) -> None:
    first = turn(step(TextStep, text=cut), text=cut)
    second = turn(step(TextStep, text="answer"), id="t2", parent="t1", text="second")
    assert headings(to_markdown(conversation(), [first, second])) == [
        "Why it hangs",
        "1. You",
        "openai/gpt-5",
        "2. You",
        "openai/gpt-5",
    ]


@given(any_text)
def test_whatever_a_text_holds_the_next_turn_is_still_one(text: str) -> None:
    turns = [turn(step(TextStep, text=text), text=text), turn(id="t2", parent="t1")]
    assert headings(to_markdown(conversation(), turns))[-2:] == ["2. You", "openai/gpt-5"]


def test_the_text_is_as_it_was_written() -> None:
    text = "# Title\n\n\tcode\twith tabs\n\n* a\n* <b>b</b>\n\n\u00e9\U0001f600"
    assert text in to_markdown(conversation(), [turn(step(TextStep, text=text))])


@pytest.mark.parametrize("text", HOSTILE)
def test_no_control_sequence_and_nothing_unseen_gets_through(text: str) -> None:
    written = to_markdown(hostile_conversation(text), [hostile_turn(text)])
    assert sanitize(written) == written.expandtabs(8)
    written.encode("utf-8")


@pytest.mark.parametrize("text", HOSTILE)
def test_what_belongs_in_one_line_means_nothing_to_markdown(text: str) -> None:
    recorded = turn(text="q", model=text, at=text)
    rendered = MarkdownIt("commonmark").render(to_markdown(hostile_conversation(text), [recorded]))
    assert not re.search(r"<(script|img|a|blockquote|del)\b", rendered)
    assert rendered.count("<h2>") == 2
    assert rendered.count("<h1>") == 1


def test_a_source_with_another_scheme_is_no_link() -> None:
    sources = (
        Citation("a", "javascript:alert(1)"),
        Citation("", "https://b.example/>)x"),
        Citation("c", ""),
        Citation("d", "https://d.example/\u202e"),
    )
    written = to_markdown(conversation(), [turn(step(TextStep, text="x", citations=sources))])
    assert "1. a, javascript:alert(1)\n" in written
    assert "2. [https://b.example/\\>)x](<https://b.example/%3E)x>)\n" in written
    assert "3. c\n" in written
    assert "4. d, https://d.example/⟨U+202E⟩\n" in written


ENDS = [
    (TurnFinished(TurnStatus.INTERRUPTED, FinishReason.INTERRUPTED), "**Interrupted**"),
    (TurnFinished(TurnStatus.INCOMPLETE, FinishReason.LENGTH), "**Cut off at the length limit**"),
    (
        TurnFinished(
            TurnStatus.FAILED,
            FinishReason.ERROR,
            error=Failure(ErrorKind.OVERLOADED, "too busy", hint="wait"),
        ),
        "**Failed: too busy (wait)**",
    ),
    (None, "**Not finished**"),
]


@pytest.mark.parametrize(("finished", "words"), ENDS)
def test_a_turn_that_did_not_come_to_its_end_says_so(
    finished: TurnFinished | None, words: str
) -> None:
    assert f"\n{words}\n" in to_markdown(conversation(), [turn(finished=finished)])


def test_a_step_that_was_cut_off_says_so() -> None:
    recorded = turn(step(ThinkingStep, text="hm", status=Status.INTERRUPTED))
    assert "\n*(interrupted)*\n" in to_markdown(conversation(), [recorded])


def test_withdrawn_and_declined_texts_are_marked() -> None:
    recorded = turn(step(TextStep, text="no\nno", withdrawn=True), step(RefusalStep, text="sorry"))
    written = to_markdown(conversation(), [recorded])
    assert "> **Withdrawn by the provider**\n>\n> no\n> no\n" in written
    assert "> **Declined**\n>\n> sorry\n" in written


def test_calls_stand_with_their_results() -> None:
    recorded = turn(
        step(ToolCallStep, call_id="a", name="one", arguments="1"),
        step(ToolCallStep, call_id="b", name="two", arguments="2"),
        step(ToolCallStep, call_id="c", name="three", arguments="3"),
        step(ToolResultStep, call_id="b", name="two", content="second", truncated=True),
        step(ToolResultStep, call_id="a", name="one", content="first", outcome=Outcome.DENIED),
        step(ToolResultStep, call_id="x", name="lost", content="whose"),
    )
    written = to_markdown(conversation(), [recorded])
    order = ["**one**", "(denied)", "first", "**two**", "(shortened)", "second", "(no result)"]
    places = [written.index(each) for each in [*order, "Result of **lost**"]]
    assert places == sorted(places)


def test_branches_say_where_they_go_on_from() -> None:
    turns = [
        turn(id="t1"),
        turn(id="t2", parent="t1"),
        turn(id="t3", parent="t1"),
        turn(id="t4", parent="gone"),
        turn(id="t5"),
    ]
    written = to_markdown(conversation(), turns)
    assert "UTC · another branch: follows turn 1*" in written
    assert "UTC · follows a turn that isn't shown*" in written
    assert "UTC · another beginning*" in written
    assert "UTC · earlier turns aren't shown*" in to_markdown(conversation(), turns[1:2])
    assert written.count(" · ") == 3
