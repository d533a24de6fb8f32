"""What of a turn is its answer, and its forms."""

from __future__ import annotations

import pytest

from chatterm.oneshot.answer import answer_text, citations, first_code_block, json_in_reply, misfit
from chatterm.steps import Citation, RefusalStep, Status, TextStep, ThinkingStep


def text(words: str, **fields) -> TextStep:
    return TextStep(id="s", index=0, round=0, status=Status.DONE, text=words, **fields)


def test_texts_and_refusals_are_paragraphs_of_the_answer() -> None:
    refusal = RefusalStep(id="s", index=1, round=0, text="no more")
    assert answer_text([text("one"), refusal]) == "one\n\nno more"


def test_thinking_commentary_and_withdrawn_text_are_not_part_of_it() -> None:
    steps = [
        ThinkingStep(id="s", index=0, round=0, text="hm"),
        text("looking it up", phase="commentary"),
        text("taken back", withdrawn=True),
        text("the answer", phase="final_answer"),
    ]
    assert answer_text(steps) == "the answer"


def test_each_source_is_named_once() -> None:
    one, two = Citation("One", "https://one.example", 0, 3), Citation("file.txt", "")
    steps = [text("a", citations=(one, two)), text("b", citations=(Citation("", one.url), two))]
    assert citations(steps) == [one, two]


@pytest.mark.parametrize(
    ("reply", "block"),
    [
        ("Run:\n\n```sh\nls\n```\n\nor\n\n```\nother\n```", "ls\n"),
        ("~~~~\n```\ninner\n```\n~~~~", "```\ninner\n```\n"),
        ("1. do\n\n   ```sh\n   ls -l\n   ```", "ls -l\n"),
        ("cut off:\n```python\nx = 1", "x = 1"),
        ("only `inline` code", None),
    ],
)
def test_the_first_code_block(reply: str, block: str | None) -> None:
    assert first_code_block(reply) == block


@pytest.mark.parametrize(
    "reply",
    [
        '{"a": 1}',
        '\n {"a": 1} \n',
        '```json\n{"a": 1}\n```',
        'Here it is:\n```\n{"a": 1}\n```\nAnything else?',
        'Sure: {"a": 1}',
    ],
)
def test_json_is_found_in_a_reply(reply: str) -> None:
    assert json_in_reply(reply) == ({"a": 1}, '{"a": 1}')


@pytest.mark.parametrize("reply", ["", "no", '{"a": ', "[" * 100_000])
def test_a_reply_without_json_says_what_is_wrong(reply: str) -> None:
    with pytest.raises(ValueError, match=r"not JSON|empty"):
        json_in_reply(reply)


def test_a_misfit_names_the_place() -> None:
    schema = {"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]}
    assert misfit({"age": 3}, schema) is None
    assert misfit({"age": "three"}, schema) == "at $.age: 'three' is not of type 'integer'"
    assert "'age' is a required property" in (misfit({}, schema) or "")
