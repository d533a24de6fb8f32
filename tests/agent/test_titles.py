"""Titles: from the first message at once, better ones from the model."""

from __future__ import annotations

import pytest

from chatterm.agent.titles import LONGEST, improved_title, title_of
from chatterm.providers.demo import DemoProvider
from chatterm.providers.script import parse
from chatterm.steps import Attachment, Status, TextStep, Turn, UserInput


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("why is the sky blue?", "why is the sky blue?"),
        ("\n\n# A heading\nmore", "A heading"),
        ("  spaced   out  ", "spaced out"),
        ("<stdin>\nline one\n</stdin>", "line one"),
        ("", "untitled"),
        ("word " * 40, "word " * 10 + "word…"),
        ("x" * 200, "x" * (LONGEST - 1) + "…"),
    ],
)
def test_a_title_is_the_first_line_that_says_something(text: str, title: str) -> None:
    assert title_of(UserInput(text)) == title


def test_files_alone_are_named() -> None:
    assert title_of(UserInput("", (Attachment("a.png", "image/png", 1, "0"),))) == "a.png"


TURN = Turn(
    "t",
    UserInput("why?"),
    "p/m",
    (TextStep(id="t.0", index=0, round=0, status=Status.DONE, text="because"),),
)


@pytest.mark.parametrize(
    ("script", "title"),
    [
        ('text: "Blue sky."', "Blue sky"),
        ("text:\n  # Title: Blue sky\n  more", "Title: Blue sky"),
        ("text: **Blue sky**", "Blue sky"),
        ("think: hm\ntext: Blue sky", "Blue sky"),
        ("text: ...", None),
        ("refuse: no", None),
        ("fail server: broken", None),
        ("text: begun\ncut", None),
    ],
)
async def test_a_model_is_asked_once_and_its_words_are_trimmed(
    script: str, title: str | None
) -> None:
    provider = DemoProvider("p", parse(script), pace=0)
    assert await improved_title(provider, "m", TURN) == title
