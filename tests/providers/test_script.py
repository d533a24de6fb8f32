"""The script language: what can be written, and what is said of a mistake."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatterm.errors import ConfigError, ErrorKind, Failure
from chatterm.providers.script import Branch, End, Pace, Script, Wait, Write, parse
from chatterm.steps import (
    Citation,
    FinishReason,
    NoticeStep,
    Outcome,
    RefusalStep,
    TextStep,
    ThinkingStep,
    ToolCallStep,
    ToolResultStep,
    Usage,
)


def commands(text: str):
    (only,) = parse(text).rounds
    return only


def complaint(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        parse(text, "a.demo")
    return caught.value.message


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("pace 3", Pace(3, 0)),
        ("pace 3 60.5", Pace(3, 60.5)),
        ("pace 0", Pace(0, 0)),
        ("think: Well.", Write(ThinkingStep, "Well.", {"summary": False})),
        ("think summary: Well.", Write(ThinkingStep, "Well.", {"summary": True})),
        ("text: Yes.", Write(TextStep, "Yes.")),
        ("text: Note: well.", Write(TextStep, "Note: well.")),
        ("text final_answer: Yes.", Write(TextStep, "Yes.", {"phase": "final_answer"})),
        ("text:", Write(TextStep, "")),
        ("echo", Write(TextStep, None)),
        ("call now", Write(ToolCallStep, "", {"name": "now"})),
        ('call ls: {"a": 1}', Write(ToolCallStep, '{"a": 1}', {"name": "ls"})),
        ("call ls: {", Write(ToolCallStep, "{", {"name": "ls"})),
        ("hosted find: {}", Write(ToolCallStep, "{}", {"name": "find", "hosted": True})),
        ("refuse: No.", Write(RefusalStep, "No.")),
        ("notice retry: Again.", Write(NoticeStep, "Again.", {"reason": "retry"})),
        ("usage output=7", Usage(output=7)),
        ("usage input=1 output=2 cost_usd=0.5", Usage(input=1, output=2, cost_usd=0.5)),
        ("wait 1.5", Wait(1.5)),
        ("finish length", End(FinishReason.LENGTH)),
        ("finish length max_tokens", End(FinishReason.LENGTH, "max_tokens")),
        ("cut", End(FinishReason.ERROR)),
    ],
)
def test_each_command_is_one_line(line, command):
    assert commands(line) == (command,)


def test_a_failure_is_retryable_as_its_kind_is_unless_the_script_says_otherwise():
    def failure(line: str) -> Failure:
        (command,) = commands(line)
        return command.failure

    assert failure("fail overloaded status=529 request_id=r1: Busy.") == Failure(
        ErrorKind.OVERLOADED, "Busy.", 529, "r1", retryable=True
    )
    assert failure("fail quota: No credit.") == Failure(ErrorKind.QUOTA, "No credit.")
    assert not failure("fail network retryable=no: Gone.").retryable
    assert failure("fail quota retryable=yes: Soon.").retryable


def test_text_below_a_colon_is_taken_as_it_is():
    script = (
        "text:\n"
        "  # A heading, no comment\n"
        "  \n"
        "\n"
        "  ```python\n"
        "    if True:\n"
        "  text: no command\n"
        "  ```  \n"
        "\n"
        "# a comment\n"
        "wait 1\n"
    )
    text = "# A heading, no comment\n\n\n```python\n  if True:\ntext: no command\n```  "
    assert commands(script) == (Write(TextStep, text), Wait(1))


def test_windows_line_ends_and_a_byte_order_mark_do_no_harm():
    assert commands("\ufefftext:\r\n  a\r\n  b\r\n") == (Write(TextStep, "a\nb"),)


def test_only_line_feeds_end_a_line():
    assert commands("text: a\u2028b\x0bc") == (Write(TextStep, "a\u2028b\x0bc"),)


def test_rounds_answer_successive_model_calls():
    assert parse("wait 1\nround\n\nround\nwait 3").rounds == ((Wait(1),), (), (Wait(3),))


def test_an_empty_script_has_one_empty_round():
    assert parse("") == Script(((),))


def test_citations_results_and_more_belong_to_the_step_before():
    assert commands("text: See.\nwait 1\ncite https://a.example: A\nmore: [1]\ncite b:c") == (
        Write(TextStep, "See."),
        Wait(1),
        Citation("A", "https://a.example"),
        Write(None, "[1]"),
        Citation("", "b:c"),
    )
    assert commands("hosted find\nresult failed: No.")[1] == Write(
        ToolResultStep, "No.", {"ok": False}
    )


def test_a_choice_has_a_branch_for_each_condition():
    script = "when tool ls\nwait 1\nwhen result denied\nwait 2\notherwise\nwait 3\nend\nwait 4"
    assert commands(script) == (
        (
            Branch("ls", None, (Wait(1),)),
            Branch(None, Outcome.DENIED, (Wait(2),)),
            Branch(None, None, (Wait(3),)),
        ),
        Wait(4),
    )


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("tell: me", "a.demo:1: `tell`: expected a command here, one of call, cite, cut,"),
        ("\n# x\nwait soon", "a.demo:3: `wait`: expected `wait SECONDS`"),
        ("wait 1: s", "`wait SECONDS`"),
        ("wait -1", "`wait SECONDS`"),
        ("wait nan", "`wait SECONDS`"),
        ("text", "`text [commentary|final_answer]: TEXT`"),
        ("text aside: a", "`text [commentary|final_answer]: TEXT`"),
        ("call: {}", "`call NAME[: ARGUMENTS]`"),
        ("usage tokens=1", "`usage NAME=COUNT ...`"),
        ("usage input=1.5", "`usage NAME=COUNT ...`"),
        ("usage input=１", "`usage NAME=COUNT ...`"),
        ("finish error", "`finish stop|length|content_filter|refusal [WORD]`"),
        ("fail badly: a", "`fail key_missing|key_rejected|"),
        ("  text: a", "a.demo:1: `text`: expected no indent"),
        ("text: a\n  b", "a.demo:2: `b`: expected no indent"),
        (": a", "a.demo:1: `:`: expected a command here"),
        ("more: a", "expected a step before it"),
        ("cite a", "expected a text before it"),
        ("think: a\ncite b", "a.demo:2: `cite`: expected a text before it"),
        ("result: a", "expected a hosted call before it"),
        ("call ls\nresult: a", "a.demo:2: `result`: expected a hosted call before it"),
        ("cut\nwait 1", "a.demo:2: `wait`: expected `round` before it"),
        ("round again", "`round`: expected nothing behind it"),
        ("end", "expected a command here"),
        ("when ls\nend", "`when`: expected `when tool NAME` or `when result done|failed|denied"),
        ("when result perhaps\nend", "expected `when tool NAME` or"),
        ("wait 1\nwhen tool ls", "a.demo:2: `when`: expected an `end` to it in the same round"),
        ("when tool ls\nround\nend", "a.demo:1: `when`: expected an `end` to it"),
        ("when tool ls\notherwise\notherwise\nend", "a.demo:3: `otherwise`: expected `end`"),
        ("when tool ls\ntext: a\nend\nmore: b", "a.demo:4: `more`: expected a step before it"),
    ],
)
def test_an_error_names_the_line_and_what_was_expected(script, message):
    assert message in complaint(script)


_VOCABULARY = """
pace think text echo more cite call hosted result refuse notice usage wait finish fail cut round
when otherwise end tool done summary length quota input=1 status=500 retryable=no 1 0.5
9999999999999999999999 : :x ls # {} ٣
"""
_WORDS = st.sampled_from(_VOCABULARY.split())
_LINES = st.lists(_WORDS, max_size=5).map(" ".join)
_SCRIPTS = st.lists(st.tuples(st.sampled_from(["", "", "  ", "\t"]), _LINES).map("".join)).map(
    "\n".join
)


@given(_SCRIPTS | st.text(st.characters(codec=None)))
def test_whatever_is_read_gives_a_script_or_a_config_error(text):
    try:
        script = parse(text, "any")
    except ConfigError as error:
        assert error.message.startswith("any:")  # noqa: PT017 - either is right
    else:
        assert script.rounds
