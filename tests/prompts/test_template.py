"""Templates: their head, their placeholders, and what is given to them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatterm.config import ConfigFileError
from chatterm.errors import UsageError
from chatterm.prompts.template import Template, Words, parse

TRANSLATE = """\
+++
description = "Translate a text"
system = "You translate."
model = "fast"
effort = "low"
tools = ["read_file"]

[[arguments]]
name = "language"
about = "into which"
[[arguments]]
name = "style"
default = "plain"
[[arguments]]
name = "text"
default = ""
+++

Into {{language}}, {{ style }}:
{{text}}
"""


def read(text: str, *, project: bool = False) -> Template:
    return parse(text, "t", Path("/p/t.md"), project=project)


def filled(text: str, *words: str) -> str:
    return read(text).filled(Words.of(words))


def typed(text: str, line: str) -> str:
    return read(text).filled(Words.typed(line))


def problem(text: str, *, project: bool = False) -> str:
    with pytest.raises(ConfigFileError) as caught:
        read(text, project=project)
    return caught.value.message


# --- the head ---


def test_a_head_says_what_goes_with_the_text() -> None:
    template = read(TRANSLATE)
    head = template.head
    assert (head.description, head.system, head.model, head.effort, head.tools) == (
        "Translate a text",
        "You translate.",
        "fast",
        "low",
        ("read_file",),
    )
    assert template.takes == "LANGUAGE [STYLE] [TEXT]"
    assert template.text == "Into {{language}}, {{ style }}:\n{{text}}"


def test_a_text_alone_is_a_template() -> None:
    template = read("Explain it to me.\n")
    assert (template.text, template.takes, template.needs()) == (
        "Explain it to me.",
        "[TEXT]",
        False,
    )


def test_windows_line_ends_and_a_byte_order_mark_are_no_matter() -> None:
    template = read('\ufeff+++\r\ndescription = "a"\r\n+++\r\nhello {{name}}\r\n')
    assert (template.head.description, template.text) == ("a", "hello {{name}}")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('+++\n\ndescripton = "x"\n+++\nhi', "/p/t.md: line 3: descripton: is not a setting; "),
        ("+++\ndescription = 1\n+++\nhi", "line 2: description: must be a string"),
        ('+++\ntools = ["rm"]\n+++\nhi', "line 2: tools[0]: must be one of shell"),
        ('+++\neffort = "huge"\n+++\nhi', "line 2: effort: must be one of none"),
        ('+++\ndescription = "x\n+++\nhi', "isn't TOML"),
        ('+++\ndescription = "x"\nhi', "line 1: the head that begins with +++ has no +++"),
        ("---\ndescription: x\n---\nhi", "line 1: a template's head is TOML between two lines"),
        ("+++\n+++\n\n", "has neither a text nor a system prompt"),
        ("", "has neither a text nor a system prompt"),
        (
            '+++\n[[arguments]]\nname = "1"\n+++\n{{1}}',
            "line 3: arguments[0].name: must be letters",
        ),
        (
            '+++\n[[arguments]]\nname = "arguments"\n+++\nhi',
            "arguments[0].name: is what stands for",
        ),
        ('+++\n[[arguments]]\nabout = "x"\n+++\nhi', "line 2: arguments[0].name: is missing"),
        (
            '+++\narguments = [{name="a"}, {name="a"}]\n+++\n{{a}}',
            "line 2: arguments[1].name: there are two arguments named a",
        ),
        (
            '+++\narguments = [{name="a", default=""}, {name="b"}]\n+++\n{{a}}{{b}}',
            "arguments[1].name: has no default, and follows a, which has one",
        ),
        (
            '+++\narguments = [{name="topic"}]\n+++\n\n{{topic}}\n{{topik}}',
            "line 6: no argument is",
        ),
        ('+++\narguments = [{name="topic"}]\n+++\n{{topic}}\n{{topik}}', "did you mean topic?"),
        ('+++\narguments = [{name="topic"}]\n+++\nhi', "arguments: topic isn't used in the text"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(text: str, said: str) -> None:
    assert said in problem(text)


@pytest.mark.parametrize("line", ['model = "fast"', 'effort = "max"'])
def test_a_projects_template_does_not_choose_who_is_asked(line: str) -> None:
    said = problem(f"+++\n{line}\n+++\nhi", project=True)
    assert f"line 2: {line.split(maxsplit=1)[0]}: is not for a project's template" in said


# --- placeholders ---


def test_placeholders_take_what_is_given() -> None:
    assert filled(TRANSLATE, "French", "formal", "Good day") == "Into French, formal:\nGood day"
    assert filled(TRANSLATE, "French") == "Into French, plain:\n"


def test_without_a_head_arguments_are_those_of_the_text_in_its_order() -> None:
    template = read("{{b}} {{a}} {{b}} {{arguments}}")
    assert [each.name for each in template.arguments] == ["b", "a"]
    assert template.filled(Words.of(["1", "2", "3", "4"])) == "1 2 1 3 4"


REVIEW = "For {{what}}: {{arguments}}"


def test_all_else_is_what_no_argument_took() -> None:
    assert typed(REVIEW, "what=security mind  it") == "For security: mind  it"
    assert typed(REVIEW, "mind it what=security") == "For security: mind it"
    assert typed(REVIEW, "security mind  it") == "For security: mind  it"
    assert filled(REVIEW, "what=security", "mind the parser") == "For security: mind the parser"
    assert filled(REVIEW, "security") == "For security: "


def test_two_plain_braces_are_written_with_a_backslash() -> None:
    assert filled(r"\{{name}} is {{name}}", "x") == "{{name}} is x"


@pytest.mark.parametrize(
    "text", ["{{ a.b }}", "{{}}", "{{#if}}", "{a}", "{{1}}", "$1 and $ARGUMENTS"]
)
def test_braces_around_anything_but_a_name_stay(text: str) -> None:
    assert filled(text) == text


@given(st.text())
def test_what_is_put_in_is_not_looked_at_again(value: str) -> None:
    assert read("<{{a}}|{{b}}>").filled(Words(["{{b}}", value], "", None)) == f"<{{{{b}}}}|{value}>"


def test_nothing_given_for_all_is_nothing() -> None:
    assert filled("Sum up. {{arguments}}") == "Sum up. "


def test_without_placeholders_what_is_given_follows_the_text() -> None:
    assert filled("Sum up.", "in", "French") == "Sum up.\n\nin French"
    assert filled('+++\nsystem = "You are a pirate."\n+++\n', "hello", "there") == "hello there"


# --- what is given ---


def test_the_last_argument_takes_all_that_is_left() -> None:
    assert filled("{{a}}|{{b}}", "1", "2", "3", "4") == "1|2 3 4"


def test_a_name_gives_an_argument_wherever_it_stands() -> None:
    assert filled(TRANSLATE, "text=Good day", "French", "style=x") == "Into French, x:\nGood day"
    assert filled("{{a}}|{{b}}", "2", "3", "a=1") == "1|2 3"
    assert filled("{{a}}", "x=1", "y=2") == "x=1 y=2"


def test_quotes_keep_words_together() -> None:
    assert typed("{{a}}|{{b}}", '"one two" three') == "one two|three"
    assert typed("{{a}}|{{b}}", r'"say \"hi\"" x') == 'say "hi"|x'
    assert typed("{{a}}|{{b}}", "don't worry be happy") == "don't|worry be happy"


def test_what_is_typed_last_is_taken_as_it_was_written() -> None:
    assert typed("{{a}}|{{b}}", "x  one   two\n\n  three ") == "x|one   two\n\n  three"
    assert typed("{{arguments}}", '  a "b"  c ') == 'a "b"  c'


def test_a_missing_argument_is_named() -> None:
    with pytest.raises(UsageError) as caught:
        filled(TRANSLATE)
    assert caught.value.message == "t needs language (into which)"
    assert caught.value.hint == "it takes LANGUAGE [STYLE] [TEXT]; language=… gives it by its name"


def test_more_than_it_takes_is_told() -> None:
    with pytest.raises(UsageError, match="t takes A, and 'more' is more"):
        filled("{{a}}", "a=1", "more")


@given(st.text())
def test_any_text_can_be_typed(text: str) -> None:
    words = Words.typed(text)
    assert words.text == text.strip()
    assert read("{{arguments}}").filled(words) == text.strip()
    assert read("{{a}}").arguments[0].default is None
