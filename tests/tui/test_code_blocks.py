"""The blocks of code of a text."""

from __future__ import annotations

import pytest

from chatterm.render.code_blocks import code_blocks
from chatterm.render.lines import line_text
from chatterm.render.markdown import render


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        ("no code, `not even` this", []),
        ("```python\na = 1\n```\ntext\n~~~\nb\n\nc\n~~~\n", [("python", "a = 1"), ("", "b\n\nc")]),
        ("``` sh  title=x\nls\n```", [("sh", "ls")]),
        ("```{.python}\na\n```", [("python", "a")]),
        ("- item\n\n  ```c\n  int a;\n    int b;\n  ```\n", [("c", "int a;\n  int b;")]),
        ("> 1. > ```js\n>    > f()\n>    > ```\n", [("js", "f()")]),
        ("````md\n```\ninner\n```\n````", [("md", "```\ninner\n```")]),
        ("```rust\nfn main() {", [("rust", "fn main() {")]),
        ("> ```py\n> a\nafter", [("py", "a")]),
        ("```\n```", [("", "")]),
        ("    indented, not fenced\n", []),
        ("```make\nall:\n\tcc\n\n```", [("make", "all:\n\tcc\n")]),
    ],
)
def test_fences_are_found_wherever_they_are(text: str, blocks: list[tuple[str, str]]) -> None:
    assert code_blocks(text) == blocks


def test_what_a_terminal_would_obey_is_left_out() -> None:
    assert code_blocks("```s\x1b[31mh\nls\x1b]0;x\x07 \u202e\t\x9b2J\r\nid\n```") == [
        ("sh", "ls ⟨U+202E⟩\t\nid")
    ]


def test_a_block_has_a_language_where_it_has_a_label_on_the_screen() -> None:
    infos = ["python", "{.r}", "{r, echo=FALSE}", "c++ x", "", "{}", "a,b"]
    text = "".join(f"```{info}\nx\n```\n\n" for info in infos)
    labels = [
        line_text(line) for line in render(text, 80) if any("code.label" in s.style for s in line)
    ]
    assert [info for info, _ in code_blocks(text) if info] == labels
