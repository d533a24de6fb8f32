"""What streaming Markdown must look like, and that it doesn't matter how it arrives."""

from __future__ import annotations

import random
import subprocess
import sys

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from chatterm.render.lines import ROLES, Span, line_cells, line_text
from chatterm.render.markdown import ASCII_MARKS, MarkdownStream, Update, references, render
from chatterm.render.markdown_parse import Parser

PIECES = [
    "a", "foo", "word ", "**b**", "*", "**", "_", "`", "``", "```", "```py\n", "~~~", "- ", "-",
    "+ ", "1. ", "2. ", "10) ", "> ", ">", "\n", "\n", "\n\n", "  ", "    ", " ", "#", "# ", "===",
    "---", "- - -", "| a | b |\n|---|:-:|\n", "| 1 | 2 |\n", "a | b", "\n--|--\n", "[x](http://y)",
    "[r]", "\n[r]: http://z.y\n", '[r]: /u "t', '"t"\n', "<div>", "</div>", "<!--", "-->",
    '<a href="x">', "\\", "\\(x\\)", "$a$", "$$", "&amp;", "\u65e5\u672c\u8a9e", "e\u0301",
    "\U0001f469\u200d\U0001f467", "[ ] ", "[x] ", "![i](u)", "\t", "~~s~~", "'''", "/* c", "*/",
    "\n[^1]: f", "\r\n", "\x1b[1m", "\u2028",
]  # fmt: skip
LONG_PIECES = [
    "lorem ipsum " * 60, "a" * 700, "x" * 1100, "*em* `code` " * 50, "\u65e5\u672c" * 400,
    " " * 600, "| a " * 300, "= " * 3, "=" * 1200, "- " * 700, "line of text\n" * 120,
]  # fmt: skip
DOCUMENTS = st.lists(st.sampled_from(PIECES), max_size=40).map("".join)
LONG_DOCUMENTS = st.lists(st.sampled_from(PIECES + 4 * LONG_PIECES), max_size=25).map("".join)
WIDTHS = st.sampled_from([10, 17, 40, 80, 300])


LANGUAGES = ["python", "html", "yaml", "json", "bash", "diff", "rust", "php", "pycon", "md"]


def texts(lines):
    return [line_text(line) for line in lines]


def shown(text, width=80, **options):
    return texts(render(text, width, **options))


def streamed(text, width, sizes):
    stream = MarkdownStream(width)
    frozen, position = [], 0
    while position < len(text):
        size = sizes()
        stream.feed(text[position : position + size])
        position += size
        update = stream.flush()
        assert all(line_cells(line) <= width for line in update.tail)
        frozen += update.frozen
    last = stream.finish()
    assert last.tail == []
    return frozen + last.frozen


# -- the same however it arrives


@settings(deadline=None, max_examples=200)
@given(text=DOCUMENTS, width=WIDTHS, most=st.sampled_from([1, 3, 30]), seed=st.integers())
@example("- b\n  1. c\n  10. d\n-\n\nz\n", 40, 1, 0)
@example("~~~a | b\n| a | b |\n|---|:-:|\n", 10, 1, 0)
@example("<!--\n", 40, 1, 0)
@example("-\n-\n  w", 40, 1, 0)
@example("+ b\n\n  ```\n  v", 40, 1, 0)
@example("1.\n\n\n0.", 40, 1, 0)
@example('[foo]: /u\n"a title\nthat\ngoes on"\n', 40, 1, 0)
@example("> a\n\n> b\n", 40, 1, 0)
@example("    a\n\n\n\n    b\n\n\nc", 40, 1, 0)
def test_any_division_gives_the_same_lines(text, width, most, seed):
    choice = random.Random(seed)
    assert streamed(text, width, lambda: choice.randint(1, most)) == render(text, width)


@settings(deadline=None, max_examples=60)
@given(text=LONG_DOCUMENTS, width=WIDTHS, seed=st.integers())
@example("x" * 3000 + "\n===\n", 80, 0)
@example("lorem ipsum " * 300 + "a | b\n--|--\n1 | 2\n", 80, 0)
@example("1. +\n1.     " + "w " * 700, 80, 0)
@example("> - " + "*em* `code` " * 300 + "\nlazy", 80, 0)
def test_any_division_of_a_long_text_gives_the_same_lines(text, width, seed):
    choice = random.Random(seed)
    assert streamed(text, width, lambda: choice.randint(1, 900)) == render(text, width)


@settings(deadline=None, max_examples=60)
@given(text=st.text(max_size=300), width=WIDTHS)
def test_any_text_can_be_rendered(text, width):
    assert streamed(text, width, lambda: 7) == render(text, width)


@settings(deadline=None, max_examples=100)
@given(text=LONG_DOCUMENTS, width=WIDTHS)
def test_no_line_is_wider_than_the_screen(text, width):
    for line in render(text, width):
        assert line_cells(line) <= width
        assert all(set(span.style) <= set(ROLES) for span in line)
        assert not any(set(span.text) & set("\n\r\t\x1b") for span in line)


@settings(deadline=None, max_examples=150)
@given(text=DOCUMENTS)
def test_all_that_markdown_shows_is_shown_in_order(text):
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    wanted = []
    for token in parser.parse(text):
        for part in token.children or [token]:
            if part.type in ("softbreak", "hardbreak", "inline"):
                continue
            wanted += part.content
    rendered = iter("".join(shown(text, 300)).casefold())
    missing = [c for c in "".join(wanted).casefold() if c.isalnum() and c not in rendered]
    assert missing == []


def test_the_tail_is_replaced_and_frozen_lines_are_not_repeated():
    stream = MarkdownStream(40)
    stream.feed("one\n\ntw")
    first = stream.flush()
    assert texts(first.frozen) == ["one"]
    assert texts(first.tail) == ["", "tw"]
    stream.feed("o\n\nthree")
    second = stream.flush()
    assert texts(second.frozen) == ["", "two"]
    assert texts(second.tail) == ["", "three"]
    assert stream.flush() == Update([], second.tail)
    assert texts(stream.finish().frozen) == ["", "three"]


def test_a_change_of_width_holds_for_what_follows():
    stream = MarkdownStream(40)
    stream.feed("a line of a paragraph\n\nanother one that goes on")
    assert texts(stream.flush().frozen) == ["a line of a paragraph"]
    stream.width = 12
    assert texts(stream.flush().tail) == ["", "another one", "that goes on"]


# -- finer than blocks


@pytest.mark.parametrize(
    ("text", "frozen"),
    [
        ("```python\na = 1\nb = ", ["python", "  a = 1"]),
        ("    a\n    b\n    ", ["  a", "  b"]),
        ("<div>\n<p>\n<", ["<div>", "<p>"]),
        ("- a\n- b\n- c\n", ["\u2022 a", "\u2022 b"]),
        ("1. a\n   - b\n   - c\n   - d\n", ["1. a", "   \u2022 b", "   \u2022 c"]),
        ("> a\n>\n> ```\n> x\n> y\n", ["\u2502 a", "\u2502", "\u2502   x", "\u2502   y"]),
    ],
)  # fmt: skip
def test_what_is_finished_inside_a_block_is_frozen(text, frozen):
    stream = MarkdownStream(80)
    stream.feed(text)
    assert texts(stream.flush().frozen) == frozen


def test_the_rows_of_a_long_table_are_frozen_as_they_come():
    stream = MarkdownStream(80)
    stream.feed("| a | b |\n|---|---|\n" + "".join(f"| {i} | x |\n" for i in range(20)) + "| 2")
    update = stream.flush()
    assert texts(update.frozen)[:3] == ["a   b", "\u2500\u2500  \u2500\u2500", "0   x"]
    assert texts(update.frozen)[-1] == "19  x"
    assert texts(update.tail) == ["2"]


def test_the_lines_of_a_long_paragraph_are_frozen_before_its_end():
    text = "some words of prose " * 300
    stream = MarkdownStream(80)
    stream.feed(text)
    update = stream.flush()
    assert len(update.frozen) > 50
    assert len(update.tail) < 25
    assert " ".join(texts(update.frozen + update.tail)) == text.strip()


# -- what blocks look like


def test_blocks_stand_one_empty_line_apart():
    assert shown("# Title\ntext\n***\nmore\n\n\n\n- item") == [
        "Title", "", "text", "", "\u2500" * 80, "", "more", "", "\u2022 item",
    ]  # fmt: skip


def test_prose_stops_at_a_hundred_columns_and_code_does_not():
    assert max(len(line) for line in shown("word " * 100, 300)) <= 100
    assert shown("```\n" + "x" * 250 + "\n```", 300) == ["  " + "x" * 250]


def test_lists_are_as_loose_as_they_are_written():
    assert shown("- a\n- b\n\n- c\n\n  more\n  - d") == [
        "\u2022 a", "\u2022 b", "", "\u2022 c", "", "  more", "  \u2022 d",
    ]  # fmt: skip


def test_ordered_items_are_counted():
    assert shown("9. a\n1. b\n7. c") == ["9. a", "10. b", "11. c"]
    assert shown("1) a\n   * b") == ["1) a", "   \u2022 b"]


def test_tasks_show_their_box_for_a_bullet():
    assert shown("- [x] done\n- [ ] open\n- [z] text") == [
        "[x] done",
        "[ ] open",
        "\u2022 [z] text",
    ]


def test_quotes_have_a_bar():
    assert shown("> a\n>\n> > b\n\n> c") == [
        "\u2502 a",
        "\u2502",
        "\u2502 \u2502 b",
        "",
        "\u2502 c",
    ]


def test_ascii_marks():
    assert shown("> - a\n\n---", 10, marks=ASCII_MARKS) == ["| - a", "", "-" * 10]


def test_code_is_indented_under_its_language():
    assert shown("```python title=x\ndef f():\n\n    pass\n\n```\n") == [
        "python", "  def f():", "", "      pass",
    ]  # fmt: skip
    assert shown("~~~\nplain\n~~~") == ["  plain"]


def test_code_is_coloured_and_keeps_its_state_from_line_to_line():
    lines = render('```python\n"""a\nb"""\nreturn 1\n```', 80)
    assert lines[1][-1] == Span('"""a', ("code.string",))
    assert lines[2][-1] == Span('b"""', ("code.string",))
    assert Span("return", ("code.keyword",)) in lines[3]
    assert Span("1", ("code.number",)) in lines[3]


@pytest.mark.parametrize("language", ["js", "c", "css", "java"])
def test_comments_over_several_lines_are_comments(language):
    lines = render(f"```{language}\n/* a\nb */ x\n```", 80)
    assert lines[1][-1] == Span("/* a", ("code.comment",))
    assert lines[2][1] == Span("b */", ("code.comment",))


def test_an_unknown_language_is_plain_code():
    assert render("```nosuch\nx\n```", 80)[1] == (
        Span("  ", ("code.row",)),
        Span("x", ("code.text",)),
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_lexer_changes_code(language):
    code = ["<?php $x = 'a", "b: - |", '  {"k": [1, 2}', ">>> f(x) # \u65e5", "EOF << 'q", "\\"]
    text = f"```{language}\n" + "\n".join(code) + "\n```\n"
    assert shown(text)[1:] == [f"  {line}" for line in code]


def test_a_table_that_fits():
    assert shown("| a | bb | c |\n|:--|--:|:-:|\n| one | 2 | *x* |\n| 1 | 345 | long |") == [
        "a     bb   c",
        "\u2500\u2500\u2500  \u2500\u2500\u2500  \u2500\u2500\u2500\u2500",
        "one    2   x",
        "1    345  long",
    ]


def test_a_table_that_does_not_fit_is_wrapped_in_its_cells():
    lines = shown("| key | value |\n|---|---|\n| a | " + "many words " * 6 + "|\n", 30)
    assert lines[2].startswith("a    many words")
    assert lines[3].startswith("     many words")


def test_a_table_without_room_for_columns_is_a_list_of_records():
    text = "| first | second | third |\n|---|---|---|\n| 1 | 2 | 3 |\n| 4 | 5 | 6 |\n"
    assert shown(text, 16) == [
        "first: 1", "second: 2", "third: 3", "", "first: 4", "second: 5", "third: 6",
    ]  # fmt: skip


def test_a_deeply_nested_text_is_shown_whole():
    text = "> " * 200 + "deep\n" + "\n" + "- " * 200 + "a\n"
    joined = "".join(shown(text, 40))
    assert "deep" in joined
    assert joined.endswith("a")


# -- the text in them


def test_links_show_where_they_lead():
    assert shown("[text](http://a.b/c) <https://x.y> <me@x.y>") == [
        "text (http://a.b/c) https://x.y me@x.y"
    ]
    assert shown("[https://good.example](https://evil.example)") == [
        "https://good.example (https://evil.example)"
    ]


def test_a_host_that_is_not_ascii_is_shown_in_punycode():
    assert "https://xn--" in shown("[bank](https://b\u0430nk.example)")[0]


def test_only_web_and_mail_addresses_are_links():
    roles = {
        role for line in render("[a](ftp://x) [b](src/b.py)", 80) for s in line for role in s.style
    }
    assert "link" not in roles
    assert shown("[a](javascript:alert(1))") == ["[a](javascript:alert(1))"]


def test_images_are_words():
    assert shown("![a *cat*](http://x/y.png)") == ["[image: a cat] http://x/y.png"]


def test_html_is_text():
    assert shown("a <b>c</b> &lt;\n\n<div>\n [/] </div>") == [
        "a <b>c</b> <",
        "",
        "<div>",
        " [/] </div>",
    ]


def test_maths_are_left_as_they_are():
    assert shown("$a_1*b*c_2$ and \\(x_1\\)\n\n$$\n\\frac{1}{2}\n$$") == [
        "$a_1*b*c_2$ and \\(x_1\\)", "", "$$", "\\frac{1}{2}", "$$",
    ]  # fmt: skip
    assert shown("it costs $5 or *$6*") == ["it costs $5 or $6"]


def test_footnotes_stand_out_where_they_are_named_and_where_they_are_told():
    assert shown("so[^1]\n\n[^1]: http://a\n[^2]: b c") == [
        "so[1]",
        "",
        "[1] http://a",
        "[2] b c",
    ]


def test_hard_breaks_break_and_soft_ones_do_not():
    assert shown("a\nb  \nc\\\nd") == ["a b", "c", "d"]


def test_definitions_are_shown_and_resolve_what_follows():
    text = "[a][r]\n\n[r]: http://x.y\n\n[b][r]"
    assert shown(text) == ["[a][r]", "", "[r]: http://x.y", "", "b (http://x.y)"]
    assert shown(text, references=references(text))[0] == "a (http://x.y)"


def test_styles_combine():
    (line,) = render("**a *b `c`*** ~~d~~", 80)
    assert Span("b ", ("strong", "emphasis")) in line
    assert Span("c", ("strong", "emphasis", "code")) in line
    assert Span("d", ("strike",)) in line


# -- what it costs


def _prose(words):
    choice = random.Random(1)
    return " ".join(choice.choice(["the", "`code`", "**strong**", "parser"]) for _ in range(words))


COSTLY = {
    "answer": ("## Title\n\n" + _prose(80) + "\n\n- a\n- b\n\n```python\nx = 1\n```\n\n") * 60,
    "fence": "```python\n" + "    x = f(1)\n" * 5000 + "```\n",
    "list": "".join(f"- item {i}\n" for i in range(2000)),
    "nested list": "".join("  " * min(i, 38) + f"- item {i}\n" for i in range(400)),
    "table": "| a | b |\n|---|---|\n" + "| one | two |\n" * 500,
    "paragraph": _prose(30000)[:200_000],
    "word": "a" * 200_000,
    "lines": (_prose(12) + "\n") * 1500,
    "line of code": "```\n" + "x" * 100_000 + "\n",
    "empty lines": "a\n" + "\n" * 20_000,
    "empty lines in code": "    a\n" + "\n" * 20_000 + "    b\n",
    "empty quote": ">\n" * 10_000,
    "quote": "> text\n> ```\n" + "> code\n" * 3000,
    "definitions": "".join(f"[a{i}]: http://x.y/{i}\n" for i in range(1000)),
    "html": "<div>\n" + "<p>text</p>\n" * 2000,
}


@pytest.mark.parametrize("name", COSTLY)
def test_parsing_is_linear_in_the_text(name):
    text = COSTLY[name]
    parser = Parser()
    stream = MarkdownStream(80, parser=parser)
    for position in range(0, len(text), 400):
        stream.feed(text[position : position + 400])
        stream.flush()
    stream.finish()
    assert parser.characters < 10 * len(text)


def test_rendering_needs_no_widgets_and_loads_lexers_late():
    program = (
        "import sys; from chatterm.render.markdown import render; render('# a\\n\\n- b', 80);"
        "print([m for m in ('textual', 'pygments', 'rich.markdown') if m in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"
